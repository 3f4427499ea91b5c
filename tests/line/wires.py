"""Real lines for tests: ptys, an RFC 2217 adapter, and waiting with a bound."""

import contextlib
import os
import pty
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator

import serial
from serial import rfc2217

from devicelog.drivers.profile import Line
from devicelog.drivers.simulated.serve import Port, serve

LINE = Line(baud=19200)
PATIENCE_S = 10.0


def wait_until(
    true: Callable[[], object],
    told: Callable[[], object] = lambda: "",
    seconds: float = PATIENCE_S,
) -> float:
    """Wait until it is true; how long that took. Fails when it takes too long."""
    began = time.monotonic()
    pause = threading.Event()
    while not true():
        waited = time.monotonic() - began
        assert waited < seconds, f"not within {seconds:g} s: {told()}"
        pause.wait(0.01)
    return time.monotonic() - began


def belongings() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")), threading.active_count()  # noqa: PTH208


class Pty:
    """Both ends of a pty: `port` is its path, `plug` the device's side."""

    def __init__(self) -> None:
        self.plug, self._far = pty.openpty()
        tty.setraw(self._far)
        self.port = os.ttyname(self._far)

    def pull(self) -> None:
        """The cable is gone: whoever has it open gets EIO."""
        for fd in (self.plug, self._far):
            with contextlib.suppress(OSError):
                os.close(fd)
        self.plug = self._far = -1


@contextlib.contextmanager
def serving(*ports: Port, speed: float = 1.0) -> Iterator[None]:
    """Serve virtual devices while the block runs."""
    ending = threading.Event()
    thread = threading.Thread(
        target=serve, args=(ports, ending.is_set), kwargs={"speed": speed}
    )
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


class Adapter(threading.Thread):
    """An RFC 2217 adapter: one client at a time, the serial side at `behind`.

    The protocol is pyserial's; its serial port is kept in `serial`, so that a test
    sees what the client set.
    """

    def __init__(self, behind: str) -> None:
        super().__init__(name="adapter", daemon=True)
        self.serial = serial.serial_for_url(behind, timeout=0.02)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._client: socket.socket | None = None
        self._ending = threading.Event()
        self.address = f"rfc2217://127.0.0.1:{self._listener.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                self._client, _ = self._listener.accept()
                self._client.settimeout(0.02)
                with self._client, contextlib.suppress(OSError):
                    self._talk(self._client)
        self._listener.close()
        self.serial.close()

    def drop(self) -> None:
        """The adapter loses its network: its client is cut off."""
        if self._client:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self._ending.set()
        self.drop()
        self.join()

    def _talk(self, client: socket.socket) -> None:
        lock = threading.Lock()
        gone = threading.Event()

        class Connection:
            def write(self, data: bytes) -> None:
                with lock:
                    client.sendall(data)

        manager = rfc2217.PortManager(self.serial, Connection())

        def carry() -> None:
            while not gone.is_set():
                with contextlib.suppress(OSError):
                    Connection().write(b"".join(manager.escape(self.serial.read(1))))

        carrier = threading.Thread(target=carry, daemon=True)
        carrier.start()
        try:
            while not self._ending.is_set():
                with contextlib.suppress(TimeoutError):
                    asked = client.recv(4096)
                    if not asked:
                        return
                    self.serial.write(b"".join(manager.filter(asked)))
        finally:
            gone.set()
            carrier.join()
