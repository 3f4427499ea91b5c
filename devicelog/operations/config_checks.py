"""What must hold of a configuration beyond its shape, each mistake with its remedy.

Everything here looks at the file's own values, one by one, so that a mistake of shape
elsewhere hides none of these.
"""

import re
import zoneinfo
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from devicelog import strict
from devicelog.export.texts import languages
from devicelog.operations import config_console as console
from devicelog.recorder.settings import NAME

SIMULATED_PREFIX: Final = "sim-"
# What stands in topics where a device's name would stand.
_OWN: Final = "daemon"
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
_LAST: Final = "24:00"
_FILES: Final = (
    *("password_file", "token_file", "ca_file"),
    *("source_password_file", "source_token_file"),
)
# Of [mqtt], for another's broker.
_ELSEWHERE: Final = (*("host", "protocol", "tls", "ca_file", "user", "password_file"),)
_NETWORK: Final = ("socket", "rfc2217")
# journal.<key>: from, to. A second late is the most that a session's edge may wait.
_BOUNDS: Final = {
    "commit_interval_ms": (1, 1000),
    "ballast_mb": (0, 100_000),
    "pending_limit": (1, 10_000_000),
}

# A week is read back each night, and receipts are made of it.
_FEWEST_DAYS: Final = 30


def text(values: object, key: str) -> str | None:
    """The text under this key; None where there is none."""
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, str) else None


def whole(table: strict.Table) -> Iterator[strict.Problem]:
    """What is wrong outside of `[[devices]]`."""
    yield from _site(table, table.values.get("site"))
    yield from _journal(table, table.values.get("journal"))
    yield from _hours(table, table.values.get("hours"))
    yield from _backup(table, table.values.get("backup"))
    yield from _keep(table, table.values.get("keep"))
    yield from console.problems(table, table.values.get("console"))
    yield from _export(table, table.values.get("export"))
    for section in ("mqtt", "influx", "grafana"):
        yield from _sink(table, section, table.values.get(section))


def _export(table: strict.Table, values: object) -> Iterator[strict.Problem]:
    """Codes are a file that is there, and words a language that is."""
    path, language = text(values, "codes_file"), text(values, "language")
    if path and not Path(path).is_file():
        yield table.problem(
            "export.codes_file", f'"{path}" is no file', "config/codes.toml is a sample"
        )
    if language is not None and language not in languages():
        yield table.problem(
            "export.language",
            f'there are no texts in "{language}"',
            f"one of {', '.join(languages())}",
        )


def _sink(
    table: strict.Table, section: str, values: object
) -> Iterator[strict.Problem]:
    """Secrets and certificates are files, and must be there."""
    for key in _FILES:
        path = text(values, key)
        if path and not Path(path).is_file():
            yield table.problem(
                f"{section}.{key}",
                f'"{path}" is no file',
                "write the secret there, readable for the recorder's user alone",
            )
    if isinstance(values, dict) and values.get("embedded") is True:
        for key in [key for key in values if key in _ELSEWHERE]:
            yield table.problem(
                f"{section}.{key}",
                "says nothing to the embedded broker, which is on this machine alone",
                "leave it out, or `embedded = false` for a broker of your own",
            )
    url = text(values, "url")
    if url is not None and urlsplit(url).scheme not in ("http", "https"):
        yield table.problem(
            f"{section}.url", f'"{url}" is no address', "as in http://127.0.0.1:8086"
        )
    bucket = text(values, "bucket")
    if bucket is not None and not re.fullmatch(NAME, bucket):
        yield table.problem(
            f"{section}.bucket",
            f'"{bucket}" cannot name a bucket',
            "small letters, digits, - and _, 32 at most; no slash",
        )


def device(
    table: strict.Table, key: str, block: dict[str, Any], before: Sequence[Any]
) -> Iterator[strict.Problem]:
    """What is wrong with one block; `before` are the blocks above it."""
    name, port = text(block, "name"), text(block, "port")
    if name is not None and not re.fullmatch(NAME, name):
        yield table.problem(
            f"{key}.name",
            f'"{name}" cannot name a device',
            "small letters, digits, - and _, 32 at most, a letter or digit first",
        )
    if name == _OWN:
        yield table.problem(
            f"{key}.name",
            f'"{name}" is the recorder\'s own name, in its topics',
            "call the device what it is, as in us-1",
        )
    for n, other in enumerate(before):
        if name is not None and text(other, "name") == name:
            yield table.problem(
                f"{key}.name", f'"{name}" is used twice', "rename one of them"
            )
        if port is not None and text(other, "port") == port:
            who = text(other, "name") or f"devices[{n}]"
            yield table.problem(
                f"{key}.port",
                f'"{port}" is also the port of {who}',
                "one port, one device; `devicelog devices scan` lists the ports",
            )
    if port is not None and not _reachable(port):
        yield table.problem(
            f"{key}.port",
            f'"{port}" is neither a path nor a known address',
            "/dev/serial/by-path/..., socket://host:port or rfc2217://host:port",
        )


def wanders(port: str) -> bool:
    """Whether the kernel may give this name to another adapter after a replug."""
    return port.startswith(("/dev/tty", "/dev/serial/by-id/"))


# --- Private ----------------------------------------------------------------------


def _reachable(port: str) -> bool:
    if port.startswith("/"):
        return True
    try:
        address = urlsplit(port)
        return bool(address.scheme in _NETWORK and address.hostname and address.port)
    except ValueError:  # a port number that is none
        return False


def _site(table: strict.Table, site: object) -> Iterator[strict.Problem]:
    name, timezone = text(site, "name"), text(site, "timezone")
    simulated = site.get("simulated", False) if isinstance(site, dict) else None
    if name is not None and not re.fullmatch(NAME, name):
        yield table.problem(
            "site.name",
            f'"{name}" cannot name a site',
            "small letters, digits, - and _, 32 at most, a letter or digit first",
        )
    begins = (name or "").startswith(SIMULATED_PREFIX)
    if name is not None and isinstance(simulated, bool) and simulated != begins:
        yield table.problem(
            "site.name",
            f'"{name}" with simulated = {str(simulated).lower()}',
            f'a simulated site\'s name begins with "{SIMULATED_PREFIX}", no other does',
        )
    if timezone is not None and not _known(timezone):
        yield table.problem(
            "site.timezone", f'"{timezone}" is no time zone', 'as in "Europe/Berlin"'
        )


def _backup(table: strict.Table, backup: object) -> Iterator[strict.Problem]:
    to, at = text(backup, "to"), text(backup, "at")
    if to and not to.startswith("/"):
        yield table.problem(
            "backup.to", f'"{to}" is no whole path', "as in /mnt/backup"
        )
    keep = backup.get("keep", 1) if isinstance(backup, dict) else 1
    if isinstance(keep, int) and keep < 1:
        yield table.problem("backup.keep", f"{keep} would keep none", "1 or more")
    if at is not None and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", at):
        yield table.problem("backup.at", f'"{at}" is no time of day', 'as in "02:30"')


def _keep(table: strict.Table, keep: object) -> Iterator[strict.Problem]:
    days = keep.get("readings_days", 0) if isinstance(keep, dict) else 0
    if type(days) is int and days and days < _FEWEST_DAYS:
        yield table.problem(
            "keep.readings_days",
            f"{days} days are too few to find out what is wrong",
            f"{_FEWEST_DAYS} or more; 0: readings stay for ever",
        )
    years = keep.get("sessions_years", 0) if isinstance(keep, dict) else 0
    if type(years) is int and years < 0:
        yield table.problem(
            "keep.sessions_years",
            f"{years} is no number of years",
            "1 or more; 0: sessions stay for ever",
        )


def _known(timezone: str) -> bool:
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _journal(table: strict.Table, journal: object) -> Iterator[strict.Problem]:
    directory = text(journal, "directory")
    if directory is not None and not directory.startswith("/"):
        yield table.problem(
            "journal.directory",
            f'"{directory}" depends on where devicelog is started',
            "name it from the root, as in /var/lib/devicelog",
        )
    for key, (low, high) in _BOUNDS.items():
        value = journal.get(key) if isinstance(journal, dict) else None
        if type(value) is int and not low <= value <= high:
            yield table.problem(
                f"journal.{key}", f"{value} is out of bounds", f"{low} to {high}"
            )


def _hours(table: strict.Table, hours: object) -> Iterator[strict.Problem]:
    for day in _DAYS:
        said = text(hours, day)
        if said and not _open(said):
            yield table.problem(
                f"hours.{day}",
                f'"{said}" says no times',
                'as in "08:00-12:00, 13:00-18:00"; a day without times is closed',
            )
    holidays = hours.get("holidays") if isinstance(hours, dict) else None
    for n, day in enumerate(holidays if isinstance(holidays, list) else ()):
        if isinstance(day, str) and not _is_date(day):
            yield table.problem(
                f"hours.holidays[{n}]", f'"{day}" is no date', "as in 2026-12-25"
            )


def _open(said: str) -> bool:
    """Whether these are times of one day, in order."""
    marks = ["00:00"]
    for span in said.split(","):
        match = _HOURS.fullmatch(span.strip())
        if match is None:
            return False
        marks += match.groups()
    minutes = all(mark[3:] < "60" for mark in marks)
    return minutes and marks[-1] <= _LAST and marks == sorted(marks)


def _is_date(said: str) -> bool:
    try:
        return date.fromisoformat(said).isoformat() == said
    except ValueError:
        return False
