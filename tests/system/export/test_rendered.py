"""What is drawn is seen, in a browser and on paper: each curve as a line."""

import re

import pytest
from requires import paper, tool
from system.export.drawing import browsed, pixels, printed, said
from unit.export.patient import Patient, fortnight

from devicelog.errors import DevicelogError
from devicelog.export import pdf as pdf_room
from devicelog.export.course import compared, course
from devicelog.export.curves import chart, overlay
from devicelog.export.page import document, rendered
from devicelog.export.palette import BANDS, COLOURS
from devicelog.export.pdf import pdf
from devicelog.export.texts import texts
from devicelog.export.words import Words

WORDS = Words(texts())
WIDE, HIGH = 720, 190  # a chart, and the room that it gets
PLOT = (44, 50, 698, 148)  # of the chart: from the highest level down to the axis
OVERLAY_BOTTOM = 158
MOST = 0.06  # of the plot's pixels: a line two pixels wide; a field has a third of them


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    patient = Patient(tmp_path_factory.mktemp("weeks") / "journal")
    with patient.writer:
        return fortnight(patient)


@pytest.fixture(scope="module")
def charts(weeks):
    """Each curve of the fortnight, and three over one another, with their roles."""
    with weeks.reader() as reader:
        source = weeks.history(reader)
        courses = [
            course(it, source.readings(it), source.events(it), WORDS)
            for it in source.treatments()
        ]
    drawn = [(chart(it), {line.role for line in it.lines}, it.bands) for it in courses]
    sound = [it for it in courses if it.unit == "W/cm²"][-3:]
    three = compared([(str(n), it) for n, it in enumerate(reversed(sound))], WORDS)
    assert len(three.lines) == 3
    return [*drawn, (overlay(three), {line.role for line in three.lines}, ())]


@pytest.fixture(scope="module")
def page(weeks):
    with weeks.reader() as reader:
        return rendered(document(weeks.history(reader), WORDS), texts())


def stacked(charts):
    """All of them at known places, in a page as narrow as they are."""
    rows = "".join(
        f'<div style="position:absolute;left:0;top:{n * HIGH}px">{svg}</div>'
        for n, (svg, _, _) in enumerate(charts)
    )
    high = len(charts) * HIGH
    return (
        '<!doctype html><meta charset="utf-8"><style>'
        f"@page{{size:{WIDE}px {high}px;margin:0}}body{{margin:0}}svg{{display:block}}"
        f"</style>{rows}"
    )


def look(picture, charts):
    """Each line has its colour and encloses none; each band has its own."""
    for n, (svg, roles, bands) in enumerate(charts):
        left, top, right, bottom = PLOT
        box = (left, top + n * HIGH, right, bottom + n * HIGH)
        area = (right - left) * (bottom - top)
        for role in roles:
            if role == "set":  # under what was given, where that is the same
                legend = (0, n * HIGH, WIDE, n * HIGH + 20)
                assert pixels(picture, COLOURS[role], legend) > 5, svg
                continue
            seen = pixels(picture, COLOURS[role], box)
            assert seen > 100, (role, svg)
            assert seen < MOST * area, (role, svg)
        for band in bands:
            fill, strip = BANDS[band.kind]
            whole = (left, n * HIGH, right, bottom + n * HIGH)
            assert pixels(picture, fill, whole) > 100, svg
            assert pixels(picture, strip, whole) > 5, svg


def test_a_browser_shows_each_curve_as_a_line_in_its_colour(charts, tmp_path):
    tool("chromium")
    picture = browsed(stacked(charts), tmp_path, WIDE, len(charts) * HIGH)
    look(picture, charts)


def test_paper_shows_each_curve_as_a_line_in_its_colour(charts, tmp_path):
    tool("pdftoppm")
    paper()
    (picture,) = printed(pdf(stacked(charts)), tmp_path)
    assert picture.size == (WIDE, len(charts) * HIGH)
    look(picture, charts)


def test_the_look_notices_a_filled_curve(charts, tmp_path):
    tool("pdftoppm")
    paper()
    filled = [
        (
            svg.replace(
                'fill="none" stroke="#0072b2"', 'stroke="#0072b2" fill="#0072b2"'
            ),
            *rest,
        )
        for svg, *rest in charts
    ]
    assert filled[0][0] != charts[0][0]
    (picture,) = printed(pdf(stacked(filled)), tmp_path)
    with pytest.raises(AssertionError):
        look(picture, charts)


def test_the_whole_page_is_seen_in_a_browser(page, tmp_path):
    tool("chromium")
    picture = browsed(page, tmp_path, 1000, 4000)
    everywhere = (0, 0, *picture.size)
    for role in ("set", "delivered", "latest", "previous", "earlier"):
        assert pixels(picture, COLOURS[role], everywhere) > 50, role
    for fill, _ in (BANDS["contact_lost"], BANDS["paused"], BANDS["gap"]):
        assert pixels(picture, fill, everywhere) > 100


def test_the_whole_page_is_printed_with_its_text(page, tmp_path):
    tool("pdftotext")
    paper()
    made = pdf(page)
    text = " ".join(said(made, tmp_path).split())
    for part in (
        "Anna Muster",
        "3 MHz, 20 %, 0.5 W/cm² (SATP), 5:00",
        "24 J (25.5 J corrected) · 5:00",
        "Periosteal pain after four minutes",
        "identity not verified",
        "contact lost 11 s",
        "stored and read back",
    ):
        assert part in text, part
    sheets = printed(made, tmp_path)
    assert 4 <= len(sheets) <= 6
    assert text.count("SIMULATED") >= len(sheets)
    for n, sheet in enumerate(sheets, 1):
        assert f"{n}/{len(sheets)}" in text.replace(" / ", "/")
        assert abs(sheet.size[0] / sheet.size[1] - 210 / 297) < 0.01
    assert (
        sum(pixels(it, COLOURS["delivered"], (0, 0, *it.size)) for it in sheets) > 500
    )


@pytest.mark.parametrize(
    "asks",
    [
        '<img src="https://example.org/x.png">',
        '<img src="file:///etc/hostname">',
        '<img src="data:image/png;base64,AAAA">',
        '<link rel="stylesheet" href="http://127.0.0.1:1/x.css">',
        "<style>@import 'ftp://example.org/x.css';</style>",
        '<svg width="9" height="9"><image href="https://example.org/x.png"/></svg>',
    ],
)
def test_no_address_is_asked_for(asks):
    paper()
    with pytest.raises(DevicelogError, match="nothing was fetched"):
        pdf(f"<!doctype html><p>page</p>{asks}")


def test_a_missing_library_is_told_with_what_installs_it(monkeypatch):
    import builtins  # noqa: PLC0415

    real = builtins.__import__

    def lacking(error):
        def imported(name, *rest):
            if name == "weasyprint":
                raise error
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", imported)

    lacking(OSError("cannot load library 'libpango-1.0-0'"))
    with pytest.raises(DevicelogError) as told:
        pdf_room.pdf("<p>")
    assert re.search(r"libpango.*apt install libpango-1\.0-0", str(told.value))
    lacking(ModuleNotFoundError("No module named 'weasyprint'"))
    with pytest.raises(DevicelogError, match=r"pip install .*weasyprint"):
        pdf_room.pdf("<p>")
