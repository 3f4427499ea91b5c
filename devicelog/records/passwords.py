"""Passwords, as argon2id keeps them (RFC 9106, the parameters of argon2-cffi)."""

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from devicelog.errors import DevicelogError

SHORTEST: Final = 10
LONGEST: Final = 200
_hasher: Final = PasswordHasher()
# What is compared with where there is no such user, so that both take as long.
_NOBODYS: Final = _hasher.hash("nobody has this password")


def hashed(password: str) -> str:
    """What is kept. Raises DevicelogError, which does not repeat it."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise DevicelogError(
            f"a password has {SHORTEST} to {LONGEST} characters",
            hint="some words are easier to keep in mind than signs",
        )
    return _hasher.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether it is that password; takes as long where nothing is kept."""
    try:
        _hasher.verify(kept or _NOBODYS, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None
