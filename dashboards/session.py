"""Session: one treatment, second by second, and what is known of it.

For the physio who gave it and the engineer who asks about it.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import dashboard as model

from dashboards.boards import board
from dashboards.influx import (
    DEVICE,
    SESSION,
    SITE,
    TIME,
    Query,
    band,
    device,
    select,
    variable,
)
from dashboards.panels import (
    RANGE,
    STATES,
    columns,
    hidden,
    lines,
    numbers,
    property_,
    rows,
    session_link,
    states,
    transformation,
    unit,
)

_THIS: Final = (SITE, DEVICE, SESSION)
_WHEN: Final = (*_THIS, TIME)
_STEP: Final = "GROUP BY time($__interval) fill(null)"
_SOUND: Final = ("intensity_w_cm2", "intensity_actual_w_cm2")
_CURRENT: Final = (
    *("amplitude_1_ma", "amplitude_2_ma"),
    *("amplitude_actual_1_ma", "amplitude_actual_2_ma"),
)
_TIMER: Final = ("time_left_s", "time_elapsed_s")
_ABOUT: Final = (
    *("session_id", "site", "device", "channel", "modality", "started_at", "ended_at"),
    *("end_reason", "purpose", "pseudonym", "head", "flags"),
)
_DOSE: Final = (
    *("energy_j", "energy_density_j_cm2", "energy_if_satp_j", "energy_if_sata_j"),
    *("intensity_mean_w_cm2", "power_mean_w", "dose_planned_j"),
    *("amplitude_1_mean_ma", "amplitude_2_mean_ma", "charge_1_ma_min"),
    *("charge_2_ma_min", "coverage_pct"),
)
_INDICATED: Final = ("energy_j", "energy_if_satp_j", "energy_if_sata_j")
_CORRECTED: Final = (
    *("energy_corrected_j", "energy_corrected_if_satp_j"),
    *("energy_corrected_if_sata_j", "output_error_pct"),
)
_CLOCKS: Final = ("time_set_main_s", "wall_s", "device_s", "emission_s", "output_s")
_STOPS: Final = ("paused_s", "contact_lost_s", "gap_s")
_RECEIPT: Final = (
    *("receipt_state", "receipt_decoded", "receipt_kept"),
    *("receipt_published", "receipt_stored"),
)
_TAGS: Final = ("site", "device", "channel", "modality")
_LIST: Final = (
    *("site", "device", "session_id", "started_at", "ended_at", "end_reason"),
    *("emission_s", "pseudonym"),
)
# Name, kind of event, colour. What lasts is drawn as a region.
_BANDS: Final = (
    ("Pauses", "pause", "yellow"),
    ("Contact lost", "contact_lost", "orange"),
    ("Gaps", "gap", "#8e8e8e"),
    ("Line lost", "line_lost", "dark-red"),
    ("Settings", "setting", "blue"),
    ("Timer lengthened", "timer_lengthened", "purple"),
    ("Faults", "fault", "red"),
)


def make() -> build.Dashboard:
    """The dashboard."""
    it = board("Session", "devicelog_session", "One treatment.", "now-24h")
    it.with_variable(device()).with_variable(_session())
    for name, kind, colour in _BANDS:
        where = (*_WHEN, f"\"kind\" = '{kind}'")
        asked = select('"text", "ended_at"', "therapy_event", *where)
        it.annotation(band(name, colour, asked))
    return (
        it.with_panel(_about())
        .with_panel(_measured())
        .with_panel(
            states(
                "State",
                "As the device says it.",
                Query(
                    select('"state" AS "state"', "therapy_reading", *_WHEN),
                    form="time_series",
                    alias="$col",
                ),
                STATES,
                4,
            )
        )
        .with_panel(_timer())
        .with_panel(_clocks())
        .with_panel(_stops())
        .with_panel(_dose())
        .with_panel(_corrected())
        .with_panel(_receipt())
        .with_panel(_events())
        .with_panel(_others())
    )


def named(names: tuple[str, ...]) -> str:
    """Columns; tags are marked as such."""
    return ", ".join(f'"{it}"::tag' if it in _TAGS else f'"{it}"' for it in names)


# --- Private ----------------------------------------------------------------------


def _session() -> build.QueryVariable:
    asked = select('DISTINCT("session_id")', "therapy_session", SITE, DEVICE, TIME)
    return variable("session", "Session", asked).sort(
        model.VariableSort.ALPHABETICAL_DESC
    )


def _means(names: tuple[str, ...], ref: str) -> Query:
    what = ", ".join(f'MEAN("{it}") AS "{it}"' for it in names)
    asked = select(what, "therapy_reading", *_WHEN, then=_STEP)
    return Query(asked, form="time_series", alias="$col", ref=ref)


def _about() -> table.Panel:
    panel = rows(
        "This session",
        "What it was, and how it ended.",
        select(f"{named(_ABOUT)}, {RANGE}", "therapy_session", *_THIS),
        h=4,
    )
    return session_link(panel).with_transformation(hidden("Time"))


def _measured() -> timeseries.Panel:
    panel = lines(
        "Set and delivered",
        "Settings and what the device reports; the line breaks where nothing was read.",
        (_means(_SOUND, "A"), _means(_CURRENT, "B")),
    )
    for name in (*_SOUND, *_CURRENT):
        side = "left" if name in _SOUND else "right"
        panel.override_by_name(
            name,
            [
                property_("unit", unit(name)),
                property_("custom.axisPlacement", side),
                property_("custom.lineInterpolation", "stepAfter"),
            ],
        )
    return panel.interval("1s").min(0)


def _timer() -> timeseries.Panel:
    about = "What the device's own timer shows."
    panel = lines("Timer", about, (_means(_TIMER, "A"),), h=5)
    return panel.interval("1s").min(0).unit(unit("time_left_s"))


def _clocks() -> stat.Panel:
    what = ", ".join(f'LAST("{it}") AS "{it}"' for it in _CLOCKS)
    return numbers(
        "Three clocks",
        "Set; wall time; the device's own timer; emission, and its part above 0.",
        select(what, "therapy_session", *_THIS),
        14,
        units="s",
    )


def _stops() -> stat.Panel:
    what = ", ".join(f'LAST("{it}") AS "{it}"' for it in _STOPS)
    return numbers(
        "Stopped for",
        "Pauses by the operator, lost contact, time without readings.",
        select(what, "therapy_session", *_THIS),
        10,
        units="s",
    )


def _dose() -> table.Panel:
    panel = rows(
        "Dose",
        "As indicated by the device; what its kind does not give stays empty.",
        select(named(_DOSE), "therapy_session", *_THIS),
        h=4,
    )
    return columns(panel, *_DOSE).with_transformation(hidden("Time"))


def _corrected() -> table.Panel:
    """Two queries in one row: a number that no longer counts is left out."""
    said = named((*_INDICATED, "uncorrected", "head", "head_source"))
    panel = rows(
        "Indicated and corrected",
        "By the head's last output check before the session, else why there is none.",
        select(said, "therapy_session", *_THIS),
        h=4,
    )
    counts = (*_THIS, "\"uncorrected\" = ''")
    panel.with_target(
        Query(select(named(_CORRECTED), "therapy_session", *counts), ref="B")
    )
    panel.with_transformation(transformation("merge"))
    columns(panel, *_INDICATED, *_CORRECTED)
    return panel.with_transformation(hidden("Time"))


def _receipt() -> table.Panel:
    panel = rows(
        "Receipt",
        "What became of its readings, counted at each station.",
        select(named(_RECEIPT), "therapy_session", *_THIS),
        h=4,
    )
    return panel.with_transformation(hidden("Time"))


def _events() -> table.Panel:
    return rows(
        "What happened",
        "Everything that was noticed in this session.",
        select('"kind"::tag, "text"', "therapy_event", *_THIS),
        12,
    )


def _others() -> table.Panel:
    panel = rows(
        "Sessions in this time",
        "A row's id opens that session with its own time.",
        select(
            f"{named(_LIST)}, {RANGE}",
            "therapy_session",
            *(SITE, DEVICE, TIME),
            then="ORDER BY time DESC",
        ),
        12,
    )
    return session_link(columns(panel, "emission_s"))
