"""What people add to a session. What the device reported stays as it is."""

from typing import Final

from devicelog.errors import DevicelogError
from devicelog.journal.reader import SessionRow
from devicelog.model.dose import Totals
from devicelog.model.facts import NAMES, Facts
from devicelog.model.flow import Draft
from devicelog.model.said import AnnotationBody
from devicelog.records.request import Args, Asked, View

_OVER_AREA: Final = {
    "energy_j": "energy_treated_j_cm2",
    "energy_if_satp_j": "energy_treated_if_satp_j_cm2",
    "energy_if_sata_j": "energy_treated_if_sata_j_cm2",
}
_CIRCUITS: Final = (1, 2)


class Annotate(Args, frozen=True, kw_only=True, omit_defaults=True):
    """Add these facts to a session; `withdraw` names those that no longer stand."""

    session_id: str
    facts: Facts = Facts()
    withdraw: tuple[str, ...] = ()
    note: str = ""


def annotate(view: View, asked: Asked, args: Annotate) -> list[Draft]:
    """A new entry beside the session; earlier ones are kept."""
    row = view.session(args.session_id)
    if not set(args.withdraw) <= set(NAMES):
        raise DevicelogError(
            "what is to be withdrawn is no annotation",
            hint=f"there are: {', '.join(NAMES)}",
        )
    if args.facts == Facts() and not args.withdraw and not args.note:
        raise DevicelogError(
            f"nothing is said of session {row.session_id}",
            hint="name at least one fact, or a note",
        )
    body = asked.body(
        AnnotationBody,
        session_id=row.session_id,
        facts=args.facts,
        withdrawn=args.withdraw,
        note=view.seal(args.note, row.session_id) if args.note else None,
    )
    return [asked.of_session("annotation", body, row)]


def densities(row: SessionRow) -> Totals:
    """J/cm2 over the treated area and mA/cm2 over an electrode, where they were said.

    What the device itself told of its electrodes stands in the session's own totals.
    """
    found: Totals = {}
    treated, electrode = (
        row.annotations.treated_area_cm2,
        row.annotations.electrode_area_cm2,
    )
    if treated:
        for name, over_area in _OVER_AREA.items():
            if name in row.totals:
                found[over_area] = row.totals[name] / treated
    if electrode:
        for n in _CIRCUITS:
            if (mean := row.totals.get(f"amplitude_{n}_mean_ma")) is not None:
                found[f"density_{n}_ma_cm2"] = mean / electrode
    return found
