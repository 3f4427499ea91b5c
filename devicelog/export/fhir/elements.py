"""The small shapes of FHIR R4: codes, quantities, times, references, ids.

Ids are made of the installation and of what is meant: the same treatment has the same
id in each export, and a receiver notices that it has it already.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from devicelog.export.fhir.codes import Code
from devicelog.export.words import offset
from devicelog.model.fields import FIELDS, Value

Json = dict[str, Any]

OURS: Final = "urn:devicelog:"
UCUM: Final = "http://unitsofmeasure.org"
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:devicelog")
_SECOND_NS: Final = 1_000_000_000


class Ids:
    """Ids of one installation's things."""

    def __init__(self, installation: str) -> None:
        self._installation = installation

    def of(self, kind: str, *names: str) -> str:
        """A UUID, the same each time."""
        key = "/".join((self._installation, kind, *names))
        return str(uuid.uuid5(_NAMESPACE, key))


def reference(id_: str) -> Json:
    """To a resource of the same bundle."""
    return {"reference": f"urn:uuid:{id_}"}


def identifier(what: str, value: str) -> Json:
    """A name within our own systems, as in `urn:devicelog:session`."""
    return {"system": OURS + what, "value": value}


def concept(what: str, code: str, text: str = "", other: Code | None = None) -> Json:
    """A code of ours, another system's beside it where there is one, and words."""
    codings = [{"system": OURS + what, "code": code}]
    if other is not None:
        codings.append({"system": other.system, "code": other.code})
        if other.display:
            codings[-1]["display"] = other.display
    return {"coding": codings} | ({"text": text} if text else {})


def quantity(value: float, unit: str) -> Json:
    """A number in a unit of UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def component(what: str, code: str, value: Value, unit: str = "") -> Json:
    """One value of an Observation: a number with a unit, a truth, or a text."""
    coding = {"system": OURS + what, "code": code}
    if code in FIELDS and what == "param":
        coding["display"] = FIELDS[code].meaning
    said: Json
    if isinstance(value, bool):
        said = {"valueBoolean": value}
    elif isinstance(value, str):
        said = {"valueString": value}
    elif unit:
        said = {"valueQuantity": quantity(value, unit)}
    else:
        said = {"valueInteger": value}
    return {"code": {"coding": [coding]}} | said


def moment(at_ns: int, offset_min: int) -> str:
    """`2026-11-23T11:15:00.140+01:00`, by the clinic's clock."""
    seconds, rest = divmod(at_ns, _SECOND_NS)
    local = datetime.fromtimestamp(seconds, UTC) + timedelta(minutes=offset_min)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03}{offset(offset_min)}"
