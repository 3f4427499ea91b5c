"""Plugs pulled and put in again, on lines that are polled fast; in real time."""

import random
import threading

import pytest
from line.clinic import device, entries, fast, recording, virtual
from line.sums import journalled
from line.wires import belongings, serving, wait_until

from devicelog.drivers.simulated.serve import PtyPort, TcpPort
from devicelog.model import codec

ANSWER_BYTES = 45
REOPENED_S = 2.0
# A machine that stands still is a gap like any other, but none of these plugs.
STALLED_S = 2.5
PORTS = 16


@pytest.fixture
def crashes(monkeypatch):
    """What ended a thread."""
    told = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    return told


def replug(rounds, ports, profile, directory):
    """Pull every plug so often; descriptors and threads before and after."""
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    pause = threading.Event()
    named = {
        name: getattr(it, "link", None) or it.address for name, it in ports.items()
    }
    with serving(*ports.values()), recording(directory, named, profile=profile) as it:
        watched = {name: device(it, name) for name in ports}

        def back(times):
            """Each was lost so often, and gave a reading since."""
            return all(
                it.line.state == "online" and it.counts.gaps == times
                for it in watched.values()
            )

        def told():
            return {name: (it.line.text, it.counts) for name, it in watched.items()}

        wait_until(lambda: back(0), told)
        before = belongings()
        for times in range(1, rounds + 1):
            for name in dice.sample(list(ports), len(ports)):
                pause.wait(dice.uniform(0, 0.01))  # anywhere in the beat of polls
                ports[name].unplug(0.02)
            wait_until(lambda times=times: back(times), told, REOPENED_S)
        return before, belongings()


def check(rounds, ports, profile, directory):
    before, after = replug(rounds, ports, profile, directory)
    found = entries(directory)
    counts = journalled(found)
    gaps = [
        (it.device, codec.decode("gap", it.body).cause)
        for it in found
        if it.kind == "gap"
    ]

    assert sorted(gaps) == sorted(
        (name, "port") for name in ports for _ in range(rounds)
    )
    assert after[0] <= before[0]
    # Workers that open and close are made when they are needed, one a port.
    assert after[1] <= before[1] + len(ports)
    assert len(counts) == len(ports)
    answered = sum(port.device.answered for port in ports.values())
    received = sum(it.bytes for it in counts)
    print({"answered": answered, "received": received})
    # Each pull may cost the answer that was on its way, and no other.
    assert 0 <= answered - received <= ANSWER_BYTES * (rounds + 1) * len(ports)


def ptys(profile, folder):
    return {
        f"us-{n}": PtyPort(virtual(profile, serial=str(n)), link=folder / f"us-{n}")
        for n in range(PORTS)
    }


@pytest.mark.no_cover  # traced, it would take thrice as long
def test_five_hundred_replugs_are_five_hundred_gaps(tmp_path, crashes):
    profile = fast(tmp_path, STALLED_S)
    check(32, ptys(profile, tmp_path), profile, tmp_path / "data")

    assert crashes == []


def test_an_adapter_that_restarts_is_a_gap_each_time(tmp_path, crashes):
    profile = fast(tmp_path, STALLED_S)
    check(3, {"us-1": TcpPort(virtual(profile))}, profile, tmp_path / "data")

    assert crashes == []


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_five_thousand_replugs_are_five_thousand_gaps(tmp_path, crashes):
    profile = fast(tmp_path, STALLED_S)
    check(320, ptys(profile, tmp_path), profile, tmp_path / "data")

    assert crashes == []
