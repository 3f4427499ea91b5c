"""Codes of other systems, by a file of the operator's: none is built in.

SNOMED CT needs a licence in many countries, so its codes stand in a file that is named
in the configuration, or nowhere. `config/codes.toml` is a sample.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import msgspec

from devicelog import strict
from devicelog.errors import ConfigError
from devicelog.model.facts import MANUALS, Site
from devicelog.model.states import MODALITIES

COMBINATION: Final = "combination"


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code of another system; `system` is its canonical address."""

    system: str
    code: str
    display: str = ""


class Codes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has a code: `category` is that of all procedures."""

    category: Code | None = None
    modality: dict[str, Code] = {}
    manual: dict[str, Code] = {}
    site: dict[str, Code] = {}


_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "modality": (*MODALITIES, COMBINATION),
    "manual": MANUALS,
    "site": get_args(Site),
}


def read(path: str) -> Codes:
    """The file's codes; none where no file is named. Raises ConfigError."""
    if not path:
        return Codes()
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the codes of {path} cannot be read: {error}",
            hint="`[export] codes_file` names it; without one no code stands beside",
        ) from error
    table, problems = strict.load(text, path)
    codes = None
    if table is not None:
        codes, found = table.check(Codes, table.values)
        problems += found
        problems += list(_strangers(table))
    if problems or codes is None:
        listed = "\n  ".join(map(str, problems))
        raise ConfigError(f"{path} cannot be used:\n  {listed}")
    return codes


def _strangers(table: strict.Table) -> Iterator[strict.Problem]:
    """Names that nothing here is called by."""
    for section, names in _NAMES.items():
        told = table.values.get(section)
        for name in told if isinstance(told, dict) else ():
            if name not in names:
                near = difflib.get_close_matches(name, names, 1) or names
                yield table.problem(
                    f"{section}.{name}", "is not known", f"did you mean {near[0]}?"
                )
