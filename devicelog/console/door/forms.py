"""Forms, as a browser sends them: read within bounds."""

from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.parse import parse_qs

LONGEST: Final = 64_000  # bytes; the longest note is far below
_FIELDS: Final = 200
_KIND: Final = "application/x-www-form-urlencoded"


class TooMuch(Exception):
    """More than any of our forms holds."""


async def read(kind: str, body: AsyncIterator[bytes]) -> dict[str, str]:
    """The fields of a form, the last of each name. Raises TooMuch, ValueError."""
    content = b""
    async for piece in body:
        content += piece
        if len(content) > LONGEST:
            raise TooMuch
    if not content:
        return {}
    if kind.partition(";")[0].strip().lower() != _KIND:
        raise ValueError("not a form")
    return fields(content.decode("utf-8"))


def fields(text: str) -> dict[str, str]:
    """`a=1&b=2`, of a form or a query. Raises ValueError."""
    told: Mapping[str, list[str]] = parse_qs(
        text, keep_blank_values=True, max_num_fields=_FIELDS, errors="strict"
    )
    return {name: values[-1].replace("\x00", "") for name, values in told.items()}
