"""Device and DeviceMetric: what a treatment was given with, and how sure its output is.

A head is a Device whose parent is the machine. The DeviceMetric is that of the setting
that doses rest on; its calibration is what the latest treatment knew.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from devicelog.export.fhir.elements import (
    UCUM,
    Ids,
    Json,
    concept,
    identifier,
    quantity,
    reference,
)
from devicelog.export.history import Treatment
from devicelog.model.fields import FIELDS
from devicelog.records.calibration import TOLERANCE_PCT

_LEVELS: Final = ("intensity_w_cm2", "power_w", "amplitude_1_ma", "amplitude_1_v")
_OF_HEAD: Final = ("era_cm2", "bnr")
# Why a dose is not corrected, as the state of a calibration.
_STATES: Final = {
    "no output check before it": "not-calibrated",
    "repaired since its last check": "calibration-required",
}


def devices(treatments: Iterable[Treatment], ids: Ids) -> Iterator[Json]:
    """Each machine, head and metric once, as the latest treatment knew it."""
    latest: dict[str, Json] = {}
    for of in treatments:
        for it in (_machine(of, ids), _head(of, ids), _metric(of, ids)):
            if it is not None:
                latest[it["id"]] = it
    yield from latest.values()


def used(of: Treatment, ids: Ids) -> list[Json]:
    """References to what it was given with."""
    head = [reference(_head_id(of, ids))] if _head_known(of) else []
    return [reference(machine_id(of, ids)), *head]


def machine_id(of: Treatment, ids: Ids) -> str:
    """Of the machine."""
    return ids.of("device", of.device)


def _machine(of: Treatment, ids: Ids) -> Json:
    maker = of.maker
    found: Json = {
        "resourceType": "Device",
        "id": machine_id(of, ids),
        "identifier": [identifier("device", of.device)],
        "status": "active",
    }
    if maker.serial:
        found["serialNumber"] = maker.serial
    if maker.model:
        found["deviceName"] = [{"name": maker.model, "type": "model-name"}]
    found["type"] = {"text": "Physiotherapy device"}
    if maker.firmware:
        found["version"] = [{"value": maker.firmware}]
    return found


def _head(of: Treatment, ids: Ids) -> Json | None:
    if not _head_known(of):
        return None
    found: Json = {
        "resourceType": "Device",
        "id": _head_id(of, ids),
        "identifier": [identifier("head", of.head)],
        "status": "active",
    }
    if serial := of.settings.get("head_serial"):
        found["serialNumber"] = str(serial)
    found["type"] = {"text": "Ultrasound applicator"}
    told = [
        {
            "type": concept("param", name, FIELDS[name].meaning),
            "valueQuantity": [quantity(float(of.settings[name]), FIELDS[name].unit)],
        }
        for name in _OF_HEAD
        if name in of.settings
    ]
    if told:
        found["property"] = told
    found["parent"] = reference(machine_id(of, ids))
    return found


def _metric(of: Treatment, ids: Ids) -> Json | None:
    name = next((it for it in _LEVELS if it in of.settings), None)
    if name is None:
        return None
    source = used(of, ids)[-1]
    key = (of.device, of.head if _head_known(of) else "-", name)
    return {
        "resourceType": "DeviceMetric",
        "id": ids.of("metric", *key),
        "identifier": [identifier("metric", "/".join(key))],
        "type": concept("param", name, FIELDS[name].meaning),
        "unit": {"coding": [{"system": UCUM, "code": FIELDS[name].unit}]},
        "source": source,
        "parent": reference(machine_id(of, ids)),
        "category": "setting",
        "calibration": [{"state": _state(of)}],
    }


def _state(of: Treatment) -> str:
    """What the last output check before it said of the output."""
    error = of.numbers.get("output_error_pct")
    if error is None:
        return _STATES.get(of.uncorrected, "unspecified")
    within = abs(error) <= TOLERANCE_PCT["output"]
    return "calibrated" if within else "calibration-required"


def _head_known(of: Treatment) -> bool:
    return bool(of.head) and of.head_source != "possible"


def _head_id(of: Treatment, ids: Ids) -> str:
    return ids.of("head", of.head)
