"""Serial ports: the only `import serial`.

A port is opened exclusively, with DTR and RTS as told before the open, and without
throwing away what already arrived. It is read and written through its descriptor, so
that one loop serves all ports and no received byte is lost at an unplug. The loss of a
line in all its forms (SerialException, OSError, termios.error, TypeError, end of file)
is one thing: `LineLost`.
"""

import contextlib
import fcntl
import os
import socket
import termios
import threading
from typing import Final, Protocol

import serial
from serial import rfc2217
from serial.tools import list_ports
from serial.urlhandler import protocol_socket

from devicelog.drivers.profile import Line
from devicelog.errors import LineLost, PortError
from devicelog.recorder.refusal import check_path, refusal

_CHUNK: Final = 65_536
_LOST: Final = (serial.SerialException, OSError, termios.error, TypeError, ValueError)
_PTY: Final = range(136, 144)  # majors of Unix98 ptys (Linux, devices.txt)
# A peer that vanished without a word is noticed after about ten seconds, whether we
# ask (TCP_USER_TIMEOUT) or only listen (keepalive).
_WATCHED: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 10_000),
)


class TappedPort(Protocol):
    """A port that listens. It has no write method."""

    address: str

    def fileno(self) -> int:
        """The descriptor to wait on."""

    def read(self) -> bytes:
        """What has arrived; b"" if nothing has. Raises LineLost."""

    def close(self) -> None:
        """Give the port back; never raises."""


class PolledPort(TappedPort, Protocol):
    """A port that may also ask."""

    def write(self, data: bytes) -> None:
        """Send a declared request, at once or not at all. Raises LineLost."""


class _Serial(serial.Serial):
    """pyserial's port, less the flush on open: received bytes are never discarded."""

    def _reset_input_buffer(self) -> None:
        pass


class _Network:
    """The same for ports behind an adapter, whose connection is watched."""

    _socket: socket.socket | None

    def _reconfigure_port(self) -> None:
        if self._socket is not None:
            for level, option, value in _WATCHED:
                self._socket.setsockopt(level, option, value)
        super()._reconfigure_port()  # type: ignore[misc]

    def reset_input_buffer(self) -> None:
        pass

    def close(self) -> None:
        connection = self._socket
        super().close()  # type: ignore[misc]
        if connection is not None:  # pyserial leaves it open if the peer was faster
            connection.close()


class _Socket(_Network, protocol_socket.Serial):
    pass


class _Rfc2217(_Network, rfc2217.Serial):
    pass


_Opened = _Serial | _Socket | _Rfc2217
_REMOTE: Final[dict[str, type[_Socket] | type[_Rfc2217]]] = {
    "socket": _Socket,
    "rfc2217": _Rfc2217,
}


class _Listening:
    """A descriptor that pyserial opened, configured and locked."""

    def __init__(self, address: str, device: _Opened) -> None:
        self.address = address
        self._device = device
        self._fd: int = device.fileno()
        os.set_blocking(self._fd, False)

    def fileno(self) -> int:
        return self._fd

    def read(self) -> bytes:
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return b""
        except _LOST as error:
            raise LineLost(f"{self.address} went away: {error}") from error
        if not data:
            raise _ended(self.address)
        return data

    def close(self) -> None:
        if not self._device.is_open:
            return
        # Where another holds the port too, the next open must find it free.
        with contextlib.suppress(*_LOST):
            fcntl.ioctl(self._fd, termios.TIOCNXCL)
        with contextlib.suppress(*_LOST):
            self._device.close()


class _Asking(_Listening):
    """The same, allowed to send."""

    def write(self, data: bytes) -> None:
        try:
            sent = os.write(self._fd, data)
        except BlockingIOError as error:
            raise LineLost(f"{self.address} takes no bytes") from error
        except _LOST as error:
            raise LineLost(f"{self.address} went away: {error}") from error
        if sent < len(data):
            raise LineLost(f"{self.address} took {sent} of {len(data)} bytes")


class _Pumped:
    """A port without a descriptor (rfc2217), pumped into a pipe by its own thread."""

    def __init__(self, address: str, device: _Opened) -> None:
        self.address = address
        self._device = device
        self._out, self._in = os.pipe()
        os.set_blocking(self._out, False)
        device.timeout = 0.2
        self._thread = threading.Thread(
            target=self._pump, name=f"pump {address}", daemon=True
        )
        self._open = True
        self._thread.start()

    def _pump(self) -> None:
        try:
            with contextlib.suppress(*_LOST):
                while self._open:
                    data = self._device.read(self._device.in_waiting or 1)
                    if data:
                        os.write(self._in, data)
        finally:
            os.close(self._in)

    def fileno(self) -> int:
        return self._out

    def read(self) -> bytes:
        try:
            data = os.read(self._out, _CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            raise _ended(self.address)
        return data

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        os.close(self._out)  # a pump that waits for room in the pipe ends, too
        with contextlib.suppress(*_LOST):
            self._device.close()
        self._thread.join(timeout=1)


class _PumpedAsking(_Pumped):
    def write(self, data: bytes) -> None:
        try:
            self._device.write(data)
        except _LOST as error:
            raise LineLost(f"{self.address} went away: {error}") from error


def open_tapped(address: str, line: Line, *, dtr: bool, rts: bool) -> TappedPort:
    """Open to listen only, XON/XOFF off. Raises PortError; may block for seconds."""
    device = _open(address, line, dtr=dtr, rts=rts)
    if isinstance(device, rfc2217.Serial):
        return _Pumped(address, device)
    return _Listening(address, device)


def open_polled(address: str, line: Line, *, dtr: bool, rts: bool) -> PolledPort:
    """Open to ask and listen. Raises PortError; may block for seconds."""
    device = _open(address, line, dtr=dtr, rts=rts)
    if isinstance(device, rfc2217.Serial):
        return _PumpedAsking(address, device)
    return _Asking(address, device)


# --- Private ----------------------------------------------------------------------


def _open(address: str, line: Line, *, dtr: bool, rts: bool) -> _Opened:
    scheme, remote, _ = address.rpartition("://")
    try:
        device = _REMOTE[scheme]() if remote else _Serial()
    except KeyError:
        known = ", ".join(f"{it}://" for it in _REMOTE)
        raise PortError(
            f"{address} is no address", hint=f"a path, {known}", state="unusable"
        ) from None
    bare = not remote and os.major(check_path(address).st_rdev) in _PTY
    try:
        device.port = address
        device.baudrate, device.stopbits = line.baud, line.stopbits
        # A pty knows no parity and bytes only; the C library refuses to ask for more.
        device.bytesize = serial.EIGHTBITS if bare else line.bytesize
        device.parity = serial.PARITY_NONE if bare else line.parity
        device.timeout = 0
        device.inter_byte_timeout = 0  # VMIN 1: nothing there is no end of file
        device.xonxoff = device.rtscts = device.dsrdtr = False
        device.dtr, device.rts = dtr, rts
        device.exclusive = None if remote else True
        device.open()
    except _LOST as error:
        raise refusal(address, error) from error
    if not remote:
        _claim(device.fileno())
    return device


def _ended(address: str) -> LineLost:
    if "://" not in address:
        return LineLost(f"{address} went away: end of file")
    return LineLost(
        f"{address} was closed by the other side", hint="does another client use it?"
    )


def _claim(fd: int) -> None:
    """Keep out who looks at no lock, and keep DTR as it is when the port is closed.

    Some drivers know neither.
    """
    with contextlib.suppress(*_LOST):
        fcntl.ioctl(fd, termios.TIOCEXCL)
    with contextlib.suppress(*_LOST):
        attributes = termios.tcgetattr(fd)
        if attributes[2] & termios.HUPCL:
            attributes[2] &= ~termios.HUPCL
            termios.tcsetattr(fd, termios.TCSANOW, attributes)


def listed() -> list[tuple[str, str, str]]:
    """Serial ports of this machine: path, description, USB identity in words."""
    return [
        (it.device, it.description or "", it.usb_info() if it.vid else "")
        for it in sorted(list_ports.comports())
    ]
