"""What a start has to tell: of the run itself, and of what a person must know."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from devicelog import __version__
from devicelog.journal.reader import Reader
from devicelog.model.kinds import AlarmBody, ConfigBody
from devicelog.operations.config import Loaded

_PARKED: Final = "parked/"
_KEYLESS: Final = "keys/missing"


def at_start(
    parked: Mapping[str, Sequence[str]], keyless: str, reader: Reader
) -> Iterator[AlarmBody]:
    """Of devices that cannot be recorded, and of a master key that is not there.

    `parked`: their problems, by name; `keyless`: why nothing is sealed, or empty.
    `reader` knows what an earlier run told.
    """
    told = [it.name for it in reader.alarms(open_only=True)]
    for name, problems in parked.items():
        yield AlarmBody(
            name=f"{_PARKED}{name}",
            text=f"device {name} is not recorded: {'; '.join(problems)}",
            remedy="correct the configuration, then start again",
        )
    for alarm in told:
        name = alarm.removeprefix(_PARKED)
        if name != alarm and name not in parked:
            yield AlarmBody(
                name=alarm,
                text=f"the configuration of device {name} is corrected, or gone",
                cleared=True,
            )
    # Recording does not wait for a key; but nobody then is known by name.
    if keyless or _KEYLESS in told:
        yield AlarmBody(
            name=_KEYLESS,
            text=keyless or "the master key is there",
            remedy="put the master key in its place, then start again"
            if keyless
            else "",
            cleared=not keyless,
        )


def run_told(
    loaded: Loaded,
    event: Literal["start", "stop"],
    run_id: str,
    boot_id: str,
    mono_ns: int,
) -> ConfigBody:
    """That a run begins or ends: which program, configuration, profiles, ports."""
    return ConfigBody(
        event=event,
        run_id=run_id,
        boot_id=boot_id,
        mono_ns=mono_ns,
        version=__version__,
        simulated=loaded.config.site.simulated,
        sha256=loaded.sha256,
        profiles={it.name: it.hash for it in loaded.profiles.values()},
        devices={it.name: it.port for it in loaded.config.devices},
    )
