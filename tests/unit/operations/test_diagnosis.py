"""Why a line brings no reading: one configuration, and only the line is another.

Between a virtual device and the pipeline stands the model of a UART; the profile, and
so the settings of the port, stay as they are.
"""

import random
from typing import Any

import pytest
from rehearsing import Rehearsed

from devicelog.clock import SECOND
from devicelog.drivers.load import available, load
from devicelog.drivers.profile import Line
from devicelog.drivers.simulated.equipment import Current, Programme
from devicelog.drivers.simulated.faults import Trouble
from devicelog.drivers.simulated.play import Script
from devicelog.errors import PortError
from devicelog.model.flow import Identity
from devicelog.model.kinds import Counts
from devicelog.operations.diagnosis import diagnose
from devicelog.operations.trial import Bursts, Seen

SPEEDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
FORMATS = ((8, "N", 1), (8, "E", 1), (7, "E", 1), (7, "O", 1), (7, "N", 2))
LISTENED_S = 4.0


def diagnosed(profile, access, *troubles: Trouble, known=None, opening=False):
    """What is found in four seconds of a treatment, with these troubles on the line.

    `opening`: of what is heard from the opening of the port on.
    """
    profile = load(profile)
    us = profile.channels[0].modality == "us"
    programme = Programme(1.0, 100, 0.5, 60) if us else Current(20.0, 20.0, 60)
    script = Script("running", programme, troubles=troubles)
    it = Rehearsed(profile, script, access=access, known=known)
    bursts, began_ns = Bursts(), it.began_ns if opening else it.start_ns + SECOND
    before = Counts()

    def listen(what, mono_ns, payload):
        if what == "received" and mono_ns >= began_ns:
            seconds = (mono_ns - began_ns) / SECOND
            bursts.note(Seen("received", "", seconds, payload.hex()))

    it.device.listener = listen
    for _ in it.rehearsal.until(began_ns):
        before = it.device.counts
    for _ in it.rehearsal.until(began_ns + round(LISTENED_S * SECOND)):
        pass
    now = it.device.counts
    brought = Counts(
        bytes=now.bytes - before.bytes,
        frame_bytes=now.frame_bytes - before.frame_bytes,
        noise_bytes=now.noise_bytes - before.noise_bytes,
        readings=now.readings - before.readings,
    )
    return diagnose(it.device, brought, bursts.heard, bursts.rate(LISTENED_S))


def on(baud, *form: Any):
    """The device's own settings, before anything is heard."""
    return Trouble(-1000, 2000, "line", Line(baud, *(form or (8, "N", 1))))


@pytest.mark.parametrize("profile", available())
def test_a_line_that_is_right_works(profile):
    assert diagnosed(profile, "poll").finding == "works"
    assert diagnosed(profile, "tap").finding == "works"


@pytest.mark.no_cover  # traced, it would take thrice as long
@pytest.mark.parametrize("baud", SPEEDS)
@pytest.mark.parametrize("profile", available())
def test_another_speed_is_told_where_it_can_be_heard(profile, baud):
    line = load(profile).line
    if baud == line.baud:
        baud *= 2
    found = diagnosed(profile, "tap", on(baud, line.bytesize, line.parity))

    assert found.finding == "other_speed"
    slower = baud < line.baud
    assert ("The device is slower" in found.text) == slower
    assert (f"faster than {line.baud} baud" in found.text) != slower


@pytest.mark.parametrize("profile", available())
def test_what_is_asked_but_once_does_not_hide_another_speed(profile):
    line = load(profile).line
    faster = on(2 * line.baud, line.bytesize, line.parity)

    assert diagnosed(profile, "tap", faster, opening=True).finding == "other_speed"


def test_the_rate_is_that_from_burst_to_burst():
    bursts = Bursts()
    assert bursts.rate(3.2) == 0
    for at_s, size in ((0.05, 40), (0.06, 20), (1.05, 30), (2.05, 20), (2.1, 10)):
        bursts.note(Seen("received", "", at_s, bytes(size).hex()))
        if at_s < 1:
            assert bursts.rate(3.0) == sum(map(len, bursts.heard)) / 3.0
    assert bursts.rate(3.2) == pytest.approx(30)
    bursts.note(Seen("received", "", 4.05, bytes(60).hex()))  # two cycles, late
    assert bursts.rate(5.2) == pytest.approx(30)


@pytest.mark.parametrize("form", FORMATS)
def test_the_speed_is_told_whatever_the_format(form):
    for baud in (2400, 38400):
        assert diagnosed("combo", "tap", on(baud, *form)).finding == "other_speed"


@pytest.mark.parametrize("profile", ["us-modbus", "us-classic", "combo"])
def test_who_is_asked_at_another_speed_is_as_silent_as_who_is_off(profile):
    found = diagnosed(profile, "poll", on(1200))
    off = diagnosed(profile, "poll", Trouble(-1000, 2000, "silent"))

    assert found == off
    assert found.finding == "no_bytes"
    assert "is the device on, is this its cable?" in found.text
    assert "not set to" in found.text
    assert "does not understand what it is asked" in found.text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ((7, "E", 1), "is a parity, and without it they are frames of {}. The device"),
        ((7, "O", 1), 'bytesize = 7, parity = "O", not {} 8N1'),
        ((7, "N", 2), "is a stop bit"),
    ],
)
@pytest.mark.parametrize("access", ["poll", "tap"])
def test_seven_bits_read_as_eight_are_told(access, form, told):
    # As many devices do, this one takes what has a wrong parity too, and answers.
    found = diagnosed("combo", access, on(9600, *form))

    assert found.finding == "other_format"
    assert told.format("combo" if "frames of" in told else 9600) in found.text


def test_a_missing_parity_bit_is_told():
    found = diagnosed("us-modbus", "tap", on(19200, 8, "N", 1))

    assert found.finding == "other_format"
    assert "Does the device send a parity bit, as in 19200 8E1?" in found.text


@pytest.mark.parametrize("form", [(8, "N", 1), (7, "O", 1), (7, "N", 2)])
def test_a_format_that_changes_nothing_works(form):
    # Seven bits are read, and nobody looks at what stands behind them.
    assert diagnosed("us-classic", "tap", on(9600, *form)).finding == "works"


def test_no_bytes_from_who_speaks_unasked():
    found = diagnosed("ifc-classic", "poll", Trouble(-1000, 2000, "silent"))

    assert found.finding == "no_bytes"
    assert "asked" not in found.text


def test_a_tap_without_traffic_is_told():
    # Its host does not ask, and the device speaks only when it is asked.
    it = Rehearsed("us-modbus", Script("", Programme(1.0, 100, 0.5, 60)), access="tap")
    it.device.opened(1)
    quiet = diagnose(it.device, it.device.counts, [], 0.0)

    assert quiet.finding == "no_traffic"
    assert "is its own host on" in quiet.text


@pytest.mark.parametrize("state", ["missing", "busy", "forbidden", "unusable"])
def test_a_port_that_cannot_be_opened_is_told(state):
    it = Rehearsed("us-modbus", Script("", Programme(1.0, 100, 0.5, 60)))
    error = PortError("the port is not to be had")
    error.state = state
    it.device.closed(1, error)
    found = diagnose(it.device, it.device.counts, [], 0.0)

    assert (found.finding, found.text) == ("no_port", "the port is not to be had")


def test_another_device_is_told():
    known = Identity("SIM-1", "SIM00009", "1.0")
    for profile in available():
        found = diagnosed(profile, "poll", known=known)
        assert found.finding == "other_device"
        assert "serial number SIM00001 answers, expected SIM00009" in found.text


def noise(profile, bursts, access="tap"):
    it = Rehearsed(profile, Script("", Programme(1.0, 100, 0.5, 60)), access=access)
    heard = b"".join(bursts)
    it.device.opened(1)
    it.device.received(2, heard)
    counts = Counts(bytes=len(heard), noise_bytes=len(heard))
    return diagnose(it.device, counts, bursts, len(heard) / LISTENED_S)


def test_frames_of_another_profile_are_told_by_its_name():
    for configured in available():
        for other in available():
            if other == configured:
                continue
            said = Rehearsed(other, Script("", Programme(1.0, 100, 0.5, 60)))
            bursts = []
            said.device.listener = lambda what, _, data, to=bursts: (
                to.append(data) if what == "received" else None
            )
            said.play(0)
            found = noise(configured, bursts[:40])
            assert found.finding == "other_profile"
            assert f'frames of profile "{other}"' in found.text


@pytest.mark.no_cover  # traced, it would take thrice as long
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("profile", available())
def test_bytes_that_are_no_frames_are_told(profile, seed):
    chance = random.Random(seed).randbytes(3000)
    text = b"T=21.5 H=48 P=1013\r\n" * 100

    assert noise(profile, [chance]).finding == "no_frames"
    found = noise(profile, [text])
    assert found.finding == "no_frames"
    assert "They are text" in found.text
    assert "too few" in noise(profile, [b"\0\0\0"]).text


def test_half_frames_are_not_taken_for_another_speed_where_they_begin_right():
    found = diagnosed("us-modbus", "tap", Trouble(-1000, 2000, "half"))

    assert found.finding != "other_speed"
