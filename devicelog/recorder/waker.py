"""Waking a thread that waits in a selector, from any other, to its very end."""

import contextlib
import os
import threading


class Waker:
    """A pipe to oneself. `fd` is what the selector waits for."""

    def __init__(self) -> None:
        self.fd, self._far = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._closed = False

    def wake(self) -> None:
        """Have it look around now; nothing once it is closed.

        The number of a closed descriptor may be another file's by then, a port's say:
        so nobody writes while it is being closed, nor after.
        """
        # A full pipe means that it has not yet heard the last waking.
        with self._lock, contextlib.suppress(BlockingIOError):
            if not self._closed:
                os.write(self._far, b"!")

    def heard(self) -> None:
        """It looks around: all wakings so far are heard."""
        os.read(self.fd, 4096)

    def close(self) -> None:
        """Its thread ends."""
        with self._lock:
            self._closed = True
            os.close(self._far)
        os.close(self.fd)
