"""A long page on paper: several sheets, each drawn by itself, are one document."""

import os
import re
import signal
import subprocess
import sys
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from pypdf import PdfReader
from requires import paper, tool
from system.export.drawing import pixels, printed, said
from unit.export.patient import US, Patient, fortnight

from devicelog.errors import DevicelogError
from devicelog.export import sheets
from devicelog.export.page import document, rendered
from devicelog.export.palette import COLOURS
from devicelog.export.texts import texts
from devicelog.export.through import Through
from devicelog.export.words import Words

WORDS = Words(texts())
ADDRESS = "file:///etc/hostname"


@pytest.fixture(scope="module")
def hers(tmp_path_factory):
    patient = Patient(tmp_path_factory.mktemp("weeks") / "journal")
    with patient.writer:
        fortnight(patient)
        with patient.reader() as reader:
            return document(patient.history(reader), WORDS)


@pytest.fixture(scope="module")
def joined(hers):
    """The eight of the fortnight by three on a sheet: as a long history is drawn."""
    paper()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "MOST", 3)
        return sheets.paper(hers, texts())


@pytest.fixture(scope="module")
def at_once(hers):
    paper()
    return sheets.paper(hers, texts())


class Flickering(Through):
    """Each of its treatments lost contact so many times more."""

    times = 0

    def events(self, of):
        begun, *rest = super().events(of)
        for n in range(self.times):
            at_ns = of.started_ns + n * 7 * 10**9
            lost = msgspec.structs.replace(
                begun, event="contact_lost", at_ns=at_ns, values={}
            )
            back = msgspec.structs.replace(
                lost, event="contact_back", at_ns=at_ns + 10**9, began_ns=at_ns
            )
            rest += [lost, back]
        return [begun, *rest]


def test_a_treatment_in_which_much_happened_needs_no_more_paper(tmp_path):
    paper()
    patient = Patient(tmp_path / "journal")
    with patient.writer:
        patient.come()
        patient.record(US, "R1", "2026-11-11T09:10")
        with patient.reader() as reader:
            source = Flickering(patient.history(reader))
            calm = sheets.paper(document(source, WORDS), texts())
            source.times = 38
            restless = sheets.paper(document(source, WORDS), texts())
    counts = [len(PdfReader(BytesIO(it)).pages) for it in (calm, restless)]
    assert counts[0] == counts[1]
    told = " ".join(page.extract_text() for page in PdfReader(BytesIO(restless)).pages)
    assert "contact lost 40 times" in " ".join(told.split())


@pytest.mark.parametrize("count", [51, 100, 101, 499, 500])
def test_each_treatment_is_on_one_sheet_and_no_sheet_is_too_large(count):
    front, *rest = sheets.sheets(count)
    assert (front.front, front.first, front.last, front.back) == (True, 0, 0, False)
    assert rest[0].first == 0
    assert all(before.last == after.first for before, after in pairwise(rest))
    assert rest[-1].last == count
    sizes = [it.last - it.first for it in rest]
    assert max(sizes) <= sheets.MOST
    assert max(sizes) - min(sizes) <= 1
    assert [it.back for it in rest] == [False] * (len(rest) - 1) + [True]
    assert not any(it.front for it in rest)


def test_it_says_all_that_the_page_says_in_the_same_order(joined, at_once, tmp_path):
    tool("pdftotext")

    def words(data):
        """All but head and foot, which fall elsewhere where pages break elsewhere."""
        lines = said(data, tmp_path).splitlines()
        foot = re.compile(r"[ \f]*(SIMULATED|[0-9A-Z-]{9} +\d+ ?/ ?\d+) *")
        return " ".join(it for it in lines if not foot.fullmatch(it)).split()

    assert sorted(words(joined)) == sorted(words(at_once))
    assert len(words(joined)) > 500


def test_each_of_its_pages_has_its_number_and_the_head(joined, hers, tmp_path):
    tool("pdftotext")
    count = len(PdfReader(BytesIO(joined)).pages)
    *each, rest = said(joined, tmp_path).split("\f")
    assert (len(each), rest) == (count, "")
    for n, text in enumerate(each, 1):
        code = hers.history.wanted.pseudonym
        assert re.search(rf"{code} +{n} ?/ ?{count}$", text.rstrip()), n
        assert text.strip().startswith("SIMULATED")


def test_it_is_drawn_as_the_page_is(joined, at_once, tmp_path):
    tool("pdftoppm")
    seen = []
    for n, data in enumerate((joined, at_once)):
        folder = tmp_path / str(n)
        folder.mkdir()
        drawn = printed(data, folder)
        everywhere = (0, 0, *drawn[0].size)
        seen.append(sum(pixels(it, COLOURS["delivered"], everywhere) for it in drawn))
    assert seen[0] == pytest.approx(seen[1], rel=0.05)
    assert seen[0] > 500


def test_its_links_lead_to_the_treatments(joined, hers):
    read = PdfReader(BytesIO(joined))
    places = read.named_destinations
    links = [
        str(it.get_object()["/Dest"])
        for page in read.pages
        for it in page.get("/Annots", ())
    ]
    assert links == [f"t{n}" for n in range(1, len(hers.sections) + 1)]
    for name, section in zip(links, hers.sections, strict=True):
        page = read.get_destination_page_number(places[name])
        text = " ".join(read.pages[page].extract_text().split())
        assert f"{section.day}, {section.hours}" in text
    for it in read.pages:
        for annotation in it.get("/Annots", ()):
            assert "/A" not in annotation.get_object()  # no address is left


def test_title_language_and_bookmarks_are_of_the_whole(joined, at_once):
    one, other = (PdfReader(BytesIO(it)) for it in (joined, at_once))
    assert one.metadata == other.metadata
    assert one.metadata.title == texts()(
        "page.title", pseudonym=one.metadata.title[-9:]
    )
    assert one.root_object["/Lang"] == other.root_object["/Lang"] == "en"
    assert [it.title for it in one.outline] == [it.title for it in other.outline]
    assert len(one.outline) > 8


def test_what_a_sheet_lacks_is_told_and_nothing_is_drawn(hers):
    paper()
    page = rendered(hers, texts()).replace("<h1>", f'<h1><img src="{ADDRESS}">')
    with pytest.raises(DevicelogError, match=f"could not be drawn.*{ADDRESS}") as told:
        sheets.drawn(page)
    assert told.value.message.count("drawn") == 1


def test_one_that_draws_and_is_killed_is_told(monkeypatch):
    real = subprocess.run

    def killed(_, **more):
        shot = "import os; os.kill(os.getpid(), 9)"
        return real([sys.executable, "-c", shot], **more)

    monkeypatch.setattr(subprocess, "run", killed)
    with pytest.raises(DevicelogError, match=f"could not be drawn.*{-signal.SIGKILL}"):
        sheets.drawn("<p>")


LONG = 500
MEMORY_MB = 500
DRAWS = f"""
import resource, sys
from io import BytesIO
from pathlib import Path
from pypdf import PdfReader
from unit.export.patient import US, Patient, fortnight
from unit.export.test_memory import Again
from devicelog.export import sheets
from devicelog.export.page import document
from devicelog.export.texts import texts
from devicelog.export.through import Through
from devicelog.export.words import Words
patient = Patient(Path(sys.argv[1]))
with patient.writer:
    fortnight(patient)
    with patient.reader() as reader:
        source = patient.history(reader)
        times = -(-{LONG} // source.count())
        long = document(Again(source, times), Words(texts()))
read = PdfReader(BytesIO(sheets.paper(long, texts())))
assert len(read.named_destinations) == len(long.sections) >= {LONG}
for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
    print(resource.getrusage(who).ru_maxrss // 1024, resource.getrusage(who).ru_utime)
"""


@pytest.mark.torture
def test_five_hundred_treatments_take_a_bounded_memory(tmp_path):
    paper()
    done = subprocess.run(
        [sys.executable, "-c", DRAWS, str(tmp_path / "journal")],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    (mine, _), (theirs, cpu_s) = (it.split() for it in done.stdout.splitlines())
    print(f"the process {mine} MB, the largest sheet {theirs} MB, CPU {cpu_s} s")
    assert int(mine) + int(theirs) < MEMORY_MB
