"""Every message that a test sees is held to the published schemas."""

import json
import re
from pathlib import Path

import jsonschema
import yaml

from devicelog.model.fields import FIELDS
from devicelog.sinks.messages import ROOT, TOPICS

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"
VALIDATORS = {
    path.stem.replace(".", "/"): jsonschema.Draft202012Validator(
        json.loads(path.read_text())
    )
    for path in SCHEMAS.glob("*.json")
}
NAME = r"[A-Za-z0-9_.-]+"


def shape(topic):
    """The message that belongs to a topic, and whether it is retained."""
    for pattern, told in TOPICS.items():
        below = re.sub(r"\{\w+\}", NAME, pattern)
        if re.fullmatch(f"{ROOT}/{NAME}/{below}", topic):
            return told
    raise AssertionError(f"{topic} is no topic of ours")


def described(topic):
    """The message that the document names for this topic; None: it does not know it."""
    document = yaml.safe_load((SCHEMAS.parent / "asyncapi.yaml").read_text())
    for channel in document["channels"].values():
        if re.fullmatch(re.sub(r"\{\w+\}", NAME, channel["address"]), topic):
            (name,) = channel["messages"]
            return document["components"]["messages"][name]
    return None


def check(seen):
    """All of these are what the schemas say; how many there were of each kind."""
    counts = {}
    for it in seen:
        message, retained = shape(it.topic)
        body = it.body
        assert body["schema"] == message.__struct_config__.tag, it
        VALIDATORS[body["schema"]].validate(body)
        assert len(it.text.encode()) <= 64_000
        if it.retained:
            assert retained, it
            assert not body.get("historical"), it
        for values in named_values(body):
            assert values.keys() <= FIELDS.keys(), it
        counts[body["schema"]] = counts.get(body["schema"], 0) + 1
    return counts


def named_values(body):
    notes = body["readings"] if body["schema"] == "telemetry/1" else ()
    for part in (body, *notes):
        for key in ("values", "settings", "totals"):
            yield part.get(key, {})


def readings(seen):
    """All readings in the order in which they came, each with its message."""
    return [
        (note, it)
        for it in seen
        if it.topic.endswith("/telemetry")
        for note in it.body["readings"]
    ]
