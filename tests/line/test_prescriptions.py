"""Textbook prescriptions through wire, recorder and journal (domain, table 7.2)."""

import pytest
from line.rig import Rig, virtual
from line.sums import journalled

# Tracing each line would make the many readings thrice as long.
pytestmark = pytest.mark.no_cover

# Textbook totals: energy in J, emission and wall in s, what happened between.
TABLE = {
    "R1": (
        24.0,
        300.0,
        317.0,
        ["contact_lost", "contact_back", "contact_lost", "contact_back"],
        "completed",
    ),
    "R2": (2160.0, 480.0, 480.0, ["setting"], "completed"),
    "R3": (440.0, 220.0, 255.0, ["pause", "resume"], "stopped_early"),
}
INTERVAL_S = 1.0


@pytest.mark.parametrize("begin_s", [10.0, 10.45, 10.9])
@pytest.mark.parametrize("name", TABLE)
def test_a_prescription_has_its_textbook_totals(name, begin_s, tmp_path):
    energy_j, emission_s, wall_s, between, reason = TABLE[name]
    with Rig(tmp_path, us_1=virtual(name, begin_s=begin_s)) as rig:
        rig.run(begin_s + wall_s + 45)
        rig.stop()
        (session,) = rig.sessions()

        assert rig.events() == ["start", *between, f"end {reason}"]
        assert session.totals["energy_j"] == pytest.approx(energy_j, rel=0.01)
        for clock, seconds in (("emission_s", emission_s), ("wall_s", wall_s)):
            edges = 2 + len(between)
            assert session.totals[clock] == pytest.approx(
                seconds, abs=edges * INTERVAL_S
            )
        assert session.totals["gaps"] == 0
        assert session.totals["coverage_pct"] == 100
        (counts,) = journalled(rig.entries())
        assert counts.unanswered == 0


def test_each_edge_is_seen_within_one_interval(tmp_path):
    begin_s = 10.3
    with Rig(tmp_path, us_1=virtual("R1", begin_s=begin_s)) as rig:
        began_ns = rig.clock.mono_ns()
        rig.run(360)
        bodies = rig.bodies("session")

    seen = [(it.mono_ns - began_ns) / 1e9 for it in bodies]
    for at_s, edge_s in zip(seen, (0, 41, 47, 178, 189, 317), strict=True):
        assert 0 <= at_s - (begin_s + edge_s) <= INTERVAL_S
