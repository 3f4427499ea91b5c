"""Checks by name: what they are, what they see, and what they cannot see."""

from functools import reduce

import pytest
from fastcrc import crc16
from hypothesis import given
from hypothesis import strategies as st

from devicelog.wire.checks import CHECKS, check


def crc(data, polynomial, register, *, reflected, out):
    """A CRC-16 bit by bit, as Ross Williams' guide draws it."""
    for byte in data:
        for n in range(8):
            bit = byte >> (n if reflected else 7 - n) & 1
            top = register >> 15 & 1
            register = register << 1 & 0xFFFF
            if top ^ bit:
                register ^= polynomial
    if reflected:
        register = int(f"{register:016b}"[::-1], 2)
    return register ^ out


def test_every_crc_of_the_library_can_be_named():
    named = {name.removeprefix("crc16_") for name in CHECKS if "crc" in name}

    assert named == set(crc16.algorithms_available)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("arc", (0x8005, 0, True, 0)),
        ("modbus", (0x8005, 0xFFFF, True, 0)),
        ("ibm_3740", (0x1021, 0xFFFF, False, 0)),
        ("xmodem", (0x1021, 0, False, 0)),
        ("kermit", (0x1021, 0, True, 0)),
        ("ibm_sdlc", (0x1021, 0xFFFF, True, 0xFFFF)),
        ("usb", (0x8005, 0xFFFF, True, 0xFFFF)),
    ],
)
@given(data=st.binary(max_size=60))
def test_a_crc_is_what_its_name_says(name, shape, data):
    polynomial, start, reflected, out = shape
    made = crc(data, polynomial, start, reflected=reflected, out=out)

    assert check(f"crc16_{name}", "big").of(data) == made.to_bytes(2, "big")
    assert check(f"crc16_{name}", "little").of(data) == made.to_bytes(2, "little")


@given(st.binary(max_size=60))
def test_sums_by_their_definition(data):
    total, parity = 0, 0
    for byte in data:
        total, parity = (total + byte) % 256, parity ^ byte

    assert check("sum8").of(data) == bytes((total,))
    assert check("sum7").of(data) == bytes((total % 128,))
    assert check("xor8").of(data) == bytes((parity,))
    assert check("sum8_hex").of(data) == f"{total:02X}".encode()
    assert check("xor8_hex").of(data) == f"{parity:02X}".encode()
    assert check("none").of(data) == b""


def test_hexadecimal_digits_are_taken_in_either_case_and_as_nothing_else():
    it = check("sum8_hex")

    assert it.fits(b"\xab", b"AB")
    assert it.fits(b"\xab", b"ab")
    for other in (b"BA", b"A", b"ABC", b"", b"+A", b" A", b"\xab"):
        assert not it.fits(b"\xab", other)


def test_a_raw_check_that_looks_like_a_letter_is_taken_as_it_is():
    assert check("sum8").fits(b"A", b"A")
    assert not check("sum8").fits(b"A", b"a")


@pytest.mark.no_cover  # traced, it would take thrice as long
@pytest.mark.parametrize("name", CHECKS)
@given(data=st.binary(min_size=1, max_size=40), at=st.integers(0, 319))
def test_every_check_sees_a_single_wrong_bit(name, data, at):
    it = check(name)
    hurt = bytearray(data)
    hurt[at // 8 % len(data)] ^= 1 << at % 8
    # The top bit of a byte, in a sum of seven.
    blind = name == "none" or (name == "sum7" and at % 8 == 7)

    assert it.fits(data, it.of(data))
    assert it.fits(bytes(hurt), it.of(data)) == blind


def test_what_sums_cannot_see():
    """Two errors that undo one another; hence the gate (design of sessions)."""
    for name in ("sum8", "xor8"):
        it = check(name)
        assert it.fits(b"12", it.of(b"21"))
    assert check("sum8").fits(b"03", check("sum8").of(b"12"))
    assert not check("crc16_modbus").fits(b"03", check("crc16_modbus").of(b"12"))


def test_strength_in_bits():
    assert {check(name).bits for name in CHECKS if "crc" in name} == {16}
    small = [name for name in CHECKS if "crc" not in name]
    assert [check(name).bits for name in small] == [0, 7, 8, 8, 8, 8]
    assert reduce(max, (check(name).size for name in CHECKS)) == 2


@pytest.mark.parametrize("name", ["xmodem", "kermit", "arc"])
def test_a_crc_that_begins_at_0_does_not_see_zeros_at_its_front(name):
    it = check(f"crc16_{name}")

    assert it.of(b"\0\0123") == it.of(b"\0123")


@pytest.mark.parametrize("name", ["ibm_3740", "modbus", "mcrf4xx", "genibus"])
def test_one_that_begins_elsewhere_does(name):
    it = check(f"crc16_{name}")

    assert it.of(b"\0\0123") != it.of(b"\0123")
