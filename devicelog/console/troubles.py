"""What is wrong, in the console's own words: by the name that the recorder gives it.

The recorder tells a state of a line, the name of an alarm, how a sink stands; each has
its sentence in `texts`. What it says in words of its own (what the operating system
answered, which value of a file is wrong) is the detail, shown as a quotation.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from devicelog.console.texts import Texts
from devicelog.journal.reader import AlarmRow
from devicelog.operations.status import DeviceStatus, Status

WELL: Final = ("online", "closed")
_SPANS: Final = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))


class Trouble(msgspec.Struct, frozen=True):
    """A sentence, what to do, and what the recorder itself says of it."""

    what: str
    do: str = ""
    detail: str = ""


def troubles(status: Status, texts: Texts) -> Iterator[Trouble]:
    """All that everybody should know now: alarms, lines, the journal."""
    called = {it.name: it.label or it.name for it in status.devices}
    for alarm in status.standing:
        yield of_alarm(alarm, called, texts)
    for device in status.devices:
        # Of one that is not recorded by its configuration an alarm stands above.
        for it in () if device.problems else of_line(device, texts):
            yield msgspec.structs.replace(it, what=f"{called[device.name]}: {it.what}")
    if status.journal != "recording":
        state = texts(f"journal.{status.journal.replace(' ', '_')}")
        yield Trouble(texts("now.not_recording", state=state))


def of_line(device: DeviceStatus, texts: Texts) -> Iterator[Trouble]:
    """Why a device is not recorded now; nothing where it is."""
    if device.problems:
        detail = "; ".join(device.problems)
        yield Trouble(texts("line.parked"), texts("line_do.parked"), detail)
    elif device.line not in WELL:
        yield Trouble(
            texts(f"line.{device.line}"),
            texts(f"line_do.{device.line}"),
            device.text,
        )


def of_alarm(alarm: AlarmRow, called: Mapping[str, str], texts: Texts) -> Trouble:
    """By its name: `watch/us-1`, `sink/mqtt/away`, `journal/disk_full`."""
    kind, _, rest = alarm.name.partition("/")
    of, _, case = rest.partition("/")
    names = (f"{kind}_{case or of}", kind, "other")
    name = next(it for it in names if texts.has(f"alarm.{it}"))
    sink = f"sink.{of}"
    whose = called.get(of) or (texts(sink) if texts.has(sink) else of)
    return Trouble(
        texts(f"alarm.{name}", of=whose),
        texts(f"alarm_do.{name}", of=of),
        f"{alarm.text} ({alarm.remedy})" if alarm.remedy else alarm.text,
    )


def span(seconds: float, texts: Texts) -> str:
    """A length of time in the largest unit of measure that fits."""
    for size, name in _SPANS:
        if seconds >= size:
            return texts(f"span.{name}", count=round(seconds / size))
    return texts("span.seconds", count=0)
