"""Alarms that the journal itself raises: what happened to it, in words."""

import itertools
import logging
import secrets
from collections import deque
from typing import Final

from devicelog.clock import BUILD_NS, SECOND, Clock
from devicelog.journal.ledger import conflict_key
from devicelog.model import codec
from devicelog.model.flow import Draft
from devicelog.model.kinds import AlarmBody

_log = logging.getLogger(__name__)

DISK_FULL: Final = "journal/disk_full"
DISK_ERROR: Final = "journal/disk_error"
KEY_CONFLICT: Final = "journal/key_conflict"
REFUSED: Final = "journal/refused"
SALVAGED: Final = "journal/salvaged"

_NOWHERE: Final = "-"
_DAY_NS: Final = 86_400 * SECOND


class Notices:
    """An outbox: what is told here, from any thread, waits for the next append.

    `trust` moves the time before which the wall clock is not believed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._floor = BUILD_NS
        self._prefix = f"journal-{secrets.token_hex(6)}/{_NOWHERE}/{_NOWHERE}"
        self._told: deque[Draft] = deque()
        self._n = itertools.count()

    def trust(self, trusted_ns: int) -> None:
        """The latest trusted entry; a clock a day behind it is wrong."""
        self._floor = max(self._floor, trusted_ns - _DAY_NS)

    def raised(self, name: str, text: str, remedy: str = "") -> None:
        """Something a person must know."""
        _log.error("%s: %s", name, text)
        self._tell(name, text, remedy, cleared=False)

    def cleared(self, name: str, text: str) -> None:
        """It is over."""
        _log.warning("%s: %s", name, text)
        self._tell(name, text, "", cleared=True)

    def believes(self, at_ns: int) -> bool:
        """Whether the wall clock may be right when it shows this."""
        return at_ns >= self._floor or self._clock.synchronised()

    def drain(self) -> list[Draft]:
        """What was told since the last call."""
        told = []
        while self._told:
            told.append(self._told.popleft())
        return told

    def conflict(self, draft: Draft) -> Draft:
        """The alarm of a key that came again with another body."""
        text = (
            f"the key {draft.key} came again with another body"
            f" (kind {draft.kind}, device {draft.device}); the first entry stands"
        )
        _log.error("%s", text)
        remedy = "two requests were made under one id: report it"
        key = conflict_key(draft)
        return self._draft(key, KEY_CONFLICT, text, remedy, cleared=False)

    # --- Private ------------------------------------------------------------------

    def _tell(self, name: str, text: str, remedy: str, *, cleared: bool) -> None:
        key = f"{self._prefix}/{next(self._n)}"
        self._told.append(self._draft(key, name, text, remedy, cleared=cleared))

    def _draft(
        self, key: str, name: str, text: str, remedy: str, *, cleared: bool
    ) -> Draft:
        at_ns = self._clock.wall_ns()
        body = AlarmBody(
            clock_ok=self.believes(at_ns),
            name=name,
            text=text,
            remedy=remedy,
            cleared=cleared,
        )
        return Draft(
            at_ns=at_ns,
            device=_NOWHERE,
            channel=_NOWHERE,
            kind="alarm",
            subject="",
            key=key,
            body=codec.encode(body),
            edge=True,
        )
