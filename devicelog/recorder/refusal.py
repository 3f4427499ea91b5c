"""Why a port cannot be opened: the state of the line, a sentence, a remedy."""

import contextlib
import errno
import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Final

from devicelog.errors import PortError
from devicelog.recorder.holders import holders

_HELD: Final = {errno.EBUSY, errno.EAGAIN}
_DENIED: Final = {errno.EACCES, errno.EPERM}
_NO_PORT: Final = {errno.ENOTTY, errno.EINVAL, errno.EISDIR}
_MISSING: Final = {errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENOTDIR, errno.EIO}
# What pyserial says of an adapter that answers but does not do as RFC 2217 asks.
_NO_RFC2217: Final = ("does not seem to support RFC2217", "does not accept parameter")


def check_path(path: str) -> os.stat_result:
    """Raise the PortError that a look at the path already tells; open nothing."""
    try:
        found = Path(path).stat()
    except OSError as error:
        raise refusal(path, error) from error
    if not stat.S_ISCHR(found.st_mode):
        what = "a directory" if stat.S_ISDIR(found.st_mode) else "not a serial port"
        raise PortError(
            f"{path} is {what}",
            hint="name the port itself; `devicelog devices scan` lists them",
            state="unusable",
        )
    return found


def refusal(address: str, error: BaseException) -> PortError:
    """The error that opening this address ended with, as a PortError."""
    return (_remote if "://" in address else _local)(address, error)


def _local(path: str, error: BaseException) -> PortError:
    number = _number(error)
    if number in _DENIED:
        return PortError(
            f"no permission to open {path}", hint=_remedy(path), state="forbidden"
        )
    if number in _HELD:
        by = " and ".join(holders(path)) or "another process"
        return PortError(
            f"{path} is held by {by}", hint="stop it, or unplug there", state="busy"
        )
    if number in _NO_PORT:
        return PortError(f"{path} is not a serial port", state="unusable")
    if number in _MISSING:
        return PortError(f"{path} is not there", hint="is it plugged in?")
    return PortError(f"{path} cannot be opened: {error}")


def _remote(address: str, error: BaseException) -> PortError:
    if any(words in str(error) for words in _NO_RFC2217):
        return PortError(
            f"{address} answers, but not as RFC 2217 asks: {error}",
            hint="set the adapter to RFC 2217, or use socket://",
            state="unusable",
        )
    for cause in _chain(error):
        if isinstance(cause, ConnectionRefusedError):
            return PortError(
                f"nothing listens at {address}",
                hint="is that the adapter's port number?",
            )
        if isinstance(cause, TimeoutError):
            return PortError(f"{address} does not answer", hint="is the adapter on?")
    return PortError(f"{address} cannot be reached: {error}")


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error and what it was raised from, or while handling."""
    chain = []
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _number(error: BaseException) -> int | None:
    """The first errno of the chain; termios.error keeps it among its arguments."""
    for it in _chain(error):
        number = getattr(it, "errno", None) or next(iter(it.args), None)
        if isinstance(number, int):
            return number
    return None


def _remedy(path: str) -> str:
    """How this user gets at the port."""
    with contextlib.suppress(OSError, KeyError):
        found = Path(path).stat()
        group = grp.getgrgid(found.st_gid).gr_name
        user = pwd.getpwuid(os.geteuid()).pw_name
        shared = stat.S_IRGRP | stat.S_IWGRP
        if found.st_gid and found.st_mode & shared == shared:
            return f"sudo usermod -aG {group} {user}, then start devicelog again"
        return "no group may use it: give it one by a udev rule (GROUP, MODE 0660)"
    return "ask the administrator of this machine"
