"""Bodies of entries about those who use the console; their secrets stand elsewhere."""

from typing import Final, Literal, get_args

from devicelog.model.said import Said

Role = Literal[
    "reception",  # whose treatment it is; no notes, no values
    "physio",  # treats: all of a patient's record
    "engineer",  # devices, heads, checks; no person
    "admin",  # users, backups, the audit log; no person
]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

UserEvent = Literal[
    "added",
    "changed",  # another role
    "reset",  # another password
    "disabled",
    "enabled",
    "entered",  # logged in
    "left",  # logged out, by hand or by time
    "refused",  # a wrong password, or none that counts; told once a minute at most
]


class UserBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """Something about a user, known by a short name of the staff. No secret."""

    event: UserEvent
    name: str
    role: Role | None = None
