"""Where an export goes: into a file, into several, or to stdout."""

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from devicelog.errors import DevicelogError
from devicelog.export import files
from devicelog.export.history import Source
from devicelog.export.parts import Whole
from devicelog.export.tables import Counts, Options
from devicelog.export.writers import Form


def written(
    form: Form, path: Path | None, source: Source, options: Options
) -> tuple[list[Path], Counts]:
    """The files and how many rows; all of them get their names, or none does.

    `path` None: to stdout. Raises DevicelogError where it cannot be written.
    """
    if not form.most:
        with _place(path) as out:
            rows = form.write(out, source, options)
        return [path] if path else [], rows
    whole = Whole(source, form.most)
    if path is None and whole.parts > 1:
        raise DevicelogError(
            f"this is {whole.parts} files of .{form.suffix}", hint="name them: -o FILE"
        )
    paths, sums = [], Counter[str]()
    with contextlib.ExitStack() as stack:
        for part in whole:
            named = path and form.path(path, part.number, part.of)
            out = stack.enter_context(_place(named))
            sums.update(form.write(out, part, options))
            paths += [named] if named else []
    return paths, dict(sums)


# --- Private ----------------------------------------------------------------------


@contextlib.contextmanager
def _place(path: Path | None) -> Iterator[BinaryIO]:
    """The file, or stdout."""
    if path is not None:
        with files.whole(path) as out:
            yield out
        return
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()
