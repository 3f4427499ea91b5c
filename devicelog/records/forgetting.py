"""Forgetting a patient: the key goes, and with it all that was sealed under it.

What was recorded of treatments stays, as treatments of nobody. The list of the
forgotten lies beside every backup, sealed against forgery, so that an older journal
that is put back forgets them again.
"""

import hmac
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.audit import Aside, ForgetReason, TombstoneBody
from devicelog.model.flow import Change, Draft, Entry
from devicelog.model.pseudonyms import PseudonymError, parsed
from devicelog.model.said import BindingBody
from devicelog.records.request import Args, Asked, View
from devicelog.records.retention import held

_PAGE: Final = 1000


class Forget(Args, frozen=True, kw_only=True, omit_defaults=True):
    """Forget this patient for good. `again`: by a list, after a restore.

    `aside`: what whoever asks has blanked elsewhere before.
    """

    pseudonym: str
    reason: ForgetReason
    again: bool = False
    aside: Aside = Aside()


class Forgotten(msgspec.Struct, frozen=True):
    """One who was forgotten, when and why."""

    pseudonym: str
    at_ns: int
    reason: ForgetReason


class ForgottenList(msgspec.Struct, frozen=True):
    """The list that lies beside a backup. `mac` is over all the rest."""

    installation: str
    forgotten: tuple[Forgotten, ...]
    mac: str = ""


def forget(view: View, asked: Asked, args: Forget) -> list[Draft]:
    """The sessions become nobody's; a tombstone deletes the keys and the identity."""
    code = _parsed(args.pseudonym) if args.again else view.patient(args.pseudonym)
    if not args.again and (reasons := held(view.journal, code)):
        raise DevicelogError(
            f"{code} is held: {', '.join(sorted(reasons))}",
            hint="`devicelog patients hold --over` ends a hold",
        )
    bound = _all_of(view.journal, code)
    asked.sure([f"{code} is forgotten for good: name, notes, whose sessions they were"])
    body = asked.body(
        TombstoneBody,
        pseudonym=code,
        reason=args.reason,
        sessions=len(bound),
        again=args.again,
        aside=args.aside,
    )
    stone = asked.draft("tombstone", body, code)
    changes = (
        Change("identities", code, None),
        *(Change("keys", it, None) for it in _subjects(view.journal, code)),
    )
    return [msgspec.structs.replace(stone, changes=changes), *_freed(asked, bound)]


def kept(reader: Reader, code: str) -> list[bytes]:
    """What forgetting this patient deletes: wrapped keys, and the sealed identity.

    The patient's own key is the first; empty where the journal has lost it.
    """
    keys = [reader.secret("keys", it) for it in (code, *_subjects(reader, code))]
    if keys[0] is None:
        return []
    found = [*keys, reader.secret("identities", code)]
    return list(dict.fromkeys(it for it in found if it is not None))


def forgotten(reader: Reader) -> list[Forgotten]:
    """All who were, each by the last tombstone."""
    found: dict[str, Forgotten] = {}
    for entry in _entries(reader, "tombstone"):
        body: TombstoneBody = codec.decode(entry.kind, entry.body)
        found[body.pseudonym] = Forgotten(body.pseudonym, entry.at_ns, body.reason)
    return [*found.values()]


def listed(reader: Reader, key: bytes) -> bytes:
    """The list as it is written beside a backup."""
    plain = ForgottenList(reader.meta().installation, tuple(forgotten(reader)))
    return msgspec.json.encode(msgspec.structs.replace(plain, mac=_mac(plain, key)))


def read_list(packed: bytes, key: bytes) -> ForgottenList:
    """The list back. Raises DevicelogError where it is none, or not of this key."""
    try:
        found = msgspec.json.decode(packed, type=ForgottenList)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DevicelogError(f"no list of the forgotten: {error}") from None
    if not hmac.compare_digest(found.mac, _mac(found, key)):
        raise DevicelogError("a list of the forgotten was changed, or is another's")
    return found


def to_forget(reader: Reader, lists: Sequence[ForgottenList]) -> list[Forgotten]:
    """Those on the lists of whom this journal still knows something."""
    wanted = {it.pseudonym: it for found in lists for it in found.forgotten}
    gone = {it.pseudonym for it in forgotten(reader)}
    return [
        it
        for code, it in wanted.items()
        if reader.entries(subject=code, limit=1)
        and (code not in gone or reader.secret("keys", code) is not None)
    ]


# --- Private ----------------------------------------------------------------------


def _all_of(reader: Reader, code: str) -> list[tuple[str, str, str]]:
    """Sessions bound to the patient now: id, device, channel."""
    rows = reader.sessions(pseudonym=code, limit=1_000_000)
    return [(it.session_id, it.device, it.channel) for it in rows]


def _freed(asked: Asked, bound: Sequence[tuple[str, str, str]]) -> Iterator[Draft]:
    """An entry each, so that every sink writes the session anew, as nobody's."""
    for session_id, device, channel in bound:
        body = asked.body(BindingBody, event="forgotten", session_id=session_id)
        yield asked.draft("binding", body, session_id, device=device, channel=channel)


def _subjects(reader: Reader, code: str) -> list[str]:
    """Whose keys go: the patient's, and those of sessions whose notes may name them."""
    return sorted({code, *_ever_bound(reader, code)})


def _ever_bound(reader: Reader, code: str) -> Iterator[str]:
    """Sessions whose notes may name the patient.

    Those that were once bound to the patient; but not what is now another's, for their
    record stands.
    """
    for entry in _entries(reader, "binding"):
        body: BindingBody = codec.decode(entry.kind, entry.body)
        if body.session_id and code in (body.pseudonym, body.was):
            row = reader.session(body.session_id)
            if row is None or row.pseudonym in ("", code):
                yield body.session_id


def _entries(reader: Reader, kind: str) -> Iterator[Entry]:
    after = 0
    while page := reader.entries(after, kind=kind, limit=_PAGE):
        yield from page
        after = page[-1].seq


def _parsed(code: str) -> str:
    try:
        return parsed(code)
    except PseudonymError as error:
        raise DevicelogError(f"that is no pseudonym: {error}") from None


def _mac(plain: ForgottenList, key: bytes) -> str:
    packed = msgspec.json.encode(msgspec.structs.replace(plain, mac=""))
    return hmac.digest(key, packed, "sha256").hex()
