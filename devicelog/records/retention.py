"""Legal hold, and sinks that are no more.

Who is held is not forgotten, whoever asks, until the hold is over; and the readings of
what is held do not leave by age.
"""

from hashlib import sha256

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.audit import HoldBody, HoldReason
from devicelog.model.flow import Draft
from devicelog.model.retirement import RetirementBody
from devicelog.records.request import Args, Asked, View


class Hold(Args, frozen=True, kw_only=True, omit_defaults=True):
    """Keep this patient's record, or one session's, or (`over`) no longer."""

    pseudonym: str = ""
    session_id: str = ""
    reason: HoldReason
    over: bool = False


class RetireSink(Args, frozen=True, kw_only=True, omit_defaults=True):
    """Wait no longer for a sink that is not configured any more."""

    sink: str


def hold(view: View, asked: Asked, args: Hold) -> list[Draft]:
    """An entry of the patient or session; what stands is the last of each reason."""
    if args.session_id and not args.pseudonym:
        subject = view.session(args.session_id).session_id
    else:
        subject = view.patient(args.pseudonym)
    if args.over != (args.reason in held(view.journal, subject)):
        stands = "is not held" if args.over else "is held already"
        raise DevicelogError(
            f"{subject} {stands} for {args.reason}",
            hint=f"`devicelog audit show --of {subject}` tells what was said",
        )
    code = "" if args.session_id else subject
    body = asked.body(HoldBody, pseudonym=code, reason=args.reason, over=args.over)
    return [asked.draft("hold", body, subject)]


def retire_sink(view: View, asked: Asked, args: RetireSink) -> list[Draft]:
    """An entry by which the journal forgets how far it had come.

    Should it come back, it is sent all that the journal still holds.
    """
    if args.sink in view.sinks:
        raise DevicelogError(
            f"{args.sink} is configured",
            hint="take its table out of the configuration, and start the recorder anew",
        )
    there = view.journal.sinks()
    if args.sink not in there:
        raise DevicelogError(
            f'no sink "{args.sink}" has ever taken anything',
            hint=f"there are: {', '.join(there) or 'none'}",
        )
    body = asked.body(
        RetirementBody, what="sink", sink=args.sink, sha256=sha256().hexdigest()
    )
    return [asked.draft("retirement", body)]


def held(reader: Reader, code: str) -> set[HoldReason]:
    """The reasons for which this patient's or session's record must be kept now."""
    reasons: set[HoldReason] = set()
    after = 0
    while page := reader.entries(after, subject=code, kind="hold"):
        for entry in page:
            body: HoldBody = codec.decode(entry.kind, entry.body)
            (reasons.discard if body.over else reasons.add)(body.reason)
        after = page[-1].seq
    return reasons
