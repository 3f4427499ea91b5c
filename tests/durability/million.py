"""A clinic's year in one journal: a million entries, as eight devices make them.

Run as a process it appends without end, group after group, and says `begin N` before
and `N` after each; whoever started it kills it. Every entry follows from its number.
"""

import sys
from typing import Final

from durability.child import say, writer

from devicelog.model import codec
from devicelog.model.flow import Draft, Entry, SessionEvent
from devicelog.model.kinds import ReadingBody

ENTRIES: Final = 1_000_000
GROUP: Final = 10_000
_DEVICES: Final = 8
_SESSION: Final = 500  # entries of one session: its start, its readings, its end
_SECOND: Final = 10**9
_BEGAN_NS: Final = 1_795_478_400 * _SECOND
_VALUES: Final = {
    "time_set_s": 480.0,
    "frequency_mhz": 1.0,
    "duty_pct": 20.0,
    "intensity_w_cm2": 0.55,
    "era_cm2": 5.0,
    "bnr": 4.0,
    "contact_ok": True,
    "head_temp_c": 31.5,
}


def draft(number: int) -> Draft:
    """The entry with this number, from 0 on."""
    lane, place = divmod(number, _SESSION)
    device = f"us-{lane % _DEVICES + 1}"
    at_ns = _BEGAN_NS + number * _SECOND
    session = f"{device}.us.{lane:08d}"
    if place in (0, _SESSION - 1):
        kind, body = "session", _event(session, at_ns, ending=place > 0)
    else:
        kind, body = "reading", _reading(at_ns, place)
    key = f"5f2b9c0d41ae/{device}/us/{number}"
    return Draft(at_ns, device, "us", kind, session, key, body)


def same(entry: Entry, expected: Draft) -> bool:
    """Whether the journal holds what was appended, byte for byte."""
    return (
        (entry.at_ns, entry.device, entry.channel, entry.kind, entry.subject)
        == (
            *(expected.at_ns, expected.device, expected.channel, expected.kind),
            expected.subject,
        )
        and entry.key == expected.key
        and entry.body == expected.body
    )


def _reading(at_ns: int, place: int) -> bytes:
    return codec.encode(
        ReadingBody(
            state="running",
            mono_ns=at_ns - _BEGAN_NS,
            values=_VALUES | {"time_left_s": 480.0 - place},
            frame=f"0a0416000301e0{place:04x}00370001000a00000000000000a5",
            profile="9f8e7d6c5b4a",
        )
    )


def _event(session: str, at_ns: int, *, ending: bool) -> bytes:
    return codec.encode(
        SessionEvent(
            session_id=session,
            event="end" if ending else "start",
            channel="us",
            at_ns=at_ns,
            mono_ns=at_ns - _BEGAN_NS,
            values={} if ending else _VALUES,
            reason="completed" if ending else None,
            ended_ns=at_ns if ending else None,
            readings=_SESSION - 2 if ending else 0,
        )
    )


def _main(directory: str) -> None:
    with writer(directory) as journal:
        for number in range(10 * ENTRIES // GROUP):
            drafts = [draft(number * GROUP + i) for i in range(GROUP)]
            say(f"begin {number}")
            journal.append(drafts, 60)
            say(f"{number}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
