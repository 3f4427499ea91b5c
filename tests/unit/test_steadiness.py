"""What judges a soak finds what grows, and nothing where nothing does."""

import random

import pytest
from system.steadiness import Sample, steadiness


def samples(minutes=20, *, leak_mb_h=0.0, more_each_min=0.0, seed=1):
    """Ten seconds apart, as a process wanders: up by an arena, down again."""
    dice, wander, said = random.Random(seed), 0, []
    for n in range(minutes * 6):
        wander = min(2, max(0, wander + dice.choice((-1, 0, 0, 1))))
        memory = 100 + wander + leak_mb_h * n / 360 + (30 if n % 40 == 7 else 0)
        more = int(more_each_min * n / 6)
        said.append(
            Sample(10.0 * n, memory, 58 + dice.choice((0, 0, 1, 1, 4)) + more, 18)
        )
    return said


@pytest.mark.parametrize("seed", range(20))
def test_a_process_that_wanders_is_steady(seed):
    assert steadiness(samples(seed=seed), 300).grown == ()


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_is_found(seed):
    assert steadiness(samples(leak_mb_h=25, seed=seed), 300).grown == ("memory",)
    found = steadiness(samples(more_each_min=0.5, seed=seed), 300)
    assert found.grown == ("descriptors",)


def test_what_grew_while_it_warmed_up_is_no_leak():
    warming = [
        it._replace(memory_mb=it.memory_mb - max(0, 60 - it.at_s / 5))
        for it in samples()
    ]

    assert steadiness(warming, 300).grown == ()
    assert steadiness(warming, 0).slope_mb_h > 0


def test_the_bound_is_nearer_to_the_promise_the_longer_it_runs():
    short, long = steadiness(samples(20), 300), steadiness(samples(480), 3600)

    assert short.bound_mb_h == pytest.approx(12.3, abs=0.1)
    assert long.bound_mb_h == pytest.approx(1.4, abs=0.01)
