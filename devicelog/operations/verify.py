"""Reading sessions back from the store: by a running recorder, or by the journal alone.

Both give the same answers; a recorder that runs has the journal's only writer, so it
must be asked.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from devicelog.clock import Clock
from devicelog.errors import ConfigError, DevicelogError
from devicelog.journal.reader import Reader
from devicelog.journal.writer import Writer
from devicelog.model.delivery import Progress
from devicelog.model.states import Modality
from devicelog.operations.config import Loaded, configured
from devicelog.records.derived import Deriver
from devicelog.records.receipts import STORE, Receipts, Verified, ends, seq_at
from devicelog.sinks.influx import Health, InfluxSink
from devicelog.sinks.influx_audit import Audit

_WEEK_NS: Final = 7 * 86_400 * 1_000_000_000


class VerifySessions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`verify_sessions`: these, else all that ended since then (default: a week)."""

    session_ids: tuple[str, ...] = ()
    since_ns: int | None = None
    repair: bool = False


def modalities(loaded: Loaded) -> Mapping[tuple[str, str], Modality]:
    """Of each configured channel, by device and channel."""
    return {
        (device.name, channel.name): channel.modality
        for device in loaded.config.devices
        for channel in loaded.profiles[device.profile].channels
    }


def store(loaded: Loaded, clock: Clock, health: Health = dict) -> InfluxSink:
    """The configured store. Raises ConfigError where none is."""
    site = loaded.config.site
    if isinstance(loaded.config.influx, msgspec.UnsetType):
        raise ConfigError(
            f"{loaded.source} names no store",
            hint="add [influx] with url, bucket and token_file",
        )
    return InfluxSink(
        loaded.config.influx,
        clock,
        site=site.name,
        simulated=site.simulated,
        timezone=site.timezone,
        modalities=modalities(loaded),
        health=health,
        derive=Deriver,
    )


def verify(
    receipts: Receipts, audit: Audit, directory: str, asked: VerifySessions, now_ns: int
) -> Iterator[Verified]:
    """One answer a session, as each is done. Raises DevicelogError."""
    audit.open()
    try:
        with Reader(directory) as view:
            for session_id in _chosen(view, asked, now_ns):
                row = view.session(session_id)
                if row is None:
                    raise DevicelogError(
                        f"no session {session_id}",
                        hint="`devicelog sessions list` shows them",
                    )
                if not row.open:
                    yield receipts.verify(row, view, repair=asked.repair)
    finally:
        audit.close()


def at_rest(loaded: Loaded, clock: Clock, asked: VerifySessions) -> Iterator[Verified]:
    """The same while no recorder runs. Raises JournalBusy where one does."""
    journal, site = loaded.config.journal, loaded.config.site
    audit = store(loaded, clock).audit()
    with Writer(
        journal, simulated=site.simulated, site=site.name, clock=clock
    ) as writer:

        def rewrote(seq: int) -> None:
            with Reader(journal.directory) as view:
                there = view.position(STORE)
            proved = there.proved(there.proof.wrote(seq))
            writer.deliver(Progress(STORE, proved))

        receipts = Receipts(
            journal.directory,
            writer.append,
            clock,
            sinks=configured(loaded.config),
            audit=audit,
            rewrote=rewrote,
        )
        yield from verify(receipts, audit, journal.directory, asked, clock.wall_ns())


def _chosen(view: Reader, asked: VerifySessions, now_ns: int) -> Iterator[str]:
    if asked.session_ids:
        yield from asked.session_ids
        return
    since_ns = now_ns - _WEEK_NS if asked.since_ns is None else asked.since_ns
    for end in ends(view, seq_at(view, since_ns)):
        if end.at_ns >= since_ns:
            yield end.subject
