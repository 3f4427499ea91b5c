"""Tables and boards, through rich; apart from `output`, so that others need no rich."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table

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
