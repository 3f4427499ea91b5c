"""The last three sessions of a pseudonym, laid over each other from their starts.

InfluxQL does no arithmetic on time, and a panel has no range of its own: so the time
axis is `elapsed_ms`, and the range begins at 1970, in UTC. It is the second page of
Patient history.

A session's id is a field, which no index finds: without bounds half a year of readings
is walked for three treatments. Two hidden variables say from when to when they were.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import dashboard as model

from dashboards.boards import board
from dashboards.influx import PATIENT, SITE, Query, every, select, variable
from dashboards.panels import hidden, lines, property_, transformation, unit
from dashboards.patient_history import patient
from dashboards.session import named

_LAST: Final = '"session_id" =~ /^${last:regex}$/'
_SOUND: Final = ("intensity_w_cm2", "intensity_actual_w_cm2")
# Treatments are hours at most; a day is enough for one that still runs.
_WHEN: Final = ("time >= ${since:regex}ms", "time <= ${until:regex}ms + 1d")
_CURRENT: Final = ("amplitude_1_ma", "amplitude_2_ma")


def make() -> build.Dashboard:
    """The dashboard; every session shorter than half an hour is seen whole."""
    it = board(
        "Patient: the last three", "devicelog_overlay", "From their starts.", "0"
    )
    it.timezone("utc").time("1970-01-01T00:00:00Z", "1970-01-01T00:30:00Z")
    it.with_variable(patient()).with_variable(_last())
    it.with_variable(_bound("since", "MIN")).with_variable(_bound("until", "MAX"))
    return it.with_panel(_overlay("Ultrasound from the start", _SOUND)).with_panel(
        _overlay("Interferential current from the start", _CURRENT)
    )


# --- Private ----------------------------------------------------------------------


def _three(what: str) -> str:
    return select(
        f'"{what}"',
        "therapy_session",
        *(SITE, PATIENT, "\"session_id\" <> ''"),
        then="ORDER BY time DESC LIMIT 3",
    )


def _last() -> build.QueryVariable:
    """All of them, always: no time filter, for the range is no date."""
    return every(variable("last", "Sessions", _three("session_id")))


def _bound(name: str, function: str) -> build.QueryVariable:
    """The first or the last of their starts, in ms."""
    asked = (
        f'SELECT {function}("started_at") FROM ({_three("started_at")})'  # noqa: S608
        " ORDER BY time DESC"  # as the inner one, or the store refuses it
    )
    return variable(name, name, asked).hide(model.VariableHide.HIDE_VARIABLE)


def _overlay(title: str, names: tuple[str, ...]) -> timeseries.Panel:
    """One line a session and field."""
    asked = select(
        named(("session_id", "elapsed_ms", *names)),
        "therapy_reading",
        *(SITE, _LAST, '"elapsed_ms" >= 0', *_WHEN),
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
