"""What one may ask of a running recorder. Every write goes through here.

The command line asks over the socket; a console asks the same functions directly.
"""

import queue
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from devicelog.errors import DevicelogError, Unreachable
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.operations import trial
from devicelog.operations.recording import Recording
from devicelog.operations.socket import Request
from devicelog.operations.status import gather

_T = TypeVar("_T")
_PATIENCE_S: Final = 10.0
_LONGEST_TRIAL_S: Final = 60.0


class Control:
    """Answers requests (operations.socket) about one run."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._operations: dict[str, Callable[[Request], Iterator[object]]] = {
            "status": self._status,
            "test_device": self._test_device,
            "close_session": self._close_session,
            "accept_clock": self._accept_clock,
        }

    def handle(self, request: Request) -> Iterator[object]:
        """Results of one request. Raises DevicelogError where it cannot be done."""
        operation = self._operations.get(request.op)
        if operation is None:
            known = ", ".join(self._operations)
            raise DevicelogError(
                f"unknown request {request.op!r}", hint=f"one of {known}"
            )
        return operation(request)

    # --- Operations ---------------------------------------------------------------

    def _status(self, _: Request) -> Iterator[object]:
        yield gather(self._recording)

    def _test_device(self, request: Request) -> Iterator[object]:
        name = request.args.get("name")
        seconds = min(float(request.args.get("seconds", 10.0)), _LONGEST_TRIAL_S)
        for device in self._recording.devices:
            if device.settings.name == name:
                yield from trial.announcement(device)
                yield from trial.watch(device, seconds)
                return
        names = ", ".join(device.settings.name for device in self._recording.devices)
        raise DevicelogError(
            f"no device {name!r} is recorded", hint=f"there are: {names}"
        )

    def _close_session(self, request: Request) -> Iterator[object]:
        """Idempotent: the end of the session carries the request's id as its key."""
        session_id = str(request.args.get("session_id"))
        with Reader(self._recording.directory) as reader:
            if reader.find(request.id) is None:
                self._end(session_id, request.id)
        yield {"session_id": session_id, "closed": True}

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

    def _accept_clock(self, request: Request) -> Iterator[object]:
        with Reader(self._recording.directory) as reader:
            first = reader.find(request.id)
        if first is not None:
            yield codec.decode(first.kind, first.body)
            return
        body = self._on_loop(lambda: self._recording.loop.accept_clock(request.id))
        self._durable()
        yield body

    # --- Private ------------------------------------------------------------------

    def _on_loop(self, function: Callable[[], _T]) -> _T:
        """Run this between two looks of the loop, and wait for what it returns."""
        results: queue.SimpleQueue[_T] = queue.SimpleQueue()
        self._recording.loop.call(lambda: results.put(function()))
        try:
            return results.get(timeout=_PATIENCE_S)
        except queue.Empty:
            raise Unreachable(
                "the recorder is busy", hint="look at `devicelog status`, ask again"
            ) from None

    def _durable(self) -> None:
        """Wait until all that was handed over is in the journal."""
        self._recording.writer.append([], _PATIENCE_S)
