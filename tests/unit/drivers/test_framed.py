"""Drivers of frames that a profile lays out: who answers what, asked for or not."""

import functools
import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicelog.drivers.base import Heard
from devicelog.drivers.load import driver, load, parse
from devicelog.model.flow import Frame, Identity, Noise

GOLDEN = Path(__file__).parents[2] / "golden"

HEAD = """
schema = 1
name = "made-up"
title = "A made-up device"
[line]
baud = 9600
[timer]
direction = "none"
"""
# One kind of line, pushed, that nothing marks or checks.
BARE = (
    HEAD
    + """
[wire]
style = "lines"
end = "<CR>"
[text]
form = "fields"
separator = ";"
[[messages]]
name = "status"
size = 3
[[channels]]
name = "if"
modality = "if"
message = "status"
state = "state"
states = { 0 = "idle", 1 = "running" }
[[cells]]
message = "status"
at = 0
name = "state"
[[cells]]
message = "status"
at = 1
name = "amplitude_1_ma"
[[cells]]
message = "status"
at = 2
name = "program"
"""
)
# The same, asked for in a way that the answer does not show.
ASKED = BARE.replace("size = 3\n", 'size = 3\nask = "S"\n')
# Two answers that look the same, told apart by what was asked alone.
BY_TURN = (
    BARE.replace(
        '[[messages]]\nname = "status"\nsize = 3\n',
        """
[[messages]]
name = "who"
ask = "I<CR>"
size = 3
[[messages]]
name = "status"
ask = "S<CR>"
size = 3
[[messages]]
name = "busy"
size = 1
when = { 0 = "BUSY" }
refusal = "it is busy"
""",
    ).replace("title", 'identity = "who"\ntitle')
    + """
[[cells]]
message = "who"
at = 1
name = "serial"
"""
)


def made(text):
    return driver(parse(text, "made-up.toml"))


def heard(it, framer, data):
    """What the driver hears in these bytes, and then silence."""
    pieces = [*framer.feed(data), *framer.feed(b"")]
    return [
        it.hear(piece) if isinstance(piece, Frame) else Heard(problem=piece.why)
        for piece in pieces
    ]


@functools.cache
def golden(profile, state, n=0):
    rows = json.loads((GOLDEN / profile / f"{state}.json").read_text())
    return bytes.fromhex(rows[n]["frame"])


# --- Asked for, or not ---------------------------------------------------------------


def test_what_comes_unasked_is_read():
    it = driver(load("ifc-classic"))

    assert it.identify() is None
    assert it.polls() == []
    (said,) = heard(it, it.framer(), golden("ifc-classic", "running"))
    assert said.answers == ""
    assert [decoded.channel for decoded in said.decoded] == ["if"]


def test_what_is_asked_for_names_what_it_answers():
    it = driver(load("combo"))
    framer = it.framer()
    for request, n in zip(it.polls(), (0, 10), strict=True):
        it.sent(request)
        (said,) = heard(it, framer, golden("combo", "running", n))
        assert said.answers == request.name
        assert [decoded.channel for decoded in said.decoded] == [request.name]


def test_an_answer_that_shows_what_it_is_counts_whatever_was_asked():
    it = driver(load("combo"))
    it.sent(it.polls()[0])

    (said,) = heard(it, it.framer(), golden("combo", "running", 10))

    assert said.answers == "if"


def test_answers_that_look_the_same_are_told_apart_by_their_turn():
    it = made(BY_TURN)
    framer = it.framer()
    status, who = it.polls()[0], it.identify()
    heard(it, framer, b"half\r")

    assert heard(it, framer, b"1;18.5;7\r") == [
        Heard(problem="no message of the profile looks so")
    ]
    it.sent(who)
    assert heard(it, framer, b"1;18.5;7\r") == [
        Heard(identity=Identity(serial="18.5"), answers="who")
    ]
    it.sent(status)
    (said,) = heard(it, framer, b"1;18.5;7\r")
    assert (said.answers, said.decoded[0].values) == (
        "status",
        {"amplitude_1_ma": 18.5, "program": "7"},
    )


def test_a_refusal_is_told_in_words():
    it = made(BY_TURN)
    framer = it.framer()
    it.sent(it.polls()[0])

    (said,) = heard(it, framer, b"BUSY\r")

    assert (said.answers, said.refusal) == (
        "status",
        "the device refuses request `status`: it is busy",
    )


def test_the_refusal_of_a_shipped_profile():
    it = driver(load("combo"))
    framer = it.framer()
    it.sent(it.identify())
    text = b"CH=ERR,"
    frame = b"$" + text + b"%02X\r\n" % (sum(text) % 256)
    (said,) = heard(it, framer, frame)

    assert said.refusal == (
        "the device refuses request `identity`: it does not know what was asked"
    )


# --- On a line that others use as well -----------------------------------------------


@pytest.mark.parametrize("profile", ["us-classic", "combo"])
def test_an_echo_of_the_own_request_changes_nothing(profile):
    it = driver(load(profile))
    (request, *_), framer = it.polls(), it.framer()
    it.sent(request)

    echo, said = heard(it, framer, request.data + golden(profile, "running"))

    assert echo == Heard()
    assert said.decoded


@pytest.mark.parametrize("profile", ["us-classic", "combo", "ifc-classic"])
def test_on_a_tap_requests_are_frames_and_answers_are_readings(profile):
    it = driver(load(profile))
    asks = {one.name: one.data for one in (it.identify(), *it.polls()) if one}
    rows = json.loads((GOLDEN / profile / "running.json").read_text())
    framer, pieces = it.framer(), []
    for row in rows:
        asked = asks.get(row["message"], b"")
        pieces += framer.feed(asked + bytes.fromhex(row["frame"]))

    assert not any(isinstance(piece, Noise) for piece in pieces)
    said = [it.hear(piece) for piece in pieces]
    assert [one.decoded[0].values for one in said if one.decoded] == [
        row["values"] for row in rows
    ]
    assert all(one == Heard() for one in said if not one.decoded)
    assert len(said) == len(rows) * (2 if asks else 1)


def test_on_a_tap_an_answer_by_its_turn_follows_the_request_that_was_heard():
    it = made(BY_TURN)
    framer = it.framer()

    assert [
        bool(one.decoded) or bool(one.identity)
        for one in heard(it, framer, b"I\r0;A7;0\rS\r1;18.5;7\r1;18.5;7\r")
    ] == [False, True, False, True, False]


def test_on_a_tap_a_request_without_an_end_is_parted_from_its_answer():
    it = made(ASKED)
    framer = it.framer()
    heard(it, framer, b"half\r")

    (said,) = heard(it, framer, b"S1;18.5;7\r")

    assert said.decoded[0].values["amplitude_1_ma"] == 18.5
    (said,) = heard(it, framer, b"SS1;18.5;7\r")
    assert said.problem


@pytest.mark.parametrize("profile", ["us-classic", "combo", "ifc-classic"])
def test_a_message_that_the_profile_does_not_know_is_a_frame_without_a_reading(profile):
    it = driver(load(profile))
    frame = bytearray(golden(profile, "running"))
    strange = {
        "us-classic": lambda: b"\x02Z5A\x03",
        "combo": lambda: b"$Z=1,%02X\r\n" % (sum(b"Z=1,") % 256),
        "ifc-classic": lambda: it._framing.seal(bytes(3) + b"\x77" + bytes(28)),
    }[profile]()

    assert len(frame) != len(strange) or profile == "ifc-classic"
    assert heard(it, it.framer(), strange) == [Heard()]


# --- Lines that nothing marks or checks ----------------------------------------------


def test_the_first_line_after_opening_may_be_half_of_one():
    """`18.5` cut to `8.5` would be believed: nothing else could tell."""
    it = made(BARE)
    framer = it.framer()

    assert heard(it, framer, b"1;8.5;7\r1;18.5;7\r")[0].problem == (
        "the first line heard may be half of one"
    )
    (said,) = heard(it, framer, b"1;18.5;7\r")
    assert said.decoded[0].values == {"amplitude_1_ma": 18.5, "program": "7"}


def test_what_was_asked_for_is_whole():
    it = made(ASKED)
    framer = it.framer()
    it.sent(it.polls()[0])

    (said,) = heard(it, framer, b"1;18.5;7\r")

    assert said.decoded


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"1;18.5\r", "2 fields, not 3"),
        (b"1;18.5;7;\r", "4 fields, not 3"),
        (b"x;18.5;7\r", "state: code x is none the profile knows"),
        (b"1;1e2;7\r", "amplitude_1_ma: '1e2' is no number as declared"),
        (b"1;inf;7\r", "amplitude_1_ma: 'inf' is no number as declared"),
        (b"1;1_0;7\r", "amplitude_1_ma: '1_0' is no number as declared"),
        (b"1;;7\r", "amplitude_1_ma: '' is no number as declared"),
        (b"1;150.1;7\r", "amplitude_1_ma: 150.1 mA is not within 0 to 150"),
        (b"1;-1;7\r", "amplitude_1_ma: -1 mA is not within 0 to 150"),
    ],
)
def test_what_cannot_be_believed_says_why(line, problem):
    it = made(BARE)
    framer = it.framer()
    heard(it, framer, b"0;0;0\r")

    assert heard(it, framer, line) == [Heard(problem=problem)]


# --- Both ways, whatever comes -------------------------------------------------------

PROFILES = ("ifc-classic", "us-classic", "combo")


@pytest.mark.parametrize("profile", PROFILES)
@given(data=st.binary(max_size=120))
def test_no_frame_ever_raises(profile, data):
    it = driver(load_once(profile))

    assert isinstance(it.hear(Frame(data)), Heard)


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=200)
@given(seed=st.integers(0, 2**32), rounds=st.integers(1, 8))
def test_what_is_decoded_is_what_is_encoded(profile, seed, rounds):
    """Golden frames, changed at chance bytes under a check that fits."""
    dice, it = random.Random(seed), driver(load_once(profile))
    state = dice.choice(("idle", "running", "fault", "hold_contact"))
    frame = bytearray(golden(profile, state, dice.randrange(10)))
    front, back = it._framing.front, it._framing.back
    for _ in range(rounds):
        at = dice.randrange(front + 1, len(frame) - back)
        frame[at] = (
            dice.randrange(256)
            if profile == "ifc-classic"
            else ord(dice.choice("0123456789.IRT+- "))
        )
    sealed = it._framing.seal(bytes(frame))
    said = it.hear(Frame(sealed))
    for decoded in said.decoded:
        message = "status" if profile != "combo" else decoded.channel
        again = it.encode(message, decoded.values | {"state": decoded.state})
        (back_again,) = it.hear(Frame(again)).decoded
        assert back_again == decoded
    assert said == Heard() or bool(said.problem) != bool(said.decoded)


@functools.cache
def load_once(profile):
    return load(profile)


def test_tenths_are_tenths():
    """No 0.30000000000000004, from bytes or from text."""
    ifc, us = driver(load("ifc-classic")), driver(load("us-classic"))
    for tenths in range(1001):
        frame = bytearray(golden("ifc-classic", "running"))
        frame[22:24] = tenths.to_bytes(2, "big")
        said = ifc.hear(Frame(ifc._framing.seal(bytes(frame))))
        expected = float(f"{tenths // 10}.{tenths % 10}")
        assert said.decoded[0].values["amplitude_actual_1_ma"] == expected
    for tenths in range(800):
        frame = bytearray(golden("us-classic", "running"))
        frame[44:48] = f"{tenths / 10:04.1f}".encode()
        said = us.hear(Frame(us._framing.seal(bytes(frame))))
        expected = float(f"{tenths // 10}.{tenths % 10}")
        assert said.decoded[0].values["head_temp_c"] == expected


def test_a_value_that_the_wire_cannot_say_is_an_error_of_whoever_says_it():
    it = driver(load("us-classic"))
    values = {"state": "running", "frequency_mhz": 1.0, "duty_pct": 20.0}
    for name, value in (
        ("time_set_s", 10000),
        ("head_id", "AB"),
        ("frequency_mhz", 2.0),
        ("head_temp_c", 1000),
        ("contact_ok", None),
    ):
        said = values | {"contact_ok": True, name: value}
        with pytest.raises(ValueError, match=name):
            it.encode("status", said)


def test_a_sum_needs_both_its_parts():
    """A span without a base is no frequency."""
    it = driver(load("ifc-classic"))
    frame = bytearray(golden("ifc-classic", "running"))
    frame[14] = 0
    (decoded,) = it.hear(Frame(it._framing.seal(bytes(frame)))).decoded

    assert not {"beat_low_hz", "beat_high_hz"} & set(decoded.values)


def test_time_gone_is_said_of_time_left():
    it = driver(load("ifc-classic"))
    values = {"state": "running", "time_set_s": 900, "time_left_s": 877}
    (decoded,) = it.hear(Frame(it.encode("status", values))).decoded

    assert decoded.values["time_elapsed_s"] == 23
    assert decoded.values["time_left_s"] == 877


def test_two_channels_in_one_frame():
    text = (
        BARE.replace("size = 3", "size = 4")
        .replace(
            '[[cells]]\nmessage = "status"\nat = 0\n',
            """
[[channels]]
name = "us"
modality = "us"
message = "status"
state = "state_us"
states = { A = "idle", B = "running" }
constants = { era_cm2 = 5.0 }
[[cells]]
message = "status"
at = 3
name = "state_us"
channel = "us"
[[cells]]
message = "status"
at = 0
channel = "if"
""",
            1,
        )
        .replace("at = 1\n", 'at = 1\nchannel = "if"\n')
    )
    it = made(text)
    framer = it.framer()
    heard(it, framer, b"0;0;0;A\r")
    (said,) = heard(it, framer, b"1;18.5;7;A\r")

    assert [(one.channel, one.state) for one in said.decoded] == [
        ("if", "running"),
        ("us", "idle"),
    ]
    assert said.decoded[1].values == {
        "program": "7",
        "era_cm2": 5.0,
        "intensity_convention": "unknown",
    }


def test_a_profile_is_data():
    profile = load("combo")

    assert msgspec.structs.asdict(profile)["wire"].style == "lines"
    assert (profile.wire.check_bits, load("ifc-classic").wire.check_bits) == (8, 16)
    assert parse(BARE, "x").wire.check_bits == 0
