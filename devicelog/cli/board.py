"""The live board: every device, what it does, what it has given so far."""

import time
from typing import Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from devicelog.model.fields import Value
from devicelog.operations.status import ChannelStatus, DeviceStatus, Status, minutes

_STATE_STYLE: Final = {
    "running": "bold green",
    "ramping": "bold green",
    "hold_contact": "bold yellow",
    "paused": "bold yellow",
    "fault": "bold red",
    "aborted": "red",
    "offline": "bold red",
}
_STATE_WORDS: Final = {
    "hold_contact": "contact lost",
    "ramping": "rising",
    "selftest": "self-test",
}


def render(status: Status, now_ns: int | None = None) -> Group:
    """The whole board as something rich can print."""
    now_ns = time.time_ns() if now_ns is None else now_ns
    table = Table(expand=True, header_style="bold", box=None, pad_edge=False)
    for name, width in (("device", 22), ("state", 13), ("left", 6), ("settings", None)):
        table.add_column(name, width=width, no_wrap=name != "settings")
    table.add_column("dose so far", width=30)
    for device in status.devices:
        if not device.channels:
            table.add_row(device.name, Text("parked", "bold red"), "", "", "")
        for channel in device.channels:
            table.add_row(*_row(device, channel))
    parts: list[Text | Table | Panel] = [_head(status), table]
    wrong = [
        Text(f"{device.label}: {device.text}", "red")
        for device in status.devices
        if device.line not in ("online", "closed")
    ]
    wrong += [
        Text(f"{device.name}: {problem}", "red")
        for device in status.devices
        for problem in device.problems
    ]
    if wrong:
        parts.append(Panel(Group(*wrong), title="what is wrong", border_style="red"))
    return Group(*parts, Text())


def _head(status: Status) -> Text:
    head = Text(f"devicelog  {status.site}", "bold")
    if status.simulated:
        head.append("  SIMULATED", "bold reverse magenta")
    head.append(f"  {status.journal}, {status.committed} entries durable", "dim")
    if status.backlog:
        head.append(f", {status.backlog} waiting", "yellow")
    if not status.clock_ok:
        head.append("  clock not trusted", "bold red")
    return head


def _row(device: DeviceStatus, channel: ChannelStatus) -> tuple[Text | str, ...]:
    live = bool(channel.session_id)
    words = _STATE_WORDS.get(channel.state, channel.state)
    state = Text(words, _STATE_STYLE.get(channel.state, "dim"))
    left = ""
    if live and channel.time_left_s is not None:
        left = minutes(channel.time_left_s)
    settings = settings_in_words(channel.settings) if live else ""
    return device.label, state, left, settings, dose_in_words(channel) if live else ""


def settings_in_words(values: dict[str, Value]) -> str:
    """`3 MHz 20 % 0.5 W/cm2 (SATP) 5:00`, as it is written in the notes."""
    parts = []
    if (frequency := values.get("frequency_mhz")) is not None:
        parts.append(f"{frequency:g} MHz")
    if (carrier := values.get("carrier_hz")) is not None:
        parts.append(f"{float(carrier) / 1000:g} kHz")
    if (duty := values.get("duty_pct")) is not None:
        parts.append("continuous" if duty == 100 else f"{duty:g} %")  # noqa: PLR2004
    if (intensity := values.get("intensity_w_cm2")) is not None:
        convention = values.get("intensity_convention", "unknown")
        parts.append(f"{intensity:g} W/cm2 ({convention})")
    if (current := values.get("amplitude_1_ma")) is not None:
        parts.append(f"{current:g} mA")
    if (seconds := values.get("time_set_s")) is not None:
        parts.append(minutes(float(seconds)))
    return " ".join(parts)


def dose_in_words(channel: ChannelStatus) -> str:
    """Energy or current so far, and what disturbed it."""
    totals, parts = channel.totals, []
    if (energy := totals.get("energy_j")) is not None:
        parts.append(f"{energy:.0f} J")
    elif (low := totals.get("energy_if_sata_j")) is not None:
        high = totals.get("energy_if_satp_j", low)
        parts.append(f"{high:.0f} J if SATP, {low:.0f} J if SATA")
    if (current := totals.get("amplitude_1_mean_ma")) is not None:
        parts.append(f"mean {current:.1f} mA")
    if (emission := totals.get("emission_s")) is not None:
        parts.append(f"in {minutes(emission)}")
    if lost := totals.get("contacts_lost"):
        parts.append(f"contact lost {lost}x")
    return " ".join(parts)


def show(console: Console, status: Status) -> None:
    """The board once, as `devicelog status` prints it."""
    console.print(render(status))
