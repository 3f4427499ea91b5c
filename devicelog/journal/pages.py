"""What the pages of a damaged SQLite file still hold, read without SQLite.

Leaf pages of tables, cells, records, overflow chains and the frames of a `-wal` file,
as https://www.sqlite.org/fileformat2.html lays them out (1.6 b-tree pages, 2.1 record
format, 4 the write-ahead log). Nothing here judges: a row may be nonsense, its checksum
decides (`schema.seal`). Never raises, whatever the bytes.
"""

import re
import struct
from collections.abc import Callable, Iterator
from typing import Final

Column = int | float | bytes | None
Row = tuple[int, list[Column]]  # rowid, columns; texts as their bytes
Follow = Callable[[int, int], bytes]  # overflow page, bytes wanted -> what is there

PAGE: Final = 4096
_LEAF: Final = 0x0D
_FIRST_HEADER: Final = 100  # page 1 begins with the file's header
_LOCAL_MOST: Final = PAGE - 35
_LOCAL_LEAST: Final = (PAGE - 12) * 32 // 255 - 23
# A record's header: its length, then the integer key, which is stored as NULL.
_RECORD: Final = re.compile(rb"(?=[\x03-\x3f]\x00)")
_PREFIX: Final = 3 + 9  # before it: payload size and rowid
_WAL_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
# No row of ours has a larger payload or header; here a wild length ends.
_MOST: Final = 1 << 20
_MOST_HEADER: Final = 64


def leaf_rows(page: bytes, follow: Follow) -> Iterator[Row]:
    """The rows of a table's leaf page; of any other page whatever looks like one.

    Where the page's own directory of cells is damaged, cells are looked for by what
    the record of a table with an integer key begins with.
    """
    at = _FIRST_HEADER if page.startswith(b"SQLite format 3\0") else 0
    broken = False
    if page[at : at + 1] == bytes((_LEAF,)):
        (count,) = struct.unpack_from(">H", page, at + 3)
        ends = at + 8 + 2 * count
        if count and ends <= PAGE:
            for place in struct.unpack_from(f">{count}H", page, at + 8):
                row = _cell(page, place, follow) if place >= ends else None
                broken = broken or row is None
                if row is not None:
                    yield row
        else:
            broken = count > 0
    elif page[at] not in (0x02, 0x05, 0x0A):
        broken = any(page)
    if broken:
        yield from _searched(page, follow)


def wal_frames(wal: bytes) -> Iterator[tuple[int, bytes]]:
    """Page number and page of each frame: those of the present log, then older ones."""
    salt = wal[16:24]
    older = []
    for at in range(_WAL_HEADER, len(wal) - _FRAME_HEADER - PAGE + 1, frame_size()):
        (number,) = struct.unpack_from(">I", wal, at)
        frame = number, wal[at + _FRAME_HEADER : at + _FRAME_HEADER + PAGE]
        if wal[at + 8 : at + 16] == salt:
            yield frame
        else:
            older.append(frame)
    yield from older


def frame_size() -> int:
    """Bytes that one frame takes in a `-wal` file."""
    return _FRAME_HEADER + PAGE


def overflow(read: Callable[[int], bytes], number: int, wanted: int) -> bytes:
    """The rest of a payload, from its chain of overflow pages as `read` finds them."""
    parts: list[bytes] = []
    left = wanted
    while left > 0 and number:
        page = read(number)
        if len(page) < PAGE:
            break
        (number,) = struct.unpack_from(">I", page)
        parts.append(page[4 : 4 + min(left, PAGE - 4)])
        left -= PAGE - 4
    return b"".join(parts)


# --- Private ----------------------------------------------------------------------


def _searched(page: bytes, follow: Follow) -> Iterator[Row]:
    for found in _RECORD.finditer(page):
        header = found.start()
        for at in range(max(0, header - _PREFIX), header - 1):
            _, rowid_at = _varint(page, at)
            if rowid_at < header and _varint(page, rowid_at)[1] == header:
                row = _cell(page, at, follow)
                if row is not None:
                    yield row


def _cell(page: bytes, at: int, follow: Follow) -> Row | None:
    size, at = _varint(page, at)
    rowid, at = _varint(page, at)
    if not 1 < size <= _MOST or rowid <= 0 or at >= PAGE:
        return None
    local = _local(size)
    payload = page[at : at + local]
    if len(payload) < local:
        return None
    columns = _header(payload)
    if columns is None or sum(width for _, width in columns[1]) + columns[0] != size:
        return None
    if local < size:
        if at + local + 4 > PAGE:
            return None
        (number,) = struct.unpack_from(">I", page, at + local)
        payload += follow(number, size - local)
        if len(payload) != size:
            return None
    return rowid, _values(payload, *columns)


def _local(size: int) -> int:
    """How much of a payload of this size lies in the leaf page itself."""
    if size <= _LOCAL_MOST:
        return size
    least = _LOCAL_LEAST + (size - _LOCAL_LEAST) % (PAGE - 4)
    return least if least <= _LOCAL_MOST else _LOCAL_LEAST


def _header(payload: bytes) -> tuple[int, list[tuple[int, int]]] | None:
    """Length of the record's header, and serial type and width of each column."""
    length, at = _varint(payload, 0)
    if not at < length <= min(len(payload), _MOST_HEADER):
        return None
    columns = []
    while at < length:
        kind, at = _varint(payload, at)
        columns.append((kind, _width(kind)))
    return (length, columns) if at == length else None


def _width(kind: int) -> int:
    if kind >= 12:  # noqa: PLR2004  (blobs are even, texts odd, from here on)
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGERS.get(kind, 0)  # noqa: PLR2004  (a double)


def _values(payload: bytes, at: int, columns: list[tuple[int, int]]) -> list[Column]:
    values: list[Column] = []
    for kind, width in columns:
        raw = payload[at : at + width]
        at += width
        if kind >= 12:  # noqa: PLR2004
            values.append(raw)
        elif kind == 7:  # noqa: PLR2004
            values.append(struct.unpack(">d", raw)[0])
        elif kind in _INTEGERS:
            values.append(int.from_bytes(raw, "big", signed=True))
        else:
            values.append({8: 0, 9: 1}.get(kind))
    return values


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A big-endian base-128 number of at most nine bytes; past the end it is 0."""
    value = 0
    for n, byte in enumerate(data[at : at + 9]):
        if n == 8:  # noqa: PLR2004  (the ninth byte carries eight bits)
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004
            return value, at + n + 1
    return 0, len(data)
