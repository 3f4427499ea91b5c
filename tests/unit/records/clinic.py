"""What the tests of this room share: a real journal, a desk, a clock that is moved.

Sessions are written as the recorder writes them; requests go to the real desk.
"""

import contextlib
import itertools

from journals import writer

from devicelog.clock import SECOND, ManualClock
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft, Identity, SessionEvent
from devicelog.model.kinds import ConfigBody, DeviceBody
from devicelog.operations.desk import Desk
from devicelog.operations.socket import Request
from devicelog.records.request import Moment, View

ANNA, BERND, CARLA = "3333-334F", "3333-335J", "3333-336M"
US = {
    "frequency_mhz": 1.0,
    "duty_pct": 50.0,
    "intensity_w_cm2": 0.8,
    "time_set_s": 300.0,
}


class Clinic:
    """One journal, its writer open, and who asks. `boot` may be changed."""

    def __init__(self, directory, view=View):
        self.directory = directory
        self.clock = ManualClock()
        self.boot = "boot-1"
        self.run = "run-1"
        self.trusted = True
        self.writer = writer(directory, clock=self.clock)
        self.desk = Desk(str(directory), self.writer, self.moment, view)
        self._n = itertools.count()

    def moment(self):
        return Moment(
            at_ns=self.clock.wall_ns(),
            mono_ns=self.clock.mono_ns(),
            boot_id=self.boot,
            clock_ok=self.trusted,
        )

    # --- What the recorder writes -------------------------------------------------

    def put(self, device, channel, kind, body, subject=""):
        key = f"{self.run}/{device}/{channel}/{next(self._n)}"
        at_ns = self.clock.wall_ns()
        draft = Draft(at_ns, device, channel, kind, subject, key, codec.encode(body))
        return self.writer.append([draft], 10)[0]

    def begin(self, *devices: str):
        """A run begins, and these devices have answered."""
        run = ConfigBody(
            event="start",
            run_id=self.run,
            boot_id=self.boot,
            mono_ns=self.clock.mono_ns(),
            version="1",
            simulated=True,
        )
        self.put("-", "-", "config", run)
        for name in devices:
            told = DeviceBody(
                event="identified",
                mono_ns=self.clock.mono_ns(),
                identity=Identity(serial=name),
            )
            self.put(name, "-", "device", told)

    def reboot(self):
        self.boot += "'"
        self.restart()

    def restart(self):
        self.run += "'"
        self.begin()

    def event(self, session_id, name, *, ago_s=0.0, **told):
        device, channel, _ = session_id.split(".", 2)
        event = SessionEvent(
            session_id=session_id,
            event=name,
            channel=channel,
            at_ns=self.clock.wall_ns(),
            mono_ns=self.clock.mono_ns() - ns(ago_s),
            **told,
        )
        return self.put(device, channel, "session", event, session_id)

    def start(self, session_id="us-1.us.1", *, values=None, **told):
        """A session begins, and a second passes."""
        self.event(session_id, "start", values=US if values is None else values, **told)
        self.clock.advance(1)
        return session_id

    def end(self, session_id, seconds=0.0, **totals):
        self.clock.advance(seconds)
        ended = self.clock.wall_ns()
        told = {"reason": "completed", "ended_ns": ended, "totals": totals}
        self.event(session_id, "end", **told)

    # --- What people ask ----------------------------------------------------------

    def ask(self, op, *, request_id="", by="physio", **args):
        id_ = request_id or f"request-{next(self._n):04}"
        return self.desk.perform(Request(id=id_, op=op, args=args, by=by))

    def assign(self, session_id, pseudonym, **more):
        return self.ask("assign", session_id=session_id, pseudonym=pseudonym, **more)

    # --- What the journal says ----------------------------------------------------

    @contextlib.contextmanager
    def reader(self):
        with Reader(str(self.directory)) as reader:
            yield reader

    def row(self, session_id):
        with self.reader() as reader:
            return reader.session(session_id)

    def whose(self, session_id):
        return self.row(session_id).pseudonym

    def entries(self, kind):
        with self.reader() as reader:
            found = reader.entries(kind=kind)
        return [(it, codec.decode(it.kind, it.body)) for it in found]


def ns(seconds):
    return round(seconds * SECOND)
