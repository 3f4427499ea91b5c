"""States, end reasons, purposes, flags: the closed word lists of a treatment.

The device's own run state decides what a session is; these are the only states that a
profile may map its codes to. `offline` is never decoded: it is the line's state.
"""

from typing import Final, Literal, get_args

State = Literal[
    "offline",  # no valid frame for the profile's quiet time
    "idle",  # switched on, no programme
    "ready",  # programme loaded, output 0
    "ramping",  # started, output rising
    "running",  # output at its set value
    "hold_contact",  # coupling or electrode lost; the device holds
    "paused",  # the operator pressed pause
    "finished",  # the timer ran out
    "aborted",  # stopped before the timer ran out, by key or emergency switch
    "fault",  # the device reports an error and stopped
    "selftest",  # power-on test: the device has restarted
]
STATES: Final[tuple[State, ...]] = get_args(State)

# A treatment is under way.
LIVE: Final[frozenset[State]] = frozenset(
    {"ramping", "running", "hold_contact", "paused"}
)
# Energy leaves the device (if its amplitude is above 0).
EMITTING: Final[frozenset[State]] = frozenset({"ramping", "running"})
# What a frame may say: everything but the line's own state.
DECODED: Final[tuple[State, ...]] = tuple(s for s in STATES if s != "offline")

EndReason = Literal[
    "completed",  # the timer ran out
    "stopped_early",  # somebody ended it; the wire does not know who
    "fault",  # the device failed and did not resume
    "device_reset",  # the device restarted
    "link_lost",  # the line did not come back in time, or with something else
    "logger_stopped",  # the same, over a stop of the recorder
    "manual",  # closed by a person
]
END_REASONS: Final[tuple[EndReason, ...]] = get_args(EndReason)

Purpose = Literal["treatment", "output_check", "training", "demonstration"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)

Modality = Literal["us", "if"]
MODALITIES: Final[tuple[Modality, ...]] = get_args(Modality)

# What a device does when coupling is lost (domain: IFC and US differ by maker).
ContactPolicy = Literal["hold", "reduce", "stop", "none"]

Convention = Literal["SATP", "SATA", "unknown"]

Flag = Literal[
    "accidental",  # ended under 10 s after its start
    "no_output",  # amplitude 0 throughout
    "start_unseen",  # live when first seen: dose and duration are "at least"
    "end_unsure",  # no timer: completed and stopped early look the same
    "end_estimated",  # ended while the line was lost
    "identity_unverified",  # the device cannot say who it is
    "rules_changed",  # rebuilt under other rules than it was recorded with
    "unconfirmed",  # rests on a reading that nothing confirmed (weak checksum)
    "clock_untrusted",  # wall times are not to be trusted; order and durations are
    "time_estimated",  # placed by order, its true time was never learnt
    "convention_unknown",  # intensity may be SATP or SATA: energy is given for both
    "contact_unreliable",  # intensity below what the contact sensor can sense
    "gap",  # at least one gap within
]
FLAGS: Final[tuple[Flag, ...]] = get_args(Flag)

LineState = Literal[
    "closed",  # not opened yet, or parked
    "missing",  # the port does not exist
    "busy",  # another process holds it
    "forbidden",  # no permission
    "unusable",  # the path is no serial port
    "silent",  # open, no byte arrives
    "noise",  # open, bytes arrive, none decode
    "foreign",  # frames arrive, from a device that is not this one
    "unverified",  # frames arrive, the device has not yet said who it is
    "online",  # readings arrive
]
LINE_STATES: Final[tuple[LineState, ...]] = get_args(LineState)
