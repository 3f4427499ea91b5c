"""What is wrong with the messages of a profile: what is asked, and how one is known."""

from collections.abc import Iterator
from typing import Final

from devicelog.drivers.draft import Draft
from devicelog.drivers.profile import (
    BytesMessage,
    Message,
    Read,
    Said,
    TextMessage,
    TextProfile,
)
from devicelog.drivers.wire_checks import written
from devicelog.model.flow import Frame
from devicelog.strict import Problem
from devicelog.wire import modbus
from devicelog.wire.counted import CountedWire
from devicelog.wire.notation import shown, spelled

_ADDRESSES: Final = 0x10000
_MOST_ASKED: Final = 256
_BYTES: Final = range(256)


def problems(draft: Draft) -> Iterator[Problem]:
    """All that is wrong with the well-formed messages."""
    if draft.style.kind == "registers":
        yield from _reads(draft)
        return
    if draft.head and isinstance(draft.head, TextProfile):
        yield from _text(draft, draft.head)
    asked: dict[str, str] = {}
    for key, it in draft.messages:
        if not isinstance(it, Said):
            continue
        if it.ask:
            yield from _ask(draft, key, it)
            yield from _twin(draft, key, it.name, asked.setdefault(it.ask, it.name))
        if draft.style.kind != "python":
            yield from _use(draft, key, it)
        if isinstance(it, BytesMessage):
            yield from _bytes_message(draft, key, it)
        elif isinstance(it, TextMessage) and isinstance(draft.head, TextProfile):
            yield from _text_message(draft, key, it, draft.head.text.form)
    if draft.style.kind != "python":
        yield from _told_apart(draft)


def sized(draft: Draft, it: Message) -> range | None:
    """The sizes that this message may have; None where it has none to say."""
    framing, head = draft.framing, draft.head
    if not framing or isinstance(it, Read):
        return None
    least = framing.front + framing.back + 1
    if isinstance(it, TextMessage) and isinstance(head, TextProfile):
        if head.text.form == "keys":
            return None
        least = 1 if head.text.form == "fields" else least
    return range(least, framing.longest + 1)


def reserved(draft: Draft, size: int) -> dict[int, str]:
    """Bytes of a frame of this size that its wire makes itself, and what they are."""
    if not draft.framing or not draft.head:
        return {}
    wire = draft.head.wire
    taken = dict.fromkeys(range(draft.framing.front), "the start")
    if isinstance(wire, CountedWire):
        taken = dict.fromkeys(range(len(spelled(wire.start))), "the start")
        length = range(wire.length_at, wire.length_at + wire.length_size)
        taken |= dict.fromkeys(length, "the length")
    behind = range(max(0, size - draft.framing.back), size)
    return taken | dict.fromkeys(behind, "check and end")


# --- Private: Modbus ----------------------------------------------------------------


def _reads(draft: Draft) -> Iterator[Problem]:
    asked: dict[tuple[int, int, int], str] = {}
    for key, it in draft.messages:
        if not isinstance(it, Read):
            continue
        most = modbus.most(it.function)
        if not 1 <= it.count <= most:
            what = "bits" if it.function in (1, 2) else "registers"
            yield draft.problem(
                f"{key}.count",
                f"{it.count} cannot be asked for at once",
                f"function {it.function} brings 1 to {most} {what}; use two messages",
            )
        elif not 0 <= it.address <= _ADDRESSES - it.count:
            yield draft.problem(
                f"{key}.address",
                f"{it.address} and {it.count} from there leave 0 to 65535",
                "addresses count from 0: 30001 or 40001 in a manual is 0",
            )
        asks = (it.function, it.address, it.count)
        yield from _twin(draft, key, it.name, asked.setdefault(asks, it.name))
        yield from _read_for_nobody(draft, key, it.name)


def _twin(draft: Draft, key: str, name: str, other: str) -> Iterator[Problem]:
    if other != name:
        yield draft.problem(
            key, f'"{name}" asks the same as "{other}"', "keep one of them"
        )


def _read_for_nobody(draft: Draft, key: str, name: str) -> Iterator[Problem]:
    if name not in draft.names("channels", "message") and not draft.identifies(name):
        yield draft.problem(
            f"{key}.name",
            f'"{name}" is asked for by no channel',
            "name it as a channel's message or as identity, or remove it",
        )


# --- Private: frames that a profile lays out -----------------------------------------


def _ask(draft: Draft, key: str, it: Said) -> Iterator[Problem]:
    told = [*written(draft, f"{key}.ask", it.ask, range(1, _MOST_ASKED))]
    yield from told
    if told or not draft.framing or not draft.framing.front:
        return
    data, framer = spelled(it.ask), draft.framing.framer()
    pieces = [*framer.feed(data), *framer.feed(b"")]
    if isinstance(pieces[0], Frame) or pieces[0].why == "no frame begins so":
        return
    try:
        remedy = f"with the right length and check: {shown(draft.framing.seal(data))}"
    except (ValueError, OverflowError):
        remedy = "as in the maker's document"
    yield draft.problem(
        f"{key}.ask", f'"{it.ask}" begins like a frame: {pieces[0].why}', remedy
    )


def _use(draft: Draft, key: str, it: Said) -> Iterator[Problem]:
    used = it.name in draft.names("channels", "message") or draft.identifies(it.name)
    if it.refusal:
        if used or it.name in draft.names("cells", "message"):
            yield draft.problem(
                f"{key}.refusal",
                f'"{it.name}" says something else as well',
                "a message by which the device refuses has neither channel nor cells",
            )
        return
    if it.ask:
        yield from _read_for_nobody(draft, key, it.name)


def _size(
    draft: Draft, key: str, it: Message, size: int, what: str
) -> Iterator[Problem]:
    sizes = sized(draft, it)
    if sizes is not None and size not in sizes:
        yield draft.problem(
            f"{key}.size",
            f"{size} {what} are no frame of this wire",
            f"{sizes[0]} to {sizes[-1]}",
        )


def _bytes_message(draft: Draft, key: str, it: BytesMessage) -> Iterator[Problem]:
    wrong = [*_size(draft, key, it, it.size, "bytes")]
    yield from wrong
    if wrong or not draft.head:
        return
    wire = draft.head.wire
    if isinstance(wire, CountedWire):
        says = it.size - wire.length_adds
        if not 0 <= says < 256**wire.length_size:
            yield draft.problem(
                f"{key}.size",
                f"a frame of {it.size} bytes would say that it has {says}",
                "correct it, or wire.length_adds",
            )
    taken = reserved(draft, it.size)
    for place, value in it.when.items():
        at = int(place) if place.isdigit() else -1
        if at in taken or not 0 <= at < it.size:
            yield draft.problem(
                f"{key}.when.{place}",
                f"there is no byte {place} to look at"
                + (f": it is {taken[at]}" if at in taken else ""),
                f"0 to {it.size - 1}, less start, length, check and end",
            )
        if value not in _BYTES:
            yield draft.problem(
                f"{key}.when.{place}", f"{value} is no value of a byte", "0 to 255"
            )


def _text(draft: Draft, head: TextProfile) -> Iterator[Problem]:
    text = head.text
    for name in ("separator", "equals"):
        it = getattr(text, name)
        if not it or not it.isascii() or not it.isprintable():
            yield draft.problem(
                f"text.{name}", f"{it!r} parts nothing", "plain characters, as , or ;"
            )
    if text.form == "keys" and text.separator == text.equals:
        yield draft.problem(
            "text.equals", f"{text.equals!r} is the separator as well", "another one"
        )
    if text.form == "columns" and text.closed:
        yield draft.problem("text.closed", "columns have no separator", "remove it")


def _text_message(
    draft: Draft, key: str, it: TextMessage, form: str
) -> Iterator[Problem]:
    if form == "keys":
        if it.size:
            yield draft.problem(
                f"{key}.size",
                "says nothing of keys, of which any may come",
                "remove it",
            )
        return
    what = "characters" if form == "columns" else "fields"
    wrong = [*_size(draft, key, it, it.size, what)]
    yield from wrong
    framing = draft.framing
    if wrong or not framing:
        return
    first, last = 0, it.size
    if form == "columns":
        first, last = framing.front, it.size - framing.back
    for place, said in it.when.items():
        at = int(place) if place.isdigit() else -1
        room = last - (len(said) if form == "columns" else 1)
        if not first <= at <= room:
            yield draft.problem(
                f"{key}.when.{place}",
                f"there is no place {place} for {said!r}",
                f"{first} to {room}",
            )


def _told_apart(draft: Draft) -> Iterator[Problem]:
    """Two messages of which nobody could say which of them a frame is."""
    known: dict[tuple[object, ...], str] = {}
    unnamed = ""
    for key, it in draft.messages:
        if not isinstance(it, BytesMessage | TextMessage):
            continue
        if it.when:
            mark = (it.size, *sorted(it.when.items()))
            other = known.setdefault(mark, it.name)
            if other != it.name:
                yield draft.problem(
                    f"{key}.when",
                    f'"{it.name}" looks like "{other}"',
                    "name what stands in one of them alone",
                )
        elif not it.ask:
            if unnamed:
                yield draft.problem(
                    f"{key}.when",
                    f'"{it.name}" is whatever comes, as "{unnamed}" is',
                    "say by `when` what is known of each",
                )
            unnamed = unnamed or it.name
