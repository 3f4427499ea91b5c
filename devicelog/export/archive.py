"""A zip with everything: all forms, README, code book, audit extract, manifest.

Written from the beginning to the end without going back. Its comment, the last bytes of
the file, is the SHA-256 of all bytes before it, so that no byte of it can change
unseen; the manifest tells which file it was. `manifest.hmac` proves to who holds the
master key that the archive is of this clinic.
"""

import contextlib
import hashlib
import hmac
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

import msgspec

from devicelog.clock import SECOND
from devicelog.export.book import book_table, readme
from devicelog.export.history import Source
from devicelog.export.parts import Whole
from devicelog.export.rows import tables
from devicelog.export.tables import Counts, Options, csv_table, told
from devicelog.export.writers import FORMS, Form, Missing

COMMENT: Final = b"devicelog sha256 "
DIGEST: Final = 64  # hex digits, the last bytes of the file
MANIFEST: Final = "manifest.json"
MAC: Final = "manifest.hmac"


class Part(msgspec.Struct, frozen=True):
    """One file of an archive."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds. `rows`: of each table; `left_out`: forms, and why."""

    format: Literal["devicelog archive 1"] = "devicelog archive 1"
    history: dict[str, Any]
    rows: Counts
    files: tuple[Part, ...]
    left_out: dict[str, str]


def write(out: BinaryIO, source: Source, options: Options) -> Counts:
    """All of it, readings too, whatever the options say."""
    sealed = _Sealed(out)
    with zipfile.ZipFile(cast("Any", sealed), "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.comment = COMMENT + b"0" * DIGEST
        archive = _Archive(zipped, source, options)
        archive.fill()
    sealed.end()
    return archive.rows


def mac(key: bytes, manifest: bytes) -> str:
    """What proves the manifest to who holds the key, in hex."""
    return hmac.new(key, b"devicelog archive/" + manifest, "sha256").hexdigest()


# --- Private ----------------------------------------------------------------------


class _Archive:
    def __init__(
        self, zipped: zipfile.ZipFile, source: Source, options: Options
    ) -> None:
        self._zipped = zipped
        self._source = source
        self._options = options
        made = datetime.fromtimestamp(source.history.made_ns // SECOND, UTC)
        self._made = made.timetuple()[:6]
        self._parts: list[Part] = []
        self._left_out: dict[str, str] = {}
        self.rows: Counts = {}

    def fill(self) -> None:
        some = tables(self._source.history)
        with self._part("codebook.csv") as out:
            csv_table(out, *book_table(some))
        for form in FORMS.values():
            if form.archived:
                self._form(form)
        with self._part("README.txt") as out:
            out.write(readme(self._source.history, self.rows, self._left_out).encode())
        manifest = msgspec.json.format(
            msgspec.json.encode(
                Manifest(
                    history=told(self._source.history),
                    rows=self.rows,
                    files=tuple(self._parts),
                    left_out=self._left_out,
                )
            )
        )
        with self._part(MANIFEST) as out:
            out.write(manifest)
        if self._options.key is not None:
            with self._part(MAC) as out:
                out.write(mac(self._options.key, manifest).encode())

    def _form(self, form: Form) -> None:
        """Of a form that holds one table, a file for each; of parts, one for each."""
        history = self._source.history
        why = form.refuses(
            patient=history.wanted.pseudonym is not None,
            pseudonymous=history.pseudonymous,
        )
        if why:
            self._left_out[form.suffix] = why
            return
        try:
            form.ready()
        except Missing as error:
            self._left_out[form.suffix] = error.message
            return
        if form.most:
            for part in Whole(self._source, form.most):
                path = form.path(Path(f"history.{form.suffix}"), part.number, part.of)
                with self._part(path.name) as out:
                    form.write(out, part, self._options)
        elif not form.tables:
            with self._part(f"history.{form.suffix}") as out:
                form.write(out, self._source, self._with(readings=True))
        else:
            for name in tables(history):
                with self._part(f"{name}.{form.suffix}") as out:
                    options = self._with(table=name)
                    self.rows |= form.write(out, self._source, options)

    def _with(self, **said: Any) -> Options:
        return msgspec.structs.replace(self._options, **said)

    @contextlib.contextmanager
    def _part(self, name: str) -> Iterator[BinaryIO]:
        info = zipfile.ZipInfo(name, self._made)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        with self._zipped.open(info, "w", force_zip64=True) as entry:
            summed = _Summed(entry)
            yield cast("BinaryIO", summed)
        self._parts.append(Part(name, summed.count, summed.sum.hexdigest()))


class _Stream:
    """What is written to, from the beginning to the end."""

    closed = False

    def __init__(self, out: Any) -> None:
        self._out = out
        self.sum = hashlib.sha256()
        self.count = 0

    def flush(self) -> None:
        """It comes through at the end."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


class _Summed(_Stream):
    """A file of the archive, with its sum."""

    def write(self, data: bytes) -> int:
        self.sum.update(data)
        self._out.write(data)
        size = memoryview(data).nbytes
        self.count += size
        return size

    def tell(self) -> int:
        return self.count


class _Sealed(_Stream):
    """The archive itself: its last bytes become the sum of all before them."""

    def __init__(self, out: BinaryIO) -> None:
        super().__init__(out)
        self._last = b""

    def write(self, data: bytes) -> int:
        held = self._last + bytes(data)
        through, self._last = held[:-DIGEST], held[-DIGEST:]
        self.sum.update(through)
        self._out.write(through)
        return len(data)

    def end(self) -> None:
        self._out.write(self.sum.hexdigest().encode())
