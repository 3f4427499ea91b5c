"""The recorder's Unix socket: one JSON line asks, JSON lines answer.

Only root and the user that records may connect (SO_PEERCRED). A request carries an id
that its client made; the same id asked again gets the first answer.

    -> {"id": "5f0c...", "op": "close_session", "args": {"session_id": "..."}}
    <- {"id": "5f0c...", "result": ..., "more": false}
    <- {"id": "5f0c...", "error": {"message": "...", "hint": "..."}}
"""

import contextlib
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from devicelog.errors import DevicelogError, Unreachable

NAME: Final = "control.sock"
_LINE: Final = 1_000_000
_CLIENTS: Final = 16
_PATIENCE_S: Final = 30.0
_log = logging.getLogger(__name__)


class Request(msgspec.Struct, frozen=True):
    """What is asked. `id` is made by the client."""

    id: str
    op: str
    args: dict[str, Any] = {}


class Failure(msgspec.Struct, frozen=True):
    """Why it was not done, and what to do."""

    message: str
    hint: str = ""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer; `more` says that others follow."""

    id: str
    result: msgspec.Raw = msgspec.Raw(b"null")
    more: bool = False
    error: Failure | None = None


# Yields results; the last one is the answer, all before it have `more`.
Handler = Callable[[Request], Iterator[object]]


class Server:
    """Answers on the socket, one thread a client, at most 16 at a time."""

    def __init__(self, directory: str, handler: Handler) -> None:
        self._path = Path(directory) / NAME
        self._handler = handler
        self._listening: socket.socket | None = None
        self._room = threading.BoundedSemaphore(_CLIENTS)
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Listen. The directory's lock is held, so a socket found there is stale."""
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listening.bind(str(self._path))
        finally:
            os.umask(before)
        listening.listen(_CLIENTS)
        self._listening = listening
        self._thread = threading.Thread(
            target=self._accept, name="control", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening; requests under way end by themselves."""
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        assert self._listening is not None  # noqa: S101  (open() has set it)
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if not _may_ask(client) or not self._room.acquire(blocking=False):
                client.close()
                continue
            threading.Thread(
                target=self._serve, args=(client,), name="control client", daemon=True
            ).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, client.makefile("rwb") as stream:
                client.settimeout(_PATIENCE_S)
                while line := stream.readline(_LINE):
                    for reply in self._answer(line):
                        stream.write(msgspec.json.encode(reply) + b"\n")
                        stream.flush()
        except OSError:
            _log.debug("a control client went away")
        finally:
            self._room.release()

    def _answer(self, line: bytes) -> Iterator[Reply]:
        try:
            request = msgspec.json.decode(line, type=Request)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield Reply(id="", error=Failure(f"not a request: {error}"))
            return
        try:
            pending: object = None
            first = True
            for result in self._handler(request):
                if not first:
                    yield _reply(request.id, pending, more=True)
                pending, first = result, False
            yield _reply(request.id, pending, more=False)
        except DevicelogError as error:
            yield Reply(id=request.id, error=Failure(error.message, error.hint))


def ask(directory: str, request: Request) -> Iterator[msgspec.Raw]:
    """Ask the recorder of this directory; its results as they come.

    Raises Unreachable where none answers, DevicelogError where it refuses.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_PATIENCE_S)
        try:
            client.connect(str(Path(directory) / NAME))
        except OSError as error:
            raise Unreachable(
                f"no recorder answers in {directory}",
                hint="is `devicelog run` running, and as this user?",
            ) from error
        with client.makefile("rwb") as stream:
            stream.write(msgspec.json.encode(request) + b"\n")
            stream.flush()
            yield from _replies(stream, directory)


def _replies(stream: Any, directory: str) -> Iterator[msgspec.Raw]:
    for line in stream:
        reply = msgspec.json.decode(line, type=Reply)
        if reply.error:
            raise DevicelogError(reply.error.message, hint=reply.error.hint)
        yield reply.result
        if not reply.more:
            return
    raise Unreachable(
        f"the recorder in {directory} closed the connection",
        hint="only root and the user that records may ask it",
    )


def _reply(id_: str, result: object, *, more: bool) -> Reply:
    return Reply(id=id_, result=msgspec.Raw(msgspec.json.encode(result)), more=more)


def _may_ask(client: socket.socket) -> bool:
    packed = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _, uid, _ = struct.unpack("3i", packed)
    return uid in (0, os.geteuid())
