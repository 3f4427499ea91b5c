"""Whether an archive is as it was written, and if not, which file of it is another."""

import contextlib
import hashlib
import hmac
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

from devicelog.errors import DevicelogError
from devicelog.export.archive import COMMENT, DIGEST, MAC, MANIFEST, Manifest, mac

_BLOCK: Final = 1 << 20
# What a damaged archive makes of the library that reads it.
_DAMAGE: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError),
    *(NotImplementedError, RuntimeError, OSError, UnicodeError, MemoryError),
)
Origin = Literal["this clinic's", "not this clinic's", "not said", "not known"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `changed` names what is not as it was written; empty: all is.

    `origin`: whether it was made with the master key that is at hand. `head`: the
    newest record of the audit chain when it was made, an anchor for `audit verify`.
    """

    path: str
    changed: tuple[str, ...]
    origin: Origin = "not known"
    files: int = 0
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    head: str = ""


def verify(path: Path, key: bytes | None = None) -> Verdict:
    """Look at every byte. Raises DevicelogError where there is no such file."""
    try:
        with path.open("rb") as file:
            whole = _whole(file)
            changed, manifest, sealed = _parts(file)
    except OSError as error:
        raise DevicelogError(
            f"{path} cannot be read: {error.strerror or error}",
            hint="name the archive that was exported",
        ) from error
    if not whole and not changed:
        changed = ["the archive itself (its directory, a date, a file's name)"]
    if manifest is None:
        return Verdict(path=str(path), changed=tuple(changed))
    told, raw = manifest
    return Verdict(
        path=str(path),
        changed=tuple(changed),
        origin=_origin(key, raw, sealed),
        files=len(told.files),
        rows=told.rows,
        head=str(told.history.get("head", "")),
    )


# --- Private ----------------------------------------------------------------------

_Told = tuple[Manifest, bytes]


def _whole(file: BinaryIO) -> bool:
    """Whether its last bytes are the sum of all before them."""
    size = file.seek(0, 2)
    file.seek(0)
    if size < DIGEST + len(COMMENT):
        return False
    summed, left = hashlib.sha256(), size - DIGEST
    while left:
        block = file.read(min(_BLOCK, left))
        if not block:
            return False
        summed.update(block)
        left -= len(block)
    return file.read() == summed.hexdigest().encode()


def _parts(file: BinaryIO) -> tuple[list[str], _Told | None, str]:
    """What differs from the manifest; the manifest; what proves it."""
    try:
        with zipfile.ZipFile(file) as zipped:
            names = zipped.namelist()
            try:
                raw = zipped.read(MANIFEST)
                told = msgspec.json.decode(raw, type=Manifest)
            except (*_DAMAGE, msgspec.DecodeError):
                return [MANIFEST], None, ""
            sealed = ""
            if MAC in names:
                with contextlib.suppress(*_DAMAGE):
                    sealed = zipped.read(MAC).decode("ascii")
            return [*_differing(zipped, told, names)], (told, raw), sealed
    except _DAMAGE:
        return ["the directory of the archive, which cannot be read"], None, ""


def _differing(
    zipped: zipfile.ZipFile, told: Manifest, names: list[str]
) -> Iterator[str]:
    known = {it.name for it in told.files}
    yield from (
        f"{name}, which is not of it"
        for name in names
        if name not in known | {MANIFEST, MAC}
    )
    for it in told.files:
        try:
            same = _sum(zipped, it.name) == (it.bytes, it.sha256)
        except _DAMAGE:
            same = False
        if not same:
            yield it.name if it.name in names else f"{it.name}, which is missing"
    if MAC in names:
        try:
            zipped.read(MAC)
        except _DAMAGE:
            yield MAC


def _sum(zipped: zipfile.ZipFile, name: str) -> tuple[int, str]:
    size, summed = 0, hashlib.sha256()
    with zipped.open(name) as file:
        while block := file.read(_BLOCK):
            size += len(block)
            summed.update(block)
    return size, summed.hexdigest()


def _origin(key: bytes | None, manifest: bytes, sealed: str) -> Origin:
    if not sealed:
        return "not said"
    if key is None:
        return "not known"
    same = hmac.compare_digest(mac(key, manifest), sealed)
    return "this clinic's" if same else "not this clinic's"
