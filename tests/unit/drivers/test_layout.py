"""Cells to values and back: both ways the same, and never an exception on bytes."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.drivers.layout import of_octets, of_read
from devicelog.drivers.load import load
from devicelog.drivers.meaning import Meaning, bounds
from devicelog.drivers.profile import ByteCell, Read, RegisterCell, Timer
from devicelog.drivers.subject import Subject, channel_cells
from devicelog.model.fields import FIELDS

PROFILE = load("us-modbus")
STATUS = Read(name="status", function=4, address=0, count=20)
CELLS = channel_cells(PROFILE.cells, PROFILE.channels[0])
LAYOUT = of_read(STATUS, CELLS)
RAW = {"u16": (0, 0xFFFF), "s16": (-0x8000, 0x7FFF), "u32": (0, 2**32 - 1)}
RAW["s32"] = (-(2**31), 2**31 - 1)
TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8)


def layout(*cells: dict[str, Any], function: Any = 4, count: int = 20):
    read = Read(name="r", function=function, address=0, count=count)
    return of_read(read, [RegisterCell(message="r", **cell) for cell in cells])


def encoded(it, values):
    block = bytearray(it.size)
    it.encode(values, block)
    return bytes(block)


def values_of(cell: RegisterCell) -> st.SearchStrategy[Any]:
    """Every value that a cell of the shipped profile can say."""
    if cell.values:
        return st.sampled_from([*cell.values.values()])
    if cell.type == "text":
        return TEXTS
    if cell.type == "bit":
        return st.booleans()
    low, high = RAW[cell.type]
    if FIELDS[cell.name].type == "text":
        return st.integers(low, high).filter(lambda raw: raw != cell.absent).map(str)
    least, most = (round(bound / cell.scale) for bound in bounds(cell))
    least = max(low, least + (least == cell.absent))
    return st.integers(least, min(high, most)).map(
        lambda raw: float(f"{raw * cell.scale:.6f}")
    )


def optional(cell: RegisterCell) -> st.SearchStrategy[Any]:
    return st.none() if cell.absent is not None else values_of(cell)


@given(
    st.fixed_dictionaries(
        {cell.name: values_of(cell) | optional(cell) for cell in CELLS}
    )
)
def test_what_is_encoded_is_what_is_decoded(said):
    values = {name: value for name, value in said.items() if value is not None}

    assert LAYOUT.decode(encoded(LAYOUT, values)) == (values, "")


@given(st.binary(min_size=40, max_size=40))
def test_what_is_decoded_is_what_is_encoded(data):
    values, problem = LAYOUT.decode(data)
    if problem:
        assert not values or set(values) < {cell.name for cell in CELLS}
        assert any(problem.startswith(f"{cell.name}: ") for cell in CELLS)
    else:
        assert LAYOUT.decode(encoded(LAYOUT, values)) == (values, "")


@given(st.binary(max_size=60))
def test_no_bytes_raise(data):
    _, problem = LAYOUT.decode(data)

    assert problem or len(data) == 40


@pytest.mark.parametrize("type_", RAW)
@given(data=st.data())
def test_every_type_of_number_at_every_scale(type_, data):
    scale = data.draw(st.sampled_from([1.0, 0.1, 0.01, 0.001, 0.5, 2.0, -0.1, 1 / 3]))
    offset = data.draw(st.sampled_from([0.0, -40.0, 0.05, 273.15]))
    cell = {"name": "time_left_s", "at": 3, "type": type_}
    it = layout(cell | {"scale": scale, "offset": offset})
    raw = data.draw(st.integers(*RAW[type_]))
    size = 4 if "32" in type_ else 2
    block = bytearray(it.size)
    block[6 : 6 + size] = raw.to_bytes(size, "big", signed=type_[0] == "s")

    values, problem = it.decode(bytes(block))

    value = raw * scale + offset
    if problem:
        assert not 1e-6 < value < 7200 - 1e-6
    else:
        assert -1e-6 < value < 7200 + 1e-6
        assert values["time_left_s"] == pytest.approx(value)
        assert encoded(it, values) == bytes(block)


def test_a_decimal_scale_gives_decimals():
    it = layout({"name": "intensity_w_cm2", "at": 0, "scale": 0.01}, count=1)
    said = [
        it.decode(raw.to_bytes(2, "big"))[0]["intensity_w_cm2"] for raw in range(301)
    ]

    assert said == [float(f"{raw // 100}.{raw % 100:02d}") for raw in range(301)]


@given(st.sets(st.integers(0, 15)))
def test_bits_of_one_register(ones):
    names = [f"n{bit}" for bit in range(16)]
    it = layout(
        *({"name": n, "at": 1, "type": "bit", "bit": b} for b, n in enumerate(names))
    )
    word = sum(1 << bit for bit in ones)
    block = bytearray(40)
    block[2:4] = word.to_bytes(2, "big")

    # A name that is in no catalogue is a text: the bit as a number.
    assert it.decode(bytes(block))[0] == {
        name: "1" if bit in ones else "0" for bit, name in enumerate(names)
    }


@given(st.binary(min_size=3, max_size=3))
def test_coils_come_with_the_first_in_the_lowest_bit(data):
    it = layout(
        {"name": "contact_ok", "at": 0, "type": "bit"},
        {"name": "electrode_1_ok", "at": 9, "type": "bit"},
        {"name": "electrode_2_ok", "at": 23, "type": "bit"},
        function=1,
        count=24,
    )

    values, problem = it.decode(data)

    assert problem == ""
    assert values == {
        "contact_ok": bool(data[0] & 1),
        "electrode_1_ok": bool(data[1] & 2),
        "electrode_2_ok": bool(data[2] & 128),
    }
    assert it.decode(encoded(it, values)) == (values, "")


@pytest.mark.parametrize(
    ("cell", "raw", "said"),
    [
        (
            {"scale": 0.1, "high": 60.0},
            601,
            "head_temp_c: 60.1 Cel is not within 0 to 60",
        ),
        (
            {"scale": 0.1, "low": 10.0},
            99,
            "head_temp_c: 9.9 Cel is not within 10 to 80",
        ),
        ({}, 81, "head_temp_c: 81 Cel is not within 0 to 80"),
        ({"values": {"1": 20.0}}, 7, "head_temp_c: code 7 is none the profile knows"),
        ({"type": "s16"}, 0xFFFF, "head_temp_c: -1 Cel is not within 0 to 80"),
    ],
)
def test_what_cannot_be_names_field_value_and_bound(cell, raw, said):
    it = layout({"name": "head_temp_c", "at": 0} | cell, count=1)

    assert it.decode(raw.to_bytes(2, "big"))[1] == said


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_believed_even_if_a_style_brings_floats(raw):
    it = Meaning([RegisterCell(message="r", at=0, name="head_temp_c")], [0])

    assert "is not within 0 to 80" in it.decode([raw])[1]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ({"name": "time_left_s"}, 70000),
        ({"name": "time_left_s"}, -1),
        ({"name": "program", "type": "text", "length": 2}, "five!"),
        ({"name": "program", "type": "text", "length": 2}, "\u00e9"),
        ({"name": "duty_raw", "values": {"1": "1:1"}}, "1:7"),
    ],
)
def test_what_the_wire_cannot_say_is_an_error_of_whoever_says_it(cell, value):
    it = layout({"at": 0} | cell)

    with pytest.raises(ValueError, match=str(cell["name"])):
        encoded(it, {cell["name"]: value})


@given(st.floats(0, 7200), st.floats(0, 7200))
def test_a_timer_that_counts_up_still_says_what_is_left(whole, gone):
    profile = msgspec.structs.replace(
        PROFILE,
        timer=Timer(direction="up"),
        cells=(
            RegisterCell(message="status", at=0, name="state"),
            RegisterCell(message="status", at=1, name="time_set_s"),
            RegisterCell(message="status", at=2, name="time_elapsed_s"),
        ),
    )
    it = Subject(profile, profile.channels[0])

    values = it.decoded(
        {"state": "running", "time_set_s": whole, "time_elapsed_s": gone}
    ).values

    assert values["time_left_s"] == max(0, whole - gone)


@pytest.mark.parametrize("order", ["big", "little"])
@given(data=st.binary(min_size=20, max_size=20))
def test_octets_are_read_where_they_lie_in_either_order(order, data):
    types = {"u8": 1, "s8": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4}
    cells, at = [], 1
    for type_, size in types.items():
        # A name that is in no catalogue is a text: the number, without bounds.
        cells.append(ByteCell(message="m", name=type_, at=at, type=type_))
        at += size
    cells.append(ByteCell(message="m", name="low", at=18, type="bit", bit=0))
    cells.append(ByteCell(message="m", name="high", at=18, type="bit", bit=7))
    it = of_octets(20, order, cells)
    values, problem = it.decode(data)

    assert problem == ""
    for cell in cells[:-2]:
        part = data[cell.at : cell.at + types[cell.name]]
        number = int.from_bytes(part, order, signed=cell.name[0] == "s")
        assert values[cell.name] == str(number)
    assert (values["low"], values["high"]) == (str(data[18] & 1), str(data[18] >> 7))
    block = bytearray(20)
    it.encode(values | {"s8": 0, "s16": 0, "s32": 0}, block)
    assert block[1:2] == data[1:2]
    assert block[18] == data[18] & 0x81


def test_a_text_that_is_no_text_is_not_believed():
    it = of_octets(
        4, "big", [ByteCell(message="m", name="program", at=1, type="text", length=2)]
    )

    assert it.decode(b"\0A\0\0") == ({"program": "A"}, "")
    assert it.decode(b"\0\xe4\xb5\0") == ({}, "program: e4 b5 is no text (ASCII)")
    assert it.decode(b"\0A") == ({}, "2 bytes of data, 4 were asked for")
