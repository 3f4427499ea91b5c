"""Our own clocks of one session, in nanoseconds, from readings and their states.

Never from the device's timer: its error would be zero by construction.
"""

from devicelog.model.states import EMITTING, State
from devicelog.sessions.rules import SECOND


class Clocks:
    """How long what held. wall = covered + gap; emission, paused, held lie in covered.

    `held`: contact lost, also where the device goes on emitting without it.
    """

    __slots__ = ("covered", "emission", "gap", "gaps", "held", "output", "paused")

    def __init__(self) -> None:
        self.covered = 0
        self.gap = 0
        self.gaps = 0
        self.emission = 0
        self.output = 0
        self.paused = 0
        self.held = 0

    def count(self, state: State, ns: int, *, output: bool, contact: bool) -> None:
        """This state held for so long."""
        self.covered += ns
        if state in EMITTING:
            self.emission += ns
            if output:
                self.output += ns
            if not contact:
                self.held += ns
        elif state == "paused":
            self.paused += ns
        elif state == "hold_contact":
            self.held += ns

    def absorb(self, other: "Clocks") -> None:
        """Count what another set of clocks counted, too."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def wall(self) -> int:
        """From the first to the last reading, gaps of known length included."""
        return self.covered + self.gap

    @property
    def coverage_pct(self) -> float:
        """Share of the wall time that readings cover."""
        return 100.0 * self.covered / self.wall if self.wall else 100.0

    def totals(self) -> dict[str, float | int]:
        """The catalogue's totals of these clocks (`output_s` apart)."""
        return {
            "wall_s": self.wall / SECOND,
            "emission_s": self.emission / SECOND,
            "paused_s": self.paused / SECOND,
            "contact_lost_s": self.held / SECOND,
            "gap_s": self.gap / SECOND,
            "gaps": self.gaps,
            "coverage_pct": self.coverage_pct,
        }
