"""Home Assistant's MQTT discovery: what of a device it may show. Device facts only.

One retained message a device (`homeassistant/device/<id>/config`), made from what its
readings were seen to carry. No session, no patient: whoever opens a household's or a
clinic's dashboard sees that a device runs, not for whom.
"""

from collections.abc import Mapping
from typing import Any, Final

from devicelog.model.fields import FIELDS
from devicelog.model.states import STATES
from devicelog.sinks.messages import DeviceInfo, Post, encode

PREFIX: Final = "homeassistant"
# UCUM -> as Home Assistant writes it, where it differs.
_UNITS: Final = {"Cel": "°C", "deg": "°", "W/cm2": "W/cm²", "cm2": "cm²", "kOhm": "kΩ"}
_CLASSES: Final = {"s": "duration", "mA": "current", "Cel": "temperature"}
_THERE: Final = "{{ 'online' if value_json.state == 'online' else 'offline' }}"


def discovery(
    root: str, site: str, info: DeviceInfo, fields: Mapping[str, set[str]]
) -> Post:
    """Of one device. `fields`: what readings of each channel were seen to carry."""
    whole = f"devicelog_{site}_{info.device}"
    there = [f"{root}/daemon/state", f"{root}/{info.device}/availability"]
    components: dict[str, Any] = {}
    for channel in info.channels:
        topic = f"{root}/{info.device}/{channel}/state"
        seen = fields.get(channel, set())
        components |= _components(whole, channel, topic, seen)
    payload = {
        "device": _device(whole, info),
        "origin": {"name": "devicelog"},
        "availability": [{"topic": it, "value_template": _THERE} for it in there],
        "availability_mode": "all",
        "components": components,
    }
    return Post(f"{PREFIX}/device/{whole}/config", encode(payload), retain=True)


def _components(
    whole: str, channel: str, topic: str, fields: set[str]
) -> dict[str, Any]:
    """Of one channel: its state, and what its readings carry."""
    made: dict[str, Any] = {
        f"{channel}_state": {
            "platform": "sensor",
            "unique_id": f"{whole}_{channel}_state",
            "name": f"{channel} state",
            "state_topic": topic,
            "value_template": "{{ value_json.state }}",
            "device_class": "enum",
            "options": [*STATES],
        }
    }
    for name in sorted(fields & FIELDS.keys()):
        unique = {"unique_id": f"{whole}_{channel}_{name}"}
        made[f"{channel}_{name}"] = unique | _sensor(name, channel, topic)
    return made


def _device(whole: str, info: DeviceInfo) -> dict[str, Any]:
    told = {
        "model": info.model or info.profile,
        "serial_number": info.serial,
        "sw_version": info.firmware,
    }
    title = f"{info.label} (SIMULATED)" if info.simulated else info.label
    known = {key: value for key, value in told.items() if value}
    return {"identifiers": [whole], "name": title, **known}


def _sensor(name: str, channel: str, topic: str) -> dict[str, Any]:
    field = FIELDS[name]
    words = name.replace("_", " ")
    told: dict[str, Any] = {
        "platform": "binary_sensor" if field.type == "bool" else "sensor",
        "name": f"{channel} {words}",
        "state_topic": topic,
        "value_template": f"{{{{ value_json.get('values', {{}}).get('{name}') }}}}",
    }
    if field.type == "bool":
        told |= {"payload_on": "True", "payload_off": "False"}
    elif field.type in ("float", "int"):
        told["state_class"] = "measurement"
        if field.unit != "1":
            told["unit_of_measurement"] = _UNITS.get(field.unit, field.unit)
        if field.unit in _CLASSES:
            told["device_class"] = _CLASSES[field.unit]
    return told
