"""All resources of one patient's history, or of a part of it, in one bundle."""

from typing import Final

from devicelog.export.fhir.codes import Codes
from devicelog.export.fhir.devices import devices
from devicelog.export.fhir.elements import (
    Ids,
    Json,
    identifier,
    moment,
    reference,
)
from devicelog.export.fhir.treatments import Teller
from devicelog.export.history import History, Source, Treatment
from devicelog.export.parts import Part
from devicelog.export.tables import Counts

# On each resource that was made up: HL7's own mark, and ours.
_MADE_UP: Final = {
    "security": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
            "code": "HTEST",
            "display": "test health data",
        }
    ],
    "tag": [
        {
            "system": "urn:devicelog:origin",
            "code": "simulated",
            "display": "SIMULATED",
        }
    ],
}
_ASSEMBLER: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
    "code": "assembler",
}


def bundle(source: Source, codes: Codes) -> tuple[Json, Counts]:
    """The bundle, and how many treatments are in it.

    What was no treatment (output checks, training, demonstrations) is left out.
    """
    history = source.history
    ids = Ids(history.installation)
    teller = Teller(ids, codes)
    given = [it for it in source.treatments() if it.purpose == "treatment"]
    manual = list(source.manual())
    combined = _combined(given)
    procedures = [teller.procedure(it, _key(it, combined)) for it in given]
    together = [teller.combination(key, of) for key, of in combined.items()]
    by_hand = [teller.by_hand(it) for it in manual]
    summaries = [teller.observation(it) for it in given]
    told = [*together, *procedures, *by_hand, *summaries]
    resources = [*devices(given, ids), *told, *_provenance(source, ids, told)]
    number = str(source.number) if isinstance(source, Part) else "1"
    made: Json = {
        "resourceType": "Bundle",
        "id": ids.of("bundle", _span(history), str(history.made_ns), number),
        "type": "collection",
        "timestamp": moment(history.made_ns, 0),
        "entry": [
            {"fullUrl": f"urn:uuid:{it['id']}", "resource": _marked(it, history)}
            for it in resources
        ],
    }
    return _marked(made, history), {"sessions": len(given), "manual": len(manual)}


def _combined(given: list[Treatment]) -> dict[str, list[Treatment]]:
    """Sessions that are one treatment, by its id: the session that began it."""
    keys = {it.treatment_id for it in given} - {""}
    found: dict[str, list[Treatment]] = {key: [] for key in sorted(keys)}
    for it in given:
        if (key := it.treatment_id or it.session_id) in found:
            found[key].append(it)
    return found


def _key(it: Treatment, combined: dict[str, list[Treatment]]) -> str:
    key = it.treatment_id or it.session_id
    return key if key in combined else ""


def _provenance(source: Source, ids: Ids, told: list[Json]) -> list[Json]:
    """Who put it together, by which program, as of which record of the audit chain."""
    history = source.history
    if not told:
        return []
    found: Json = {
        "resourceType": "Provenance",
        "id": ids.of("provenance", told[0]["id"], str(history.made_ns)),
        "target": [reference(it["id"]) for it in told],
        "recorded": moment(history.made_ns, 0),
        "agent": [
            {
                "type": {"coding": [_ASSEMBLER]},
                "who": {
                    "identifier": identifier("installation", history.installation),
                    "display": f"devicelog {history.software}",
                },
            }
        ],
    }
    if history.head:
        head = {"identifier": identifier("audit-chain", history.head)}
        found["entity"] = [{"role": "source", "what": head}]
    return [found]


def _span(history: History) -> str:
    wanted = history.wanted
    return f"{wanted.pseudonym} {wanted.from_ns} {wanted.to_ns}"


def _marked(it: Json, history: History) -> Json:
    """With its mark behind its id, where nothing of it was given to a person."""
    if not history.simulated:
        return it
    first = {name: it[name] for name in ("resourceType", "id")}
    return first | {"meta": _MADE_UP} | it
