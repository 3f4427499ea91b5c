"""`console`: what the console needs beside the configuration."""

import socket
from pathlib import Path

import click

from devicelog.cli import output
from devicelog.operations import certificates
from devicelog.operations.config import load, path_of

_TRUST = """
In the configuration:

  [console]
  host = "0.0.0.0"
  names = [{names}]
  certificate_file = "{certificate}"
  key_file = "{key}"

On each tablet, once: bring {ca} there (by USB or mail; it is no secret) and open it.
  iPad: Settings, Profile downloaded, Install; then General, About, Certificate Trust
    Settings, and switch it on.
  Android: Settings, Security, Encryption & credentials, Install a certificate, CA.
  Windows: open it, Install Certificate, Local Machine, Trusted Root Authorities.
Who has {ca_key} can pretend to be any site to these tablets: it stays on this machine.
The console's certificate is good until {until:%Y-%m-%d}; say this command again before.
"""


@click.group()
def console() -> None:
    """The page for the people in the clinic."""


@console.command()
@output.config_option
@click.option("--name", "names", multiple=True, help="As tablets call this machine.")
@click.option("--to", required=True, type=click.Path(path_type=Path), help="A folder.")
@output.told
def cert(config: str | None, names: tuple[str, ...], to: Path) -> None:
    """Make a CA of the clinic's own and the console's certificate."""
    loaded = load(path_of(config)).config
    wanted = names or loaded.console.names or (socket.gethostname(),)
    made = certificates.make(to, loaded.site.name, wanted)
    click.echo(made.certificate)
    told = _TRUST.format(
        names=", ".join(f'"{it}"' for it in made.names),
        certificate=made.certificate,
        key=made.key,
        ca=made.ca,
        ca_key=to / certificates.CA_KEY,
        until=made.until,
    )
    output.talk(told)
