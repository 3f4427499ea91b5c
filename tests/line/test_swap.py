"""Two cables, swapped. No reading of one device is ever booked to the other.

us-1 has the large head, us-2 the small one; each reading says which.
"""

import pytest
from line.rig import Rig, virtual
from line.sums import journalled

from devicelog.drivers.simulated.equipment import LARGE, SMALL
from devicelog.journal.reader import Reader

HEADS = {"us-1": LARGE.serial, "us-2": SMALL.serial}


@pytest.fixture
def rig(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2", "0001"), us_2=virtual("R1", "0002")) as made:
        made.run(60)
        yield made


def swap(rig):
    """Both plugs are pulled and put in again, crosswise."""
    one, two = rig.jacks.values()
    first, second = one.pull(), two.pull()
    rig._settle() if rig.daemon else None
    one.plug(second)
    two.plug(first)


def swap_behind_the_adapters(rig, away_s):
    """The same at the devices' side: the ports stay, and are silent meanwhile."""
    one, two = rig.jacks.values()
    for jack in (one, two):
        jack.device.faults.silent = True
    rig.run(away_s)
    one.device, two.device = two.device, one.device
    for jack in (one, two):
        jack.device.faults.silent = False


def right(rig):
    """Every reading of a device is of that device; how many there are of each."""
    counts = dict.fromkeys(HEADS, 0)
    for entry in rig.entries("reading"):
        head = HEADS[entry.device].encode()
        assert b'"head_serial":"' + head + b'"' in entry.body, entry
        counts[entry.device] += 1
    return counts


def refusals(rig, name):
    bodies = rig.bodies("device", name)
    return [it.text for it in bodies if it.event == "refused"]


def alarms(rig, *, open_only=True):
    rig.entries()
    with Reader(rig.directory) as reader:
        return {it.name: it.text for it in reader.alarms(open_only=open_only)}


def refused(rig):
    """Both lines are foreign, and each names the other device."""
    told = {it.name: (it.line, it.text, it.verified) for it in rig.status.devices}
    assert told == {
        "us-1": (
            "foreign",
            (
                "serial number 0002 answers, expected 0001; it is that of us-2: are "
                "cables swapped?"
            ),
            False,
        ),
        "us-2": (
            "foreign",
            (
                "serial number 0001 answers, expected 0002; it is that of us-1: are "
                "cables swapped?"
            ),
            False,
        ),
    }
    for name, (_, text, _) in told.items():
        assert refusals(rig, name)[-1] == text
        assert alarms(rig)[f"identity/{name}"] == f"{name}: {text}"


def finished(rig):
    """Swapped back, both treatments go on to their ends, with a gap each."""
    rig.run(500)
    assert alarms(rig) == {}
    assert all(it.verified for it in rig.status.devices)
    right(rig)
    sessions = {it.device: it for it in rig.sessions()}
    assert [it.reason for it in sessions.values()] == ["completed"] * 2
    assert [it.totals["gaps"] for it in sessions.values()] == [1, 1]


def test_swapped_while_it_records(rig):
    before = right(rig)
    swap(rig)
    rig.run(20)
    assert right(rig) == before
    refused(rig)
    swap(rig)
    finished(rig)
    assert [len(refusals(rig, name)) for name in HEADS] == [1, 1]
    rig.stop()
    journalled(rig.entries())


def test_swapped_between_two_runs(rig):
    before = right(rig)
    rig.stop()
    swap(rig)
    rig.start()
    rig.run(20)
    assert right(rig) == before
    refused(rig)
    rig.stop()
    swap(rig)
    rig.start()
    finished(rig)


@pytest.mark.parametrize("away_s", [2.0, 6.0])
def test_swapped_behind_the_adapters(rig, away_s):
    before = right(rig)
    swap_behind_the_adapters(rig, away_s)
    rig.run(20)
    assert right(rig) == before
    refused(rig)
    swap_behind_the_adapters(rig, away_s)
    finished(rig)


def test_both_treatments_end_when_nobody_swaps_back(rig):
    swap(rig)
    rig.run(800)

    assert [it.reason for it in rig.sessions()] == ["link_lost"] * 2
    right(rig)


def test_only_one_is_known_and_the_other_never_answered(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2", "0001"), us_2=None) as rig:
        rig.run(30)
        rig.jacks["us-2"].plug(rig.jacks["us-1"].pull())
        rig.run(10)

        assert rig.link("us-2").device.counts.readings == 0
        assert "that of us-1" in refusals(rig, "us-2")[0]


# --- Between the plug and the answer ----------------------------------------------


def status_of(rig, name):
    """The answer to a status request, as the device would give it now."""
    device = rig.jacks[name].device
    return device.receive(rig.link(name).device.driver.polls()[0].data, rig.now_s)


def identity_of(rig, name):
    device = rig.jacks[name].device
    return device.receive(rig.link(name).device.driver.identify().data, rig.now_s)


def test_a_frame_between_the_plug_and_the_identity_is_not_booked(rig):
    swap(rig)
    for name in HEADS:
        rig.jacks[name].say(status_of(rig, name))
    rig.run(0.3)
    silent = [rig.link(name).device.counts.silent_frames for name in HEADS]
    right(rig)
    rig.run(10)

    assert silent == [
        3,
        3,
    ]  # the first identity, the early status, the other's identity
    right(rig)
    refused(rig)


@pytest.mark.parametrize("asked", [True, False])
def test_an_answer_from_before_identifies_nobody(rig, asked):
    kept = {name: identity_of(rig, name) for name in HEADS}
    if asked:  # the last request before the plugs were pulled was for the identity
        for jack in rig.jacks.values():
            jack.device.faults.silent = True
        rig.run(3)
        for jack in rig.jacks.values():
            jack.device.faults.silent = False
    swap(rig)
    for name, answer in kept.items():
        rig.jacks[name].say(answer)
    rig.run(20)

    right(rig)
    refused(rig)


def test_an_identity_that_nobody_asked_for_identifies_nobody(rig):
    kept = {name: identity_of(rig, name) for name in HEADS}
    swap(rig)
    rig.run(5)
    for name, answer in kept.items():
        rig.say(name, answer)
        rig.say(name, status_of(rig, name))
    rig.run(20)

    right(rig)
    refused(rig)
