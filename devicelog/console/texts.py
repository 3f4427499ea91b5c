"""All words of the console: one file a language, `texts/<language>.toml`.

A text is found by its name, `now.title`; what stands in braces is filled in. A name
that is not there is a mistake of ours and raises KeyError: a test asks for every one.
"""

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, Final

from devicelog.errors import ConfigError
from devicelog.operations.doctor.finding import words

PSEUDO: Final = "pseudo"
_ACCENTS: Final = str.maketrans("aceinosuyzAEIOU", "áçéíñóšúýžÁÉÍÓÚ")


class Texts:
    """The texts of one language.

    `pseudo` is English made strange, to find what is written elsewhere. Raises
    ConfigError where there is no such language.
    """

    def __init__(self, language: str = "en") -> None:
        if language not in (PSEUDO, *languages()):
            raise ConfigError(
                f'the console has no texts in "{language}"',
                hint=f"`[console] language`: {', '.join(languages())}",
            )
        self.language = "en" if language == PSEUDO else language
        file = resources.files("devicelog.console") / "texts" / f"{self.language}.toml"
        self._texts = dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))
        # The doctor's words are in a catalogue of its own: others tell them too.
        theirs = words(self.language)
        self._texts |= {f"finding.{name}": text for name, text in theirs.items()}
        if language == PSEUDO:
            self._texts = {name: strange(it) for name, it in self._texts.items()}

    def __call__(self, name: str, /, **told: object) -> str:
        """The text of this name. `count`=1 takes the one called `<name>_one`."""
        if told.get("count") == 1 and f"{name}_one" in self._texts:
            name = f"{name}_one"
        text = self._texts[name]
        return text.format_map(told) if told else text

    def has(self, name: str) -> bool:
        """Whether there is such a text."""
        return name in self._texts

    @property
    def names(self) -> frozenset[str]:
        """Of all texts."""
        return frozenset(self._texts)


def languages() -> list[str]:
    """Those that there are."""
    folder = resources.files("devicelog.console") / "texts"
    names = [it.name for it in folder.iterdir()]
    return sorted(it.removesuffix(".toml") for it in names if it.endswith(".toml"))


def strange(text: str) -> str:
    """`[Ñów]`: what is in braces stays as it is."""
    made = ""
    for n, part in enumerate(text.replace("}", "{").split("{")):
        made += f"{{{part}}}" if n % 2 else part.translate(_ACCENTS)
    return f"[{made}]"


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
