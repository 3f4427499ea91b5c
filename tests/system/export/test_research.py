"""`export --all --pseudonymous` and `export verify`, as a person says them."""

import csv
import io
import json
import sys

import pytest
from system.export.conftest import NAME, NOTE, NUMBER
from system.identity.canary import in_bytes, in_files


@pytest.fixture
def allowing(site):
    site.run("patients", "consent", site.code, "--research")
    return site


def test_nobody_is_in_it_who_did_not_allow_it(site):
    told = site.run("export", "--all", "--pseudonymous")
    assert len([*csv.DictReader(io.StringIO(told.stdout))]) == 0
    how = "nobody allows research: `devicelog patients consent PSEUDONYM --research`"
    assert how in told.stderr
    refused = site.export("--pseudonymous", code=1)
    assert "does not allow research" in refused.stderr
    site.run("patients", "consent", site.code, "--research")
    told = site.run("export", "--all", "--pseudonymous")
    assert len([*csv.DictReader(io.StringIO(told.stdout))]) == 3
    assert "nobody allows" not in told.stderr
    site.run("patients", "consent", site.code, "--no-research")
    told = site.run("export", "--all", "--pseudonymous")
    assert len([*csv.DictReader(io.StringIO(told.stdout))]) == 0


def test_an_archive_without_a_library_says_which_forms_it_lacks(allowing, monkeypatch):
    path = allowing.folder / "out.zip"
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    asked = ("--all", "--pseudonymous", "-o", str(path))
    told = allowing.run("export", *asked).stderr
    (line,) = [it for it in told.splitlines() if it.startswith("no .")]
    assert line.startswith("no .parquet is in it: Parquet needs a library")
    assert "-m pip install 'pyarrow" in line


@pytest.mark.parametrize("shift", [(), ("--shift-dates",)])
@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "parquet", "zip"])
def test_no_file_of_it_names_the_patient(allowing, form, shift):
    path = allowing.folder / "out" / f"research.{form}"
    path.parent.mkdir()
    asked = ("--all", "--pseudonymous", *shift, "-o", str(path), "--readings")
    told = allowing.run("export", *asked)
    assert path.stat().st_size > 200
    assert in_files(path.parent, NAME, NOTE, NUMBER) == []
    assert in_bytes((told.stdout + told.stderr).encode(), NAME, NOTE, NUMBER) == []
    (record, *_) = allowing.audits()
    assert f"export {form} readings pseudonymous" in record["more"]


@pytest.mark.parametrize(
    "args",
    [
        ("--all",),
        ("--pseudonymous",),
        ("3333-334F", "--shift-dates"),
        ("3333-334F", "--all", "--pseudonymous"),
        (),
        ("3333-334F", "--format", "zip"),
    ],
)
def test_what_makes_no_sense_is_a_mistake_of_usage(site, args):
    site.run("export", "history", *args, code=2)
    assert site.audits() == []


def test_an_archive_is_verified_and_what_was_changed_is_named(site):
    path = site.folder / "history.zip"
    site.export("-o", str(path))
    told = site.json("export", "verify", str(path))
    assert (told["changed"], told["origin"]) == ([], "this clinic's")
    assert told["rows"]["sessions"] == 3
    anchor = site.json("audit", "verify", "--anchor", told["head"])
    assert anchor["state"] == "ok"
    assert "as it was exported" in site.run("export", "verify", str(path)).stdout

    data = bytearray(path.read_bytes())
    data[data.index(b"sessions.csv") + 40] ^= 1
    path.write_bytes(data)
    told = site.run("export", "verify", str(path), code=1)
    assert "sessions.csv" in told.stderr
    told = site.run("export", "verify", str(path), "--json", code=1)
    assert json.loads(told.stdout)["changed"] == ["sessions.csv"]


def test_who_has_no_configuration_can_verify_too(site):
    path = site.folder / "history.zip"
    site.export("-o", str(path))
    site.config.unlink()
    assert site.json("export", "verify", str(path))["origin"] == "not known"
    missing = site.run("export", "verify", str(path) + "x", code=1)
    assert "cannot be read" in missing.stderr
