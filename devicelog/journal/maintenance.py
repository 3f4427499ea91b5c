"""What an operator does to a journal while no recorder runs: all under its lock."""

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Final

from devicelog.clock import SystemClock
from devicelog.errors import JournalError
from devicelog.journal import check, delivery, file, projections
from devicelog.journal.directory import Directory
from devicelog.journal.notices import SALVAGED
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model.delivery import Position, Progress

_WAIT_S: Final = 60.0


def rebuild(directory: str) -> int:
    """Make all projections anew; how many entries were read.

    Raises JournalBusy while a recorder runs, JournalError where the journal is not
    there or damaged.
    """
    with _held(directory) as held:
        found = check.inspect(held.journal, held.acknowledged)
        if found.damage:
            raise JournalError(
                f"the journal is damaged: {found.damage}",
                hint="say `devicelog db salvage` first",
            )
        with contextlib.closing(file.connect(held.journal)) as db:
            db.execute("BEGIN IMMEDIATE")
            count = projections.rebuild(db)
            db.execute("COMMIT")
    return count


def reset(directory: str, sink: str, done_to: int) -> None:
    """Have a sink take everything after this entry again, from the next start on.

    Raises as `rebuild`, and JournalError for a sink that never took anything.
    """
    with _held(directory) as held:
        found = check.inspect(held.journal, held.acknowledged)
        if found.damage:
            raise JournalError(
                f"the journal is damaged: {found.damage}",
                hint="say `devicelog db salvage` first",
            )
        with contextlib.closing(file.connect(held.journal)) as db:
            if sink not in delivery.sinks(db):
                known = ", ".join(delivery.sinks(db)) or "none"
                raise JournalError(
                    f'no sink "{sink}" ever took entries of this journal',
                    hint=f"there are: {known}",
                )
            # What was read back is told by the proof, whatever is sent again.
            proof = delivery.position(db, sink).proof
            position = Position(done_to=done_to, proof=proof)
            db.execute("BEGIN IMMEDIATE")
            delivery.apply(db, [Progress(sink, position)])
            db.execute("COMMIT")


def salvage(directory: str) -> list[str]:
    """Set aside what damage there is in any entry or page; what came of it, in words.

    What came of it is an entry of the new journal too. Raises as `rebuild`, and
    JournalError where the journal does not say of which site it is.
    """
    with _held(directory) as held:
        found = check.inspect(held.journal, held.acknowledged)
    if found.meta is None:
        raise JournalError(
            f"the journal does not say of which site it is ({found.damage})",
            hint="start the recorder: it knows, and salvages",
        )
    with Writer(
        JournalSettings(directory, ballast_mb=0),
        simulated=found.meta.simulated,
        site=found.meta.site,
        clock=SystemClock(),
        thorough=True,
    ) as writer:
        before = writer.committed
        writer.append([], _WAIT_S)
    with Reader(directory) as reader:
        alarms = reader.alarms()
    return [it.text for it in alarms if it.seq > before and it.name == SALVAGED]


# --- Private ----------------------------------------------------------------------


@contextlib.contextmanager
def _held(directory: str) -> Iterator[Directory]:
    held = Directory(directory)
    if not held.path.is_dir():
        raise JournalError(f"there is no directory {directory}")
    held.take()
    try:
        yield held
    except (sqlite3.Error, OSError) as error:
        raise JournalError(f"the journal cannot be opened: {error}") from error
    finally:
        held.release()
