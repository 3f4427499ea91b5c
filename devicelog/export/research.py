"""A history for research: pseudonyms alone, of those who allow it.

No identity, no free text and no code of the staff is in what comes out, nor anything a
person may have typed into a device, nor raw frames. Where dates are shifted, each
patient's are by a number of days of its own, from 1 to 364, that the master key
decides: the same in each export, and not to be found out from any. Hours stay those of
the clinic's clock. Then nothing else may tell a date: ids become codes, journal numbers
and the machine's own clock are left out, and patients follow one another by pseudonym.
"""

import hmac
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from devicelog.clock import SECOND
from devicelog.export.columns import TYPED
from devicelog.export.gather import Gatherer
from devicelog.export.history import History, Manual, Sample, Treatment, Wanted
from devicelog.export.text import offset_min
from devicelog.model.flow import SessionEvent
from devicelog.records.audit import Row

_DAYS: Final = 364
_CODE: Final = 16  # hex digits of a session's code


class Research:
    """A `history.Source` of these patients, in this order, seen through the rules.

    `key`: by which dates are shifted; None: they are not.
    """

    def __init__(
        self, journal: Gatherer, patients: Sequence[str], *, key: bytes | None = None
    ) -> None:
        self._journal = journal
        self._patients = patients
        self._key = key
        self._zone = ZoneInfo(journal.history.timezone)
        self._true: dict[str, Treatment] = {}  # the one that is at hand

    @property
    def history(self) -> History:
        """The heading; a span of true dates does not stand beside shifted ones."""
        history, shifted = self._journal.history, self._key is not None
        return msgspec.structs.replace(
            history,
            wanted=Wanted() if shifted else history.wanted,
            identity=None,
            unnamed="pseudonyms alone, for research",
            pseudonymous=True,
            shifted=shifted,
        )

    def count(self) -> int:
        """See `Source`."""
        return sum(it.count() for it in self._each())

    def treatments(self) -> Iterator[Treatment]:
        """See `Source`; patient by patient."""
        for journal in self._each():
            for it in journal.treatments():
                told = self._told(it)
                self._true = {told.session_id: it}
                yield told

    def manual(self) -> Iterator[Manual]:
        """See `Source`; patient by patient."""
        for journal in self._each():
            for it in journal.manual():
                at_ns = it.began_ns + self._shift_ns(it.pseudonym, it.began_ns)
                yield msgspec.structs.replace(
                    it,
                    seq=0,
                    began_ns=at_ns,
                    offset_min=self._offset_min(at_ns),
                    clinician="",
                    notes=(),
                    note=False,
                )

    def readings(self, of: Treatment) -> Iterator[Sample]:
        """See `Source`; of the treatment that came last."""
        true = self._true[of.session_id]
        shift_ns = of.started_ns - true.started_ns
        for it in self._journal.readings(true):
            yield msgspec.structs.replace(
                it,
                seq=0,
                at_ns=it.at_ns + shift_ns,
                mono_ns=None,
                values=_untyped(it.values),
                frame="",
            )

    def events(self, of: Treatment) -> list[SessionEvent]:
        """See `Source`; of the treatment that came last."""
        true = self._true[of.session_id]
        shift_ns = of.started_ns - true.started_ns
        return [self._event(it, of, shift_ns) for it in self._journal.events(true)]

    def audit(self) -> Iterator[Row]:
        """See `Source`: none, for they tell of the staff and of true dates."""
        return iter(())

    # --- Private ------------------------------------------------------------------

    def _each(self) -> Iterator[Gatherer]:
        wanted = self._journal.history.wanted
        for code in self._patients:
            yield self._journal.narrowed(
                msgspec.structs.replace(wanted, pseudonym=code)
            )

    def _told(self, it: Treatment) -> Treatment:
        shift_ns = self._shift_ns(it.pseudonym, it.started_ns)
        told: dict[str, Any] = {}
        if self._key is not None:
            ended_ns = None if it.ended_ns is None else it.ended_ns + shift_ns
            told = {
                "session_id": self._code(it.session_id),
                "treatment_id": self._code(it.treatment_id),
                "started_ns": it.started_ns + shift_ns,
                "start_offset_min": self._offset_min(it.started_ns + shift_ns),
                "ended_ns": ended_ns,
                "end_offset_min": ended_ns and self._offset_min(ended_ns),
            }
        return msgspec.structs.replace(
            it,
            settings=_untyped(it.settings),
            check=None,
            clinician="",
            notes=(),
            first_seq=0,
            last_seq=0,
            readings_sha256="",
            **told,
        )

    def _event(self, it: SessionEvent, of: Treatment, shift_ns: int) -> SessionEvent:
        typed = it.field in TYPED
        moved = {
            name: at_ns + shift_ns
            for name in ("at_ns", "began_ns", "ended_ns")
            if (at_ns := getattr(it, name)) is not None
        }
        return msgspec.structs.replace(
            it,
            session_id=of.session_id,
            treatment_id=of.treatment_id,
            mono_ns=0,
            old=None if typed else it.old,
            new=None if typed else it.new,
            values=_untyped(it.values),
            readings_sha256="",
            **moved,
        )

    def _code(self, name: str) -> str:
        """What stands for an id that tells a date; the same each time."""
        return self._mac("session/" + name).hex()[:_CODE] if name else ""

    def _mac(self, what: str) -> bytes:
        return hmac.digest(self._key or b"", what.encode(), "sha256")

    def _shift_ns(self, pseudonym: str, at_ns: int) -> int:
        """So many days earlier at the same hour of the clinic's clock, in ns."""
        if self._key is None:
            return 0
        number = int.from_bytes(self._mac("days/" + pseudonym)[:8])
        days = timedelta(days=1 + number % _DAYS)
        then = datetime.fromtimestamp(at_ns // SECOND, self._zone)
        shifted = (then.replace(tzinfo=None) - days).replace(tzinfo=self._zone)
        moved = shifted.astimezone(UTC) - then.astimezone(UTC)
        return round(moved.total_seconds()) * SECOND

    def _offset_min(self, at_ns: int) -> int:
        return offset_min(at_ns, self._zone)


def _untyped(values: dict[str, Any]) -> dict[str, Any]:
    """Without what a person may have typed into the device."""
    if values.keys() & TYPED:
        return {name: it for name, it in values.items() if name not in TYPED}
    return values
