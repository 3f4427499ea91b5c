"""Panels as this project uses them: types that Grafana 9 to 12 share, and no other."""

from collections.abc import Iterable
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import (
    barchart,
    common,
    gauge,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models import dashboard as model

from dashboards.influx import SITE, SOURCE, Query, select
from devicelog.model.fields import FIELDS

WIDTH: Final = 24  # of a dashboard, in Grafana's grid
SPAN_MS: Final = 5_000  # a line is drawn over so much silence, and no more
# Grafana's names of our units (UCUM).
_UNITS: Final = {
    "s": "s",
    "%": "percent",
    "MHz": "suffix: MHz",
    "Hz": "hertz",
    "W/cm2": "suffix: W/cm²",
    "W": "watt",
    "J": "joule",
    "J/cm2": "suffix: J/cm²",
    "mA": "mamp",
    "mA.min": "suffix: mA·min",
    "Cel": "celsius",
    "ms": "ms",
}
_OPEN_SESSION: Final = (
    "/d/devicelog_session/x?var-site=${__data.fields.site}"
    "&var-device=${__data.fields.device}&var-session=${__value.raw:percentencode}"
    "&from=${__data.fields.since.numeric}&to=${__data.fields.until.numeric}"
)
# Some seconds more on either side show what led to the end too: a fault stands a ns
# behind the last reading, a lost line as long as the device may be quiet.
RANGE: Final = '"started_at" - 5000 AS "since", "ended_at" + 5000 AS "until"'
STATES: Final = {
    "idle": "#8e8e8e",
    "ready": "light-blue",
    "ramping": "light-green",
    "running": "green",
    "hold_contact": "orange",
    "paused": "yellow",
    "finished": "blue",
    "aborted": "purple",
    "fault": "red",
    "selftest": "#c0c0c0",
}
LINES: Final = {
    "online": "green",
    "unverified": "light-green",
    "noise": "orange",
    "foreign": "purple",
    "silent": "yellow",
    "missing": "red",
    "busy": "red",
    "forbidden": "red",
    "unusable": "red",
    "closed": "#8e8e8e",
}
CLOCK: Final = {"true": "green", "false": "red"}
AnyPanel = (
    timeseries.Panel
    | statetimeline.Panel
    | table.Panel
    | stat.Panel
    | gauge.Panel
    | barchart.Panel
)


P = TypeVar("P", bound=AnyPanel)


def placed(panel: P, title: str, about: str, w: int, h: int) -> P:
    """With title, size and a sentence for its reader."""
    panel.title(title).description(about).datasource(SOURCE)
    panel.grid_pos(model.GridPos(h=h, w=w))
    return panel


def mapped(colours: dict[str, str]) -> list[model.ValueMapping]:
    """One colour a word, which stays itself."""
    results = {
        word: model.ValueMappingResult(text=word, color=colour, index=n)
        for n, (word, colour) in enumerate(colours.items())
    }
    return [model.ValueMap(options=results)]


def property_(name: str, value: object) -> model.DynamicConfigValue:
    """One property of a field."""
    return model.DynamicConfigValue(id_val=name, value=value)


def unit(name: str) -> str:
    """Grafana's unit of a field of the catalogue."""
    return _UNITS[FIELDS[name].unit]


def banner() -> stat.Panel:
    """Says SIMULATED where the store's marker says so."""
    says = {
        "true": ("SIMULATED: no real patient, no real treatment", "purple"),
        "false": ("Recorded in the clinic", "text"),
    }
    results = {
        word: model.ValueMappingResult(text=text, color=colour)
        for word, (text, colour) in says.items()
    }
    panel = stat.Panel().mappings([model.ValueMap(options=results)])
    asked = select('LAST("simulated") AS "simulated"', "devicelog_marker", SITE)
    panel.with_target(Query(asked))
    panel.reduce_options(_last("/^simulated$/"))
    panel.color_mode(words.BigValueColorMode.BACKGROUND)
    panel.graph_mode(words.BigValueGraphMode.NONE)
    return placed(panel, "", "Simulated and recorded data never mix.", WIDTH, 2)


def numbers(
    title: str, about: str, query: str, w: int, h: int = 4, *, units: str | None = None
) -> stat.Panel:
    """Each column of one row as a number, with its unit from the catalogue."""
    panel = stat.Panel().with_target(Query(query)).no_value("-")
    panel.reduce_options(_last("/^(?!Time$).*$/"))
    panel.color_mode(words.BigValueColorMode.NONE)
    panel.graph_mode(words.BigValueGraphMode.NONE)
    if units:
        panel.unit(units)
    return placed(panel, title, about, w, h)


def rows(title: str, about: str, query: str, w: int = WIDTH, h: int = 8) -> table.Panel:
    """A table; columns of the catalogue carry their units."""
    panel = table.Panel().with_target(Query(query)).no_value("none")
    return placed(panel, title, about, w, h)


def columns(panel: table.Panel, *names: str) -> table.Panel:
    """Units of these columns."""
    for name in names:
        panel.override_by_name(name, [property_("unit", unit(name))])
    return panel


def session_link(panel: table.Panel) -> table.Panel:
    """A row leads to its session, with the session's own time: select `RANGE` too."""
    for name in ("since", "until"):
        panel.override_by_name(name, [property_("custom.hidden", value=True)])
    panel.override_by_name("started_at", [property_("unit", "dateTimeAsIso")])
    panel.override_by_name("ended_at", [property_("unit", "dateTimeAsIso")])
    link = {"title": "Open this session", "url": _OPEN_SESSION}
    panel.override_by_name("session_id", [property_("links", [link])])
    return panel


def lines(
    title: str, about: str, queries: Iterable[Query], w: int = WIDTH, h: int = 9
) -> timeseries.Panel:
    """Lines that break where nothing was read."""
    panel = timeseries.Panel().span_nulls(SPAN_MS).line_width(1)
    panel.show_points(words.VisibilityMode.AUTO)
    for query in queries:
        panel.with_target(query)
    panel.legend(
        common.VizLegendOptions()
        .display_mode(words.LegendDisplayMode.LIST)
        .placement(words.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    return placed(panel, title, about, w, h)


def points(
    title: str, about: str, queries: Iterable[Query], w: int, h: int = 9
) -> timeseries.Panel:
    """One point a session: nothing lies between two of them."""
    panel = lines(title, about, queries, w, h)
    panel.draw_style(words.GraphDrawStyle.POINTS).point_size(6)
    return panel


def states(
    title: str, about: str, query: Query, colours: dict[str, str], h: int = 8
) -> statetimeline.Panel:
    """Words over time, one colour each."""
    panel = statetimeline.Panel().with_target(query).mappings(mapped(colours))
    panel.show_value(words.VisibilityMode.NEVER).merge_values(True)
    return placed(panel, title, about, WIDTH, h)


def bars(title: str, about: str, query: str, x: str, w: int) -> barchart.Panel:
    """A bar a row, named by its column `x`."""
    panel = barchart.Panel().with_target(Query(query)).x_field(x)
    return placed(panel, title, about, w, 8)


def dial(title: str, about: str, query: Query, w: int, h: int = 8) -> gauge.Panel:
    """One dial a series."""
    panel = gauge.Panel().with_target(query).reduce_options(_last(""))
    return placed(panel, title, about, w, h)


def grouped(by: str, **sums: str) -> model.DataTransformerConfig:
    """A table grouped by a field, as only a transformation can: column -> reducer."""
    fields: dict[str, object] = {by: {"operation": "groupby", "aggregations": []}}
    for name, reducer in sums.items():
        fields[name] = {"operation": "aggregate", "aggregations": [reducer]}
    return transformation("groupBy", fields=fields)


def transformation(id_: str, **options: object) -> model.DataTransformerConfig:
    """One step of a panel's transformations."""
    return model.DataTransformerConfig(id_val=id_, options=options)


def hidden(*names: str) -> model.DataTransformerConfig:
    """Columns that are left out."""
    return transformation("organize", excludeByName=dict.fromkeys(names, True))


# --- Private ----------------------------------------------------------------------


def _last(fields: str) -> common.ReduceDataOptions:
    return (
        common.ReduceDataOptions().calcs(["lastNotNull"]).fields(fields).values(False)
    )
