"""The line between two ends that do not agree on its speed or format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.drivers.profile import Line
from devicelog.drivers.simulated.uart import Character, accepted, characters, reheard

LINES = st.builds(
    Line,
    baud=st.sampled_from([300, 2400, 9600, 19200, 38400, 57600, 115200]),
    bytesize=st.sampled_from([7, 8]),
    parity=st.sampled_from("NEO"),
    stopbits=st.sampled_from([1, 2]),
)
EIGHT, SEVEN = Line(9600), Line(9600, 7, "E")


@given(st.binary(max_size=40), LINES)
def test_equal_settings_change_nothing(data, line):
    data = bytes(byte % 2**line.bytesize for byte in data)

    assert reheard(data, line, line) == accepted(data, line, line) == data


@given(st.binary(max_size=60), LINES, LINES)
def test_no_settings_upset_it(data, said, heard):
    received = [*characters(data, said, heard)]
    bits = (1 + said.bytesize + (said.parity != "N") + said.stopbits) * len(data)
    least = 1 + heard.bytesize + (heard.parity != "N")  # but for the stop bit

    assert all(0 <= it.value < 2**heard.bytesize for it in received)
    # A character takes its time: no more fit into what was sent.
    assert len(received) <= bits * heard.baud / said.baud / least + 1


@given(st.binary(max_size=40), st.sampled_from([1, 2]), st.sampled_from([1, 2]))
def test_stop_bits_more_or_less_do_not_matter(data, said, heard):
    assert reheard(data, Line(9600, stopbits=said), Line(9600, stopbits=heard)) == data


def test_seven_bits_with_even_parity_heard_as_eight_carry_it_in_the_eighth():
    # 'A' 41 has two ones, 'C' 43 three, '7' 37 five, NUL none.
    assert reheard(b"AC7\0", SEVEN, EIGHT) == b"\x41\xc3\xb7\0"


def test_eight_bits_heard_as_seven_with_parity_lose_the_eighth():
    heard = [*characters(b"AC\xc1", EIGHT, SEVEN)]

    # The eighth bit stands where parity is expected: 0 is right for 'A' alone.
    assert heard == [
        Character(0x41),
        Character(0x43, bad_parity=True),
        Character(0x41, bad_parity=True),
    ]
    assert accepted(b"AC\xc1", EIGHT, SEVEN) == b"A"


def test_a_parity_bit_heard_as_stop_bit_costs_nothing_where_a_pause_follows():
    eight_even = Line(9600, 8, "E")

    assert [*characters(b"A", eight_even, EIGHT)] == [Character(0x41, bad_stop=True)]
    assert [*characters(b"C", eight_even, EIGHT)] == [Character(0x43)]


def test_odd_parity_is_the_other_one():
    odd = Line(9600, 8, "O")

    assert [it.bad_parity for it in characters(b"AC", Line(9600, 8, "E"), odd)] == [
        True,
        True,
    ]
    assert reheard(b"AC", Line(9600, 8, "E"), odd) == b"AC"


def test_twice_the_speed_hears_every_bit_twice():
    # 0x55 alternates: start 0, 1 0 1 0 1 0 1 0, stop 1. At twice the speed a character
    # of ten bits covers five: 0 1 0 1 0 -> 00 11 00 11 00, with a stop bit of 0. The
    # next falling edge begins the rest: 0 1 0 1 -> 00 11 00 11, and the line rests.
    assert [*characters(b"\x55", Line(9600), Line(19200))] == [
        Character(0b01100110, bad_stop=True),
        Character(0b11100110),
    ]


def test_half_the_speed_hears_every_other_bit():
    # Two characters of 0xff: 0 11111111 1 0 11111111 1. The first start bit is too
    # short to last to the middle of one of twice the length.
    assert [*characters(b"\xff\xff", Line(19200), Line(9600))] == []
    # Of 0xf0 low lasts five bits: 2.5 at half the speed, and high follows.
    assert reheard(b"\xf0", Line(19200), Line(9600)) == b"\xfe"


def test_a_long_low_is_a_break():
    (heard,) = characters(b"\0", Line(300), Line(9600))

    assert heard == Character(0, bad_stop=True)


@pytest.mark.parametrize("baud", [9600, 19200, 38400])
def test_another_speed_garbles_text(baud):
    text = b"$CH=US,ST=RUN,L=297,5B\r\n"

    assert reheard(text, Line(baud), Line(2 * baud)) != text
    assert b"RUN" not in reheard(text, Line(2 * baud), Line(baud))
