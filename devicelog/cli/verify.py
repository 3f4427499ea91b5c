"""`sessions verify`: whether the store holds what the journal holds."""

import sys
from collections.abc import Iterator
from datetime import datetime

import click
import msgspec

from devicelog.cli import output
from devicelog.cli.tables import print_table
from devicelog.cli.times import MOMENT, ns_of
from devicelog.clock import SystemClock
from devicelog.errors import JournalBusy
from devicelog.operations.ask import ask
from devicelog.operations.config import Loaded, load, path_of
from devicelog.operations.verify import VerifySessions, at_rest
from devicelog.records.receipts import Verified

_INCOMPLETE = 5


@click.command()
@output.config_option
@output.json_option
@click.option(
    "--from",
    "since",
    type=MOMENT,
    help="Sessions that ended then or later; without it, those of the last week.",
)
@click.option("--repair", is_flag=True, help="Send what differs again.")
@click.argument("session_id", nargs=-1)
@output.told
def verify(
    config: str | None,
    *,
    as_json: bool,
    since: datetime | None,
    repair: bool,
    session_id: tuple[str, ...],
) -> None:
    """Read sessions back from the store; write receipts.

    Exit code 5: something is missing, differs, or is not the journal's.
    """
    asked = VerifySessions(
        session_ids=session_id, since_ns=ns_of(config, since), repair=repair
    )
    found = []
    for it in _verified(load(path_of(config)), asked):
        found.append(it)
        if not as_json:
            for text in it.differences:
                output.talk(f"{it.session_id}: {text}")
    if as_json:
        output.print_json(found)
    else:
        columns = ("session", "decoded", "kept", "published", "stored", "state")
        print_table(columns, (_row(it) for it in found))
    looked_at = [it.receipt for it in found if it.receipt and not it.retired]
    if any(it.state == "incomplete" for it in looked_at):
        sys.exit(_INCOMPLETE)


def _verified(loaded: Loaded, asked: VerifySessions) -> Iterator[Verified]:
    """By the journal alone, or by the recorder that holds it."""
    try:
        yield from at_rest(loaded, SystemClock(), asked)
    except JournalBusy:
        told = msgspec.to_builtins(asked)
        for raw in ask(loaded.config.journal.directory, "verify_sessions", **told):
            yield msgspec.json.decode(raw, type=Verified)


def _row(it: Verified) -> tuple[str, ...]:
    receipt = it.receipt
    state = "retired" if it.retired else "pending"
    if receipt is None:
        return (it.session_id, "", "", "", "", state)
    counts = (receipt.decoded, receipt.kept, receipt.published, receipt.stored)
    told = ("-" if count is None else str(count) for count in counts)
    return (it.session_id, *told, state if it.retired else receipt.state)
