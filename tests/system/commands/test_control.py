"""What a request does to a running recorder, and that it does it once."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from system.commands.site import Site, served, virtual, wait_until

from devicelog.daemon import Daemon
from devicelog.drivers.simulated.serve import PtyPort
from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.operations.ask import ask
from devicelog.operations.config import load
from devicelog.operations.control import Control
from devicelog.operations.status import Status

ID = "request-0001"


@contextlib.contextmanager
def recorder(site):
    """The recorder in this process, with a session open on its one device."""
    daemon = Daemon(load(site.config, {}))
    daemon.start()
    try:
        channel = daemon.recording.devices[0].channels["us"]
        wait_until(lambda: channel.last is not None)
        yield daemon, channel
    finally:
        daemon.stop()


@pytest.fixture
def device(site):
    port = PtyPort(virtual(), link=site.folder / "us-1")
    site.device("us-1", port.link).write()
    with served(port):
        yield site


def answers(site, op, **args: Any):
    return [msgspec.json.decode(raw) for raw in ask(str(site.data), op, **args)]


def entries(site, kind, **where: Any):
    with Reader(str(site.data)) as reader:
        return reader.entries(kind=kind, **where)


def ends(site, session_id):
    found = entries(site, "session", subject=session_id)
    return [it for it in found if msgspec.json.decode(it.body)["event"] == "end"]


def test_a_session_is_closed_once_however_often_it_is_asked(device):
    with recorder(device) as (daemon, channel):
        wait_until(lambda: channel.session_id)
        name = channel.session_id
        with ThreadPoolExecutor(8) as pool:
            asked = [
                pool.submit(
                    answers, device, "close_session", request_id=ID, session_id=name
                )
                for _ in range(8)
            ]
            told = [it.result() for it in asked]
        daemon.check()

    # A new run, the same request: the same answer, and nothing is done.
    with recorder(device):
        told.append(answers(device, "close_session", request_id=ID, session_id=name))

    assert told == [[{"session_id": name, "closed": True}]] * 9
    (end,) = ends(device, name)
    assert end.key == ID
    assert msgspec.json.decode(end.body)["reason"] == "manual"


def test_an_id_that_did_something_else_is_refused(device):
    with recorder(device) as (_, channel):
        wait_until(lambda: channel.session_id)
        name = channel.session_id
        answers(device, "close_session", request_id=ID, session_id=name)
        for op, args in (
            ("close_session", {"session_id": "us-2.us.20261124T000000Z"}),
            ("accept_clock", {}),
        ):
            with pytest.raises(DevicelogError, match="asked before, for something"):
                answers(device, op, request_id=ID, **args)

    assert len(ends(device, name)) == 1
    assert not [it for it in entries(device, "clock") if b"accepted" in it.body]


def test_the_clock_is_accepted_once(device):
    with recorder(device):
        first = answers(device, "accept_clock", request_id=ID)
        assert answers(device, "accept_clock", request_id=ID) == first
        other = answers(device, "accept_clock", request_id="request-0002")

    accepted = [it for it in entries(device, "clock") if b'"accepted"' in it.body]
    assert [it.key for it in accepted] == [ID, "request-0002"]
    assert msgspec.json.decode(accepted[0].body) == first[0]
    assert other != first


@pytest.mark.parametrize(
    ("op", "args", "told"),
    [
        ("open_the_valve", {}, 'unknown request "open_the_valve"'),
        ("status", {"verbose": True}, "unknown field `verbose`"),
        ("close_session", {}, "missing required field `session_id`"),
        ("close_session", {"session_id": 5}, "Expected `str`, got `int`"),
        ("close_session", {"session_id": "x"}, "session x is not open"),
        ("test_device", {"name": "us-1", "seconds": "ten"}, "Expected `float`"),
        ("test_device", {"name": "us-9"}, 'no device "us-9" is recorded'),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_recorder_goes_on(
    device_once, op, args, told
):
    site, daemon = device_once
    with pytest.raises(DevicelogError, match=told):
        answers(site, op, **args)
    daemon.check()


@pytest.fixture(scope="module")
def device_once(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("once"))
    port = PtyPort(virtual(), link=site.folder / "us-1")
    site.device("us-1", port.link).write()
    with served(port), recorder(site) as (daemon, _):
        yield site, daemon


def test_an_error_on_the_loop_is_the_askers_and_the_lines_go_on(device_once):
    _, daemon = device_once
    with pytest.raises(ZeroDivisionError):
        Control(daemon.recording)._on_loop(lambda: 1 // 0)
    before = daemon.recording.devices[0].counts.readings
    wait_until(lambda: daemon.recording.devices[0].counts.readings > before)
    daemon.check()


def test_a_watcher_that_goes_away_leaves_no_listener_behind(device_once):
    site, daemon = device_once
    watched = daemon.recording.devices[0]
    stream = ask(str(site.data), "test_device", name="us-1", seconds=30)
    for _ in range(4):
        next(stream)
    assert watched.listener is not None
    stream.close()
    wait_until(lambda: watched.listener is None)
    ended = answers(site, "test_device", name="us-1", seconds=0.5)[-1]
    assert ended["works"] is True


def test_the_status_says_how_the_device_stands(device_once):
    site, daemon = device_once
    (raw,) = ask(str(site.data), "status")
    status = msgspec.json.decode(raw, type=Status)
    (device,) = status.devices

    assert (status.running, status.simulated, status.site) == (True, True, "sim-test")
    assert (device.line, device.verified) == ("online", True)
    assert device.identity is not None
    assert device.identity.serial == "0001"
    assert status.committed <= daemon.recording.writer.committed


def test_the_alarm_of_a_parked_device_ends_when_it_is_corrected(device):
    good = device.config.read_text()
    device.config.write_text(good + '[[devices]]\nname = "us-2"\nport = "x"\n')
    alarms = []
    for text in (device.config.read_text(), good):
        device.config.write_text(text)
        with recorder(device):
            answers(device, "accept_clock")  # its commit comes after the start's
            alarms.append(answers(device, "status")[0].get("alarms", []))

    assert len(alarms[0]) == 1
    assert alarms[0][0].startswith("device us-2 is not recorded: ")
    assert alarms[1] == []


def test_many_askers_at_once_get_their_answers_while_it_records(device_once):
    site, daemon = device_once
    before = daemon.recording.devices[0].counts.readings
    with ThreadPoolExecutor(8) as pool:
        told = [pool.submit(answers, site, "status") for _ in range(80)]
        assert all(it.result()[0]["running"] for it in told)
    wait_until(lambda: daemon.recording.devices[0].counts.readings > before)
    assert daemon.recording.devices[0].counts.gaps == 0


def test_who_is_refused_does_not_say_that_it_records(tmp_path):
    """The journal is opened first; here another recorder has it."""
    site = Site(tmp_path).device("us-1", tmp_path / "away").write()
    with site.running("run") as process:
        begins = "devicelog: starts to record 1 device"
        assert any(line.startswith(begins) for line in process.stderr)
        second = site.process("run", code=1)
    assert "is recorded into by process" in second.stderr
    assert "starts to record" not in second.stderr
