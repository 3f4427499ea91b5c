"""How bytes are written in a profile: as text, with what cannot be typed in < >.

<STX>?S<ETX>    the control characters by their names
<5A A5 01>      bytes as hexadecimal numbers, any number of them
<3C>            the character < itself
"""

import re
from typing import Final

# ASCII (ISO/IEC 646), 0 to 31. Form feed has no name: <FF> is the byte FF.
_CONTROLS: Final = (
    *("NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL"),
    *("BS", "TAB", "LF", "VT", "0C", "CR", "SO", "SI"),
    *("DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB"),
    *("CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US"),
)
_BYTE_OF: Final = {name: bytes((n,)) for n, name in enumerate(_CONTROLS)} | {
    "HT": b"\t",
    "DEL": b"\x7f",
}
_SHOWN: Final = [f"<{byte:02X}>" for byte in range(256)]
_SHOWN[:32] = [f"<{name}>" for name in _CONTROLS]
_SHOWN[32:127] = [
    it if it not in "<>" else f"<{ord(it):02X}>" for it in map(chr, range(32, 127))
]
_PART: Final = re.compile(r"<([^<>]*)>|([^<>]+)")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}(?: ?[0-9A-Fa-f]{2})*")


def spelled(text: str) -> bytes:
    """The bytes that are written so. Raises ValueError, saying what is wrong."""
    parts, at = [], 0
    for part in _PART.finditer(text):
        if part.start() != at:
            break
        at = part.end()
        named, typed = part.groups()
        parts.append(_typed(typed) if typed else _named(named))
    if at != len(text):
        raise ValueError(
            f"{text[at:]!r} is not closed; < and > are written <3C> and <3E>"
        )
    return b"".join(parts)


def shown(data: bytes) -> str:
    """The same bytes, written so; what is hardly text, as numbers alone."""
    typed = sum(len(_SHOWN[byte]) == 1 for byte in data)
    if data and 2 * typed < len(data):
        return _named_alone(data) or f"<{data.hex(' ').upper()}>"
    return "".join(_SHOWN[byte] for byte in data)


# --- Private ----------------------------------------------------------------------


def _named_alone(data: bytes) -> str:
    """One or two control characters by their names, such as <CR><LF>."""
    few = len(data) <= 2 and max(data) < len(_CONTROLS)  # noqa: PLR2004
    return "".join(_SHOWN[byte] for byte in data) if few else ""


def _typed(text: str) -> bytes:
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"{text!r} is not ASCII; write bytes as in <5A A5>")
    return text.encode("ascii")


def _named(name: str) -> bytes:
    byte = _BYTE_OF.get(name.upper())
    if byte is not None:
        return byte
    if not _HEX.fullmatch(name):
        raise ValueError(f"<{name}> is no control character and no hexadecimal number")
    return bytes.fromhex(name)
