"""Every address of the console, and who may go there.

Nothing is served that is not in this table, and a test walks it for every role.
"""

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from devicelog.console.pages import (
    bind,
    devices,
    doctor,
    entrance,
    inbox,
    labels,
    now,
    patient,
    patients,
    sessions,
    system,
    users,
)
from devicelog.console.rights import Right
from devicelog.console.visit import Answer, Visit


class Route(msgspec.Struct, frozen=True):
    """An address and its page. `right` None: for those who did not come in yet.

    `name` tells the audit log what was looked at.
    """

    method: Literal["GET", "POST"]
    path: str
    page: Callable[[Visit], Answer]
    right: Right | None
    name: str


TABLE: Final[tuple[Route, ...]] = (
    Route("GET", "/login", entrance.login, None, "login"),
    Route("POST", "/login", entrance.come, None, "login"),
    Route("GET", "/enter/{word}", entrance.enter, None, "login"),
    Route("POST", "/logout", entrance.leave, "see", "login"),
    Route("GET", "/", now.now, "see", "now"),
    Route("GET", "/bind", bind.choose, "bind", "bind"),
    Route("POST", "/bind", bind.bind, "bind", "bind"),
    Route("POST", "/undo", bind.undo, "bind", "bind"),
    Route("POST", "/unbind", bind.unbind, "bind", "bind"),
    Route("POST", "/withdraw", bind.withdraw, "bind", "bind"),
    Route("GET", "/inbox", inbox.inbox, "bind", "inbox"),
    Route("POST", "/purpose", inbox.purpose, "bind", "inbox"),
    Route("GET", "/patients", patients.patients, "persons", "patients"),
    Route("POST", "/patients", patients.add, "register", "patients"),
    Route("GET", "/today", patients.today, "records", "today"),
    Route("GET", "/patients/{code}", patient.patient, "persons", "patient"),
    Route("POST", "/patients/{code}/manual", patient.by_hand, "records", "patient"),
    Route("POST", "/patients/{code}/export", patient.export, "export", "export"),
    Route("POST", "/patients/{code}/who", patients.correct, "register", "patient"),
    Route("POST", "/patients/{code}/ahead", patients.ahead, "bind", "patient"),
    Route("GET", "/sessions/{id}", sessions.session, "treatments", "session"),
    Route("GET", "/sessions/{id}/frames", sessions.frames, "treatments", "session"),
    Route("POST", "/sessions/{id}/notes", sessions.annotate, "records", "session"),
    Route("POST", "/sessions/{id}/close", sessions.close, "checks", "session"),
    Route("GET", "/devices", devices.devices, "devices", "devices"),
    Route("GET", "/devices/{name}", devices.device, "devices", "device"),
    Route("POST", "/devices/{name}/check", devices.check, "checks", "device"),
    Route("GET", "/recall", devices.recalled, "checks", "recall"),
    Route("GET", "/labels", labels.sheet, "devices", "labels"),
    Route("GET", "/system", system.system, "system", "system"),
    Route("GET", "/system/doctor", doctor.doctor, "system", "doctor"),
    Route("GET", "/users", users.everybody, "users", "users"),
    Route("POST", "/users", users.add, "users", "users"),
    Route("POST", "/users/{name}", users.change, "users", "users"),
    Route("GET", "/audit", users.log, "users", "audit"),
)
