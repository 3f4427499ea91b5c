"""Data quality: noise, gaps, coverage, backlog, rejects, and the clock.

For who must trust the record.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries

from dashboards.boards import board
from dashboards.influx import DEVICE, SITE, TIME, Query, device, every, select
from dashboards.panels import (
    CLOCK,
    lines,
    numbers,
    points,
    property_,
    rows,
    states,
    unit,
)

_WHEN: Final = (SITE, DEVICE, TIME)
_RECORDER: Final = (SITE, "\"device\" = '-'", TIME)
_STEP: Final = 'GROUP BY time($__interval), "device" fill(none)'
_TIMES: Final = "GROUP BY time($__interval) fill(none)"
# Counts begin anew with each run of the recorder; what falls is none.
_NOISE: Final = 'NON_NEGATIVE_DIFFERENCE(LAST("noise_bytes"))'
_GAPS: Final = 'SUM("gap_s")'
_BACKLOG: Final = ("backlog_s_mqtt", "backlog_s_influx")
_REJECTS: Final = ("rejects_mqtt", "rejects_influx")


def make() -> build.Dashboard:
    """The dashboard."""
    it = board("Data quality", "devicelog_quality", "Trust.", "now-7d")
    return (
        it.with_variable(every(device("devicelog_health")))
        .with_panel(_health("Noise", "Bytes that were no frame.", _NOISE))
        .with_panel(_health("Gaps", "Time without readings.", _GAPS).unit("s"))
        .with_panel(_coverage())
        .with_panel(_backlog())
        .with_panel(_rejects())
        .with_panel(_clock())
        .with_panel(_receipts())
        .with_panel(_each_gap())
    )


# --- Private ----------------------------------------------------------------------


def _health(title: str, about: str, what: str) -> timeseries.Panel:
    asked = select(what, "devicelog_health", *_WHEN, then=_STEP)
    query = Query(asked, form="time_series", alias="$tag_device")
    return points(title, about, (query,), 12, 8).min(0).interval("1m")


def _coverage() -> timeseries.Panel:
    asked = select(
        '"coverage_pct"', "therapy_session", *_WHEN, then='GROUP BY "device"'
    )
    query = Query(asked, form="time_series", alias="$tag_device")
    about = "Share of each session that readings cover."
    panel = points("Coverage", about, (query,), 12, 8)
    return panel.unit(unit("coverage_pct")).min(0).max(100)


def _backlog() -> timeseries.Panel:
    what = ", ".join(f'MAX("{it}") AS "{it}"' for it in _BACKLOG)
    asked = select(what, "devicelog_health", *_RECORDER, then=_TIMES)
    query = Query(asked, form="time_series", alias="$col")
    about = "How old the oldest entry is that a sink has not taken."
    return lines("Backlog", about, (query,), 12, 8).unit("s").min(0).interval("1m")


def _rejects() -> stat.Panel:
    what = ", ".join(f'LAST("{it}") AS "{it}"' for it in (*_REJECTS, "disk_free"))
    asked = select(what, "devicelog_health", *_RECORDER)
    about = "Entries that a sink will never take; bytes left where the journal is."
    return numbers("Rejects and disk", about, asked, 24)


def _clock() -> statetimeline.Panel:
    query = Query(
        select(
            '"clock_ok"', "devicelog_health", *(SITE, TIME), then='GROUP BY "device"'
        ),
        form="time_series",
        alias="$tag_device",
    )
    about = "Whether the wall clock was trusted."
    return states("Clock", about, query, CLOCK, 6)


def _receipts() -> table.Panel:
    asked = select(
        '"device"::tag, "session_id", "receipt_state", "receipt_kept",'
        ' "receipt_published", "receipt_stored"',
        "therapy_session",
        *(*_WHEN, "\"receipt_state\" <> ''"),
        then="ORDER BY time DESC",
    )
    return rows("Receipts", "What became of each session's readings.", asked, 12)


def _each_gap() -> table.Panel:
    asked = select(
        '"device"::tag, "text", "ended_at"',
        "therapy_event",
        *(*_WHEN, "\"kind\" = 'gap'", "\"channel\" = '-'"),
        then="ORDER BY time DESC",
    )
    panel = rows("Gaps, one by one", "From when to when, and why.", asked, 12)
    return panel.override_by_name("ended_at", [property_("unit", "dateTimeAsIso")])
