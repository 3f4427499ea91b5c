"""Keys: one master key outside of the journal; one key a patient or session, wrapped.

    master file -> HKDF -> wrapping key -> keys of subjects -> identities, free text
                        -> the audit chain's key, the key of the console's users
                        -> what shifts dates for research, what proves archives

AES-256-GCM throughout; what is sealed names its subject as associated data, so that it
cannot be moved to another. To delete a subject's wrapped key is to forget what it
sealed, wherever copies of that are.
"""

import secrets
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model.flow import Change

LENGTH: Final = 32
_NONCE: Final = 12
_VERSION: Final = b"\x01"


class Keyring:
    """What one master key opens. Its `repr` tells nothing."""

    def __init__(self, master: bytes) -> None:
        self._wrapping = _derived(master, b"wrapping")
        self.chain_key = _derived(master, b"chain")
        self.list_key = _derived(master, b"list of the forgotten")
        self.users_key = _derived(master, b"users")
        self.research_key = _derived(master, b"research")
        self.archive_key = _derived(master, b"archive")

    def __repr__(self) -> str:
        return "Keyring(...)"

    def new(self, subject: str) -> tuple[bytes, Change]:
        """A new key for this subject, and the row that keeps it."""
        key = secrets.token_bytes(LENGTH)
        return key, Change("keys", subject, seal(self._wrapping, key, "key/" + subject))

    def key(self, reader: Reader, subject: str) -> bytes | None:
        """The subject's key; None where it has none, or none any more.

        Raises DevicelogError where another master key wrapped it, or it is damaged.
        """
        wrapped = reader.secret("keys", subject)
        return opened(self._wrapping, wrapped, "key/" + subject) if wrapped else None

    def opened(self, reader: Reader, sealed: bytes, subject: str) -> str | None:
        """The free text back; None where its key was deleted. Raises as `key`."""
        key = self.key(reader, subject)
        return opened(key, sealed, "text/" + subject).decode() if key else None


class Sealer:
    """Seals the free text of one request: a `records.request.Seal`.

    Keys that it had to make stand in `changes`, to be written with the entries.
    """

    def __init__(self, keyring: Keyring, reader: Reader) -> None:
        self._keyring = keyring
        self._reader = reader
        self._made: dict[str, bytes] = {}
        self.changes: list[Change] = []

    def __call__(self, text: str, subject: str) -> bytes:
        """The text under the subject's key."""
        key = self._made.get(subject) or self._keyring.key(self._reader, subject)
        if key is None:
            key, change = self._keyring.new(subject)
            self._made[subject] = key
            self.changes.append(change)
        return seal(key, text.encode(), "text/" + subject)


def seal(key: bytes, what: bytes, bound_to: str) -> bytes:
    """AES-256-GCM under a nonce of its own: version, nonce, ciphertext, tag."""
    nonce = secrets.token_bytes(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, what, bound_to.encode())


def opened(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    """What was sealed. Raises DevicelogError where it is not what this key sealed."""
    nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, rest, bound_to.encode())
    except (InvalidTag, ValueError):
        raise DevicelogError(
            "sealed data does not open: another master key sealed it, or it is damaged",
            hint="see that `[keys] master_file` names the key of this journal,"
            " and say `devicelog db check`",
        ) from None


class Identity(
    msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Who a patient is. `birth_date` as 1958-03-09; what is not known is empty."""

    name: str
    birth_date: str = ""
    record_number: str = ""

    def __repr__(self) -> str:
        """Told nowhere by accident: not in logs, not in tracebacks."""
        return "Identity(...)"


def identity_change(key: bytes, pseudonym: str, who: Identity) -> Change:
    """The row that keeps who a pseudonym is."""
    sealed = seal(key, msgspec.json.encode(who), "identity/" + pseudonym)
    return Change("identities", pseudonym, sealed)


def identity(key: bytes, pseudonym: str, sealed: bytes) -> Identity:
    """Who it is. Raises as `opened`."""
    packed = opened(key, sealed, "identity/" + pseudonym)
    return msgspec.json.decode(packed, type=Identity)


def _derived(master: bytes, purpose: bytes) -> bytes:
    info = b"devicelog/1/" + purpose
    return HKDF(algorithm=SHA256(), length=LENGTH, salt=None, info=info).derive(master)
