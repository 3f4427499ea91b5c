"""One device's pipeline, fed by hand: what counts, what is told, what is asked."""

from pathlib import Path

import msgspec
import pytest
from line.sums import conserve

from devicelog.clock import SECOND, ManualClock
from devicelog.drivers import base
from devicelog.drivers.load import driver, load, parse
from devicelog.errors import LineLost, PortError
from devicelog.model import codec
from devicelog.model.flow import Identity
from devicelog.recorder.book import COUNTS_NS
from devicelog.recorder.device import Device
from devicelog.recorder.gaps import Seen
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase
from devicelog.wire import modbus
from devicelog.wire.modbus import ModbusWire

SECOND_CHANNEL = """
[[channels]]
name = "us2"
modality = "us"
message = "status"
state = "state"

[channels.states]
0 = "idle"
1 = "ready"
3 = "running"
6 = "finished"
"""
# State, fault, set and left, frequency, duty, its label, set and actual intensity and
# power, ERA, BNR, contact, temperature, head, its serial number: 20 registers.
IDLE = (0, 0, 0, 0, 0, 0, 65535, 0, 0, 0, 500, 41, 1, 240, 0, 0, 0, 0, 0, 1)
REQUEST = modbus.request(10, 4, 0, 20)


class Weak(ModbusWire, frozen=True, forbid_unknown_fields=True):
    """The same wire, were its checksum one of 8 bits."""

    @property
    def check_bits(self) -> int:
        return 8


def weak(profile):
    wire = {name: getattr(profile.wire, name) for name in ModbusWire.__struct_fields__}
    return msgspec.structs.replace(profile, wire=Weak(**wire))


def two_channels():
    path = Path(base.__file__).parent / "profiles" / "us-modbus.toml"
    text = path.read_text()
    assert text.count("\n[[cells]]") > 1
    head, _, cells = text.partition("\n[[cells]]")
    return parse(head + SECOND_CHANNEL + "\n[[cells]]" + cells, "two.toml")


def made(profile=None, *, access="tap", seen=None, known=None, alarmed=False):
    return Device(
        DeviceSettings("us-1", "us-modbus", "/dev/null", access=access),
        driver(profile or load("us-modbus")),
        run_id="run",
        timebase=Timebase(ManualClock(), "boot"),
        taken=lambda _: False,
        seen=seen,
        known=known,
        alarmed=alarmed,
    )


def answer(*, state=0, left_s=0, set_s=0):
    registers = list(IDLE)
    registers[0], registers[2], registers[3] = state, set_s, left_s * 10
    data = b"".join(it.to_bytes(2, "big") for it in registers)
    return modbus.response(10, 4, data)


def exchange(device, seconds, **said: int):
    """A request and its answer, overheard."""
    step = device.received(round(seconds * SECOND), REQUEST + answer(**said))
    conserve(device.counts)
    return step.drafts


def told(drafts, kind="device"):
    return [codec.decode(it.kind, it.body) for it in drafts if it.kind == kind]


# --- What counts ------------------------------------------------------------------


def test_a_frame_that_speaks_of_two_channels_counts_once():
    device = made(two_channels())
    device.opened(0)
    for n in range(5):
        exchange(device, n)
    counts = device.counts

    assert counts.readings == 10
    assert counts.shared_readings == 5
    assert counts.frames == 10  # five requests, five answers
    assert counts.silent_frames == 5


def test_a_frame_is_noise_only_when_no_channel_believes_it():
    profile = weak(two_channels())
    device = made(profile)
    device.opened(0)
    for n in range(3):
        exchange(device, n, state=1, left_s=100, set_s=100)
    before = device.counts
    held = exchange(device, 3, state=6, set_s=100)  # finished after ready: held
    assert device.counts.pending_bytes == len(answer())
    exchange(device, 4, state=1, left_s=100, set_s=100)
    counts = device.counts

    assert told(held, "noise") == []
    assert counts.noise_bytes - before.noise_bytes == len(answer())
    assert counts.pending_bytes == 0
    assert counts.readings - before.readings == 2


def test_what_is_held_back_is_judged_when_the_line_is_lost():
    device = made(weak(load("us-modbus")))
    device.opened(0)
    exchange(device, 0, state=3, left_s=100, set_s=100)
    exchange(device, 1, state=3, left_s=40, set_s=100)  # the timer jumped: held
    assert device.counts.pending_bytes
    drafts = device.closed(2 * SECOND, LineLost("gone")).drafts
    conserve(device.counts)

    readings = told(drafts, "reading")
    assert [it.flags for it in readings] == [("unconfirmed",)]
    assert device.counts.pending_bytes == 0


def test_half_a_frame_is_noise_after_a_silence_noticed_or_not():
    for noticed in (True, False):
        device = made()
        device.opened(0)
        drafts = device.received(SECOND, REQUEST + answer()[:20]).drafts
        if noticed:
            assert device.deadline <= 1.05 * SECOND
            drafts += device.tick(1_050_000_000).drafts
        drafts += exchange(device, 3)
        (noise,) = told(drafts, "noise")

        assert (noise.count, noise.mono_ns) == (20, 1_050_000_000)
        assert device.counts.readings == 1


def test_bytes_that_waited_too_long_count_and_are_no_reading():
    device = made()
    device.opened(0)
    exchange(device, 1)
    device.absent(9 * SECOND, "overload", REQUEST + answer())
    conserve(device.counts)
    counts = device.counts
    (gap,) = told(exchange(device, 10), "gap")

    assert counts.readings == 1
    assert counts.silent_frames == 3  # both requests, and the answer that waited
    assert (gap.cause, gap.seconds) == ("overload", 9.0)


def test_an_absence_without_bytes_is_a_gap_too():
    device = made()
    device.opened(0)
    exchange(device, 1)
    device.absent(2 * SECOND, "suspend", b"")
    (gap,) = told(exchange(device, 2), "gap")

    assert gap.cause == "suspend"


def test_a_reading_at_the_very_time_of_a_deadline_stands_after_it_ticked_or_not():
    told_so = []
    for ticked in (True, False):
        device = made()
        device.opened(0)
        drafts = exchange(device, 1, state=3, left_s=100, set_s=100)
        if ticked:
            drafts += device.tick(round(3.5 * SECOND)).drafts
        drafts += exchange(device, 3.5, state=3, left_s=98, set_s=100)
        told_so.append([(it.at_ns, it.body) for it in drafts if it.channel == "us"])

    assert told_so[0] == told_so[1]
    stamps = [at_ns for at_ns, _ in told_so[0]]
    assert stamps == sorted(set(stamps))
    assert b"line_lost" in told_so[0][2][1]


# --- What is told -----------------------------------------------------------------


def test_a_port_that_is_never_there_is_told_once():
    device = made(seen=Seen(at_ns=1, mono_ns=None))
    drafts = []
    for n in range(100):
        drafts += device.closed(n * SECOND, PortError("it is not there")).drafts
        drafts += device.tick(n * SECOND).drafts

    assert [it.event for it in told(drafts)] == ["line"]


def test_a_line_that_comes_and_goes_without_a_byte_is_told_once():
    device = made()
    drafts = []
    for n in range(100):
        drafts += device.opened(n * SECOND).drafts
        drafts += device.closed(n * SECOND, LineLost("it was closed")).drafts

    assert [it.event for it in told(drafts)] == ["line"]


def test_counts_are_told_each_hour():
    device = made()
    device.opened(0)
    drafts = []
    for n in range(0, 2 * 3600 + 2, 600):
        drafts += device.tick(n * SECOND).drafts
    counts = [it for it in told(drafts) if it.event == "counts"]

    assert [it.mono_ns for it in counts] == [COUNTS_NS, 2 * COUNTS_NS]


def test_another_unit_on_the_line_is_told_in_words():
    device = made()
    device.opened(0)
    device.received(SECOND, modbus.request(3, 4, 0, 20))
    drafts = device.tick(round(2.6 * SECOND)).drafts

    assert device.line.state == "foreign"
    assert "unit 3 is asked, not 10" in told(drafts)[-1].text
    conserve(device.counts)


def test_a_request_that_the_device_refuses_is_told_once_in_words():
    device = made()
    device.opened(0)
    drafts = []
    for n in range(3):
        asked = REQUEST + modbus.exception(10, 4, 2)
        drafts += device.received(n * SECOND, asked).drafts
    conserve(device.counts)
    (refused,) = [it for it in told(drafts) if it.event == "answered"]

    assert "refuses request `status`: illegal data address" in refused.text


def test_an_answer_that_cannot_be_believed_is_noise():
    device = made()
    device.opened(0)
    drafts = exchange(device, 1, state=77)
    (noise,) = told(drafts, "noise")

    assert noise.raw == answer(state=77).hex()
    assert device.counts.readings == 0


def test_another_device_overheard_stops_the_readings_until_the_right_one_answers():
    device = made(known=Identity("A", "1", "1"))
    ask = modbus.request(10, 3, 0, 20)
    device.opened(0)
    exchange(device, 1)
    drafts = device.received(2 * SECOND, ask + identity("2")).drafts
    exchange(device, 3)
    assert device.counts.readings == 1
    drafts += device.received(4 * SECOND, ask + identity("1")).drafts
    exchange(device, 5)

    assert device.counts.readings == 2
    assert not device.identity.proved  # overheard, never asked
    assert [it.cleared for it in told(drafts, "alarm")] == [False, True]


def test_an_alarm_of_an_earlier_run_is_cleared_by_the_right_answer():
    device = made(known=Identity("A", "1", "1"), alarmed=True)
    device.opened(0)
    drafts = device.received(
        SECOND, modbus.request(10, 3, 0, 20) + identity("1")
    ).drafts

    assert [it.cleared for it in told(drafts, "alarm")] == [True]


def identity(serial):
    texts = ("A".ljust(16, "\0"), serial.ljust(16, "\0"), "1".ljust(8, "\0"))
    return modbus.response(10, 3, "".join(texts).encode())


# --- What is asked ----------------------------------------------------------------


def test_a_tapped_line_is_never_asked():
    device = made()
    device.opened(0)
    sent = [device.tick(n * SECOND // 10).send for n in range(100)]

    assert set(sent) == {None}


def test_a_polled_line_is_asked_who_it_is_before_anything_is_believed():
    device = made(access="poll")
    device.opened(0)
    first = device.tick(SECOND // 10).send
    early = device.received(SECOND // 10, answer()).drafts
    device.received(SECOND // 5, identity("1"))
    second = device.tick(SECOND // 5 + 20_000_000).send

    assert (first.name, second.name) == ("identity", "status")
    assert told(early, "reading") == []


@pytest.mark.parametrize("reason", ["lost", "stopped"])
def test_what_is_pending_at_the_end_is_accounted_for(reason):
    device = made()
    device.opened(0)
    exchange(device, 1)
    device.received(2 * SECOND, b"\x0a\x04")
    if reason == "lost":
        device.closed(2 * SECOND, LineLost("gone"))
    else:
        device.stop(2 * SECOND)
    conserve(device.counts)

    assert device.counts.noise_bytes == 2
