"""What can be wrong between a device and who listens: coming, going, and by chance."""

import random
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.drivers.load import driver, load
from devicelog.drivers.profile import Line
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.faults import Faults, Trouble, Troubles
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.model.flow import Identity

SAID = bytes(range(40))


def spoilt(seed=1, **faults: object):
    return Faults(**faults).spoil(SAID, random.Random(seed))


def bits(data):
    return int.from_bytes(data, "big")


def test_what_is_said_arrives_where_nothing_is_wrong():
    assert spoilt() == SAID


def test_each_fault_does_what_it_says():
    assert spoilt(silent=True) == b""
    assert spoilt(babble=100) == b""
    assert spoilt(half=True) == SAID[:20]
    assert spoilt(corrupt=True) == SAID[:-1] + bytes((SAID[-1] ^ 0xFF,))
    assert spoilt(garbage=b"xy") == b"xy" + SAID
    assert spoilt(garbage=7)[7:] == SAID
    assert len(spoilt(garbage=7)) == 47


@given(st.integers(0, 10**6), st.integers(1, 500))
def test_so_many_bits_are_turned_over(seed, count):
    flipped = spoilt(seed, flips=count)

    assert len(flipped) == len(SAID)
    assert (bits(flipped) ^ bits(SAID)).bit_count() == min(count, 8 * len(SAID))


def test_chance_is_that_of_the_seed():
    assert spoilt(1, flips=3) == spoilt(1, flips=3) != spoilt(2, flips=3)
    assert spoilt(1, garbage=9) == spoilt(1, garbage=9) != spoilt(2, garbage=9)


def test_faults_come_and_go_by_their_times():
    it = Troubles(
        (
            Trouble(10, 5, "silent"),
            Trouble(12, 1, "flips", 2),
            Trouble(20, inf, "unplugged"),
        )
    )
    seen = []
    while it.due_s < inf:
        at = it.due_s
        it.advance(at)
        seen.append((at, it.faults.silent, it.faults.flips, it.faults.unplugged))

    assert seen == [
        (10, True, 0, False),
        (12, True, 2, False),
        (13, True, 0, False),
        (15, False, 0, False),
        (20, False, 0, True),
    ]
    assert it.due_s == inf


def device(profile="us-classic", *troubles: Trouble, seed=1):
    script = SCRIPTS["R1" if profile != "ifc-classic" else "R4"]
    player = script.player(10)
    for trouble in troubles:
        setattr(player.faults, trouble.fault, trouble.value)
    return VirtualDevice(load(profile), player, Identity("SIM", "1", "1"), seed=seed)


def asked(it, second=20, profile="us-classic"):
    (request, *_) = driver(load(profile)).polls()
    return request.data, it.receive(request.data, second)


def test_an_echo_brings_back_what_was_sent_before_the_answer():
    request, answer = asked(device())
    _, echoed = asked(device("us-classic", Trouble(0, 1, "echo")))

    assert answer
    assert echoed == request + answer


def test_who_is_unplugged_or_does_not_understand_says_nothing():
    assert asked(device("us-classic", Trouble(0, 1, "unplugged")))[1] == b""
    assert asked(device("us-classic", Trouble(0, 1, "line", Line(1200))))[1] == b""


def test_who_babbles_says_so_many_bytes_a_second_and_nothing_else():
    it = device("us-classic", Trouble(0, 1, "babble", 300))
    first = it.speak(0)
    babbled = [it.speak(second) for second in range(1, 11)]

    assert first == b""
    # A tenth of a second may fall on either side.
    assert all(270 <= len(said) <= 330 for said in babbled)
    assert 2970 <= sum(map(len, babbled)) <= 3030
    assert asked(it, 11)[1] == b""
    same = device("us-classic", Trouble(0, 1, "babble", 300))
    same.speak(0)
    assert same.speak(1) == babbled[0]
    it.faults.babble = 0
    assert it.speak(30) == b""


def test_who_pushed_while_it_was_unplugged_does_not_say_it_all_at_once():
    it = device("ifc-classic", Trouble(0, 1, "unplugged"))
    gone = [it.speak(second) for second in range(60)]
    it.faults.unplugged = False
    it.speak(60.2)
    back = it.speak(60.7)
    whole = device("ifc-classic").speak(0.5)

    assert gone == [b""] * 60
    assert 0 < len(back) <= len(whole)


@pytest.mark.parametrize("profile", ["us-classic", "ifc-classic", "combo", "us-modbus"])
def test_bits_turned_over_by_the_same_seed_are_the_same(profile):
    def heard(seed):
        it = device(profile, Trouble(0, 1, "flips", 2), seed=seed)
        if driver(load(profile)).polls():
            return b"".join(asked(it, second, profile)[1] for second in range(20))
        return it.speak(20)

    assert heard(1) == heard(1) != heard(2)
