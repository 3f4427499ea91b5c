"""The sink that publishes to an MQTT broker: the live feed, and what is retained.

PUBACK means that the broker has a message, no more: the truth is in the journal and
the store. See `docs/asyncapi.yaml` for what is published.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from devicelog.clock import SECOND, Clock
from devicelog.clock import boot_id as kernel_boot_id
from devicelog.errors import SinkUnavailable
from devicelog.journal.reader import Meta, Reader
from devicelog.model.flow import Entry
from devicelog.sinks.base import Answer, Rejected, Said
from devicelog.sinks.broker import Broker
from devicelog.sinks.mqtt_feed import Feed
from devicelog.sinks.mqtt_link import CALL_S, REFUSED_S, Link
from devicelog.sinks.mqtt_standing import SINK, DeviceFacts, Standing
from devicelog.sinks.settings import MqttSettings

__all__ = ["DeviceFacts", "MqttSink"]

_BRIEF_NS: Final = 10 * SECOND  # a connection that ends so soon was taken away
_STORM: Final = 5
_TURN_S: Final = 0.2


class _Mark(msgspec.Struct):
    """What is read of a retained `daemon/info`, ours or another's."""

    simulated: bool
    installation: str = ""


class MqttSink:
    """Implements `sinks.base.Sink`. `devices`: what the configuration says of each.

    `chain_head`: see `DaemonInfo`; told anew whenever a record was added. `labels`:
    what people call their devices; told anew when the register says something of one.
    """

    name = SINK

    def __init__(
        self,
        settings: MqttSettings,
        meta: Meta,
        devices: Sequence[DeviceFacts],
        clock: Clock,
        *,
        boot_id: str = "",
        chain_head: Callable[[Reader], str] = lambda _: "",
        labels: Callable[[Reader], Mapping[str, str]] = lambda _: {},
    ) -> None:
        self._broker = Broker(settings.port) if settings.embedded else None
        if settings.embedded:  # it speaks 3.1.1 alone, and on loopback
            settings = MqttSettings(
                port=settings.port,
                protocol="3.1.1",
                embedded=True,
                home_assistant=settings.home_assistant,
            )
        self._settings = settings
        self._meta = meta
        self._clock = clock
        # 23 letters and digits: what every broker must accept (3.1.1, 3.1.3.1).
        self._client_id = f"devicelog{meta.installation[:14]}"
        self._feed = Feed(meta.site)
        self._standing = Standing(
            meta,
            devices,
            clock,
            boot_id=boot_id or kernel_boot_id(),
            protocol=settings.protocol,
            home_assistant=settings.home_assistant,
            chain_head=chain_head,
            labels=labels,
        )
        self._link: Link | None = None
        self._seen: bytes | None = None
        self._opened_ns = 0
        self._brief = 0  # connections in a row that were lost at once

    def connect(self) -> None:
        """See `Sink`. Leaves at once where another kind of recorder writes."""
        self._drop()
        if self._broker is not None:
            self._broker.ensure()
        will = self._standing.state("lost")
        self._link = Link(
            self._settings, self._client_id, will, self._marker, self._clock
        )
        self._opened_ns = self._clock.mono_ns()
        with self._guarded() as link:
            link.open()
            self._look(link)

    def present(self, view: Reader) -> None:
        """See `Sink`. The marker first; it must come back to us before all else."""
        with self._guarded() as link:
            until_ns = self._clock.mono_ns() + round(CALL_S * SECOND)
            info = self._standing.info(view)
            link.send([info])
            while link.heard != info.payload:
                if self._clock.mono_ns() >= until_ns:
                    raise self._deaf()
                link.turn(_TURN_S)
                self._look(link)
            left_s = (until_ns - self._clock.mono_ns()) / SECOND
            if not all(link.send(self._standing.all(view), within_s=left_s)):
                raise SinkUnavailable("the broker takes messages too slowly")

    def send(
        self, entries: Sequence[Entry], *, historical: bool, view: Reader
    ) -> Sequence[Answer]:
        """See `Sink`. An entry is taken when the message that tells it was."""
        made = self._feed.compose(entries, view, historical=historical)
        posts = made.posts
        if not historical:
            posts = [*posts, *self._standing.changed(made.touched, view)]
        posts = [*posts, *self._standing.due(view)]
        with self._guarded() as link:
            taken = link.send(posts)
            self._look(link)
        return [_answer(owner, taken) for owner in made.owners]

    def tend(self, view: Reader) -> None:
        """See `Sink`. Answers the broker, and tells what has waited for its time."""
        with self._guarded() as link:
            link.turn(0)
            self._look(link)
            link.send(self._standing.due(view))

    def close(self) -> None:
        """See `Sink`."""
        if self._link is not None:
            self._link.close(self._standing.state("stopped"))
            self._link = None
        if self._broker is not None:
            self._broker.stop()

    @property
    def notes(self) -> tuple[str, ...]:
        """What `status` should say of this broker, beside how the relay stands."""
        return self._standing.notes

    # --- Private ------------------------------------------------------------------

    @property
    def _marker(self) -> str:
        return f"{self._standing.root}/daemon/info"

    @contextmanager
    def _guarded(self) -> Iterator[Link]:
        """The link; one that failed is let go of, so that its last will is told."""
        link = self._link
        if link is None:
            raise SinkUnavailable("not connected to a broker")
        try:
            yield link
        except SinkUnavailable as error:
            brief = self._clock.mono_ns() - self._opened_ns < _BRIEF_NS
            self._brief = self._brief + 1 if link.lost and brief else 0
            self._drop()
            if self._brief >= _STORM and error.retry_after_s == 0:
                raise self._thrown_out() from error
            raise

    def _look(self, link: Link) -> None:
        """Simulated and real data never meet. Raises SinkUnavailable."""
        if link.heard is self._seen:
            return
        self._seen = link.heard
        try:
            mark = msgspec.json.decode(link.heard or b"null", type=_Mark | None)
        except msgspec.DecodeError:
            mark = _Mark(simulated=not self._meta.simulated, installation="unknown")
        if mark is None or mark.simulated == self._meta.simulated:
            return
        link.close()  # with a goodbye: our last will is not to be told there
        kinds = ("simulated", "real") if mark.simulated else ("real", "simulated")
        raise SinkUnavailable(
            f"{self._marker} is the mark of a {kinds[0]} recorder (installation"
            f" {mark.installation}), and this one is {kinds[1]}: they never mix",
            hint="use another broker or site name; where that recorder is gone for"
            f" good: mosquitto_pub -r -n -t {self._marker}",
            retry_after_s=REFUSED_S,
        )

    def _thrown_out(self) -> SinkUnavailable:
        """Brokers that do not say why: all on 3.1.1, and some on 5."""
        return SinkUnavailable(
            f"the broker has closed {self._brief} connections in a row within seconds",
            hint=f"its log says why: another client named {self._client_id} (a copy of"
            " this journal records elsewhere), or an access list that denies us",
            retry_after_s=REFUSED_S,
        )

    def _deaf(self) -> SinkUnavailable:
        return SinkUnavailable(
            f"what was published to {self._marker} does not come back",
            hint="the broker's access list must let this user write and read it"
            " (config/mosquitto/aclfile shows how)",
            retry_after_s=REFUSED_S,
        )

    def _drop(self) -> None:
        if self._link is not None:
            self._link.cut()
        self._link = self._seen = None


def _answer(owner: int | Rejected | None, taken: Sequence[bool]) -> Answer:
    if isinstance(owner, Rejected):
        return owner
    return Said.TAKEN if owner is None or taken[owner] else Said.KEEP
