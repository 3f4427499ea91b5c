"""Procedure and Observation: what was given, and what the device told of it.

No series of readings is in FHIR: one Observation sums a treatment up, a component for
each setting, total, flag and annotation.
"""

from collections.abc import Iterator
from typing import Final

from devicelog.export.fhir.codes import COMBINATION, Codes
from devicelog.export.fhir.devices import machine_id, used
from devicelog.export.fhir.elements import (
    Ids,
    Json,
    component,
    concept,
    identifier,
    moment,
    reference,
)
from devicelog.export.history import Manual, Treatment
from devicelog.model.facts import NAMES, Facts
from devicelog.model.fields import FIELDS

_MINUTE_NS: Final = 60 * 1_000_000_000
_TEXTS: Final = {
    "us": "Therapeutic ultrasound",
    "if": "Interferential current therapy",
    COMBINATION: "Combination therapy: ultrasound and current",
    "": "Physical agent therapy",
}
# What the end says of whether it was given whole; else nobody saw the end.
_STATUS: Final = {
    None: "in-progress",
    "completed": "completed",
    "stopped_early": "stopped",
    "fault": "stopped",
    "device_reset": "stopped",
    "manual": "stopped",
}


class Teller:
    """Makes resources of one patient's treatments."""

    def __init__(self, ids: Ids, codes: Codes) -> None:
        self._ids = ids
        self._codes = codes

    def procedure(self, of: Treatment, combined: str = "") -> Json:
        """A session; `combined` is the treatment of two devices that it is part of."""
        found: Json = {
            "resourceType": "Procedure",
            "id": self.procedure_id(of),
            "identifier": [identifier("session", of.session_id)],
        }
        if combined:
            found["partOf"] = [reference(self.combination_id(combined))]
        found["status"] = _STATUS.get(of.reason, "unknown")
        if of.reason not in (None, "completed"):
            reason = str(of.reason)
            found["statusReason"] = concept("end-reason", reason, _plain(reason))
        found |= self._category()
        modality = of.modality or ""
        other = self._codes.modality.get(modality)
        found["code"] = concept(
            "modality", modality or "unknown", _TEXTS[modality], other
        )
        found["subject"] = subject(of.pseudonym)
        found["performedPeriod"] = _period(of)
        found |= _performer(of.clinician)
        found |= self._said(of.annotations)
        if of.notes:
            found["note"] = [{"text": it} for it in of.notes if it]
        found["usedReference"] = used(of, self._ids)
        return found

    def observation(self, of: Treatment) -> Json:
        """All numbers of a session."""
        found: Json = {
            "resourceType": "Observation",
            "id": self.observation_id(of),
        }
        if of.readings_sha256:
            found["identifier"] = [identifier("readings-sha256", of.readings_sha256)]
        return found | {
            "partOf": [reference(self.procedure_id(of))],
            "status": "preliminary" if of.open else "final",
            "code": concept("observation", "treatment-summary", "Treatment summary"),
            "subject": subject(of.pseudonym),
            "effectivePeriod": _period(of),
            "device": reference(machine_id(of, self._ids)),
            "component": list(_components(of)),
        }

    def combination(self, key: str, of: list[Treatment]) -> Json:
        """The treatment that two sessions on one device are."""
        whole = all(it.reason == "completed" for it in of)
        first = min(of, key=lambda it: it.started_ns)
        last = max(of, key=lambda it: it.ended_ns or 0)
        ended = {} if any(it.open for it in of) else {"end": _period(last)["end"]}
        statuses = {_STATUS.get(it.reason, "unknown") for it in of}
        status = next(
            it
            for it in ("in-progress", "unknown", "stopped", "completed")
            if it in statuses
        )
        return {
            "resourceType": "Procedure",
            "id": self.combination_id(key),
            "identifier": [identifier("treatment", key)],
            "status": "completed" if whole else status,
            **self._category(),
            "code": concept(
                "modality",
                COMBINATION,
                _TEXTS[COMBINATION],
                self._codes.modality.get(COMBINATION),
            ),
            "subject": subject(first.pseudonym),
            "performedPeriod": {"start": _period(first)["start"]} | ended,
        }

    def by_hand(self, it: Manual) -> Json:
        """A treatment without a device."""
        other = self._codes.manual.get(it.treatment)
        end_ns = it.began_ns + round(it.minutes * _MINUTE_NS)
        found: Json = {
            "resourceType": "Procedure",
            "id": self.manual_id(it),
            "status": "completed",
            **self._category(),
            "code": concept("manual", it.treatment, _plain(it.treatment), other),
            "subject": subject(it.pseudonym),
            "performedPeriod": {
                "start": moment(it.began_ns, it.offset_min),
                "end": moment(end_ns, it.offset_min),
            },
            **_performer(it.clinician),
            **self._said(it.facts),
        }
        if it.notes:
            found["note"] = [{"text": note} for note in it.notes if note]
        return found

    def procedure_id(self, of: Treatment) -> str:
        """Of a session's Procedure."""
        return self._ids.of("procedure", of.session_id)

    def observation_id(self, of: Treatment) -> str:
        """Of a session's Observation."""
        return self._ids.of("observation", of.session_id)

    def combination_id(self, key: str) -> str:
        """Of the Procedure that two sessions are."""
        return self._ids.of("combination", key)

    def manual_id(self, it: Manual) -> str:
        """Of a manual treatment."""
        return self._ids.of("manual", it.pseudonym, it.treatment, str(it.began_ns))

    def _category(self) -> Json:
        code = self._codes.category
        if code is None:
            return {}
        display = {"display": code.display} if code.display else {}
        coding = {"system": code.system, "code": code.code} | display
        return {"category": {"coding": [coding]}}

    def _said(self, facts: Facts) -> Json:
        """Where it was given, and what came of it."""
        found: Json = {}
        if facts.site is not None:
            words = " ".join(_plain(it) for it in (facts.side, facts.site) if it)
            other = self._codes.site.get(facts.site)
            found["bodySite"] = [concept("site", facts.site, words, other)]
        if facts.response is not None:
            words = _plain(facts.response)
            found["outcome"] = concept("response", facts.response, words)
        return found


def subject(pseudonym: str) -> Json:
    """The patient, by pseudonym alone; who that is, the clinic knows."""
    return {"type": "Patient", "identifier": identifier("pseudonym", pseudonym)}


def _components(of: Treatment) -> Iterator[Json]:
    """Settings and totals in the order of the catalogue, flags, annotations."""
    numbers = of.numbers
    for name, field in FIELDS.items():
        if name in of.settings:
            yield component("param", name, of.settings[name], field.unit)
        elif name in numbers:
            yield component("param", name, numbers[name], field.unit)
    for flag in of.flags:
        yield component("flag", flag, value=True)
    for name in NAMES:
        if (value := getattr(of.annotations, name)) is not None:
            unit = "cm2" if name.endswith("_cm2") else ""
            yield component("annotation", name, value, unit)


def _period(of: Treatment) -> Json:
    found = {"start": moment(of.started_ns, of.start_offset_min)}
    if of.ended_ns is not None:
        offset_min = of.end_offset_min
        added = of.start_offset_min if offset_min is None else offset_min
        found["end"] = moment(of.ended_ns, added)
    return found


def _performer(clinician: str) -> Json:
    if not clinician:
        return {}
    return {
        "performer": [{"actor": {"identifier": identifier("clinician", clinician)}}]
    }


def _plain(code: str) -> str:
    return code.replace("_", " ")
