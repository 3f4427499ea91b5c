"""Who it is that asks: the login of their cookie, and the user as they stand now."""

from starlette.requests import Request

from devicelog.console.door.logins import COOKIE, Login
from devicelog.console.house import House
from devicelog.journal.reader import Reader
from devicelog.records import users
from devicelog.records.users import User


def who(
    house: House, request: Request, *, active: bool = True
) -> tuple[Login | None, User | None]:
    """Both or none; who was shut out meanwhile is nobody.

    `active`: that they ask shows that somebody is there (a stream of events does not).
    """
    login = house.logins.find(request.cookies.get(COOKIE), active=active)
    if login is None or house.keyring is None:
        return None, None
    with Reader(house.directory) as reader:
        user = users.user(reader, house.keyring, login.name)
    return (login, user) if user and not user.disabled else (None, None)
