"""The last three sessions of a pseudonym, laid over each other from their starts.

InfluxQL does no arithmetic on time, and a panel has no range of its own: so the time
axis is `elapsed_ms`, and the range begins at 1970, in UTC. It is the second page of
Patient history.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import timeseries

from dashboards.boards import board
from dashboards.influx import PATIENT, SITE, Query, every, select, variable
from dashboards.panels import hidden, lines, property_, transformation, unit
from dashboards.patient_history import patient
from dashboards.session import named

_LAST: Final = '"session_id" =~ /^${last:regex}$/'
_SOUND: Final = ("intensity_w_cm2", "intensity_actual_w_cm2")
# What no index finds is looked for in half a year.
_RECENT: Final = "time > now() - 26w"
_CURRENT: Final = ("amplitude_1_ma", "amplitude_2_ma")


def make() -> build.Dashboard:
    """The dashboard; every session shorter than half an hour is seen whole."""
    it = board(
        "Patient: the last three", "devicelog_overlay", "From their starts.", "0"
    )
    it.timezone("utc").time("1970-01-01T00:00:00Z", "1970-01-01T00:30:00Z")
    it.with_variable(patient()).with_variable(_last())
    return it.with_panel(_overlay("Ultrasound from the start", _SOUND)).with_panel(
        _overlay("Interferential current from the start", _CURRENT)
    )


# --- Private ----------------------------------------------------------------------


def _last() -> build.QueryVariable:
    """All of them, always: no time filter, for the range is no date."""
    asked = select(
        '"session_id"',
        "therapy_session",
        SITE,
        PATIENT,
        "\"session_id\" <> ''",
        _RECENT,
        then="ORDER BY time DESC LIMIT 3",
    )
    return every(variable("last", "Sessions", asked))


def _overlay(title: str, names: tuple[str, ...]) -> timeseries.Panel:
    """One line a session and field."""
    asked = select(
        named(("session_id", "elapsed_ms", *names)),
        "therapy_reading",
        *(SITE, _LAST, '"elapsed_ms" >= 0', _RECENT),
    )
    panel = lines(title, "Minutes since each start.", (Query(asked),), h=10)
    to_time = {"targetField": "elapsed_ms", "destinationType": "time"}
    panel.with_transformation(hidden("Time"))
    panel.with_transformation(transformation("convertFieldType", conversions=[to_time]))
    panel.with_transformation(transformation("sortBy", sort=[{"field": "elapsed_ms"}]))
    panel.with_transformation(transformation("prepareTimeSeries", format="many"))
    for name in names:
        panel.override_by_name(name, [property_("unit", unit(name))])
    return panel.min(0)
