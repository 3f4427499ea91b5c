"""Line protocol: typed, whole, and nothing in it that is not ours."""

import math
import re

import pytest
from contract.sinks.influx_fake import parse
from hypothesis import given
from hypothesis import strategies as st

from devicelog.errors import SinkRejected
from devicelog.model.fields import FIELDS
from devicelog.sinks.lines import MEASUREMENTS, Row, line, stored, tag

TAGS = ("sim-x", "us-1", "us", "us")
AT = 1_800_000_000_000_000_000
TYPES = {"float": "float", "int": "int", "bool": "bool", "text": "str"}
VALUES = {
    "float": st.one_of(
        st.floats(allow_nan=False, allow_infinity=False), st.integers(-9999, 9999)
    ),
    "int": st.integers(-(2**63) + 1, 2**63 - 1),
    "bool": st.booleans(),
    "text": st.text(max_size=60),
}


def some_fields(measurement):
    kinds = MEASUREMENTS[measurement].fields
    return st.fixed_dictionaries(
        {}, optional={name: VALUES[kind] for name, kind in kinds.items()}
    ).filter(bool)


@given(st.data(), st.sampled_from([*MEASUREMENTS]))
def test_what_a_line_says_is_what_the_row_says_in_its_type(data, measurement):
    count = len(MEASUREMENTS[measurement].tags)
    row = Row(measurement, TAGS[:count], AT, data.draw(some_fields(measurement)))
    text = line(row)

    assert "\n" not in text
    (name, tags, at), fields = parse(text)
    assert (name, at) == (measurement, AT)
    assert [value for _, value in tags] == [*TAGS[:count]]
    assert fields == stored(row)
    for name, value in fields.items():
        kind = MEASUREMENTS[measurement].fields[name]
        assert type(value).__name__ == TYPES[kind]


@pytest.mark.parametrize("name", [it for it, f in FIELDS.items() if f.type == "float"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "1", True])
def test_what_is_no_finite_number_never_becomes_a_line(name, value):
    where = "therapy_session" if FIELDS[name].kind == "total" else "therapy_reading"
    with pytest.raises(SinkRejected, match=name):
        line(Row(where, TAGS, AT, {name: value, "session_id": "s"}))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "no field"),
        ({"beats": 1.0}, "beats"),
        ({"seq": 1.0}, "seq"),
        ({"seq": True}, "seq"),
        ({"seq": 2**63}, "seq"),
        ({"state": 3}, "state"),
        ({"contact_ok": 1}, "contact_ok"),
        ({"fault_code": "x" * 70_000}, "fault_code"),
        ({"program": "P1"}, "program"),
    ],
)
def test_what_is_not_declared_or_not_of_its_type_is_refused(fields, told):
    with pytest.raises(SinkRejected, match=told):
        line(Row("therapy_reading", TAGS, AT, fields))


@pytest.mark.parametrize("at", [-(2**63), 2**63 - 1])
def test_a_time_that_the_store_cannot_number_is_refused(at):
    with pytest.raises(SinkRejected, match="no time"):
        line(Row("therapy_reading", TAGS, at, {"seq": 1}))


@given(st.text())
def test_a_tag_needs_no_escaping_or_is_refused(text):
    try:
        value = tag(text)
    except SinkRejected:
        assert not re.fullmatch(r"[A-Za-z0-9_.-]{0,64}", text)
    else:
        assert value == (text or "-")
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value)


@pytest.mark.parametrize("bad", ["a b", "a,b", "a=b", "a\n", "ü", "end\\", "x" * 65])
def test_no_such_tag_becomes_a_line(bad):
    with pytest.raises(SinkRejected, match="tag"):
        line(Row("therapy_reading", (*TAGS[:3], bad), AT, {"seq": 1}))


def test_what_has_no_channel_carries_a_dash():
    row = Row("therapy_reading", ("sim-x", "us-1", "us", ""), AT, {"seq": 1})

    assert ",modality=- " in line(row)
    assert row.key[1][3] == "-"


def test_no_person_stands_in_a_tag_and_no_field_has_two_types():
    types = {}
    for measurement in MEASUREMENTS.values():
        assert "pseudonym" not in measurement.tags
        for name, kind in measurement.fields.items():
            assert types.setdefault(name, kind) == kind
            assert name not in measurement.tags
