"""`config`: write, check and show the configuration."""

from importlib import resources
from pathlib import Path

import click
import msgspec

from devicelog.cli import output
from devicelog.errors import ConfigError
from devicelog.model.words import counted
from devicelog.operations.config import Config, load, path_of


@click.group()
def config() -> None:
    """Write, check and show the configuration."""


@config.command()
@click.argument("file", required=False)
@output.told
def init(file: str | None) -> None:
    """Write a commented sample to FILE; never over an existing one."""
    path = Path(file) if file else path_of(None)
    sample = resources.files("devicelog.operations").joinpath("sample.toml")
    if path.exists():
        raise ConfigError(f"{path} exists", hint="it is yours; nothing is written over")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as new:
            new.write(sample.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error}",
            hint="name another FILE, or ask as a user who may write there",
        ) from error
    click.echo(str(path))


@config.command()
@output.config_option
@output.told
def check(config: str | None) -> None:
    """Read the file as `run` would; say everything that is wrong."""
    path = path_of(config)
    loaded = load(path)
    for problems in loaded.parked.values():
        for problem in problems:
            output.talk(problem)
    if loaded.parked:
        names = ", ".join(loaded.parked)
        raise ConfigError(f"{path}: these devices would not be recorded: {names}")
    click.echo(f"{path}: ok, {counted(len(loaded.config.devices), 'device')}")


@config.command()
@output.config_option
@output.json_option
@output.told
def show(config: str | None, *, as_json: bool) -> None:
    """The configuration in force.

    Defaults and the environment are included.
    """
    loaded = load(path_of(config))
    if as_json:
        output.print_json(loaded.config)
    else:
        click.echo(msgspec.toml.encode(loaded.config).decode(), nl=False)


@config.command()
@output.told
def schema() -> None:
    """The configuration's JSON Schema, for editors."""
    output.print_json(msgspec.json.schema(Config))
