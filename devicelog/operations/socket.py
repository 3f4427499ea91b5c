"""The recorder's Unix socket: one JSON line asks, JSON lines answer.

Only root and the user that records may ask (SO_PEERCRED). A request carries an id that
its client made; the same id asked again gets the first answer. What a client can do to
the recorder is bounded: 16 at a time, one line of 256 kB, 30 s to write or read it.

    -> {"id": "5f0c...", "op": "close_session", "args": {"session_id": "..."}}
    <- {"id": "5f0c...", "result": ..., "more": false}
    <- {"id": "5f0c...", "error": {"message": "...", "hint": "..."}}
"""

import contextlib
import logging
import os
import pwd
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from devicelog.errors import DevicelogError, Unconfirmed

NAME: Final = "control.sock"
CLIENTS: Final = 16
LONGEST: Final = 256_000
PATIENCE_S: Final = 30.0
# No slash: a client cannot use up a key that an entry of the wire will need.
_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_CHUNK: Final = 65_536
_log = logging.getLogger(__name__)


class Request(msgspec.Struct, frozen=True):
    """What is asked. `id` is the client's: 8 to 64 letters, digits, `.`, `_`, `-`.

    `by` is never the client's word: whoever takes the request says who asks.
    """

    id: str
    op: str
    args: dict[str, Any] = {}
    by: str = ""


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why it was not done, and what to do.

    `unconfirmed`: it is a question; the same request with `confirm` does it.
    """

    message: str
    hint: str = ""
    unconfirmed: bool = False


def failure(error: DevicelogError) -> Failure:
    """The error as it is told over the socket."""
    unconfirmed = isinstance(error, Unconfirmed)
    return Failure(error.message, error.hint, unconfirmed)


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer; `more` says that others follow."""

    id: str
    result: msgspec.Raw = msgspec.Raw(b"null")
    more: bool = False
    error: Failure | None = None


# Yields results; the last one is the answer, all before it have `more`.
Handler = Callable[[Request], Iterator[object]]


class Server:
    """Answers on the socket of this directory, one thread a client."""

    def __init__(
        self, directory: str, handler: Handler, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._directory = Path(directory)
        self._handler = handler
        self._patience_s = patience_s
        self._listening: socket.socket | None = None
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Listen. The directory's lock is held, so a socket found there is stale."""
        path = self._directory / NAME
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with address(self._directory) as short:
            listening.bind(short)
        path.chmod(0o600)
        listening.listen(CLIENTS)
        self._listening = listening
        self._thread = threading.Thread(
            target=self._accept, name="control", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and hang up on whoever still asks."""
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        if self._thread is not None:
            self._thread.join(timeout=5)
        with self._lock:
            for client in self._clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
        (self._directory / NAME).unlink(missing_ok=True)

    # --- The threads --------------------------------------------------------------

    def _accept(self) -> None:
        assert self._listening is not None  # noqa: S101  (open() has set it)
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            client.settimeout(self._patience_s)
            refusal = self._refusal(client)
            if refusal is not None:
                with contextlib.suppress(OSError), client:
                    client.sendall(_line(Reply(id="", error=refusal)))
                continue
            threading.Thread(
                target=self._serve, args=(client,), name="control client", daemon=True
            ).start()

    def _refusal(self, client: socket.socket) -> Failure | None:
        """Why this client is not served; None: it is, and has a place now."""
        uid = peer_uid(client)
        if uid not in (0, os.geteuid()):
            return Failure(
                f"user {uid} may not ask this recorder",
                f"only root and user {os.geteuid()} may",
            )
        with self._lock:
            if len(self._clients) >= CLIENTS:
                return Failure("too many clients ask this recorder", "ask again")
            self._clients.add(client)
        return None

    def _serve(self, client: socket.socket) -> None:
        try:
            by = user_name(peer_uid(client))
            for line in self._requests(client):
                with contextlib.closing(self._answer(line, by)) as replies:
                    for reply in replies:
                        client.sendall(_line(reply))
        except OSError as error:
            _log.debug("a control client went away: %s", error)
        finally:
            with self._lock:
                self._clients.discard(client)
            client.close()

    def _requests(self, client: socket.socket) -> Iterator[bytes]:
        """Whole lines as they come. A line too long or too slow ends the talk."""
        held = b""
        until = time.monotonic() + self._patience_s
        while len(held) < LONGEST:
            line, newline, rest = held.partition(b"\n")
            if newline:
                yield line
                held, until = rest, time.monotonic() + self._patience_s
                continue
            client.settimeout(max(0.001, until - time.monotonic()))
            data = client.recv(_CHUNK)
            if not data:
                return
            client.settimeout(self._patience_s)
            held += data
        too_long = Failure(f"a request is longer than {LONGEST} bytes")
        client.sendall(_line(Reply(id="", error=too_long)))

    def _answer(self, line: bytes, by: str) -> Generator[Reply]:
        try:
            request = msgspec.json.decode(line, type=Request)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield Reply(id="", error=Failure(f"not a request: {error}"))
            return
        if not _ID.fullmatch(request.id):
            known = Failure("not an id", "8 to 64 letters, digits, `.`, `_`, `-`")
            yield Reply(id=request.id, error=known)
            return
        try:
            pending: object = None
            first = True
            for result in self._handler(msgspec.structs.replace(request, by=by)):
                if not first:
                    yield _reply(request.id, pending, more=True)
                pending, first = result, False
            yield _reply(request.id, pending, more=False)
        except DevicelogError as error:
            yield Reply(id=request.id, error=failure(error))
        except Exception as error:  # noqa: BLE001  (told to who asked, and logged)
            _log.exception("request %s (%s) failed", request.id, request.op)
            # No more of it: what it failed at may stand in an error's own words.
            told = f"the recorder failed at this ({type(error).__name__})"
            known = Failure(told, "see its log")
            yield Reply(id=request.id, error=known)


@contextlib.contextmanager
def address(directory: Path) -> Iterator[str]:
    """The socket's address, short however deep its directory lies (108 bytes fit)."""
    folder = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)


def peer_uid(client: socket.socket) -> int:
    """The user at the other end, as the kernel knows it."""
    packed = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _, uid, _ = struct.unpack("3i", packed)
    return int(uid)


def user_name(uid: int) -> str:
    """The user's name, or number where this machine has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _line(reply: Reply) -> bytes:
    return msgspec.json.encode(reply) + b"\n"


def _reply(id_: str, result: object, *, more: bool) -> Reply:
    return Reply(id=id_, result=msgspec.Raw(msgspec.json.encode(result)), more=more)
