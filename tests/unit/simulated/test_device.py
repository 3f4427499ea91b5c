"""A virtual device on its wire: what it answers, and how that can be spoilt."""

import random

import pytest

from devicelog.drivers.load import driver, load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.model.flow import Frame, Identity
from devicelog.wire import modbus

PROFILE = load("us-modbus")
WHO = Identity("SIM-US", "0001", "1.0")


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
