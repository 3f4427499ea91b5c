"""Malformed frames among intact ones: what a profile, its check and the gate let pass.

Each round is a second of a treatment: a frame is damaged on its way, and half a second
later comes an intact one. What the driver reads goes through the gate as the recorder's
channel does. A reading is wrong if it is believed and no frame said so; an intact frame
is read if its reading is believed, now or with the next.
"""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from devicelog.drivers.load import driver, load, parse
from devicelog.drivers.modbus import ModbusDriver
from devicelog.model.fields import SETTINGS
from devicelog.model.flow import Frame, Reading
from devicelog.recorder.channel import rules_of
from devicelog.sessions.gate import Gate
from devicelog.wire import modbus

# Tracing each line would make the many frames thrice as long.
pytestmark = pytest.mark.no_cover

SECOND = 1_000_000_000
HERE = Path(__file__).parent
FILES = {
    "stuffed-example": HERE / "broken" / "stuffed-example.toml",
    "vario-4": HERE / "guide" / "vario-4.toml",
}


def flipped(frame, dice, bits):
    hurt = bytearray(frame)
    for place in dice.sample(range(8 * len(frame)), bits):
        hurt[place // 8] ^= 1 << place % 8
    return bytes(hurt)


def changed(frame, dice, how):
    n = dice.randrange(len(frame))
    return frame[:n] + how(frame[n : n + 1]) + frame[n + 1 :]


def garbled(frame, dice):
    n = dice.randrange(len(frame))
    return frame[:n] + dice.randbytes(len(frame) - n)


def burst(frame, dice):
    """Noise over up to 16 bits in a row, as a spark does it."""
    bits = int.from_bytes(frame, "big")
    wide = dice.randint(2, 16)
    return (
        bits ^ dice.getrandbits(wide) << dice.randrange(8 * len(frame) - wide)
    ).to_bytes(len(frame), "big")


# What one disturbance does to a frame.
DAMAGES = {
    "a bit": lambda frame, dice: flipped(frame, dice, 1),
    "a byte lost": lambda frame, dice: changed(frame, dice, lambda _: b""),
    "a byte doubled": lambda frame, dice: changed(frame, dice, lambda byte: byte * 2),
    "bytes between": lambda frame, dice: changed(
        frame, dice, lambda byte: dice.randbytes(dice.randint(1, 4)) + byte
    ),
    "cut": lambda frame, dice: frame[: dice.randrange(len(frame))],
    "the end garbled": garbled,
    "garbage": lambda frame, dice: dice.randbytes(len(frame)),
    "before and behind": lambda frame, dice: (
        dice.randbytes(dice.randint(1, 9)) + frame + dice.randbytes(dice.randint(1, 9))
    ),
    "a burst": burst,
}
# Two that may undo one another in a sum.
TWICE = "two bits"


def treatment(dice):
    """The values of one second after the other: treatments, for ever."""
    while True:
        whole = dice.choice((60, 300, 600, 1200))
        said: dict[str, Any] = {
            "time_set_s": float(whole),
            "time_left_s": float(whole),
            "frequency_mhz": 1.0,
            "duty_pct": dice.choice((20.0, 50.0, 100.0)),
            "intensity_w_cm2": dice.choice((0.5, 0.8, 1.5)),
            "era_cm2": 5.0,
            "bnr": 4.1,
            "head_id": "A",
            "contact_ok": True,
            "waveform": None,
            "carrier_hz": 4000.0,
            "beat_low_hz": 80.0,
            "beat_high_hz": 150.0,
            "sweep_program": "6/6",
            "vector_mode": "off",
            "regulation": "CC",
            "amplitude_1_ma": dice.choice((18.0, 22.5)),
            "amplitude_2_ma": 18.0,
            "electrode_1_ok": True,
            "electrode_2_ok": True,
            "program": "A7",
        }
        states = ["ready"] * 4 + ["running"] * whole + ["finished"] * 3 + ["idle"] * 4
        for state in states:
            runs = state == "running"
            said["state"] = state
            said["intensity_actual_w_cm2"] = said["intensity_w_cm2"] if runs else 0.0
            said["amplitude_actual_1_ma"] = (
                round(dice.uniform(17, 19), 1) if runs else 0
            )
            said["head_temp_c"] = round(dice.uniform(30, 33), 1)
            yield dict(said)
            said["time_left_s"] -= runs


class Line:
    """One device's line up to the gate of each channel, as the recorder has it."""

    def __init__(self, name: str) -> None:
        self.profile = (
            parse(FILES[name].read_text(), name) if name in FILES else load(name)
        )
        self.driver, self._oracle = driver(self.profile), driver(self.profile)
        self.framer = self.driver.framer()
        self.longest = getattr(self.profile.wire, "longest", modbus.LONGEST)
        self.gates = {
            it.name: Gate(rules_of(self.profile, it.modality, verified=True))
            for it in self.profile.channels
        }
        self.requests = {request.name: request for request in self.driver.polls()}
        # Lines without a start are parted from what precedes them by silence alone.
        self.parted = self.profile.wire.style == "lines" and not self.profile.wire.start
        self._states = {
            it.message: (it.state, {*it.states.values()})
            for it in self.profile.channels
        }

    def frame(self, message: str, values: dict[str, Any]) -> bytes:
        """What the device sends."""
        name, states = self._states[message]
        state = values["state"] if values["state"] in states else "idle"
        frame = self.driver.encode(message, values | {name: state})
        return (
            modbus.response(10, 4, frame)
            if isinstance(self.driver, ModbusDriver)
            else frame
        )

    def truth(self, message: str, frame: bytes) -> dict[str, list[Any]]:
        """What the frame says if nothing happens to it."""
        if message in self.requests:
            self._oracle.sent(self.requests[message])
        heard = self._oracle.hear(Frame(frame, "response"))
        assert heard.decoded
        return {one.channel: [(one.state, one.values)] for one in heard.decoded}

    def ask(self, message: str) -> None:
        """The recorder asks, if the device is asked."""
        if message in self.requests:
            self.driver.sent(self.requests[message])

    def hear(self, data: bytes, mono_ns: int):
        """What is believed now: readings of this time or an earlier one."""
        for piece in self.framer.feed(data):
            if not isinstance(piece, Frame):
                continue
            for it in self.driver.hear(piece).decoded:
                reading = Reading(it.channel, it.state, mono_ns, 0, it.values)
                verdicts = self.gates[it.channel].take(reading)
                yield from (one.reading for one in verdicts if one.believed)
        assert self.framer.pending <= 2 * self.longest


class Score:
    """Counts of one run. `wrong`: believed, and said by no frame; by damage."""

    def __init__(self) -> None:
        self.hurt: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.lies: list[tuple[str, Any, Any]] = []
        self.intact = self.found = 0


def torment(name: str, rounds: int, seed: int, damages: dict[str, Any]) -> Score:
    dice, line, score = random.Random(seed), Line(name), Score()
    messages = sorted({it.message for it in line.profile.channels})
    told: dict[int, dict[str, list[Any]]] = {}
    unread: set[int] = set()  # times of intact frames that nothing came of, yet
    for n, values in enumerate(treatment(dice)):
        if n == rounds // len(messages):
            score.found = score.intact - len(unread)
            return score
        for k, message in enumerate(messages):
            kind = dice.choice([*damages])
            hurt_at = n * SECOND + k * SECOND // 4
            frame = line.frame(message, values)
            hurt = damages[kind](frame, dice)
            score.hurt[kind] += 1
            truth = line.truth(message, frame)
            told[hurt_at] = told[hurt_at + SECOND // 8] = truth
            line.ask(message)
            heard = [*line.hear(hurt, hurt_at)]
            heard += line.hear(b"", hurt_at) if line.parted else ()
            line.ask(message)
            intact = [*line.hear(frame, hurt_at + SECOND // 8)]
            intact += line.hear(b"", hurt_at + SECOND // 8)
            score.intact += 1
            unread.add(hurt_at + SECOND // 8)
            for reading in (*heard, *intact):
                said = (reading.state, reading.values)
                truth = told[reading.mono_ns].get(reading.channel, [])
                if said not in truth:
                    score.wrong[kind] += 1
                    score.lies.append((kind, said, truth))
                unread.discard(reading.mono_ns)
        for gone in [at for at in told if at < (n - 4) * SECOND]:
            del told[gone]
    return score


KINDS_OF_16_BITS = ["us-modbus", "ifc-classic", "stuffed-example"]
KINDS_OF_8_BITS = ["us-classic", "combo"]
SUITE, FEW, SEED = 20_000, 5_000, 20261124


def believe(name: str, rounds: int, damages: dict[str, Any]) -> Score:
    """Torment the line; what a person wants to know of it."""
    score = torment(name, rounds, SEED, damages)
    print(
        f"{name}, seed {SEED}: {sum(score.hurt.values())} malformed frames, "
        f"{score.found / score.intact:.4%} of {score.intact} intact ones read, "
        f"{sum(score.wrong.values())} wrong readings believed {dict(score.wrong)}"
    )
    assert score.found >= 0.999 * score.intact
    return score


def two_bits(frame, dice):
    return flipped(frame, dice, 2)


def checked(name: str, rounds: int) -> Score:
    """One disturbance a frame; of a CRC also two bits, which it always sees."""
    strong = name in KINDS_OF_16_BITS
    return believe(name, rounds, DAMAGES | ({TWICE: two_bits} if strong else {}))


def differences(score: Score):
    """Of each lie: states told and true, values told and true, fields that differ."""
    for _, (state, values), truth in score.lies:
        ((true_state, true),) = truth
        wrong = {it for it in {**values, **true} if values.get(it) != true.get(it)}
        yield state, true_state, values, true, wrong


def no_state_and_no_setting_but_one_on_its_way(score: Score, rounds: int) -> None:
    """A setting may be wrong in the one reading before it is where it is put."""
    misset = [wrong for *_, wrong in differences(score) if wrong & SETTINGS]

    assert [lie for lie in differences(score) if lie[0] != lie[1]] == []
    assert len(misset) <= rounds / 100_000


def two_errors_may_change_a_number_by_its_step(name: str, rounds: int) -> None:
    """What 8 bits cannot promise: two errors may undo one another.

    Two flipped bits leave a sum as it was only if they are of the same weight, one in
    eight, and go opposite ways, one in two. What they make of the text must still be
    believable: a measurement may be off by as much as it moves by itself, a timer by
    as much as it may be out of step. Of a million such frames 214 (us-classic) and 17
    (combo) passed, one with a setting on its way.
    """
    score = believe(name, rounds, {TWICE: two_bits})

    assert len(score.lies) <= score.hurt[TWICE] / 2000
    no_state_and_no_setting_but_one_on_its_way(score, rounds)


def without_a_check_a_timer_may_be_wrong_by_a_digit(rounds: int) -> None:
    """What no check cannot promise, its integrity is weak: a digit may be another.

    Of a million malformed lines 555 were believed that no frame said: 550 timers, off
    by a second or two (at rest by any number), and 5 settings on their way.
    """
    score = believe("vario-4", rounds, DAMAGES)

    assert len(score.lies) <= sum(score.hurt.values()) / 1000
    no_state_and_no_setting_but_one_on_its_way(score, rounds)
    for state, _, values, true, wrong in differences(score):
        assert len(wrong) == 1
        if state == "running":
            # Out of step with the one before, which may have been wrong itself.
            off = abs(values["time_left_s"] - true["time_left_s"])
            assert off <= 2 * (1 + 0.15 + 1)


@pytest.mark.parametrize("name", [*KINDS_OF_16_BITS, *KINDS_OF_8_BITS])
def test_no_wrong_reading_is_believed(name):
    assert checked(name, SUITE).lies == []


@pytest.mark.parametrize("name", KINDS_OF_8_BITS)
def test_two_errors_may_change_a_number_by_its_step(name):
    two_errors_may_change_a_number_by_its_step(name, FEW)


def test_without_a_check_a_timer_may_be_wrong_by_a_digit():
    without_a_check_a_timer_may_be_wrong_by_a_digit(FEW)


MILLION = 1_000_000


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [*KINDS_OF_16_BITS, *KINDS_OF_8_BITS])
def test_of_a_million_malformed_frames_no_wrong_reading_is_believed(name):
    """A handful pass their check by chance; the next frame does not say so too."""
    assert checked(name, MILLION).lies == []


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", KINDS_OF_8_BITS)
def test_a_million_double_errors_and_a_sum(name):
    two_errors_may_change_a_number_by_its_step(name, MILLION)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_a_million_malformed_lines_without_a_check():
    without_a_check_a_timer_may_be_wrong_by_a_digit(MILLION)
