"""The register of devices and heads: dated entries, for most wires name no head.

An entry is true from its own date on, whenever it was written down. What stood on a day
is what the entries up to that day say, in order of their dates.
"""

from typing import Annotated, Any, Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft, Entry
from devicelog.model.said import RegisterBody, RegisterEvent, Thing
from devicelog.records.request import Args, Asked, View

_PAGE: Final = 1000
_AHEAD_NS: Final = 60 * 1_000_000_000
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9 ._/-]{0,40}$")]
Label = Annotated[str, msgspec.Meta(max_length=40)]


class Register(Args, frozen=True, kw_only=True, omit_defaults=True):
    """This is so of a device or head from `on_ns` on (0: from now on)."""

    thing: Thing
    name: Name
    event: RegisterEvent
    on_ns: Annotated[int, msgspec.Meta(ge=0)] = 0
    serial: Code = ""
    asset: Code = ""
    label: Label = ""
    device: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a device or head stands: what was said last of each, and when.

    `device`: where a head is. `repaired_ns`: the last repair.
    """

    thing: Thing
    name: str
    in_service: bool = True
    since_ns: int = 0
    serial: str = ""
    asset: str = ""
    label: str = ""
    device: str = ""
    repaired_ns: int | None = None


def register(view: View, asked: Asked, args: Register) -> list[Draft]:
    """A dated entry; it cannot lie ahead."""
    if args.thing == "device":
        view.device(args.name)
    if args.device:
        view.device(args.device)
    if args.device and args.thing == "device":
        raise DevicelogError(
            f"{args.name} is a device and cannot be on {args.device}",
            hint="name the head that was moved",
        )
    body = asked.body(
        RegisterBody,
        thing=args.thing,
        name=args.name,
        event=args.event,
        on_ns=dated(asked, args.on_ns),
        serial=args.serial,
        asset=args.asset,
        label=args.label,
        device=args.device,
    )
    device = args.name if args.thing == "device" else args.device
    return [asked.draft("register", body, device=device or "-")]


def dated(asked: Asked, on_ns: int) -> int:
    """The date that is meant; DevicelogError where it lies ahead."""
    if on_ns > asked.now.at_ns + _AHEAD_NS:
        raise DevicelogError(
            "the date lies ahead", hint="write down what was; look at the clock too"
        )
    return on_ns or asked.now.at_ns


class Book:
    """The register as it was read: how things stood at any time."""

    def __init__(self, journal: Reader) -> None:
        bodies = [it for _, it in said(journal, "register")]
        self._said: list[RegisterBody] = sorted(bodies, key=lambda it: it.on_ns)

    def at(self, at_ns: int) -> dict[tuple[Thing, str], Standing]:
        """All things that were known then."""
        things: dict[tuple[Thing, str], Standing] = {}
        for body in self._said:
            if body.on_ns <= at_ns:
                key = (body.thing, body.name)
                stood = things.get(key) or Standing(thing=body.thing, name=body.name)
                things[key] = _amended(stood, body)
        return things

    def devices_of(self, head: str) -> set[str]:
        """Devices that this head was ever said to be on."""
        mine = [it for it in self._said if (it.thing, it.name) == ("head", head)]
        return {it.device for it in mine} - {""}

    def heads_on(self, device: str, at_ns: int) -> list[str]:
        """Heads in service that were on this device then."""
        return [
            it.name
            for it in self.at(at_ns).values()
            if it.thing == "head" and it.device == device and it.in_service
        ]


def labels(journal: Reader, at_ns: int) -> dict[str, str]:
    """What people call their devices, where the register says so."""
    standing = Book(journal).at(at_ns).values()
    return {it.name: it.label for it in standing if it.thing == "device" and it.label}


def said(journal: Reader, kind: str) -> list[tuple[Entry, Any]]:
    """All entries of this kind with their bodies, in order; for kinds with few."""
    found: list[tuple[Entry, Any]] = []
    after = 0
    while page := journal.entries(after, kind=kind, limit=_PAGE):
        found += [(it, codec.decode(it.kind, it.body)) for it in page]
        after = page[-1].seq
    return found


def _amended(stood: Standing, body: RegisterBody) -> Standing:
    told: dict[str, Any] = {
        name: value
        for name in ("serial", "asset", "label", "device")
        if (value := getattr(body, name))
    }
    match body.event:
        case "in_service":
            told["in_service"] = True
        case "out_of_service":
            told["in_service"] = False
        case "repaired":
            told["repaired_ns"] = body.on_ns
        case "moved":
            told["device"] = body.device
    return msgspec.structs.replace(stood, since_ns=body.on_ns, **told)
