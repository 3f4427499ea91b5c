"""What runs while the recorder runs: the parts that operations may ask."""

from collections.abc import Mapping, Sequence

import msgspec

from devicelog.clock import Clock
from devicelog.journal.writer import Writer
from devicelog.operations.config import Loaded
from devicelog.operations.delivery import Delivery
from devicelog.operations.keeping import Keeping
from devicelog.recorder.device import Device
from devicelog.recorder.loop import Loop
from devicelog.recorder.timebase import Timebase
from devicelog.records.keys import Keyring
from devicelog.records.request import Moment


class Recording(msgspec.Struct, frozen=True):
    """One run of what was loaded.

    `parked` holds devices whose configuration cannot be used, and why.
    """

    loaded: Loaded
    site: str
    simulated: bool
    directory: str
    run_id: str
    boot_id: str
    since_ns: int
    clock: Clock
    timebase: Timebase
    writer: Writer
    delivery: Delivery
    loop: Loop
    devices: Sequence[Device]
    parked: Mapping[str, Sequence[str]]
    keyring: Keyring | None = None
    keeping: Keeping | None = None

    def now(self) -> Moment:
        """The time, as what is said now is stamped."""
        return moment(self.clock, self.timebase, self.boot_id)


def moment(clock: Clock, timebase: Timebase, boot_id: str) -> Moment:
    """Now, by the recorder's own axis of time."""
    mono_ns = clock.mono_ns()
    return Moment(
        at_ns=timebase.at(mono_ns),
        mono_ns=mono_ns,
        boot_id=boot_id,
        clock_ok=timebase.trusted,
    )
