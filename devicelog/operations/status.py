"""How the recorder and its devices stand, as one value; for the board and `--json`."""

import os
from collections.abc import Iterable, Mapping

import msgspec

from devicelog import __version__
from devicelog.journal.reader import AlarmRow, Reader
from devicelog.model.fields import SETTINGS, Value
from devicelog.model.flow import Identity
from devicelog.model.kinds import Counts
from devicelog.model.states import Flag, LineState, State
from devicelog.operations.delivery import SinkStatus
from devicelog.operations.recording import Recording
from devicelog.recorder.channel import Channel
from devicelog.recorder.device import Device
from devicelog.records.register import labels


class ChannelStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """One channel now. Times in UTC ns; `totals` and `flags` are the session's so far.

    `state` is `offline` while its line is lost, and before the first reading.
    """

    name: str
    modality: str
    state: State = "offline"
    read_ns: int | None = None
    time_left_s: float | None = None
    settings: dict[str, Value] = {}
    session_id: str = ""
    started_ns: int | None = None
    totals: Mapping[str, float | int] = {}
    flags: tuple[Flag, ...] = ()


class DeviceStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device now. `text` is the sentence that belongs to the state of its line."""

    name: str
    label: str
    profile: str
    port: str
    access: str
    line: LineState
    text: str
    verified: bool = False
    identity: Identity | None = None
    channels: tuple[ChannelStatus, ...] = ()
    counts: Counts | None = None
    problems: tuple[str, ...] = ()


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole. `running` is false where only the journal was read.

    `alarms`: what stands open, in sentences; `standing`: the same, by name. `keeping`:
    what of age waits for what, in a sentence; empty: nothing does.
    """

    running: bool
    site: str
    simulated: bool
    directory: str
    version: str = __version__
    pid: int | None = None
    since_ns: int | None = None
    clock_ok: bool = True
    journal: str = ""
    committed: int = 0
    backlog: int = 0
    devices: tuple[DeviceStatus, ...] = ()
    sinks: tuple[SinkStatus, ...] = ()
    open_sessions: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    standing: tuple[AlarmRow, ...] = ()
    keeping: str = ""


def gather(recording: Recording) -> Status:
    """Of a recorder that runs in this process; safe from any thread.

    Alarms are read from its journal. Raises JournalError where that cannot be read.
    """
    with Reader(recording.directory) as reader:
        standing = tuple(reader.alarms(open_only=True))
        called = labels(reader, recording.clock.wall_ns())
    devices = [_device(device, called) for device in recording.devices]
    parked = [
        DeviceStatus(
            name=name,
            label="",
            profile="",
            port="",
            access="",
            line="closed",
            text="parked: its configuration cannot be used",
            problems=tuple(problems),
        )
        for name, problems in recording.parked.items()
    ]
    return Status(
        running=True,
        site=recording.site,
        simulated=recording.simulated,
        directory=recording.directory,
        pid=os.getpid(),
        since_ns=recording.since_ns,
        clock_ok=recording.timebase.trusted,
        journal=recording.writer.state,
        committed=recording.writer.committed,
        backlog=recording.writer.backlog,
        devices=(*devices, *parked),
        sinks=tuple(recording.delivery.status),
        open_sessions=tuple(_open(devices)),
        alarms=tuple(it.text for it in standing),
        standing=standing,
        keeping=recording.keeping.told if recording.keeping else "",
    )


def at_rest(directory: str) -> Status:
    """Of a recorder that does not run, from its journal alone."""
    with Reader(directory) as reader:
        meta = reader.meta()
        standing = tuple(reader.alarms(open_only=True))
        return Status(
            running=False,
            site=meta.site,
            simulated=meta.simulated,
            directory=directory,
            journal="not recording",
            committed=reader.last_seq(),
            open_sessions=tuple(row.session_id for row in reader.open_sessions()),
            alarms=tuple(it.text for it in standing),
            standing=standing,
        )


def _device(device: Device, called: Mapping[str, str]) -> DeviceStatus:
    """What the register calls it stands before what the configuration does."""
    settings = device.settings
    return DeviceStatus(
        name=settings.name,
        label=called.get(settings.name) or settings.label or settings.name,
        profile=settings.profile,
        port=settings.port,
        access=settings.access,
        line=device.line.state,
        text=device.line.text,
        verified=device.identity.proved,
        identity=device.identity.known,
        channels=tuple(
            _channel(channel, online=device.line.state == "online")
            for channel in device.channels.values()
        ),
        counts=device.counts,
    )


def _channel(channel: Channel, *, online: bool) -> ChannelStatus:
    last, session = channel.last, channel.session
    left = last.values.get("time_left_s") if last else None
    return ChannelStatus(
        name=channel.name,
        modality=channel.modality,
        state=last.state if last and online else "offline",
        read_ns=last.at_ns if last else None,
        time_left_s=float(left) if isinstance(left, int | float) else None,
        settings=_settings(last.values) if last else {},
        session_id=session.id if session else "",
        started_ns=session.started_ns if session else None,
        totals=session.totals if session else {},
        flags=session.flags if session else (),
    )


def _settings(values: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name in SETTINGS}


def _open(devices: Iterable[DeviceStatus]) -> Iterable[str]:
    for device in devices:
        for channel in device.channels:
            if channel.session_id:
                yield channel.session_id
