"""Clinic now: which device runs, how long still, with which settings; what is down.

For who treats: a glance from the door.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import gauge, table

from dashboards.boards import board
from dashboards.influx import SITE, TIME, Query, select
from dashboards.panels import (
    LINES,
    RANGE,
    STATES,
    columns,
    dial,
    mapped,
    numbers,
    property_,
    rows,
    session_link,
    states,
    unit,
)

_EACH: Final = 'GROUP BY "site", "device", "channel"'
_WHEN: Final = (SITE, TIME)
_LAST: Final = f"{_EACH} ORDER BY time DESC LIMIT 1"
_SETTINGS: Final = (
    *("frequency_mhz", "duty_pct", "intensity_w_cm2", "intensity_actual_w_cm2"),
    *("carrier_hz", "beat_low_hz", "beat_high_hz"),
    *("amplitude_1_ma", "amplitude_2_ma"),
)
_TODAY: Final = (
    '"site"::tag, "device"::tag, "channel"::tag, "session_id", "started_at",'
    ' "ended_at", "end_reason", "time_set_main_s", "emission_s", "energy_j",'
    ' "amplitude_1_mean_ma", "coverage_pct", "pseudonym", ' + RANGE
)


def make() -> build.Dashboard:
    """The dashboard."""
    it = board("Clinic now", "devicelog_now", "What runs, and what is down.", "now/d")
    it.refresh("5s")
    return (
        it.with_panel(_devices())
        .with_panel(_left())
        .with_panel(_down())
        .with_panel(
            numbers(
                "Started today",
                "Sessions since midnight.",
                select('COUNT("session_id") AS "sessions"', "therapy_session", *_WHEN),
                8,
                5,
            )
        )
        .with_panel(
            states(
                "Channels today",
                "The device's own state; what is shorter than a step is not seen.",
                Query(
                    select(
                        'LAST("state")',
                        "therapy_reading",
                        *_WHEN,
                        then='GROUP BY time($__interval), "device", "channel" '
                        "fill(none)",
                    ),
                    form="time_series",
                    alias="$tag_device $tag_channel",
                ),
                STATES,
            )
        )
        .with_panel(
            states(
                "Lines today",
                "Whether readings arrive from each device.",
                Query(
                    select(
                        '"line_state"',
                        "devicelog_health",
                        *_WHEN,
                        then='GROUP BY "device"',
                    ),
                    form="time_series",
                    alias="$tag_device",
                ),
                LINES,
            )
        )
        .with_panel(_today())
    )


# --- Private ----------------------------------------------------------------------


def _devices() -> table.Panel:
    names = ", ".join(f'"{it}"' for it in ("state", "time_left_s", *_SETTINGS))
    panel = rows(
        "Devices",
        "The last reading of each channel; its time says how old it is.",
        select(names, "therapy_reading", SITE, TIME, then=_LAST),
    )
    cell = property_("custom.cellOptions", {"type": "color-background"})
    panel.override_by_name("state", [property_("mappings", mapped(STATES)), cell])
    return columns(panel, "time_left_s", *_SETTINGS)


def _left() -> gauge.Panel:
    panel = dial(
        "Time left",
        "What the device's own timer shows, of what was read in the last two minutes.",
        Query(
            select(
                'LAST("time_left_s")',
                "therapy_reading",
                *_WHEN,
                then='GROUP BY "device", "channel"',
            ),
            form="time_series",
            alias="$tag_device $tag_channel",
        ),
        8,
        5,
    )
    return panel.time_from("2m").unit(unit("time_left_s")).min(0).max(1200)


def _down() -> table.Panel:
    newest = select(
        'LAST("line_state") AS "line_state"',
        "devicelog_health",
        *_WHEN,
        then='GROUP BY "site", "device"',
    )
    panel = rows(
        "Lines that are down",
        "Devices from which no reading arrives, and since when.",
        f'SELECT "line_state" FROM ({newest}) WHERE "line_state" <> \'online\''  # noqa: S608  no value of a person stands in it
        ' GROUP BY "site", "device"',
        8,
        5,
    )
    return panel.override_by_name("line_state", [property_("mappings", mapped(LINES))])


def _today() -> table.Panel:
    panel = rows(
        "Sessions today",
        "One row a session; its id leads to it.",
        select(_TODAY, "therapy_session", *_WHEN, then="ORDER BY time DESC"),
    )
    shown = ("time_set_main_s", "emission_s", "energy_j", "amplitude_1_mean_ma")
    return session_link(columns(panel, *shown, "coverage_pct"))
