"""Patient history, by pseudonym: sessions, dose, settings and adherence over weeks.

Who the pseudonym is, only the recorder knows.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models import dashboard as model

from dashboards.boards import board
from dashboards.influx import PATIENT, SITE, TIME, Query, select, variable
from dashboards.panels import (
    RANGE,
    columns,
    numbers,
    points,
    property_,
    rows,
    session_link,
    unit,
)
from dashboards.session import named

_WHEN: Final = (SITE, PATIENT, TIME)
_LIST: Final = (
    *("site", "device", "channel", "session_id", "started_at", "ended_at"),
    *("end_reason", "purpose", "time_set_main_s", "emission_s", "energy_j"),
    *("charge_1_ma_min", "coverage_pct", "flags"),
)
_DOSE: Final = ("energy_j", "charge_1_ma_min", "charge_2_ma_min")
_SETTINGS: Final = (
    *("intensity_mean_w_cm2", "amplitude_1_mean_ma", "amplitude_2_mean_ma"),
    "time_set_main_s",
)
_KEPT: Final = '"emission_s" / "time_set_main_s" * 100 AS "adherence"'
# A start that was not seen says only "at least".
_SEEN: Final = (*_WHEN, '"time_set_main_s" > 0', '"flags" !~ /start_unseen/')
_MONDAY: Final = "GROUP BY time(1w, 4d) fill(0)"  # the epoch was a Thursday
_OVERLAY: Final = (
    "/d/devicelog_overlay/x?${site:queryparam}&${patient:queryparam}&from=0&to=1800000"
)


def make() -> build.Dashboard:
    """The dashboard."""
    it = board("Patient history", "devicelog_patient", "One pseudonym.", "now-90d")
    link = build.DashboardLink("The last three, laid over each other").url(_OVERLAY)
    it.with_variable(patient()).link(link.type(model.DashboardLinkType.LINK))
    return (
        it.with_panel(_count())
        .with_panel(_adherence())
        .with_panel(_weeks())
        .with_panel(_each("Dose", "Of each session.", _DOSE, 12))
        .with_panel(_each("Settings", "Means of each session.", _SETTINGS, 12))
        .with_panel(_planned())
        .with_panel(_sessions())
    )


def patient() -> build.QueryVariable:
    """One pseudonym."""
    asked = select(
        'DISTINCT("pseudonym")', "therapy_session", SITE, "\"pseudonym\" <> ''"
    )
    return variable("patient", "Pseudonym", asked).sort(
        model.VariableSort.ALPHABETICAL_ASC
    )


# --- Private ----------------------------------------------------------------------


def _count() -> stat.Panel:
    what = (
        'COUNT("session_id") AS "sessions", SUM("energy_j") AS "energy_j",'
        ' SUM("charge_1_ma_min") AS "charge_1_ma_min"'
    )
    panel = numbers(
        "In this time",
        "Sessions, and their dose together.",
        select(what, "therapy_session", *_WHEN),
        12,
    )
    for name in ("energy_j", "charge_1_ma_min"):
        panel.override_by_name(name, [property_("unit", unit(name))])
    return panel


def _adherence() -> stat.Panel:
    inner = select(_KEPT, "therapy_session", *_SEEN)
    what = 'MEAN("adherence") AS "mean", MIN("adherence") AS "least"'
    return numbers(
        "Adherence",
        "Emission against the time planned; starts that were not seen are left out.",
        f"SELECT {what} FROM ({inner})",  # noqa: S608  no value of a person
        12,
        units="percent",
    )


def _weeks() -> timeseries.Panel:
    asked = select(
        'COUNT("session_id") AS "sessions"', "therapy_session", *_WHEN, then=_MONDAY
    )
    panel = points(
        "Sessions a week",
        "Weeks begin on Monday.",
        (Query(asked, form="time_series", alias="$col"),),
        24,
        6,
    )
    return panel.draw_style(words.GraphDrawStyle.BARS).fill_opacity(60).min(0)


def _each(title: str, about: str, names: tuple[str, ...], w: int) -> timeseries.Panel:
    asked = select(named(names), "therapy_session", *_WHEN)
    panel = points(title, about, (Query(asked, form="time_series", alias="$col"),), w)
    for name in names:
        panel.override_by_name(name, [property_("unit", unit(name))])
    return panel


def _planned() -> timeseries.Panel:
    asked = select(_KEPT, "therapy_session", *_SEEN)
    panel = points(
        "Adherence of each session",
        "100 % is the time that was set.",
        (Query(asked, form="time_series", alias="$col"),),
        24,
        6,
    )
    return panel.unit("percent").min(0)


def _sessions() -> table.Panel:
    panel = rows(
        "Sessions",
        "A row's id leads to its session with the right time range.",
        select(
            f"{named(_LIST)}, {RANGE}",
            "therapy_session",
            *_WHEN,
            then="ORDER BY time DESC",
        ),
    )
    shown = ("time_set_main_s", "emission_s", "energy_j", "charge_1_ma_min")
    return session_link(columns(panel, *shown, "coverage_pct"))
