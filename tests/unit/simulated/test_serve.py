"""Virtual devices on real ports, read with what a recorder would use."""

import contextlib
import os
import select
import socket
import threading
import time
from typing import Any

import pytest
import serial

from devicelog.drivers.load import driver, load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.host import Overheard
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.drivers.simulated.serve import Port, PtyPort, TcpPort, serve
from devicelog.model.flow import Frame, Identity
from devicelog.wire import modbus

STATUS = modbus.request(10, 4, 0, 20)
WHO = modbus.request(10, 3, 0, 20)
BOUND_S = 5.0


def device(serial_number="0001", script="R1"):
    who = Identity("SIM-US", serial_number, "1.0")
    return VirtualDevice(load("us-modbus"), SCRIPTS[script].player(), who)


@contextlib.contextmanager
def served(*ports: Port, **options: Any):
    """The ports, served by one thread; afterwards it has ended and they are gone."""
    ending = threading.Event()
    thread = threading.Thread(target=serve, args=(ports, ending.is_set), kwargs=options)
    thread.start()
    try:
        yield ports
    finally:
        ending.set()
        thread.join(BOUND_S)
        assert not thread.is_alive()


def until(true):
    end = time.monotonic() + BOUND_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < end, "not in time"
        pause.wait(0.005)


def answer(fd, asked, size=45, pieces=None):
    """Ask on this descriptor; the frame that comes."""
    os.write(fd, asked)
    got = b""
    while len(got) < size and select.select([fd], [], [], BOUND_S)[0]:
        piece = os.read(fd, 256)
        got += piece
        if pieces is not None:
            pieces.append(piece)
    (frame,) = modbus.Framer().feed(got)
    assert isinstance(frame, Frame)
    return frame.data


@contextlib.contextmanager
def opened(path):
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        yield fd
    finally:
        os.close(fd)


def test_a_pty_answers_what_is_asked():
    with served(PtyPort(device())) as (port,), opened(port.path) as fd:
        assert answer(fd, WHO)[3:9] == b"SIM-US"
        assert answer(fd, STATUS)[:3] == b"\x0a\x04\x28"


def test_a_pty_is_a_serial_port():
    with (
        served(PtyPort(device())) as (port,),
        serial.Serial(port.path, 19200, parity="E", timeout=BOUND_S) as line,
    ):
        line.write(WHO)
        assert line.read(45)[3:9] == b"SIM-US"


def test_closing_and_opening_again_is_nothing_to_the_device():
    with served(PtyPort(device())) as (port,):
        for _ in range(3):
            with opened(port.path) as fd:
                assert answer(fd, WHO)[3:9] == b"SIM-US"


def test_many_devices_in_one_thread_each_with_its_own_answers():
    ports = [PtyPort(device(f"{n:04d}")) for n in range(20)]
    with served(*ports), contextlib.ExitStack() as stack:
        fds = [stack.enter_context(opened(port.path)) for port in ports]
        said = [answer(fd, WHO)[19:23].decode() for fd in fds]

    assert said == [f"{n:04d}" for n in range(20)]


def test_a_network_adapter_takes_one_client_and_then_the_next():
    with served(TcpPort(device())) as (port,):
        host, _, number = port.address.removeprefix("socket://").partition(":")
        for _ in range(2):
            with socket.create_connection((host, int(number)), BOUND_S) as line:
                assert answer(line.fileno(), WHO)[3:9] == b"SIM-US"


def test_the_link_leads_to_the_port_and_goes_with_it(tmp_path):
    link = tmp_path / "us-1"
    with served(PtyPort(device(), link=link)) as (port,):
        assert str(link.readlink()) == port.path
        with opened(link) as fd:
            assert answer(fd, WHO)[3:9] == b"SIM-US"

    assert not link.is_symlink()


def test_unplugged_and_plugged_in_again_under_the_same_link(tmp_path):
    link = tmp_path / "us-1"
    with served(PtyPort(device(), link=link)) as (port,):
        with opened(link) as fd:
            assert answer(fd, WHO)
            port.unplug(0.2)
            until(lambda: not link.is_symlink())
            assert select.select([fd], [], [], BOUND_S)[0], "the reader is told"
            assert os.read(fd, 1) == b""
            with pytest.raises(OSError, match="Input/output"):
                os.write(fd, WHO)
        until(lambda: port.plugged and link.exists())
        with opened(link) as fd:
            assert answer(fd, WHO)[3:9] == b"SIM-US"


def test_an_unplugged_network_adapter_comes_back_at_its_address():
    with served(TcpPort(device())) as (port,):
        host, _, number = port.address.removeprefix("socket://").partition(":")
        with socket.create_connection((host, int(number)), BOUND_S) as line:
            assert answer(line.fileno(), WHO)
            port.unplug(0.2)
            assert line.recv(1) == b""
        until(lambda: port.plugged)
        with socket.create_connection((host, int(number)), BOUND_S) as line:
            assert answer(line.fileno(), WHO)[3:9] == b"SIM-US"


class Weighed(PtyPort):
    """A port that notes how much it sends at a time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.sizes: list[int] = []
        super().__init__(*args, **options)

    def _write(self, data: bytes) -> None:
        self.sizes.append(len(data))
        super()._write(data)


def test_a_harsh_port_hands_out_one_byte_at_a_time():
    pieces = []
    with served(Weighed(device(), harsh=True)) as (port,), opened(port.path) as fd:
        whole = answer(fd, STATUS, pieces=pieces)

    assert port.sizes == [1] * len(whole)
    assert len(pieces) > 3  # who is slow finds several at once


def test_its_time_is_the_one_that_it_is_given():
    seconds = [0.0]
    options = {"now": lambda: seconds[0], "speed": 10.0}
    with served(PtyPort(device()), **options) as (port,), opened(port.path) as fd:
        states = []
        for at in (0.0, 0.9, 1.1, 5.2, 32.6):
            seconds[0] = at
            states.append(answer(fd, STATUS)[4])

    # Selftest, ready, ramping, held, running: R1 begins at device second 10.
    assert states == [9, 1, 2, 4, 3]


def test_a_port_that_nobody_reads_holds_up_no_other():
    deaf, port = PtyPort(device()), PtyPort(device())
    with served(deaf, port), opened(deaf.path) as silent, opened(port.path) as fd:
        os.set_blocking(silent, False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(3000):
                os.write(silent, STATUS)
        for _ in range(5):
            assert answer(fd, STATUS)[:3] == b"\x0a\x04\x28"


def pushing():
    player = SCRIPTS["R4"].player()
    return VirtualDevice(load("ifc-classic"), player, Identity("SIM-IF", "1", "1.0"))


def frames(fd, count):
    """So many frames of a device that speaks unasked."""
    framer, got = driver(load("ifc-classic")).framer(), []
    while len(got) < count and select.select([fd], [], [], BOUND_S)[0]:
        got += [it for it in framer.feed(os.read(fd, 4096)) if isinstance(it, Frame)]
    return got


@pytest.mark.parametrize("harsh", [False, True])
def test_who_speaks_unasked_is_heard_on_its_port(harsh):
    port = PtyPort(pushing(), harsh=harsh)
    with served(port, speed=20.0), opened(port.path) as fd:
        assert len(frames(fd, 5)) >= 5


def test_a_host_that_is_overheard_asks_on_the_port():
    profile = load("us-modbus")
    line = Overheard(profile, device())
    with served(PtyPort(line), speed=20.0) as (port,), opened(port.path) as fd:
        os.write(fd, STATUS)
        heard = b""
        while STATUS not in heard and select.select([fd], [], [], BOUND_S)[0]:
            heard += os.read(fd, 256)
        until(lambda: line.intruded)

    assert WHO in heard
    assert line.intruded == len(STATUS)


def test_a_port_goes_and_comes_as_its_device_says(tmp_path):
    it, link = pushing(), tmp_path / "if"
    with served(PtyPort(it, link=link), speed=20.0) as (port,):
        with opened(link) as fd:
            assert frames(fd, 1)
        it.faults.unplugged = True
        until(lambda: not link.exists())
        it.faults.unplugged = False
        until(lambda: port.plugged and link.exists())
        with opened(link) as fd:
            assert frames(fd, 1)
