"""The configuration: one TOML file, read strictly, never rewritten.

All errors in one pass, each with file, line, value and remedy. What is wrong with one
device parks that device and the others record; anything else is a ConfigError.
`DEVICELOG_<SECTION>_<KEY>` in the environment overrides a value of `[site]` or
`[journal]`.
"""

import hashlib
import os
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from devicelog import strict
from devicelog.drivers.load import load as load_profile
from devicelog.drivers.profile import Profile
from devicelog.errors import ConfigError
from devicelog.journal.settings import JournalSettings
from devicelog.recorder.settings import NAME, DeviceSettings

DEFAULT: Final = Path("/etc/devicelog/devicelog.toml")
SIMULATED_PREFIX: Final = "sim-"
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = re.compile(r"^\d\d:\d\d-\d\d:\d\d(, *\d\d:\d\d-\d\d:\d\d)*$")
_DATE: Final = re.compile(r"^\d{4}-\d\d-\d\d$")


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clinic. `name` stands in topics and tags; a simulated one begins `sim-`."""

    name: str
    timezone: str = "UTC"
    simulated: bool = False


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the clinic is open: `08:00-12:00, 13:00-18:00`; empty is closed."""

    mon: str = ""
    tue: str = ""
    wed: str = ""
    thu: str = ""
    fri: str = ""
    sat: str = ""
    sun: str = ""
    holidays: tuple[str, ...] = ()


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    site: Site
    journal: JournalSettings
    hours: Hours = Hours()
    devices: tuple[DeviceSettings, ...] = ()


class Loaded(msgspec.Struct, frozen=True):
    """A configuration that can be used, its profiles, and the devices that cannot."""

    config: Config
    source: str
    sha256: str
    profiles: dict[str, Profile]
    parked: dict[str, list[str]]


def path_of(option: str | None) -> Path:
    """The file to read: the option, else DEVICELOG_CONFIG, else /etc/devicelog."""
    return Path(option or os.environ.get("DEVICELOG_CONFIG") or DEFAULT)


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read and check the file. Raises ConfigError that lists every problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"configuration {path} cannot be read: {error}",
            hint=f"`devicelog config init {path}` writes a commented sample",
        ) from error
    return parse(text, str(path), environ)


def parse(text: str, source: str, environ: Mapping[str, str]) -> Loaded:
    """The same from text. `source` names it in errors."""
    table, problems = strict.load(text, source)
    if table is None:
        raise refused(source, problems)
    problems += _override(table, environ)
    rest = {key: value for key, value in table.values.items() if key != "devices"}
    config, found = table.check(Config, rest)
    problems += found
    devices, profiles, parked = _devices(table)
    if config is not None:
        problems += _whole(config, table)
    if problems or config is None:
        raise refused(source, [*problems, *(p for ps in parked.values() for p in ps)])
    return Loaded(
        config=msgspec.structs.replace(config, devices=tuple(devices)),
        source=source,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        profiles=profiles,
        parked={name: [str(p) for p in found] for name, found in parked.items()},
    )


def refused(source: str, problems: list[strict.Problem]) -> ConfigError:
    """The error that lists them all."""
    listed = "\n  ".join(str(problem) for problem in problems)
    return ConfigError(f"{source} cannot be used:\n  {listed}")


# --- Private ----------------------------------------------------------------------


def _override(
    table: strict.Table, environ: Mapping[str, str]
) -> Iterator[strict.Problem]:
    """Values of `[site]` and `[journal]` from the environment, typed by their shape."""
    shapes: dict[str, type[msgspec.Struct]] = {
        "site": Site,
        "journal": JournalSettings,
    }
    for section, shape in shapes.items():
        prefix = f"DEVICELOG_{section.upper()}_"
        types = {it.name: it.type for it in msgspec.structs.fields(shape)}
        for variable, text in environ.items():
            if not variable.startswith(prefix):
                continue
            key = variable.removeprefix(prefix).lower()
            try:
                value = msgspec.convert(text, types[key], strict=False)
            except (KeyError, msgspec.ValidationError):
                yield strict.Problem(
                    "environment", variable, f'"{text}" sets no such value', "unset it"
                )
                continue
            table.values.setdefault(section, {})[key] = value


def _devices(
    table: strict.Table,
) -> tuple[list[DeviceSettings], dict[str, Profile], dict[str, list[strict.Problem]]]:
    """Devices that can be recorded, their profiles, and what parks the others."""
    devices: list[DeviceSettings] = []
    profiles: dict[str, Profile] = {}
    parked: dict[str, list[strict.Problem]] = {}
    blocks = table.values.get("devices", [])
    for n, block in enumerate(blocks if isinstance(blocks, list) else [blocks]):
        key = f"devices[{n}]"
        device, problems = table.check(DeviceSettings, block, key)
        if device is not None:
            problems += _device(table, key, device, devices)
        if device is not None and not problems:
            problems += _profile(table, key, device, profiles)
        if device is not None and not problems:
            devices.append(device)
        else:
            named = isinstance(block, dict) and isinstance(block.get("name"), str)
            parked[block["name"] if named else key] = problems
    return devices, profiles, parked


def _device(
    table: strict.Table, key: str, device: DeviceSettings, others: list[DeviceSettings]
) -> Iterator[strict.Problem]:
    if not re.fullmatch(NAME, device.name):
        yield table.problem(
            f"{key}.name",
            f'"{device.name}" cannot name a device',
            "small letters, digits, - and _, 32 at most, a letter or digit first",
        )
    for other in others:
        if other.name == device.name:
            yield table.problem(
                f"{key}.name", f'"{device.name}" is used twice', "rename"
            )
        if other.port == device.port:
            yield table.problem(
                f"{key}.port", f'"{device.port}" is also the port of {other.name}'
            )
    if not device.port.startswith(("/", "socket://", "rfc2217://")):
        yield table.problem(
            f"{key}.port",
            f'"{device.port}" is neither a path nor a known address',
            "/dev/serial/by-path/..., socket://host:port or rfc2217://host:port",
        )


def _profile(
    table: strict.Table,
    key: str,
    device: DeviceSettings,
    profiles: dict[str, Profile],
) -> Iterator[strict.Problem]:
    """Load the device's profile, once for all that share it."""
    try:
        if device.profile not in profiles:
            profiles[device.profile] = load_profile(device.profile)
    except ConfigError as error:
        yield table.problem(f"{key}.profile", error.message, error.hint)
        return
    if profiles[device.profile].identity == "none" and _wanders(device.port):
        yield table.problem(
            f"{key}.port",
            f'"{device.port}" may become another device\'s port, and this profile '
            "cannot ask who answers",
            "use the port's name under /dev/serial/by-path/",
        )


def _wanders(port: str) -> bool:
    """Whether the kernel may give this name to another adapter after a replug."""
    return port.startswith(("/dev/tty", "/dev/serial/by-id/"))


def _whole(config: Config, table: strict.Table) -> Iterator[strict.Problem]:
    """What spans several keys."""
    site = config.site
    if not re.fullmatch(NAME, site.name):
        yield table.problem(
            "site.name",
            f'"{site.name}" cannot name a site',
            "small letters, digits, - and _, 32 at most",
        )
    if site.simulated != site.name.startswith(SIMULATED_PREFIX):
        yield table.problem(
            "site.name",
            f'"{site.name}" with simulated = {str(site.simulated).lower()}',
            f'a simulated site\'s name begins with "{SIMULATED_PREFIX}", no other does',
        )
    try:
        zoneinfo.ZoneInfo(site.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        yield table.problem(
            "site.timezone",
            f'"{site.timezone}" is no time zone',
            'as in "Europe/Berlin"',
        )
    yield from _hours(config.hours, table)
    for key, low in (
        ("commit_interval_ms", 1),
        ("pending_limit", 1),
        ("ballast_mb", 0),
    ):
        value = getattr(config.journal, key)
        if value < low:
            yield table.problem(f"journal.{key}", f"{value} is below {low}")


def _hours(hours: Hours, table: strict.Table) -> Iterator[strict.Problem]:
    for day in _DAYS:
        text = getattr(hours, day)
        if text and not _HOURS.match(text):
            yield table.problem(
                f"hours.{day}",
                f'"{text}" is no time',
                'as in "08:00-12:00, 13:00-18:00"',
            )
    for n, date in enumerate(hours.holidays):
        if not _DATE.match(date):
            yield table.problem(
                f"hours.holidays[{n}]", f'"{date}" is no date', "as in 2026-12-25"
            )
