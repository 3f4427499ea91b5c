"""Profiles from files, checked; drivers from profiles. Alone reads profile files."""

import difflib
import hashlib
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from devicelog import strict
from devicelog.drivers import checks, installed
from devicelog.drivers.draft import SECTIONS, draft
from devicelog.drivers.profile import Profile, PythonProfile
from devicelog.drivers.styles import STYLES, driver, named, style_of
from devicelog.errors import ConfigError

__all__ = ["ProfileError", "available", "driver", "load", "parse"]

_SUFFIX: Final = ".toml"
_HASH_LENGTH: Final = 12


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
    """A shipped profile, or an installed driver's, by name; one's own by its path.

    A path has a slash or ends in .toml. Raises ConfigError: ProfileError with all
    problems if the file is wrong.
    """
    if "/" in name or name.endswith(_SUFFIX):
        return parse(_text(Path(name)), name)
    if name in available():
        file = _shipped() / f"{name}{_SUFFIX}"
        return parse(file.read_text(encoding="utf-8"), f"{name}{_SUFFIX}")
    if name not in installed.names():
        known = ", ".join([*available(), *installed.names()])
        raise ConfigError(
            f'no profile is named "{name}"',
            hint=f"there are {known}; your own is named by its path",
        )
    profile = parse(installed.profile_text(name), f"{name}, of an installed driver")
    if profile.name != name:
        raise ConfigError(
            f'driver "{name}" brings a profile that is named "{profile.name}"',
            hint="both must be the same: ask whoever brings it",
        )
    return profile


def parse(text: str, source: str) -> Profile:
    """The profile in this text; `source` names it in errors. Raises ProfileError."""
    table, problems = strict.load(text, source)
    if table is None:
        raise ProfileError(source, problems)
    wire = table.values.get("wire")
    style = style_of(wire)
    if style is None:
        raise ProfileError(source, [*_without_style(table, named(wire))])
    profile, problems = table.check(style.profile)
    problems += checks.problems(draft(table, style))
    if isinstance(profile, PythonProfile) and not problems:
        problems += _python(table, profile)
    if profile is None or problems:
        raise ProfileError(source, problems)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
    return msgspec.structs.replace(profile, hash=digest)


# --- Private ----------------------------------------------------------------------


def _without_style(table: strict.Table, name: str) -> list[strict.Problem]:
    """What can be told of a profile whose style is not known: what all have."""
    parts = (*SECTIONS, "wire", "text")
    head = {key: it for key, it in table.values.items() if key not in parts}
    _, problems = table.check(Profile, head | {"wire": {"style": ""}, "channels": []})
    close = difflib.get_close_matches(name, [*STYLES], 1)
    remedy = f'did you mean "{close[0]}"?' if close else f"one of {', '.join(STYLES)}"
    what = f'"{name}" is not allowed' if name else "is missing"
    return [*problems, table.problem("wire.style", what, remedy)]


def _python(table: strict.Table, profile: PythonProfile) -> Iterator[strict.Problem]:
    """Whether its driver is there and works, so that a bad one parks its device."""
    try:
        installed.python_driver(profile)
    except ConfigError as error:
        yield table.problem("wire.driver", error.message, error.hint)


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
