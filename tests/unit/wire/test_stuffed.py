"""Frames whose data are escaped: known ones, and each kind of noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.model.flow import Frame, Noise
from devicelog.wire.stuffed import StuffedWire

# Start, stop and escape of ScienceMode2 (its check is another, and not at the end).
SCIENCE = StuffedWire(
    start="<F0>", end="<0F>", escape="<81>", escape_xor=0x55, check="none"
)
# RFC 1662, 4.2: HDLC as in PPP; its FCS-16 is CRC-16/IBM-SDLC, low byte first.
HDLC = StuffedWire(
    start="<7E>",
    end="<7E>",
    escape="<7D>",
    check="crc16_ibm_sdlc",
    check_order="little",
)
# RFC 1055.
SLIP = StuffedWire(
    start="<C0>",
    end="<C0>",
    escape="<DB>",
    escaped={"<C0>": "<DC>", "<DB>": "<DD>"},
    check="none",
)


def pieces(wire, data):
    framer = wire.framing().framer()
    return [*framer.feed(data), *framer.feed(b"")]


@pytest.mark.parametrize(
    ("wire", "plain", "frame"),
    [
        # The stuffing case of packet number 15 with command 10.
        (SCIENCE, "8d 56 0f 0a", "f0 8d 56 81 5a 0a 0f"),
        (SCIENCE, "f0 0f 81", "f0 81 a5 81 5a 81 d4 0f"),
        (SLIP, "01 c0 02 db", "c0 01 db dc 02 db dd c0"),
        (SLIP, "dc dd", "c0 dc dd c0"),
        # The catalogue's check value of CRC-16/IBM-SDLC over 123456789 is 906e.
        (
            HDLC,
            "31 32 33 34 35 36 37 38 39",
            "7e 31 32 33 34 35 36 37 38 39 6e 90 7e",
        ),
    ],
)
def test_known_frames(wire, plain, frame):
    framing = wire.framing()
    plain = bytes.fromhex(plain)
    body = framing.seal(bytes(1) + plain + bytes(framing.back))

    assert body.hex(" ") == frame
    assert pieces(wire, body * 2) == [Frame(body)] * 2
    assert framing.body(body)[1 : 1 + len(plain)] == plain


@given(st.binary(min_size=1, max_size=100), st.sampled_from([SCIENCE, HDLC, SLIP]))
def test_start_and_end_stand_nowhere_else(data, wire):
    framing = wire.framing()
    frame = framing.seal(bytes(1) + data + bytes(framing.back))
    start, end = frame[:1], frame[-1:]

    assert start not in frame[1:-1]
    assert end not in frame[1:-1]
    assert framing.body(frame)[1:-1].startswith(data)
    assert framing.seal(framing.body(frame)) == frame


@pytest.mark.parametrize(
    ("wire", "data", "why"),
    [
        (SCIENCE, "01 02", "no frame begins so"),
        (SCIENCE, "f0 01 02", "half a frame, then silence"),
        (SCIENCE, "f0 01 f0 01", "another frame begins within it"),
        (SCIENCE, "f0 81 01 0f", "an escape of nothing"),
        (SCIENCE, "f0 01 81 0f", "an escape of nothing"),
        (SCIENCE, "f0 0f", "nothing between start and end"),
        (HDLC, "7e 01 02 03 7e", "checksum does not fit"),
        (HDLC, "7e 01 02 7e", "nothing between start and end"),
        (SCIENCE, "f0" + "01" * 256, "no frame ends within 256 bytes"),
    ],
)
def test_noise_says_what_is_wrong_with_it(wire, data, why):
    told = pieces(wire, bytes.fromhex(data))

    assert {type(piece) for piece in told} == {Noise}
    assert told[0].why == why


def test_what_is_too_long_cannot_be_said():
    framing = SCIENCE.framing()

    with pytest.raises(ValueError, match="260 bytes are over 256"):
        framing.seal(bytes(1) + b"\x81" * 129 + bytes(1))


@given(st.binary(max_size=40))
def test_what_is_no_frame_has_a_body_all_the_same(data):
    assert isinstance(SCIENCE.framing().body(data), bytes)
