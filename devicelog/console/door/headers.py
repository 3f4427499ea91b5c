"""Headers of every answer, errors too (OWASP ASVS V14.4)."""

from typing import Final

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ALWAYS: Final[dict[str, str]] = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With "no-referrer" browsers send `Origin: null` with our own forms too.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
# What shows a person is kept by no browser; what never changes within a run may be.
PRIVATE: Final = {"cache-control": "no-store"}
STATIC: Final = {"cache-control": "private, max-age=3600"}
OVER_TLS: Final = {"strict-transport-security": "max-age=31536000"}
