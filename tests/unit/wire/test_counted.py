"""Frames that say how long they are: known ones, and each kind of noise."""

import pytest

from devicelog.model.flow import Frame, Noise
from devicelog.wire.counted import CountedWire

# open-LIFU: AA id16 type command address reserved len16 data crc16 DD.
LIFU = CountedWire(
    start="<AA>",
    length_at=7,
    length_size=2,
    length_adds=12,
    check="crc16_ibm_3740",
    check_from=1,
    end="<DD>",
)
# DGUS: 5A A5 len command address16 data.
DGUS = CountedWire(start="<5A A5>", length_at=2, length_adds=3, check="none")
CHECKED = CountedWire(
    start="<5A A5>",
    length_at=2,
    length_adds=3,
    check="crc16_modbus",
    check_from=3,
    check_order="little",
)
PING = bytes.fromhex("aa 00 01 e2 00 00 00 00 00 89 27 dd")


def pieces(wire, data):
    framer = wire.framing().framer()
    return [*framer.feed(data), *framer.feed(b"")]


@pytest.mark.parametrize(
    ("wire", "frame"),
    [
        (LIFU, "aa 00 01 e2 00 00 00 00 00 89 27 dd"),
        (DGUS, "5a a5 05 82 20 05 00 01"),
        # The checksum of `02 03 01 10 00 04` is the Modbus specification's 44 03.
        (CHECKED, "5a a5 08 02 03 01 10 00 04 44 03"),
    ],
)
def test_known_frames(wire, frame):
    frame, framing = bytes.fromhex(frame), wire.framing()

    assert pieces(wire, frame * 2) == [Frame(frame)] * 2
    blank = bytearray(framing.body(frame))
    blank[len(frame) - framing.back :] = bytes(framing.back)
    assert framing.seal(bytes(blank)) == frame


@pytest.mark.parametrize(
    ("wire", "data", "why"),
    [
        (LIFU, "00 01", "no frame begins so"),
        (LIFU, PING[:-1].hex(), "half a frame, then silence"),
        (LIFU, PING[:-1].hex() + "de", "no end where its length puts it"),
        (LIFU, "ab" + PING[1:].hex(), "no frame begins so"),
        (LIFU, PING[:3].hex() + "e3" + PING[4:].hex(), "checksum does not fit"),
        (LIFU, PING[:7].hex() + "ff00", "a frame of 65292 bytes is none"),
        (CHECKED, "5a a5 01 00", "a frame of 4 bytes is none"),
        (CHECKED, "5a a5 ff", "a frame of 258 bytes is none"),
    ],
)
def test_noise_says_what_is_wrong_with_it(wire, data, why):
    told = pieces(wire, bytes.fromhex(data))

    assert {type(piece) for piece in told} == {Noise}
    assert told[0].why == why


def test_a_length_that_lies_swallows_no_frame_behind_it():
    liar = b"\x5a\xa5\x40"
    frame = bytes.fromhex("5a a5 08 02 03 01 10 00 04 44 03")

    assert pieces(CHECKED, liar + frame * 9) == [
        Noise(liar, "checksum does not fit"),
        *[Frame(frame)] * 9,
    ]


def test_what_is_too_long_cannot_be_said():
    with pytest.raises(ValueError, match="257 bytes are over 256"):
        CHECKED.framing().seal(bytes(257))
