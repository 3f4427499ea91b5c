"""Coming in and going out."""

from devicelog.console.visit import Answer, Refused, Sent, Shown, Visit
from devicelog.records import users


def login(visit: Visit) -> Answer:
    """The form; for who is in already, the first page."""
    return Sent("/") if visit.user else Shown("login.html")


def come(visit: Visit) -> Answer:
    """A name and a password; slow or fast tell nothing, and tries are counted."""
    house, name = visit.house, visit.form.get("name", "").strip().lower()
    if wait := house.throttle.wait_s(name, visit.address):
        raise Refused(429, "login.wait", seconds=f"{wait:.0f}")
    if house.keyring is None:
        raise Refused(503, "login.no_keys")
    user = users.known(
        visit.reader, house.keyring, name, visit.form.get("password", "")
    )
    if user is None:
        if users.user(visit.reader, house.keyring, name):
            visit.came(name, "refused")
        return Shown("login.html", {"wrong": True, "name": name}, status=401)
    return _in(visit, user.name)


def enter(visit: Visit) -> Answer:
    """By a link that a demonstration printed; it serves as long as that runs."""
    name = visit.house.links.get(visit.path["word"])
    if name is None:
        raise Refused(404, "error.not_there")
    return _in(visit, name)


def leave(visit: Visit) -> Answer:
    """Log out."""
    if visit.user:
        visit.came(visit.user.name, "left")
    return Sent("/login", token="")


def _in(visit: Visit, name: str) -> Answer:
    """Always under a new token: one that was there before serves no more."""
    visit.came(name, "entered")
    visit.house.throttle.forgive(name)
    token, _ = visit.house.logins.open(name)
    return Sent("/", token=token)
