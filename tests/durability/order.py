"""Whether each acknowledgement came after its commit was on the disk.

`kill -9` cannot see a missing sync, since the kernel keeps what was written. The order
of the calls can: no acknowledgement may begin while the log holds a write that no
later, successful sync has covered, and each must have a commit of its own before it.
"""

from collections.abc import Iterable

from durability.trace import Op


def violations(ops: Iterable[Op]) -> list[str]:
    """Each acknowledgement that came too early, in words."""
    found = []
    unsynced: Op | None = None
    committed = False
    for op in ops:
        if op.failed:
            continue
        if op.kind == "write" and op.path.endswith("-wal"):
            unsynced, committed = op, True
        elif op.kind == "sync" and op.path.endswith("-wal"):
            if unsynced is not None and op.began > unsynced.ended:
                unsynced = None
        elif name := op.acknowledgement:
            if unsynced is not None:
                found.append(f"{name} with line {unsynced.ended} unsynced")
            elif not committed and not name.startswith("open"):
                found.append(f"{name} without a commit")
            committed = False
    return found
