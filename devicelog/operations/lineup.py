"""The devices of a run, each with what the journal already knows of it."""

from devicelog.drivers.load import driver
from devicelog.journal.reader import Reader
from devicelog.operations import identities
from devicelog.operations.config import Loaded
from devicelog.recorder.book import IDENTITY_ALARM
from devicelog.recorder.device import Device
from devicelog.recorder.restore import Axis


def lineup(loaded: Loaded, reader: Reader, axis: Axis, run_id: str) -> list[Device]:
    """One for each that is configured and can be recorded, in that order."""
    known, here = identities.known(reader), loaded.config.devices
    owners = identities.owners(here, known, parked=loaded.parked)
    alarms = {alarm.name for alarm in reader.alarms(open_only=True)}
    directory = loaded.config.journal.directory

    def taken(session_id: str) -> bool:
        """Whether the journal knows this id; asked by the loop, once a session."""
        with Reader(directory) as journal:
            return journal.has_session(session_id)

    return [
        Device(
            settings,
            driver(loaded.profiles[settings.profile]),
            run_id=run_id,
            timebase=axis.timebase,
            taken=taken,
            known=known.get(settings.name),
            owners=owners,
            seen=axis.seen(reader.last("reading", settings.name)),
            alarmed=IDENTITY_ALARM + settings.name in alarms,
        )
        for settings in here
    ]
