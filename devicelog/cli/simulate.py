"""`simulate`: one virtual device on a real port, for as long as one likes."""

import difflib
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from devicelog.cli import ending, output
from devicelog.cli.tables import print_table
from devicelog.drivers.load import load
from devicelog.drivers.profile import Profile
from devicelog.drivers.simulated import script_file
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.disturbances import DISTURBANCES, Disturbance
from devicelog.drivers.simulated.host import Overheard
from devicelog.drivers.simulated.machine import machine
from devicelog.drivers.simulated.script import SCRIPTS, Player, Script
from devicelog.drivers.simulated.serve import (
    Device,
    Port,
    PtyPort,
    TcpPort,
    serve,
)
from devicelog.errors import ConfigError, DevicelogError
from devicelog.model.flow import Identity
from devicelog.model.states import Modality
from devicelog.recorder.settings import DeviceSettings

_CLINIC: Final = "clinic"
_ENDLESS: Final = "treatments one after another, without end; --seed chooses which"
_HIGHEST_PORT: Final = 65_535


@click.command()
@click.option("--pty", is_flag=True, help="On a pseudo-terminal; so it is by default.")
@click.option("--link", type=click.Path(), help="A link that leads to the pty.")
@click.option("--tcp", metavar="HOST:PORT", help="On a TCP port; port 0: any free one.")
@click.option(
    "--script",
    default=_CLINIC,
    show_default=True,
    metavar="NAME|FILE",
    help="What happens to the device; --list shows the names.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0, 99_999),
    help="Decides what happens in `clinic`; also the serial number.",
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.01, 1000),
    help="So many times as fast is its time; a recorder then sees its timer jump.",
)
@click.option(
    "--tapped",
    is_flag=True,
    help='Another host asks it; for who listens on that line (access = "tap").',
)
@ending.for_option
@click.option("--list", "list_scripts", is_flag=True, help="List the scripts and end.")
@output.json_option
@click.argument("profile", required=False)
@output.told
def simulate(
    *,
    profile: str | None,
    pty: bool,
    link: str | None,
    tcp: str | None,
    script: str,
    seed: int,
    speed: float,
    tapped: bool,
    seconds: float | None,
    list_scripts: bool,
    as_json: bool,
) -> None:
    """One virtual device of PROFILE on a real port, until ended.

    The block of configuration that records it stands on stdout, all else on stderr.
    It answers what its profile declares, and nothing else.
    """
    if list_scripts:
        _list(as_json=as_json)
        return
    if profile is None:
        raise click.UsageError("name a PROFILE, as in: devicelog simulate us-modbus")
    if tcp and (pty or link):
        raise click.UsageError("--tcp and --pty (or --link) exclude each other")
    loaded = load(profile)
    player = _player(script, seed, frozenset(it.modality for it in loaded.channels))
    device = _device(loaded, player, seed)
    served = Overheard(loaded, device) if tapped else device
    port, address = _port(served, Path(link) if link else None, tcp)
    settings = _settings(profile, address, seed, tapped=tapped)
    with ending.on_signal() as ended:
        _tell(settings, script, as_json=as_json)
        until = math.inf if seconds is None else time.monotonic() + seconds
        _serve(port, lambda: ended.is_set() or time.monotonic() > until, speed)
    for step in player.ignored:
        output.talk(f'second {step.at_s:g}: "{step.action}" did nothing in that state')
    output.talk("ended")


def _player(script: str, seed: int, has: frozenset[Modality]) -> Player:
    if script == _CLINIC:
        return Player(machine(has, seed), clinic(seed, modalities=has))
    if "/" in script or script.endswith(".toml"):
        try:
            text = Path(script).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"script {script} cannot be read: {error}") from error
        return script_file.parse(text, script).player()
    if script in DISTURBANCES:
        it = DISTURBANCES[script]
        return it.on(it.needs or ("us" if "us" in has else "if")).player()
    if script not in SCRIPTS:
        known = [_CLINIC, *SCRIPTS, *DISTURBANCES]
        close = difflib.get_close_matches(script, known, 1)
        meant = f'did you mean "{close[0]}"? ' if close else ""
        raise ConfigError(
            f'no script is named "{script}"',
            hint=f"{meant}`devicelog simulate --list` shows them; "
            "a file is named by its path",
        )
    return SCRIPTS[script].player()


def _device(profile: Profile, player: Player, seed: int) -> VirtualDevice:
    has = {it.modality for it in profile.channels}
    if lacking := player.modalities - has:
        raise ConfigError(
            f"profile {profile.name} cannot play this script: it has no channel of "
            f"modality {', '.join(sorted(lacking))}",
            hint="name another script; --list shows them",
        )
    model = "-".join(["SIM", *sorted(it.upper() for it in has)])
    who = Identity(model, f"SIM{seed:05d}", "1.0")
    return VirtualDevice(profile, player, who, seed=seed)


def _port(device: Device, link: Path | None, tcp: str | None) -> tuple[Port, str]:
    """The port, and where it can be reached."""
    try:
        if tcp is not None:
            host, number = _host_and_port(tcp)
            served = TcpPort(device, host=host, port=number)
            return served, served.address
        if link is not None and link.exists() and not link.is_symlink():
            raise DevicelogError(f"{link} exists and is no link", hint="name another")
        pty = PtyPort(device, link=link and link.absolute())
        return pty, str(pty.link or pty.path)
    except OSError as error:
        pty_or_link = f"link {link}" if link else "a pseudo-terminal"
        where = f"TCP port {tcp}" if tcp else pty_or_link
        raise DevicelogError(f"{where} cannot be opened: {error}") from error


def _host_and_port(tcp: str) -> tuple[str, int]:
    host, colon, number = tcp.rpartition(":")
    if not (colon and number.isdecimal() and int(number) <= _HIGHEST_PORT):
        raise click.BadParameter(f"{tcp!r} is not HOST:PORT", param_hint="--tcp")
    return host.strip("[]") or "127.0.0.1", int(number)


def _serve(port: Port, stop: Callable[[], bool], speed: float) -> None:
    try:
        serve([port], stop, speed=speed)
    except ValueError as error:
        raise ConfigError(
            f"this profile cannot say what the script does: {error}",
            hint="the device says only what its profile declares",
        ) from error


def _settings(profile: str, address: str, seed: int, *, tapped: bool) -> DeviceSettings:
    own = "/" in profile or profile.endswith(".toml")
    return DeviceSettings(
        name=f"sim-{seed}",
        label=f"Simulated device {seed}",
        profile=str(Path(profile).absolute()) if own else profile,
        port=address,
        serial=f"SIM{seed:05d}",
        access="tap" if tapped else "poll",
    )


def _tell(settings: DeviceSettings, script: str, *, as_json: bool) -> None:
    output.talk(
        f"SIMULATED: {settings.profile}, serial {settings.serial}, at {settings.port}, "
        f'plays "{script}"; Ctrl-C ends it.\n'
        "Record it with the block below, in a configuration whose [site] is simulated\n"
        '(name = "sim-...", simulated = true).'
    )
    block = {key: it for key, it in _said(settings).items() if it not in ("", False)}
    if as_json:
        output.print_json({"devices": [block]})
    else:
        click.echo(msgspec.toml.encode({"devices": [block]}).decode(), nl=False)
    sys.stdout.flush()


def _said(settings: DeviceSettings) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(settings)
    return said


def _list(*, as_json: bool) -> None:
    scripts: dict[str, Script | Disturbance] = {**SCRIPTS, **DISTURBANCES}
    meanings = {_CLINIC: _ENDLESS} | {name: it.meaning for name, it in scripts.items()}
    if as_json:
        output.print_json(meanings)
    else:
        print_table(("script", "what happens"), meanings.items())
