"""A keyed clinic whose sinks take all, whose backups are made, whose nights let go."""

import contextlib
import hashlib
import sqlite3
import threading
from datetime import UTC, datetime

from journals import SITE
from unit.records.identity_clinic import RING, KeyedClinic

from devicelog.clock import SECOND
from devicelog.journal import retirement
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.delivery import Position, Progress, Proof
from devicelog.model.kinds import ReadingBody
from devicelog.operations.config import parse
from devicelog.operations.keeping import Keeping
from devicelog.records import audit, backup

DAY = 86_400
YEARS = 3654 * DAY  # the age at which a session leaves, and a day
SINKS = ("influx", "mqtt")


class Archive(KeyedClinic):
    """Sessions are `us-1.us.1` and on, of two readings each; `anchors` all heads."""

    def __init__(self, path, **keep):
        self.to = path / "backup"
        self.to.mkdir(parents=True)
        super().__init__(path / "data")
        self.writer.open()
        self.begin("us-1")
        self.config = self._config(**keep)
        self.writing = threading.Lock()
        self.anchors = []
        self.count = 0

    def _config(self, **keep):
        lines = "".join(f"{name} = {it}\n" for name, it in keep.items())
        text = (
            f'[site]\nname = "{SITE}"\nsimulated = true\ntimezone = "Europe/Berlin"\n'
            f'[journal]\ndirectory = "{self.directory}"\nballast_mb = 0\n'
            f'[backup]\nto = "{self.to}"\n[keep]\n{lines}'
        )
        return parse(text, "test.toml", {}).config

    def treated(self, **totals):
        """A session from its start to its end; its id."""
        self.count += 1
        session_id = self.start(f"us-1.us.{self.count:04}")
        digest = hashlib.sha256()
        for n in range(2):
            body = ReadingBody(
                state="running", mono_ns=n, values={}, frame="00", profile="p"
            )
            digest.update(self.put("us-1", "us", "reading", body, session_id).body)
            self.clock.advance(1)
        told = {"reason": "completed", "ended_ns": self.clock.wall_ns(), "readings": 2}
        told["totals"] = {"emission_s": 60.0} | totals
        self.event(session_id, "end", readings_sha256=digest.hexdigest(), **told)
        self.clock.advance(60)
        return session_id

    def taken(self, sink, to=None, **proof):
        with self.reader() as view:
            to = view.last_seq() if to is None else to
        proved = Proof(**({"verified_to": to} | proof))
        self.writer.deliver(Progress(sink, Position(done_to=to, proof=proved)))
        self.writer.append([], 10)

    def copied(self):
        now = datetime.fromtimestamp(self.clock.wall_ns() / SECOND, UTC)
        return backup.make(str(self.directory), self.to, now)

    def elsewhere(self):
        """Every sink has all, and so has a backup."""
        for sink in SINKS:
            self.taken(sink)
        self.copied()

    def night(self, *, key=RING.chain_key):
        """All looks of one night; what is told then."""
        self.note_anchor()
        keeper = Keeping(self.config, SINKS, self.writer.append, self.moment, key)
        for _ in range(30):
            keeper.look(self.writing)
        self.note_anchor()
        return keeper.told

    def note_anchor(self):
        with self.reader() as view:
            self.anchors.append(audit.head(view))

    def verify(self, anchor=None):
        return audit.verify(str(self.directory), RING.chain_key, anchor)

    def there(self):
        """The sessions that the journal still knows, the oldest first."""
        with self.reader() as view:
            return [it.session_id for it in view.sessions()][::-1]

    def retirements(self, what="sessions"):
        bodies = (body for _, body in self.entries("retirement"))
        return [it for it in bodies if it.what == what]


def said_of(directory, session_id):
    """All entries of a session."""
    with Reader(str(directory)) as view:
        return view.entries(subject=session_id)


def hashed(directory, body):
    """What a file holds in the ranges of a retirement, as it was then."""
    with contextlib.closing(sqlite3.connect(directory)) as db:
        return retirement.look(db, body.ranges, frozenset(body.sessions)).sha256


def decoded(entry):
    return codec.decode(entry.kind, entry.body)
