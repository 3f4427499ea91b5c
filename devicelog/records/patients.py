"""Patients: who a pseudonym is. Names are sealed; a search opens them in memory.

No message, digest or entry here says who somebody is; where a row of many is wrong it
is told by its number.
"""

import secrets
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model.audit import AuditBody
from devicelog.model.flow import Draft
from devicelog.model.pseudonyms import pseudonym
from devicelog.records.keys import Identity, Keyring, identity, identity_change
from devicelog.records.request import Args, Asked, View

MANY: Final = 500  # a request adds at most so many
_LONGEST: Final = 200
_FORMS: Final = ("%Y-%m-%d", "%d.%m.%Y")


class AddPatients(Args, frozen=True, kw_only=True, omit_defaults=True):
    """Make a pseudonym for each of these. `skip_known`: leave out who is there."""

    who: Annotated[tuple[Identity, ...], msgspec.Meta(min_length=1, max_length=MANY)]
    skip_known: bool = False


class ChangePatient(Args, frozen=True, kw_only=True, omit_defaults=True):
    """Who this pseudonym is, corrected; what it was before is overwritten."""

    pseudonym: str
    who: Identity


class Person(msgspec.Struct, frozen=True):
    """A pseudonym and who it is; None where the identity does not open."""

    pseudonym: str
    who: Identity | None


def add(view: View, asked: Asked, args: AddPatients) -> list[Draft]:
    """An audit record for each, with the rows of key and identity."""
    ring = _ring(view)
    known = _Known(people(view.journal, ring))
    drafts = []
    for who in map(checked, args.who):
        there = known.as_whom(who)
        if there and args.skip_known:
            continue
        asked.sure([f"that seems to be {it}, who is there already" for it in there])
        code = _free(view)
        known.take(Person(code, who))
        key, kept = ring.new(code)
        draft = asked.draft("audit", asked.body(AuditBody, event="patient_added"), code)
        changes = (kept, identity_change(key, code, who))
        drafts.append(msgspec.structs.replace(draft, changes=changes))
    return drafts


def change(view: View, asked: Asked, args: ChangePatient) -> list[Draft]:
    """The identity is put anew, under the same key."""
    ring, code, who = _ring(view), view.patient(args.pseudonym), checked(args.who)
    key = ring.key(view.journal, code)
    if key is None:
        raise DevicelogError(f"patient {code} has no key", hint="add the patient anew")
    draft = asked.draft("audit", asked.body(AuditBody, event="patient_changed"), code)
    return [msgspec.structs.replace(draft, changes=(identity_change(key, code, who),))]


def people(reader: Reader, ring: Keyring) -> Iterator[Person]:
    """All patients, in order of their pseudonyms."""
    after = ""
    while page := reader.identities(after):
        for code, sealed in page:
            yield _opened(reader, ring, code, sealed)
        after = page[-1][0]


def person(reader: Reader, ring: Keyring, code: str) -> Person | None:
    """One patient; None where nobody has this pseudonym."""
    sealed = reader.secret("identities", code)
    return _opened(reader, ring, code, sealed) if sealed else None


def found(everybody: Iterator[Person], text: str) -> list[Person]:
    """Those who are meant: words of a name, a birth date or a record number.

    Capitals and accents do not matter; each word must begin one of the name.
    """
    words = _folded(text).split()
    day = _day(text.strip())
    return [
        it
        for it in everybody
        if it.who is not None
        and words
        and (
            _begin(words, _folded(it.who.name).split())
            or it.who.record_number.casefold() == text.strip().casefold()
            or (day is not None and it.who.birth_date == day)
        )
    ]


def checked(who: Identity) -> Identity:
    """The same, tidied. Raises DevicelogError, which does not repeat it."""
    name, number = " ".join(who.name.split()), who.record_number.strip()
    if not name or len(name) > _LONGEST or len(number) > _LONGEST:
        raise DevicelogError(
            "a name is missing, or one is longer than 200 characters",
            hint="a patient has a name; birth date and record number may be left out",
        )
    day = _day(who.birth_date.strip()) if who.birth_date.strip() else ""
    if day is None:
        raise DevicelogError(
            "a birth date is none", hint="as in 1958-03-09 or 09.03.1958"
        )
    return Identity(name, day, number)


# --- Private ----------------------------------------------------------------------


class _Known:
    """Finds who is there already: by record number, or name and birth date."""

    def __init__(self, everybody: Iterator[Person]) -> None:
        self._numbers: dict[str, str] = {}
        self._births: dict[tuple[str, str], str] = {}
        for it in everybody:
            self.take(it)

    def take(self, it: Person) -> None:
        if it.who is None:
            return
        if it.who.record_number:
            self._numbers[it.who.record_number] = it.pseudonym
        self._births[_folded(it.who.name), it.who.birth_date] = it.pseudonym

    def as_whom(self, who: Identity) -> list[str]:
        there = self._numbers.get(who.record_number) or self._births.get(
            (_folded(who.name), who.birth_date)
        )
        return [there] if there else []


def _ring(view: View) -> Keyring:
    if view.keyring is None:
        raise DevicelogError(
            "names cannot be kept: the master key is missing",
            hint="`devicelog status` says what is wrong with it",
        )
    return view.keyring


def _opened(reader: Reader, ring: Keyring, code: str, sealed: bytes) -> Person:
    try:
        key = ring.key(reader, code)
        return Person(code, identity(key, code, sealed) if key else None)
    except DevicelogError:
        return Person(code, None)  # one damaged row closes no other


def _free(view: View) -> str:
    """A pseudonym that was never given, not even to who was forgotten."""
    while view.journal.entries(subject=(code := pseudonym(secrets.choice)), limit=1):
        pass
    return code


def _day(text: str) -> str | None:
    for form in _FORMS:
        try:
            return f"{datetime.strptime(text, form).date()}"  # noqa: DTZ007  (a date)
        except ValueError:
            continue
    return None


def _folded(text: str) -> str:
    """Without capitals and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(
        "".join(it for it in apart if not unicodedata.combining(it)).split()
    )


def _begin(words: Sequence[str], name: Sequence[str]) -> bool:
    return all(any(it.startswith(word) for it in name) for word in words)
