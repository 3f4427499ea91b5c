"""Sessions as a table, for the terminal."""

from collections.abc import Sequence

from devicelog.cli import output
from devicelog.cli.tables import print_stacked
from devicelog.journal.reader import SessionRow
from devicelog.journal.retired import Departed
from devicelog.model.words import counted, dose_in_words, settings_in_words
from devicelog.records.derived import Session


def print_sessions(rows: Sequence[SessionRow]) -> None:
    """Sessions as a table."""
    if not rows:
        output.talk("no sessions")
        return
    columns = ("session", "for", "how", "dose", "settings", "flags")
    print_stacked(columns, [_row(row) for row in rows], whole=4)


def tell_departed(left: Departed, more: str = "") -> None:
    """So many are not among them, for they left by age; nothing where none did."""
    if left.sessions:
        were = "was" if left.sessions == 1 else "were"
        output.talk(
            f"{counted(left.sessions, 'session')} {were} retired by age,"
            f" the newest of {output.utc(left.newest_ns)[:10]}{more}"
        )


def _row(row: SessionRow) -> tuple[str, ...]:
    derived = row.derived if isinstance(row, Session) else {}
    return (
        row.session_id,
        whose(row) or "-",
        (row.reason or "open").replace("_", " "),
        dose_in_words(row.totals | derived),
        settings_in_words(row.settings),
        " ".join(row.flags),
    )


def whose(row: SessionRow) -> str:
    """The patient's pseudonym, or what it was if no treatment; empty: in the inbox."""
    return row.pseudonym or (
        "" if row.purpose == "treatment" else row.purpose.replace("_", " ")
    )
