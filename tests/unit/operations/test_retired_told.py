"""Where sessions are listed it is said how many left by age, and of when."""

import hashlib
import json

import pytest
from click.testing import CliRunner
from consoles import clinic
from unit.operations.retiring import YEARS, Archive
from unit.records.identity_clinic import MASTER

from devicelog.__main__ import main
from devicelog.clock import BUILD_NS
from devicelog.model import codec
from devicelog.model.flow import Draft
from devicelog.model.retirement import RetirementBody
from devicelog.operations import master
from devicelog.operations.config import load

HEAD = "; with which head is not known any more"


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Of 2026-11-24: one session of Anna's, two of Bernd's left; a later one stands."""
    folder = tmp_path_factory.mktemp("old")
    made = Archive(folder)
    made.anna, made.bernd = made.add("Anna"), made.add("Bernd")
    for code in (made.anna, made.bernd, made.bernd, made.anna):
        made.assign(made.treated(), code)
    made.clock.advance(YEARS)
    made.elsewhere()
    made.night()
    with made.reader() as view:
        assert view.departed().sessions == 3
    made.writer.close()
    made.file = folder / "clinic.toml"
    made.file.write_text(
        '[site]\nname = "sim-test"\nsimulated = true\ntimezone = "Europe/Berlin"\n'
        f'[journal]\ndirectory = "{made.directory}"\nballast_mb = 0\n'
    )
    master.written(master.path_of(load(made.file).config), MASTER)
    return made


def said(old, *words):
    """What a command tells: stdout and stderr."""
    result = CliRunner().invoke(main, [*words, "--config", str(old.file)])
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_a_recall_says_how_many_it_cannot_know_of(old):
    told = f"3 sessions were retired by age, the newest of 2026-11-24{HEAD}\n"
    listed, told_so = said(old, "calibration", "recall", "H-77")
    assert told in told_so
    assert "0 sessions, 0 patients and 0 unassigned" in told_so
    assert listed == ""
    since = ("--since", "2026-12-01")
    assert "retired" not in said(old, "calibration", "recall", "H-77", *since)[1]
    found = json.loads(said(old, "calibration", "recall", "H-77", "--json")[0])
    assert found["departed"]["sessions"] == 3


def test_a_patient_is_shown_with_how_many_left(old):
    for code, told in (
        (old.anna, "1 session was retired by age, the newest of 2026-11-24\n"),
        (old.bernd, "2 sessions were retired by age, the newest of 2026-11-24\n"),
    ):
        assert told in said(old, "patients", "show", code)[1]


def test_a_months_report_says_so_of_that_month_and_earlier_ones(old, tmp_path):
    told = "Retired by age, and not counted here"
    page = tmp_path / "report.html"
    shown = said(old, "report", "--month", "2026-11")[0]
    (line,) = [it for it in shown.splitlines() if it.startswith(told)]
    assert line.split("  ")[-1] == "3 sessions, the newest of 24 Nov 2026"
    assert told not in said(old, "report", "--month", "2026-12")[0]
    said(old, "report", "--month", "2026-11", "-o", str(page))
    assert told in page.read_text()
    assert "3 sessions, the newest of 24 Nov 2026" in page.read_text()
    found = json.loads(said(old, "report", "--month", "2026-11", "--json")[0])
    assert found["departed"]["sessions"] == 3


def test_the_consoles_inbox_and_recall_say_so(tmp_path):
    with clinic(tmp_path / "data") as here:
        assert "retired" not in "".join(pages(here))
        left(here, 1, {"": (1, BUILD_NS)})
        inbox, recalled = pages(here)
        assert "One session of nobody was retired by age, of" in inbox
        assert "One session was retired by age, of" in recalled
        left(here, 2, {"3333-334F": (4, BUILD_NS), "": (1, BUILD_NS)})
        inbox, recalled = pages(here)
        assert "2 sessions of nobody were retired by age, the newest of" in inbox
        assert "6 sessions were retired by age, the newest of" in recalled


def pages(here):
    """The inbox, and the recall of a head, as those see them who may."""
    found = []
    for role, path in (("physio", "/inbox"), ("engineer", "/recall?head=H-77")):
        with here.client(role) as client:
            answer = client.get(path)
        assert answer.status_code == 200
        found.append(answer.text)
    return found


def left(here, n, patients):
    """A retirement of sessions with nothing else in them."""
    nothing = hashlib.sha256().hexdigest()
    body = RetirementBody(by="-", what="sessions", sha256=nothing, patients=patients)
    key, said_ = f"retirement/{n}", codec.encode(body)
    draft = Draft(BUILD_NS, "-", "-", "retirement", "", key, said_, edge=True)
    here.daemon.recording.writer.append([draft], 10)
