"""The configuration: one TOML file, read strictly, never rewritten.

All errors in one pass, each with file, line, value and remedy. What is wrong with one
device parks that device and the others record; anything else is a ConfigError.
`DEVICELOG_<SECTION>_<KEY>` in the environment overrides a value of `[site]`,
`[journal]` or `[console]`.
"""

import difflib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from devicelog import strict
from devicelog.drivers.load import ProfileError
from devicelog.drivers.load import load as load_profile
from devicelog.drivers.profile import Profile
from devicelog.errors import ConfigError
from devicelog.export.settings import ExportSettings
from devicelog.grafana.settings import GrafanaSettings
from devicelog.journal.settings import JournalSettings
from devicelog.operations import config_checks as checks
from devicelog.operations.settings import ConsoleSettings
from devicelog.recorder.settings import DeviceSettings
from devicelog.records.settings import BackupSettings, KeepSettings, KeySettings
from devicelog.sinks.settings import InfluxSettings, MqttSettings

DEFAULT: Final = Path("/etc/devicelog/devicelog.toml")


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
    mqtt: MqttSettings | msgspec.UnsetType = msgspec.UNSET
    influx: InfluxSettings | msgspec.UnsetType = msgspec.UNSET
    grafana: GrafanaSettings | msgspec.UnsetType = msgspec.UNSET
    keys: KeySettings = KeySettings()
    backup: BackupSettings = BackupSettings()
    keep: KeepSettings = KeepSettings()
    console: ConsoleSettings = ConsoleSettings()
    export: ExportSettings = ExportSettings()
    devices: tuple[DeviceSettings, ...] = ()


def configured(config: Config) -> tuple[str, ...]:
    """Names of the sinks that it knows."""
    there = {"mqtt": config.mqtt, "influx": config.influx}  # a table has its name
    unset = msgspec.UnsetType
    return tuple(name for name, it in there.items() if not isinstance(it, unset))


class Loaded(msgspec.Struct, frozen=True):
    """A configuration that can be used, its profiles, and the devices that cannot.

    `parked` maps a device's name (or its place, `devices[2]`, where it has no name of
    its own) to what is wrong with it.
    """

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
    devices, profiles, parked = _devices(table)
    problems += [*found, *checks.whole(table)]
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

_OVERRIDABLE: Final[dict[str, type[msgspec.Struct]]] = {
    "site": Site,
    "journal": JournalSettings,
    "console": ConsoleSettings,
}


def _override(
    table: strict.Table, environ: Mapping[str, str]
) -> Iterator[strict.Problem]:
    """Values of these tables from the environment, typed by their shape."""
    for section, shape in _OVERRIDABLE.items():
        prefix = f"DEVICELOG_{section.upper()}_"
        types = {
            f"{prefix}{it.name.upper()}": it for it in msgspec.structs.fields(shape)
        }
        for variable, text in environ.items():
            if not variable.startswith(prefix):
                continue
            try:
                field = types[variable]
                value = msgspec.convert(text, field.type, strict=False)
            except KeyError:
                close = difflib.get_close_matches(variable, types, 1)
                remedy = f"did you mean {close[0]}?" if close else "unset it"
                yield strict.Problem("environment", variable, "sets no key", remedy)
            except msgspec.ValidationError as error:
                said = f'"{text}" cannot be {section}.{field.name}: {error}'
                yield strict.Problem("environment", variable, said, "unset it")
            else:
                values = table.values.setdefault(section, {})
                if isinstance(values, dict):
                    values[field.name] = value


def _devices(
    table: strict.Table,
) -> tuple[list[DeviceSettings], dict[str, Profile], dict[str, list[strict.Problem]]]:
    """Devices that can be recorded, their profiles, and what parks the others."""
    devices: list[DeviceSettings] = []
    profiles: dict[str, Profile] = {}
    parked: dict[str, list[strict.Problem]] = {}
    blocks = table.values.get("devices", [])
    before: list[Any] = []
    for n, block in enumerate(blocks if isinstance(blocks, list) else [blocks]):
        key = f"devices[{n}]"
        device, problems = table.check(DeviceSettings, block, key)
        if isinstance(block, dict):
            problems += checks.device(table, key, block, before)
            problems += _profile(table, key, block, profiles)
        if device is not None and not problems:
            devices.append(device)
        else:
            parked[_called(block, key, before)] = problems
        before.append(block)
    return devices, profiles, parked


def _called(block: object, key: str, before: list[Any]) -> str:
    """The block's name if it is its own, else its place."""
    name = checks.text(block, "name")
    return (
        name if name and all(checks.text(it, "name") != name for it in before) else key
    )


def _profile(
    table: strict.Table, key: str, block: dict[str, Any], profiles: dict[str, Profile]
) -> Iterator[strict.Problem]:
    """Load the device's profile, once for all that share it."""
    name, port = checks.text(block, "profile"), checks.text(block, "port")
    if name is None:
        return
    try:
        if name not in profiles:
            profiles[name] = load_profile(name)
    except ProfileError as error:
        yield table.problem(
            f"{key}.profile", f'"{name}" cannot be used', "its mistakes are told next"
        )
        yield from error.problems
        return
    except ConfigError as error:
        yield table.problem(f"{key}.profile", error.message, error.hint)
        return
    if profiles[name].identity == "none" and port and checks.wanders(port):
        yield table.problem(
            f"{key}.port",
            f'"{port}" may become another device\'s port, and this profile '
            "cannot ask who answers",
            "use the port's name under /dev/serial/by-path/",
        )
