"""Elements of SVG as text: escaped, presentation attributes only, always the same.

No style attribute and no style sheet: what is drawn stands under any content policy and
in every renderer. Classes stand beside, so that a page may override for dark.
"""

import re
from typing import Final
from xml.sax.saxutils import escape

# What XML 1.0 cannot say, and half of a surrogate pair.
_UNSAYABLE: Final = re.compile(
    "[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
)
_QUOTES: Final = {'"': "&quot;", "'": "&#39;"}

Attribute = str | float | None


def element(name: str, *content: str, **attributes: Attribute) -> str:
    """One element; `content` is markup already. `_` in a name is `-`; None is left out.

    A trailing `_` keeps names apart that Python reserves (`class_`).
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(content)
    return f"<{name}{said}>{inner}</{name}>" if inner else f"<{name}{said}/>"


def text(said: str) -> str:
    """Text as markup, quotes included; a character that XML cannot say is replaced."""
    return escape(_UNSAYABLE.sub("\ufffd", said), _QUOTES)


def number(value: float) -> str:
    """A coordinate: a tenth of a unit is finer than any printer's dot."""
    return f"{value:.1f}".removesuffix(".0")


def _value(value: str | float) -> str:
    return text(value) if isinstance(value, str) else number(value)
