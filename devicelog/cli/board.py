"""The live board: every device, what it does, what it has given so far.

Two lines a device, as wide as the terminal allows, readable from 80 columns on.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from rich.console import Group
from rich.text import Text

from devicelog.journal.reader import Reader, SessionRow
from devicelog.model.words import counted, dose_in_words, minutes, settings_in_words
from devicelog.operations.delivery import SinkStatus
from devicelog.operations.status import ChannelStatus, DeviceStatus, Status

_STATE_STYLE: Final = {
    "running": "bold green",
    "ramping": "bold green",
    "hold_contact": "bold yellow",
    "paused": "bold yellow",
    "finished": "green",
    "fault": "bold red",
    "aborted": "red",
    "offline": "bold red",
}
_STATE_WORDS: Final = {
    "hold_contact": "contact lost",
    "ramping": "rising",
    "aborted": "stopped",
    "selftest": "self-test",
}
_STATE_WIDTH: Final = 13
_LEFT_WIDTH: Final = 7
_BAR: Final = 14
_LABEL: Final = range(18, 31)  # columns that names of devices may take
_CLOCK_WIDTH: Final = 7
_USUAL: Final = 1000  # entries that may wait for the next commit; more is news


def render(
    status: Status, recent: Sequence[SessionRow] = (), zone: tzinfo = UTC
) -> Group:
    """The whole board as something rich can print; `recent`: what ended last."""
    longest = max((len(_name(it)) for it in status.devices), default=0)
    width = min(max(longest, _LABEL.start), _LABEL.stop) + 2
    lines = [_head(status), Text(), _columns(width)]
    for device in status.devices:
        lines += _device(device, width)
    if not status.devices:
        lines.append(Text("no device is configured", "yellow"))
    labels = {it.name: _name(it) for it in status.devices}
    if recent:
        lines += [Text(), Text("last treatments", "dim")]
        lines += [_ended(row, labels, width, zone) for row in recent]
    lines += [_sink(it) for it in status.sinks]
    lines += [Text(status.keeping, "dim")] if status.keeping else []
    lines += [Text(f"alarm: {alarm}", "bold red") for alarm in status.alarms]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines, Text())


def ended_last(reader: Reader, count: int = 4) -> list[SessionRow]:
    """The last treatments that have ended, for `recent`."""
    rows = reader.sessions(
        purpose="treatment", limit=count + 50
    )  # at most one is open a channel
    return [row for row in rows if not row.open][:count]


def _head(status: Status) -> Text:
    head = Text(f"devicelog  {status.site}", "bold")
    if status.simulated:
        head.append("  ").append(" SIMULATED ", "bold reverse magenta")
    style = "dim" if status.journal == "recording" else "bold red"
    words = status.journal.replace("_", " ")
    head.append(f"  {words}, {counted(status.committed, 'entry')} kept", style)
    if status.backlog > _USUAL:
        head.append(f", {status.backlog} waiting", "yellow")
    if not status.clock_ok:
        head.append("  clock not trusted", "bold red")
    return head


def _sink(sink: SinkStatus) -> Text:
    style = "dim" if sink.connected else "bold yellow"
    return Text(f"{sink.sink}: {sink.text}", style)


def _columns(width: int) -> Text:
    names = ("device", width), ("state", _STATE_WIDTH), ("time left", _left_width())
    return Text(
        "".join(f"{name:{size}}" for name, size in names) + "dose so far", "dim"
    )


def _device(device: DeviceStatus, width: int) -> Iterator[Text]:
    """What a device does, and under it its settings or what is wrong."""
    name = f"{_name(device)[: width - 2]:{width}}"
    if not device.channels:
        yield Text(name, "bold").append("parked", "bold red")
    for channel in device.channels:
        label = name if len(device.channels) == 1 else f"{name[:-5]} {channel.name:4}"
        yield _channel(label, channel)
        if channel.session_id:
            settings = settings_in_words(channel.settings)
            yield Text(f"  {settings}", "dim").append(*_disturbed(channel))
    if device.line not in ("online", "closed"):
        yield Text(f"  {device.text}", "red")
    for problem in device.problems:
        yield Text(f"  {problem}", "red")


def _channel(label: str, channel: ChannelStatus) -> Text:
    words = _STATE_WORDS.get(channel.state, channel.state)
    line = Text(label, "bold" if channel.session_id else "")
    line.append(f"{words:{_STATE_WIDTH}}", _STATE_STYLE.get(channel.state, "dim"))
    if channel.session_id:
        line.append(*_time_left(channel))
        line.append(dose_in_words(channel.totals))
    return line


def _time_left(channel: ChannelStatus) -> tuple[str, str]:
    """`3:20  ######----`: the device's own timer, and how much of it is gone."""
    left = channel.time_left_s
    if left is None:
        return " " * _left_width(), ""
    whole = channel.settings.get("time_set_s")
    bar = ""
    if isinstance(whole, int | float) and whole > 0:
        gone = round(_BAR * min(1.0, max(0.0, 1 - left / whole)))
        bar = "█" * gone + "░" * (_BAR - gone)
    style = _STATE_STYLE.get(channel.state, "").removeprefix("bold ")
    return f"{minutes(left):{_LEFT_WIDTH}}{bar:{_BAR + 2}}", style


def _left_width() -> int:
    return _LEFT_WIDTH + _BAR + 2


def _disturbed(channel: ChannelStatus) -> tuple[str, str]:
    """What happened on the way, for the second line."""
    parts = []
    for name, words in (("contacts_lost", "contact lost"), ("pauses", "paused")):
        if times := channel.totals.get(name):
            parts.append(f"{words} {times}x")
    if "gap" in channel.flags:
        parts.append("line was lost")
    return "".join(f"  {part}" for part in parts), "yellow"


def _ended(row: SessionRow, labels: dict[str, str], width: int, zone: tzinfo) -> Text:
    """`10:15  Ultrasound, room 1  completed  24 J in 4:59`."""
    ended = row.started_ns if row.ended_ns is None else row.ended_ns
    clock = datetime.fromtimestamp(ended / 1e9, zone).strftime("%H:%M")
    name = labels.get(row.device, row.device)[: width - 2]
    how = (row.reason or "open").replace("_", " ")
    line = Text(f"{clock:{_CLOCK_WIDTH}}{name:{width}}", "dim")
    line.append(f"{how:{_STATE_WIDTH + 2}}", "" if how == "completed" else "yellow")
    return line.append(dose_in_words(row.totals))


def _name(device: DeviceStatus) -> str:
    return device.label or device.name
