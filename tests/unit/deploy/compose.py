"""docker-compose.yml as its reader sees it: anchors merged, variables replaced."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::-([^}]*))?\}")


def replaced(text, values):
    """As compose does it; a variable without a value is a mistake."""

    def value(match):
        name, default = match.groups()
        assert name in values or default is not None, f"{name} is not set"
        return values.get(name, default)

    return VARIABLE.sub(value, text).replace("$$", "$")


def load(values=None):
    return yaml.safe_load(replaced(FILE.read_text(), values or {}))


def mounts(service):
    """(source, target) of each volume."""
    return [tuple(it.split(":")[:2]) for it in service.get("volumes", [])]


def secrets():
    """Files that the first start makes, by volume."""
    text = (ROOT / "config" / "compose" / "first-start.sh").read_text()
    made = set(re.findall(r"(?:secret|own) ([a-z]+/[\w.]+)", text))
    users = (ROOT / "config" / "compose" / "influxdb-users.sh").read_text()
    assert "/run/recorder}/token" in users  # made by the store
    return made | {"recorder/token"}
