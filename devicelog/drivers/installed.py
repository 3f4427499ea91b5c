"""Drivers that other packages bring, behind entry points of group devicelog.drivers.

    [project.entry-points."devicelog.drivers"]
    acme-if = "acme_devicelog"

The entry point leads to an `Installed`: here, a module. Its name is the `driver` of a
profile of style python, and the name of the profile that the package brings.
"""

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol, cast

from devicelog.drivers.base import Driver
from devicelog.drivers.guard import GuardedDriver
from devicelog.drivers.profile import PythonProfile
from devicelog.errors import ConfigError
from devicelog.wire.notation import spelled

GROUP: Final = "devicelog.drivers"


class Installed(Protocol):
    """What an entry point leads to.

    `profile`: the text of its profile file, of style python.
    """

    profile: str

    def driver(self, profile: PythonProfile) -> Driver:
        """A driver for one device. All that it asks must stand in the profile."""


def names() -> list[str]:
    """The drivers that installed packages bring."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def profile_text(name: str) -> str:
    """The profile that comes with this driver. Raises ConfigError."""
    text = getattr(_installed(name), "profile", None)
    if not isinstance(text, str):
        raise ConfigError(
            f'driver "{name}" brings no profile',
            hint="it must have the text of one as `profile`; or name your own file",
        )
    return text


def python_driver(profile: PythonProfile) -> Driver:
    """The driver that the profile names, held to its contract. Raises ConfigError."""
    name = profile.wire.driver
    installed = _installed(name)
    try:
        made = installed.driver(profile)
        asks = [it for it in (made.identify(), *made.polls()) if it]
    except Exception as error:
        raise _broken(name, error) from error
    declared = {spelled(it.ask) for it in profile.messages if it.ask}
    for it in asks:
        if it.data not in declared:
            raise ConfigError(
                f'driver "{name}" would send {it.data.hex(" ")}, which profile '
                f'"{profile.name}" does not declare',
                hint="add [[messages]] with this as `ask`, if it only reads",
            )
    return GuardedDriver(made, name)


# --- Private ----------------------------------------------------------------------


def _installed(name: str) -> Installed:
    points: Sequence[EntryPoint] = [*entry_points(group=GROUP, name=name)]
    if not points:
        known = ", ".join(names()) or "none"
        raise ConfigError(
            f'no package brings a driver "{name}"', hint=f"installed are: {known}"
        )
    if len({point.value for point in points}) > 1:
        owners = ", ".join(sorted(_owner(point) for point in points))
        raise ConfigError(
            f'several packages bring a driver "{name}": {owners}',
            hint="uninstall all but one",
        )
    try:
        return cast("Installed", points[0].load())
    except Exception as error:
        raise _broken(name, error) from error


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _broken(name: str, error: Exception) -> ConfigError:
    return ConfigError(
        f'driver "{name}" cannot be used: {type(error).__name__}: {error}',
        hint="it is another package's: ask whoever brings it",
    )
