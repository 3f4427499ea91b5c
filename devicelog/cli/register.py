"""`devices label|register|registered`: what people say of devices and heads."""

from datetime import datetime
from typing import get_args

import click

from devicelog.cli import output
from devicelog.cli.asking import request_option, said
from devicelog.cli.tables import print_table
from devicelog.cli.times import MOMENT, ns_of
from devicelog.clock import SystemClock
from devicelog.journal.reader import Reader
from devicelog.model.said import RegisterEvent
from devicelog.operations.config import load, path_of
from devicelog.records.register import Book

_EVENTS = get_args(RegisterEvent)


@click.command()
@output.config_option
@request_option
@click.argument("device")
@click.argument("label")
@output.told
def label(config: str | None, device: str, label: str, *, request_id: str) -> None:
    """Write down what a device is called in the clinic."""
    said(
        config,
        "register",
        request_id=request_id,
        thing="device",
        name=device,
        event="labelled",
        label=label,
    )
    click.echo(f"{device} is called {label}")


@click.command()
@output.config_option
@request_option
@click.option("--head", is_flag=True, help="NAME is a head, not a device.")
@click.option("--on", type=MOMENT, help="True from then on; without it, from now.")
@click.option("--serial", help="Its serial number.")
@click.option("--asset", help="Its asset number.")
@click.option("--device", help="For a head that was moved: on which device it is now.")
@click.argument("name")
@click.argument("event", type=click.Choice(_EVENTS))
@output.told
def register(
    config: str | None,
    name: str,
    event: str,
    *,
    head: bool,
    on: datetime | None,
    serial: str | None,
    asset: str | None,
    device: str | None,
    request_id: str,
) -> None:
    """Write down a service, a repair, a move.

    Dated, for most wires name no head: the register says which was on a device.
    """
    said(
        config,
        "register",
        request_id=request_id,
        thing="head" if head else "device",
        name=name,
        event=event,
        on_ns=ns_of(config, on),
        serial=serial,
        asset=asset,
        device=device,
    )
    click.echo(f"{name} {event.replace('_', ' ')} is written down")


@click.command()
@output.config_option
@output.json_option
@click.option("--on", type=MOMENT, help="As things stood then; without it, now.")
@output.told
def registered(config: str | None, *, on: datetime | None, as_json: bool) -> None:
    """The register of devices and heads, as it stands or stood."""
    at_ns = ns_of(config, on) or SystemClock().wall_ns()
    with Reader(load(path_of(config)).config.journal.directory) as reader:
        things = [*Book(reader).at(at_ns).values()]
    if as_json:
        output.print_json(things)
        return
    if not things:
        output.talk("nothing is registered")
        return
    rows = [
        (
            it.thing,
            it.name,
            "in service" if it.in_service else "out of service",
            it.device,
            it.serial,
            it.asset,
            it.label,
            output.utc(it.repaired_ns)[:10],
        )
        for it in things
    ]
    columns = ("what", "name", "is", "on", "serial", "asset", "label", "repaired")
    print_table(columns, rows, whole=3)


COMMANDS = (label, register, registered)
