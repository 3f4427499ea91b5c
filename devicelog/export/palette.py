"""Colours and type of the curves.

The colours are those of Okabe and Ito, which the colour-blind can tell apart and which
print; dashes and widths say the same again in grey.
"""

from typing import Final, Literal

# What a line is; the first four belong to one session, the others to three overlaid.
Role = Literal[
    "set", "delivered", "set_2", "delivered_2", "latest", "previous", "earlier"
]
BandKind = Literal["paused", "contact_lost", "gap", "fault"]
MarkKind = Literal["setting", "timer", "fault"]

COLOURS: Final[dict[Role, str]] = {
    "set": "#56606b",
    "delivered": "#0072b2",
    "set_2": "#8a6d3b",
    "delivered_2": "#d55e00",
    "latest": "#0072b2",
    "previous": "#d55e00",
    "earlier": "#009e73",
}
WIDTHS: Final[dict[Role, float]] = {"set": 1.2, "set_2": 1.2, "latest": 2.2}
DASHES: Final[dict[Role, str]] = {
    "set": "5 3",
    "set_2": "5 3",
    "previous": "7 2",
    "earlier": "2 2",
}
BANDS: Final[dict[BandKind, tuple[str, str]]] = {  # fill, and the strip on top
    "paused": ("#eceff3", "#7b8794"),
    "contact_lost": ("#fdebd0", "#e69f00"),
    "gap": ("#f3e3ee", "#cc79a7"),
    "fault": ("#fadbd8", "#b03a2e"),
}
MARKS: Final[dict[MarkKind, str]] = {
    "setting": "#1f2933",
    "timer": "#7b8794",
    "fault": "#b03a2e",
}
GRID: Final = "#e4e7eb"
INK: Final = "#3e4c59"
FONT: Final = "DejaVu Sans, Helvetica, Arial, sans-serif"
SIZE: Final = 11.0
LETTER: Final = 0.6 * SIZE  # a generous guess at the width of one
