"""The tree of commands. Each group's code is imported when it is used."""

import importlib
from typing import Final

import click

from devicelog import __version__

_LAZY: Final = {
    "run": "devicelog.cli.run:run",
    "demo": "devicelog.cli.demo:demo",
    "simulate": "devicelog.cli.simulate:simulate",
    "status": "devicelog.cli.status:status",
    "config": "devicelog.cli.config:config",
    "devices": "devicelog.cli.devices:devices",
    "profile": "devicelog.cli.profile:profile",
    "sessions": "devicelog.cli.sessions:sessions",
    "treatments": "devicelog.cli.treatments:treatments",
    "calibration": "devicelog.cli.calibration:calibration",
    "patients": "devicelog.cli.patients:patients",
    "export": "devicelog.cli.export:export",
    "report": "devicelog.cli.report:report",
    "audit": "devicelog.cli.audit:audit",
    "users": "devicelog.cli.users:users",
    "console": "devicelog.cli.console:console",
    "clock": "devicelog.cli.run:clock",
    "relay": "devicelog.cli.relay:relay",
    "sinks": "devicelog.cli.sinks:sinks",
    "doctor": "devicelog.cli.doctor:doctor",
    "support-bundle": "devicelog.cli.doctor:support_bundle",
    "dashboards": "devicelog.cli.dashboards:dashboards",
    "db": "devicelog.cli.db:db",
}
_HELP: Final = {
    "run": "Record until stopped.",
    "demo": "A simulated clinic, running, on the screen.",
    "simulate": "One virtual device on a real port.",
    "status": "How the recorder and its devices stand.",
    "config": "Write, check and show the configuration.",
    "devices": "List, find, try and register devices.",
    "profile": "Check a device's profile, and what it makes of bytes.",
    "sessions": "Look at recorded sessions, and say whose they are.",
    "calibration": "Output checks, what is due, recall of a head.",
    "treatments": "What one patient was given, by devices and by hand.",
    "patients": "Who a pseudonym is; forget a patient.",
    "export": "A patient's device history, as a file.",
    "report": "What a month was worth: complete, with gaps, lost.",
    "audit": "Who looked at whom, who changed what; whether that stands.",
    "users": "Who may come into the console, and as what.",
    "console": "A certificate for the page in the clinic's network.",
    "clock": "Trust the system clock.",
    "relay": "Send entries to a sink again.",
    "sinks": "Wait no longer for a sink that is no more.",
    "doctor": "What is wrong here, and what to do.",
    "support-bundle": "A file for who helps: no name, no secret.",
    "dashboards": "Bring the dashboards to Grafana.",
    "db": "Check, mend, back up and migrate the journal.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports them when asked."""

    def list_commands(self, _: click.Context) -> list[str]:
        """In the order of the table."""
        return [*_LAZY]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, imported now."""
        if cmd_name not in _LAZY:
            return None
        del ctx  # the same in every context
        module, name = _LAZY[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and one line each, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([*_HELP.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="devicelog")
def main() -> None:
    """devicelog: the flight recorder of a physiotherapy clinic."""
