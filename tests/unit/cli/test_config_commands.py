"""`config init`, `check`, `show`, `schema`: results on stdout, talk on stderr."""

import json
import tomllib
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from devicelog.cli.commands import main
from devicelog.operations.config import load

SAMPLE = Path(__file__).parents[3] / "config" / "devicelog.toml"


def run(*args: object, code=0, env=None):
    ended = CliRunner(env=env).invoke(
        main, ["config", *map(str, args)], catch_exceptions=False
    )
    assert ended.exit_code == code, (ended.stdout, ended.stderr)
    return ended


def test_init_writes_the_sample_once_and_never_over_a_file(tmp_path):
    path = tmp_path / "etc" / "my.toml"
    first = run("init", path)
    again = run("init", path, code=3)

    assert first.stdout == f"{path}\n"
    assert path.read_text() == SAMPLE.read_text()
    assert f"{path} exists" in again.stderr
    assert "nothing is written over" in again.stderr


def test_init_says_why_it_cannot_write(tmp_path):
    (tmp_path / "file").touch()
    told = run("init", tmp_path / "file" / "my.toml", code=3)

    assert "cannot be written" in told.stderr


def test_check_says_that_all_is_well():
    told = run("check", "--config", SAMPLE)

    assert told.stdout == f"{SAMPLE}: ok, 1 device\n"
    assert told.stderr == ""


def test_check_tells_every_mistake_and_fails_with_3(tmp_path):
    path = tmp_path / "my.toml"
    text = SAMPLE.read_text()
    path.write_text(text.replace("simulated = false", "simulated = no"))
    broken = run("check", "--config", path, code=3)
    path.write_text(text.replace("timezone", "timezon").replace('"08:00-15:00"', "8"))
    twice = run("check", "--config", path, code=3)

    assert f"{path}:11: is not TOML" in broken.stderr
    assert 'site.timezon: is not a known key (did you mean "timezone"?)' in twice.stderr
    assert "hours.fri: expected text, got 8" in twice.stderr
    assert twice.stdout == ""


def test_check_fails_for_a_parked_device_though_others_would_record(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(SAMPLE.read_text() + '[[devices]]\nname = "us-2"\n')
    told = run("check", "--config", path, code=3)

    assert "devices[1].profile: is missing" in told.stderr
    assert "devices[1].port: is missing" in told.stderr
    assert "these devices would not be recorded: us-2" in told.stderr


def test_a_missing_file_names_the_command_that_writes_one(tmp_path):
    path = tmp_path / "none.toml"
    for asked in (["check", "--config", path], ["check"]):
        told = run(*asked, code=3, env={"DEVICELOG_CONFIG": str(path)})
        assert f"devicelog config init {path}" in told.stderr


def test_show_is_what_is_in_force_and_reads_back(tmp_path):
    env = {"DEVICELOG_CONFIG": str(SAMPLE), "DEVICELOG_SITE_NAME": "clinic-two"}
    text = run("show", env=env).stdout
    as_json = json.loads(run("show", "--json", env=env).stdout)

    assert tomllib.loads(text) == as_json
    assert as_json["site"]["name"] == "clinic-two"
    assert as_json["journal"]["commit_interval_ms"] == 50
    path = tmp_path / "shown.toml"
    path.write_text(text)
    again = load(path, {}).config
    assert json.loads(msgspec.json.encode(again)) == as_json


@pytest.mark.parametrize("section", ["site", "journal", "hours", "devices"])
def test_the_schema_knows_every_section(section):
    schema = json.loads(run("schema").stdout)
    config = schema["$defs"][schema["$ref"].rsplit("/", 1)[1]]

    assert config["additionalProperties"] is False
    assert section in config["properties"]
