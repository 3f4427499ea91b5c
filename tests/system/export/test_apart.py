"""What a console exports, by a process of its own."""

import subprocess
import sys

import pytest

from devicelog.errors import DevicelogError
from devicelog.export.history import Wanted
from devicelog.export.writers import FORMS
from devicelog.operations import export_apart, exports
from devicelog.operations.config import load

# What an export by this module leaves loaded in the process that asked for it.
LEAVES = """
import sys
from pathlib import Path
from devicelog.export.history import Wanted
from devicelog.export.writers import FORMS
from devicelog.operations import {module} as by, exports
from devicelog.operations.config import load
config, code, path = map(Path, sys.argv[1:])
asked = exports.Asked(
    wanted=Wanted(pseudonym=code.name), form=FORMS["parquet"], path=path
)
exports.export(load(config), asked, by=by.made)
print("pyarrow" in sys.modules)
"""


def asked(site, name):
    path = site.folder / name
    wanted = Wanted(pseudonym=site.code)
    return exports.Asked(wanted=wanted, form=FORMS[path.suffix[1:]], path=path)


def test_it_writes_what_is_written_here(site):
    loaded = load(site.config)
    here = exports.export(loaded, asked(site, "here.csv"))
    apart = exports.export(loaded, asked(site, "apart.csv"), by=export_apart.made)
    assert apart.rows == here.rows == {"sessions": 3}
    one, other = ((site.folder / it).read_bytes() for it in ("here.csv", "apart.csv"))
    assert one == other
    assert len(site.audits()) == 2


def test_what_it_cannot_write_is_told_as_it_is_here(site):
    loaded = load(site.config)
    told = []
    for by in (exports.made, export_apart.made):
        with pytest.raises(DevicelogError) as caught:
            exports.export(loaded, asked(site, "nowhere/history.csv"), by=by)
        told.append((type(caught.value), caught.value.message, caught.value.hint))
    assert told[0] == told[1]


def test_a_process_that_fails_is_told_and_leaves_no_file(site, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DevicelogError, match="ended by 1"):
        exports.export(
            load(site.config), asked(site, "history.csv"), by=export_apart.made
        )
    assert site.left == []


@pytest.mark.parametrize(
    ("module", "left"), [("exports", "True"), ("export_apart", "False")]
)
def test_what_it_needed_is_not_kept_by_who_asked(site, module, left):
    ended = subprocess.run(
        [
            *(sys.executable, "-c", LEAVES.format(module=module)),
            *(str(site.config), site.code, str(site.folder / "history.parquet")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.stdout.strip(), ended.stderr) == (left, "")
    assert "history.parquet" in site.left
