"""A count that stands still is a hang; a machine that slept is none."""

import pytest

from devicelog.clock import ManualClock
from devicelog.operations.watchdog import HANG_S, Beats, Hang


def test_a_part_that_stands_still_is_named_once_its_time_is_over():
    clock = ManualClock()
    beats = Beats(clock)
    beats.look({"loop": 1, "writer": 1})
    for n in range(2, 22):
        clock.advance(1)
        beats.look({"loop": n, "writer": 1})
    assert beats.still_s("writer") == HANG_S
    assert beats.still_s("loop") == 0
    clock.advance(1)

    with pytest.raises(Hang, match="the writer hangs since 20 s") as told:
        beats.look({"loop": 22, "writer": 1})
    assert told.value.part == "writer"


def test_parts_may_come_later_and_any_turn_counts():
    clock = ManualClock()
    beats = Beats(clock)
    for n in range(60):
        beats.look({"loop": n // 19} | ({"relay": n} if n > 30 else {}))
        clock.advance(1)


def test_a_machine_that_slept_gives_each_part_its_time_again():
    clock = ManualClock()
    beats = Beats(clock)
    for _ in range(15):
        beats.look({"loop": 7})
        clock.advance(1)
    clock.advance(3600)
    for _ in range(21):
        beats.look({"loop": 7})
        clock.advance(1)

    with pytest.raises(Hang):
        beats.look({"loop": 7})
