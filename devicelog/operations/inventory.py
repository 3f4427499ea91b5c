"""Every configured device with all that is known of it: line, identity, adapter."""

import os

import msgspec

from devicelog.clock import SystemClock
from devicelog.errors import JournalError, Unreachable
from devicelog.journal.reader import Reader
from devicelog.model.flow import Identity
from devicelog.model.states import LineState
from devicelog.operations import identities
from devicelog.operations.ask import ask
from devicelog.operations.config import Loaded
from devicelog.operations.scan import Port, ports
from devicelog.operations.status import DeviceStatus, Status
from devicelog.recorder.settings import DeviceSettings
from devicelog.records.register import labels


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device. `line` is None while no recorder runs.

    `verified`: it said who it is, on the line as it stands. `askable`: its profile can
    ask it. `usb` is the adapter's identity, `held_by` are the processes that have its
    port open, the recorder among them.
    """

    name: str
    label: str
    profile: str
    port: str
    access: str
    askable: bool
    line: LineState | None = None
    text: str = "not recording"
    identity: Identity | None = None
    verified: bool = False
    usb: str = ""
    leads_to: str = ""
    held_by: tuple[str, ...] = ()


class Inventory(msgspec.Struct, frozen=True):
    """All devices, and those whose configuration cannot be used; the recorder's pid."""

    recording: bool
    pid: int | None
    devices: tuple[Known, ...]
    parked: dict[str, list[str]]


def inventory(loaded: Loaded) -> Inventory:
    """Of this configuration; asks the recorder if one runs, else its journal."""
    directory = loaded.config.journal.directory
    status = _status(directory)
    told = {it.name: it for it in status.devices} if status else {}
    learnt, called = ({}, {}) if status else _learnt(directory)
    local = [it.port for it in loaded.config.devices if it.port.startswith("/")]
    there = {os.path.realpath(port.path): port for port in ports(local)}
    devices = [
        _known(
            it,
            askable=loaded.profiles[it.profile].identity != "none",
            learnt=learnt.get(it.name),
            label=called.get(it.name) or it.label or it.name,
            port=there.get(os.path.realpath(it.port), Port(path=it.port)),
        )
        for it in loaded.config.devices
    ]
    return Inventory(
        recording=status is not None,
        pid=status.pid if status else None,
        devices=tuple(_as_told(it, told.get(it.name)) for it in devices),
        parked=loaded.parked,
    )


def _known(
    it: DeviceSettings,
    *,
    askable: bool,
    learnt: Identity | None,
    label: str,
    port: Port,
) -> Known:
    real = os.path.realpath(it.port) if it.port.startswith("/") else it.port
    return Known(
        name=it.name,
        label=label,
        profile=it.profile,
        port=it.port,
        access=it.access,
        askable=askable and it.access == "poll",
        identity=learnt,
        usb=port.usb,
        leads_to="" if real == it.port else real,
        held_by=port.held_by,
    )


def _as_told(known: Known, told: DeviceStatus | None) -> Known:
    """The same with what the running recorder says of it."""
    if told is None:
        return known
    return msgspec.structs.replace(
        known,
        label=told.label,
        line=told.line,
        text=told.text,
        identity=told.identity,
        verified=told.verified,
    )


def _status(directory: str) -> Status | None:
    try:
        (raw,) = ask(directory, "status")
    except Unreachable:
        return None
    return msgspec.json.decode(raw, type=Status)


def _learnt(directory: str) -> tuple[dict[str, Identity], dict[str, str]]:
    """Identities and labels, from the journal if there is one that may be read."""
    try:
        with Reader(directory) as reader:
            return identities.known(reader), labels(reader, SystemClock().wall_ns())
    except JournalError:
        return {}, {}
