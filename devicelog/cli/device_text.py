"""Devices and ports in words, for the terminal."""

import click

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


def tell(seen: Seen) -> None:
    """One thing that happened on a line that is watched."""
    if seen.what == "verdict":
        click.echo(f"\n{seen.text}")
        return
    when = " " * 11 if seen.what == "will_send" else f"{seen.at_s:7.3f} s  "
    click.echo(f"{when}{seen.what.replace('_', ' '):9} {seen.text}")
    for line in (seen.raw, _values(seen)):
        if line:
            click.echo(f"{' ' * len(when)}  {line}")


def _values(seen: Seen) -> str:
    return "  ".join(f"{name}={_value(it)}" for name, it in seen.values.items())


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _holders(held_by: tuple[str, ...], recorder: int | None) -> str:
    ours = f"(pid {recorder})"
    return ", ".join("this recorder" if ours in it else it for it in held_by)


def _row(name: str, text: str) -> None:
    """A line of a block; nothing where there is nothing to say."""
    if text:
        click.echo(f"    {name:8} {text}")
