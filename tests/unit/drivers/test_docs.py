"""docs/profiles.md: its example is whole, and every key that there is stands there."""

import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from unit.drivers.recorded import Recorded

from devicelog.cli.commands import main
from devicelog.drivers.load import driver, load
from devicelog.drivers.profile import (
    ByteCell,
    BytesMessage,
    Channel,
    ModbusProfile,
    Output,
    Profile,
    PythonProfile,
    Read,
    RegisterCell,
    Text,
    TextCell,
    TextMessage,
)
from devicelog.drivers.styles import STYLES, style_of
from devicelog.wire.checks import CHECKS

DOC = (Path(__file__).parents[3] / "docs" / "profiles.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL))


@pytest.fixture
def profile(tmp_path):
    file = tmp_path / "sono-3.toml"
    file.write_text(BLOCKS["toml"], encoding="utf-8")
    return file


def capture():
    for row in BLOCKS["capture"].splitlines():
        second, *data = row.split()
        yield int(second), bytes.fromhex(" ".join(data))


def test_the_example_reads_its_capture_without_noise(profile):
    it = driver(load(str(profile)))
    framer = it.framer()
    heard = [it.hear(*framer.feed(data)) for _, data in capture()]

    assert all(one.decoded for one in heard)
    assert [one.decoded[0].state for one in heard][::4] == [
        "idle",
        "running",
        "running",
        "running",
        "running",
        "running",
        "idle",
    ]


def test_what_the_command_tells_is_what_the_page_says(profile):
    (digits,) = re.findall(r'profile check sono-3.toml --capture "(.*)"', DOC)
    result = CliRunner().invoke(
        main, ["profile", "check", str(profile), "--capture", digits]
    )

    assert result.stdout == BLOCKS["told"]


def test_the_session_is_what_the_page_says(profile):
    line = Recorded(driver(load(str(profile))))
    for _, data in capture():
        line.hear(data)
        line.wait(1)
    line.wait(10)
    line.stop()
    end = line.events[-1]
    table = DOC[DOC.index("| what | is |") : DOC.index("## What to know")]
    said = dict(re.findall(r"^\| (\w+) \| ([\w.]+) \|$", table, re.MULTILINE))

    assert [it.event for it in line.events] == [
        "start",
        "contact_lost",
        "contact_back",
        "end",
    ]
    assert said.pop("what") == "is"
    assert said.pop("reason") == end.reason
    totals = {name: end.totals[name] for name in said}
    assert totals == {
        name: pytest.approx(float(value), abs=0.01) for name, value in said.items()
    }
    assert line.device.counts.noise_bytes == 0
    assert line.conserves()


SHAPES = (
    *(Profile, ModbusProfile, PythonProfile, Output, Channel, Text),
    *(Read, BytesMessage, TextMessage, RegisterCell, ByteCell, TextCell),
)
TABLES = [
    it.type
    for shape in (*SHAPES, *(style.profile for style in STYLES.values()))
    for it in msgspec.structs.fields(shape)
    if isinstance(it.type, type) and issubclass(it.type, msgspec.Struct)
]


@pytest.mark.parametrize(
    "shape", dict.fromkeys((*SHAPES, *TABLES)), ids=lambda it: it.__name__
)
def test_every_key_that_there_is_stands_on_the_page(shape):
    keys = DOC[DOC.index("## All keys") :]
    sections = {"requests", "messages", "channels", "cells", "hash"}
    for field in msgspec.structs.fields(shape):
        table = isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
        if field.name not in sections:
            mark = f"[{field.name}]" if table else f"`{field.name}`"
            assert mark in keys, field.name


def test_every_style_and_every_small_check_stands_on_the_page():
    for name in (*STYLES, *(it for it in CHECKS if "crc" not in it)):
        assert f"`{name}`" in DOC, name
    assert style_of({"style": "delimited", "data": "binary"}).kind == "octets"
    for name in re.findall(r"`(crc16_\w+)`", DOC):
        assert name in CHECKS
