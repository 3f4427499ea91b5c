"""What is not R4 is found: else a bundle in which nothing is found proves nothing."""

import importlib
import json
from pathlib import Path

import pytest
from unit.export.r4.shape import TYPES, faults

GOLDEN = Path(__file__).parents[1] / "golden" / "one_session.fhir.json"
OURS = ("Bundle", "Device", "DeviceMetric", "Procedure", "Observation", "Provenance")
LEFT_OUT = {"extension", "modifierExtension", "contained", "resource_type"}


def broken(change):
    """What is found in the bundle written by hand, once something in it is changed."""
    bundle = json.loads(GOLDEN.read_text())
    assert faults(bundle) == []
    change(
        bundle,
        {it["resource"]["resourceType"]: it["resource"] for it in bundle["entry"]},
    )
    return faults(bundle)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda _, it: it["Device"].update(displayName="x"),
            "displayName is not in R4",
        ),
        (
            lambda _, it: it["Procedure"].update(recorded="2026"),
            "recorded is not in R4",
        ),
        (
            lambda _, it: it["Observation"]["component"][0].update(text="x"),
            "component[0].text is not in R4",
        ),
        (lambda _, it: it["Procedure"].pop("status"), "resource.status is missing"),
        (
            lambda _, it: it["Procedure"].update(performedDateTime="2026-11-23"),
            "performed[x] is there twice",
        ),
        (
            lambda _, it: it["Procedure"].update(bodySite={"text": "knee"}),
            "bodySite: a list is due",
        ),
        (lambda _, it: it["Device"].update(status="on"), "'on' is none of"),
        (
            lambda _, it: it["Observation"].update(
                device={"reference": "urn:uuid:" + it["Procedure"]["id"]}
            ),
            "device may not be a Procedure",
        ),
        (lambda it, _: it.update(timestamp="2026-11-24"), "is no Instant"),
        (
            lambda _, it: it["Observation"]["effectivePeriod"].update(start="10:15"),
            "'10:15' is no DateTime",
        ),
    ],
)
def test_what_is_not_r4_is_found(change, told):
    (found,) = broken(change)
    assert told in found


@pytest.mark.parametrize("resource", OURS)
def test_r4b_whose_classes_we_use_has_the_same_elements(resource):
    room = importlib.import_module(f"fhir.resources.R4B.{resource.lower()}")
    mine = [it for it in TYPES if it.startswith(resource) and hasattr(room, it)]
    assert resource in mine
    for name in mine:
        told = getattr(room, name).model_fields.items()
        names = {it.alias or key for key, it in told} - LEFT_OUT
        names -= {it for it in names if it.startswith(("_", "fhir_", "resourceType"))}
        assert names == {*TYPES[name]}
