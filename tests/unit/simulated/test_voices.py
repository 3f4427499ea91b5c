"""Virtual devices in the words of every shipped profile, asked, unasked, overheard."""

from math import inf

import pytest

from devicelog.drivers.load import available, driver, load, parse
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.host import Overheard
from devicelog.drivers.simulated.machine import machine
from devicelog.drivers.simulated.play import Player
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.drivers.simulated.speakers import HELLO_S
from devicelog.drivers.simulated.voice import Voice
from devicelog.model.flow import Frame, Identity

WHO = Identity("SIM-1", "SIM00001", "1.0")
LASTS_S = 1200
# What is set, as a profile may round or name it otherwise.
NEAR = {"frequency_mhz": 0.21, "head_temp_c": 0.1}


def playing(profile, seed=1):
    has = frozenset(it.modality for it in profile.channels)
    return Player(machine(has, seed), clinic(seed, modalities=has, scale=0.03))


def heard(profile, device, second, reader, framer):
    """All that is decoded of this second, asked for where it must be."""
    asks = [it for it in (reader.identify(), *reader.polls()) if it]
    if isinstance(device, Overheard):
        asks = []
    chunks = [lambda: device.speak(second)]
    chunks += [
        lambda it=it: (reader.sent(it), device.receive(it.data, second))[1]
        for it in asks
    ]
    for chunk in chunks:
        for piece in framer.feed(chunk()):
            assert isinstance(piece, Frame), (profile.name, second, piece)
            it = reader.hear(piece)
            assert it.problem == it.refusal == it.foreign == ""
            yield it


@pytest.mark.no_cover  # traced, it would take thrice as long
@pytest.mark.parametrize("overheard", [False, True])
@pytest.mark.parametrize("name", available())
def test_what_a_device_says_is_what_it_does(name, overheard):
    profile = load(name)
    player = playing(profile)
    device = VirtualDevice(profile, player, WHO)
    line = Overheard(profile, device) if overheard else device
    reader = driver(profile)
    framer = reader.framer()
    told, states = set(), set()
    for n in range(LASTS_S):
        second = n * profile.interval_s
        for it in heard(profile, line, second, reader, framer):
            told.add(it.identity)
            for decoded in it.decoded:
                states.add((decoded.channel, decoded.state))
                meant = player.values(decoded.channel)  # channels bear modality's names
                assert decoded.state == meant["state"]
                for field, value in decoded.values.items():
                    truth = meant.get(field)
                    if isinstance(truth, float) and not isinstance(value, str):
                        near = NEAR.get(field, 0.51)  # whole seconds, half mA
                        assert value == pytest.approx(truth, abs=near), field

    assert told == {None, WHO}
    assert {state for _, state in states} >= {"idle", "ready", "running", "finished"}
    assert {channel for channel, _ in states} == {it.name for it in profile.channels}
    assert player.ignored == []
    assert framer.pending == 0


def test_one_that_pushes_says_what_it_is_at_first_and_again():
    profile = load("ifc-classic")
    device = VirtualDevice(profile, playing(profile), WHO)
    reader = driver(profile)
    framer = reader.framer()
    said = []
    for tenth in range(int(10 * HELLO_S) + 1):
        for piece in framer.feed(device.speak(tenth / 10)):
            it = reader.hear(piece)
            said.append((tenth / 10, "hello" if it.identity else it.decoded[0].channel))

    assert [at for at, what in said if what == "hello"] == [0.0, HELLO_S]
    assert [at for at, what in said if what == "if"] == [n / 2 for n in range(21)]
    assert device.due_s == HELLO_S + 0.5


def test_one_that_is_asked_says_nothing_unasked():
    profile = load("us-classic")
    device = VirtualDevice(profile, playing(profile), WHO)

    assert device.due_s == inf
    assert device.speak(1000) == b""


def test_what_it_does_not_know_it_refuses_where_its_profile_has_a_word():
    profile = load("combo")
    device = VirtualDevice(profile, playing(profile), WHO)
    reader = driver(profile)
    (asked, *_) = reader.polls()
    reader.sent(asked)
    (frame,) = reader.framer().feed(device.receive(b"$X=1,F2\r\n", 1))

    assert "does not know what was asked" in reader.hear(frame).refusal


def test_who_speaks_on_a_tapped_line_is_noticed_and_not_answered():
    profile = load("us-classic")
    line = Overheard(profile, VirtualDevice(profile, playing(profile), WHO))
    (asked,) = driver(profile).polls()

    assert line.receive(asked.data, 1) == b""
    assert line.intruded == len(asked.data)


FEW_WORDS = """
schema = 1
name = "few"
title = "A device of few words"
line = { baud = 9600 }
wire = { style = "lines" }
text = { form = "fields" }
messages = [{ name = "all", size = 3 }]
[[cells]]
message = "all"
at = 0
name = "state"
[[cells]]
message = "all"
at = 1
name = "time_left_s"
decimals = 0
[[cells]]
message = "all"
at = 2
name = "waveform"
values = { Q = "4-pole" }
absent = "-"
[[channels]]
name = "if"
modality = "if"
message = "all"
state = "state"
states = { REST = "idle", ON = "running" }
"""


def test_a_device_of_few_words_says_what_comes_nearest():
    profile = parse(FEW_WORDS, "few.toml")
    device = VirtualDevice(profile, SCRIPTS["electrode_off"].player(10), WHO)
    lines = [device.speak(second).decode().split("\r\n")[0] for second in range(400)]

    assert lines[0] == "REST,0,-"
    assert lines[11] == "ON,299,Q"
    assert lines[112] == "ON,200,Q"  # an electrode is off, and it has no word for it
    assert lines[390] == "REST,0,-"


def test_a_value_without_anything_near_is_left_as_it_is():
    profile = parse(FEW_WORDS, "few.toml")
    voice = Voice(profile.channels[0], profile.cells)

    assert voice.of({"state": "fault", "waveform": "russian"}) == {
        "state": "idle",
        "waveform": "russian",
    }


def test_a_number_with_few_words_is_said_by_the_nearest():
    profile = load("us-classic")
    voice = Voice(profile.channels[0], profile.cells)

    assert voice.of({"state": "idle", "frequency_mhz": 3.0})["frequency_mhz"] == 3.2
    assert voice.of({"state": "idle", "frequency_mhz": 1.1})["frequency_mhz"] == 1.0
