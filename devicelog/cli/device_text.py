"""Devices and ports in words, for the terminal."""

import click

from devicelog.model.words import values_in_words
from devicelog.operations.inventory import Known
from devicelog.operations.scan import Port
from devicelog.operations.trial import Seen


def describe(device: Known, recorder: int | None) -> None:
    """One configured device. `recorder`: the process number of the running one."""
    click.echo(f"{device.name}  {device.label}")
    online = device.line == "online"
    line = device.text if online or not device.line else f"{device.line}: {device.text}"
    arrow = f" -> {device.leads_to}" if device.leads_to else ""
    _row("line", line)
    _row("device", identity_in_words(device))
    _row("port", f"{device.port}{arrow}")
    _row("adapter", device.usb)
    _row("held by", _holders(device.held_by, recorder))
    _row("profile", f"{device.profile}, {device.access}")


def identity_in_words(device: Known) -> str:
    """Who it is, and how sure that is."""
    who = device.identity
    said = ""
    if who is not None:
        firmware = f", firmware {who.firmware}" if who.firmware else ""
        said = f"{who.model or '?'}, serial {who.serial or '?'}{firmware}"
    if not device.askable:
        return "identity not verified: this device cannot be asked"
    if device.line is None:
        return f"{said} (as it last answered)" if said else "has not yet answered"
    if device.verified and device.line == "online":
        return f"{said} (verified)"
    return f"{said} (not verified now)" if said else "has not yet said who it is"


def describe_port(port: Port) -> None:
    """One port of this machine."""
    told = "" if port.description in ("", "n/a") else f"  {port.description}"
    click.echo(f"{port.path}{told}")
    _row("by path", port.by_path)
    _row("by id", port.by_id)
    _row("adapter", port.usb)
    _row("held by", _holders(port.held_by, None))
    _row("heard", port.heard)


def tell(seen: Seen, before: str) -> None:
    """One thing that happened on a line that is watched.

    `before`: the raw bytes that were shown last; the same are not shown again.
    """
    if seen.what == "verdict":
        click.echo(f"\n{seen.text}")
        return
    when = " " * 11 if seen.what == "will_send" else f"{seen.at_s:7.3f} s  "
    click.echo(f"{when}{seen.what.replace('_', ' '):9} {seen.text}")
    raw = "" if seen.raw == before else seen.raw
    for line in (raw, values_in_words(seen.values)):
        if line:
            click.echo(f"{' ' * len(when)}  {line}")


def _holders(held_by: tuple[str, ...], recorder: int | None) -> str:
    ours = f"(pid {recorder})"
    return ", ".join("this recorder" if ours in it else it for it in held_by)


def _row(name: str, text: str) -> None:
    """A line of a block; nothing where there is nothing to say."""
    if text:
        click.echo(f"    {name:8} {text}")
