"""A driver of another package: a box that says one thing a line, as it changes.

    Mode: interferential
    Time: 10
    Strength 1: 7.5
    State: on

No table can read it: a reading is what many lines said, one after another.
"""

from devicelog.drivers.base import Heard, Request
from devicelog.model.flow import Decoded
from devicelog.wire.lines import LinesWire

profile = """
schema = 1
name = "acme-if"
title = "Acme interferential box, one value a line"
interval_s = 1.0
quiet_s = 5.0

[line]
baud = 9600

[wire]
style = "python"
driver = "acme-if"
bits = 0

[[messages]]
name = "all"
ask = "?<CR>"

[[channels]]
name = "if"
modality = "if"
"""

STATES = {"off": "idle", "on": "running", "pause": "paused", "end": "finished"}


class Driver:
    def __init__(self, profile) -> None:
        self.profile = profile
        self._said = {}

    def framer(self):
        self._said = {}
        return LinesWire(end="<CR>").framing().framer()

    def identify(self):
        return None

    def polls(self):
        return [Request("all", b"?\r")]

    def sent(self, request):
        pass

    def hear(self, frame):
        key, _, value = frame.data[:-1].decode("ascii").partition(": ")
        self._said[key] = value
        if key != "State" or not {"Time", "Strength 1"} <= set(self._said):
            return Heard()
        if value not in STATES:
            return Heard(answers="all", problem=f"no state is called {value}")
        values = {
            "time_set_s": 600.0,
            "time_left_s": 60.0 * float(self._said["Time"]),
            "amplitude_1_ma": float(self._said["Strength 1"]),
        }
        decoded = Decoded("if", STATES[value], values)
        return Heard(answers="all", decoded=[decoded])


def driver(profile):
    return Driver(profile)
