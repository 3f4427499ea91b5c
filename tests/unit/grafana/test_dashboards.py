"""The dashboards' files are what the builders write, and ask for what the store has."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dashboards.boards import FOLDER, text
from dashboards.every import BOARDS
from dashboards.panels import RANGE
from devicelog.grafana.wanted import SOURCE_UID
from devicelog.sinks.lines import MEASUREMENTS

ROOT = Path(__file__).parents[3]
SHARED = {"timeseries", "state-timeline", "table", "stat", "gauge", "barchart"}
FIELDS = {name for it in MEASUREMENTS.values() for name in it.fields}


def boards():
    return {it.stem: json.loads(it.read_text()) for it in FOLDER.glob("*.json")}


def panels():
    return [
        pytest.param(panel, id=f"{name}/{panel['title'] or 'banner'}")
        for name, it in boards().items()
        for panel in it["panels"]
    ]


def queries(board):
    """Every statement of a dashboard: of panels, bands and variables."""
    for panel in board["panels"]:
        yield from (it["query"] for it in panel["targets"])
    for it in board["annotations"]["list"]:
        yield it["target"]["query"]
    for it in board["templating"]["list"]:
        yield it["query"]


def select_of(query):
    """Names that are asked for, by measurement; what a statement itself has named."""
    (measurement,) = re.findall(r'FROM "(\w+)"', query)
    own = set(re.findall(r'AS "(\w+)"', query))
    quoted = set(re.findall(r'"(\w+)"', query)) - {measurement}
    return measurement, quoted, own


@pytest.mark.parametrize("name", BOARDS)
def test_the_file_is_what_the_builder_writes(name):
    written = text(BOARDS[name]())

    assert (FOLDER / f"{name}.json").read_text() == written, (
        f"dashboards/{name}.py was changed: run `python -m dashboards`"
    )
    beside = ROOT / "dashboards" / f"{name}.json"
    assert beside.resolve() == (FOLDER / f"{name}.json").resolve()
    assert (ROOT / "dashboards" / f"{name}.py").exists()


def test_the_wheel_ships_the_files_and_no_builder(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]
    subprocess.run([*build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")

    with zipfile.ZipFile(wheel) as told:
        shipped = {it for it in told.namelist() if "dashboards" in it}

    places = {f"devicelog/grafana/dashboards/{name}.json" for name in BOARDS}
    assert shipped == places | {"devicelog/cli/dashboards.py"}


def test_there_is_no_other_file():
    assert set(boards()) == set(BOARDS)


@pytest.mark.parametrize("name", BOARDS)
def test_every_name_asked_for_is_in_the_store(name):
    seen = 0
    for query in queries(boards()[name]):
        measurement, quoted, own = select_of(query)
        known = MEASUREMENTS[measurement]
        fields = quoted - own
        assert fields - set(known.tags) - set(known.fields) == set(), query
        if query.startswith("SHOW"):
            continue
        outside = re.sub(r'AS "\w+"', "", query)
        for field in re.findall(r'"(\w+)"(?:::tag)?', outside):
            seen += field in FIELDS
    assert seen > 0


@pytest.mark.parametrize("name", BOARDS)
def test_a_variable_stands_in_a_regular_expression_or_a_time_alone(name):
    for query in queries(boards()[name]):
        told = re.sub(r"=~ /\^\$\{\w+:regex\}\$/", "", query)
        told = re.sub(r"time [<>]= \$\{(since|until):regex\}ms\b", "", told)
        rest = told.replace("$timeFilter", "").replace("$__interval", "")
        assert "$" not in rest, query


@pytest.mark.parametrize("name", BOARDS)
def test_no_person_and_no_field_groups(name):
    for query in queries(boards()[name]):
        for group in re.findall(r"GROUP BY ([^)]*?)(?: fill| ORDER|\)|$)", query):
            names = set(re.findall(r'"(\w+)"', group))
            assert names <= {"site", "device", "channel"}, query


@pytest.mark.parametrize("panel", panels())
def test_a_panel_is_of_a_shared_type_and_names_its_source(panel):
    assert panel["type"] in SHARED
    assert panel["datasource"] == {"type": "influxdb", "uid": SOURCE_UID}
    for target in panel["targets"]:
        assert target["datasource"] == {"type": "influxdb", "uid": SOURCE_UID}
        assert target["rawQuery"] is True
        assert target["resultFormat"] in ("table", "time_series")


def test_uids_are_stable_and_the_banner_stands_on_top():
    told = boards()

    assert {name: it["uid"] for name, it in told.items()} == {
        "clinic_now": "devicelog_now",
        "session": "devicelog_session",
        "patient_history": "devicelog_patient",
        "patient_overlay": "devicelog_overlay",
        "device_use": "devicelog_use",
        "data_quality": "devicelog_quality",
    }
    for it in told.values():
        first = it["panels"][0]
        assert first["gridPos"] == {"h": 2, "w": 24, "x": 0, "y": 0}
        mapping = first["fieldConfig"]["defaults"]["mappings"][0]["options"]
        assert mapping["true"]["text"].startswith("SIMULATED")
        assert it["editable"] is False


def test_every_link_leads_to_a_dashboard_that_exists():
    told = boards()
    uids = {it["uid"] for it in told.values()}

    links = {
        link
        for it in told.values()
        for link in re.findall(r"/d/(\w+)/", json.dumps(it))
    }

    assert links <= uids
    assert "devicelog_session" in links


def test_a_row_that_leads_to_its_session_carries_the_range():
    leading = 0
    for it in boards().values():
        for panel in it["panels"]:
            if "/d/devicelog_session/" in json.dumps(panel["fieldConfig"]):
                leading += 1
                (target,) = panel["targets"]
                assert RANGE in target["query"]
                assert '"site"::tag, "device"::tag' in target["query"]
    assert leading == 4


def test_panels_fill_their_rows():
    """No panel covers another, and none stands outside of the grid."""
    for it in boards().values():
        taken = set()
        for panel in it["panels"]:
            at = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(at.get("x", 0), at.get("x", 0) + at["w"])
                for y in range(at.get("y", 0), at.get("y", 0) + at["h"])
            }
            assert not cells & taken, panel["title"]
            assert max(x for x, _ in cells) < 24, panel["title"]
            taken |= cells


@pytest.mark.parametrize("panel", panels())
def test_what_a_panel_names_is_in_its_answer(panel):
    """Overrides, transformations and axes name columns that its queries answer."""
    answered = {"Time"}
    for target in panel["targets"]:
        answered |= set(re.findall(r'"(\w+)"', target["query"]))
    named = {
        it["matcher"]["options"] for it in panel["fieldConfig"].get("overrides", ())
    }
    for step in panel.get("transformations", ()):
        options = step["options"]
        named |= set(options.get("fields", {})) | set(options.get("excludeByName", {}))
        named |= {it["targetField"] for it in options.get("conversions", ())}
        named |= {it["field"] for it in options.get("sort", ())}
    if panel["type"] == "barchart":
        named.add(panel["options"]["xField"])

    assert named <= answered
