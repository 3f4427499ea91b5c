"""Devices whose configuration cannot be used: an alarm, until it can."""

from collections.abc import Iterator
from typing import Final

from devicelog.journal.reader import Reader
from devicelog.model.flow import Draft
from devicelog.model.kinds import AlarmBody
from devicelog.operations.config import Loaded
from devicelog.recorder.drafts import Drafter

_PARKED: Final = "parked/"


def alarms(
    loaded: Loaded, reader: Reader, drafter: Drafter, mono_ns: int
) -> Iterator[Draft]:
    """Told at each start; and the end of those that an earlier run has told."""
    for name, problems in loaded.parked.items():
        body = AlarmBody(
            name=f"{_PARKED}{name}",
            text=f"device {name} is not recorded: {'; '.join(problems)}",
            remedy="correct the configuration, then start again",
        )
        yield drafter.at("alarm", body, mono_ns)
    for alarm in reader.alarms(open_only=True):
        name = alarm.name.removeprefix(_PARKED)
        if name != alarm.name and name not in loaded.parked:
            body = AlarmBody(
                name=alarm.name,
                text=f"the configuration of device {name} is corrected, or gone",
                cleared=True,
            )
            yield drafter.at("alarm", body, mono_ns)
