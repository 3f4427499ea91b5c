"""Modbus RTU: what can be said in it, and what its framer says of noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.model.flow import Frame, Noise
from devicelog.wire import modbus
from devicelog.wire.modbus import Framer


def checksum(data: bytes) -> bytes:
    """CRC-16/MODBUS bit by bit, as the specification draws it (V1.02, 6.2.2)."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            carry = register & 1
            register >>= 1
            if carry:
                register ^= 0xA001
    return register.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("made", "known"),
    [
        # The sonicator's map (domain 3.1).
        (modbus.request(2, 3, 0x0110, 4), "02 03 01 10 00 04 44 03"),
        # The examples of V1.1b3, 6.1, 6.3 and 6.4, with unit 17 and its checksum.
        (modbus.request(17, 1, 19, 37), "11 01 00 13 00 25 0e 84"),
        (modbus.request(17, 3, 107, 3), "11 03 00 6b 00 03 76 87"),
        (modbus.request(17, 4, 8, 1), "11 04 00 08 00 01 b2 98"),
        (
            modbus.response(17, 3, bytes.fromhex("ae41 5652 4340")),
            "11 03 06 ae 41 56 52 43 40 49 ad",
        ),
        (modbus.exception(10, 1, 2), "0a 81 02 b0 53"),
    ],
)
def test_known_frames(made, known):
    assert made.hex(" ") == known


@given(
    st.sampled_from(modbus.UNITS),
    st.sampled_from(modbus.FUNCTIONS),
    st.binary(min_size=2, max_size=250),
)
def test_the_checksum_is_the_specifications(unit, function, data):
    frame = modbus.response(unit, function, data)

    assert frame[-2:] == checksum(frame[:-2])


@pytest.mark.parametrize("function", [n for n in range(256) if n not in (1, 2, 3, 4)])
def test_nothing_but_reading_can_be_asked(function):
    with pytest.raises(ValueError, match="none that reads"):
        modbus.request(10, function, 0, 1)


@pytest.mark.parametrize(
    ("unit", "function", "address", "count"),
    [
        (0, 3, 0, 1),
        (248, 3, 0, 1),
        (10, 3, -1, 1),
        (10, 3, 0, 0),
        (10, 3, 0, 126),
        (10, 4, 0xFFFF, 2),
        (10, 1, 0, 2001),
        (10, 1, 0x10000, 1),
    ],
)
def test_what_is_out_of_range_cannot_be_asked(unit, function, address, count):
    with pytest.raises(ValueError, match=r"cannot be asked for|not within"):
        modbus.request(unit, function, address, count)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xfe", "no frame begins so"),
        (b"\x0a\x06\0\0\0\1", "no frame begins so"),
        (modbus.request(10, 4, 0, 20)[:-1] + b"\0", "checksum does not fit"),
        (modbus.request(10, 4, 0, 20)[:-1], "half a frame, then silence"),
    ],
)
def test_noise_says_what_is_wrong_with_it(data, why):
    framer = Framer()
    pieces = [*framer.feed(data), *framer.feed(b"")]

    assert pieces[0] == Noise(pieces[0].data, why)
    assert b"".join(piece.data for piece in pieces) == data


def test_a_whole_conversation_is_frames_and_no_noise():
    asked = modbus.request(10, 4, 0, 2)
    said = [asked, modbus.response(10, 4, bytes(4)), modbus.exception(3, 4, 2)]

    assert Framer().feed(b"".join(said)) == [
        Frame(said[0], "request"),
        Frame(said[1], "response"),
        Frame(said[2], "exception"),
    ]


def test_writing_that_is_overheard_is_noise():
    body = bytes((10, 6, 0, 1, 0, 3))
    framer = Framer()
    pieces = [*framer.feed(body + checksum(body)), *framer.feed(b"")]

    assert {type(piece) for piece in pieces} == {Noise}


def test_the_longest_frame_is_found_and_no_longer_one_is_waited_for():
    longest = modbus.response(10, 3, bytes(250))
    framer = Framer()

    assert framer.feed(longest[:-1]) == []
    assert framer.feed(longest[-1:]) == [Frame(longest, "response")]
    assert len(longest) < modbus.LONGEST
    framer.feed(b"\x0a\x03\xfa" * 400)
    assert framer.pending < modbus.LONGEST
