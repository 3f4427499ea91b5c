"""A programme of one's own may bear the name of whom it is for: the store is not told.

The journal has it, and what is exported from there.
"""

import json

import msgspec
from contract.sinks.stored import Carried, sink_for
from journals import event, fill, reading, writer

from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.kinds import ReadingBody

NAME = "us-1.us.x"
TYPED = {"program": "Canary Person", "duty_pct": 20.0}


def test_what_somebody_typed_into_a_device_is_in_no_row(influxdb, tmp_path):
    body = ReadingBody(
        state="running", mono_ns=2, values=TYPED, frame="00", profile="p"
    )
    note = msgspec.structs.replace(reading(2, subject=NAME), body=codec.encode(body))
    changed = {"field": "program", "old": "Canary Person", "new": "2 Canary Person"}
    with (
        writer(tmp_path) as journal,
        Carried(tmp_path, sink_for(influxdb), journal) as carried,
    ):
        fill(
            journal,
            [
                [event(1, "start", NAME, values=TYPED)],
                [note],
                [event(3, "setting", NAME, **changed)],
                [event(4, "segment", NAME, values=TYPED)],
                [event(5, "end", NAME, readings=1, reason="completed", ended_ns=5)],
            ],
        )
        carried.drained()
        with Reader(str(tmp_path)) as view:
            kept = view.session(NAME).settings
    assert kept["program"] == TYPED["program"]

    (read,) = influxdb.rows("therapy_reading").values()
    (session,) = influxdb.rows("therapy_session").values()
    events = influxdb.rows("therapy_event")
    assert (read["duty_pct"], session["duty_pct"]) == (20.0, 20.0)
    texts = {kind: it["text"] for (_, _, kind, *_), it in events.items()}
    assert (texts["setting"], texts["start"]) == ("program", "duty_pct=20.0")
    assert texts["segment"] == "duty_pct=20.0"
    assert "Canary" not in json.dumps([read, session, *events.values()])
