"""Which device carries which serial number, as configured or as once answered."""

from collections.abc import Collection, Mapping, Sequence

from devicelog.journal.reader import Reader
from devicelog.model.flow import Identity
from devicelog.recorder.settings import DeviceSettings


def known(reader: Reader) -> dict[str, Identity]:
    """What each device of this journal said of itself."""
    return {row.device: row.identity for row in reader.devices() if row.identity}


def owners(
    devices: Sequence[DeviceSettings],
    known: Mapping[str, Identity],
    parked: Collection[str] = (),
) -> dict[str, str]:
    """Serial number -> device. What is configured counts over what was answered.

    What was answered by devices that are no longer configured counts no more: a device
    that was given another name is not a swapped one.
    """
    here = {it.name for it in devices} | set(parked)
    learnt = {who.serial: name for name, who in known.items() if name in here}
    learnt |= {it.serial: it.name for it in devices}
    learnt.pop("", None)
    return learnt
