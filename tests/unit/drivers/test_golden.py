"""Frames written by hand, read by the driver (tests/golden/us-modbus)."""

import json
from pathlib import Path

import pytest

from devicelog.drivers.load import driver, load
from devicelog.model.flow import Decoded, Frame, Identity
from devicelog.model.states import DECODED

GOLDEN = Path(__file__).parents[2] / "golden" / "us-modbus"


def rows(name):
    return [
        pytest.param(row, id=f"{name}-{n}")
        for n, row in enumerate(json.loads((GOLDEN / f"{name}.json").read_text()))
    ]


def heard(row, request):
    """What the driver hears when this frame answers this request."""
    it = driver(load("us-modbus"))
    asked = it.identify() if request == "identity" else it.polls()[0]
    it.sent(asked)
    (frame,) = it.framer().feed(bytes.fromhex(row["frame"]))
    assert frame == Frame(bytes.fromhex(row["frame"]), "response")
    return it.hear(frame)


@pytest.mark.parametrize("state", DECODED)
def test_every_state_has_ten_frames(state):
    assert len(rows(state)) >= 10


@pytest.mark.parametrize(
    ("state", "row"),
    [pytest.param(s, *p.values, id=p.id) for s in DECODED for p in rows(s)],
)
def test_a_frame_says_what_a_person_reads_in_it(state, row):
    it = heard(row, "status")

    assert it.problem == ""
    assert it.answers == "status"
    assert it.decoded == [Decoded("us", state, row["values"])]


@pytest.mark.parametrize("row", rows("identity"))
def test_who_answers(row):
    it = heard(row, "identity")

    assert it.answers == "identity"
    assert it.identity == Identity(**row["identity"])


@pytest.mark.parametrize("row", rows("unbelievable"))
def test_what_cannot_be_so_is_not_believed(row):
    it = heard(row, "status")

    assert (it.answers, it.problem) == ("status", row["problem"])
    assert not it.decoded


def test_what_is_sent():
    it = driver(load("us-modbus"))
    sent = {asked.name: asked.data for asked in (it.identify(), *it.polls())}

    assert sent == {
        row["request"]: bytes.fromhex(row["frame"])
        for row in json.loads((GOLDEN / "requests.json").read_text())
    }
