"""The published description is what the code says, and what AsyncAPI accepts."""

import json
from pathlib import Path

import jsonschema
import yaml

from devicelog.sinks import mqtt_docs
from devicelog.sinks.messages import ELSEWHERE, PROBE, ROOT, TOPICS

DOCS = Path(__file__).parents[3] / "docs"
ASYNCAPI = Path(__file__).parent / "asyncapi" / "3.0.0.json"


def test_the_files_are_what_the_types_say(tmp_path):
    written = {it.relative_to(tmp_path): it for it in mqtt_docs.write(tmp_path)}
    kept = [DOCS / "asyncapi.yaml", *(DOCS / "schemas").iterdir()]

    assert {it.relative_to(DOCS) for it in kept} == written.keys()
    for name, path in written.items():
        assert path.read_text() == (DOCS / name).read_text(), (
            f"docs/{name} is out of date: python -m devicelog.sinks.mqtt_docs docs"
        )


def test_asyncapi_accepts_the_document():
    document = yaml.safe_load((DOCS / "asyncapi.yaml").read_text())
    validator = jsonschema.Draft7Validator(json.loads(ASYNCAPI.read_text()))

    assert [it.message for it in validator.iter_errors(document)] == []
    # And it is not blind: the same document, spoilt.
    del document["info"]["title"]
    document["operations"]["daemon-info"]["action"] = "shout"
    assert len([*validator.iter_errors(document)]) >= 2


def test_every_reference_of_the_document_leads_somewhere():
    document = yaml.safe_load((DOCS / "asyncapi.yaml").read_text())

    def references(part):
        if isinstance(part, dict):
            for key, value in part.items():
                yield from [value] if key == "$ref" else references(value)
        elif isinstance(part, list):
            for it in part:
                yield from references(it)

    for reference in references(document):
        part = document
        for key in reference.removeprefix("#/").split("/"):
            part = part[key]
    addresses = {it["address"] for it in document["channels"].values()}
    assert addresses == {f"{ROOT}/{{site}}/{it}" for it in TOPICS} | {PROBE, ELSEWHERE}
    assert document["channels"].keys() == document["operations"].keys()


def test_every_schema_is_a_schema():
    for path in (DOCS / "schemas").iterdir():
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        assert not jsonschema.Draft202012Validator(schema).is_valid({"schema": "x"})
