"""Made-up names for the made-up patients of a simulated clinic."""

import random
from datetime import date, timedelta
from typing import Final

from devicelog.clock import Clock
from devicelog.journal.reader import Reader
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.model.audit import AuditBody
from devicelog.model.flow import Draft
from devicelog.recorder.drafts import NO_CHANNEL, NO_DEVICE
from devicelog.records.keys import Identity, Keyring, identity_change

_BY: Final = "simulated"
_PATIENCE_S: Final = 60.0
_FIRST: Final = (
    "Ada Anton Berta Bruno Carla Cem Dora Elif Emil Fatma Felix Gerda Hanna Hugo "
    "Ida Igor Jana Karl Lena Linus Marta Mehmet Nora Olga Oskar Paula Pavel Rosa "
    "Ruben Sara Theo Ulla Vera Viktor Wanda Xaver Yasmin Zoe "
)
_LAST: Final = (
    "Abel Ahorn Birke Brandt Deniz Eiche Falk Fichte Garten Hagen Hasel Heide Imker "
    "Jansen Kaya Keller Lang Linde Maler Moos Nowak Ofen Petrov Quell Rabe Reuter "
    "Sand Schilf Tanne Ulme Vogt Weide Winter Yilmaz Zander "
)


def named(directory: str, ring: Keyring, writer: Writer, clock: Clock) -> int:
    """Give a name to each patient of this journal who has none; how many got one.

    Only of a simulated journal. The same pseudonym always gets the same name.
    """
    with Reader(directory) as reader:
        if not reader.meta().simulated:
            return 0
        rows = reader.sessions(limit=1_000_000)
        codes = {row.pseudonym for row in rows} - {""}
        nameless = [it for it in codes if reader.secret("identities", it) is None]
    if nameless:
        writer.append([_added(it, ring, clock) for it in sorted(nameless)], _PATIENCE_S)
    return len(nameless)


def _added(code: str, ring: Keyring, clock: Clock) -> Draft:
    dice = random.Random(code)  # noqa: S311  made up, no secret
    who = Identity(
        f"{dice.choice(_FIRST.split())} {dice.choice(_LAST.split())}",
        str(date(1938, 1, 1) + timedelta(days=dice.randrange(70 * 365))),
        f"{dice.randint(1000, 9999)}",
    )
    key, kept = ring.new(code)
    body = AuditBody(event="patient_added", by=_BY, how="simulated")
    return Draft(
        at_ns=clock.wall_ns(),
        device=NO_DEVICE,
        channel=NO_CHANNEL,
        kind="audit",
        subject=code,
        key=f"{_BY}/patient/{code}",
        body=codec.encode(body),
        edge=True,
        changes=(kept, identity_change(key, code, who)),
    )
