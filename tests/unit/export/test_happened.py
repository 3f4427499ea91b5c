"""Many events of one kind are one row, with nothing of their sum lost."""

from unit.export.told import SESSION

from devicelog.export.happened import MANY, happened
from devicelog.export.texts import texts
from devicelog.export.words import Words
from devicelog.model.flow import SessionEvent

WORDS = Words(texts("en"))
SECOND = 1_000_000_000


def event(name, s, **said):
    """At this second of the session."""
    at_ns = SESSION.started_ns + s * SECOND
    if "began" in said:
        said["began_ns"] = SESSION.started_ns + said.pop("began") * SECOND
    told = {"session_id": SESSION.session_id, "channel": "us", "mono_ns": s * SECOND}
    return SessionEvent(event=name, at_ns=at_ns, **told, **said)


def lost(*seconds):
    """Contact lost in each of these seconds, for three seconds."""
    for s in seconds:
        yield event("contact_lost", s)
        yield event("contact_back", s + 3, began=s)


def rows(*events):
    told = [event("start", 0), *events, event("end", 400, reason="completed")]
    return [
        (at, said.replace("\u00a0", " ")) for at, said in happened(SESSION, told, WORDS)
    ]


def test_a_few_events_are_a_row_each():
    few = rows(*lost(*range(10, 10 * MANY // 2 + 1, 10)))
    assert len(few) == MANY
    assert few[:2] == [("0:10", "contact lost"), ("0:13", "contact back after 3 s")]


def test_many_of_one_kind_are_told_together_with_their_sum():
    assert rows(*lost(*range(41, 301, 7))) == [
        ("0:41", "contact lost 38 times, 1:54 in all, the last at 5:00")
    ]


def test_what_came_once_stays_among_them_in_its_place():
    set_at = "intensity_w_cm2"
    told = rows(
        event("setting", 30, field=set_at, old=0.5, new=0.6),
        *lost(*range(40, 100, 10)),
        event("pause", 120),
        event("resume", 130, began=120),
        event("setting", 140, field=set_at, old=0.6, new=0.8),
        event("fault", 150, new="E05"),
        event("fault", 160, new="E05"),
        event("fault", 170, new="E06"),
        event("segment", 180, values={"frequency_mhz": 1.0}),
        event("segment", 190, values={"frequency_mhz": 3.0}),
    )
    assert told == [
        ("0:30", "intensity: 0.5 W/cm² → 0.8 W/cm², 2 changes, the last at 2:20"),
        ("0:40", "contact lost 6 times, 0:18 in all, the last at 1:30"),
        ("2:00", "paused"),
        ("2:10", "resumed after 10 s"),
        ("2:30", "fault E05, 2 times, the last at 2:40"),
        ("2:50", "fault E06"),
        ("3:00", "another part begins: 1 MHz"),
        ("3:10", "another part begins: 3 MHz"),
    ]


def test_a_line_that_was_lost_counts_from_its_last_reading_once():
    told = []
    for s in range(10, 110, 10):
        told.append(event("line_lost", s + 2, began=s, cause="silence"))
        paused = s == 50
        told.append(event("gap", s + 4, began=s, paused_in_gap=paused))
    assert rows(*told) == [
        ("0:12", "line lost 10 times, 0:36 in all, the last at 1:42"),
        ("0:54", "line back after 4 s without readings, paused meanwhile"),
    ]
