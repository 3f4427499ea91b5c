"""The one pattern of every write that a person asks for.

A rule is a pure function `(view, asked, args) -> drafts`. It looks at the journal and
returns what is to be appended, or raises DevicelogError (what, where, which value, what
to do), or Unconfirmed where it must be sure: the same request with `confirm` repeats
it. Whoever calls the rule appends the drafts as one group under the request's id, so
the repeat of a request finds its first answer (operations/desk).
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec

from devicelog.errors import DevicelogError, Unconfirmed
from devicelog.journal.reader import Reader, SessionRow
from devicelog.model import codec
from devicelog.model.flow import Change, Draft
from devicelog.model.kinds import Kind
from devicelog.model.pseudonyms import PseudonymError, parsed
from devicelog.model.said import How, Said
from devicelog.records.keys import Keyring, Sealer

_SECOND: Final = 1_000_000_000
_NOBODYS: Final = "-"  # what is of no device or channel
# Free text is left out: a digest of a few words would tell them to who guesses.
_NOT_DIGESTED: Final = frozenset({"confirm", "note", "who", "kept", "aside"})
_Body = TypeVar("_Body", bound=Said)

# A short code for one of the staff: no room for the name of a patient.
Clinician = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,16}$")]

# Free text and whose it is (a session or a pseudonym), to bytes under that key.
Seal = Callable[[str, str], bytes]


def unsealed(_: str, __: str) -> bytes:
    """The seal where there are no keys: free text is refused, never kept in clear."""
    raise DevicelogError(
        "a note cannot be kept: this recorder has no keys to seal it with",
        hint="leave the note out",
    )


class Args(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """What a request asks for. `confirm`: what a question said is known, do it."""

    confirm: bool = False


class View(msgspec.Struct, frozen=True):
    """What a rule may look at. `knows` tells whether there is such a patient.

    `changes` gathers what sealing needs to be written: the desk gives them to the first
    of the drafts. Without a `keyring` nobody's name can be read or kept. `sinks`: names
    of those that are configured.
    """

    journal: Reader
    seal: Seal = unsealed
    knows: Callable[[str], bool] = lambda _: True
    keyring: Keyring | None = None
    changes: list[Change] = msgspec.field(default_factory=list)
    sinks: tuple[str, ...] = ()

    def session(self, session_id: str) -> SessionRow:
        """The session, or DevicelogError."""
        row = self.journal.session(session_id)
        if row is None:
            raise DevicelogError(
                f"no session {session_id}", hint="`devicelog sessions list` shows them"
            )
        return row

    def patient(self, typed: str) -> str:
        """The pseudonym that was typed; DevicelogError where no patient has it.

        What is no pseudonym is not repeated: it may be a name.
        """
        try:
            pseudonym = parsed(typed)
        except PseudonymError as error:
            raise DevicelogError(
                f"that is no pseudonym: {error}",
                hint="it has eight letters and digits, as in K4M7-T2XT;"
                " names are never given on a command line",
            ) from None
        if not self.knows(pseudonym):
            raise DevicelogError(
                f"no patient {pseudonym}",
                hint="`devicelog patients add` makes a pseudonym for a new one",
            )
        return pseudonym

    def device(self, name: str) -> None:
        """Raise DevicelogError where the journal knows no such device."""
        known = [row.device for row in self.journal.devices()]
        if name not in known:
            there = ", ".join(known) or "none"
            raise DevicelogError(f'no device "{name}"', hint=f"there are: {there}")


def viewing(
    keyring: Keyring | None, sinks: tuple[str, ...] = ()
) -> Callable[[Reader], View]:
    """What makes of an open journal what the rules may look at."""

    def view(reader: Reader) -> View:
        def known(pseudonym: str) -> bool:
            return reader.secret("identities", pseudonym) is not None

        if keyring is None:
            return View(reader, knows=known, sinks=sinks)
        sealer = Sealer(keyring, reader)
        return View(reader, sealer, known, keyring, sealer.changes, sinks)

    return view


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Now: UTC, the boot's monotonic time, which boot, and whether UTC is trusted."""

    at_ns: int
    mono_ns: int
    boot_id: str
    clock_ok: bool = True

    def since(self, body: Said, at_ns: int) -> float | None:
        """Seconds since that was said; None where no clock can tell.

        Within one boot its monotonic clock tells, else two wall times that were both
        trusted, if the later is the higher.
        """
        if body.boot_id == self.boot_id:
            return (self.mono_ns - body.mono_ns) / _SECOND
        if self.clock_ok and body.clock_ok and self.at_ns >= at_ns:
            return (self.at_ns - at_ns) / _SECOND
        return None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request: its id, by whom, how, when, and the digest of what it says."""

    id: str
    by: str
    now: Moment
    digest: str
    how: How = "hand"
    confirm: bool = False

    def body(self, shape: type[_Body], **told: Any) -> _Body:
        """What is said, with who said it, how and when."""
        return shape(
            by=self.by,
            how=self.how,
            request=self.digest,
            mono_ns=self.now.mono_ns,
            boot_id=self.now.boot_id,
            clock_ok=self.now.clock_ok,
            **told,
        )

    def draft(
        self,
        kind: Kind,
        body: Said,
        subject: str = "",
        *,
        device: str = _NOBODYS,
        channel: str = _NOBODYS,
    ) -> Draft:
        """An entry to be; its key is given when all of the request are known."""
        at_ns, said = self.now.at_ns, codec.encode(body)
        return Draft(at_ns, device, channel, kind, subject, "", said, edge=True)

    def of_session(self, kind: Kind, body: Said, row: SessionRow) -> Draft:
        """An entry to be about this session."""
        return self.draft(
            kind, body, row.session_id, device=row.device, channel=row.channel
        )

    def sure(self, questions: Sequence[str]) -> None:
        """Raise Unconfirmed where there are questions and they were not answered."""
        if questions and not self.confirm:
            raise Unconfirmed("; ".join(questions), hint="confirm it if it is so")


Rule = Callable[[View, Asked, Any], list[Draft]]


def keyed(
    drafts: Sequence[Draft], id_: str, changes: Sequence[Change] = ()
) -> list[Draft]:
    """The first carries the request's id, the others a number behind it.

    The first also takes these changes along.
    """
    made = [
        msgspec.structs.replace(draft, key=key_of(id_, n))
        for n, draft in enumerate(drafts)
    ]
    if made and changes:
        both = (*changes, *made[0].changes)
        made[0] = msgspec.structs.replace(made[0], changes=both)
    return made


def key_of(id_: str, n: int) -> str:
    """The key of the n-th entry of a request; no client's id has a slash."""
    return f"{id_}/{n}" if n else id_


def digest_of(op: str, args: Args) -> str:
    """What tells two requests apart that carry the same id."""
    said = {
        name: value
        for name, value in msgspec.to_builtins(args).items()
        if name not in _NOT_DIGESTED
    }
    packed = msgspec.json.encode([op, said], order="deterministic")
    return hashlib.sha256(packed).hexdigest()[:16]
