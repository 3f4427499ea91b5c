"""Journals that lie aside: damaged ones, and what a restore or a migration left.

Keys that are deleted from the journal still stand in them. As they may be damaged they
are not opened but searched, byte by byte, for what the journal has of the patient: a
row of `keys` lies on one page always, so its value is whole wherever it stands, in a
file, its log, or between rows. Where it was, zeros are.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from devicelog.journal.directory import QUARANTINE
from devicelog.journal.migrate import BACKUPS
from devicelog.model.audit import Aside

_CHUNK: Final = 1 << 20
# SQLite keeps up to 1,002 bytes of such a row together (its file format, 1.6), subject
# and header among them; of what is longer no one knows where it is cut.
_TOGETHER: Final = 900
_PIECE: Final = 16
_NAMED: Final = 50
_PACKED: Final = (
    b"\x1f\x8b",  # gzip
    b"PK\x03\x04",  # zip
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",  # zstd
    b"7z\xbc\xaf",
)


def folders(directory: str) -> list[Path]:
    """Where there are such files, in the journal's directory."""
    there = (Path(directory) / QUARANTINE, Path(directory) / BACKUPS)
    return [it for it in there if it.is_dir() and any(it.iterdir())]


def blank(directory: str, sealed: Sequence[bytes]) -> Aside:
    """Put zeros wherever these stand, in every file; durable when this returns.

    A file that cannot be read or written, or is compressed, is named and left; where
    there are many of them, their folders are named.
    """
    wanted = [part for it in sealed for part in _parts(it)]
    files, places, doubtful = 0, 0, []
    for path in _files(directory):
        try:
            count, readable = _blank(path, wanted)
        except OSError:
            count, readable = 0, False
        files, places = files + bool(count), places + count
        if not readable:
            doubtful.append(str(path))
    if len(doubtful) > _NAMED:
        doubtful = [str(it) for it in folders(directory)]
    return Aside(files=files, places=places, doubtful=tuple(doubtful))


# --- Private ----------------------------------------------------------------------


def _files(directory: str) -> Iterator[Path]:
    for folder in folders(directory):
        for it in sorted(folder.rglob("*")):
            if it.is_symlink() or not it.is_dir():
                yield it


def _parts(sealed: bytes) -> list[bytes]:
    """What of it stands together for certain; at most 15 bytes at a cut do not."""
    if len(sealed) <= _TOGETHER:
        return [sealed]
    return [sealed[at : at + _PIECE] for at in range(0, len(sealed), _PIECE)]


def _blank(path: Path, wanted: Sequence[bytes]) -> tuple[int, bool]:
    """In how many places it stood; whether the file is what it says.

    What a link leads to is not ours to change, and a pipe has no end.
    """
    if path.is_symlink() or not path.is_file():
        return 0, False
    with path.open("rb", buffering=0) as file:
        found = [*_places(file.fileno(), wanted)]
        readable = not os.pread(file.fileno(), 8, 0).startswith(_PACKED)
    if found:
        with path.open("r+b", buffering=0) as file:
            for at, size in found:
                os.pwrite(file.fileno(), bytes(size), at)
            os.fsync(file.fileno())
    return len(found), readable


def _places(handle: int, wanted: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Where one of them begins, and its length; a chunk at a time, for files of GB."""
    beyond, at = max(map(len, wanted), default=1) - 1, 0
    while chunk := os.pread(handle, _CHUNK + beyond, at):
        for it in wanted:
            found = chunk.find(it)
            while 0 <= found < _CHUNK:  # else it is the next chunk's
                yield at + found, len(it)
                found = chunk.find(it, found + 1)
        at += _CHUNK
