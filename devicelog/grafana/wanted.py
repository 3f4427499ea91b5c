"""What should stand in Grafana: the data source, the folder and the dashboards."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from devicelog.errors import ConfigError
from devicelog.grafana.settings import GrafanaSettings
from devicelog.sinks.settings import InfluxSettings

SOURCE_UID: Final = "devicelog_influx"  # letters, digits, _: a "-" breaks its proxy
FOLDER_UID: Final = "devicelog"
FOLDER: Final = "devicelog"


class Wanted(msgspec.Struct, frozen=True):
    """Bodies as Grafana's API takes them. `secrets` can be written and never read."""

    source: dict[str, Any]
    secrets: dict[str, str]
    dashboards: tuple[dict[str, Any], ...]


def wanted(
    settings: GrafanaSettings,
    influx: InfluxSettings,
    *,
    timezone: str,
    simulated: bool,
) -> Wanted:
    """All of it for one site. Raises ConfigError where a secret cannot be read."""
    bucket = influx.bucket + ("_sim" if simulated else "")
    source = {
        "uid": SOURCE_UID,
        "name": "devicelog",
        "type": "influxdb",
        "access": "proxy",
        "url": settings.source_url or influx.url,
        "user": settings.source_user,
        # Grafana 9 reads the first, newer ones the second.
        "database": bucket,
        # By POST through its proxy a part of the answers comes back empty.
        "jsonData": {"dbName": bucket, "httpMode": "GET", "version": "InfluxQL"},
    }
    if settings.source_token_file:
        source["jsonData"]["httpHeaderName1"] = "Authorization"  # type: ignore[index]
    return Wanted(source, _secrets(settings), tuple(boards(timezone)))


def boards(timezone: str) -> list[dict[str, Any]]:
    """The dashboards that are shipped, in the site's time zone."""
    found = []
    folder = files("devicelog.grafana") / "dashboards"
    for file in sorted(folder.iterdir(), key=lambda it: it.name):
        board: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        # Where a board names its own, its axis is no date.
        found.append(board | {"timezone": board["timezone"] or timezone})
    return found


def differences(ours: object, theirs: object, path: str = "") -> list[str]:
    """Where Grafana has something else than we want; what it added does not count."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return [
            each
            for key, it in ours.items()
            for each in differences(it, theirs.get(key), f"{path}.{key}".lstrip("."))
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            each
            for n, (it, other) in enumerate(zip(ours, theirs, strict=True))
            for each in differences(it, other, f"{path}[{n}]")
        ]
    return [] if ours == theirs else [path or "-"]


def secret(path: str, key: str) -> str:
    """What stands in a file of secrets. Raises ConfigError."""
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{key} {path} cannot be read: {error}",
            hint="who pushes dashboards must be able to read it",
        ) from error
    if not text:
        raise ConfigError(f"{key} {path} is empty", hint="write the secret there")
    return text


# --- Private ----------------------------------------------------------------------


def _secrets(settings: GrafanaSettings) -> dict[str, str]:
    if settings.source_token_file:
        token = secret(settings.source_token_file, "grafana.source_token_file")
        return {"httpHeaderValue1": f"Token {token}"}
    if settings.source_password_file:
        key = "grafana.source_password_file"
        return {"password": secret(settings.source_password_file, key)}
    return {}
