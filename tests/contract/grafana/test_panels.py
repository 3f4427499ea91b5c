"""Each panel's query, asked of the real store, answers what the journal says."""

import json
import random

import pytest
from contract.grafana import expected as told
from contract.grafana.asking import Range, replaced
from contract.grafana.conftest import RECORDER

from dashboards.boards import FOLDER

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
DOSE = (
    *("energy_j", "energy_density_j_cm2", "energy_if_satp_j", "energy_if_sata_j"),
    *("intensity_mean_w_cm2", "power_mean_w", "dose_planned_j"),
    *("amplitude_1_mean_ma", "amplitude_2_mean_ma", "charge_1_ma_min"),
    *("charge_2_ma_min", "coverage_pct"),
)
INDICATED = ("energy_j", "energy_if_satp_j", "energy_if_sata_j")
HEAD = ("uncorrected", "head", "head_source")
CLOCKS = ("time_set_main_s", "wall_s", "device_s", "emission_s", "output_s")
ABOUT = (
    *("since", "until"),
    *("session_id", "started_at", "ended_at", "end_reason", "purpose"),
    *("pseudonym", "head", "flags"),
)
HISTORY = (
    *("since", "until"),
    *("session_id", "started_at", "ended_at", "end_reason", "purpose"),
    *("time_set_main_s", "emission_s", "energy_j", "charge_1_ma_min"),
    *("coverage_pct", "flags"),
)
BACKLOG = {n: it for n, it in RECORDER.items() if n.startswith("backlog")}
STANDS = {n: it for n, it in RECORDER.items() if n not in BACKLOG}

# Board, panel -> what each of its targets answers.
PANELS = {
    ("clinic_now", "Devices"): [told.devices],
    ("clinic_now", "Time left"): [told.time_left],
    ("clinic_now", "Lines that are down"): [told.lines_down],
    ("clinic_now", "Started today"): [told.count_today],
    ("clinic_now", "Channels today"): [told.channel_states],
    ("clinic_now", "Lines today"): [told.line_states],
    ("clinic_now", "Sessions today"): [told.sessions_of(*told.TODAY)],
    ("session", "This session"): [told.this(ABOUT, (*told.WHERE, "modality"))],
    ("session", "Set and delivered"): [
        told.means(told.SOUND),
        told.means(told.CURRENT),
    ],
    ("session", "State"): [lambda it: told.fields(it.rows("readings"), ("state",))],
    ("session", "Timer"): [told.means(("time_left_s", "time_elapsed_s"))],
    ("session", "Three clocks"): [told.latest(*CLOCKS)],
    ("session", "Stopped for"): [told.latest("paused_s", "contact_lost_s", "gap_s")],
    ("session", "Dose"): [told.this(DOSE)],
    ("session", "Indicated and corrected"): [
        told.this((*INDICATED, *HEAD)),
        told.corrected(told.CORRECTED),
    ],
    ("session", "Receipt"): [told.this((*told.RECEIPT, "receipt_decoded"))],
    ("session", "What happened"): [told.events],
    ("session", "Sessions in this time"): [told.others],
    ("patient_history", "In this time"): [told.patient_sums],
    ("patient_history", "Adherence"): [told.adherence],
    ("patient_history", "Sessions a week"): [told.weeks],
    ("patient_history", "Dose"): [
        lambda it: told.fields(
            it.rows("sessions"), ("energy_j", "charge_1_ma_min", "charge_2_ma_min")
        )
    ],
    ("patient_history", "Settings"): [
        lambda it: told.fields(
            it.rows("sessions"),
            (
                *("intensity_mean_w_cm2", "amplitude_1_mean_ma"),
                *("amplitude_2_mean_ma", "time_set_main_s"),
            ),
        )
    ],
    ("patient_history", "Adherence of each session"): [told.each_adherence],
    ("patient_history", "Sessions"): [told.sessions_of(*HISTORY)],
    ("patient_overlay", "Ultrasound from the start"): [told.overlay(told.SOUND)],
    ("patient_overlay", "Interferential current from the start"): [
        told.overlay(told.CURRENT[:2])
    ],
    ("device_use", "Hours of each device"): [
        told.per_device(hours=("emission_s", told.hours))
    ],
    ("device_use", "Hours of each head"): [told.heads],
    ("device_use", "Indicated and corrected dose of each head"): [told.both_doses],
    ("device_use", "Doses that are not corrected"): [told.uncorrected],
    ("device_use", "Each device"): [
        told.per_device(
            sessions=("session_id", len),
            emission_s=("emission_s", sum),
            faults=("faults", sum),
            coverage_pct=("coverage_pct", told.mean),
        )
    ],
    ("device_use", "Faults"): [told.fault_counts],
    ("device_use", "Contact lost"): [told.contact],
    ("device_use", "Timer error of each session"): [
        lambda it: told.fields(it.rows("sessions"), ("timer_error_pct",), ("device",))
    ],
    ("device_use", "Use by hour"): [
        lambda it: told.fields(it.rows("sessions"), ("local_hour", "emission_s"))
    ],
    ("device_use", "Use by weekday"): [
        lambda it: told.fields(it.rows("sessions"), ("local_weekday", "emission_s"))
    ],
    ("device_use", "Faults, one by one"): [
        lambda it: told.fields(
            told.faults_of(it), ("text", "session_id"), ("device", "channel")
        )
    ],
    ("data_quality", "Noise"): [told.noise],
    ("data_quality", "Gaps"): [told.gaps],
    ("data_quality", "Coverage"): [
        lambda it: told.fields(it.rows("sessions"), ("coverage_pct",), ("device",))
    ],
    ("data_quality", "Backlog"): [told.recorder(BACKLOG, by_time=True)],
    ("data_quality", "Rejects and disk"): [told.recorder(STANDS, by_time=False)],
    ("data_quality", "Clock"): [
        lambda it: told.fields(it.rows("health"), ("clock_ok",), ("device",))
    ],
    ("data_quality", "Receipts"): [told.receipts],
    ("data_quality", "Gaps, one by one"): [told.each_gap],
}
BOARDS = {it.stem: json.loads(it.read_text()) for it in FOLDER.glob("*.json")}


def of(board):
    return [title for name, title in PANELS if name == board]


def panel(board, title):
    (found,) = [it for it in BOARDS[board]["panels"] if it["title"] == title]
    return found


def number(it):
    """A number as it is read; anything else as it is."""
    is_number = isinstance(it, int | float) and not isinstance(it, bool)
    return round(float(it), 6) + 0.0 if is_number else it  # -0.0 is 0.0


def plain(rows, like):
    """Rows in one order, numbers as they are read; times where they say something."""
    timed = any("time" in it for it in like)
    return sorted(
        json.dumps(
            {n: number(it) for n, it in sorted(row.items()) if timed or n != "time"}
        )
        for row in rows
        if row.keys() - {"time"}
    )


def same(clinic, board, title, view, variables):
    """How many rows the panel showed, which are those of the journal."""
    targets = panel(board, title)["targets"]
    functions = PANELS[board, title]
    shown = 0
    for target, function in zip(targets, functions, strict=True):
        found = clinic.grafana.ask(replaced(target["query"], view.span, variables))
        wanted = function(view)
        assert plain(found, wanted) == plain(wanted, wanted), target["query"]
        shown += len(found)
    return shown


def variables_of(clinic, board, span, **chosen):
    """Each variable's values, asked one after another as Grafana does; All: all."""
    values = {}
    for it in BOARDS[board]["templating"]["list"]:
        choices = clinic.grafana.choices(replaced(it["query"], span, values))
        picked = chosen.get(it["name"])
        if picked is not None:
            assert picked in choices, (it["name"], picked, choices)
        values[it["name"]] = choices if picked is None else [picked]
    return values


def test_every_panel_has_its_answer_here():
    shown = {
        (name, it["title"])
        for name, board in BOARDS.items()
        for it in board["panels"]
        if it["title"]
    }

    assert shown == set(PANELS)


@pytest.mark.parametrize("board", BOARDS)
def test_the_banner_says_simulated(clinic, board):
    target = BOARDS[board]["panels"][0]["targets"][0]
    query = replaced(target["query"], Range(0, 0), {"site": ["sim-test"]})

    (row,) = clinic.grafana.ask(query)

    assert row["simulated"] is True


@pytest.mark.parametrize("title", of("clinic_now"))
def test_clinic_now(clinic, title):
    end = clinic.end_ns
    span = Range(end // DAY * DAY, end)
    if panel("clinic_now", title).get("timeFrom") == "2m":
        span = Range(end - 120 * SECOND, end)
    variables = variables_of(clinic, "clinic_now", span)

    assert same(clinic, "clinic_now", title, told.View(clinic, span), variables) > 0


@pytest.mark.parametrize("title", of("session"))
def test_session(clinic, title):
    shown = 0
    ended = [it for it in clinic.journal.sessions if "receipt_state" in it]
    for it in random.Random(7).sample(ended, 12):
        span = Range(it["since"] * 1_000_000, it["until"] * 1_000_000, "2s")
        names = {n: it[n] for n in ("site", "device")}
        variables = variables_of(
            clinic, "session", span, session=it["session_id"], **names
        )
        chosen = (
            names
            if title == "Sessions in this time"
            else {"session_id": it["session_id"]}
        )
        view = told.View(clinic, span, **{n: [its] for n, its in chosen.items()})
        here = same(clinic, "session", title, view, variables)
        assert here > 0, it["session_id"]
        shown += here
    assert shown >= 12


@pytest.mark.parametrize(
    "band", BOARDS["session"]["annotations"]["list"], ids=lambda it: it["name"]
)
def test_bands_of_a_session(clinic, band):
    target, shown = band["target"], 0
    kind = target["query"].split('"kind" = \'')[1].rstrip("'")
    for it in clinic.journal.sessions:
        until = it.get("until", clinic.end_ns // 1_000_000)
        span = Range(it["since"] * 1_000_000, until * 1_000_000, "2s")
        chosen = {n: [it[n]] for n in ("site", "device", "session_id")}
        query = replaced(
            target["query"], span, chosen | {"session": [it["session_id"]]}
        )
        found = clinic.grafana.ask(query)
        wanted = told.band(kind)(told.View(clinic, span, **chosen))
        assert plain(found, wanted) == plain(wanted, wanted)
        assert all(row.get("ended_at", 0) < 10**15 for row in found)
        shown += len(found)
    assert shown > 0 or (kind == "timer_lengthened" and not clinic.everything)
    assert (target["textColumn"], target["timeEndColumn"]) == ("text", "ended_at")


def test_the_way_from_a_row_leads_to_the_whole_session(clinic):
    """From its first reading to its last, and to the fault or loss that ended it.

    A device that has failed goes on telling so, while it may be resumed: that is left
    out. The range is what a row's link carries.
    """
    journal, shown = clinic.journal, 0
    ended = {it["session_id"]: it for it in journal.sessions if "until" in it}
    for it in [*journal.readings, *journal.events]:
        session = ended.get(it.get("session_id"))
        if session is None or it.get("elapsed_ms") == 0:  # before it began
            continue
        span = Range(session["since"] * 1_000_000, session["until"] * 1_000_000)
        before_its_end = it["time"] < (session["ended_at"] + 1) * 1_000_000
        ended_it = it.get("kind") == session["end_reason"] == "fault"
        if before_its_end or ended_it:
            assert span.holds(it["time"]), it
            shown += 1
    assert shown > len(ended)


@pytest.mark.parametrize("title", of("patient_history"))
def test_patient_history(clinic, title):
    span = Range(clinic.end_ns - 90 * DAY, clinic.end_ns)
    offered = variables_of(clinic, "patient_history", span)["patient"]
    assert set(offered) == {it["pseudonym"] for it in clinic.journal.sessions} - {""}
    for patient in offered[:6]:
        variables = variables_of(clinic, "patient_history", span, patient=patient)
        view = told.View(clinic, span, pseudonym=[patient])
        assert same(clinic, "patient_history", title, view, variables) > 0


@pytest.mark.parametrize("title", of("patient_overlay"))
def test_the_last_three_sessions_of_a_patient(clinic, title):
    span, shown = Range(0, 0), 0
    for patient in variables_of(clinic, "patient_overlay", span)["patient"][:6]:
        variables = variables_of(clinic, "patient_overlay", span, patient=patient)
        every = [it for it in clinic.journal.sessions if it["pseudonym"] == patient]
        three = [it["session_id"] for it in every][-3:]
        assert sorted(variables["last"]) == sorted(three)
        view = told.View(clinic, span, session_id=three)
        shown += same(clinic, "patient_overlay", title, view, variables)
    assert shown > 0


@pytest.mark.parametrize("title", of("device_use"))
def test_device_use(clinic, title):
    span = Range(clinic.end_ns - 30 * DAY, clinic.end_ns)
    variables = variables_of(clinic, "device_use", span)

    assert same(clinic, "device_use", title, told.View(clinic, span), variables) > 0


@pytest.mark.parametrize("title", of("data_quality"))
def test_data_quality(clinic, title):
    span = Range(clinic.end_ns - 30 * DAY, clinic.end_ns)
    variables = variables_of(clinic, "data_quality", span)
    devices = {it["device"] for it in clinic.journal.health}
    assert set(variables["device"]) == devices

    assert same(clinic, "data_quality", title, told.View(clinic, span), variables) > 0
