"""Asking the recorder of a directory, from another process."""

import contextlib
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from devicelog.errors import DevicelogError, Unconfirmed, Unreachable
from devicelog.operations.socket import PATIENCE_S, Reply, Request, address

_LONGEST_ANSWER: Final = 16_000_000


def ask(
    directory: str,
    op: str,
    *,
    request_id: str = "",
    patience_s: float = PATIENCE_S,
    **args: Any,
) -> Iterator[msgspec.Raw]:
    """Results as they come, each within the patience.

    Raises Unreachable where no recorder answers, DevicelogError where it refuses,
    Unconfirmed where it asks to be told again with `confirm`. The same `request_id`
    asked again gets the first answer and does nothing twice.
    """
    request = Request(id=request_id or uuid.uuid4().hex, op=op, args=args)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(patience_s)
        _connect(client, directory)
        try:
            # Who refuses us hangs up before we have asked, and has said why.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(msgspec.json.encode(request) + b"\n")
            with client.makefile("rb") as stream:
                yield from _replies(stream, directory)
        except OSError as error:
            raise Unreachable(
                f"the recorder in {directory} does not answer: {error}",
                hint="look at its log",
            ) from error


def _connect(client: socket.socket, directory: str) -> None:
    try:
        with address(Path(directory)) as short:
            client.connect(short)
    except PermissionError as error:
        raise Unreachable(
            f"{directory} may not be entered by this user",
            hint=f"say `sudo -u {_owner(directory)} devicelog ...`",
        ) from error
    except OSError as error:
        raise Unreachable(
            f"no recorder answers in {directory}", hint="is `devicelog run` running?"
        ) from error


def _owner(directory: str) -> str:
    """Whose the directory is, or as whom the recorder usually runs."""
    try:
        return Path(directory).owner()
    except (OSError, KeyError):
        return "devicelog"


def _replies(stream: Any, directory: str) -> Iterator[msgspec.Raw]:
    while line := stream.readline(_LONGEST_ANSWER):
        try:
            reply = msgspec.json.decode(line, type=Reply)
        except msgspec.DecodeError as error:
            raise Unreachable(
                f"what answers in {directory} is no recorder of this version: {error}",
                hint="is it of the same version?",
            ) from error
        if reply.error:
            kind = Unconfirmed if reply.error.unconfirmed else DevicelogError
            raise kind(reply.error.message, hint=reply.error.hint)
        yield reply.result
        if not reply.more:
            return
    raise Unreachable(
        f"the recorder in {directory} hung up", hint="is it stopping? look at its log"
    )
