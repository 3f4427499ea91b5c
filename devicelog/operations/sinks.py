"""The sinks that a configuration names, and what they are told once a minute."""

import shutil
from collections.abc import Mapping

import msgspec

from devicelog.clock import Clock
from devicelog.journal.schema import Meta
from devicelog.model.fields import Value
from devicelog.operations import verify
from devicelog.operations.config import Loaded
from devicelog.operations.recording import Recording
from devicelog.records import audit as chain
from devicelog.records.receipts import STORE, Receipts
from devicelog.records.register import labels
from devicelog.records.rounds import Rounds
from devicelog.sinks.base import Sink
from devicelog.sinks.influx import Health
from devicelog.sinks.influx_audit import Audit
from devicelog.sinks.settings import MqttSettings


def sinks(
    loaded: Loaded, meta: Meta, clock: Clock, boot_id: str, health: Health
) -> list[Sink]:
    """One of each kind that has its table. Raises ConfigError."""
    made: list[Sink] = []
    if not isinstance(loaded.config.mqtt, msgspec.UnsetType):
        made.append(_mqtt(loaded.config.mqtt, loaded, meta, clock, boot_id))
    if not isinstance(loaded.config.influx, msgspec.UnsetType):
        made.append(verify.store(loaded, clock, health))
    return made


def receipts(recording: Recording, audit: Audit | None) -> Receipts:
    """What compares this run's journal with its store."""
    delivery = recording.delivery

    def rewrote(seq: int) -> None:
        delivery.relay(STORE).rewrote(seq)

    return Receipts(
        recording.directory,
        recording.writer.append,
        recording.clock,
        sinks=delivery.names,
        audit=audit,
        rewrote=rewrote,
        trusted=lambda: recording.timebase.trusted,
    )


def rounds(recording: Recording) -> Rounds | None:
    """What makes receipts by itself; None where there is no store to read back."""
    loaded = recording.loaded
    if isinstance(loaded.config.influx, msgspec.UnsetType):
        return None
    audit = verify.store(loaded, recording.clock).audit()
    return Rounds(
        recording.directory,
        receipts(recording, audit),
        recording.clock,
        timezone=loaded.config.site.timezone,
        audit=audit,
        prove=recording.delivery.relay(STORE).prove,
    )


def minute(recording: Recording) -> Mapping[str, Mapping[str, Value | None]]:
    """How each device stands, and under `-` the recorder itself."""
    told: dict[str, dict[str, Value | None]] = {
        "-": {
            "disk_free": shutil.disk_usage(recording.directory).free,
            "clock_ok": recording.timebase.trusted,
        }
    }
    for sink in recording.delivery.status:
        told["-"][f"backlog_s_{sink.sink}"] = sink.backlog_s
        told["-"][f"rejects_{sink.sink}"] = sink.rejected
    for device in recording.devices:
        counts = device.counts
        told[device.settings.name] = {
            "noise_bytes": counts.noise_bytes,
            "frames": counts.frames,
            "readings": counts.readings,
            "kept": counts.kept,
            "line_state": device.line.state,
            "clock_ok": recording.timebase.trusted,
        }
    return told


# --- Private ----------------------------------------------------------------------


def _mqtt(
    settings: MqttSettings, loaded: Loaded, meta: Meta, clock: Clock, boot_id: str
) -> Sink:
    # Only where it is used: paho takes 6 MB.
    from devicelog.sinks.mqtt import DeviceFacts, MqttSink  # noqa: PLC0415

    facts = [
        DeviceFacts(
            device.name,
            device.label or device.name,
            device.profile,
            {it.name: it.modality for it in loaded.profiles[device.profile].channels},
        )
        for device in loaded.config.devices
    ]
    return MqttSink(
        settings,
        meta,
        facts,
        clock,
        boot_id=boot_id,
        chain_head=lambda view: str(chain.head(view) or ""),
        labels=lambda view: labels(view, clock.wall_ns()),
    )
