"""Tables and boards, through rich; apart from `output`, so that others need no rich."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_GAP: Final = "  "
_NO_LIMIT: Final = 10_000  # columns where no terminal sets a width


def print_wide(content: RenderableType) -> None:
    """As wide as the terminal; where there is none, as wide as it likes, and plain."""
    Console(width=None if sys.stdout.isatty() else _NO_LIMIT).print(content)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, whole: int = 1
) -> None:
    """Rows under their headings. Where it is narrow the first `whole` stay whole.

    A pipe gets whole cells, however long.
    """
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for n, column in enumerate(table.columns):
        column.no_wrap = n < whole or not sys.stdout.isatty()
    for row in rows:
        table.add_row(*row)
    print_wide(table)


def print_stacked(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, whole: int
) -> None:
    """Such rows; where they do not fit, what follows the first `whole` stands below.

    For rows that end in sentences, which a narrow column would cut to a word a line.
    """
    console = Console()
    widths = [max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True)]
    if not sys.stdout.isatty() or sum(widths) + len(_GAP) * len(widths) < console.width:
        print_table(columns, rows, whole=whole)
        return
    for row in (columns, *rows):
        cells = zip(row[:whole], widths, strict=False)
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in cells)
        style = "bold" if row is columns else ""
        console.print(Text(_GAP.join(padded), style), no_wrap=True, crop=False)
        below = _GAP.join(filter(None, row[whole:]))
        console.print(Padding(Text(below, style), (0, 0, 0, len(_GAP))))
