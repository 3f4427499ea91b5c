"""One of everything that disturbs a recording, and what the journal must hold of it.

Each befalls a treatment of two minutes, from its second 60 on. `leaves` names entries
beyond those of an undisturbed treatment: `noise`, `gap:<cause>`, `device:<event>`,
`device:line:<state>`, `session:<event>`, `session:line_lost:<cause>`,
`session:end:<reason>`, and `flag:<flag>` of the session.
"""

from typing import Final

import msgspec

from devicelog.drivers.profile import Line
from devicelog.drivers.simulated.equipment import SMALL, Current, Programme
from devicelog.drivers.simulated.faults import Trouble
from devicelog.drivers.simulated.play import Loaded, Script, Step
from devicelog.model.flow import Identity
from devicelog.model.states import Modality

AT_S: Final = 60.0
LASTS_S: Final = 120.0

_TREATMENT: Final[dict[Modality, Loaded]] = {
    "us": Programme(1.0, 100, 0.5, LASTS_S),
    "if": Current(20.0, 20.0, LASTS_S),
}
_SILENCE: Final = (
    "session:line_lost:silence",
    "gap:silence",
    "session:gap",
    "flag:gap",
)
_PORT: Final = (
    "device:line:missing",
    "session:line_lost:port",
    "gap:port",
    "session:gap",
    "flag:gap",
)


class Disturbance(msgspec.Struct, frozen=True):
    """See the module. `needs`: it can only happen on a channel of this modality.

    `asked`: it shows only where the device is asked by whoever listens.
    """

    meaning: str
    leaves: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    steps: tuple[Step, ...] = ()
    needs: Modality | None = None
    asked: bool = False
    timer_error_pct: float = 0.0

    def on(self, modality: Modality) -> Script:
        """The treatment that is disturbed, on a channel of this modality."""
        return Script(
            self.meaning,
            _TREATMENT[modality],
            steps=self.steps,
            troubles=self.troubles,
            timer_error_pct=self.timer_error_pct,
        )


DISTURBANCES: Final[dict[str, Disturbance]] = {
    "nothing": Disturbance("nothing disturbs it"),
    "unplug": Disturbance(
        "the cable is pulled and put back",
        _PORT,
        (Trouble(AT_S, 10, "unplugged"),),
    ),
    "unplug_for_good": Disturbance(
        "the cable is pulled and stays out",
        ("device:line:missing", "session:line_lost:port", "session:end:link_lost"),
        (Trouble(AT_S, 1000, "unplugged"),),
    ),
    "silence": Disturbance(
        "the device says nothing for a while",
        ("device:line:silent", *_SILENCE),
        (Trouble(AT_S, 8, "silent"),),
    ),
    "silence_for_good": Disturbance(
        "the device says nothing any more",
        ("device:line:silent", "session:line_lost:silence", "session:end:link_lost"),
        (Trouble(AT_S, 1000, "silent"),),
    ),
    "one_lost": Disturbance(
        "one message does not arrive",
        (),
        (Trouble(AT_S - 0.5, 1.0, "silent"),),
    ),
    "half_frames": Disturbance(
        "messages end in their middle",
        ("noise", "device:line:noise", *_SILENCE),
        (Trouble(AT_S, 8, "half"),),
    ),
    "bad_checks": Disturbance(
        "checksums do not fit",
        ("noise", "device:line:noise", *_SILENCE),
        (Trouble(AT_S, 8, "corrupt"),),
    ),
    "flipped_bit": Disturbance(
        "a bit of a message turns over",
        ("noise",),
        (Trouble(AT_S - 0.5, 1.0, "flips", 1),),
    ),
    "flipped_bits": Disturbance(
        "a bit of every message turns over",
        ("noise", "device:line:noise", *_SILENCE),
        (Trouble(AT_S, 8, "flips", 1),),
    ),
    "garbage": Disturbance(
        "some bytes by chance stand before each message",
        ("noise",),
        (Trouble(AT_S, 8, "garbage", 9),),
    ),
    "babble": Disturbance(
        "bytes by chance, without end, and no message",
        ("noise", "device:line:noise", *_SILENCE),
        (Trouble(AT_S, 8, "babble", 400),),
    ),
    "echo": Disturbance(
        "what is sent comes back before the answer",
        (),
        (Trouble(AT_S, 8, "echo"),),
    ),
    "impostor": Disturbance(
        "another device is put to the cable",
        (
            "device:line:missing",
            "session:line_lost:port",
            "device:refused",
            "alarm",
            "session:end:link_lost",
        ),
        (
            Trouble(AT_S, 5, "unplugged"),
            Trouble(AT_S, 1000, "identity", Identity("SIM-1", "SIM66666", "1.0")),
        ),
    ),
    "other_speed": Disturbance(
        "somebody set the device to another speed",
        ("noise", "device:line:noise", *_SILENCE),
        (Trouble(AT_S, 8, "line", Line(4800)),),
    ),
    "other_speed_asked": Disturbance(
        "the same, and it does not understand what it is asked",
        ("device:line:silent", *_SILENCE),
        (Trouble(AT_S, 8, "line", Line(4800)),),
        asked=True,
    ),
    "device_reset": Disturbance(
        "the device restarts",
        ("session:end:device_reset",),
        steps=(Step(AT_S, "reset"),),
    ),
    "timer_slow": Disturbance(
        "its timer is slow; it still runs out",
        (),
        timer_error_pct=-8.0,
    ),
    "timer_falls": Disturbance(
        "its timer falls by itself",
        ("session:timer_jump",),
        steps=(Step(AT_S, "jump", 20.0),),
    ),
    "wrong_clock": Disturbance(
        "its clock says another year: data, nothing else",
        (),
        steps=(Step(AT_S, "clock", "1999-12-31 23:59:59"),),
    ),
    "contact_lost": Disturbance(
        "contact is lost for some seconds",
        ("session:contact_lost", "session:contact_back"),
        steps=(Step(AT_S, "uncouple"), Step(AT_S + 7, "couple")),
    ),
    "dry_electrode": Disturbance(
        "an electrode dries out and takes less current",
        (),
        steps=(Step(AT_S, "dry", 12.0),),
        needs="if",
    ),
    "other_head": Disturbance(
        "another head, while it is paused",
        ("session:pause", "session:resume", "session:segment"),
        steps=(
            Step(AT_S, "pause"),
            Step(AT_S + 5, "swap", SMALL),
            Step(AT_S + 10, "resume"),
        ),
        needs="us",
    ),
    "fault": Disturbance(
        "the device reports a fault and stops",
        ("session:fault", "session:end:fault"),
        steps=(Step(AT_S, "fail", "3"),),
    ),
}
