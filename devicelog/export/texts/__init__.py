"""All words that a page or a curve says, by language: one TOML file each."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from devicelog.errors import ConfigError

_SUFFIX: Final = ".toml"


class Texts:
    """`texts("page.title", pseudonym=...)`: the words under this key, filled in.

    Raises KeyError for a key that the file lacks: a test walks them all.
    """

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self.keys: dict[str, str] = {}
        self.lists: dict[str, tuple[str, ...]] = {}
        self._take("", tables)

    def __call__(self, key: str, /, **said: object) -> str:
        """The words of this key."""
        words = self.keys[key]
        return words.format(**said) if said else words

    def get(self, key: str, otherwise: str) -> str:
        """The words of this key, or these: for codes of devices and units."""
        return self.keys.get(key, otherwise)

    def _take(self, within: str, table: Mapping[str, Any]) -> None:
        for name, it in table.items():
            if isinstance(it, Mapping):
                self._take(f"{within}{name}.", it)
            elif isinstance(it, list):
                self.lists[within + name] = tuple(map(str, it))
            else:
                self.keys[within + name] = str(it)


def languages() -> tuple[str, ...]:
    """All languages that there is a file of."""
    files = resources.files(__name__).iterdir()
    return tuple(
        sorted(it.name.removesuffix(_SUFFIX) for it in files if _SUFFIX in it.name)
    )


@cache
def texts(language: str = "en") -> Texts:
    """The words of a language; raises ConfigError where there is no file of it."""
    if language not in languages():
        raise ConfigError(
            f"there are no texts in language {language!r}",
            hint=f"there are: {', '.join(languages())}",
        )
    file = resources.files(__name__) / (language + _SUFFIX)
    return Texts(tomllib.loads(file.read_text(encoding="utf-8")))
