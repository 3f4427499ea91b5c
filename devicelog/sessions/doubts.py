"""What one reading cannot say by itself, because chance might have said it.

A frame that is damaged and passes its check all the same tells a setting that nobody
set, a state that is none, a number far from where it stood. What a check of 16 bits
lets pass is garbled at one place: it never tells another state or contact as well.
"""

from collections.abc import Iterator
from typing import Final

from devicelog.model.dose import number
from devicelog.model.fields import AMPLITUDES, SETTINGS, Value
from devicelog.model.flow import Reading
from devicelog.model.states import LIVE
from devicelog.sessions.rules import SECOND, Rules
from devicelog.sessions.table import FOLLOWS, JUMP_SHARE, SLACK_S
from devicelog.sessions.timer import time_left

STRONG_BITS: Final = 16

# Not names of fields: a changed state, one that cannot follow, a timer out of step.
STATE: Final = "state"
SEQUENCE: Final = "sequence"
TIMER: Final = "timer"

# How far a measurement moves from one reading to the next without a doubt; no limit:
# what moves further is believed with the next reading. Half of what a wrong digit makes
# of it where nothing is known of a device.
STEPS: Final[dict[str, float]] = {
    "intensity_actual_w_cm2": 0.05,
    "power_actual_w": 0.05,
    "amplitude_actual_1_ma": 3.0,
    "amplitude_actual_2_ma": 3.0,
    "impedance_1_kohm": 2.0,
    "impedance_2_kohm": 2.0,
    "head_temp_c": 5.0,
    "contact_pct": 20.0,
    "battery_pct": 5.0,
}
# Without a check, a digit of the timer may be the next one: whole seconds, no more.
_WHOLE_S: Final = 1.0

# What is said in words. A check of 16 bits is believed: a warning may last a moment.
CONTACTS: Final = ("contact_ok", "electrode_1_ok", "electrode_2_ok")
_WORDS: Final = frozenset({"fault_code", *CONTACTS})
# What leaves the device may drop for a moment, and on such a check is believed too.
_OUTPUT: Final = frozenset(
    {"power_actual_w", *(name for names in AMPLITUDES.values() for name in names)}
)


def doubts(rules: Rules, last: Reading, reading: Reading) -> frozenset[str]:
    """Names of what differs so from the reading before that the next one must agree.

    Fields by their names, and the three above.
    """
    if rules.check_bits < STRONG_BITS:
        return frozenset((*_fields(last, reading), *_course(rules, last, reading)))
    if reading.state != last.state or _contacts(reading) != _contacts(last):
        return frozenset()
    return frozenset(_fields(last, reading, sure=_WORDS | _OUTPUT - SETTINGS))


# --- Private ----------------------------------------------------------------------


def _contacts(reading: Reading) -> list[Value | None]:
    return [reading.values.get(name) for name in CONTACTS]


def _fields(
    last: Reading, reading: Reading, sure: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Settings and words that changed, measurements that jumped, came or went."""
    before, now = last.values, reading.values
    if before == now:
        return
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if old == new or name in sure:
            continue
        step = STEPS.get(name)
        if step is None:
            if name in SETTINGS or name in _WORDS:
                yield name
        elif old is None or new is None or abs(float(new) - float(old)) > step:
            yield name


def _course(rules: Rules, last: Reading, reading: Reading) -> Iterator[str]:
    """Another state, whether it may follow, and a timer that jumped."""
    if reading.state != last.state:
        yield STATE
        if reading.state not in FOLLOWS[last.state]:
            yield SEQUENCE
    if not _in_step(rules, last, reading):
        yield TIMER


def _in_step(rules: Rules, last: Reading, reading: Reading) -> bool:
    """The timer went by itself, began at its set time, or had run out at the end."""
    was, now = last.state, reading.state
    before = time_left(rules, last.values)
    left = time_left(rules, reading.values)
    if was in LIVE and now == "finished":
        left = 0.0
    elif now not in LIVE:
        if was != now:
            return True
    elif was not in LIVE:
        whole = number(reading.values, "time_set_s")
        before = before if whole is None else whole
    if before is None or left is None:
        return True
    seconds = (reading.mono_ns - last.mono_ns) / SECOND
    slack = (SLACK_S if rules.check_bits else _WHOLE_S) + JUMP_SHARE * seconds
    stops = rules.timer_stops_in
    moves = any(it in LIVE and it not in stops for it in (was, now))
    return -slack <= before - left <= slack + (seconds if moves else 0.0)
