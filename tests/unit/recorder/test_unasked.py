"""Devices that speak unasked: what they say of themselves counts as well."""

import json
from pathlib import Path

from unit.drivers.recorded import Recorded

from devicelog.drivers.load import driver, load, parse
from devicelog.errors import LineLost

GOLDEN = Path(__file__).parents[2] / "golden" / "ifc-classic"
ALSO_ASKED = """
schema = 1
name = "vario"
title = "Tells its state unasked, and who it is when asked"
identity = "who"
[line]
baud = 9600
[wire]
style = "lines"
[text]
form = "fields"
separator = ";"
[timer]
direction = "none"
[[messages]]
name = "who"
ask = "I<CR>"
size = 2
when = { 0 = "ID" }
[[messages]]
name = "status"
size = 2
[[channels]]
name = "if"
modality = "if"
message = "status"
state = "state"
states = { 0 = "idle", 1 = "running" }
[[cells]]
message = "who"
at = 1
name = "serial"
[[cells]]
message = "status"
at = 0
name = "state"
[[cells]]
message = "status"
at = 1
name = "amplitude_1_ma"
"""


def golden(name):
    rows = json.loads((GOLDEN / f"{name}.json").read_text())
    return [bytes.fromhex(row["frame"]) for row in rows]


def test_who_it_is_counts_though_nobody_asked():
    line = Recorded(driver(load("ifc-classic")))
    first, other, _ = golden("identity")
    line.hear(first)
    line.hear(golden("running")[0])

    assert line.device.identity.known.serial == "0001"
    assert line.device.counts.readings == 1
    line.hear(other)
    line.hear(golden("running")[0])
    assert line.device.counts.readings == 1, "another device: not believed"


def test_who_was_refused_unasked_stays_so_over_a_lost_line():
    line = Recorded(driver(load("ifc-classic")))
    first, other, _ = golden("identity")
    line.hear(first)
    line.hear(other)
    line.device.closed(line.clock.mono_ns(), LineLost("gone"))
    line.device.opened(line.clock.mono_ns())
    line.hear(golden("running")[0])
    assert line.device.counts.readings == 0, "nobody said that it is the right one"
    line.device.absent(line.clock.mono_ns(), "suspend", b"")
    line.hear(golden("running")[0])
    assert line.device.counts.readings == 0
    line.hear(first)
    line.hear(golden("running")[0])

    assert line.device.counts.readings == 1
    assert not line.device.identity.proved, "it was never asked"


def test_who_cannot_be_polled_can_be_asked_who_it_is():
    line = Recorded(driver(parse(ALSO_ASKED, "vario.toml")))
    for _ in range(20):
        for _ in range(10):
            if line.wait(0.1):
                line.hear(b"ID;A7\r\n")
        line.hear(b"1;18.5\r\n")
    line.stop()

    assert line.sent == [b"I\r"]
    assert line.device.identity.known.serial == "A7"
    assert line.device.counts.readings == 20
    assert line.conserves()
