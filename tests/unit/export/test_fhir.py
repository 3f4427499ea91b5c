"""A bundle is FHIR R4, says what was given, and nobody's name."""

import importlib
import json
import re
from collections import Counter
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from unit.export.clinic import source as source_of
from unit.export.patient import Patient, at
from unit.export.r4.shape import faults
from unit.export.told import SESSION, Told

from devicelog.errors import ConfigError
from devicelog.export import fhir
from devicelog.export.history import Manual, Wanted
from devicelog.export.parts import Whole
from devicelog.export.tables import Options
from devicelog.export.through import Through
from devicelog.journal.reader import Reader
from devicelog.model.facts import Facts
from devicelog.model.states import END_REASONS

GOLDEN = Path(__file__).parent / "golden"
CODES = str(Path(__file__).parents[3] / "config" / "codes.toml")
BUNDLE = importlib.import_module("fhir.resources.R4B.bundle").Bundle


def text_of(source, codes=""):
    out = BytesIO()
    fhir.write(out, source, Options(codes_file=codes))
    return out.getvalue().decode()


def bundle_of(source, codes=""):
    return json.loads(text_of(source, codes))


def all_of(bundle, kind):
    found = (it["resource"] for it in bundle["entry"])
    return [it for it in found if it["resourceType"] == kind]


def session(**said):
    return msgspec.structs.replace(SESSION, **said)


def procedure(**said):
    (found,) = all_of(bundle_of(Told(session(**said))), "Procedure")
    return found


def test_the_bundle_of_one_session_is_the_one_written_by_hand():
    wanted = json.loads((GOLDEN / "one_session.fhir.json").read_text())
    assert bundle_of(Told(SESSION), CODES) == wanted


def sound(bundle):
    """It passes, is R4, refers to nothing outside, and names each thing once."""
    BUNDLE.model_validate(bundle)
    entries = bundle["entry"]
    urls = [it["fullUrl"] for it in entries]
    assert len({*urls}) == len(urls)
    assert urls == [f"urn:uuid:{it['resource']['id']}" for it in entries]
    assert faults(bundle) == []
    said = re.findall(r'"reference": "([^"]+)"', json.dumps(bundle))
    assert {*said} <= {*urls}
    codes = re.findall(
        r'"http://unitsofmeasure.org", "code": "([^"]+)"', json.dumps(bundle)
    )
    assert codes


def test_two_weeks_of_a_patient_are_sound(weeks):
    with weeks.reader() as reader:
        source = weeks.history(reader)
        text = text_of(source, CODES)
        bundle = json.loads(text)
        assert text_of(source, CODES) == text
    sound(bundle)
    kinds = Counter(it["resource"]["resourceType"] for it in bundle["entry"])
    assert kinds == {
        "Device": 4,  # two machines, two heads
        "DeviceMetric": 3,
        "Procedure": 8,
        "Observation": 7,
        "Provenance": 1,
    }
    assert text.count('"SIMULATED"') == text.count('"HTEST"') == 24
    for secret in ("Muster", "1958-03-09", '"4711"'):
        assert secret not in text


def test_a_day_of_the_clinic_is_sound_patient_by_patient(day):
    with Reader(str(day)) as reader:
        patients = sorted({it.pseudonym for it in reader.sessions()} - {""})
        assert len(patients) > 10
        for code in patients:
            sound(bundle_of(source_of(reader, Wanted(pseudonym=code))))


def test_a_combination_from_the_wire_is_sound(tmp_path):
    patient = Patient(tmp_path / "journal")
    with patient.writer:
        patient.come()
        patient.record(("combo", "combo-1"), "diagnostic", "2026-11-20T09:00")
        with patient.reader() as reader:
            for it in reader.sessions(pseudonym=""):
                patient.assign(it.session_id, patient.whose, confirm=True)
        with patient.reader() as reader:
            bundle = bundle_of(patient.history(reader))
    sound(bundle)
    told = [it["code"]["coding"][0]["code"] for it in all_of(bundle, "Procedure")]
    assert sorted(told) == ["combination", "if", "us"]


def test_ids_stay_and_differ_by_installation():
    first = bundle_of(Told(SESSION))
    later = bundle_of(Told(SESSION, made_ns=at("2026-12-24T09:30")))
    other = bundle_of(Told(SESSION, installation="decaf"))

    def ids(bundle, kind):
        return {it["id"] for it in all_of(bundle, kind)}

    for kind in ("Device", "DeviceMetric", "Procedure", "Observation"):
        assert ids(first, kind) == ids(later, kind)
        assert not ids(first, kind) & ids(other, kind)
    assert first["id"] != later["id"]


@pytest.mark.parametrize("reason", [*END_REASONS, None])
def test_how_it_ended_is_said_in_fhirs_words(reason):
    wanted = {
        "completed": "completed",
        "stopped_early": "stopped",
        "fault": "stopped",
        "device_reset": "stopped",
        "manual": "stopped",
        "link_lost": "unknown",
        "logger_stopped": "unknown",
        None: "in-progress",
    }
    ended_ns = SESSION.ended_ns if reason else None
    found = procedure(reason=reason, open=reason is None, ended_ns=ended_ns)
    assert found["status"] == wanted[reason]
    assert ("statusReason" in found) == (reason not in ("completed", None))
    assert ("end" in found["performedPeriod"]) == (reason is not None)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({}, "calibrated"),
        ({"derived": {"output_error_pct": -28.0}}, "calibration-required"),
        ({"derived": {}, "uncorrected": "no output check before it"}, "not-calibrated"),
        (
            {"derived": {}, "uncorrected": "repaired since its last check"},
            "calibration-required",
        ),
        ({"derived": {}, "uncorrected": "frequency or mode changed"}, "unspecified"),
    ],
)
def test_the_last_output_check_is_the_state_of_calibration(said, state):
    (metric,) = all_of(bundle_of(Told(session(**said))), "DeviceMetric")
    assert metric["calibration"] == [{"state": state}]


def test_a_combination_is_one_procedure_with_two_parts():
    other = session(
        session_id="us-1.if.20261123T101501Z",
        treatment_id=SESSION.session_id,
        modality="if",
        settings={"amplitude_1_ma": 10.0},
        head="",
        head_source="",
        reason="completed",
    )
    bundle = bundle_of(Told(SESSION, other))
    sound(bundle)
    whole, *parts = all_of(bundle, "Procedure")
    assert whole["code"]["coding"][0]["code"] == "combination"
    assert whole["status"] == "stopped"
    assert [it["partOf"] for it in parts] == [
        [{"reference": f"urn:uuid:{whole['id']}"}]
    ] * 2


def test_what_was_no_treatment_is_left_out():
    bundle = bundle_of(Told(session(purpose="output_check"), SESSION))
    assert len(all_of(bundle, "Procedure")) == 1


def test_a_head_that_is_only_possible_is_not_named():
    bundle = bundle_of(Told(session(head_source="possible")))
    assert len(all_of(bundle, "Device")) == 1


def test_an_empty_history_is_an_empty_bundle():
    assert bundle_of(Told())["entry"] == []


def test_hands_are_procedures_too():
    massage = Manual(
        seq=3,
        began_ns=at("2026-11-23T10:30"),
        minutes=15.0,
        treatment="massage",
        clinician="kb",
        facts=Facts(site="knee"),
        note=False,
        pseudonym="3333-334F",
        offset_min=60,
    )
    bundle = bundle_of(Told(manual=[massage]))
    BUNDLE.model_validate(bundle)
    assert faults(bundle) == []
    (found,) = all_of(bundle, "Procedure")
    assert found["performedPeriod"] == {
        "start": "2026-11-23T11:30:00.000+01:00",
        "end": "2026-11-23T11:45:00.000+01:00",
    }
    assert found["code"]["text"] == "massage"
    assert found["bodySite"][0]["text"] == "knee"


def test_parts_hold_each_treatment_once():
    told = Told(*(session(session_id=f"us-1.us.{n}") for n in range(7)))
    parts = [bundle_of(it) for it in Whole(Through(told), 3)]
    found = [
        it["identifier"][0]["value"]
        for part in parts
        for it in all_of(part, "Procedure")
    ]
    assert found == [f"us-1.us.{n}" for n in range(7)]
    assert len({it["id"] for it in parts}) == 3


def test_no_code_of_others_stands_there_unasked():
    assert "snomed" not in text_of(Told(SESSION))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[modality.uss]\nsystem='s'\ncode='1'", r"modality\.uss: is not known.*us\?"),
        ("[modality.us]\nsystem='s'", r"modality\.us\.code"),
        ("[modalities]", r"did you mean \"modality\""),
        ("[", r"codes.toml: is not TOML"),
    ],
)
def test_a_wrong_file_of_codes_is_told_with_its_line(tmp_path, text, told):
    path = tmp_path / "codes.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        text_of(Told(SESSION), str(path))


def test_a_missing_file_of_codes_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        text_of(Told(SESSION), str(tmp_path / "none.toml"))
