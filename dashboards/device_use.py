"""Device use and upkeep: hours, faults, contact, timer error; when a device is used.

For the biomedical engineer.
"""

from typing import Final

from grafana_foundation_sdk.builders import barchart, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build

from dashboards.boards import board
from dashboards.influx import DEVICE, SITE, TIME, Query, device, every, select
from dashboards.panels import bars, columns, grouped, hidden, points, rows, unit

_WHEN: Final = (SITE, DEVICE, TIME)
_EACH: Final = 'GROUP BY "device"'


def make() -> build.Dashboard:
    """The dashboard."""
    it = board("Device use and upkeep", "devicelog_use", "Upkeep.", "now-30d")
    return (
        it.with_variable(every(device()))
        .with_panel(_hours())
        .with_panel(_heads())
        .with_panel(_doses())
        .with_panel(_uncorrected())
        .with_panel(_sessions())
        .with_panel(_faults())
        .with_panel(_contact())
        .with_panel(_timers())
        .with_panel(_by("local_hour", "Use by hour", "The clinic's own hours."))
        .with_panel(_by("local_weekday", "Use by weekday", "Monday is 1."))
        .with_panel(_told())
    )


# --- Private ----------------------------------------------------------------------


def _hours() -> barchart.Panel:
    what = 'SUM("emission_s") / 3600 AS "hours"'
    asked = select(what, "therapy_session", *_WHEN, then=_EACH)
    panel = bars("Hours of each device", "Time of emission.", asked, "device", 12)
    return panel.unit("h").min(0).with_transformation(hidden("Time"))


def _heads() -> barchart.Panel:
    asked = select('"head", "emission_s"', "therapy_session", *_WHEN, "\"head\" <> ''")
    panel = bars("Hours of each head", "Time of emission.", asked, "head", 12)
    panel.with_transformation(grouped("head", emission_s="sum"))
    return panel.unit("s").min(0)


def _doses() -> barchart.Panel:
    """Only sessions whose dose is corrected: both sums are of the same ones."""
    asked = select(
        '"head", "energy_j", "energy_corrected_j"',
        "therapy_session",
        *(*_WHEN, "\"head\" <> ''", "\"uncorrected\" = ''"),
    )
    panel = bars(
        "Indicated and corrected dose of each head",
        "Sessions that have both; corrected by the last output check before each.",
        asked,
        "head",
        12,
    )
    panel.with_transformation(grouped("head", energy_j="sum", energy_corrected_j="sum"))
    return panel.unit(unit("energy_j")).min(0)


def _uncorrected() -> table.Panel:
    panel = rows(
        "Doses that are not corrected",
        "Why: no check of that head, another frequency or mode, heads not told apart.",
        select(
            '"device"::tag, "session_id", "uncorrected", "head", "energy_j"',
            "therapy_session",
            *(*_WHEN, "\"uncorrected\" <> ''"),
            then="ORDER BY time DESC",
        ),
        12,
    )
    return columns(panel, "energy_j")


def _sessions() -> table.Panel:
    what = (
        'COUNT("session_id") AS "sessions", SUM("emission_s") AS "emission_s",'
        ' SUM("faults") AS "faults", MEAN("coverage_pct") AS "coverage_pct"'
    )
    asked = select(what, "therapy_session", *_WHEN, then=_EACH)
    panel = rows("Each device", "Sessions and what came in them.", asked, 12)
    return panel.with_transformation(hidden("Time"))


def _faults() -> barchart.Panel:
    asked = select(
        'COUNT("text") AS "faults"',
        "therapy_event",
        *(*_WHEN, "\"kind\" = 'fault'"),
        then=_EACH,
    )
    panel = bars("Faults", "As the devices reported them.", asked, "device", 12)
    return panel.min(0).with_transformation(hidden("Time"))


def _contact() -> barchart.Panel:
    what = 'SUM("contact_lost_s") / SUM("wall_s") * 100 AS "contact_lost"'
    asked = select(what, "therapy_session", *_WHEN, then=_EACH)
    panel = bars(
        "Contact lost",
        "Share of the session's time that was held for lost contact.",
        asked,
        "device",
        12,
    )
    return panel.unit("percent").min(0).with_transformation(hidden("Time"))


def _timers() -> timeseries.Panel:
    query = Query(
        select('"timer_error_pct"', "therapy_session", *_WHEN, then=_EACH),
        form="time_series",
        alias="$tag_device",
    )
    about = "The device's timer against emission; positive: it runs fast."
    panel = points("Timer error of each session", about, (query,), 12, 8)
    return panel.unit(unit("timer_error_pct"))


def _by(field: str, title: str, about: str) -> barchart.Panel:
    asked = select(f'"{field}", "emission_s"', "therapy_session", *_WHEN)
    panel = bars(title, about, asked, field, 12)
    return panel.unit("s").min(0).with_transformation(grouped(field, emission_s="sum"))


def _told() -> table.Panel:
    asked = select(
        '"device"::tag, "channel"::tag, "text", "session_id"',
        "therapy_event",
        *(*_WHEN, "\"kind\" = 'fault'"),
        then="ORDER BY time DESC",
    )
    return rows("Faults, one by one", "In which session, and when.", asked)
