"""Broker, store and Grafana: asked once each, as the recorder asks them."""

import contextlib
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from devicelog.errors import DevicelogError, SinkUnavailable
from devicelog.grafana.server import Grafana
from devicelog.grafana.wanted import SOURCE_UID
from devicelog.operations.doctor.finding import Finding, finding
from devicelog.operations.doctor.world import World
from devicelog.sinks.messages import ELSEWHERE, PROBE, ROOT, Post
from devicelog.sinks.settings import MqttSettings

if TYPE_CHECKING:
    from devicelog.sinks.mqtt_link import Link


def broker(world: World) -> Iterator[Finding]:
    """Reachable, lets us write what we must and nothing else."""
    name, settings = "broker", world.config.mqtt
    if isinstance(settings, msgspec.UnsetType):
        yield finding(name, "ok", "none")
        return
    where = f"{settings.host}:{settings.port}"
    if settings.embedded:
        yield finding(name, "ok", "embedded", where=where)
        return
    site = world.config.site.name
    probe = PROBE.format(site=site)
    link = _link(settings, world, probe, f"{ROOT}/{site}/daemon/info")
    try:
        link.open()
        denied = _denied(link, probe)
        if denied:
            yield finding(name, "wrong", "denied", where=where, why=denied)
            return
        yield _guarded(link, settings, where)
    except SinkUnavailable as error:
        yield finding(name, "wrong", "away", **_why(error), where=where)
    finally:
        link.close()


def store(world: World) -> Iterator[Finding]:
    """Reachable, takes our token for writing and reading, keeps for ever."""
    # Only where it is used: the client takes 39 MB.
    from devicelog.sinks.influx_retention import kept_for  # noqa: PLC0415
    from devicelog.sinks.influx_server import Refused, Server  # noqa: PLC0415

    name, settings = "influx", world.config.influx
    if isinstance(settings, msgspec.UnsetType):
        yield finding(name, "ok", "none")
        return
    server = Server(settings, simulated=world.config.site.simulated)
    told = {"url": server.url, "bucket": server.bucket}
    try:
        server.open()
        with contextlib.suppress(Refused):  # 2.x wants a line, once the token is right
            server.write([])
        kept = kept_for(server)
    except SinkUnavailable as error:
        yield finding(name, "wrong", "away", **told, **_why(error))
        return
    finally:
        server.close()
    if kept is None:
        yield finding(name, "unknown", "not_said", **told)
    elif kept:
        yield finding(name, "wrong", "forgets", **told, kept=kept)
    else:
        yield finding(name, "ok", "ok", **told)


def grafana(world: World) -> Iterator[Finding]:
    """Reachable, takes our token, has our data source."""
    name, settings = "grafana", world.config.grafana
    if isinstance(settings, msgspec.UnsetType):
        yield finding(name, "ok", "none")
        return
    try:
        there = Grafana(settings)
        try:
            version, source = there.admit(), there.source(SOURCE_UID)
        finally:
            there.close()
    except DevicelogError as error:
        yield finding(name, "wrong", "away", url=settings.url, **_why(error))
        return
    told = {"url": settings.url, "version": version}
    if source is None:
        yield finding(name, "warning", "empty", **told)
    else:
        yield finding(name, "ok", "ok", **told)


# --- Private ----------------------------------------------------------------------


def _link(settings: MqttSettings, world: World, probe: str, info: str) -> "Link":
    """A client of its own name: the recorder's own would throw the recorder out."""
    # Only where it is used: paho takes 6 MB.
    from devicelog.sinks.mqtt_link import Link  # noqa: PLC0415

    id_ = f"devicelogdoctor{secrets.token_hex(4)}"
    will = Post(probe, b"", retain=False)
    return Link(settings, id_, will, info, world.clock)


def _denied(link: "Link", topic: str) -> str:
    """Why this must not be published; empty if it may. Raises as `Link.send`."""
    try:
        link.send([Post(topic, b"", retain=False)])
    except SinkUnavailable as error:
        if link.lost or not error.retry_after_s:
            raise
        return error.message
    return ""


def _guarded(link: "Link", settings: MqttSettings, where: str) -> Finding:
    """Whether an access list stands there: something must be denied."""
    if settings.protocol != "5":  # 3.1.1 has no word for it
        return finding("broker", "unknown", "mute", where=where)
    if _denied(link, ELSEWHERE):
        return finding("broker", "ok", "ok", where=where)
    return finding("broker", "warning", "unguarded", where=where)


def _why(error: DevicelogError) -> dict[str, str]:
    return {"why": error.message, "hint": error.hint or "see that it runs"}
