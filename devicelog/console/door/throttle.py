"""How often a password may be tried: so many a minute for an account, for an address.

Beyond that nobody is asked whether it was right, and both the right and a wrong one get
the same answer.
"""

import threading
from collections import deque
from typing import Final

from devicelog.clock import SECOND, Clock

ACCOUNT: Final = 10
ADDRESS: Final = 20
_MINUTE: Final = 60 * SECOND
_MOST: Final = 10_000


class Throttle:
    """Tries of the last minute. Safe from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: dict[str, deque[int]] = {}
        self._lock = threading.Lock()

    def wait_s(self, account: str, address: str) -> float:
        """0 where it may be tried, which then counts; else how long to wait."""
        asked = ((f"account/{account}", ACCOUNT), (f"address/{address}", ADDRESS))
        now = self._clock.mono_ns()
        with self._lock:
            self._tidy(now)
            waits = [self._wait(key, most, now) for key, most in asked]
            if not any(waits):
                for key, _ in asked:
                    self._tries.setdefault(key, deque()).append(now)
        return max(waits) / SECOND

    def forgive(self, account: str) -> None:
        """The right password was given: the account's tries count no more."""
        with self._lock:
            self._tries.pop(f"account/{account}", None)

    def _wait(self, key: str, most: int, now: int) -> int:
        tries = self._tries.get(key)
        if tries is None or len(tries) < most:
            return 0
        return tries[0] + _MINUTE - now

    def _tidy(self, now: int) -> None:
        for tries in self._tries.values():
            while tries and now - tries[0] >= _MINUTE:
                tries.popleft()
        if len(self._tries) > _MOST:
            self._tries = {key: it for key, it in self._tries.items() if it}
