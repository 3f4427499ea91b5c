"""Frames laid out by hand (tests/golden), read and written by the driver."""

import functools
import json
import runpy
from pathlib import Path

import pytest

from devicelog.drivers import load as loading
from devicelog.drivers.load import available, driver
from devicelog.drivers.modbus import ModbusDriver
from devicelog.model.flow import Decoded, Frame, Identity, Noise
from devicelog.model.states import DECODED

GOLDEN = Path(__file__).parents[2] / "golden"
LAYING_OUT = GOLDEN / "lay_out.py"
load = functools.cache(loading.load)
every_profile = pytest.mark.parametrize("profile", available())


def rows(profile, name):
    return json.loads((GOLDEN / profile / f"{name}.json").read_text())


def table(*names: str):
    return [
        pytest.param(profile, name, row, id=f"{profile}-{name}-{n}")
        for profile in available()
        for name in names
        for n, row in enumerate(rows(profile, name))
    ]


def frame_of(it, row):
    """The frame that a fresh framer finds, and nothing else."""
    data = bytes.fromhex(row["frame"])
    kind = "response" if isinstance(it, ModbusDriver) else "message"
    (frame,) = it.framer().feed(data)
    assert frame == Frame(data, kind)
    return frame


def heard(profile, message, row):
    """What the driver hears, having asked if it asks."""
    it = driver(load(profile))
    asks = {asked.name: asked for asked in (it.identify(), *it.polls()) if asked}
    frame = frame_of(it, row)
    if message in asks:
        it.sent(asks[message])
    return it.hear(frame), message in asks


@every_profile
@pytest.mark.parametrize("state", DECODED)
def test_every_state_of_every_channel_has_ten_frames(profile, state):
    channels = [row.get("channel", "us") for row in rows(profile, state)]

    for channel in load(profile).channels:
        assert channels.count(channel.name) >= 10


@pytest.mark.parametrize(("profile", "state", "row"), table(*DECODED))
def test_a_frame_says_what_a_person_reads_in_it(profile, state, row):
    message = row.get("message", "status")
    it, asked = heard(profile, message, row)

    assert it.problem == ""
    assert it.answers == (message if asked else "")
    assert it.decoded == [Decoded(row.get("channel", "us"), state, row["values"])]


@every_profile
@pytest.mark.parametrize("state", DECODED)
def test_the_same_frames_are_what_a_device_says(profile, state):
    it = driver(load(profile))
    for n, row in enumerate(rows(profile, state)):
        data = bytes.fromhex(row["frame"])
        if isinstance(it, ModbusDriver):  # bits that mean nothing are sent as 0
            data = data[3:27] + bytes((0, data[28] & 1)) + data[29:-2]
        said = row["values"] | {"state": state}
        assert it.encode(row.get("message", "status"), said) == data, n


@every_profile
@pytest.mark.parametrize("state", DECODED)
def test_cutting_a_frame_anywhere_changes_nothing(profile, state):
    framer = driver(load(profile)).framer
    frames = [bytes.fromhex(row["frame"]) for row in rows(profile, state)]
    data = frames[0]
    (whole,) = framer().feed(data)
    for cut in range(1, len(data)):
        it = framer()
        assert [*it.feed(data[:cut]), *it.feed(data[cut:])] == [whole]
    it = framer()
    single = [it.feed(bytes((byte,))) for byte in b"".join(frames)]
    assert [piece.data for pieces in single for piece in pieces] == frames


@pytest.mark.parametrize(("profile", "name", "row"), table("identity"))
def test_who_answers(profile, name, row):
    message = row.get("message", name)
    it, asked = heard(profile, message, row)

    assert it.answers == (message if asked else "")
    assert it.identity == Identity(**row["identity"])


@pytest.mark.parametrize(("profile", "name", "row"), table("unbelievable"))
def test_what_cannot_be_so_is_not_believed(profile, name, row):
    it, _ = heard(profile, "status", row)

    assert name == "unbelievable"
    assert it.problem == row["problem"]
    assert not it.decoded


@every_profile
def test_what_is_sent(profile):
    it = driver(load(profile))
    sent = {asked.name: asked.data for asked in (it.identify(), *it.polls()) if asked}

    assert sent == {
        row["request"]: bytes.fromhex(row["frame"]) for row in rows(profile, "requests")
    }


@every_profile
def test_one_wrong_byte_and_the_frame_is_noise(profile):
    framer = driver(load(profile)).framer
    data = bytes.fromhex(rows(profile, "running")[0]["frame"])
    for n in range(len(data)):
        hurt = data[:n] + bytes((data[n] ^ 0x10,)) + data[n + 1 :]
        it = framer()
        pieces = [*it.feed(hurt), *it.feed(b"")]
        assert {type(piece) for piece in pieces} == {Noise}, n


def test_the_frames_are_what_the_script_beside_them_lays_out():
    """And it shares no code with what it tests."""
    assert "devicelog" not in LAYING_OUT.read_text()
    for path, text in runpy.run_path(str(LAYING_OUT))["files"]():
        assert path.read_text() == text, path.name
