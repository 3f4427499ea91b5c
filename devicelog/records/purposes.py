"""What a session was for: what was no treatment leaves the inbox and the totals."""

from devicelog.errors import DevicelogError
from devicelog.model.flow import Draft
from devicelog.model.said import PurposeBody
from devicelog.model.states import Purpose
from devicelog.records.request import Args, Asked, View


class SetPurpose(Args, frozen=True, kw_only=True, omit_defaults=True):
    """This session was a treatment, an output check, training or a demonstration."""

    session_id: str
    purpose: Purpose
    note: str = ""


def set_purpose(view: View, asked: Asked, args: SetPurpose) -> list[Draft]:
    """Only what belongs to nobody can be something else than a treatment."""
    row = view.session(args.session_id)
    if row.purpose == args.purpose:
        raise DevicelogError(f"session {row.session_id} is {row.purpose} already")
    if row.pseudonym:
        raise DevicelogError(
            f"session {row.session_id} belongs to {row.pseudonym}",
            hint=f"`devicelog sessions unbind {row.session_id} --reason ...` first",
        )
    note = view.seal(args.note, row.session_id) if args.note else None
    body = asked.body(
        PurposeBody,
        session_id=row.session_id,
        purpose=args.purpose,
        was=row.purpose,
        note=note,
    )
    return [asked.of_session("purpose", body, row)]
