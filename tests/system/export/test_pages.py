"""`devicelog export` as page, paper and bundle: by command, in parts, refused."""

import contextlib
import importlib
import json
import zipfile

import msgspec
import pytest
from requires import paper, tool
from system.export.conftest import NAME, NOTE, NUMBER
from system.export.drawing import said

from devicelog.errors import DevicelogError
from devicelog.export.history import Wanted
from devicelog.export.writers import FORMS
from devicelog.operations import exports
from devicelog.operations.config import load


def test_a_page_is_written(site):
    path = site.folder / "history.html"
    told = site.export("-o", str(path))
    page = path.read_text()
    assert "3 sessions, 1 manual" in told.stderr
    for part in (NAME, NUMBER, NOTE, "SIMULATED", "massage"):
        assert part in page
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_page_goes_to_stdout_too(site):
    assert site.export("--format", "html").stdout.startswith("<!doctype html>")


def test_paper_is_written(site):
    tool("pdftotext")
    paper()
    path = site.folder / "history.pdf"
    site.export("-o", str(path))
    data = path.read_bytes()
    assert data.startswith(b"%PDF-")
    text = said(data, site.folder)
    assert NAME in text
    assert site.code in text


def test_a_bundle_is_written_and_names_nobody(site):
    path = site.folder / "history.fhir.json"
    site.export("-o", str(path))
    text = path.read_text()
    bundle = json.loads(text)
    importlib.import_module("fhir.resources.R4B.bundle").Bundle.model_validate(bundle)
    assert site.code in text
    for secret in (NAME, NUMBER, "1958-03-09"):
        assert secret not in text


def test_codes_of_others_come_from_the_configured_file(site):
    codes = site.folder / "codes.toml.txt"
    codes.write_text('[manual.massage]\nsystem = "urn:other"\ncode = "M1"\n')
    config = site.config.read_text()
    site.config.write_text(f'{config}\n[export]\ncodes_file = "{codes}"\n')
    text = site.export("--format", "fhir.json").stdout
    assert '"urn:other"' in text
    codes.unlink()
    told = site.run("export", site.code, "--format", "fhir.json", code=3)
    assert "codes_file" in told.stderr


def test_research_has_bundles_but_no_pages(site):
    site.run("patients", "consent", site.code, "--research")
    told = site.export("--pseudonymous", "--format", "html", code=1)
    assert ".html is for people, not for research" in told.stderr
    text = site.export("--pseudonymous", "--format", "fhir.json").stdout
    assert len(json.loads(text)["entry"]) > 5
    assert NOTE not in text


@pytest.mark.parametrize("form", ["html", "pdf", "fhir.json"])
def test_everybody_is_refused(site, form):
    path = str(site.folder / f"all.{form}")
    told = site.run("export", "--all", "--pseudonymous", "-o", path, code=1)
    assert f".{form} holds one patient" in told.stderr


def test_an_archive_has_them(site):
    paper()
    path = site.folder / "history.zip"
    site.export("-o", str(path))
    with zipfile.ZipFile(path) as archive:
        assert {"history.html", "history.pdf", "history.fhir.json"} <= {
            *archive.namelist()
        }


@pytest.mark.parametrize("name", ["a.html", "a.fhir.json", "A.HTML", "other"])
def test_parts_are_numbered_before_the_suffix(name, tmp_path):
    form = FORMS["fhir.json" if "fhir" in name else "html"]
    wanted = {
        "a.html": "a-2.html",
        "a.fhir.json": "a-2.fhir.json",
        "A.HTML": "A-2.HTML",
        "other": "other-2",
    }
    assert form.path(tmp_path / name, 2, 3).name == wanted[name]
    assert form.path(tmp_path / name, 1, 1).name == name


@contextlib.contextmanager
def unseen(_):
    yield lambda: None


def asked(site, name, most=2):
    """As the command asks, but of a form whose files hold two treatments."""
    form = msgspec.structs.replace(FORMS["html"], most=most)
    wanted = Wanted(pseudonym=site.code)
    path = None if name is None else site.folder / name
    return exports.Asked(wanted=wanted, form=form, path=path)


def test_a_long_history_is_several_files(site):
    done = exports.export(load(site.config), asked(site, "history.html"))
    assert site.left == ["history-1.html", "history-2.html"]
    assert done.path == ", ".join(str(site.folder / it) for it in site.left)
    assert done.rows == {"sessions": 3, "manual": 1}
    first, second = ((site.folder / it).read_text() for it in site.left)
    assert "part 1 of 2" in first
    assert "part 2 of 2" in second
    for session in site.sessions:
        assert (session in first) != (session in second)


def test_several_files_do_not_go_to_stdout(site):
    with pytest.raises(DevicelogError, match="2 files"):
        exports.export(load(site.config), asked(site, None))


def test_all_parts_get_their_names_or_none(site, monkeypatch):
    written = []
    real = type(FORMS["html"]).write

    def write(form, out, part, options):
        if written:
            raise DevicelogError("the second cannot be written")
        written.append(part)
        return real(form, out, part, options)

    monkeypatch.setattr(type(FORMS["html"]), "write", write)
    with pytest.raises(DevicelogError, match="second"):
        exports.export(load(site.config), asked(site, "history.html"))
    assert written
    assert site.left == []
