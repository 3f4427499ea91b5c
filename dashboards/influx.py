"""What is asked of the store: InfluxQL, in Grafana's words.

Variables stand in regular expressions only: `= '$name'` breaks on a quote. A field can
group nothing (`GROUP BY` a field is one silent group), so tables are grouped by a
transformation.
"""

from typing import Any, Final, Literal

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models import dashboard as model

from devicelog.grafana.wanted import SOURCE_UID

SOURCE: Final = model.DataSourceRef("influxdb", SOURCE_UID)
TIME: Final = "$timeFilter"
SITE: Final = '"site" =~ /^${site:regex}$/'
DEVICE: Final = '"device" =~ /^${device:regex}$/'
SESSION: Final = '"session_id" =~ /^${session:regex}$/'
PATIENT: Final = '"pseudonym" =~ /^${patient:regex}$/'


def select(what: str, table: str, *where: str, then: str = "") -> str:
    """One statement; `where` are joined by AND."""
    text = f'SELECT {what} FROM "{table}" WHERE {" AND ".join(where)}'  # noqa: S608  no value of a person stands in it
    return f"{text} {then}".rstrip()


class Query(builder.Builder[variants.Dataquery], variants.Dataquery):
    """One target of a panel; its own builder."""

    def __init__(
        self,
        query: str,
        *,
        form: Literal["table", "time_series"] = "table",
        alias: str = "",
        ref: str = "A",
    ) -> None:
        self._told: dict[str, Any] = {
            "refId": ref,
            "datasource": SOURCE,
            "query": query,
            "rawQuery": True,
            "resultFormat": form,
        }
        if alias:
            self._told["alias"] = alias

    def build(self) -> "Query":
        """Itself."""
        return self

    def to_json(self) -> dict[str, Any]:
        """As Grafana's data source reads it."""
        return self._told


class Band(builder.Builder[model.AnnotationTarget], model.AnnotationTarget):
    """What is drawn over time series: a line, or a region up to the event's end.

    The library types no target of this data source; the keys are those of Grafana's own
    `InfluxQuery` (`fromAnnotations`, `textEditor`, `textColumn`, `timeEndColumn`).
    """

    def __init__(self, query: str) -> None:
        super().__init__()
        self._query = query

    def build(self) -> "Band":
        """Itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """As Grafana's data source reads it; the end is an int of ms."""
        return {
            "refId": "Anno",
            "datasource": SOURCE,
            "fromAnnotations": True,
            "query": self._query,
            "rawQuery": True,
            "textEditor": True,
            "textColumn": "text",
            "timeEndColumn": "ended_at",
        }


def band(name: str, colour: str, query: str) -> build.AnnotationQuery:
    """Events of one kind, in one colour."""
    it = build.AnnotationQuery().name(name).datasource(SOURCE)
    return it.enable(True).icon_color(colour).target(Band(query))


def variable(name: str, label: str, query: str) -> build.QueryVariable:
    """A variable that is asked for again whenever the range changes."""
    return (
        build.QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(SOURCE)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    )


def every(it: build.QueryVariable) -> build.QueryVariable:
    """All of them, unless some are chosen."""
    chosen = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    return it.include_all(True).multi(True).current(chosen)


def site() -> build.QueryVariable:
    """The clinics of this store."""
    query = 'SHOW TAG VALUES FROM "devicelog_marker" WITH KEY = "site"'
    return every(variable("site", "Clinic", query))


def device(measurement: str = "therapy_session") -> build.QueryVariable:
    """A device of which this measurement tells; the recorder itself is none."""
    query = (
        f'SHOW TAG VALUES FROM "{measurement}" WITH KEY = "device"'
        f" WHERE {SITE} AND \"device\" <> '-'"
    )
    return variable("device", "Device", query)
