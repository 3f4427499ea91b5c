"""Users of the console: who may come in, and as what.

What is kept of a user is sealed under a key that the master key gives: role, password
(as argon2id keeps it), whether they may come in. Entries tell what was done, no secret.
"""

import re
from typing import Annotated, Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model.flow import Change, Draft
from devicelog.model.users import Role, UserBody, UserEvent
from devicelog.records import passwords
from devicelog.records.keys import Keyring, opened, seal
from devicelog.records.request import Args, Asked, View

NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,15}$"
Name = Annotated[str, msgspec.Meta(pattern=NAME)]


class User(msgspec.Struct, frozen=True):
    """One of the staff. `password` as argon2id keeps it; its `repr` tells nothing."""

    name: str
    role: Role
    password: str
    disabled: bool = False

    def __repr__(self) -> str:
        return f"User({self.name!r})"


class AddUser(Args, frozen=True, kw_only=True, omit_defaults=True):
    """A new user. `kept`: the password as `passwords.hashed` makes it."""

    name: Name
    role: Role
    kept: str


class ChangeUser(Args, frozen=True, kw_only=True, omit_defaults=True):
    """Another role, another password, or shut out and let in again."""

    name: Name
    role: Role | None = None
    kept: str = ""
    disabled: bool | None = None


class Came(Args, frozen=True, kw_only=True, omit_defaults=True):
    """A user came in, left, or was refused."""

    name: Name
    event: UserEvent


def add(view: View, asked: Asked, args: AddUser) -> list[Draft]:
    """The entry, with the sealed row."""
    ring = _ring(view)
    if user(view.journal, ring, args.name):
        raise DevicelogError(
            f'there is a user "{args.name}" already',
            hint=f"`devicelog users reset {args.name}` gives another password",
        )
    new = User(args.name, args.role, args.kept)
    return [_draft(asked, ring, new, "added")]


def change(view: View, asked: Asked, args: ChangeUser) -> list[Draft]:
    """An entry for each thing that changes; the row with the last."""
    ring = _ring(view)
    it = user(view.journal, ring, args.name)
    if it is None:
        raise DevicelogError(
            f'no user "{args.name}"', hint="`devicelog users list` shows them"
        )
    events: list[UserEvent] = []
    if args.role is not None and args.role != it.role:
        events.append("changed")
        it = msgspec.structs.replace(it, role=args.role)
    if args.kept:
        events.append("reset")
        it = msgspec.structs.replace(it, password=args.kept)
    if args.disabled is not None and args.disabled != it.disabled:
        events.append("disabled" if args.disabled else "enabled")
        it = msgspec.structs.replace(it, disabled=args.disabled)
    return [_draft(asked, ring, it, event) for event in events]


def came(_: View, asked: Asked, args: Came) -> list[Draft]:
    """An entry that tells so."""
    body = asked.body(UserBody, event=args.event, name=args.name)
    return [asked.draft("user", body, args.name)]


def everybody(reader: Reader, ring: Keyring) -> list[User]:
    """All users, by name."""
    return [_opened(ring, name, row) for name, row in reader.users()]


def user(reader: Reader, ring: Keyring, name: str) -> User | None:
    """One of them. Raises DevicelogError where another master key sealed it."""
    if not re.match(NAME, name):
        return None
    sealed = reader.secret("user_secrets", name)
    return _opened(ring, name, sealed) if sealed else None


def known(reader: Reader, ring: Keyring, name: str, password: str) -> User | None:
    """Who it is if the password is theirs and they may come in; as slow if not."""
    it = user(reader, ring, name)
    fits = passwords.fits(it.password if it else None, password)
    return it if it and fits and not it.disabled else None


# --- Private ----------------------------------------------------------------------


def _ring(view: View) -> Keyring:
    if view.keyring is None:
        raise DevicelogError(
            "users cannot be kept: this recorder has no master key",
            hint="see `devicelog status`; put the key in its place",
        )
    return view.keyring


def _draft(asked: Asked, ring: Keyring, it: User, event: UserEvent) -> Draft:
    body = asked.body(UserBody, event=event, name=it.name, role=it.role)
    sealed = seal(ring.users_key, msgspec.json.encode(it), "user/" + it.name)
    draft = asked.draft("user", body, it.name)
    return msgspec.structs.replace(
        draft, changes=(Change("user_secrets", it.name, sealed),)
    )


def _opened(ring: Keyring, name: str, sealed: bytes) -> User:
    packed = opened(ring.users_key, sealed, "user/" + name)
    return msgspec.json.decode(packed, type=User)
