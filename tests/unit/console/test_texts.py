"""Words of the console stand in one file a language, and nowhere else."""

import re
from importlib import resources
from typing import get_args

import pytest

from devicelog.console.pages.patient import OFFERED
from devicelog.console.pages.sessions import choices
from devicelog.console.routes import TABLE
from devicelog.console.texts import Texts, languages, strange
from devicelog.console.troubles import WELL
from devicelog.errors import ConfigError
from devicelog.journal.trouble import State as JournalState
from devicelog.model.audit import AuditEvent
from devicelog.model.facts import MANUALS, NAMES
from devicelog.model.said import (
    CHECKS,
    LEVELS,
    REASONS,
    BindingEvent,
    RegisterEvent,
)
from devicelog.model.states import END_REASONS, LINE_STATES, PURPOSES, STATES
from devicelog.model.users import ROLES, UserEvent
from devicelog.sinks.influx import InfluxSink
from devicelog.sinks.mqtt import MqttSink

CONSOLE = resources.files("devicelog.console")
ASKED = re.compile(
    r"""\bt\(["']([a-z_.]+)["']( ~)?|"""
    r"""["']((?:login|error|said|setup)\.(?!html)[a-z_]+)["']"""
)


def sources():
    for folder in ("templates", "pages", "setup", "."):
        for file in (CONSOLE / folder).iterdir():
            if file.name.endswith((".html", ".py")):
                yield file.name, file.read_text()


def test_every_text_that_is_asked_for_is_there():
    texts = Texts()
    for name, content in sources():
        for match in ASKED.finditer(content):
            asked = match[1] or match[3]
            if match[2]:  # a family: `state.` and what is behind it
                assert any(it.startswith(asked) for it in texts.names), (name, asked)
            else:
                assert texts.has(asked), (name, asked)


ALARMS = sorted(
    it.removeprefix("alarm.") for it in Texts().names if it.startswith("alarm.")
)
SINKS = [MqttSink.name, InfluxSink.name]
FAMILIES = {
    "state": [*STATES, "parked"],
    "line": [*LINE_STATES, "parked"],
    "line_do": [*(it for it in LINE_STATES if it not in WELL), "parked"],
    "alarm": ALARMS,
    "alarm_do": ALARMS,
    "sink": SINKS,
    "end": [*END_REASONS, "open"],
    "role": ROLES,
    "purpose": PURPOSES,
    "reason": REASONS,
    "check": CHECKS,
    "level": LEVELS,
    "fact": NAMES,
    "fact_is": [it for them in choices().values() for it in them],
    "manual": MANUALS,
    "journal": get_args(JournalState),
    "event": [
        it
        for events in (BindingEvent, RegisterEvent, AuditEvent, UserEvent)
        for it in get_args(events)
    ],
    "form": [it.replace(".", "_") for it in OFFERED],
    "looked": sorted({it.name for it in TABLE}),
}


@pytest.mark.parametrize(
    "name", [f"{of}.{it}" for of, them in FAMILIES.items() for it in them]
)
def test_each_of_a_family_has_its_text(name):
    assert Texts().has(name)


def test_every_language_has_the_same_texts():
    english = Texts("en").names
    assert languages() == ["en"]
    assert english


def test_one_is_told_apart_from_many():
    texts = Texts()
    assert texts("now.contact_lost", count=1) == "contact lost once"
    assert texts("now.contact_lost", count=3) == "contact lost 3 times"


def test_a_text_that_is_not_there_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        Texts()("no.such")


def test_a_language_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(ConfigError, match='no texts in "xx"') as told:
        Texts("xx")
    assert "en" in told.value.hint


def test_strange_texts_keep_what_is_filled_in():
    assert strange("paused {count} times").format(count=2) == "[páúšéd 2 tíméš]"
