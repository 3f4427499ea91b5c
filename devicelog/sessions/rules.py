"""What a profile says that decides a session. Made by the recorder, one a channel."""

import msgspec

from devicelog.model.states import ContactPolicy, Convention, Modality, State

SECOND = 1_000_000_000


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one channel.

    `interval_s`: time between two readings. `quiet_s`: a value counts at most so long,
    then the line is lost. `timer_stops_in`: states in which the device's timer stands
    still. `check_bits`: strength of the wire's checksum; below 16 readings must follow
    one another to be believed. `identity_verified`: the device says who it is.
    """

    modality: Modality
    interval_s: float = 1.0
    quiet_s: float = 2.5
    resume_window_s: float = 120.0
    has_timer: bool = True
    timer_stops_in: frozenset[State] = frozenset({"paused", "hold_contact"})
    contact_policy: ContactPolicy = "none"
    contact_unreliable_below: float = 0.0
    convention: Convention = "unknown"
    combination: bool = False
    check_bits: int = 16
    identity_verified: bool = True

    @property
    def quiet_ns(self) -> int:
        """`quiet_s` as the clocks count it."""
        return round(self.quiet_s * SECOND)
