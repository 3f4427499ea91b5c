"""A write that a person asks for: by the recorder, or without one under its lock."""

import os
import uuid
from pathlib import Path
from typing import Any

import msgspec

from devicelog.clock import SystemClock, boot_id
from devicelog.errors import ConfigError, JournalBusy, Unreachable
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.journal.writer import Writer
from devicelog.operations.ask import ask
from devicelog.operations.config import Config, configured
from devicelog.operations.desk import Desk, Written
from devicelog.operations.master import keyring
from devicelog.operations.socket import Request, user_name
from devicelog.recorder.timebase import Timebase
from devicelog.records.request import Moment, viewing


def write(config: Config, op: str, *, request_id: str = "", **args: Any) -> Written:
    """What the request made, whoever carried it out.

    Raises DevicelogError where it is refused, Unconfirmed where it asks, Unreachable
    where a recorder runs and does not answer, JournalError where there is no journal.
    """
    id_ = request_id or uuid.uuid4().hex
    directory = config.journal.directory
    try:
        (raw,) = ask(directory, op, request_id=id_, **args)
        return msgspec.json.decode(raw, type=Written)
    except Unreachable as unreachable:
        request = Request(id=id_, op=op, args=args, by=user_name(os.geteuid()))
        try:
            return _alone(config, request)
        except JournalBusy:
            raise unreachable from None


def begin(config: Config, op: str, **args: Any) -> Written:
    """The same as the first thing in a journal that is made for it.

    Raises ConfigError where there is a journal already.
    """
    settings, site = config.journal, config.site
    if (Path(settings.directory) / JOURNAL).exists():
        raise ConfigError(
            f"there is a journal in {settings.directory} already",
            hint="name another directory; for that one, `devicelog config init`",
        )
    ring = keyring(config, make=True)
    with Writer(
        settings,
        simulated=site.simulated,
        site=site.name,
        clock=SystemClock(),
        chain_key=ring.chain_key,
    ):
        pass
    return write(config, op, **args)


def _alone(config: Config, request: Request) -> Written:
    """By the same rules, straight on the journal, which no recorder holds."""
    directory, clock, boot = config.journal.directory, SystemClock(), boot_id()
    with Reader(directory) as reader:  # there must be one: a recorder makes it
        base = Timebase(
            clock,
            boot,
            anchor_ns=reader.anchor(boot),
            trusted_ns=reader.last_trusted_ns(),
        )
    site = config.site

    def now() -> Moment:
        mono_ns = clock.mono_ns()
        return Moment(
            at_ns=base.at(mono_ns),
            mono_ns=mono_ns,
            boot_id=boot,
            clock_ok=base.trusted,
        )

    ring = keyring(config, make=True)
    with Writer(
        config.journal,
        simulated=site.simulated,
        site=site.name,
        clock=clock,
        chain_key=ring.chain_key,
    ) as writer:
        return Desk(directory, writer, now, viewing(ring, configured(config))).perform(
            request
        )
