"""Serial ports: the only `import serial`.

A port is opened exclusively, with DTR and RTS as told before the open, and without
throwing away what already arrived. It is read and written through its descriptor, so
that one loop serves all ports and no received byte is lost at an unplug. The loss of a
line in all its forms (SerialException, OSError, termios.error, TypeError, end of file)
is one thing: `LineLost`.
"""

import contextlib
import errno
import fcntl
import grp
import os
import stat
import termios
import threading
from pathlib import Path
from typing import Final, Protocol

import serial
from serial import rfc2217
from serial.tools import list_ports

from devicelog.drivers.profile import Line
from devicelog.errors import LineLost, PortError
from devicelog.recorder.holders import holders

_CHUNK: Final = 65_536
_LOST: Final = (serial.SerialException, OSError, termios.error, TypeError, ValueError)
_MISSING: Final = {errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENOTDIR, errno.EIO}


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


class _Listening:
    """A descriptor that pyserial opened, configured and locked."""

    def __init__(self, address: str, device: serial.SerialBase) -> None:
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
            raise LineLost(f"{self.address} went away: end of file")
        return data

    def close(self) -> None:
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

    def __init__(self, address: str, device: serial.SerialBase) -> None:
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
        with contextlib.suppress(*_LOST):
            while self._open:
                data = self._device.read(1)
                if data:
                    os.write(self._in, data)
        os.close(self._in)

    def fileno(self) -> int:
        return self._out

    def read(self) -> bytes:
        try:
            data = os.read(self._out, _CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            raise LineLost(f"{self.address} went away")
        return data

    def close(self) -> None:
        self._open = False
        with contextlib.suppress(*_LOST):
            self._device.close()
        self._thread.join(timeout=1)
        os.close(self._out)


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


def _open(address: str, line: Line, *, dtr: bool, rts: bool) -> serial.SerialBase:
    local = "://" not in address
    if local:
        check_path(address)
    try:
        device = (
            _Serial() if local else serial.serial_for_url(address, do_not_open=True)
        )
        device.port = address
        device.baudrate, device.bytesize = line.baud, line.bytesize
        device.parity, device.stopbits = line.parity, line.stopbits
        if os.path.realpath(address).startswith("/dev/pts/"):
            # A pty has no parity; asked for it twice, the C library answers EINVAL.
            device.parity, device.bytesize = serial.PARITY_NONE, serial.EIGHTBITS
        device.timeout, device.write_timeout = 0, 1
        device.xonxoff = device.rtscts = device.dsrdtr = False
        device.dtr, device.rts = dtr, rts
        if local:
            device.exclusive = True
        device.open()
        if local:
            _claim(device.fileno())
    except _LOST as error:
        raise _port_error(address, error) from error
    return device


def _unopened(address: str, *, local: bool) -> serial.SerialBase:
    return _Serial() if local else serial.serial_for_url(address, do_not_open=True)


def _claim(fd: int) -> None:
    """Keep others out who do not look at locks; some drivers do not know the call."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, termios.TIOCEXCL)


def check_path(path: str) -> None:
    """Raise the PortError that a look at the path already tells; open nothing."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise _port_error(path, error) from error
    if not stat.S_ISCHR(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "not a serial port"
        raise PortError(
            f"{path} is {kind}",
            hint="name the port itself; `devicelog devices scan` lists them",
            state="unusable",
        )


def _port_error(address: str, error: Exception) -> PortError:
    number = getattr(error, "errno", None)
    if number is None and error.args and isinstance(error.args[0], int):
        number = error.args[0]
    if number in (errno.EACCES, errno.EPERM):
        return PortError(
            f"no permission to open {address}", hint=_remedy(address), state="forbidden"
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        who = holders(address)
        by = f"by {' and '.join(who)}" if who else "by another process"
        return PortError(
            f"{address} is held {by}", hint="stop it, or unplug there", state="busy"
        )
    if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR):
        return PortError(f"{address} is not a serial port", state="unusable")
    if number in _MISSING:
        return PortError(f"{address} is not there", hint="is it plugged in?")
    return PortError(f"{address} cannot be opened: {error}")


def _remedy(path: str) -> str:
    with contextlib.suppress(OSError, KeyError):
        group = grp.getgrgid(Path(path).stat().st_gid).gr_name
        return f"sudo usermod -aG {group} devicelog, then start devicelog again"
    return "ask the administrator of this machine"


def listed() -> list[tuple[str, str, str]]:
    """Serial ports of this machine: path, description, USB identity in words."""
    return [
        (it.device, it.description or "", it.usb_info() if it.vid else "")
        for it in sorted(list_ports.comports())
    ]
