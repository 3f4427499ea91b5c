"""Virtual devices for the bench, in a process of their own.

    python -m bench.simulator COUNT FOLDER idle|treating

Each has a link FOLDER/us-N; `ready` on stdout says that they can be opened.
"""

import sys
from pathlib import Path

from devicelog.drivers.load import load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.equipment import Programme
from devicelog.drivers.simulated.script import Player, Step
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.model.flow import Identity

HOUR = Programme(1.0, 20, 0.5, 3600.0)


def main(count: str, folder: str, doing: str) -> None:
    profile = load("us-modbus")
    steps = [Step(0.2, "load", HOUR), Step(0.4, "start")] if doing == "treating" else []
    ports = [
        PtyPort(
            VirtualDevice(
                profile,
                Player(Ultrasound(selftest_s=0.1), steps),
                Identity("SIM-US", f"{n:05d}", "1.0"),
            ),
            link=Path(folder) / f"us-{n}",
        )
        for n in range(int(count))
    ]
    print("ready", flush=True)
    serve(ports, lambda: False)


main(*sys.argv[1:])
