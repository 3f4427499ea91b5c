"""Entries as messages: each told once, in order, in pieces of bearable size."""

import json

import msgspec
import pytest
from contract.sinks.mqtt_rig import BOOT, Rig, draft, started
from contract.sinks.published import check, readings
from hypothesis import given, settings
from hypothesis import strategies as st
from journals import SITE, clinic, entries, event, fill, reading, writer
from servers.mosquitto import Mosquitto, Seen

from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.kinds import ReadingBody
from devicelog.sinks.base import Rejected, Said
from devicelog.sinks.messages import instant
from devicelog.sinks.mqtt import DeviceFacts
from devicelog.sinks.mqtt_feed import Feed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
BODIES = st.builds(
    ReadingBody,
    state=st.sampled_from(["idle", "running"]),
    mono_ns=st.integers(0, 2**53),
    values=st.fixed_dictionaries(
        {},
        optional={
            "program": TEXT,
            "fault_code": st.text('\x01\u2028"\\', max_size=4000),
            "time_left_s": st.floats(0, 7200),
            "contact_ok": st.booleans(),
        },
    ),
    frame=st.binary(max_size=40).map(bytes.hex),
    profile=st.just("0123456789abcdef"),
    thinned=st.integers(0, 5),
)
DRAFTS = st.lists(
    st.tuples(
        st.sampled_from(["us-1", "if-2"]),
        st.sampled_from(["e1", "e2"]),
        st.sampled_from(["r", "r", "r", "unknown"]),
        st.sampled_from(["", "us-1.e1.20260101T000000Z"]),
        BODIES,
        st.integers(1, 8),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    directory = tmp_path_factory.mktemp("feed") / "data"
    with writer(directory) as journal:
        fill(journal, started())
        with Reader(str(directory)) as reader:
            yield reader


def numbered(drafts):
    made = []
    for device, channel, run, subject, body, times in drafts:
        text = codec.encode(body)
        for _ in range(times):
            n = len(made) + 1
            at_ns = 10**18 + n
            key = f"{run}/{device}/{channel}/{n}"
            made.append(Entry(n, at_ns, device, channel, "reading", subject, key, text))
    return made


@settings(max_examples=25, deadline=None)
@given(drafts=DRAFTS, historical=st.booleans())
def test_each_reading_is_told_once_in_order_and_in_bearable_pieces(
    view, drafts, historical
):
    given_ = numbered(drafts)
    made = Feed(SITE).compose(given_, view, historical=historical)
    seen = [Seen(it.topic, it.retain, it.payload.decode()) for it in made.posts]
    check(seen)

    told = {note["seq"]: (note, it) for note, it in readings(seen)}
    assert sum(1 for _ in readings(seen)) == len(told) == len(given_)
    for entry, owner in zip(given_, made.owners, strict=True):
        note, message = told[entry.seq]
        body = codec.decode("reading", entry.body)
        assert message is seen[owner]
        assert message.topic.endswith(f"/{entry.device}/{entry.channel}/telemetry")
        values = json.loads(msgspec.json.encode(body.values))
        values.pop("program", None)  # somebody may have typed it into the device
        assert note["values"] == values
        assert (note["state"], note["mono_ns"]) == (body.state, body.mono_ns)
        assert note["at"] == instant(entry.at_ns)
        assert note.get("session_id", "") == entry.subject
        assert message.body["boot_id"] == (BOOT if entry.key[0] == "r" else "")
        assert message.body.get("historical", False) is historical
    for topic in {it.topic for it in seen}:
        order = [note["seq"] for note, it in readings(seen) if it.topic == topic]
        assert order == sorted(order)


def test_many_readings_make_few_messages(view):
    body = codec.decode("reading", reading(1).body)
    made = Feed(SITE).compose(
        numbered([("us-1", "us", "r", "", body, 1000)]), view, historical=True
    )
    assert len(made.posts) <= 6  # of 64 kB each


def test_what_led_to_an_event_goes_before_it(tmp_path, view):
    with writer(tmp_path / "data") as journal:
        groups = [[reading(1)], [event(2, "pause", "s")], [reading(3)]]
        fill(journal, [*groups, [event(4, "resume", "s")]])
    made = Feed(SITE).compose(entries(tmp_path / "data"), view, historical=False)

    assert [it.topic.rpartition("/")[2] for it in made.posts] == [
        *("telemetry", "event", "telemetry", "event")
    ]
    assert made.owners == [0, 1, 2, 3]
    assert made.touched.sessions == {("us-1", "us")}
    assert [*made.touched.readings] == [("us-1", "us")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": b"{"}, "not readable"),
        ({"body": b'{"v":9,"state":"idle"}'}, "not readable"),
        ({"channel": "a/b"}, "cannot stand in a topic"),
        ({"device": "#"}, "cannot stand in a topic"),
        ({"device": "+", "kind": "noise"}, "cannot stand in a topic"),
    ],
)
def test_what_cannot_be_told_is_set_aside_with_its_reason(view, change, reason):
    body = codec.decode("reading", reading(1).body)
    good = numbered([("us-1", "us", "r", "", body, 3)])
    bad = msgspec.structs.replace(good[1], **change)
    made = Feed(SITE).compose([good[0], bad, good[2]], view, historical=False)

    assert isinstance(made.owners[1], Rejected)
    assert reason in made.owners[1].reason
    assert made.owners[0] == made.owners[2] == 0
    assert len(made.posts) == 1


def test_what_is_of_persons_makes_no_message(view):
    made = []
    for kind in ("binding", "annotation", "user", "audit", "calibration", "tombstone"):
        it = draft(kind, 1, b'{"v":1,"name":"Canary Person"}', subject="P-1")
        made.append(Entry(len(made) + 1, *msgspec.structs.astuple(it)[:7]))
    composed = Feed(SITE).compose(made, view, historical=False)

    assert composed.posts == []
    assert composed.owners == [None] * len(made)


def test_what_somebody_typed_into_a_device_is_not_told(tmp_path):
    """A programme of one's own may bear the name of whom it is for."""
    name = {"program": "Canary Person", "duty_pct": 20.0}
    body = ReadingBody(state="running", mono_ns=2, values=name, frame="00", profile="p")
    changed = {"field": "program", "old": "Canary Person", "new": "2 Canary Person"}
    with Mosquitto(tmp_path / "broker") as broker:
        witness = broker.witness("#")
        with Rig(tmp_path, broker, home_assistant=True) as rig:
            rig.fill(started())
            rig.connect()
            start = event(1, "start", "us-1.us.x", values=name)
            note = msgspec.structs.replace(reading(2), body=codec.encode(body))
            rig.fill([[start], [note], [event(3, "setting", "us-1.us.x", **changed)]])
            end = {"reason": "completed", "ended_ns": 4}
            rig.fill([[event(4, "end", "us-1.us.x", readings=1, **end)]])
            rig.drain()
            with Reader(str(rig.directory)) as view:
                settings_ = view.session("us-1.us.x").settings
        witness.settle()
        seen = witness.seen()
    check([it for it in seen if it.topic.startswith("devicelog/")])

    assert "program" in settings_  # the journal has it
    assert "Canary" not in "".join(it.text for it in seen)
    (told,) = [it.body for it in seen if it.body.get("event") == "setting"]
    assert (told["field"], told.get("old"), told.get("new")) == ("program", None, None)


def test_times_are_exact_and_in_order_as_text():
    assert instant(0) == "1970-01-01T00:00:00.000000000Z"
    assert instant(1_800_000_000_123_456_789) == "2027-01-15T08:00:00.123456789Z"
    times = [instant(n * 333_333_333) for n in range(10_000)]
    assert times == sorted(times)


def test_a_device_that_is_no_longer_configured_is_not_available(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, Rig(tmp_path, broker) as rig:
        rig.fill(started())
        rig.fill(clinic(1, 20))
        sink = rig.sink(devices=())
        sink.connect()
        with Reader(str(rig.directory)) as view:
            sink.present(view)
        sink.close()
        kept = broker.retained()

    told = kept[f"devicelog/v1/{SITE}/us-1/availability"].body
    assert (told["state"], "configuration" in told["text"]) == ("offline", True)
    assert kept[f"devicelog/v1/{SITE}/daemon/state"].body["state"] == "stopped"


def test_each_channel_of_a_device_stands_for_itself(tmp_path):
    facts = DeviceFacts("us-1", "Combined", "combi", {"us": "us", "if": "if"})
    with Mosquitto(tmp_path / "broker") as broker, Rig(tmp_path, broker) as rig:
        rig.fill(started())
        for n, channel in enumerate(("us", "if", "us")):
            rig.fill([[msgspec.structs.replace(reading(n), channel=channel)]])
        sink = rig.sink(devices=[facts])
        sink.connect()
        with Reader(str(rig.directory)) as view:
            sink.present(view)
        sink.close()
        kept = broker.retained()
    root = f"devicelog/v1/{SITE}/us-1"

    assert kept[f"{root}/info"].body["channels"] == facts.channels
    seqs = [it.seq for it in entries(rig.directory) if it.kind == "reading"]
    assert kept[f"{root}/us/state"].body["seq"] == seqs[2]
    assert kept[f"{root}/if/state"].body["seq"] == seqs[1]


def test_a_state_never_goes_back(tmp_path):
    """Entries up to the present head come again as live ones, once it was presented."""
    with Mosquitto(tmp_path / "broker") as broker, Rig(tmp_path, broker) as rig:
        rig.fill(started())
        rig.fill(clinic(1, 20))
        sink = rig.sink()
        sink.connect()
        found = entries(rig.directory)
        with Reader(str(rig.directory)) as view:
            sink.present(view)
            answers = sink.send(found[:10], historical=False, view=view)
        sink.close()
        kept = broker.retained()

    assert {*answers} == {Said.TAKEN}
    newest = [it.seq for it in found if it.kind == "reading"][-1]
    assert kept[f"devicelog/v1/{SITE}/us-1/us/state"].body["seq"] == newest
