"""Checks of frames by name: what stands behind the checked bytes if nothing is wrong.

    none        nothing
    sum8 sum7   the sum of all bytes, its low 8 (7) bits: one byte
    xor8        all bytes exclusive-ored: one byte
    ..._hex     the same as two hexadecimal digits
    crc16_NAME  a CRC-16 by its name in Greg Cook's catalogue (fastcrc): two bytes

sum7 is for lines of 7 data bits; of 7-bit bytes xor8 has but 7. What each cannot see
decides how far a frame is believed (`bits`).
"""

import functools
import operator
from collections.abc import Callable
from typing import Final, Literal, get_args

import msgspec
from fastcrc import crc16

Order = Literal["big", "little"]
CheckName = Literal[
    "none",
    "sum7",
    "sum8",
    "xor8",
    "sum8_hex",
    "xor8_hex",
    "crc16_arc",
    "crc16_autosar",
    "crc16_cdma2000",
    "crc16_cms",
    "crc16_dds_110",
    "crc16_dect_r",
    "crc16_dect_x",
    "crc16_dnp",
    "crc16_en_13757",
    "crc16_genibus",
    "crc16_gsm",
    "crc16_ibm_3740",
    "crc16_ibm_sdlc",
    "crc16_iso_iec_14443_3_a",
    "crc16_kermit",
    "crc16_lj1200",
    "crc16_maxim_dow",
    "crc16_mcrf4xx",
    "crc16_modbus",
    "crc16_nrsc_5",
    "crc16_opensafety_a",
    "crc16_opensafety_b",
    "crc16_profibus",
    "crc16_riello",
    "crc16_spi_fujitsu",
    "crc16_t10_dif",
    "crc16_teledisk",
    "crc16_tms37157",
    "crc16_umts",
    "crc16_usb",
    "crc16_xmodem",
]
CHECKS: Final[tuple[CheckName, ...]] = get_args(CheckName)


class Check(msgspec.Struct, frozen=True):
    """One check. `size`: bytes it takes. `raw`: they may have any value.

    `of` makes them. `bits`: its strength; a wrong frame passes once in 2 ** bits.
    """

    size: int
    bits: int
    raw: bool
    of: Callable[[bytes], bytes]

    def fits(self, data: bytes, said: bytes) -> bool:
        """Whether this is the check of the data; hexadecimal in either case."""
        made = self.of(data)
        return said == made or (not self.raw and said.upper() == made)


def check(name: CheckName, order: Order = "big") -> Check:
    """The check of this name; `order`: which byte of two stands first."""
    if name in _SMALL:
        return _SMALL[name]
    crc: Callable[[bytes], int] = getattr(crc16, name.removeprefix("crc16_"))
    return Check(2, 16, raw=True, of=lambda data: crc(data).to_bytes(2, order))


# --- Private ----------------------------------------------------------------------


def _sum(data: bytes) -> int:
    return sum(data) & 0xFF


def _xor(data: bytes) -> int:
    return functools.reduce(operator.xor, data, 0)


_SMALL: Final[dict[str, Check]] = {
    "none": Check(0, 0, raw=False, of=lambda _: b""),
    "sum7": Check(1, 7, raw=True, of=lambda data: bytes((_sum(data) & 0x7F,))),
    "sum8": Check(1, 8, raw=True, of=lambda data: bytes((_sum(data),))),
    "xor8": Check(1, 8, raw=True, of=lambda data: bytes((_xor(data),))),
    "sum8_hex": Check(2, 8, raw=False, of=lambda data: b"%02X" % _sum(data)),
    "xor8_hex": Check(2, 8, raw=False, of=lambda data: b"%02X" % _xor(data)),
}
