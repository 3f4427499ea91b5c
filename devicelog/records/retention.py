"""Legal hold: who is held is not forgotten, whoever asks, until the hold is over."""

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.audit import HoldBody, HoldReason
from devicelog.model.flow import Draft
from devicelog.records.request import Args, Asked, View


class Hold(Args, frozen=True, kw_only=True, omit_defaults=True):
    """Keep this patient's record, or (`over`) no longer."""

    pseudonym: str
    reason: HoldReason
    over: bool = False


def hold(view: View, asked: Asked, args: Hold) -> list[Draft]:
    """An entry of the patient; what stands is the last one of each reason."""
    code = view.patient(args.pseudonym)
    if args.over != (args.reason in held(view.journal, code)):
        stands = "is not held" if args.over else "is held already"
        raise DevicelogError(
            f"{code} {stands} for {args.reason}",
            hint=f"`devicelog audit show --of {code}` tells what was said",
        )
    body = asked.body(HoldBody, pseudonym=code, reason=args.reason, over=args.over)
    return [asked.draft("hold", body, code)]


def held(reader: Reader, code: str) -> set[HoldReason]:
    """The reasons for which this patient's record must be kept now."""
    reasons: set[HoldReason] = set()
    after = 0
    while page := reader.entries(after, subject=code, kind="hold"):
        for entry in page:
            body: HoldBody = codec.decode(entry.kind, entry.body)
            (reasons.discard if body.over else reasons.add)(body.reason)
        after = page[-1].seq
    return reasons
