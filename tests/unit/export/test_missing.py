"""A form without its library says by which command it gets it, in one manner."""

import shlex
import sys
import tomllib
from pathlib import Path

import pytest
from requires import paper

from devicelog.export.writers import FORMS, Missing

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
EXTRAS = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize(
    ("form", "module", "extra"),
    [
        ("parquet", "pyarrow", "parquet"),
        ("fhir.json", "fhir.resources.R4B.bundle", "fhir"),
        ("pdf", "weasyprint", "pdf"),
        ("pdf", "pypdf", "pdf"),
    ],
)
def test_the_remedy_installs_what_the_extra_does_beside_this_program(
    monkeypatch, form, module, extra
):
    if module == "pypdf":
        paper()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Missing) as raised:
        FORMS[form].ready()
    assert module in raised.value.message
    program, *words = shlex.split(raised.value.hint.removeprefix("sudo "))
    assert (program, words[:3]) == (sys.executable, ["-m", "pip", "install"])
    # However a build writes them down: `fhir.resources` and `fhir-resources` are one.
    plain = sorted(it.replace(".", "-") for it in words[3:])
    assert plain == sorted(it.replace(".", "-") for it in EXTRAS[extra])


def test_who_may_not_write_there_asks_as_root(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    with pytest.raises(Missing) as raised:
        FORMS["parquet"].ready()
    assert raised.value.hint.startswith(f"sudo {sys.executable} -m pip install ")
