"""All scripts by name, as `simulate --script` takes them."""

from typing import Final

from devicelog.drivers.simulated.mishaps import MISHAPS
from devicelog.drivers.simulated.play import Player, Script, Step
from devicelog.drivers.simulated.prescriptions import PRESCRIPTIONS

__all__ = ["SCRIPTS", "Player", "Script", "Step"]

SCRIPTS: Final[dict[str, Script]] = PRESCRIPTIONS | MISHAPS
