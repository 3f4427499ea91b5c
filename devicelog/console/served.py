"""The console of one recording, served: what `daemon` starts and stops."""

import contextlib
import secrets
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from zoneinfo import ZoneInfo

from devicelog.console.app import app
from devicelog.console.door.hosts import hosts
from devicelog.console.door.logins import Logins
from devicelog.console.door.throttle import Throttle
from devicelog.console.house import House
from devicelog.console.saying import words_in
from devicelog.console.server import Server
from devicelog.console.texts import Texts
from devicelog.errors import DevicelogError
from devicelog.export.scratch import sweep
from devicelog.model.users import Role
from devicelog.operations.recording import Recording
from devicelog.operations.socket import Request
from devicelog.records.passwords import hashed

Handle = Callable[[Request], Iterator[object]]


def serve(
    recording: Recording,
    handle: Handle,
    links: Mapping[str, Role] | None = None,
    bound: socket.socket | None = None,
) -> Server:
    """Begin to serve. Raises ConfigError where the address cannot be had.

    `links` maps words to roles, for a demonstration: who knows the word comes in.
    `bound` is a socket at the address, of who served there before.
    """
    sweep()
    config = recording.loaded.config
    settings = config.console
    server = Server(
        settings.host, settings.port, settings.certificate_file, settings.key_file
    )
    listening = server.listen(bound)
    tls = bool(settings.certificate_file)
    house = House(
        recording=recording,
        handle=handle,
        texts=Texts(settings.language),
        words=words_in(settings.language),
        zone=ZoneInfo(config.site.timezone),
        logins=Logins(recording.clock, settings.idle_min, settings.longest_h),
        throttle=Throttle(recording.clock),
        hosts=hosts(settings.host, server.port, settings.names, tls=tls),
        tls=tls,
        links={it: _guest(handle, role) for it, role in (links or {}).items()},
    )
    server.serve(app(house), listening)
    return server


def _guest(handle: Handle, role: Role) -> str:
    """A user of this role whose password nobody knows; there from an earlier start."""
    args = {"name": role, "role": role, "kept": hashed(secrets.token_urlsafe(32))}
    with contextlib.suppress(DevicelogError):
        list(handle(Request(uuid.uuid4().hex, "add_user", args, "devicelog")))
    return role
