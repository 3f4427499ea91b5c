"""TOML read strictly."""

from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog import strict


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    baud: int
    parity: Literal["N", "E"] = "N"
    stopbits: Literal[1, 2] = 1


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    scale: float = 1.0
    low: float | None = None
    codes: dict[str, str | float | bool] = {}


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    line: Line
    items: tuple[Item, ...] = ()
    quiet: bool = False
    spare: Line | None = None


def read(text: str) -> tuple[Shape | None, list[str]]:
    table, problems = strict.load(text, "a.toml")
    if table is None:
        return None, [str(problem) for problem in problems]
    shape, problems = table.check(Shape)
    return shape, [str(problem) for problem in problems]


def test_a_good_file_becomes_its_shape():
    shape, problems = read(
        "[line]\nbaud = 9600\n[[items]]\nname = 'x'\nscale = 2\nlow = 1\n"
        "codes = { '0' = true, '1' = 1.5, '2' = 'c' }\n"
    )

    assert problems == []
    assert shape == Shape(
        Line(9600),
        (Item("x", 2.0, 1.0, {"0": True, "1": 1.5, "2": "c"}),),
    )


def test_all_problems_are_found_in_one_pass_each_with_its_line():
    shape, problems = read(
        """[line]
baud = "fast"
party = "E"
stopbits = 3

[[items]]
name = "a"

[[items]]
scale = nan_is_text
""".replace("nan_is_text", '"big"')
    )

    assert shape is None
    assert problems == [
        'a.toml:3: line.party: is not a known key (did you mean "parity"?)',
        'a.toml:2: line.baud: expected a whole number, got "fast"',
        "a.toml:4: line.stopbits: 3 is not allowed (one of 1, 2)",
        "a.toml:9: items[1].name: is missing (add it)",
        'a.toml:10: items[1].scale: expected a number, got "big"',
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("line = 3", "line: expected a table, got 3"),
        ("[line]\nbaud = true", "line.baud: expected a whole number, got True"),
        ("[line]\nbaud = 1\n[items]\na = 1", "items: expected a list, got {'a': 1}"),
        ("quiet = 1\n[line]\nbaud = 1", "quiet: expected true/false, got 1"),
        ("", "line: is missing (add it)"),
    ],
)
def test_a_wrong_value_is_named(text, said):
    _, problems = read(text)

    assert len(problems) == 1
    assert problems[0].endswith(said)


def test_text_that_is_no_toml_is_one_problem_with_its_line():
    assert read("a = 1\nb = = 2")[1][0].startswith("a.toml:2: is not TOML")


ROWS = """
items = [
  # rows
  { name = "a" },
  { name = "b", scale = "x" },
]
line = { baud = 1 }
"""
UNDER_AN_ARRAY = """
[[items]]
name = "a"
[[items]]
name = "b"
[items.codes]
1 = []
[line]
baud = 1
"""
OPEN_TEXT = """
[line]
baud = 1
extra = '''
parity = 3
'''
parity = 3
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROWS, 'a.toml:5: items[1].scale: expected a number, got "x"'),
        (UNDER_AN_ARRAY, "a.toml:7: items[1].codes.1: expected text or a number"),
        (OPEN_TEXT, "a.toml:7: line.parity: 3 is not allowed (one of N, E)"),
    ],
)
def test_a_problem_names_its_own_line(text, said):
    assert read(text)[1][-1].startswith(said)


@pytest.mark.parametrize("key", ["line.baud", "items", "quiet", "line.parity"])
def test_a_number_of_thousands_of_digits_is_told_like_any_other(key):
    table, key = key.rpartition(".")[::2]
    header = f"[{table}]\n" if table else ""

    shape, problems = read(f"{header}{key} = 0x{'f' * 5000}")

    assert shape is None or table
    assert all(len(problem) < 200 for problem in problems)


@given(st.text())
def test_no_text_ever_raises(text):
    read(text)


@given(
    st.recursive(
        st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=3)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["line", "items", "quiet", "baud", "name", "x"]),
                inner,
                max_size=4,
            ),
        ),
    )
)
def test_no_table_ever_raises_and_all_that_passes_is_the_shape(values):
    table = strict.Table({}, "a.toml", {})
    if isinstance(values, dict):
        shape, problems = table.check(Shape, values)

        assert (shape is None) == bool(problems)


def test_what_is_wrong_inside_an_optional_table_is_told_in_full():
    shape, problems = read("[line]\nbaud = 1\n[spare]\nbaud = 'x'\nparty = 'E'\n")

    assert shape is None
    assert problems == [
        'a.toml:5: spare.party: is not a known key (did you mean "parity"?)',
        'a.toml:4: spare.baud: expected a whole number, got "x"',
    ]
