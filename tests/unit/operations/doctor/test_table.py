"""The table itself: whole, in words, and proof against its own checks."""

import logging
import string

import pytest
from unit.operations.doctor.worlds import LOOKS

from devicelog.operations.doctor import table
from devicelog.operations.doctor.finding import PARTS, words
from devicelog.operations.doctor.table import CHECKS, Check, examine, tell

NAMES = [it.name for it in CHECKS]


def test_every_check_has_its_words_and_none_is_left_over():
    texts = words()
    of = {name.split(".")[0] for name in texts} - {"any", "names"}
    assert of == {*NAMES}
    assert {it for it in texts if it.startswith("names.")} == {
        f"names.{it}" for it in NAMES
    }
    cases = {name.rsplit(".", 1)[0] for name in texts if not name.startswith("names.")}
    assert {f"{case}.{part}" for case in cases for part in PARTS} <= {*texts}


def test_what_meaning_and_remedy_say_of_values_is_said_of_the_finding_too():
    formatter = string.Formatter()
    for name, text in words().items():
        for _, field, _, _ in formatter.parse(text):
            assert field is None or field.isidentifier(), name


def test_without_a_configuration_the_machine_is_looked_at(place):
    place.config.write_text("[site")
    found = {it.name: it for it in examine(place.world)}
    assert {*found} == {*NAMES}
    assert found["configuration"].severity == "wrong"
    for check in CHECKS:
        if check.configured:
            assert found[check.name].case == "unread"
            assert "devicelog config check" in found[check.name].remedy
    assert found["sqlite"].severity == "ok"


def test_at_a_start_servers_are_left_alone(place):
    found = {it.name for it in examine(place.world, asking=False)}
    assert {*NAMES} - found == {"broker", "influx", "grafana"}


def test_a_check_that_fails_hides_no_other(place, monkeypatch):
    def broken(_):
        raise OSError("no such thing")
        yield

    checks = [Check("sleep", broken), Check("sqlite", LOOKS["sqlite"])]
    monkeypatch.setattr(table, "CHECKS", checks)
    first, second = examine(place.world)
    assert (first.severity, first.case) == ("unknown", "failed")
    assert "no such thing" in first.found
    assert second.severity == "ok"


@pytest.mark.parametrize("open_", [True, False])
def test_the_log_says_what_is_wrong_and_nothing_else(place, caplog, open_):
    place.record().writer.close()
    place.data.chmod(0o755 if open_ else 0o700)
    place.write('[[devices]]\nname = "us-1"\nprofile = "us-modbus"\nport = "/dev/null"')
    with caplog.at_level(logging.DEBUG, "devicelog.operations.doctor"):
        tell(place.world)
    told = [it.getMessage() for it in caplog.records]
    assert len([it for it in told if it.startswith("directory: ")]) == open_
    if open_:
        assert f"Do: chmod 0700 {place.data}" in told[0]
    assert not [it for it in told if it.startswith(("sqlite", "backup", "users"))]
