"""`devices test` on real ptys: one configuration each, and only the line is another."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from system.commands.site import served

from devicelog.drivers.load import load
from devicelog.drivers.profile import Line
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.host import Overheard
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.drivers.simulated.serve import PtyPort
from devicelog.model.flow import Identity
from devicelog.operations.trial import try_alone
from devicelog.recorder.settings import DeviceSettings

WHO = Identity("SIM-1", "SIM00001", "1.0")
SECONDS = 3.2


def virtual(profile, script, **faults: object):
    device = VirtualDevice(load(profile), SCRIPTS[script].player(), WHO)
    for name, value in faults.items():
        setattr(device.faults, name, value)
    return device


def overheard(profile, script, **faults: object):
    return Overheard(load(profile), virtual(profile, script, **faults))


# What stands at the port, how it is configured, and what is found.
LINES = {
    "works": (virtual("us-classic", "R1"), "us-classic", "poll"),
    "works, heard": (overheard("combo", "R1"), "combo", "tap"),
    "other_speed": (
        virtual("ifc-classic", "R4", line=Line(57600)),
        "ifc-classic",
        "poll",
    ),
    "other_speed, heard": (
        overheard("us-modbus", "R1", line=Line(38400, 8, "E")),
        "us-modbus",
        "tap",
    ),
    "other_format": (virtual("combo", "R1", line=Line(9600, 7, "E")), "combo", "poll"),
    "no_bytes": (virtual("us-modbus", "R1", silent=True), "us-modbus", "poll"),
    "no_bytes, not understood": (
        virtual("us-modbus", "R1", line=Line(9600, 8, "E")),
        "us-modbus",
        "poll",
    ),
    "no_traffic": (virtual("us-classic", "R1"), "us-classic", "tap"),
    "no_frames": (virtual("ifc-classic", "R4", babble=200), "ifc-classic", "poll"),
    "other_profile": (virtual("ifc-classic", "R4"), "us-modbus", "poll"),
    "other_device": (
        virtual("us-modbus", "R1", identity=Identity("SIM-1", "SIM66666", "1.0")),
        "us-modbus",
        "poll",
    ),
}


@pytest.mark.alone
def test_devices_test_tells_apart_what_is_wrong_with_a_line():
    ports = {name: PtyPort(device) for name, (device, _, _) in LINES.items()}

    def found(name):
        _, profile, access = LINES[name]
        settings = DeviceSettings(
            "dev", profile, ports[name].path, access=access, serial=WHO.serial
        )
        *_, verdict = try_alone(settings, SECONDS)
        return verdict

    with served(*ports.values()), ThreadPoolExecutor(len(ports)) as pool:
        verdicts = dict(zip(ports, pool.map(found, ports), strict=True))

    wrong = {
        name: (it.finding, it.text)
        for name, it in verdicts.items()
        if it.finding != name.partition(",")[0]
    }
    assert wrong == {}
    assert all(it.works == (it.finding == "works") for it in verdicts.values())
    # Who listened has sent nothing.
    assert LINES["works, heard"][0].intruded == 0
    assert LINES["other_speed, heard"][0].intruded == 0
