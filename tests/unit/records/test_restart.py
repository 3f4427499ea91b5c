"""What people said of an open session changes nothing in how it is taken up again."""

import pytest
from unit.records.bench import Bench
from unit.records.clinic import ANNA


@pytest.mark.parametrize("said", [False, True])
def test_another_treatment_is_no_part_of_the_one_before(tmp_path, said):
    bench = Bench(tmp_path / "data", ["us-1"])
    with bench.writer:
        bench.up()
        # A clock that nobody trusts: the boot's own clock tells how long the gap was.
        bench.clock.synced = False
        bench.clock.step_wall(-1_000_000_000)
        bench.live(3)
        machine = bench.machines["us-1"]
        machine.treat()
        bench.live(3)
        first = bench.devices["us-1"].channels["us"].session_id
        if said:
            bench.assign(first, ANNA)
            bench.ask("annotate", session_id=first, facts={"site": "knee"})
        # While nobody looked, somebody else's treatment has come far.
        machine.values["time_left_s"] = 100
        bench.restart()
        bench.live(3)
        second = bench.devices["us-1"].channels["us"].session_id

        assert "" not in (first, second)
        assert second != first
        assert bench.row(first).reason == "logger_stopped"
        assert bench.whose(second) == ""
