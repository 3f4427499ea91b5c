"""Curves: any numbers are drawn, nothing that stands out is lost, nothing is filled."""

import math
import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from devicelog.export.axes import clock, levels, seconds
from devicelog.export.curves import (
    Band,
    Chart,
    Mark,
    chart,
    overlay,
    sparkline,
)
from devicelog.export.palette import BANDS, COLOURS, MARKS
from devicelog.export.steps import Line, clean, decimated, values

SVG = "{http://www.w3.org/2000/svg}"
ANY = st.floats(allow_nan=True, allow_infinity=True)
DEVICE = st.floats(0, 200, allow_subnormal=False)
POINTS = st.lists(st.tuples(ANY, st.none() | ANY), max_size=60).map(tuple)
RANGE = (146, 52)  # of the default chart, from the bottom up
TEXT = st.text(max_size=40)


def tree(svg):
    return ET.fromstring(svg)  # noqa: S314 - it was made here


def lines(points=POINTS):
    return st.lists(
        st.builds(Line, st.sampled_from(sorted(COLOURS)), TEXT, points), max_size=4
    ).map(tuple)


CHARTS = st.builds(
    Chart,
    TEXT,
    TEXT,
    TEXT,
    ANY,
    lines(),
    st.lists(
        st.builds(Band, st.sampled_from(sorted(BANDS)), ANY, ANY, TEXT, TEXT),
        max_size=5,
    ).map(tuple),
    st.lists(
        st.builds(Mark, st.sampled_from(sorted(MARKS)), ANY, TEXT), max_size=5
    ).map(tuple),
)


def of(*points, end_s=300.0, **more):
    return Chart(
        "title",
        "what it shows",
        "mA",
        end_s,
        (Line("delivered", "given", points),),
        **more,
    )


def paths(svg, role="delivered"):
    """Of the chart itself: the first of a role is the line, the second the legend."""
    found = [
        it.get("d")
        for it in tree(svg).iter(f"{SVG}path")
        if f"dl-{role}" in (it.get("class") or "").split()
    ]
    return found[0]


def heights(path):
    """All levels of a path, by walking its commands."""
    return [
        float(it[2] or it[3])
        for it in re.findall(r"(M([\d.]+) ([\d.]+)|V([\d.]+))", path)
        if it[2] or it[3]
    ]


@given(CHARTS)
def test_any_numbers_and_any_text_are_drawn(it):
    for draw in (chart, overlay, sparkline):
        svg = draw(it)
        root = tree(svg)
        assert draw(it) == svg
        for place in root.iter():
            for name, value in place.attrib.items():
                assert name != "style"
                assert "nan" not in value or name not in ("x", "y", "d", "width")
        for path in root.iter(f"{SVG}path"):
            numbers = re.findall(r"-?[\d.]+", path.get("d"))
            assert all(math.isfinite(float(n)) for n in numbers)


@given(
    st.lists(st.tuples(st.floats(0, 3600), DEVICE), min_size=1, max_size=400).map(tuple)
)
def test_what_stands_out_is_kept(points):
    drawn = heights(paths(chart(of(*points, end_s=3600.0))))
    axis = levels([value for _, value in points], *RANGE)
    wanted = [axis.scale.at(value) for _, value in points]
    assert abs(min(drawn) - min(wanted)) <= 0.06
    assert abs(max(drawn) - max(wanted)) <= 0.06


def test_an_hour_of_readings_at_ten_a_second_keeps_one_spike_and_one_drop():
    points = [(n / 10, 20.0) for n in range(36_000)]
    points[12_345] = (1234.5, 31.0)
    points[23_456] = (2345.6, 0.0)
    svg = chart(of(*points, end_s=3600.0))
    assert len(svg) < 6000
    axis = levels([0.0, 31.0], *RANGE)
    drawn = heights(paths(svg))
    assert min(drawn) == round(axis.scale.at(31), 1)
    assert max(drawn) == 146


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 9)), max_size=300))
def test_a_column_keeps_first_last_lowest_and_highest(points):
    points = sorted(points, key=lambda it: it[0])
    left = decimated(points)
    assert [x for x, _ in left] == sorted(x for x, _ in left)
    for column in {math.floor(x) for x, _ in points}:
        before = [it for it in points if math.floor(it[0]) == column]
        after = [it for it in left if math.floor(it[0]) == column]
        assert len(after) <= 4
        assert (after[0], after[-1]) == (before[0], before[-1])
        for best in (min, max):
            assert best(y for _, y in after) == best(y for _, y in before)


def test_a_gap_is_a_gap():
    svg = chart(of((0.0, 10.0), (100.0, None), (200.0, 10.0)))
    path = paths(svg)
    left, until, back, right = re.findall(r"[MH]([\d.]+)", path)
    assert path.count("M") == 2
    assert (float(left), float(right)) == (44, 696)
    assert (float(until), float(back)) == (
        round(44 + 652 / 3, 1),
        round(44 + 1304 / 3, 1),
    )


def test_a_line_of_steps_goes_across_before_it_goes_up():
    assert (
        re.sub(r"[\d. ]+", "", paths(chart(of((0, 1), (100, 2), (200, 0))))) == "MHVHVH"
    )


def test_one_reading_alone_is_a_dot():
    (length,) = re.findall(
        r"M[\d.]+ [\d.]+H([\d.]+)", paths(chart(of((300, 5), end_s=300)))
    )
    assert float(length) == 697


def test_every_line_is_unfilled_and_has_its_colour():
    drawn = [Line(role, role, ((0.0, 1.0),)) for role in COLOURS]
    root = tree(chart(Chart("t", "d", "mA", 9.0, tuple(drawn))))
    found = [
        it for it in root.iter(f"{SVG}path") if "dl-line" in (it.get("class") or "")
    ]
    assert {it.get("stroke") for it in found} == set(COLOURS.values())
    assert {it.get("fill") for it in found} == {"none"}


def test_a_screen_reader_is_told_what_it_shows():
    root = tree(chart(of((0.0, 1.0))))
    assert root.get("role") == "img"
    assert [it.tag for it in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert [it.text for it in root][:2] == ["title", "what it shows"]


def test_text_stays_text():
    svg = chart(of((0.0, 1.0), marks=(Mark("setting", 3.0, '<script>"&\x00'),)))
    assert "<script>" not in svg
    assert "&lt;script&gt;&quot;&amp;\ufffd" in svg


def test_bands_and_marks_are_told_by_name():
    bands = (Band("gap", 10.0, 10.001, "no readings", "no readings 1 s"),)
    marks = (Mark("fault", 20.0, "E7"), Mark("setting", 20.5, "18 → 22 mA"))
    root = tree(chart(of((0.0, 1.0), bands=bands, marks=marks)))
    titles = [it.text for it in root.iter(f"{SVG}title")]
    # Two stand too close for both labels; both still say what they are.
    assert {"no readings 1 s", "E7", "18 → 22 mA"} <= set(titles)
    widths = [float(it.get("width")) for it in root.iter(f"{SVG}rect")]
    assert min(widths) >= 1


def test_an_overlay_draws_its_first_line_last():
    drawn = tuple(
        Line(role, role, ((0.0, 1.0),)) for role in ("latest", "previous", "earlier")
    )
    svg = overlay(Chart("t", "d", "mA", 9.0, drawn))
    assert re.findall(r"dl-line dl-(\w+)", svg)[:3] == [
        "earlier",
        "previous",
        "latest",
    ]


@given(st.lists(st.floats(-1e12, 1e12), max_size=9))
def test_an_axis_holds_all_values_and_says_few_numbers(told):
    axis = levels(told, 100, 0)
    assert all(axis.scale.low <= it <= axis.scale.high for it in [*told, 0.0])
    assert 2 <= len(axis.ticks) <= 8
    assert len({label for _, label in axis.ticks}) == len(axis.ticks)


@given(st.floats(0, 1e9))
def test_an_axis_of_time_says_few_times(until):
    axis = seconds(until, 0, 700)
    assert 1 <= len(axis.ticks) <= 10
    assert len({label for _, label in axis.ticks}) == len(axis.ticks)


def test_ticks_are_round():
    assert [it for _, it in levels([0.5], 0, 1).ticks] == [
        "0.0",
        "0.2",
        "0.4",
        "0.6",
    ]
    assert [it for _, it in levels([22.0], 0, 1).ticks] == ["0", "10", "20", "30"]
    assert [it for _, it in seconds(317, 0, 1).ticks] == [
        "0:00",
        "1:00",
        "2:00",
        "3:00",
        "4:00",
        "5:00",
    ]
    assert clock(3905) == "1:05:05"


@given(POINTS)
def test_what_no_device_gives_is_a_break(points):
    kept = values([clean(Line("set", "", points))])
    assert all(math.isfinite(it) and abs(it) <= 1e12 for it in kept)
