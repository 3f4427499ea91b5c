"""Text <-> raw values: KEY=VALUE, fields by their order, columns by their places.

A sheet is the text of one frame taken apart: what stands at each place, where a place
is a key, the number of a field, or the first character of a column.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from devicelog.drivers.meaning import (
    DECIMALS,
    Meaning,
    Raw,
    Values,
    is_number,
)
from devicelog.drivers.memory import Memory
from devicelog.drivers.profile import Text, TextCell, TextMessage

Place = str | int
Sheet = dict[Place, str]

# More digits than any field of the catalogue has.
_WHOLE: Final = "[-+]?[0-9]{1,12}"


class Parts:
    """Takes texts apart that say KEY=VALUE or fields, whatever message they are.

    `front`, `back`: bytes around the text in a body. All messages of a device share
    one, so that a frame is taken apart once.
    """

    def __init__(self, text: Text, front: int, back: int) -> None:
        self.text = text
        self.front, self.back = front, back
        self._last: tuple[bytes, tuple[Sheet, str]] = (b"", ({}, "nothing"))

    def read(self, body: bytes) -> tuple[Sheet, str]:
        """What stands at each place; "" or what is wrong with the shape."""
        if body != self._last[0]:
            self._last = body, self._apart(body)
        return self._last[1]

    # --- Private ------------------------------------------------------------------

    def _apart(self, body: bytes) -> tuple[Sheet, str]:
        content = body[self.front : len(body) - self.back].decode("latin-1")
        parts, wrong = content.split(self.text.separator), ""
        if self.text.closed:
            if parts[-1]:
                wrong = f"no {self.text.separator!r} stands behind the last"
            else:
                parts.pop()
        if self.text.form == "fields":
            return dict(enumerate(parts)), wrong
        sheet, why = self._keys(parts)
        return sheet, wrong or why

    def _keys(self, parts: Iterable[str]) -> tuple[Sheet, str]:
        sheet: Sheet = {}
        for part in parts:
            key, equals, value = part.partition(self.text.equals)
            key = key.strip()
            if not equals:
                return sheet, f"{part!r} is no KEY{self.text.equals}VALUE"
            if key in sheet:
                return sheet, f"{key} stands twice"
            sheet[key] = value
        return sheet, ""


class Sheets:
    """The texts of one message <-> sheets."""

    def __init__(
        self, parts: Parts, message: TextMessage, cells: Iterable[TextCell]
    ) -> None:
        self._parts = parts
        self._text = text = parts.text
        self._size = message.size
        self._when: Sheet = {
            _place(text, place): it for place, it in message.when.items()
        }
        whens = {place: len(it) for place, it in self._when.items()}
        self._places = whens | {place_of(text, cell): cell.length for cell in cells}
        self._order = sorted(map(int, self._places)) if text.form == "columns" else []
        self._last: tuple[bytes, tuple[Sheet, str]] = (b"", ({}, "nothing"))

    def fits(self, sheet: Sheet) -> bool:
        """Whether this is the message."""
        return self._when.items() <= sheet.items()

    def read(self, body: bytes) -> tuple[Sheet, str]:
        """Take a frame's text apart; "" or what is wrong with its shape."""
        if self._text.form == "columns":
            if body != self._last[0]:
                self._last = body, self._columns(body.decode("latin-1"))
            return self._last[1]
        sheet, wrong = self._parts.read(body)
        if self._text.form == "fields" and len(sheet) != self._size:
            wrong = wrong or f"{len(sheet)} fields, not {self._size}"
        return sheet, wrong

    def blank(self) -> Sheet:
        """A sheet that says no more than which message it is."""
        if self._text.form == "fields":
            return dict.fromkeys(range(self._size), "") | self._when
        return dict.fromkeys(self._places, "") | self._when

    def write(self, sheet: Sheet) -> bytes:
        """The body of a frame with this sheet."""
        text = self._text
        if text.form == "columns":
            letters = ""
            for place in self._order:
                letters = letters[:place].ljust(place) + sheet[place]
            return letters.ljust(self._size).encode("latin-1")
        if text.form == "keys":
            said = [f"{key}{text.equals}{it}" for key, it in sheet.items()]
        else:
            said = [*sheet.values()]
        content = text.separator.join(said) + (text.separator if text.closed else "")
        front, back = bytes(self._parts.front), bytes(self._parts.back)
        return front + content.encode("latin-1") + back

    # --- Private ------------------------------------------------------------------

    def _columns(self, body: str) -> tuple[Sheet, str]:
        if len(body) != self._size:
            wrong = f"{len(body)} characters, not {self._size}"
            places: Iterable[Place] = self._when
        else:
            wrong, places = "", self._places
        return {it: body[int(it) : int(it) + self._places[it]] for it in places}, wrong


class TextLayout:
    """What a sheet says of one channel (or of the identity)."""

    def __init__(self, text: Text, cells: Sequence[TextCell]) -> None:
        self._cells = [
            (cell, place_of(text, cell), re.compile(_pattern(cell)), is_number(cell))
            for cell in cells
        ]
        self._places = [(n, place) for n, (_, place, _, _) in enumerate(self._cells)]
        self._meaning = Meaning(cells, range(len(cells)))
        self._memory = Memory(cells, self._say)
        # What each cell was heard to say last, and what that stands for.
        self._heard: list[str | None] = ["\0"] * len(cells)
        self._raws: list[Raw | None] = [None] * len(cells)

    def decode(self, sheet: Sheet) -> tuple[Values, str]:
        """The values, and "" or why they cannot be believed."""
        get, heard = sheet.get, self._heard
        for n, place in self._places:
            text = get(place)
            if text != heard[n]:  # from frame to frame few texts change
                raw, problem = self._raw(n, text)
                if problem:
                    return {}, problem
                heard[n], self._raws[n] = text, raw
        return self._meaning.decode(self._raws)

    def encode(self, values: Values, sheet: Sheet) -> None:
        """Write what a device would send for these values into the sheet.

        Raises ValueError where a value cannot be said.
        """
        said = self._memory.of(values)
        for n, place in self._places:
            sheet[place] = said[n]

    def _raw(self, n: int, text: str | None) -> tuple[Raw | None, str]:
        """What this text in cell n stands for; "" or why it is not believed."""
        cell, place, pattern, number = self._cells[n]
        if text is None:
            absent = cell.absent == ""
            return None, "" if absent else f"{cell.name}: there is no {place}"
        said = text.strip()
        if cell.absent is not None and said == cell.absent:
            return None, ""
        if cell.length and len(text) != cell.length:
            return None, f"{cell.name}: {text!r} has not {cell.length} characters"
        if not number:
            return said, ""
        if pattern.fullmatch(said):
            raw = _whole(said, _decimals(cell))
            # Where the device's way of writing is known, it writes in no other.
            known = cell.length and cell.decimals is not None
            if not known or _number(cell, raw) == text:
                return raw, ""
        return None, f"{cell.name}: {text!r} is no number as declared"

    def _say(self, n: int, values: Values) -> str:
        cell, _, _, number = self._cells[n]
        missing = values.get(cell.name) is None
        if missing and cell.absent is not None:
            said = cell.absent.ljust(cell.length)
        elif missing and cell.values:
            raise ValueError(f"{cell.name}: the profile has no text for none")
        elif number:
            said = _number(cell, int(self._meaning.raw(n, values)))
        else:
            said = str(self._meaning.raw(n, values)).ljust(cell.length)
        if cell.length and len(said) != cell.length:
            raise ValueError(f"{cell.name}: {said!r} does not fit")
        return said


def place_of(text: Text, cell: TextCell) -> Place:
    """Where the cell stands in a sheet."""
    return cell.key if text.form == "keys" else cell.at


# --- Private ----------------------------------------------------------------------


def _place(text: Text, place: str) -> Place:
    return place if text.form == "keys" else int(place)


def _decimals(cell: TextCell) -> int:
    return DECIMALS if cell.decimals is None else cell.decimals


def _pattern(cell: TextCell) -> str:
    if cell.decimals is None:
        return rf"{_WHOLE}(\.[0-9]{{1,{DECIMALS}}})?"
    return rf"{_WHOLE}\.[0-9]{{{cell.decimals}}}" if cell.decimals else _WHOLE


def _whole(said: str, decimals: int) -> int:
    """The number in units of its last decimal."""
    whole, _, part = said.partition(".")
    return int(whole + part.ljust(decimals, "0"))


def _number(cell: TextCell, raw: int) -> str:
    decimals = _decimals(cell)
    sign = "-" if raw < 0 else ""
    digits = str(abs(raw)).rjust(decimals + 1, "0")
    whole, part = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    if cell.decimals is None:
        part = part.rstrip("0")
    said = f"{whole}.{part}" if part else whole
    if cell.pad == "zeros":
        said = said.rjust(cell.length - len(sign), "0")
    return (sign + said).rjust(cell.length)
