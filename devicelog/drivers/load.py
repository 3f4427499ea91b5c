"""Profiles from files: the only reader of profile files, and the drivers for them."""

import hashlib
import math
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from devicelog import strict
from devicelog.drivers.base import Driver
from devicelog.drivers.modbus import ModbusDriver
from devicelog.drivers.profile import Cell, Profile
from devicelog.errors import ConfigError
from devicelog.model.fields import FIELDS

_DRIVERS: Final = {"modbus_rtu": ModbusDriver}
_IDENTITY: Final = ("model", "serial", "firmware")
_WORDS: Final = {"u16": 1, "s16": 1, "bit": 1, "u32": 2, "s32": 2}
_REGISTERS: Final = 125


def available() -> list[str]:
    """Names of the shipped profiles."""
    folder = resources.files("devicelog.drivers").joinpath("profiles")
    return sorted(
        it.name.removesuffix(".toml") for it in folder.iterdir() if "toml" in it.name
    )


def driver(profile: Profile) -> Driver:
    """A driver for one device of this family."""
    return _DRIVERS[profile.wire.style](profile)


def load(name: str) -> Profile:
    """A shipped profile by name, or one's own by path. ConfigError lists all errors."""
    if "/" in name or name.endswith(".toml"):
        source = name
    elif name in available():
        folder = resources.files("devicelog.drivers").joinpath("profiles")
        source = str(folder.joinpath(f"{name}.toml"))
    else:
        raise ConfigError(
            f"no profile {name!r}", hint=f"shipped are {', '.join(available())}"
        )
    try:
        text = Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"profile {source} cannot be read: {error}") from error
    table, problems = strict.load(text, Path(source).name)
    profile = None
    if table is not None:
        profile, problems = table.check(Profile)
        if profile is not None:
            problems = list(_cross(profile, table))
    if profile is None or problems:
        listed = "\n  ".join(str(problem) for problem in problems)
        raise ConfigError(f"profile {source} cannot be used:\n  {listed}")
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return msgspec.structs.replace(profile, hash=digest)


def _cross(profile: Profile, table: strict.Table) -> Iterator[strict.Problem]:
    """What spans several keys."""
    counts = {it.name: it.count for it in profile.requests}
    used: dict[tuple[str, int], str] = {}
    for n, cell in enumerate(profile.cells):
        key = f"cells[{n}]"
        if cell.request not in counts:
            yield table.problem(f"{key}.request", f'"{cell.request}" is no request')
            continue
        yield from _cell(profile, table, key, cell)
        size = cell.length if cell.type == "text" else _WORDS[cell.type]
        if cell.at < 0 or cell.at + size > counts[cell.request]:
            yield table.problem(f"{key}.at", f"{cell.at} is outside of {cell.request}")
        for at in range(cell.at, cell.at + size if cell.type != "bit" else cell.at):
            other = used.setdefault((cell.request, at), cell.name)
            if other != cell.name:
                yield table.problem(f"{key}.at", f"{cell.name} overlaps {other}")
    yield from _requests(profile, table, set(counts))


def _requests(
    profile: Profile, table: strict.Table, known: set[str]
) -> Iterator[strict.Problem]:
    for n, request in enumerate(profile.requests):
        if not 1 <= request.count <= _REGISTERS:
            yield table.problem(
                f"requests[{n}].count", f"{request.count} is not 1..125"
            )
    for n, channel in enumerate(profile.channels):
        names = {cell.name for cell in profile.cells if cell.request == channel.request}
        if channel.state not in names:
            yield table.problem(f"channels[{n}].state", f'"{channel.state}" is no cell')
    if profile.identity != "none" and profile.identity not in known:
        yield table.problem("identity", f'"{profile.identity}" is no request')
    if profile.quiet_s < profile.interval_s:
        yield table.problem("quiet_s", f"{profile.quiet_s:g} is under interval_s")


def _cell(
    profile: Profile, table: strict.Table, key: str, cell: Cell
) -> Iterator[strict.Problem]:
    states = {channel.state for channel in profile.channels}
    if cell.name not in FIELDS and cell.name not in {*states, *_IDENTITY}:
        yield table.problem(f"{key}.name", f'"{cell.name}" is not in the catalogue')
    if not math.isfinite(cell.scale) or cell.scale == 0:
        yield table.problem(f"{key}.scale", f"{cell.scale} is impossible")
