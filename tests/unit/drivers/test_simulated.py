"""Virtual devices: their physics, and scripts played over the wire to the driver."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicelog.drivers.load import driver, load
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.equipment import LARGE, SMALL, Programme
from devicelog.drivers.simulated.script import SCRIPTS, Player, Step
from devicelog.drivers.simulated.ultrasound import ACTS, LIMIT_C, Ultrasound
from devicelog.model.flow import Frame, Identity
from devicelog.model.states import DECODED, EMITTING
from devicelog.wire import modbus

PROFILE = load("us-modbus")
WHO = Identity("SIM-US", "0001", "1.0")
BEGIN = 10

# What is seen when polled once a second: the second of the treatment, the state, left.
SEEN = {
    "R1": [
        (0, "ramping", 300),
        (3, "running", 297),
        (41, "hold_contact", 259),
        (47, "running", 259),
        (178, "hold_contact", 128),
        (189, "running", 128),
        (317, "finished", 0),
        (330, "idle", 0),
    ],
    "R2": [(0, "running", 480), (480, "finished", 0), (490, "idle", 0)],
    "R3": [
        (0, "running", 360),
        (95, "paused", 265),
        (130, "running", 265),
        (255, "aborted", 140),
        (270, "idle", 0),
    ],
    "lengthened": [(0, "running", 300), (480, "finished", 0), (490, "idle", 0)],
    "head_swapped": [
        (0, "running", 300),
        (120, "paused", 180),
        (150, "running", 180),
        (330, "finished", 0),
        (340, "idle", 0),
    ],
    "weak": [(0, "running", 300), (300, "finished", 0), (310, "idle", 0)],
    "no_output": [(0, "running", 300), (300, "finished", 0), (310, "idle", 0)],
    "accidental": [(0, "running", 300), (6, "aborted", 294), (12, "idle", 0)],
    "twice": [
        (0, "running", 180),
        (180, "finished", 0),
        (190, "idle", 0),
        (220, "ready", 180),
        (225, "running", 180),
        (405, "finished", 0),
        (420, "idle", 0),
    ],
    "reset": [(0, "running", 300), (100, "selftest", 0), (103, "idle", 0)],
    "fault_resumed": [
        (0, "running", 300),
        (90, "fault", 210),
        (110, "paused", 210),
        (120, "running", 210),
        (330, "finished", 0),
        (340, "idle", 0),
    ],
    "failed": [(0, "running", 300), (90, "fault", 210), (300, "idle", 0)],
    "slow_timer": [(0, "running", 300), (341, "finished", 0), (350, "idle", 0)],
}
# J that reach the patient by each reading's values over its second, and no more.
ENERGY = {"R1": 24, "R2": 2160, "R3": 440, "no_output": 0, "accidental": 15}


def poll(virtual, it, framer, second):
    """One cycle of the recorder: ask, and hear what is answered."""
    (asked,) = it.polls()
    it.sent(asked)
    (frame,) = framer.feed(virtual.receive(asked.data, second))
    heard = it.hear(frame)
    assert heard.problem == heard.refusal == heard.foreign == ""
    (decoded,) = heard.decoded
    return decoded


def played(name, seconds=560):
    script = SCRIPTS[name]
    player = script.player(BEGIN)
    virtual = VirtualDevice(PROFILE, player, WHO)
    it = driver(PROFILE)
    framer = it.framer()
    readings = [(t, poll(virtual, it, framer, BEGIN + t)) for t in range(-9, seconds)]
    assert player.ignored == []
    return readings


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_over_the_wire_shows_its_states_at_their_seconds(name):
    changes, last = [], None
    for second, it in played(name):
        if it.state != last:
            changes.append((second, it.state, math.ceil(it.values["time_left_s"])))
            last = it.state

    assert changes[:3] == [
        (-9, "selftest", 0),
        (-7, "idle", 0),
        (-5, "ready", changes[2][2]),
    ]
    assert changes[3:] == SEEN[name]
    assert SCRIPTS[name].ends_s == pytest.approx(
        max(t for t, state, _ in SEEN[name] if state != "idle"), abs=1
    ) or name in ("failed", "reset")


@pytest.mark.parametrize(("name", "joules"), ENERGY.items())
def test_the_energy_of_a_script(name, joules):
    given_j = sum(
        it.values["intensity_actual_w_cm2"]
        * it.values["duty_pct"]
        / 100
        * it.values["era_cm2"]
        for _, it in played(name)
        if it.state in EMITTING
    )

    assert given_j == pytest.approx(joules, rel=0.001)


def test_a_swapped_head_is_told_with_its_area():
    heads = [it.values["head_serial"] for _, it in played("head_swapped")]
    areas = {it.values["era_cm2"] for _, it in played("head_swapped")}

    assert list(dict.fromkeys(heads)) == [LARGE.serial, SMALL.serial]
    assert areas == {5.0, 0.8}


def test_a_lengthened_timer_stands_higher_than_before():
    left = {t: it.values["time_left_s"] for t, it in played("lengthened")}

    assert (left[119], left[120], left[121]) == (181, 360, 359)


def test_the_warning_of_a_textbook_treatment():
    warm = {t: it.values["head_temp_c"] for t, it in played("R2")}

    assert warm[210] == pytest.approx(40.6, abs=0.1)
    assert max(warm.values()) < LIMIT_C


def test_an_overheated_head_stops_the_device():
    it = Ultrasound()
    it.advance(5)
    it.press("load", Programme(1.0, 100, 2.0, 600))
    it.press("start")
    it.advance(600)

    assert it.state == "fault"
    assert it.values()["fault_code"] == "1"
    assert it.left_s > 500
    it.advance(1200)
    assert it.temperature_c == pytest.approx(24, abs=0.1)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.lists(st.floats(0.01, 300), min_size=1, max_size=40))
def test_it_does_not_matter_how_often_one_looks(seed, pauses):
    rare, often = (Player(Ultrasound(), clinic(seed)) for _ in range(2))
    to_s = 0.0
    for pause in pauses:
        for n in range(1, 8):
            often.advance(to_s + pause * n / 8)
        to_s += pause
        rare.advance(to_s)
        often.advance(to_s)
        one, other = rare.values(), often.values()
        # Read just before, just after: the same but for the last digit.
        assert one.pop("time_left_s") == pytest.approx(other.pop("time_left_s"))
        assert one.pop("head_temp_c") == pytest.approx(
            other.pop("head_temp_c"), abs=0.11
        )
        assert one == other


@pytest.mark.parametrize("state", DECODED)
def test_every_action_in_every_state_does_something_or_nothing(state):
    values = {"load": Programme(1.0, 50, 0.5, 60), "turn": 0.3, "lengthen": 60.0}
    values |= {"swap": SMALL, "fail": "3"}
    for action, where in ACTS.items():
        it = Ultrasound(ramp_s=2)
        it.advance(5)
        it.press("load", Programme(1.0, 50, 0.5, 300))
        it.state = state
        before = it.values()

        assert it.press(action, values.get(action)) == (state in where)
        if state not in where:
            assert it.values() == before
        it.advance(1000)
        assert it.values()["state"] in DECODED


def test_a_clinic_is_plausible_for_days_and_never_does_what_the_device_ignores():
    for seed in range(5):
        player = Player(Ultrasound(), clinic(seed))
        player.advance(86_400)
        assert player.ignored == [], seed


def test_a_clinic_is_the_same_for_the_same_seed():
    def first(seed):
        steps = clinic(seed)
        return [next(steps) for _ in range(200)]

    assert first(3) == first(3) != first(4)
    assert [it.at_s for it in first(3)] == sorted(it.at_s for it in first(3))


def loads(seed, room, count, scale=1.0):
    """When this room loads which programme."""
    steps = clinic(seed, room=room, scale=scale)
    loaded = (it for it in steps if it.action == "load")
    return [(it.at_s, it.value) for _, it in zip(range(count), loaded, strict=False)]


@pytest.mark.parametrize("seed", range(8))
def test_the_rooms_of_a_clinic_do_not_play_in_step(seed):
    rooms = [loads(seed, room, 20) for room in range(1, 7)]
    first = [plays[0] for plays in rooms]

    assert len({programme for _, programme in first}) == 6
    assert [at for at, _ in first] == sorted(at for at, _ in first)
    assert len({tuple(at for at, _ in plays) for plays in rooms}) == 6


def test_a_shorter_clinic_plays_everything_in_less_time():
    whole, short = (loads(1, 1, 30, scale)[-1][0] for scale in (1.0, 0.1))

    assert short < 0.2 * whole
    player = Player(Ultrasound(), clinic(1, scale=0.1))
    player.advance(20_000)
    assert player.ignored == []


# --- On its wire ------------------------------------------------------------------


def virtual_device():
    return VirtualDevice(PROFILE, SCRIPTS["R1"].player(), WHO)


def test_another_unit_is_not_answered():
    assert virtual_device().receive(modbus.request(11, 4, 0, 20), 0) == b""


@pytest.mark.parametrize(
    ("function", "address", "count", "code"),
    [(4, 1, 20, 2), (4, 20, 1, 2), (3, 100, 2, 2), (1, 0, 8, 1), (2, 0, 1, 1)],
)
def test_what_it_does_not_have_is_refused(function, address, count, code):
    asked = modbus.request(10, function, address, count)

    assert virtual_device().receive(asked, 0) == modbus.exception(10, function, code)


def test_a_part_of_a_block_can_be_asked_for():
    it = virtual_device()
    whole = it.receive(modbus.request(10, 4, 0, 20), 20)
    part = it.receive(modbus.request(10, 4, 2, 2), 20)

    assert part[3:-2] == whole[3 + 4 : 3 + 8]


def test_a_request_may_come_in_pieces_and_after_noise():
    it = virtual_device()
    asked = modbus.request(10, 3, 0, 20)

    assert [it.receive(bytes((byte,)), 1) != b"" for byte in asked] == [False] * 7 + [
        True
    ]
    assert it.receive(b"\x0a\x04", 1) == b""
    assert it.receive(b"", 2) == b""
    assert it.receive(asked, 2) != b""


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ({"silent": True}, []),
        ({"corrupt": True}, ["Noise"]),
        ({"half": True}, ["Noise"]),
        ({"garbage": b"\x0a\x04\0"}, ["Noise", "Frame"]),
    ],
)
def test_a_spoilt_answer(fault, kinds):
    it = virtual_device()
    for name, value in fault.items():
        setattr(it.faults, name, value)
    answer = it.receive(modbus.request(10, 4, 0, 20), 1)
    framer = modbus.Framer()
    pieces = [*framer.feed(answer), *(framer.feed(b"") if answer else ())]

    assert list(dict.fromkeys(type(piece).__name__ for piece in pieces)) == kinds
    it.faults.silent = it.faults.corrupt = it.faults.half = False
    it.faults.garbage = b""
    (frame,) = framer.feed(it.receive(modbus.request(10, 4, 0, 20), 2))
    assert isinstance(frame, Frame)


def test_another_device_behind_the_same_cable():
    it, reader = virtual_device(), driver(PROFILE)
    it.faults.identity = Identity("SIM-US", "0002", "1.0")
    asked = reader.identify()
    reader.sent(asked)
    (frame,) = reader.framer().feed(it.receive(asked.data, 0))

    assert reader.hear(frame).identity == Identity("SIM-US", "0002", "1.0")


def test_no_bytes_upset_it():
    dice, it = random.Random(1), virtual_device()
    for n in range(2000):
        it.receive(dice.randbytes(dice.randrange(30)), n / 100)

    assert it.receive(b"", 21) == b""
    assert it.receive(modbus.request(10, 4, 0, 20), 21) != b""


def test_steps_are_data():
    assert SCRIPTS["accidental"].timeline(100)[:3] == [
        Step(95, "load", SCRIPTS["accidental"].programme),
        Step(100, "start"),
        Step(106, "stop"),
    ]
