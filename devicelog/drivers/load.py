"""Profiles from files, checked; drivers from profiles. Alone reads profile files."""

import hashlib
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from devicelog import strict
from devicelog.drivers import checks
from devicelog.drivers.base import Driver
from devicelog.drivers.draft import draft
from devicelog.drivers.modbus import ModbusDriver
from devicelog.drivers.profile import Profile
from devicelog.errors import ConfigError

_SUFFIX: Final = ".toml"
_HASH_LENGTH: Final = 12
# The framing style of a profile -> what makes its driver.
_DRIVERS: Final[dict[str, Callable[[Profile], Driver]]] = {"modbus_rtu": ModbusDriver}


class ProfileError(ConfigError):
    """A profile that cannot be used. `problems` are all that are wrong with it."""

    def __init__(self, source: str, problems: Sequence[strict.Problem]) -> None:
        listed = "\n  ".join(str(problem) for problem in problems)
        super().__init__(f"profile {source} cannot be used:\n  {listed}")
        self.problems = tuple(problems)


def available() -> list[str]:
    """Names of the shipped profiles."""
    files = (it.name for it in _shipped().iterdir())
    return sorted(it.removesuffix(_SUFFIX) for it in files if it.endswith(_SUFFIX))


def load(name: str) -> Profile:
    """A shipped profile by its name, or one's own by its path.

    A path has a slash or ends in .toml. Raises ConfigError: ProfileError with all
    problems if the file is wrong.
    """
    if "/" in name or name.endswith(_SUFFIX):
        return parse(_text(Path(name)), name)
    if name not in available():
        raise ConfigError(
            f'no profile is named "{name}"',
            hint=f"shipped are {', '.join(available())}; your own is named by its path",
        )
    file = _shipped() / f"{name}{_SUFFIX}"
    return parse(file.read_text(encoding="utf-8"), f"{name}{_SUFFIX}")


def parse(text: str, source: str) -> Profile:
    """The profile in this text; `source` names it in errors. Raises ProfileError."""
    table, problems = strict.load(text, source)
    if table is None:
        raise ProfileError(source, problems)
    profile, problems = table.check(Profile)
    problems += checks.problems(draft(table))
    if profile is None or problems:
        raise ProfileError(source, problems)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
    return msgspec.structs.replace(profile, hash=digest)


def driver(profile: Profile) -> Driver:
    """A driver for one device of this family."""
    return _DRIVERS[profile.wire.style](profile)


# --- Private ----------------------------------------------------------------------


def _shipped() -> Path:
    return Path(str(resources.files("devicelog.drivers") / "profiles"))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"profile {path} cannot be read: {error}",
            hint="a profile is a TOML file in UTF-8",
        ) from error
