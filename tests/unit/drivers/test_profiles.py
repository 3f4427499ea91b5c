"""Profile files: what is wrong with one is told all at once, with line and remedy."""

import hashlib
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicelog.drivers import load as loading
from devicelog.drivers.load import ProfileError, available, driver, load, parse
from devicelog.drivers.profile import Channel, ModbusProfile, Read, RegisterCell
from devicelog.errors import ConfigError
from devicelog.model.flow import Frame
from devicelog.model.states import DECODED

FILE = Path(loading.__file__).parent / "profiles" / "us-modbus.toml"
TEXT = FILE.read_text(encoding="utf-8")
TABLE = tomllib.loads(TEXT)


BROKEN = Path(__file__).parent / "broken"


def broken(*changes: list[str] | tuple[str, str], text: str = TEXT):
    """All that is told of a profile (the shipped one for Modbus) with these changes."""
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    with pytest.raises(ProfileError) as caught:
        parse(text, "my.toml")
    assert all(problem.where.startswith("my.toml") for problem in caught.value.problems)
    listed = [f"  {problem}" for problem in caught.value.problems]
    assert caught.value.message.splitlines()[1:] == listed
    return [re.sub(r"^my\.toml(:\d+)?: ", "", str(it)) for it in caught.value.problems]


def base(name):
    """The text that the rows of this name change."""
    shipped = FILE.parent / f"{name}.toml"
    own = BROKEN / f"{name}-example.toml"
    return (shipped if shipped.exists() else own).read_text(encoding="utf-8")


def rows():
    for file in sorted(BROKEN.glob("*.toml")):
        for row in tomllib.loads(file.read_text(encoding="utf-8")).get("broken", ()):
            yield pytest.param(file.stem, row, id=f"{file.stem}: {row['what']}")


@pytest.mark.parametrize(("name", "row"), [*rows()])
def test_a_broken_profile_is_told(name, row):
    assert broken(*row["changes"], text=base(name)) == row["said"]


def test_the_examples_that_rows_break_are_whole():
    assert parse(base("stuffed"), "stuffed-example.toml").name == "stuffed-example"


def test_every_problem_names_its_line():
    with pytest.raises(ProfileError) as caught:
        parse(TEXT.replace("scale = 0.001", "scale = nan"), "my.toml")

    (problem,) = caught.value.problems
    line = 1 + TEXT[: TEXT.index("scale = 0.001")].count("\n")
    assert str(problem).startswith(f"my.toml:{line}: cells[7].scale: nan is impossible")


def test_what_is_wrong_in_many_places_is_told_in_one_pass():
    said = broken(
        ("baud = 19200", "baud = 'fast'"),
        ("unit = 10", "unit = 300"),
        ("function = 3", "function = 5"),
        ('3 = "running"', '3 = "runing"'),
        ("high = 3600", "high = -1"),
        ("scale = 0.001", "scle = 0.001"),
        ("bit = 0", "bit = 99"),
    )

    keys = [line.partition(": ")[0] for line in said]
    assert keys == [
        "line.baud",
        "channels[0].states.3",
        "messages[0].function",
        "cells[7].scle",
        "cells[5].high",
        "cells[5].low",
        "cells[15].bit",
    ]


def test_no_toml_is_told_with_its_line():
    with pytest.raises(ProfileError, match=r"my\.toml:2: is not TOML"):
        parse("a = 1\nb = = 2", "my.toml")


def test_what_is_shipped():
    assert available() == ["combo", "ifc-classic", "us-classic", "us-modbus"]


@pytest.mark.parametrize("name", available())
def test_a_shipped_profile_is_a_reference_and_says_so(name):
    profile, text = load(name), (FILE.parent / f"{name}.toml").read_text()

    assert profile.name == name
    assert profile.reference
    assert "reference protocol" in text.splitlines()[0]
    assert "publishes its data protocol" in text
    assert driver(profile).profile is profile
    for channel in profile.channels:
        assert set(channel.states.values()) == set(DECODED)


def test_a_profile_by_its_path_is_the_same(tmp_path):
    copy = tmp_path / "mine.toml"
    copy.write_text(TEXT, encoding="utf-8")

    assert load(str(copy)) == load("us-modbus")


def test_the_hash_is_over_the_files_text():
    assert load("us-modbus").hash == hashlib.sha256(TEXT.encode()).hexdigest()[:12]
    assert parse(TEXT + "# more\n", "x.toml").hash != load("us-modbus").hash


@pytest.mark.parametrize("name", ["nobody", "/nowhere/nobody.toml", "nobody.toml", ""])
def test_a_profile_that_is_not_there(name):
    with pytest.raises(ConfigError) as caught:
        load(name)

    assert caught.value.hint


def test_a_file_that_is_no_text(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_bytes(b"\xff\xfe\0")

    with pytest.raises(ConfigError, match="cannot be read"):
        load(str(file))


SHAPES = (
    ModbusProfile,
    Read,
    Channel,
    RegisterCell,
    *(
        field.type
        for field in msgspec.structs.fields(ModbusProfile)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
    ),
)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_key_that_there_is_stands_in_the_file_with_a_comment(shape):
    told = "\n".join(re.findall(r"#.*|^\w+ = .*#|^\[.*", TEXT, re.MULTILINE))
    for field in msgspec.structs.fields(shape):
        if field.name not in ("hash", "schema", "name", "title"):
            assert re.search(rf"\b{field.name}\b", told), field.name


BASES = {name: base(name) for name in (*available(), "stuffed")}
VALUES = ("0", "-1", "1e9", "nan", "true", '"x"', '"<"', "[]", "{}", "[[]]", "300")


@pytest.mark.no_cover  # tracing each line would make it thrice as long
@pytest.mark.parametrize("name", BASES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_change_to_a_profile_raises_anything_but_its_problems(name, data):
    lines = BASES[name].split("\n")
    keys = sorted({*re.findall(r"(\w+) =", BASES[name]), "x", "plus", "absent"})
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key = data.draw(st.sampled_from(keys))
        lines[at] = f"{key} = {data.draw(st.sampled_from(VALUES))}"
    told = None
    try:
        it = driver(parse("\n".join(lines), "my.toml"))
        it.hear(Frame(b"\0" * 30))
    except ProfileError as error:
        told = error.problems
    assert told is None or all(it.message for it in told)
