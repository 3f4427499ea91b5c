"""Every script on every profile that can carry it comes out with its totals.

Each edge lies within one reading interval, doses within 1 % (or one interval).
"""

from datetime import datetime

import pytest
from rehearsing import Rehearsed

from devicelog.clock import SECOND
from devicelog.drivers.load import available, load
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.simulation.rehearsal import ANSWER_NS

# Tracing each line would make the many readings thrice as long.
pytestmark = pytest.mark.no_cover

CARRIED = [
    (name, script)
    for name in available()
    for script in SCRIPTS
    if SCRIPTS[script].modalities <= {it.modality for it in load(name).channels}
]
DOSES = {"amplitude_1_mean_ma", "amplitude_2_mean_ma"}
COUNTED = {
    "contacts_lost",
    "setting_changes",
    "segments",
    "faults",
    "pauses",
    "amplitude_1_max_ma",
}
# Flags that stand for the profile, not for the treatment.
OF_PROFILE = {"identity_unverified", "convention_unknown"}


def rehearsed(profile, script, *, access="poll", phase_s=0.0):
    begins_at = SCRIPTS[script].begins_at
    wall_ns = None
    if begins_at:
        wall_ns = round(datetime.fromisoformat(begins_at).timestamp()) * SECOND
    it = Rehearsed(
        profile, SCRIPTS[script], access=access, phase_s=phase_s, wall_ns=wall_ns
    )
    it.play(SCRIPTS[script].ends_s + 140)
    assert it.player.ignored == []
    return it


def tolerance(profile):
    """One interval, and the time that an answer takes."""
    return profile.interval_s + ANSWER_NS / SECOND + 1e-6


def holds(name, value, wanted, off_s):
    """Whether a total is what it is meant to be."""
    if name in COUNTED:
        return value == wanted
    if name == "timer_error_pct":
        return value == pytest.approx(wanted, abs=0.5)
    if name in DOSES:
        return value == pytest.approx(wanted, rel=0.01)
    return value == pytest.approx(wanted, abs=off_s)


def energies(totals, profile):
    if profile.convention == "unknown":
        return totals["energy_if_satp_j"], totals["energy_if_sata_j"]
    return (totals["energy_j"],)


@pytest.mark.parametrize(("profile", "script"), CARRIED)
def test_a_script_comes_out_as_it_should(profile, script):
    comes_out(rehearsed(profile, script, phase_s=0.37), script)


@pytest.mark.torture
@pytest.mark.parametrize("phase_s", [0.0, 0.01, 0.5, 0.96, 0.999])
@pytest.mark.parametrize(("profile", "script"), CARRIED)
def test_it_does_so_whenever_it_is_asked(profile, script, phase_s):
    comes_out(rehearsed(profile, script, phase_s=phase_s), script)


def comes_out(it, script):
    off_s = tolerance(it.profile)
    sessions = it.sessions()
    expects = SCRIPTS[script].expects
    order = {channel.modality: channel.name for channel in it.profile.channels}

    assert len(sessions) == len(expects)
    for wanted in expects:
        events = next(
            events
            for events in sessions
            if events[0].channel == order[wanted.modality]
            and abs(it.second(events[0].at_ns) - wanted.starts_s) <= off_s
        )
        check_edges(it, events, wanted, off_s)
        check_totals(it, events[-1], wanted, off_s)


def edges(it, events):
    """When what happened, by second; a setting since it began to change."""
    for event in events:
        since = event.began_ns if event.event == "setting" else None
        yield it.second(since or event.at_ns), event.event


def check_edges(it, events, wanted, off_s):
    """Each edge that is meant is there, and what else is told belongs to one."""
    first, *between, last = events
    assert (first.event, last.event) == ("start", "end")
    assert it.second(last.ended_ns) == pytest.approx(wanted.ends_s, abs=off_s)
    told = [*edges(it, between)]
    for at_s, name in wanted.edges:
        near = [
            edge for edge in told if edge[1] == name and abs(edge[0] - at_s) <= off_s
        ]
        assert near, (name, at_s, told)
        # One turn may change several settings, all told at once.
        told = [edge for edge in told if edge not in near]
    # A fault is overcome by way of a pause.
    assert {name for _, name in told} <= {"pause", "resume"}
    assert not told or wanted.totals.get("faults")


def check_totals(it, end, wanted, off_s):
    totals = end.totals
    assert end.reason == wanted.reason
    for name, value in wanted.totals.items():
        assert holds(name, totals[name], value, off_s), (name, totals[name], value)
    assert set(end.flags) - OF_PROFILE == set(wanted.flags)
    assert totals["coverage_pct"] == 100
    if wanted.satp_j is None:
        return
    meant = {"SATP": (wanted.satp_j,), "SATA": (wanted.sata_j,)}
    meant["unknown"] = (wanted.satp_j, wanted.sata_j)
    for energy, joules in zip(
        energies(totals, it.profile), meant[it.profile.convention], strict=True
    ):
        watts = joules / totals["emission_s"]
        assert energy == pytest.approx(joules, abs=max(0.01 * joules, off_s * watts))


@pytest.mark.parametrize(
    ("profile", "script"),
    [
        ("us-modbus", "R1"),
        ("us-classic", "R1"),
        ("ifc-classic", "R4"),
        ("combo", "diagnostic"),
    ],
)
def test_who_listens_on_a_tap_sees_the_same(profile, script):
    it = rehearsed(profile, script, access="tap")
    same = rehearsed(profile, script)
    line = it.rehearsal.virtual

    assert line.intruded == 0
    for heard, asked in zip(it.sessions(), same.sessions(), strict=True):
        assert [event.event for event in heard] == [event.event for event in asked]
        one, other = heard[-1].totals, asked[-1].totals
        assert one.keys() == other.keys()
        for name, value in one.items():
            # Answers come 40 ms later when they are asked for.
            assert value == pytest.approx(other[name], rel=0.001, abs=0.1), name


def test_both_channels_of_a_combined_treatment_are_one():
    sound, current = rehearsed("combo", "diagnostic").sessions()

    assert sound[0].treatment_id == ""
    assert current[0].treatment_id == sound[0].session_id


@pytest.mark.parametrize("script", ["R1", "R4"])
def test_a_treatment_of_one_channel_is_its_own(script):
    (events,) = rehearsed("combo", script).sessions()

    assert events[0].treatment_id == ""


@pytest.mark.parametrize(
    ("profile", "script"), [("us-classic", "R1"), ("combo", "diagnostic")]
)
def test_the_same_seed_gives_the_same_entries(profile, script):
    one, other = (rehearsed(profile, script) for _ in range(2))

    assert one.drafts == other.drafts
