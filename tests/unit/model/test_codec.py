"""Bodies to bytes and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.errors import JournalError
from devicelog.model import codec
from devicelog.model.flow import Reading, SessionEvent
from devicelog.model.kinds import KINDS, TABLE, AlarmBody
from devicelog.model.states import DECODED, FLAGS

READING = Reading(
    channel="us",
    state="running",
    mono_ns=5,
    at_ns=7,
    values={"intensity_w_cm2": 0.5, "contact_ok": True, "program": "P1"},
    frame=b"\x01\xff",
    flags=("unconfirmed",),
    clock_ok=False,
)


def test_every_kind_is_declared():
    assert tuple(TABLE) == KINDS


def test_a_body_is_compact_json_that_begins_with_its_version():
    assert codec.encode(AlarmBody(name="disk_full", text="full")) == (
        b'{"v":1,"name":"disk_full","text":"full"}'
    )


def test_a_reading_comes_back_as_it_was():
    body = codec.reading_body(READING, "abc", thinned=3, preroll=True)
    decoded = codec.decode("reading", body)

    assert codec.reading("us", 7, body) == READING
    assert (decoded.profile, decoded.thinned, decoded.preroll) == ("abc", 3, True)


@given(
    st.sampled_from(DECODED),
    st.integers(0, 2**62),
    st.dictionaries(
        st.text(max_size=8),
        st.one_of(st.booleans(), st.integers(-(2**31), 2**31), st.text(max_size=8))
        | st.floats(allow_nan=False, allow_infinity=False),
        max_size=5,
    ),
    st.binary(max_size=20),
    st.sets(st.sampled_from(FLAGS), max_size=3),
)
def test_any_reading_comes_back_as_it_was(state, mono_ns, values, frame, flags):
    one = Reading("us", state, mono_ns, mono_ns + 1, values, frame, tuple(flags))

    assert codec.reading("us", one.at_ns, codec.reading_body(one, "p")) == one


def test_a_session_event_comes_back_as_it_was():
    event = SessionEvent(
        session_id="us1.us.20261125T094641Z",
        event="end",
        channel="us",
        at_ns=3,
        mono_ns=2,
        reason="completed",
        ended_ns=1,
        flags=("gap",),
        totals={"wall_s": 1.5, "pauses": 0},
    )

    assert codec.session_event(codec.encode(event)) == event


@pytest.mark.parametrize("kind", ["correction", "of-another-version"])
def test_a_kind_without_a_shape_is_a_plain_dict(kind):
    assert codec.decode(kind, b'{"v":1,"who":"x"}') == {"v": 1, "who": "x"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"v":2}', b'{"v":1,"state":"asleep"}', b"[]"]
)
def test_what_is_no_such_body_is_refused_by_name(body):
    with pytest.raises(JournalError, match="body of kind reading is not readable"):
        codec.decode("reading", body)
