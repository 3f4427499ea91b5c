"""Writes `docs/asyncapi.yaml` and `docs/schemas/` from the messages' own types.

    python -m devicelog.sinks.mqtt_docs docs

A test fails where the files are not what this writes. Needs PyYAML (extra `dev`).
"""

import inspect
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from devicelog.sinks.messages import ELSEWHERE, PROBE, ROOT, TOPICS, Message

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_PARAMETERS: Final = {
    "site": "name of the clinic as configured; a simulated one begins with sim-",
    "device": "name of the device as configured",
    "channel": "a group of outputs with one run state, such as us, if or e1",
}
_ABOUT: Final = """\
The live feed of devicelog, the flight recorder of a physiotherapy clinic. It only ever
publishes: there is no topic that commands a device.

Everything is sent with QoS 1, so a message may come twice: `seq`, the number of the
journal's entry, tells. Where the broker was away, what is new comes first, and what was
missed follows in order, marked `historical` and never retained. Retained topics always
say how things stand now. Within v1 fields are only ever added.

No message names a person or carries a pseudonym; what somebody typed into a device as
the name of a programme is left out. Doses are those that the device indicated;
corrected ones rest on what is said later, and stand in the store.
"""
# The doctor's: by an empty message it finds out what a broker lets us do.
_PROBES: Final = {"daemon-doctor": PROBE, "doctor-elsewhere": ELSEWHERE}
_PROBE: Final = "Probe"
_EMPTY: Final = {
    "name": _PROBE,
    "summary": "Empty. `devicelog doctor` asks by it whether the broker lets it write "
    "where the recorder must, and denies it what nobody needs. Pass over it.",
    "contentType": "application/octet-stream",
    "payload": {"type": "string", "maxLength": 0},
}


def schemas() -> dict[str, dict[str, Any]]:
    """A JSON Schema for each kind of message, by the name of its file."""
    return {
        f"{_file(message)}.json": {
            "$schema": _DRAFT,
            **_clean(msgspec.json.schema(message)),
        }
        for message, _ in TOPICS.values()
    }


def asyncapi() -> dict[str, Any]:
    """All topics as an AsyncAPI 3.0 document."""
    types = [message for message, _ in TOPICS.values()]
    reference = "#/components/schemas/{name}"
    _, shapes = msgspec.json.schema_components(types, ref_template=reference)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "devicelog over MQTT",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "127.0.0.1:1883",
                "protocol": "mqtt",
                "protocolVersion": "5.0",
                "description": "as [mqtt] in the configuration says; 3.1.1 works too",
            }
        },
        "channels": {
            **{_id(topic): _channel(topic) for topic in TOPICS},
            **{name: _carrying(_PROBE, address) for name, address in _PROBES.items()},
        },
        "operations": {
            **{_id(topic): _operation(topic) for topic in TOPICS},
            **{name: _sent(name, _PROBE, retained=False) for name in _PROBES},
        },
        "components": {
            "messages": {
                message.__name__: {
                    "name": message.__name__,
                    "summary": inspect.getdoc(message),
                    "payload": {"$ref": reference.format(name=message.__name__)},
                }
                for message in types
            }
            | {_PROBE: _EMPTY},
            "schemas": _clean(shapes),
        },
    }


def write(folder: Path) -> list[Path]:
    """Write all files; which they are."""
    import msgspec.yaml  # noqa: PLC0415  (only here; it needs PyYAML)

    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    written = {folder / "asyncapi.yaml": msgspec.yaml.encode(asyncapi())}
    for name, schema in schemas().items():
        text = msgspec.json.format(msgspec.json.encode(schema)) + b"\n"
        written[folder / "schemas" / name] = text
    for path, text in written.items():
        path.write_bytes(text)
    return list(written)


# --- Private ----------------------------------------------------------------------


def _file(message: type[Message]) -> str:
    """`telemetry/1` -> `telemetry.1`."""
    return str(message.__struct_config__.tag).replace("/", ".")


def _id(topic: str) -> str:
    return topic.replace("{", "").replace("}", "").replace("/", "-")


def _channel(topic: str) -> dict[str, Any]:
    return _carrying(TOPICS[topic][0].__name__, f"{ROOT}/{{site}}/{topic}")


def _carrying(name: str, address: str) -> dict[str, Any]:
    return {
        "address": address,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {
            name: {"description": text}
            for name, text in _PARAMETERS.items()
            if f"{{{name}}}" in address
        },
    }


def _operation(topic: str) -> dict[str, Any]:
    message, retained = TOPICS[topic]
    return _sent(_id(topic), message.__name__, retained=retained)


def _sent(id_: str, name: str, *, retained: bool) -> dict[str, Any]:
    channel = f"#/channels/{id_}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": retained, "bindingVersion": "0.2.0"}},
    }


def _clean(schema: Any) -> Any:
    """Descriptions without the indentation of the docstrings they were."""
    if isinstance(schema, dict):
        return {
            key: inspect.cleandoc(value)
            if key == "description" and isinstance(value, str)
            else _clean(value)
            for key, value in schema.items()
        }
    return [_clean(it) for it in schema] if isinstance(schema, list) else schema


if __name__ == "__main__":
    for path in write(Path(sys.argv[1])):
        sys.stdout.write(f"{path}\n")
