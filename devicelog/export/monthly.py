"""A month's report as text for a terminal, and as one page without a script."""

from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from devicelog.export.paper import templates
from devicelog.export.text import offset_min
from devicelog.export.texts import Texts
from devicelog.export.words import Words
from devicelog.records.report import AIM_PCT, NO_RECEIPT, Counted, Report

_DEVICE: Final = ("device", "sessions", "hours", "gaps", "lost", "coverage", "faults")
_CHECK: Final = ("thing", "check", "due", "why")
_ALARM: Final = ("alarm", "raised", "cleared")


class Table(msgspec.Struct, frozen=True):
    """One table; `heading` and `columns` are keys of `report.` in the texts."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def facts(report: Report, words: Words, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """What stands above the tables: name and value."""
    t, counted = words.texts, report.counted
    for name in ("sessions", "complete", "with_gaps", "lost", "open"):
        count = getattr(counted, name)
        said = _lost(count, report, words) if name == "lost" else str(count)
        yield t(f"report.{name}"), said
    yield t("report.accounted"), _accounted(report, words)
    yield t("report.coverage"), _share(counted, words)
    yield t("report.looked"), _looked(report, words)
    unassigned = {"count": report.unassigned, "all": report.treatments}
    yield t("report.unassigned"), t("report.unassigned_of", **unassigned)
    yield t("report.patients"), str(report.patients)
    yield t("report.receipts"), _receipts(report, t)
    if report.entries_lost:
        yield t("report.entries_lost"), str(report.entries_lost)
    if report.lost_sessions:
        yield t("report.lost_ones"), ", ".join(report.lost_sessions)
    if report.departed.sessions:
        yield t("report.departed"), _departed(report, words, zone)


def tables(report: Report, words: Words, zone: ZoneInfo) -> Iterator[Table]:
    """Devices, checks that are overdue, alarms."""
    moment, t = words.moment, words.texts
    rows = tuple(
        _device(it.label, it.counted, _lost(it.counted.lost, report, words), words)
        for it in report.devices
    )
    yield Table("devices", _DEVICE, rows)
    yield Table(
        "overdue",
        _CHECK,
        tuple(
            (
                it.name,
                f"{it.check} {it.level}".replace("_", " "),
                moment(it.due_ns, zone),
                it.why,
            )
            for it in report.overdue
        ),
    )
    yield Table(
        "alarms",
        _ALARM,
        tuple(
            (
                it.text,
                moment(it.raised_ns, zone),
                t("report.stands")
                if it.cleared_ns is None
                else moment(it.cleared_ns, zone),
            )
            for it in report.alarms
        ),
    )


def rendered(report: Report, texts: Texts, zone: ZoneInfo) -> str:
    """The page as HTML."""
    words = Words(texts)
    template = templates().get_template("report.html")
    return template.render(
        report=report,
        t=texts,
        facts=[*facts(report, words, zone)],
        tables=[*tables(report, words, zone)],
        made=words.moment(report.made_ns, zone),
    )


# --- Private ----------------------------------------------------------------------


def _device(label: str, counted: Counted, lost: str, words: Words) -> tuple[str, ...]:
    return (
        label,
        str(counted.sessions),
        words.number(counted.emission_h),
        str(counted.with_gaps),
        lost,
        _share(counted, words),
        str(counted.faults),
    )


def _lost(count: int, report: Report, words: Words) -> str:
    """Where nobody looked for a while, no more is known than a least number."""
    if not report.looked.down_h:
        return str(count)
    return words.texts("report.at_least", count=count)


def _departed(report: Report, words: Words, zone: ZoneInfo) -> str:
    left = report.departed
    day = words.day(left.newest_ns, offset_min(left.newest_ns, zone))
    key = "departed_one" if left.sessions == 1 else "departed_of"
    return words.texts(f"report.{key}", count=left.sessions, day=day)


def _looked(report: Report, words: Words) -> str:
    looked = report.looked
    if looked.covered_pct is None:
        return words.texts("report.no_hours")
    return words.texts(
        "report.looked_of" if looked.down_h else "report.looked_always",
        share=_exact(looked.covered_pct, words),
        open=_exact(looked.open_h, words),
        down=_exact(looked.down_h, words),
    )


def _exact(number: float, words: Words) -> str:
    """Never rounded up to an aim: three places are what the report carries."""
    return _point(f"{number:.3f}".rstrip("0").rstrip("."), words)


def _accounted(report: Report, words: Words) -> str:
    share = report.counted.accounted_pct
    if share is None:
        return words.texts("report.no_share")
    key = "accounted_of" if share >= AIM_PCT else "accounted_missed"
    if share >= AIM_PCT and not report.holds:
        key = "accounted_unseen"
    return words.texts(f"report.{key}", share=_exact(share, words), aim=AIM_PCT)


def _share(counted: Counted, words: Words) -> str:
    share = counted.coverage_pct
    if share is None:
        return "-"
    return words.texts("report.pct", share=_point(f"{share:.1f}", words))


def _point(number: str, words: Words) -> str:
    return number.replace(".", words.texts("number.point"))


def _receipts(report: Report, t: Texts) -> str:
    said = []
    for state, count in sorted(report.receipts.items()):
        named = t("report.no_receipt") if state == NO_RECEIPT else t(f"receipt.{state}")
        said.append(t("report.receipt", count=count, state=named))
    return ", ".join(said) or t("report.none")
