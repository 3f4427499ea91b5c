"""Frames between a start and an end, and lines: known ones, and each kind of noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.model.flow import Frame, Noise
from devicelog.wire.delimited import DelimitedWire
from devicelog.wire.lines import LinesWire

STX, ETX = "<STX>", "<ETX>"
# ASTM E1381: <STX> 1 text <ETX> C1 C2 <CR><LF>, the sum over all from 1 to <ETX>.
ASTM = DelimitedWire(
    start=STX,
    end=ETX,
    tail="<CR><LF>",
    check="sum8_hex",
    check_place="after_end",
    check_covers=("end",),
    data="binary",
)
RAW = DelimitedWire(start=STX, end=ETX, check="xor8", data="binary")
SUMMED = DelimitedWire(start=STX, end=ETX, check="sum8_hex")
# NMEA 0183: $ text * C1 C2 <CR><LF>, exclusive-or over the text.
NMEA = DelimitedWire(
    start="$", end="*", tail="<CR><LF>", check="xor8_hex", check_place="after_end"
)


def pieces(wire, data, asks=()):
    framer = wire.framing().framer(asks)
    return [*framer.feed(data), *framer.feed(b"")]


@pytest.mark.parametrize(
    ("wire", "frame"),
    [
        (ASTM, b"\x021R|1|^^^US.INT|0.50|W/cm2|||F\r\x0394\r\n"),
        # As it stands in many a GPS manual.
        (
            NMEA,
            b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n",
        ),
        (SUMMED, b"\x02A41\x03"),
        (RAW, b"\x02\x01\x02"[:2] + b"\x01\x03"),
        (DelimitedWire(start="{", end="}"), b"{a:1}"),
    ],
)
def test_known_frames(wire, frame):
    framing = wire.framing()

    assert pieces(wire, frame) == [Frame(frame)]
    assert framing.seal(framing.body(frame)) == frame


@given(st.binary(max_size=20))
def test_a_raw_check_may_be_a_start_or_an_end(text):
    """The frame that checks is tried, and only that."""
    text = text.translate(None, b"\x02\x03") + b"a"
    for value in (2, 3):
        # A byte more, so that all of it exclusive-ored is this value.
        last = value
        for byte in text:
            last ^= byte
        if last in (2, 3):
            continue
        frame = b"\x02" + text + bytes((last, value)) + b"\x03"
        assert pieces(RAW, frame) == [Frame(frame)]
        assert pieces(RAW, frame * 3) == [Frame(frame)] * 3
        assert pieces(RAW, frame[:-1] + frame) == [
            Noise(frame[:-1], "another frame begins within it")
            if value == 2
            else Noise(frame[:-1], "checksum does not fit"),
            Frame(frame),
        ]


@pytest.mark.parametrize(
    ("wire", "data", "why"),
    [
        (SUMMED, b"xyz", "no frame begins so"),
        (SUMMED, b"\x02A4", "half a frame, then silence"),
        (SUMMED, b"\x02A42\x03", "checksum does not fit"),
        (SUMMED, b"\x0200\x03", "nothing between start and end"),
        (SUMMED, b"\x02\x0101\x03", "not all of it is text"),
        (SUMMED, b"\x02A\x02A4\x03", "another frame begins within it"),
        (SUMMED, b"\x02" + b"A" * 300, "no frame ends within 256 bytes"),
        (ASTM, b"\x021\x0334\r\r", "no tail behind its end"),
        (NMEA, b"$GP*17\r\n"[:-1], "half a frame, then silence"),
        (LinesWire(), b"half", "half a frame, then silence"),
        (LinesWire(), b"\r\n", "an empty line"),
        (LinesWire(), b"a\0b\r\n", "not all of it is text"),
        (LinesWire(), b"a\rb\r\n", "not all of it is text"),
        (LinesWire(), b"x" * 400, "a line of more than 256 bytes"),
        (LinesWire(), b"x" * 400 + b"\r\n", "a line of more than 256 bytes"),
        (LinesWire(check="xor8_hex"), b"A42\r\n", "checksum does not fit"),
        (LinesWire(check="xor8_hex"), b"41\r\n", "an empty line"),
        (LinesWire(start="$"), b"A\r\n", "no frame begins so"),
    ],
)
def test_noise_says_what_is_wrong_with_it(wire, data, why):
    told = pieces(wire, data)

    assert {type(piece) for piece in told} == {Noise}
    assert b"".join(piece.data for piece in told) == data
    assert told[0].why == why


@pytest.mark.parametrize("end", ["<CR>", "<LF>", "<CR><LF>"])
@pytest.mark.parametrize("start", ["", "$"])
def test_a_line_ends_as_declared(end, start):
    wire = LinesWire(start=start, end=end)
    close = {"<CR>": b"\r", "<LF>": b"\n", "<CR><LF>": b"\r\n"}[end]
    line = start.encode() + b"A=1;B=2" + close

    assert pieces(wire, line * 2) == [Frame(line)] * 2


def test_lines_that_end_otherwise_than_declared_are_noise():
    said = b"A=1\r\nA=2\r\n"

    assert pieces(LinesWire(end="<CR>"), said)[1] == Noise(
        b"\nA=2\r", "not all of it is text"
    )
    assert pieces(LinesWire(end="<LF>"), said) == [Noise(said, "not all of it is text")]


def test_behind_a_line_that_is_too_long_the_next_line_is_one():
    told = pieces(LinesWire(end="<CR>", longest=20), b"x" * 50 + b"\r" + b"A=1\r")

    assert told[-1] == Frame(b"A=1\r")
    assert sum(len(piece.data) for piece in told[:-1]) == 51


def test_what_is_half_a_line_at_its_front_is_not_taken_for_one_behind_garbage():
    """`18.0` must not be read as `8.0`."""
    assert [
        type(piece) for piece in pieces(LinesWire(end="<CR>"), b"\xb18.0\r18.0\r")
    ] == [Noise, Frame]


def test_a_request_of_the_one_who_asks_is_a_frame():
    wire = LinesWire(start="$")

    assert pieces(wire, b"?US\r$A=1\r\n?U$A=2\r\n", [b"?US\r", b"?U"]) == [
        Frame(b"?US\r", "request"),
        Frame(b"$A=1\r\n"),
        Frame(b"?U", "request"),
        Frame(b"$A=2\r\n"),
    ]


@pytest.mark.parametrize("wire", [SUMMED, ASTM, LinesWire(), LinesWire(start="$")])
def test_what_is_too_long_cannot_be_said(wire):
    framing = wire.framing()

    with pytest.raises(ValueError, match="257 bytes are over 256"):
        framing.seal(bytes(257))
