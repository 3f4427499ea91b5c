"""Text to values and back: keys, fields, columns; both ways the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.drivers.profile import Text, TextCell, TextMessage
from devicelog.drivers.text import Parts, Sheets, TextLayout

KEYS = Text(form="keys", separator=" ", equals=":")
FIELDS = Text(form="fields", separator=";")
COLUMNS = Text(form="columns")


def cell(name: str = "time_left_s", **more: Any) -> TextCell:
    return TextCell(message="m", name=name, **more)


def read(text: Text, line: bytes, *cells: TextCell, size=0, when=None):
    message = TextMessage(name="m", size=size, when=when or {})
    sheet, wrong = Sheets(Parts(text, 0, 0), message, cells).read(line)
    assert wrong == ""
    return TextLayout(text, cells).decode(sheet)


def written(text: Text, values, *cells: TextCell, size=0, when=None):
    message = TextMessage(name="m", size=size, when=when or {})
    sheets = Sheets(Parts(text, 0, 0), message, cells)
    sheet = sheets.blank()
    TextLayout(text, cells).encode(values, sheet)
    return sheets.write(sheet)


@pytest.mark.parametrize(
    ("text", "line", "cells", "size", "values"),
    [
        (
            KEYS,
            b"CH:1 L:12.5 P:a",
            [cell(key="L"), cell("program", key="P")],
            0,
            {"time_left_s": 12.5, "program": "a"},
        ),
        (KEYS, b"P:a", [cell(key="L", absent=""), cell("program", key="P")], 0, {}),
        (KEYS, b"L: P:a", [cell(key="L", absent="")], 0, {}),
        (FIELDS, b"1;;3", [cell(at=1, absent="")], 3, {}),
        (FIELDS, b"a;-- ;3", [cell(at=1, absent="--")], 3, {}),
        (FIELDS, b" 7 ;x", [cell(at=0)], 2, {"time_left_s": 7.0}),
        (COLUMNS, b"xx 12.5yy", [cell(at=2, length=5)], 9, {"time_left_s": 12.5}),
        (
            COLUMNS,
            b"0-12",
            [cell("balance_pct", at=1, length=3)],
            4,
            {"balance_pct": -12.0},
        ),
    ],
)
def test_what_stands_in_a_text(text, line, cells, size, values):
    said, problem = read(text, line, *cells, size=size)

    assert problem == ""
    assert "time_left_s" in values or "time_left_s" not in said
    assert said.items() >= values.items()


@pytest.mark.parametrize(
    ("more", "said", "value"),
    [
        ({}, "12.5", 12.5),
        ({}, "12", 12.0),
        ({}, "0.000001", 0.000001),
        ({"decimals": 0}, "12", 12.0),
        ({"decimals": 2}, "12.50", 12.5),
        ({"decimals": 1, "length": 6}, "0012.5", 12.5),
        ({"decimals": 1, "length": 6, "pad": "spaces"}, "  12.5", 12.5),
        ({"scale": 60.0}, "3", 180.0),
        ({"scale": 0.1, "decimals": 1}, "0.3", 0.03),
        ({"scale": -1.0, "offset": 100.0}, "30", 70.0),
    ],
)
def test_how_a_number_is_written(more, said, value):
    it = cell(at=0, **more)

    assert read(FIELDS, said.encode(), it, size=1) == ({"time_left_s": value}, "")
    assert written(FIELDS, {"time_left_s": value}, it, size=1) == said.encode()


@pytest.mark.parametrize("said", ["-12", "-1.5", "+3", "-0.5"])
def test_signs(said):
    it = cell("balance_pct", at=0)

    assert read(FIELDS, said.encode(), it, size=1) == ({"balance_pct": float(said)}, "")


def test_a_negative_number_of_fixed_length_has_its_sign_first():
    it = cell("balance_pct", at=0, length=4, decimals=0)

    assert written(FIELDS, {"balance_pct": -7.0}, it, size=1) == b"-007"
    assert read(FIELDS, b"-007", it, size=1) == ({"balance_pct": -7.0}, "")


@pytest.mark.parametrize(
    ("more", "said", "problem"),
    [
        ({"decimals": 1}, "12", "time_left_s: '12' is no number as declared"),
        ({"decimals": 0}, "12.0", "time_left_s: '12.0' is no number as declared"),
        ({"length": 4}, "125", "time_left_s: '125' has not 4 characters"),
        ({}, "1.2.3", "time_left_s: '1.2.3' is no number as declared"),
        ({}, "0x10", "time_left_s: '0x10' is no number as declared"),
        ({}, "--", "time_left_s: '--' is no number as declared"),
        ({}, "0.0000001", "time_left_s: '0.0000001' is no number as declared"),
        (
            {"decimals": 2, "length": 5},
            "+0.00",
            "time_left_s: '+0.00' is no number as declared",
        ),
        (
            {"decimals": 2, "length": 5},
            " 0.00",
            "time_left_s: ' 0.00' is no number as declared",
        ),
        (
            {"decimals": 0, "length": 3, "pad": "spaces"},
            "012",
            "time_left_s: '012' is no number as declared",
        ),
        ({}, "9" * 13, f"time_left_s: '{'9' * 13}' is no number as declared"),
        ({}, "\xb2", "time_left_s: '\xb2' is no number as declared"),
    ],
)
def test_what_is_no_number(more, said, problem):
    values, told = read(FIELDS, said.encode("latin-1"), cell(at=0, **more), size=1)

    assert values == {}
    assert told == problem


def test_a_code_that_is_not_listed_is_what_the_profile_calls_it():
    it = cell("fault_code", at=0, values={"01": "hot"}, other="E{}")

    assert read(FIELDS, b"01", it, size=1)[0] == {"fault_code": "hot"}
    assert read(FIELDS, b"1F", it, size=1)[0] == {"fault_code": "E1F"}
    assert written(FIELDS, {"fault_code": "E1F"}, it, size=1) == b"1F"
    assert written(FIELDS, {"fault_code": "hot"}, it, size=1) == b"01"


@pytest.mark.parametrize(
    ("values", "more"),
    [
        ({"time_left_s": 100000.0}, {"length": 4, "decimals": 0}),
        ({"program": "too long"}, {"name": "program", "length": 3}),
        ({}, {"name": "contact_ok", "values": {"1": True}}),
        ({"contact_ok": False}, {"name": "contact_ok", "values": {"1": True}}),
    ],
)
def test_what_the_wire_cannot_say_is_an_error_of_whoever_says_it(values, more):
    with pytest.raises(ValueError, match=r"does not fit|no text|no code"):
        written(FIELDS, values, cell(**({"at": 0} | more)), size=1)


def test_what_is_not_said_is_blank():
    assert written(FIELDS, {}, cell(at=1), size=3) == b";0;"
    assert written(KEYS, {}, cell(key="L", absent="-"), when={"CH": "1"}) == b"CH:1 L:-"
    assert written(COLUMNS, {}, cell(at=2, length=3), size=6) == b"  000 "


@given(
    st.integers(-999_999_999, 999_999_999),
    st.integers(0, 6),
    st.sampled_from([1.0, 0.1, 0.001, 0.5, 3.0, -2.0]),
    st.sampled_from([0.0, 0.05, -40.0]),
)
def test_every_number_at_every_scale_is_written_as_it_was_read(
    raw, decimals, scale, offset
):
    bound = cell(at=0, decimals=decimals, scale=scale, offset=offset)
    sign = "-" if raw < 0 else ""
    digits = str(abs(raw)).rjust(decimals + 1, "0")
    whole = digits[: len(digits) - decimals]
    part = f".{digits[len(digits) - decimals :]}" if decimals else ""
    said = f"{sign}{whole}{part}"
    values, problem = read(FIELDS, said.encode(), bound, size=1)

    if problem:
        assert "is not within 0 to 7200" in problem
    else:
        again = written(FIELDS, values, bound, size=1).decode()
        assert float(again) == float(said)
