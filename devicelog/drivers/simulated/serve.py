"""Virtual devices on real ports: the one file of the pure rooms that touches the world.

    ports = [PtyPort(device, link=Path("dev/us-1")), TcpPort(other)]
    serve(ports, stop=ending.is_set)     # until then, in this thread

A pty is what a serial port is to the recorder: it can be opened by pyserial, locked,
and unplugged. One thread and one selector serve all of them.
"""

import contextlib
import fcntl
import os
import pty
import selectors
import socket
import struct
import termios
import time
import tty
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

LOOK_S: Final = 0.05  # how soon a stop or an unplug is noticed
_SILENCE_S: Final = 0.05  # a pause after which half a request is dead
_HARSH_S: Final = 0.0005
_CHUNK: Final = 4096


class Device(Protocol):
    """What can be served."""

    def receive(self, data: bytes, now_s: float) -> bytes:
        """What it answers to these bytes; b"" in: the line fell silent."""


@runtime_checkable
class Speaking(Device, Protocol):
    """A device that also says something unasked, and whose port may go by itself."""

    @property
    def unplugged(self) -> bool:
        """Whether its port is gone now."""

    def speak(self, now_s: float) -> bytes:
        """What it has said unasked up to now."""


class Port:
    """A place where one device can be reached. `harsh`: it sends byte by byte.

    `unplug` may be called from any thread; all else is done by the one that serves.
    """

    def __init__(self, device: Device, *, harsh: bool = False) -> None:
        self.device = device
        self.plugged = False
        self._harsh = harsh
        self._out = bytearray()
        self._heard_at = 0.0
        self._speaking = device if isinstance(device, Speaking) else None
        self._pull_for: float | None = None
        self._back_at: float | None = None

    def unplug(self, seconds: float) -> None:
        """Pull the plug; it is put in again after so long (of the server's clock)."""
        self._pull_for = seconds

    def tend(
        self, selector: selectors.BaseSelector, now: float, device_s: float
    ) -> None:
        """Unplug, plug in and send what is due."""
        if self._pull_for is not None:
            self._back_at, self._pull_for = now + self._pull_for, None
            self.pull(selector)
        said = self._speaking.speak(device_s) if self._speaking else b""
        if self._speaking and self._speaking.unplugged:
            if self.plugged:
                self._back_at = now
                self.pull(selector)
        elif self._back_at is not None and now >= self._back_at:
            self._back_at = None
            self.plug(selector)
        if said and self.plugged:
            self._say(said)
        if self._out and self._hungry():
            self._write(bytes(self._out[:1]))
            del self._out[:1]

    def hear(self, data: bytes, now: float, device_s: float) -> None:
        """Hand bytes to the device, and its answer to the line."""
        if now - self._heard_at >= _SILENCE_S:
            self.device.receive(b"", device_s)
        self._heard_at = now
        self._say(self.device.receive(data, device_s))

    @property
    def sending(self) -> bool:
        """Whether bytes wait to be sent one by one."""
        return bool(self._out)

    def plug(self, selector: selectors.BaseSelector) -> None:
        """Make the port exist."""
        raise NotImplementedError

    def pull(self, selector: selectors.BaseSelector) -> None:
        """Make it vanish, with what was not yet sent."""
        raise NotImplementedError

    def read(self, selector: selectors.BaseSelector, fd: int) -> bytes:
        """What arrived at this descriptor; b"" if it was no data."""
        raise NotImplementedError

    def _say(self, data: bytes) -> None:
        if not self._harsh:
            self._write(data)
        elif len(self._out) < _CHUNK:
            self._out += data

    def _write(self, data: bytes) -> None:
        raise NotImplementedError

    def _hungry(self) -> bool:
        """Whether the reader has taken what was sent."""
        return True


class PtyPort(Port):
    """A device on a pty. `path` is its terminal; `link`, if given, always leads there.

    The pty exists from the start, so that its path can be told before it is served.
    """

    def __init__(
        self, device: Device, *, link: Path | None = None, harsh: bool = False
    ) -> None:
        super().__init__(device, harsh=harsh)
        self.link = link
        self._open()

    def plug(self, selector: selectors.BaseSelector) -> None:
        """See `Port`."""
        if not self.plugged:
            self._open()
        selector.register(self._ours, selectors.EVENT_READ, self)

    def pull(self, selector: selectors.BaseSelector) -> None:
        """See `Port`. Whoever has it open gets EIO."""
        self._out.clear()
        if self.plugged:
            with contextlib.suppress(KeyError):
                selector.unregister(self._ours)
            self.close()

    def close(self) -> None:
        """Remove the pty and its link."""
        self.plugged = False
        if self.link:
            self.link.unlink(missing_ok=True)
        os.close(self._ours)
        os.close(self._theirs)

    def read(self, selector: selectors.BaseSelector, fd: int) -> bytes:
        """See `Port`."""
        del selector
        try:
            return os.read(fd, _CHUNK)
        except OSError:
            return b""

    def _open(self) -> None:
        # Our hold on the far end keeps the pty alive when the recorder closes it.
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.path = os.ttyname(self._theirs)
        if self.link:
            fresh = self.link.with_name(f".{self.link.name}.new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self.path)
            fresh.replace(self.link)
        self.plugged = True

    def _write(self, data: bytes) -> None:
        # A device knows no flow control: what nobody takes is lost.
        with contextlib.suppress(OSError):
            os.write(self._ours, data)

    def _hungry(self) -> bool:
        waiting = fcntl.ioctl(self._theirs, termios.FIONREAD, b"\0\0\0\0")
        return struct.unpack("i", waiting) == (0,)


class TcpPort(Port):
    """A device behind a serial-to-network adapter at `address`; one client at a time.

    A second client takes the place of the first.
    """

    def __init__(
        self,
        device: Device,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        harsh: bool = False,
    ) -> None:
        super().__init__(device, harsh=harsh)
        self._client: socket.socket | None = None
        self._at = (host, port)
        self._open()

    @property
    def address(self) -> str:
        """As the recorder is told it."""
        return "socket://{}:{}".format(*self._at)

    def plug(self, selector: selectors.BaseSelector) -> None:
        """See `Port`."""
        if not self.plugged:
            self._open()
        selector.register(self._listener, selectors.EVENT_READ, self)

    def pull(self, selector: selectors.BaseSelector) -> None:
        """See `Port`."""
        self._out.clear()
        if self.plugged:
            self.plugged = False
            with contextlib.suppress(KeyError):
                selector.unregister(self._listener)
            self._listener.close()
        self._drop(selector)

    def read(self, selector: selectors.BaseSelector, fd: int) -> bytes:
        """See `Port`."""
        if fd == self._listener.fileno():
            self._drop(selector)
            self._client, _ = self._listener.accept()
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client.settimeout(0)
            selector.register(self._client, selectors.EVENT_READ, self)
            return b""
        if self._client is None or fd != self._client.fileno():
            return b""  # a client whose place was just taken
        try:
            data = self._client.recv(_CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop(selector)
        return data

    def _open(self) -> None:
        self._listener = socket.create_server(self._at)
        self._at = self._listener.getsockname()[:2]
        self.plugged = True

    def _drop(self, selector: selectors.BaseSelector) -> None:
        if self._client:
            selector.unregister(self._client)
            self._client.close()
            self._client = None

    def _write(self, data: bytes) -> None:
        if self._client:
            with contextlib.suppress(OSError):
                self._client.send(data)


def serve(
    ports: Sequence[Port],
    stop: Callable[[], bool],
    *,
    now: Callable[[], float] = time.monotonic,
    speed: float = 1.0,
) -> None:
    """Serve these ports until `stop()` is true; then they are gone.

    Device time starts at 0 and passes `speed` times as fast as `now`.
    """
    began = now()
    with selectors.DefaultSelector() as selector:
        for port in ports:
            port.plug(selector)
        while not stop():
            for port in ports:
                moment = now()
                port.tend(selector, moment, (moment - began) * speed)
            wait = _HARSH_S if any(port.sending for port in ports) else LOOK_S
            for key, _ in selector.select(wait):
                data = key.data.read(selector, key.fd)
                if data:
                    moment = now()
                    key.data.hear(data, moment, (moment - began) * speed)
        for port in ports:
            port.pull(selector)
