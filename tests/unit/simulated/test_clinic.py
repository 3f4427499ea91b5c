"""A clinic that never ends: plausible, the same for a seed, each room its own day."""

import pytest

from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.interferential import Interferential
from devicelog.drivers.simulated.machine import Machine
from devicelog.drivers.simulated.play import Player
from devicelog.drivers.simulated.ultrasound import Ultrasound

DEVICES = {
    "us": lambda: Machine(Ultrasound()),
    "if": lambda: Machine(Interferential()),
    "both": lambda: Machine(Ultrasound(), Interferential()),
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", DEVICES)
def test_a_clinic_never_does_what_the_device_ignores(kind, seed):
    device = DEVICES[kind]()
    modalities = frozenset(device.channels)
    player = Player(device, clinic(seed, modalities=modalities))
    player.advance(86_400)

    assert player.ignored == []


def test_a_combined_device_gives_everything():
    modalities = frozenset({"us", "if"})
    steps = clinic(1, modalities=modalities)
    loaded = (it.value for it in steps if it.action == "load")
    kinds = {type(it).__name__ for _, it in zip(range(24), loaded, strict=False)}

    assert kinds == {"Programme", "Current", "Combined"}


def test_a_clinic_is_the_same_for_the_same_seed():
    def first(seed):
        steps = clinic(seed)
        return [next(steps) for _ in range(200)]

    assert first(3) == first(3) != first(4)
    assert [it.at_s for it in first(3)] == sorted(it.at_s for it in first(3))


def loads(seed, room, count, scale=1.0):
    """When this room loads which programme."""
    steps = clinic(seed, room=room, scale=scale)
    loaded = (it for it in steps if it.action == "load")
    return [(it.at_s, it.value) for _, it in zip(range(count), loaded, strict=False)]


@pytest.mark.parametrize("seed", range(8))
def test_the_rooms_of_a_clinic_do_not_play_in_step(seed):
    rooms = [loads(seed, room, 20) for room in range(1, 7)]
    first = [plays[0] for plays in rooms]

    assert len({programme for _, programme in first}) == 6
    assert [at for at, _ in first] == sorted(at for at, _ in first)
    assert len({tuple(at for at, _ in plays) for plays in rooms}) == 6


def test_a_shorter_clinic_plays_everything_in_less_time():
    whole, short = (loads(1, 1, 30, scale)[-1][0] for scale in (1.0, 0.1))

    assert short < 0.2 * whole
    player = Player(Ultrasound(), clinic(1, scale=0.1))
    player.advance(20_000)
    assert player.ignored == []
