"""The configuration: what is wrong is told at once, and parks no more than it must."""

import contextlib
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicelog.drivers import load as loading
from devicelog.errors import ConfigError
from devicelog.operations.config import Config, load, parse

GOOD = """[site]
name = "clinic-one"
timezone = "Europe/Berlin"

[journal]
directory = "/var/lib/devicelog"
commit_interval_ms = 50
[hours]
mon = "08:00-12:00"
holidays = ["2026-12-25"]
[[devices]]
name = "us-1"
profile = "us-modbus"
port = "/dev/ttyS1"
access = "poll"
[[devices]]
name = "us-2"
profile = "us-modbus"
port = "/dev/ttyS2"
"""
ROWS = tomllib.loads(
    (Path(__file__).parent / "broken_configs.toml").read_text(encoding="utf-8")
)["broken"]
PROFILE = (Path(loading.__file__).parent / "profiles" / "us-modbus.toml").read_text()


def changed(changes):
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def told(text, environ=None):
    """All that is told of a file that is refused."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "my.toml", environ or {})
    first, *listed = caught.value.message.splitlines()
    assert first == "my.toml cannot be used:"
    return [line.removeprefix("  ") for line in listed]


def test_the_good_one_is_good():
    loaded = parse(GOOD, "my.toml", {})

    assert [it.name for it in loaded.config.devices] == ["us-1", "us-2"]
    assert loaded.parked == {}


@pytest.mark.parametrize("row", ROWS, ids=[row["what"] for row in ROWS])
def test_a_broken_configuration_is_told(row):
    text = changed(row["changes"])
    if "said" in row:
        assert told(text) == row["said"]
        return
    loaded = parse(text, "my.toml", {})

    assert loaded.parked == row["parked"]
    assert [it.name for it in loaded.config.devices] == row["recorded"]


def test_mistakes_in_many_places_are_told_in_one_pass():
    said = told(
        changed(
            [
                ("clinic-one", "Clinic"),
                ("timezone", "timezon"),
                ("commit_interval_ms = 50", "commit_interval_ms = 0.5"),
                ("08:00-12:00", "always"),
                ('"us-1"', '"us 1"'),
                ('"/dev/ttyS2"', "7"),
            ]
        )
    )

    assert [line.split(" ")[:2] for line in said] == [
        ["my.toml:3:", "site.timezon:"],
        ["my.toml:7:", "journal.commit_interval_ms:"],
        ["my.toml:2:", "site.name:"],
        ["my.toml:9:", "hours.mon:"],
        ["my.toml:12:", "devices[0].name:"],
        ["my.toml:19:", "devices[1].port:"],
    ]


def test_the_mistakes_of_a_profile_are_told_with_its_own_lines(tmp_path):
    profile = tmp_path / "my-us.toml"
    profile.write_text(PROFILE.replace("scale = 0.001", "scle = 0.001"))
    text = changed([('profile = "us-modbus"', f'profile = "{profile}"')])
    line = 1 + PROFILE[: PROFILE.index("scale = 0.001")].count("\n")
    loaded = parse(text, "my.toml", {})

    assert loaded.parked["us-1"][0] == (
        f'my.toml:13: devices[0].profile: "{profile}" cannot be used '
        "(its mistakes are told next)"
    )
    assert loaded.parked["us-1"][1].startswith(f"{profile}:{line}: cells[7].scle:")


def test_a_device_that_cannot_say_who_it_is_needs_a_port_that_stays(tmp_path):
    profile = tmp_path / "mute.toml"
    mute = PROFILE.replace('identity = "identity"', 'identity = "none"')
    profile.write_text("".join(_without_identity(mute)))
    text = changed([('profile = "us-modbus"', f'profile = "{profile}"')])

    (said,) = parse(text, "my.toml", {}).parked["us-1"]
    by_path = text.replace("/dev/ttyS1", "/dev/serial/by-path/pci-0:1.0-port0")

    assert "may become another device's port" in said
    assert parse(by_path, "my.toml", {}).parked == {}


def _without_identity(text):
    """The blocks of a profile that do not speak of the identity."""
    head, *blocks = text.split("\n[[")
    yield head
    for block in blocks:
        if 'message = "identity"' not in block and 'name = "identity"' not in block:
            yield f"\n[[{block}"


def test_the_environment_overrides_typed_values():
    environ = {
        "DEVICELOG_SITE_NAME": "sim-two",
        "DEVICELOG_SITE_SIMULATED": "true",
        "DEVICELOG_JOURNAL_DIRECTORY": "/srv/two",
        "DEVICELOG_JOURNAL_COMMIT_INTERVAL_MS": "20",
        "DEVICELOG_CONFIG": "elsewhere",
    }
    config = parse(GOOD, "my.toml", environ).config

    assert (config.site.name, config.site.simulated) == ("sim-two", True)
    assert (config.journal.directory, config.journal.commit_interval_ms) == (
        "/srv/two",
        20,
    )


def test_what_the_environment_says_wrongly_is_told_as_such():
    environ = {
        "DEVICELOG_SITE_NMAE": "x",
        "DEVICELOG_JOURNAL_COMMIT_INTERVAL_MS": "soon",
    }

    name, interval = told(GOOD, environ)

    assert name == (
        "environment: DEVICELOG_SITE_NMAE: sets no key "
        "(did you mean DEVICELOG_SITE_NAME?)"
    )
    assert interval == (
        'environment: DEVICELOG_JOURNAL_COMMIT_INTERVAL_MS: "soon" cannot be '
        "journal.commit_interval_ms: Expected `int`, got `str` (unset it)"
    )


def test_an_override_of_a_section_that_is_none_does_not_raise():
    text = GOOD.replace('[site]\nname = "clinic-one"\ntimezone = "Europe/Berlin"', "")
    said = told(f"site = 3\n{text}", {"DEVICELOG_SITE_NAME": "x"})

    assert said == ["my.toml:1: site: expected a table, got 3"]


def test_a_file_that_cannot_be_read_names_the_command_that_writes_one(tmp_path):
    for path, bytes_ in (
        (tmp_path / "none.toml", None),
        (tmp_path / "b.toml", b"\xff"),
    ):
        if bytes_ is not None:
            path.write_bytes(bytes_)
        with pytest.raises(ConfigError, match="cannot be read") as caught:
            load(path, {})
        assert f"devicelog config init {path}" in caught.value.hint


def test_the_sample_that_is_shipped_is_the_one_in_the_repository():
    root = Path(__file__).parents[3]
    shipped = root / "devicelog" / "operations" / "sample.toml"
    sample = root / "config" / "devicelog.toml"

    assert shipped.read_text() == sample.read_text()
    loaded = load(sample, {})
    assert loaded.parked == {}
    assert len(loaded.config.devices) == 1


def test_what_is_shown_reads_back_as_the_same():
    config = parse(GOOD, "my.toml", {}).config
    text = msgspec.toml.encode(config).decode()

    assert parse(text, "my.toml", {}).config == config
    assert msgspec.toml.decode(text, type=Config) == config


LEAVES = st.one_of(
    st.text(max_size=12),
    st.integers(),
    st.booleans(),
    st.floats(),
    st.sampled_from(["us-1", "us-modbus", "/dev/x", "socket://a:1", "08:00-09:00"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "port", "profile", "x"]), inner)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["site", "journal", "hours", "devices", "name", "port", "directory", "holidays"]
)


@given(
    st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=3)),
    st.dictionaries(
        st.sampled_from(["DEVICELOG_SITE_NAME", "DEVICELOG_JOURNAL_DIRECTORY"]),
        st.text(max_size=5),
    ),
)
@settings(max_examples=200, deadline=None)
def test_any_values_are_read_or_refused_and_never_raise_otherwise(values, environ):
    text = msgspec.toml.encode(values).decode("utf-8", "surrogatepass")
    with contextlib.suppress(ConfigError):
        parse(text, "my.toml", environ)
