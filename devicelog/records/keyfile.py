"""The master key under a passphrase: what `db backup --keys` writes elsewhere."""

import secrets
from typing import Final

import msgspec
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from devicelog.errors import DevicelogError
from devicelog.records.keys import LENGTH, opened, seal

SHORTEST: Final = 12
_COST: Final = 2**16  # 64 MB and a fifth of a second a guess
_BOUND_TO: Final = "master key"


class KeyFile(msgspec.Struct, frozen=True, tag_field="devicelog_keys", tag=1):
    """What stands in the file."""

    salt: bytes
    cost: int
    sealed: bytes


def locked(master: bytes, passphrase: str) -> bytes:
    """The file's content. Raises DevicelogError where the passphrase is too short."""
    if len(passphrase) < SHORTEST:
        raise DevicelogError(
            f"the passphrase has fewer than {SHORTEST} characters",
            hint="who has the file can guess day and night; take some words",
        )
    salt = secrets.token_bytes(16)
    key = _derived(passphrase, salt, _COST)
    return msgspec.json.encode(KeyFile(salt, _COST, seal(key, master, _BOUND_TO)))


def unlocked(content: bytes, passphrase: str) -> bytes:
    """The master key back. Raises DevicelogError."""
    try:
        it = msgspec.json.decode(content, type=KeyFile)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DevicelogError("that is no file of `db backup --keys`") from None
    if it.cost != _COST:
        raise DevicelogError("that file is of another version of devicelog")
    try:
        return opened(_derived(passphrase, it.salt, it.cost), it.sealed, _BOUND_TO)
    except DevicelogError:
        raise DevicelogError(
            "the passphrase does not open that file", hint="try again"
        ) from None


def _derived(passphrase: str, salt: bytes, cost: int) -> bytes:
    kdf = Scrypt(salt=salt, length=LENGTH, n=cost, r=8, p=1)
    return kdf.derive(passphrase.encode())
