"""Certificates for the console in the clinic's own network: a CA of the clinic's own.

Tablets are told once to trust the CA; the server's certificate can then be made anew
each year without touching them.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devicelog.errors import DevicelogError
from devicelog.records.backup import put

CA: Final = "clinic-ca.pem"
CA_KEY: Final = "clinic-ca.key"
SERVER: Final = "console.pem"
SERVER_KEY: Final = "console.key"
_CA_DAYS: Final = 3650
_SERVER_DAYS: Final = 397  # browsers refuse longer ones
_Key = ec.EllipticCurvePrivateKey


class Certificates(msgspec.Struct, frozen=True):
    """Where they are, and until when the server's is good."""

    ca: str
    certificate: str
    key: str
    names: tuple[str, ...]
    until: datetime


def make(
    to: Path, site: str, names: Sequence[str], now: datetime | None = None
) -> Certificates:
    """A server certificate for these names, and the CA where there is none yet.

    Raises DevicelogError where a file cannot be read or written, or a name is none.
    """
    at = now or datetime.now(UTC)
    if not names:
        raise DevicelogError(
            "a certificate needs a name", hint="as tablets call this machine: --name"
        )
    try:
        to.mkdir(parents=True, exist_ok=True)
        ca, ca_key = _ca(to, site, at)
        key = ec.generate_private_key(ec.SECP256R1())
        made = _server(ca, ca_key, key, names, at)
        (to / SERVER).write_bytes(_pem(made) + _pem(ca))
        put(to / SERVER_KEY, _key_pem(key))
    except (OSError, ValueError) as error:
        raise DevicelogError(
            f"no certificate can be made in {to}: {error}",
            hint="see that the folder is writable and its files are whole",
        ) from error
    return Certificates(
        ca=str(to / CA),
        certificate=str(to / SERVER),
        key=str(to / SERVER_KEY),
        names=tuple(names),
        until=made.not_valid_after_utc,
    )


# --- Private ----------------------------------------------------------------------


def _ca(to: Path, site: str, at: datetime) -> tuple[x509.Certificate, _Key]:
    """The one that is there, else a new one."""
    if (to / CA).exists():
        there = x509.load_pem_x509_certificate((to / CA).read_bytes())
        key = serialization.load_pem_private_key((to / CA_KEY).read_bytes(), None)
        if not isinstance(key, _Key):
            raise ValueError(f"{to / CA_KEY} is no key of ours")
        return there, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"devicelog CA of {site}")]
    )
    built = (
        _begun(name, name, key.public_key(), at, _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
    )
    made = built.sign(key, SHA256())
    put(to / CA_KEY, _key_pem(key))
    (to / CA).write_bytes(_pem(made))
    return made, key


def _server(
    ca: x509.Certificate, ca_key: _Key, key: _Key, names: Sequence[str], at: datetime
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    serves = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    built = (
        _begun(name, ca.subject, key.public_key(), at, _SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(serves, critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_named(it) for it in names]), critical=False
        )
    )
    return built.sign(ca_key, SHA256())


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    at: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(made: x509.Certificate) -> bytes:
    return made.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
