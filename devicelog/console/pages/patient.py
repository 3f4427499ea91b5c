"""One patient: all that was given, the last three side by side, and what is next."""

import mimetypes
import zipfile
from pathlib import Path
from typing import Any, Final

from devicelog.console import told
from devicelog.console.people import in_short, offer
from devicelog.console.visit import Answer, Refused, Saved, Sent, Shown, Visit
from devicelog.errors import DevicelogError
from devicelog.export.history import Wanted
from devicelog.export.scratch import scratch
from devicelog.export.writers import FORMS
from devicelog.journal.queries import Page
from devicelog.model.facts import MANUALS
from devicelog.model.pseudonyms import PseudonymError, parsed
from devicelog.model.said import REASONS
from devicelog.operations import export_apart, exports
from devicelog.operations.status import gather

_ALL: Final = 1_000_000
_SHOWN: Final = 200
# The forms of which a person makes use, the usual one first.
OFFERED: Final = ("html", "pdf", "zip", "csv", "json", "fhir.json")


def patient(visit: Visit) -> Answer:
    """Who it is, for reception; and the record, for who treats."""
    code = _code(visit)
    rows = [
        row
        for row in visit.reader.in_order(Page(pseudonym=code, limit=_ALL))[::-1]
        if row.purpose == "treatment"
    ]
    facts: dict[str, Any] = {
        "status": gather(visit.house.recording),
        "code": code,
        "person": offer(visit, code),
        "labels": visit.labels,
        "visits": [
            (row, visit.labels.get(row.device, row.device)) for row in rows[:50]
        ],
        "reasons": REASONS,
        "document": None,
    }
    if visit.may("treatments"):
        facts |= {
            "document": told.latest(visit, code, rows),
            "session_at": {row.started_ns: row.session_id for row in rows},
            "older": [(it, in_short(visit, it)) for it in rows[told.CURVES : _SHOWN]],
            "count": len(rows),
            "departed": visit.reader.departed(code),
            "emission_s": sum(row.totals.get("emission_s", 0.0) for row in rows),
            "energy_j": sum(row.totals.get("energy_j", 0.0) for row in rows),
            "manuals": MANUALS,
            "forms": OFFERED,
        }
    return Shown("patient.html", facts)


def by_hand(visit: Visit) -> Answer:
    """A treatment without a device, that has just ended."""
    code, form = _code(visit), visit.form
    try:
        minutes = float(form.get("minutes", "").replace(",", "."))
    except ValueError:
        raise DevicelogError("how long it took is no number", hint="as in 20") from None
    visit.do(
        "add_treatment",
        pseudonym=code,
        treatment=form.get("treatment", ""),
        minutes=minutes,
        clinician=visit.user.name if visit.user else "",
        note=form.get("note", "").strip(),
    )
    visit.say("said.manual")
    return Sent(f"/patients/{code}")


def export(visit: Visit) -> Answer:
    """The record as a file that has no name any more once it is open.

    However sending it ends, nothing is left of it on the disk.
    """
    code, form = _code(visit), FORMS.get(visit.form.get("form", ""))
    if form is None or form.suffix not in OFFERED:
        raise Refused(400, "error.no_form")
    with scratch() as folder:
        file = folder / f"{code}.{form.suffix}"
        asked = exports.Asked(wanted=Wanted(pseudonym=code), form=form, path=file)
        loaded = visit.house.recording.loaded
        exports.export(loaded, asked, visit.record, by=export_apart.made)
        made = sorted(folder.iterdir())
        if len(made) > 1:  # a long history is several files
            file = folder / f"{code}.{form.suffix}.zip"
            with zipfile.ZipFile(file, "w") as packed:
                for it in made:
                    packed.write(it, it.name)
        return Saved(name=file.name, media=_media(file), content=file.open("rb"))


def _media(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _code(visit: Visit) -> str:
    """The pseudonym, if there is such a patient; what else is typed is not repeated."""
    try:
        code = parsed(visit.path["code"])
    except PseudonymError:
        raise Refused(404, "error.not_there") from None
    if visit.reader.secret("identities", code) is None:
        raise Refused(404, "error.not_there")
    return code
