"""docs/cli.md names every command, and every key of every JSON."""

import re
from pathlib import Path

import msgspec
import pytest
from unit.cli.test_help import NAMES

from devicelog.cli.users import Listed
from devicelog.drivers.capture import Summary, Told
from devicelog.drivers.simulated.channel import Action
from devicelog.drivers.simulated.faults import FaultName
from devicelog.drivers.simulated.script_file import parse
from devicelog.errors import (
    ConfigError,
    DevicelogError,
    Incomplete,
    JournalError,
    Unreachable,
)
from devicelog.export.verify import Verdict as Looked
from devicelog.grafana.push import Found
from devicelog.journal.check import Report
from devicelog.journal.migrate import Migrated
from devicelog.journal.rows import AlarmRow, SessionRow
from devicelog.model.kinds import ReceiptBody
from devicelog.model.said import Point
from devicelog.operations.backups import Restored
from devicelog.operations.doctor.finding import Finding
from devicelog.operations.inventory import Inventory, Known
from devicelog.operations.scan import Port
from devicelog.operations.status import ChannelStatus, DeviceStatus, Status
from devicelog.operations.trial import Seen
from devicelog.records.audit import Row, Verdict
from devicelog.records.backup import Made
from devicelog.records.calibration import Checked, Due
from devicelog.records.derived import Session
from devicelog.records.keys import Identity
from devicelog.records.manual import Given, History
from devicelog.records.patients import Person
from devicelog.records.recall import Recall, Touched
from devicelog.records.receipts import Verified
from devicelog.records.register import Standing
from devicelog.records.report import Counted, DeviceMonth
from devicelog.records.report import Looked as Covered
from devicelog.records.report import Report as Monthly
from devicelog.records.story import SaidOf

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
GROUPS = {
    *("config", "devices", "profile", "sessions", "dashboards"),
    *("treatments", "calibration", "clock", "db", "export", "users", "console"),
}
SHAPES = (
    Status,
    DeviceStatus,
    ChannelStatus,
    Inventory,
    Known,
    Port,
    Seen,
    Told,
    Summary,
    SessionRow,
    Session,
    SaidOf,
    Given,
    History,
    Standing,
    Checked,
    Point,
    Due,
    Recall,
    Touched,
    Report,
    Person,
    Identity,
    Row,
    Verdict,
    Made,
    Restored,
    Verified,
    ReceiptBody,
    Found,
    Looked,
    Migrated,
    Finding,
    Listed,
    Monthly,
    Counted,
    Covered,
    DeviceMonth,
    AlarmRow,
)


@pytest.mark.parametrize("name", sorted(set(NAMES) - GROUPS))
def test_every_command_is_named(name):
    assert f"devicelog {name}" in PAGE


@pytest.mark.parametrize("shape", SHAPES, ids=lambda it: it.__name__)
def test_every_key_of_a_json_is_named(shape):
    names = {field.encode_name for field in msgspec.structs.fields(shape)}

    assert {name for name in names if f"`{name}`" not in PAGE} == set()


def test_the_exit_codes_are_those_of_the_errors():
    told = dict(re.findall(r"^\| (\d) \| (.+) \|$", PAGE, re.MULTILINE))

    assert DevicelogError.exit_code == JournalError.exit_code == 1
    assert ConfigError.exit_code == 3
    assert "configuration" in told["3"]
    assert Incomplete.exit_code == 5
    assert "open" in told["5"]
    assert Unreachable.exit_code == 4
    assert "no recorder answers" in told["4"]


def test_the_script_on_the_page_is_one():
    (text,) = re.findall(r"```toml\n(.+?)```", PAGE, re.DOTALL)

    assert [it.action for it in parse(text, "page").steps] == [
        "turn",
        "uncouple",
        "couple",
    ]
    named = [*Action.__args__, *FaultName.__args__]
    assert [it for it in named if f"`{it}`" not in PAGE] == []
