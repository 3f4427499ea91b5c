"""The loop beside what it reads: writes that fail, absences, its end."""

import fcntl
import os
import struct
import termios

import pytest
from line.rig import Rig, virtual
from line.sums import journalled
from line.wires import wait_until

from devicelog.wire import modbus


@pytest.fixture
def rig(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as made:
        made.run(30)
        yield made


def test_a_line_that_is_lost_while_it_is_asked_is_lost_like_any_other(rig):
    def pull_and_ask():
        rig.jacks["us-1"].pull()
        rig.clock.advance(1.0)  # the next poll is due before anything is read

    rig.on_loop(pull_and_ask)
    rig._settle()
    assert rig.link().device.line.state == "missing"
    assert "went away" in rig.link().device.line.text
    rig.jacks["us-1"].plug(virtual("R2", begin_s=10))
    rig.run(10)
    rig.stop()
    (counts,) = journalled(rig.entries())

    assert counts.gaps == 1
    assert [it.cause for it in rig.bodies("gap")] == ["port"]


def test_bytes_of_a_long_absence_are_read_to_the_last_and_are_no_readings(rig):
    link, jack = rig.link(), rig.jacks["us-1"]
    answer = jack.device.receive(modbus.request(10, 4, 0, 20), rig.now_s)
    before = link.device.counts

    def talk():
        for _ in range(40):  # 1.8 kB, as a device that talks unasked leaves them
            jack.say(answer)
        wait_until(lambda: waiting(link.port) == 40 * len(answer))

    rig.away(30, asleep=False, meanwhile=talk)
    after = link.device.counts
    rig.run(10)
    rig.stop()
    journalled(rig.entries())
    (gap,) = rig.bodies("gap")

    assert after.bytes - before.bytes >= 40 * len(answer)
    assert after.readings == before.readings
    assert gap.cause == "overload"
    assert gap.seconds == pytest.approx(31, abs=1.2)


def waiting(port):
    """Bytes that the kernel holds for who reads this port."""
    told = fcntl.ioctl(port.fileno(), termios.FIONREAD, b"\0\0\0\0")
    return struct.unpack("i", told)[0]


def test_a_loop_that_ends_gives_back_what_it_holds(rig):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    rig.stop()
    after = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    assert after < before
    assert rig.sessions()[0].open
