"""Logins that are open: kept here, in memory; a browser holds a random token alone.

A restart ends them all. Idle too long or open too long, a login is over.
"""

import hashlib
import secrets
import threading
from collections import deque
from typing import Final

from devicelog.clock import SECOND, Clock

COOKIE: Final = "__Host-devicelog"
_MINUTE: Final = 60 * SECOND
_MOST: Final = 200


class Login:
    """One browser that came in. `csrf` stands in each of its forms.

    `said` are messages for the next page, each a text's name and what is filled in;
    `undo` is the session whose binding may be taken back, and until when.
    """

    def __init__(self, name: str, now_ns: int) -> None:
        self.name = name
        self.csrf = secrets.token_urlsafe(32)
        self.opened_ns = self.seen_ns = now_ns
        self.said: deque[tuple[str, dict[str, str]]] = deque(maxlen=5)
        self.undo: tuple[str, int] | None = None
        self.over = False


class Logins:
    """All of them, by a digest of their token. Safe from any thread."""

    def __init__(self, clock: Clock, idle_min: float, longest_h: float) -> None:
        self._clock = clock
        self._idle_ns = int(idle_min * _MINUTE)
        self._longest_ns = int(longest_h * 60 * _MINUTE)
        self._open: dict[bytes, Login] = {}
        self._lock = threading.Lock()

    def open(self, name: str) -> tuple[str, Login]:
        """A new login and its token (256 bits of chance), which is kept nowhere."""
        token, login = secrets.token_urlsafe(32), Login(name, self._clock.mono_ns())
        with self._lock:
            self._tidy()
            if len(self._open) >= _MOST:  # the one that was idle longest
                oldest = min(self._open, key=lambda it: self._open[it].seen_ns)
                self._open.pop(oldest).over = True
            self._open[_digest(token)] = login
        return token, login

    def find(self, token: str | None, *, active: bool = True) -> Login | None:
        """The login of this token if it is not over; `active`: somebody is there."""
        if not token:
            return None
        with self._lock:
            self._tidy()
            login = self._open.get(_digest(token))
            if login and active:
                login.seen_ns = self._clock.mono_ns()
            return login

    def close(self, login: Login) -> None:
        """Log out."""
        with self._lock:
            login.over = True
            self._open = {key: it for key, it in self._open.items() if it is not login}

    def close_all(self, name: str) -> None:
        """Log this user out everywhere: another password, another role, shut out."""
        with self._lock:
            for key in [key for key, it in self._open.items() if it.name == name]:
                self._open.pop(key).over = True

    def _tidy(self) -> None:
        now = self._clock.mono_ns()
        for key, it in [*self._open.items()]:
            idle, old = now - it.seen_ns, now - it.opened_ns
            if idle > self._idle_ns or old > self._longest_ns:
                self._open.pop(key).over = True


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
