"""Who may come in, and as what; what everybody did."""

from typing import Any

from devicelog.console.visit import Answer, Refused, Sent, Shown, Visit
from devicelog.model.users import ROLES
from devicelog.records import audit, users
from devicelog.records.passwords import hashed

_MOST = 200


def everybody(visit: Visit) -> Answer:
    """All users, and a form for one more."""
    keyring = visit.house.keyring
    found = users.everybody(visit.reader, keyring) if keyring else []
    return Shown("users.html", {"users": found, "roles": ROLES})


def add(visit: Visit) -> Answer:
    """One more; the password is told to them by word of mouth."""
    form = visit.form
    name = form.get("name", "").strip().lower()
    visit.do(
        "add_user",
        name=name,
        role=form.get("role", ""),
        kept=hashed(form.get("password", "")),
    )
    visit.say("said.user", name=name)
    return Sent("/users")


def change(visit: Visit) -> Answer:
    """Another role or password, shut out, let in; they are logged out everywhere."""
    name, form = visit.path["name"], visit.form
    if visit.user and name == visit.user.name and form.get("disabled"):
        raise Refused(409, "users.not_yourself")
    told: dict[str, Any] = {}
    if form.get("role"):
        told["role"] = form["role"]
    if form.get("password"):
        told["kept"] = hashed(form["password"])
    if form.get("disabled"):
        told["disabled"] = form["disabled"] == "yes"
    visit.do("change_user", name=name, **told)
    visit.house.logins.close_all(name)
    visit.say("said.user", name=name)
    return Sent("/users")


def log(visit: Visit) -> Answer:
    """The audit log, the latest first; of one subject if asked."""
    subject = visit.query.get("of", "") or None
    rows = audit.newest(visit.house.directory, _MOST, subject)
    return Shown("audit.html", {"rows": rows, "of": subject or ""})
