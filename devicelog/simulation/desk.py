"""Who names patients: made-up bindings and purposes, as a person would enter them."""

import random
from bisect import bisect_right
from typing import Final

from devicelog.clock import SECOND
from devicelog.model import codec
from devicelog.model.flow import Draft, SessionEvent
from devicelog.model.said import BindingBody, PurposeBody
from devicelog.recorder.drafts import NO_CHANNEL, NO_DEVICE
from devicelog.simulation.plan import Room, Visit

CLINICIAN: Final = "physio"  # who treats, as the demonstration's user is called
_BY: Final = "simulated"
_AFTER_NS: Final = 20 * SECOND
_AHEAD: Final = 0.6  # so many are named while the treatment runs, the others afterwards


class Desk:
    """Sees what happens to sessions; `after` are the entries that follow from it.

    `anchor_ns`: wall time of the plan's second 0.
    """

    def __init__(self, rooms: list[Room], seed: int, anchor_ns: int) -> None:
        self.bindings = 0
        self.purposes = 0
        self._dice = random.Random(f"{seed}/desk")  # noqa: S311  made up, no secret
        self._anchor_ns = anchor_ns
        self._visits = {it.device.name: it.visits for it in rooms}
        self._late: dict[str, Visit] = {}  # sessions whose patient is named at the end

    def after(self, drafts: list[Draft]) -> list[Draft]:
        """What people enter about these."""
        entered: list[Draft] = []
        for draft in drafts:
            if draft.kind == "session" and draft.edge:
                event = codec.session_event(draft.body)
                visit = self._visit(draft.device, event)
                if visit is not None:
                    entered += self._entered(event, visit, draft.at_ns + _AFTER_NS)
        return entered

    # --- Private ------------------------------------------------------------------

    def _visit(self, device: str, event: SessionEvent) -> Visit | None:
        """Whose treatment it is; None: that is no question now."""
        if event.event == "end":
            return self._late.pop(event.session_id, None)
        visits = self._visits[device]
        second = (event.at_ns - self._anchor_ns) / SECOND
        at = bisect_right(visits, second, key=lambda it: it.at_s)
        visit = visits[at - 1]
        if visit.patient and self._dice.random() > _AHEAD:
            self._late[event.session_id] = visit
            return None
        return visit

    def _entered(self, event: SessionEvent, visit: Visit, at_ns: int) -> list[Draft]:
        name = event.session_id
        entered = []
        if visit.patient:
            self.bindings += 1
            binding = BindingBody(
                session_id=name,
                pseudonym=visit.patient,
                clinician=CLINICIAN,
                by=_BY,
                how="simulated",
            )
            entered.append(_draft(at_ns, "binding", name, codec.encode(binding)))
        if visit.purpose != "treatment":
            self.purposes += 1
            purpose = PurposeBody(session_id=name, purpose=visit.purpose, by=_BY)
            entered.append(_draft(at_ns, "purpose", name, codec.encode(purpose)))
        return entered


def _draft(at_ns: int, kind: str, session_id: str, body: bytes) -> Draft:
    key = f"{_BY}/{kind}/{session_id}"
    return Draft(at_ns, NO_DEVICE, NO_CHANNEL, kind, session_id, key, body)
