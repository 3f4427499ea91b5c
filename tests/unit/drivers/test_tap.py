"""Listening to a foreign conversation, both directions on one line, in each style."""

import functools
from pathlib import Path
from typing import Any

import pytest
from unit.drivers.recorded import Recorded
from unit.drivers.test_framed import BY_TURN

from devicelog.drivers.load import driver, load, parse
from devicelog.drivers.modbus import ModbusDriver
from devicelog.wire import modbus

EXAMPLE = Path(__file__).parent / "broken" / "stuffed-example.toml"
COMMON: dict[str, Any] = {
    "time_set_s": 60.0,
    "contact_ok": True,
    "intensity_w_cm2": 0.5,
    "frequency_mhz": 1.0,
    "duty_pct": 50.0,
    "era_cm2": 5.0,
    "amplitude_1_ma": 18.0,
    "waveform": None,
    "regulation": "CC",
    "electrode_1_ok": True,
    "sweep_program": "none",
    "vector_mode": "off",
    "balance_pct": 0.0,
    "program": "1",
}


@functools.cache
def profile(name):
    texts = {"by turn": BY_TURN, "stuffed": EXAMPLE.read_text()}
    return parse(texts[name], "x.toml") if name in texts else load(name)


def states(second, shown):
    """Idle, a treatment of a minute, its end; as far as the profile knows of them."""
    if second < 5:
        return "idle"
    if second < 65:
        return "running"
    return "finished" if second < 70 and "finished" in shown else "idle"


def frames(it, second):
    """What the master asks, and what the device says, in this second."""
    for request in it.polls() or [None]:
        messages = {channel.message for channel in it.profile.channels}
        for message in {request.name} if request else messages:
            (channel, *_) = [c for c in it.profile.channels if c.message == message]
            state = states(second, channel.states.values())
            left = min(60.0, max(0.0, 65.0 - second))
            said = COMMON | {"state": state, "time_left_s": left}
            said["intensity_actual_w_cm2"] = 0.5 if state == "running" else 0.0
            frame = it.encode(message, said)
            if isinstance(it, ModbusDriver):
                frame = modbus.response(10, 4, frame)
            yield (request.data if request else b"") + frame


NAMES = ["us-modbus", "ifc-classic", "us-classic", "combo", "by turn", "stuffed"]


@pytest.mark.parametrize("name", NAMES)
def test_a_treatment_is_heard_on_a_tap_and_nothing_is_sent(name):
    says, it = driver(profile(name)), driver(profile(name))
    line = Recorded(it, "tap")
    said = 0
    for second in range(100):
        for data in frames(says, second):
            line.hear(data)
            said += len(data)
        line.wait(1)
    line.stop()

    assert line.sent == []
    assert line.device.counts.bytes == said
    assert line.device.counts.noise_bytes == 0
    assert line.conserves()
    for channel in it.profile.channels:
        told = [one for one in line.events if one.channel == channel.name]
        assert [one.event for one in told] == ["start", "end"]
        assert told[-1].totals["emission_s"] == pytest.approx(60, abs=1)
        timed = it.profile.timer.direction != "none"
        assert told[-1].reason == ("completed" if timed else "stopped_early")


@pytest.mark.parametrize("name", NAMES)
def test_what_the_master_asks_is_a_frame_without_a_reading(name):
    it = driver(profile(name))
    requests = [one for one in (it.identify(), *it.polls()) if one]
    line = Recorded(it, "tap")
    for request in requests:
        line.hear(request.data)
        line.wait(0.2)

    counts = line.device.counts
    assert (counts.silent_frames, counts.readings) == (len(requests), 0)
    assert counts.noise_bytes == 0


LEGACY = """
schema = 1
name = "us-legacy"
title = "An old device that says ON and OFF (made up)"
quiet_s = 5.0
interval_s = 2.0
[line]
baud = 2400
bytesize = 7
stopbits = 2
[wire]
style = "lines"
[text]
form = "columns"
[timer]
direction = "none"
[[messages]]
name = "line"
size = 5
[[channels]]
name = "us"
modality = "us"
message = "line"
state = "state"
states = { OFF = "idle", "ON" = "running" }
[[cells]]
message = "line"
name = "state"
at = 0
length = 3
"""


@pytest.mark.parametrize("access", ["tap", "poll"])
def test_a_device_that_says_on_and_off_and_nothing_else(access):
    """No request, no identity, no timer, no intensity."""
    it = driver(parse(LEGACY, "x.toml"))
    line = Recorded(it, access)
    for second in range(0, 400, 2):
        line.hear(b"ON \r\n" if 20 <= second < 320 else b"OFF\r\n")
        line.wait(2, step=0.5)
    line.stop()
    start, end = line.events

    assert line.sent == []
    assert (it.identify(), it.polls()) == (None, [])
    assert start.values == {"intensity_convention": "unknown"}
    assert end.reason == "stopped_early"
    assert set(end.flags) == {"identity_unverified", "end_unsure"}
    assert end.totals["emission_s"] == pytest.approx(300, abs=2)
    assert not [name for name in end.totals if "energy" in name]
    assert line.conserves()
