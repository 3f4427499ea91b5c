"""A journal by hand for exports: sessions with readings, keys, names, notes."""

import contextlib
import sqlite3

import msgspec
from unit.records.clinic import ANNA, BERND, CARLA, US, Clinic

from devicelog.export.gather import Gatherer
from devicelog.export.history import Wanted, heading
from devicelog.journal import retirement
from devicelog.model.kinds import ReadingBody, ReceiptBody
from devicelog.model.retirement import RetirementBody
from devicelog.records.keys import Keyring
from devicelog.records.request import viewing

__all__ = ["ANNA", "BERND", "CARLA", "US", "Small", "source"]

MASTER = bytes(range(32))
MADE_NS = 1_795_600_000_000_000_000
PROFILE = "0123456789abcdef"


class Small(Clinic):
    """A clinic whose sessions have readings, and which has keys."""

    def __init__(self, directory):
        self.ring = Keyring(MASTER)
        super().__init__(directory, viewing(self.ring))

    def add(self, name="Anna Muster", **who):
        """A patient; the pseudonym."""
        told = self.ask("add_patients", who=[{"name": name} | who])
        return told.entries[0].subject

    def treat(self, session_id="us-1.us.20261123T101502Z", *, readings=5, **start):
        """A whole session: so many readings, a second each."""
        device, channel, _ = session_id.split(".", 2)
        self.start(session_id, **start)
        values = start.get("values") or US
        for n in range(readings):
            body = ReadingBody(
                state="running",
                mono_ns=self.clock.mono_ns(),
                values=values | {"time_left_s": 300.0 - n},
                frame=f"{n:02x}",
                profile=PROFILE,
            )
            self.put(device, channel, "reading", body, session_id)
            self.clock.advance(1)
        self.end(session_id, energy_j=24.0, emission_s=float(readings))
        return session_id

    def receive(self, session_id, **counts):
        """A receipt of it."""
        body = ReceiptBody(**({"decoded": 5, "kept": 5, "state": "complete"} | counts))
        return self.put("-", "-", "receipt", body, session_id)

    def retire(self, session_id):
        """Its readings leave by age."""
        with self.reader() as reader:
            entries = reader.entries(kind="reading", subject=session_id, limit=10_000)
        spans = tuple((it.seq, it.seq) for it in entries)
        with contextlib.closing(sqlite3.connect(self.directory / "journal.db")) as db:
            left = msgspec.structs.asdict(retirement.look(db, spans))
        del left["macs"]
        body = RetirementBody(by="devicelog", what="readings", ranges=spans, **left)
        return self.put("-", "-", "retirement", body)

    def source(self, reader, wanted=None, *, ring=None):
        return source(reader, wanted, ring=ring)


def source(reader, wanted=None, *, ring=None, timezone="Europe/Berlin"):
    """The history of a journal as a command asks for it."""
    head = heading(reader, wanted or Wanted(), timezone=timezone, made_ns=MADE_NS)
    return Gatherer(reader, head, ring=ring)
