"""Finding devices: list the ports, say who holds them, listen. Nothing is ever sent."""

import selectors
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from devicelog.drivers.profile import Line
from devicelog.errors import LineLost, PortError
from devicelog.recorder.holders import holders
from devicelog.recorder.port import TappedPort, listed, open_tapped


class Port(msgspec.Struct, frozen=True, omit_defaults=True):
    """One serial port of this machine, in words."""

    path: str
    description: str = ""
    by_path: str = ""
    by_id: str = ""
    usb: str = ""
    held_by: str = ""
    heard: str = ""


def scan(seconds: float, baud: int, extra: Sequence[str] = ()) -> list[Port]:
    """All ports, and what the free ones said unasked in this time.

    Opening sets DTR and RTS low; a port that somebody holds is not opened.
    """
    found = [_described(*port) for port in listed()]
    known = {port.path for port in found}
    found += [Port(path=path) for path in extra if path not in known]
    found = [
        msgspec.structs.replace(port, held_by=f"held by {', '.join(who)}")
        if (who := holders(port.path))
        else port
        for port in found
    ]
    heard = _listen([port.path for port in found if not port.held_by], seconds, baud)
    return [
        msgspec.structs.replace(port, heard=heard.get(port.path, "")) for port in found
    ]


def _described(path: str, description: str, usb: str) -> Port:
    return Port(
        path=path,
        description=description,
        usb=usb,
        by_path=_link("/dev/serial/by-path", path),
        by_id=_link("/dev/serial/by-id", path),
    )


def _link(folder: str, path: str) -> str:
    """The name in this folder that leads to the port; empty if there is none."""
    links = Path(folder).iterdir() if Path(folder).is_dir() else ()
    for link in links:
        if link.resolve() == Path(path).resolve():
            return str(link)
    return ""


def _listen(paths: Sequence[str], seconds: float, baud: int) -> dict[str, str]:
    heard: dict[str, bytearray] = {}
    told: dict[str, str] = {}
    ports: list[TappedPort] = []
    with selectors.DefaultSelector() as selector:
        for path in paths:
            try:
                port = open_tapped(path, Line(baud=baud), dtr=False, rts=False)
            except PortError as error:
                told[path] = str(error)
                continue
            ports.append(port)
            heard[path] = bytearray()
            selector.register(port.fileno(), selectors.EVENT_READ, port)
        until = time.monotonic() + seconds
        while selector.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                try:
                    heard[key.data.address] += key.data.read()
                except LineLost as error:
                    told[key.data.address] = str(error)
                    selector.unregister(key.fd)
    for port in ports:
        port.close()
    return {path: _words(data) for path, data in heard.items()} | told


def _words(data: bytearray) -> str:
    if not data:
        return "silent: it may speak only when asked"
    return f"{len(data)} bytes arrive unasked, first: {bytes(data[:16]).hex(' ')}"
