"""Looking for a name in every form in which it may have leaked."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

_SMALLEST = 12


def forms(text: str) -> dict[str, bytes]:
    """What to look for: each form by its name."""
    utf8, lower = text.encode(), text.lower().encode()
    found = {
        "utf-8": utf8,
        "small letters": lower,
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "json": json.dumps(text)[1:-1].encode(),
        "hex": utf8.hex().encode(),
        "HEX": utf8.hex().upper().encode(),
        "reversed": utf8[::-1],
    }
    # What stands before it in a longer text shifts it by 0, 1 or 2 bytes.
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + utf8)
        inner = encoded[4 * bool(shift) : -4]
        assert len(inner) >= _SMALLEST
        found[f"base64, shifted by {shift}"] = inner
        found[f"base64 for addresses, {shift}"] = inner.translate(
            bytes.maketrans(b"+/", b"-_")
        )
    return found


def in_bytes(image: bytes, *texts: str) -> list[tuple[str, str]]:
    """Which of these texts stand in it, in which form."""
    return [
        (text, name)
        for text in texts
        for name, form in forms(text).items()
        if form in image
    ]


def in_files(folder: Path, *texts: str) -> list[tuple[str, str, str]]:
    """The same of every file below a folder, their names included."""
    return [
        (str(path), *it)
        for path in folder.rglob("*")
        for it in [
            *in_bytes(str(path).encode(), *texts),
            *(in_bytes(path.read_bytes(), *texts) if path.is_file() else []),
        ]
    ]


def of_processes(below: int) -> Iterator[tuple[int, bytes]]:
    """Environment and command line of a process and of all its children now.

    In that order: a process that has just begun shows its environment last.
    """
    waiting = [below]
    while waiting:
        pid = waiting.pop()
        proc = Path(f"/proc/{pid}")
        try:
            yield (
                pid,
                b"".join((proc / it).read_bytes() for it in ("environ", "cmdline")),
            )
            for task in (proc / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
