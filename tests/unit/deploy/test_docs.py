"""docs/deploy.md names commands and files that exist, with the values in force."""

import re
import tomllib

import pytest
from unit.cli.test_help import NAMES
from unit.deploy.compose import FILE, ROOT, VARIABLE

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
UNIT = (ROOT / "config" / "systemd" / "devicelog.service").read_text()
COMMANDS = set(
    re.findall(
        r"(?<![\w/-])devicelog (?!devicelog)([a-z]+(?:-[a-z]+)*(?: [a-z]+)?)", PAGE
    )
)
PROSE = {"is", "as", "that", "which", "in", "records", "speaks", "with", "devicelog"}


@pytest.mark.parametrize("said", sorted(COMMANDS))
def test_a_command_exists(said):
    first = said.split()[0]
    if first in PROSE:
        return
    known = {it.split()[0] for it in NAMES} if " " not in said else set(NAMES)
    groups = {it.split()[0] for it in NAMES if " " in it}
    assert said in known or (first not in groups and first in NAMES), said


def test_there_are_commands():
    assert {"db migrate", "dashboards push", "relay reset", "config check"} <= COMMANDS


@pytest.mark.parametrize("path", sorted(set(re.findall(r"config/[\w./-]+\w", PAGE))))
def test_a_file_exists(path):
    assert (ROOT / path).exists()


def test_what_is_installed_are_extras_that_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (named,) = set(re.findall(r"install (?:--upgrade )?'\.\[([a-z,]+)\]'", PAGE))

    assert set(named.split(",")) < {*project["optional-dependencies"]}


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / link).exists(), link


def test_variables_are_told_with_their_defaults():
    told = dict(re.findall(r"^\| `(DEVICELOG_\w+)` \| `([^`]+)`", PAGE, re.MULTILINE))

    assert told == dict(VARIABLE.findall(FILE.read_text()))


def test_what_is_said_of_the_unit_is_so():
    for said, line in (
        ("2 s after each end", "RestartSec=2"),
        ("systemd's own watchdog (30 s)", "WatchdogSec=30"),
    ):
        assert said in " ".join(PAGE.split())
        assert line in UNIT.splitlines()


def test_published_ports_are_told():
    for port in re.findall(r'"127\.0\.0\.1:(\d+):', FILE.read_text()):
        assert f"{port} (" in PAGE
