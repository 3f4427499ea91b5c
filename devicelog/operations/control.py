"""What one may ask of a running recorder. Every write goes through here.

The command line asks over the socket; a console asks the same functions directly.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Any, Final, TypeVar

import msgspec

from devicelog.errors import DevicelogError, Unreachable
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.operations import sinks, trial, verify
from devicelog.operations.desk import Desk, reused
from devicelog.operations.recording import Recording
from devicelog.operations.socket import Request
from devicelog.operations.status import gather
from devicelog.records.acts import ACTS
from devicelog.records.request import viewing

_T = TypeVar("_T")
_PATIENCE_S: Final = 10.0
_log = logging.getLogger(__name__)


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`status` and `accept_clock` take no arguments."""


class TestDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`test_device`: watch the line of this device for so long."""

    __test__ = False  # to pytest it is no test
    name: str
    seconds: float = 10.0


class CloseSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`close_session`: end it by hand."""

    session_id: str


class ResetRelay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reset_relay`: send this sink everything after entry `done_to` again."""

    sink: str
    done_to: int = 0


class Control:
    """Answers requests (operations.socket) about one run."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._desk = Desk(
            recording.directory,
            recording.writer,
            recording.now,
            viewing(recording.keyring, tuple(recording.delivery.names)),
        )
        # One write at a time, or two asked under the same id would both be new.
        self._writing = self._desk.writing
        self._complaint = ""
        self._watching = threading.Lock()
        self._watched: set[str] = set()
        self._operations: dict[
            str, tuple[type, Callable[[str, Any], Iterator[object]]]
        ] = {
            "status": (Nothing, self._status),
            "test_device": (TestDevice, self._test_device),
            "close_session": (CloseSession, self._close_session),
            "accept_clock": (Nothing, self._accept_clock),
            "reset_relay": (ResetRelay, self._reset_relay),
            "verify_sessions": (verify.VerifySessions, self._verify_sessions),
        }

    def handle(self, request: Request) -> Iterator[object]:
        """Results of one request. Raises DevicelogError where it cannot be done."""
        if request.op in ACTS:
            return iter([self._desk.perform(request)])
        if request.op not in self._operations:
            known = ", ".join([*self._operations, *ACTS])
            raise DevicelogError(
                f'unknown request "{request.op}"', hint=f"one of {known}"
            )
        shape, operation = self._operations[request.op]
        try:
            asked: Any = msgspec.convert(request.args, shape)
        except msgspec.ValidationError as error:
            raise DevicelogError(f"{request.op}: {error}") from error
        return operation(request.id, asked)

    def carry_out(self) -> None:
        """See to what was said ahead of sessions; asked now and then, never raises."""
        try:
            self._desk.carry_out()
            self._complaint = ""
        except DevicelogError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                _log.warning("a binding ahead waits: %s", error)

    def keep(self) -> None:
        """Let some go of what is old enough; asked now and then, never raises."""
        if self._recording.keeping is not None:
            self._recording.keeping.look(self._writing)

    # --- Operations ---------------------------------------------------------------

    def _status(self, _: str, __: Nothing) -> Iterator[object]:
        yield gather(self._recording)

    def _test_device(self, _: str, asked: TestDevice) -> Iterator[object]:
        seconds = trial.bounded(asked.seconds)
        for device in self._recording.devices:
            if device.settings.name == asked.name:
                with self._watch(asked.name):
                    yield from trial.announcement(device)
                    yield from trial.watch(device, seconds)
                return
        names = ", ".join(device.settings.name for device in self._recording.devices)
        raise DevicelogError(
            f'no device "{asked.name}" is recorded', hint=f"there are: {names}"
        )

    def _close_session(self, id_: str, asked: CloseSession) -> Iterator[object]:
        """Idempotent: the end of the session carries the request's id as its key."""
        with self._writing:
            first = self._done(id_, "session", asked.session_id)
            if first is None:
                self._end(asked.session_id, id_)
        yield {"session_id": asked.session_id, "closed": True}

    def _end(self, session_id: str, key: str) -> None:
        mono_ns = self._recording.clock.mono_ns

        def close() -> bool:
            for device in self._recording.devices:
                step = device.close_session(session_id, mono_ns(), key)
                if step is not None:
                    self._recording.loop.submit(step.drafts)
                    return True
            return False

        if not self._on_loop(close):
            raise DevicelogError(
                f"session {session_id} is not open",
                hint="`devicelog sessions list --open` shows those that are",
            )
        self._durable()

    def _accept_clock(self, id_: str, _: Nothing) -> Iterator[object]:
        with self._writing:
            first = self._done(id_, "clock", "")
            if first is not None:
                body = codec.decode(first.kind, first.body)
            else:
                loop = self._recording.loop
                body = self._on_loop(lambda: loop.accept_clock(id_))
                self._durable()
        yield body

    def _reset_relay(self, _: str, asked: ResetRelay) -> Iterator[object]:
        """Writes no entry; a repeat sends once more, which changes nothing."""
        self._recording.delivery.reset(asked.sink, asked.done_to)
        yield {"sink": asked.sink, "done_to": asked.done_to}

    def _verify_sessions(
        self, _: str, asked: verify.VerifySessions
    ) -> Iterator[object]:
        """One answer a session, and its receipt; a repeat looks again."""
        recording = self._recording
        audit = verify.store(recording.loaded, recording.clock).audit()
        receipts = sinks.receipts(recording, audit)
        now_ns = recording.clock.wall_ns()
        yield from verify.verify(receipts, audit, recording.directory, asked, now_ns)

    # --- Private ------------------------------------------------------------------

    def _done(self, id_: str, kind: str, subject: str) -> Entry | None:
        """What this request has written already; an id serves one request only."""
        with Reader(self._recording.directory) as reader:
            entry = reader.find(id_)
        if entry is not None and (entry.kind, entry.subject) != (kind, subject):
            what = f"{entry.kind} {entry.subject}".strip()
            raise reused(self._recording.writer, id_, what)
        return entry

    @contextlib.contextmanager
    def _watch(self, name: str) -> Iterator[None]:
        """One watcher a device: its pipeline tells one listener."""
        with self._watching:
            if name in self._watched:
                raise DevicelogError(
                    f"{name} is being tested already", hint="wait until that test ends"
                )
            self._watched.add(name)
        try:
            yield
        finally:
            self._watched.discard(name)

    def _on_loop(self, function: Callable[[], _T]) -> _T:
        """Run this between two looks of the loop, and wait for what it returns.

        What it raises is the asker's, not the loop's: the lines go on.
        """
        future: Future[_T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except Exception as error:  # noqa: BLE001  (handed to who waits)
                    future.set_exception(error)

        self._recording.loop.call(run)
        try:
            return future.result(_PATIENCE_S)
        except TooLate:
            future.cancel()
            raise Unreachable(
                "the recorder is busy", hint="look at `devicelog status`, ask again"
            ) from None

    def _durable(self) -> None:
        """Wait until all that was handed over is in the journal."""
        self._recording.writer.append([], _PATIENCE_S)
