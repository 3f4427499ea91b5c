"""What arrives when one end of a line speaks another speed or format than the other.

A character is one start bit (low), its data with the lowest bit first, parity if any,
one or two stop bits (high). The receiver begins at a falling edge, looks at the middle
of each bit by its own clock, and after a bad stop bit waits for the next edge, as
adapters behind USB do. Characters of one call follow each other without a pause.

    sent as 7E1   start d0 d1 d2 d3 d4 d5 d6 parity stop
    heard as 8N1  start d0 d1 d2 d3 d4 d5 d6 d7     stop
"""

from collections.abc import Iterator

import msgspec

from devicelog.drivers.profile import Line


class Character(msgspec.Struct, frozen=True):
    """One as received: its data bits, and what was wrong with it."""

    value: int
    bad_parity: bool = False
    bad_stop: bool = False


def reheard(data: bytes, said: Line, heard: Line) -> bytes:
    """What a kernel delivers of these bytes on a port that is opened as `heard`.

    As pyserial opens it (INPCK and PARMRK off) every character is delivered, be its
    parity or its stop bit wrong; a break as 0. Equal settings change nothing but bits
    beyond the data size.
    """
    return bytes(it.value for it in characters(data, said, heard))


def accepted(data: bytes, said: Line, heard: Line) -> bytes:
    """What a device takes of these bytes that drops every character with an error."""
    return bytes(
        it.value
        for it in characters(data, said, heard)
        if not (it.bad_parity or it.bad_stop)
    )


def characters(data: bytes, said: Line, heard: Line) -> Iterator[Character]:
    """All that a receiver makes of these bytes, in order."""
    levels = _levels(data, said)
    # Times are whole numbers: of these a bit lasts so many for either end.
    sent_bit, bit = 2 * heard.baud, 2 * said.baud
    parity = 0 if heard.parity == "N" else 1
    stop_at = 1 + heard.bytesize + parity  # bits after the falling edge

    def level(at: int) -> int:
        index = at // sent_bit
        return levels[index] if index < len(levels) else 1

    at = 0
    while (edge := levels.find(0, at // sent_bit)) >= 0:
        began = edge * sent_bit
        bits = [level(began + bit * n + bit // 2) for n in range(stop_at + 1)]
        at = began + bit * stop_at + bit // 2
        if bits[0]:  # too short to be a start bit
            at = began + bit // 2
        else:
            yield _character(bits, heard)
            if not bits[-1]:
                at = _next_high(levels, at // sent_bit) * sent_bit


# --- Private ----------------------------------------------------------------------


def _levels(data: bytes, line: Line) -> bytearray:
    """The line, bit by bit."""
    levels = bytearray()
    for byte in data:
        bits = [byte >> n & 1 for n in range(line.bytesize)]
        levels.append(0)
        levels += bytes(bits)
        if line.parity != "N":
            levels.append(_parity(bits, line))
        levels += b"\1" * line.stopbits
    return levels


def _parity(bits: list[int], line: Line) -> int:
    return sum(bits) + (line.parity == "O") & 1


def _character(bits: list[int], line: Line) -> Character:
    """Start, data, parity and stop as they were seen."""
    data = bits[1 : 1 + line.bytesize]
    value = sum(bit << n for n, bit in enumerate(data))
    wrong = line.parity != "N" and bits[-2] != _parity(data, line)
    return Character(value, bad_parity=wrong, bad_stop=not bits[-1])


def _next_high(levels: bytearray, index: int) -> int:
    """Where the line is high again; its end if it is not before."""
    found = levels.find(1, index)
    return len(levels) if found < 0 else found
