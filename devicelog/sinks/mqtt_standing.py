"""The retained topics: how the site, its devices and channels stand at the moment.

Made from the journal's projections when they are sent, never from an entry that may be
old. Only a channel's state follows the live readings, and never backwards.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from devicelog import __version__
from devicelog.clock import SECOND, Clock
from devicelog.journal.reader import DeviceRow, Meta, Reader
from devicelog.model import codec
from devicelog.model.fields import publishable
from devicelog.model.flow import Entry
from devicelog.model.kinds import ReadingGist
from devicelog.model.states import Modality
from devicelog.sinks.messages import (
    ROOT,
    Availability,
    ChannelSession,
    ChannelState,
    DaemonHealth,
    DaemonInfo,
    DaemonState,
    DeviceInfo,
    OpenAlarm,
    Post,
    encode,
    instant,
)
from devicelog.sinks.mqtt_discovery import discovery
from devicelog.sinks.mqtt_feed import Place, Touched

SINK: Final = "mqtt"
_STATE_NS: Final = SECOND  # a state that only counts on goes out no more often
_HEALTH_NS: Final = 60 * SECOND
_UNSEEN: Final = "denied publishes cannot be noticed on this broker"


class DeviceFacts(msgspec.Struct, frozen=True):
    """What the configuration says of a device. `channels`: name -> modality."""

    name: str
    label: str
    profile: str
    channels: dict[str, Modality]


class _Shown:
    """A channel's state: as it is, and as it was last published."""

    def __init__(self) -> None:
        self.now: ChannelState | None = None
        self.sent: ChannelState | None = None
        self.sent_ns = 0


class Standing:
    """Of one site. `boot_id`: the boot in which this recorder runs.

    `chain_head`: the audit chain's, as it is shown. `labels`: of devices, by people.
    """

    def __init__(
        self,
        meta: Meta,
        devices: Sequence[DeviceFacts],
        clock: Clock,
        *,
        boot_id: str,
        protocol: Literal["5", "3.1.1"],
        home_assistant: bool = False,
        chain_head: Callable[[Reader], str] = lambda _: "",
        labels: Callable[[Reader], Mapping[str, str]] = lambda _: {},
    ) -> None:
        self.root = f"{ROOT}/{meta.site}"
        self._meta = meta
        self._facts = {it.name: it for it in devices}
        self._clock = clock
        self._boot_id = boot_id
        self._protocol = protocol
        self._home_assistant = home_assistant
        self._chain_head = chain_head
        self._labels = labels
        self._called: Mapping[str, str] = {}
        self._rows: dict[str, DeviceRow] = {}
        self._shown: dict[Place, _Shown] = {}
        self._fields: dict[str, dict[str, set[str]]] = {}  # device, channel
        self._health_ns: int | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of this way of publishing."""
        return (_UNSEEN,) if self._protocol == "3.1.1" else ()

    # --- The recorder itself ------------------------------------------------------

    def state(self, state: Literal["online", "stopped", "lost"]) -> Post:
        """Whether the recorder is there; its last will is `lost`."""
        return self._post("daemon/state", DaemonState(state=state, **self._head(0)))

    def info(self, view: Reader) -> Post:
        """Who writes this site: the mark that keeps simulated and real apart."""
        message = DaemonInfo(
            site=self._meta.site,
            installation=self._meta.installation,
            simulated=self._meta.simulated,
            version=__version__,
            protocol=self._protocol,
            devices=tuple(self._facts),
            notes=self.notes,
            chain_head=self._chain_head(view),
            **self._head(view.last_seq()),
        )
        return self._post("daemon/info", message)

    def health(self, view: Reader) -> Post:
        """Delivery, open sessions and open alarms."""
        self._health_ns = self._clock.mono_ns()
        head = view.last_seq()
        alarms = [
            OpenAlarm(it.name, it.device, instant(it.raised_ns), it.text, it.remedy)
            for it in view.alarms(open_only=True)
        ]
        message = DaemonHealth(
            pending=view.position(SINK).pending(head),
            rejected=view.rejected(SINK),
            open_sessions=len(view.open_sessions()),
            alarms=tuple(alarms),
            **self._head(head),
        )
        return self._post("daemon/health", message, retain=False)

    # --- Everything, and what changed ---------------------------------------------

    def all(self, view: Reader) -> list[Post]:
        """Every retained topic but the recorder's info, as it stands."""
        self._look(view)
        for facts in self._facts.values():
            for channel in facts.channels:
                entry = view.last("reading", facts.name, channel)
                if entry is not None:
                    self._read(entry, codec.gist(entry.body))
                self._shown.setdefault((facts.name, channel), _Shown()).sent = None
        posts = [self.state("online"), self.health(view)]
        for name in sorted({*self._rows, *self._facts}):
            posts += self._device(name)
        for place in [(n, c) for n, it in self._facts.items() for c in it.channels]:
            posts += self._session(place, view)
        return posts + self.due(view)

    def changed(self, touched: Touched, view: Reader) -> list[Post]:
        """What entries that were just sent have changed of it."""
        posts: list[Post] = []
        if touched.devices:
            self._look(view)
        for name in sorted(touched.devices):
            posts += self._device(name)
        for entry, body in touched.readings.values():
            posts += self._read(entry, body)
        for place in sorted(touched.sessions):
            posts += self._session(place, view)
        if touched.chain:
            posts.append(self.info(view))
        if touched.health:
            posts.append(self.health(view))
        return posts

    def due(self, view: Reader) -> list[Post]:
        """What has waited for its time: channels' states that changed, and health."""
        now_ns = self._clock.mono_ns()
        posts = []
        for place, shown in self._shown.items():
            message = self._state(place, shown)
            if message == shown.sent:
                continue
            if _alike(message, shown.sent) and now_ns - shown.sent_ns < _STATE_NS:
                continue
            shown.sent, shown.sent_ns = message, now_ns
            posts.append(self._post(f"{'/'.join(place)}/state", message))
        if self._health_ns is None or now_ns - self._health_ns >= _HEALTH_NS:
            posts.append(self.health(view))
        return posts

    # --- Private ------------------------------------------------------------------

    def _look(self, view: Reader) -> None:
        self._rows = {row.device: row for row in view.devices()}
        self._called = self._labels(view)

    def _device(self, name: str) -> Iterable[Post]:
        """Availability, and what is known of it; of one no longer configured: gone."""
        row, facts = self._rows.get(name), self._facts.get(name)
        head = self._head(row.seq if row else 0)
        line, text = (row.line, row.text) if row else (None, "")
        if facts is None:
            line, text = None, "not in the configuration any more"
        state: Literal["online", "offline"] = (
            "online" if line == "online" else "offline"
        )
        told = Availability(state=state, line=line, text=text, **head)
        yield self._post(f"{name}/availability", told)
        if facts is not None:
            yield self._post(f"{name}/info", self._info(facts, row))
            yield from self._discovery(name)

    def _info(self, facts: DeviceFacts, row: DeviceRow | None) -> DeviceInfo:
        known = row.identity if row else None
        return DeviceInfo(
            device=facts.name,
            label=self._called.get(facts.name, facts.label),
            profile=facts.profile,
            simulated=self._meta.simulated,
            channels=facts.channels,
            model=known.model if known else "",
            serial=known.serial if known else "",
            firmware=known.firmware if known else "",
            **self._head(row.seq if row else 0),
        )

    def _discovery(self, name: str) -> list[Post]:
        facts, row = self._facts.get(name), self._rows.get(name)
        if not self._home_assistant or facts is None:
            return []
        fields = self._fields.get(name, {})
        return [discovery(self.root, self._meta.site, self._info(facts, row), fields)]

    def _read(self, entry: Entry, body: ReadingGist) -> Iterable[Post]:
        """Note a reading; the device's discovery if it brought a field not yet seen."""
        place = (entry.device, entry.channel)
        shown = self._shown.setdefault(place, _Shown())
        if shown.now is None or shown.now.seq < entry.seq:
            shown.now = ChannelState(
                state=body.state,
                mono_ns=body.mono_ns,
                session_id=entry.subject,
                values=publishable(body.values),
                flags=body.flags,
                clock_ok=body.clock_ok,
                seq=entry.seq,
                at=instant(entry.at_ns),
                boot_id=self._boot_id,
            )
        fields = self._fields.setdefault(entry.device, {}).setdefault(
            entry.channel, set()
        )
        values = publishable(body.values)
        if fields.issuperset(values):
            return []
        fields.update(values)
        return self._discovery(entry.device)

    def _state(self, place: Place, shown: _Shown) -> ChannelState:
        """`offline` is no state of the device's own: it is that of its line."""
        row = self._rows.get(place[0])
        if shown.now is None:
            shown.now = ChannelState(state="offline", **self._head(0))
        if row is None or row.line != "online":
            return msgspec.structs.replace(shown.now, state="offline")
        return shown.now

    def _session(self, place: Place, view: Reader) -> Iterable[Post]:
        """The newest of this channel, whichever session the entry was about."""
        device, channel = place
        for row in view.sessions(device=device, channel=channel, limit=1):
            ended = None if row.ended_ns is None else instant(row.ended_ns)
            message = ChannelSession(
                session_id=row.session_id,
                open=row.open,
                started=instant(row.started_ns),
                ended=ended,
                reason=row.reason,
                flags=row.flags,
                treatment_id=row.treatment_id,
                settings=publishable(row.settings),
                totals=row.totals,
                readings=row.readings,
                **self._head(row.last_seq),
            )
            yield self._post(f"{device}/{channel}/session", message)

    def _head(self, seq: int) -> dict[str, Any]:
        at = instant(self._clock.wall_ns())
        return {"seq": seq, "at": at, "boot_id": self._boot_id}

    def _post(
        self, topic: str, message: msgspec.Struct, *, retain: bool = True
    ) -> Post:
        return Post(f"{self.root}/{topic}", encode(message), retain)


def _alike(one: ChannelState, other: ChannelState | None) -> bool:
    """Whether only values went on."""
    return other is not None and (one.state, one.session_id) == (
        other.state,
        other.session_id,
    )
