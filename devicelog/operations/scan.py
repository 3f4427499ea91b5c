"""Finding devices: list the ports, say who holds them, listen. Nothing is ever sent."""

import os
import selectors
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from devicelog.drivers.profile import Line
from devicelog.errors import LineLost, PortError
from devicelog.model.words import counted
from devicelog.recorder.holders import holders
from devicelog.recorder.port import TappedPort, listed, open_tapped
from devicelog.recorder.refusal import check_path

_FOLDERS: Final = ("/dev/serial/by-path", "/dev/serial/by-id")
_SHOWN: Final = 16
SILENT: Final = "silent: it may speak only when asked"


class Port(msgspec.Struct, frozen=True, omit_defaults=True):
    """One serial port of this machine. `heard` says in words what it said unasked."""

    path: str
    description: str = ""
    by_path: str = ""
    by_id: str = ""
    usb: str = ""
    held_by: tuple[str, ...] = ()
    heard: str = ""
    received: int = 0


def ports(extra: Sequence[str] = ()) -> list[Port]:
    """All ports of this machine and these, and who holds each."""
    found = [_described(*port) for port in listed()]
    known = {os.path.realpath(port.path) for port in found}
    for path in extra:
        if os.path.realpath(path) not in known:
            known.add(os.path.realpath(path))
            found.append(Port(path=path))
    return [
        msgspec.structs.replace(port, held_by=tuple(holders(port.path)))
        for port in found
    ]


def listen(found: Sequence[Port], seconds: float, baud: int) -> Iterator[Port]:
    """The same ports, with what the free ones said unasked in this time.

    A port that somebody holds is not opened. Opening sets DTR and RTS low.
    """
    for port, _ in capture(found, seconds, baud):
        yield port


def capture(
    found: Sequence[Port], seconds: float, baud: int
) -> Iterator[tuple[Port, bytes]]:
    """The same, each with the very bytes that arrived."""
    with ExitStack() as stack:
        opened: dict[str, TappedPort] = {}
        told: dict[str, str] = {}
        for port in found:
            if not port.held_by:
                try:
                    opened[port.path] = _open(port.path, baud)
                    stack.callback(opened[port.path].close)
                except PortError as error:
                    told[port.path] = str(error)
        heard = _hear(opened, time.monotonic() + seconds, told)
    for port in found:
        data = heard.get(port.path, bytearray())
        text = told.get(port.path, "" if port.held_by else _words(data))
        told_of = msgspec.structs.replace(port, heard=text, received=len(data))
        yield told_of, bytes(data)


def _open(path: str, baud: int) -> TappedPort:
    check_path(path)
    return open_tapped(path, Line(baud=baud), dtr=False, rts=False)


def _hear(
    opened: dict[str, TappedPort], until: float, told: dict[str, str]
) -> dict[str, bytearray]:
    """What arrives on these until then; what becomes of a port goes into `told`."""
    heard = {path: bytearray() for path in opened}
    with selectors.DefaultSelector() as selector:
        for path, port in opened.items():
            selector.register(port.fileno(), selectors.EVENT_READ, (path, port))
        while (left := until - time.monotonic()) > 0 and selector.get_map():
            for key, _ in selector.select(left):
                path, port = key.data
                try:
                    heard[path] += port.read()
                except LineLost as error:
                    told[path] = str(error)
                    selector.unregister(key.fd)
    return heard


def _described(path: str, description: str, usb: str) -> Port:
    by_path, by_id = (_link(folder, path) for folder in _FOLDERS)
    return Port(
        path=path, description=description, usb=usb, by_path=by_path, by_id=by_id
    )


def _link(folder: str, path: str) -> str:
    """The name in this folder that leads to the port; empty if there is none."""
    links = sorted(Path(folder).iterdir()) if Path(folder).is_dir() else ()
    for link in links:
        if link.resolve() == Path(path).resolve():
            return str(link)
    return ""


def _words(data: bytearray) -> str:
    if not data:
        return SILENT
    first = bytes(data[:_SHOWN]).hex(" ")
    return f"{counted(len(data), 'byte')} unasked, first: {first}"
