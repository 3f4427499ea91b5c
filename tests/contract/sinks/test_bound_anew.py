"""Bound to A, the sinks away, back, bound to B while the gap drains: all say B.

The entry that says A lies in the gap and is sent after the one that says B.
"""

import pytest
from contract.sinks.mqtt_rig import Rig, started
from contract.sinks.published import check
from contract.sinks.stored import Carried, sink_for
from journals import SITE, clinic, fill
from servers.mosquitto import Mosquitto
from unit.records.clinic import ANNA, BERND
from unit.records.identity_clinic import RING
from waiting import wait_until

from devicelog.clock import SystemClock
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.audit import AuditBody
from devicelog.model.flow import Draft
from devicelog.operations.desk import Desk
from devicelog.operations.socket import Request
from devicelog.records.keys import Identity, identity_change
from devicelog.records.request import Moment

NEWEST = "us-1.us.00019950"  # of the channel: what its retained topics tell of
OLDER = "us-1.us.00000000"
GAP = 20_000


def patients(journal):
    """The journal knows these two."""
    body = AuditBody(by="t", request="", mono_ns=0, boot_id="", event="patient_added")
    for code in (ANNA, BERND):
        key, kept = RING.new(code)
        changes = (kept, identity_change(key, code, Identity(f"Patient {code}")))
        text = codec.encode(body)
        fill(
            journal,
            [[Draft(9, "-", "-", "audit", code, f"known-{code}", text, changes)]],
        )


@pytest.fixture
def rig(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, Rig(tmp_path, broker) as it:
        yield it


def whose(influxdb):
    """By session: whose it is in the store, where somebody has said so."""
    rows = influxdb.rows("therapy_session").values()
    return {it["session_id"]: it["pseudonym"] for it in rows if it["pseudonym"]}


class Said:
    """What the desk is asked, as a person's requests reach it."""

    def __init__(self, rig):
        clock = SystemClock()
        self._desk = Desk(
            str(rig.directory),
            rig.journal,
            lambda: Moment(at_ns=clock.wall_ns(), mono_ns=clock.mono_ns(), boot_id="b"),
        )
        self._n = 0

    def bind(self, session_id, pseudonym, **more):
        self._n += 1
        args = {"session_id": session_id, "pseudonym": pseudonym, "confirm": True}
        asked = Request(f"request-{self._n:04}", "assign", args | more, by="kb")
        return self._desk.perform(asked).entries[0].seq


def test_what_was_said_last_stands_in_the_store_and_on_every_topic(rig, influxdb):
    patients(rig.journal)
    rig.fill(started())
    asked = Said(rig)
    with Carried(rig.directory, sink_for(influxdb), rig.journal) as before:
        rig.fill(clinic(0, 50))
        asked.bind(OLDER, ANNA)  # while the sinks are there
        rig.connect()
        before.drained()
        rig.drain()
    rig.stop()  # and now they are not
    assert whose(influxdb) == {OLDER: ANNA}

    rig.fill([[it for group in clinic(50, GAP - 50) for it in group]])
    in_gap = asked.bind(NEWEST, ANNA)
    witness = rig.broker.witness("#")
    with Carried(rig.directory, sink_for(influxdb), rig.journal) as store:
        feed = rig.connect()
        wait_until(lambda: store.relay.status.connected, lambda: store.relay.status)
        later = [
            asked.bind(it, BERND, reason="wrong_patient") for it in (OLDER, NEWEST)
        ]
        late = {}
        for name, relay in (("store", store.relay), ("feed", feed)):
            wait_until(lambda it=relay: it.status.position.takes(later[-1]))
            late[name] = relay.status.position.takes(in_gap)
        store.drained(60)
        rig.drain(60)
    witness.settle()

    assert late == {"store": False, "feed": False}  # A came after B
    stored = whose(influxdb)
    assert (stored[OLDER], stored[NEWEST]) == (BERND, BERND)
    assert {*stored.values()} == {BERND}
    kept = rig.broker.retained()
    check(kept.values())
    with Reader(str(rig.directory)) as view:
        row = view.session(NEWEST)
    topic = kept[f"devicelog/v1/{SITE}/us-1/us/session"].body
    assert row.pseudonym == BERND
    assert (topic["session_id"], topic["seq"]) == (NEWEST, later[-1])
    told = "".join(it.text for it in witness.stream())
    assert ANNA not in told
    assert BERND not in told
