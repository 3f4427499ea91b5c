"""Whether a patient's treatments may go into research, under the pseudonym alone.

Nobody's do until a person says so; what was said last stands.
"""

from typing import Final, Literal

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.audit import AuditBody, AuditEvent
from devicelog.model.flow import Draft
from devicelog.records.request import Args, Asked, View

_PAGE: Final = 1000
_SAID: Final[dict[bool, AuditEvent]] = {
    True: "research_allowed",
    False: "research_refused",
}


class Consent(Args, frozen=True, kw_only=True, omit_defaults=True):
    """This patient allows it, or (`allowed` false) does not any more."""

    pseudonym: str
    to: Literal["research"] = "research"
    allowed: bool


def consent(view: View, asked: Asked, args: Consent) -> list[Draft]:
    """A record of consequence; what stood before stays on record."""
    code = view.patient(args.pseudonym)
    if args.allowed == (code in consenting(view.journal)):
        raise DevicelogError(
            f"{code} {'allows' if args.allowed else 'does not allow'} it already",
            hint=f"`devicelog audit show --of {code}` tells what was said",
        )
    body = asked.body(AuditBody, event=_SAID[args.allowed], count=1)
    return [asked.draft("audit", body, code)]


def consenting(journal: Reader) -> set[str]:
    """Pseudonyms of all who allow it now; who was forgotten is not among them."""
    allowed: set[str] = set()
    after = 0
    while page := journal.entries(after, kind="audit", limit=_PAGE):
        for entry in page:
            body: AuditBody = codec.decode(entry.kind, entry.body)
            if body.event == _SAID[True]:
                allowed.add(entry.subject)
            elif body.event == _SAID[False]:
                allowed.discard(entry.subject)
        after = page[-1].seq
    return {code for code in allowed if journal.secret("identities", code)}
