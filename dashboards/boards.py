"""What all dashboards share, and how they are written."""

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.influx import site
from dashboards.panels import banner

FOLDER: Final = Path(__file__).parents[1] / "devicelog" / "grafana" / "dashboards"


def board(title: str, uid: str, about: str, since: str) -> build.Dashboard:
    """An empty one with the banner. Its time zone is the site's: the server's default.

    `devicelog dashboards push` writes the site's own zone into it.
    """
    it = build.Dashboard(title).uid(uid).description(about).tags(["devicelog"])
    it.timezone("").time(since, "now").readonly()
    it.tooltip(model.DashboardCursorSync.CROSSHAIR).annotations([])
    return it.with_variable(site()).with_panel(banner())


def text(it: build.Dashboard) -> str:
    """As the file holds it."""
    made = json.loads(json.dumps(it.build(), cls=JSONEncoder))
    for n, panel in enumerate(made["panels"], 1):
        panel["id"] = n  # links and annotations name panels by it
    return json.dumps(made, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write(name: str, it: build.Dashboard) -> None:
    """Into the package, where it is shipped; beside the builder stands a link to it."""
    (FOLDER / f"{name}.json").write_text(text(it), encoding="utf-8")
