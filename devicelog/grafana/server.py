"""One Grafana over HTTP. The only importer of grafana_api, and only when used.

What this project asks by uid: the health, a data source, a folder, a dashboard. Every
error is told with what to do; nothing is tried twice.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from devicelog.errors import ConfigError, DevicelogError, Unreachable
from devicelog.grafana.settings import GrafanaSettings
from devicelog.grafana.wanted import secret

_TIMEOUT_S: Final = 10.0
_OLDEST: Final = 9  # its major version
_MISSING: Final = 404
_TOKEN: Final = (401, 403)
_TOLD: Final = 200  # characters of a reason that are repeated
_PORTS: Final = {"http": 80, "https": 443}
_HINTS: Final = {
    401: "grafana.token_file holds no token that this Grafana knows",
    403: "the token may not do this: its service account needs the role Admin",
    409: "another folder has this title: rename it in Grafana",
    412: "somebody changed it meanwhile, or it was made under another uid: push again",
}


class Grafana:
    """Answers are as the API gives them; None is what is not there (404).

    Raises Unreachable without a network, ConfigError for a wrong token, DevicelogError
    for anything else that Grafana refuses.
    """

    def __init__(self, settings: GrafanaSettings) -> None:
        from grafana_api.grafana_face import (  # type: ignore[import-untyped]  # noqa: PLC0415
            GrafanaFace,
        )

        url = urlsplit(settings.url)
        prefix = url.path.strip("/")
        self.url = settings.url
        self._face = GrafanaFace(
            auth=secret(settings.token_file, "grafana.token_file"),
            host=url.hostname or "",
            port=url.port or _PORTS[url.scheme],
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=url.scheme,
            verify=settings.ca_file or True,
            timeout=_TIMEOUT_S,
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._face.api.s.close()

    def admit(self) -> str:
        """Its version. Raises DevicelogError for one that is too old, or no Grafana."""
        told = self._ask("ask how it is", self._face.api.GET, "/health")
        version = told.get("version", "") if isinstance(told, dict) else None
        if version is None or "database" not in told:
            raise DevicelogError(
                f"{self.url} answers, but is no Grafana", hint="see grafana.url"
            )
        major = str(version).split(".")[0]
        if major.isdigit() and int(major) < _OLDEST:
            raise DevicelogError(
                f"{self.url} is Grafana {version}, which is too old",
                hint=f"install Grafana {_OLDEST} or newer",
            )
        return str(version)

    def source(self, uid: str) -> Any:
        """A data source."""
        return self._ask(
            "read the data source", self._face.api.GET, f"/datasources/uid/{uid}"
        )

    def make_source(self, body: dict[str, Any]) -> None:
        """A new data source."""
        self._ask("make the data source", self._face.datasource.create_datasource, body)

    def change_source(self, uid: str, body: dict[str, Any]) -> None:
        """Another body of this data source."""
        path = f"/datasources/uid/{uid}"
        self._ask("change the data source", self._face.api.PUT, path, json=body)

    def folder(self, uid: str) -> Any:
        """A folder."""
        return self._ask("read the folder", self._face.folder.get_folder, uid)

    def make_folder(self, uid: str, title: str) -> None:
        """A new folder."""
        self._ask("make the folder", self._face.folder.create_folder, title, uid)

    def dashboard(self, uid: str) -> Any:
        """A dashboard and its `meta`."""
        return self._ask("read the dashboard", self._face.dashboard.get_dashboard, uid)

    def write_dashboard(self, body: dict[str, Any]) -> None:
        """Make or change one."""
        self._ask("write the dashboard", self._face.dashboard.update_dashboard, body)

    # --- Private ------------------------------------------------------------------

    def _ask(self, doing: str, call: Any, *told: Any, **named: Any) -> Any:
        from grafana_api.grafana_api import (  # type: ignore[import-untyped]  # noqa: PLC0415
            GrafanaException,
        )
        from requests import RequestException  # noqa: PLC0415

        try:
            return call(*told, **named)
        except GrafanaException as error:
            if error.status_code == _MISSING and doing.startswith("read"):
                return None
            raise self._refused(error, doing) from error
        except ValueError as error:  # among them an answer that is no JSON
            raise DevicelogError(
                f"{self.url} answers, but is no Grafana", hint="see grafana.url"
            ) from error
        except RequestException as error:
            raise Unreachable(
                f"no Grafana answers at {self.url}: {type(error).__name__}",
                hint="is it running, is grafana.url right?",
            ) from error

    def _refused(self, error: Any, doing: str) -> DevicelogError:
        status, reason = error.status_code, error.response
        if isinstance(reason, dict):
            reason = reason.get("message", "")
        kind = ConfigError if status in _TOKEN else DevicelogError
        return kind(
            f"{self.url} will not have us {doing}: {status} {str(reason)[:_TOLD]}",
            hint=_HINTS.get(status, "see Grafana's own log"),
        )
