"""From what stands in Grafana to what should: only what differs is written.

What was provisioned from a file cannot be pushed over: one route for each uid.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from devicelog.errors import DevicelogError
from devicelog.grafana.server import Grafana
from devicelog.grafana.wanted import (
    FOLDER,
    FOLDER_UID,
    SOURCE_UID,
    Wanted,
    differences,
)

Kind = Literal["source", "folder", "dashboard"]
State = Literal["same", "missing", "differs", "provisioned"]
_MESSAGE: Final = "devicelog dashboards push"


class Found(msgspec.Struct, frozen=True):
    """How one thing stands. `where`: what differs, by its path."""

    kind: Kind
    uid: str
    title: str
    state: State
    where: tuple[str, ...] = ()


def look(grafana: Grafana, wanted: Wanted) -> list[Found]:
    """How everything stands; nothing is written. Raises as `Grafana`."""
    grafana.admit()
    return [found for found, _ in _look(grafana, wanted)]


def push(grafana: Grafana, wanted: Wanted, *, secrets: bool = False) -> list[Found]:
    """Write what is missing or differs; how it stood before.

    `secrets`: write the data source in any case, for its secrets cannot be compared.
    Raises as `Grafana`, and DevicelogError where something is provisioned from a file
    and differs; what stood before that in the list is written.
    """
    grafana.admit()
    told = []
    for found, theirs in _look(grafana, wanted):
        told.append(found)
        if found.state == "same" and not (secrets and found.kind == "source"):
            continue
        if found.state == "provisioned":
            raise DevicelogError(
                f"{found.kind} {found.uid} is provisioned from a file and differs in "
                + ", ".join(found.where[:3]),
                hint="change that file, or take it away and push again",
            )
        _write(grafana, wanted, found, theirs)
    return told


# --- Private ----------------------------------------------------------------------


def _look(grafana: Grafana, wanted: Wanted) -> Iterator[tuple[Found, Any]]:
    """What was found, and as Grafana has it; lazily, so that one may write between."""
    yield _source(grafana.source(SOURCE_UID), wanted)
    folder = grafana.folder(FOLDER_UID)
    state: State = "missing" if folder is None else "same"
    yield Found("folder", FOLDER_UID, FOLDER, state), folder
    for board in wanted.dashboards:
        yield _dashboard(grafana.dashboard(board["uid"]), board)


def _source(theirs: Any, wanted: Wanted) -> tuple[Found, Any]:
    title = wanted.source["name"]
    if theirs is None:
        return Found("source", SOURCE_UID, title, "missing"), None
    where = differences(wanted.source, theirs)
    if not theirs.get("database"):  # a newer Grafana keeps it in jsonData alone
        where = [it for it in where if it != "database"]
    known = theirs.get("secureJsonFields", {})
    where += [f"secrets.{it}" for it in wanted.secrets if not known.get(it)]
    state = _state(where, provisioned=bool(theirs.get("readOnly")))
    return Found("source", SOURCE_UID, title, state, tuple(where)), theirs


def _dashboard(theirs: Any, board: dict[str, Any]) -> tuple[Found, Any]:
    uid, title = board["uid"], board["title"]
    if theirs is None:
        return Found("dashboard", uid, title, "missing"), None
    meta = theirs.get("meta", {})
    where = differences(board, theirs["dashboard"])
    if meta.get("folderUid") != FOLDER_UID:
        where.append("folder")
    state = _state(where, provisioned=bool(meta.get("provisioned")))
    return Found("dashboard", uid, title, state, tuple(where)), theirs


def _state(where: list[str], *, provisioned: bool) -> State:
    if not where:
        return "same"
    return "provisioned" if provisioned else "differs"


def _write(grafana: Grafana, wanted: Wanted, found: Found, theirs: Any) -> None:
    if found.kind == "source":
        body = wanted.source | {"secureJsonData": wanted.secrets}
        if theirs is None:
            grafana.make_source(body)
        else:
            grafana.change_source(SOURCE_UID, body)
    elif found.kind == "folder":
        grafana.make_folder(FOLDER_UID, FOLDER)
    else:
        (board,) = (it for it in wanted.dashboards if it["uid"] == found.uid)
        if theirs is not None:
            # By its version, so that nobody's change is written over unseen.
            board = board | {n: theirs["dashboard"][n] for n in ("id", "version")}
        grafana.write_dashboard(
            {"dashboard": board, "folderUid": FOLDER_UID, "message": _MESSAGE}
        )
