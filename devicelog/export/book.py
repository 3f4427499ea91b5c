"""What explains an export: the code book, made of the catalogue, and the README."""

from collections.abc import Iterable, Mapping
from typing import Final

from devicelog.export.columns import Column
from devicelog.export.history import History, Origin
from devicelog.export.rows import Name, Row, Table
from devicelog.export.text import moment

_BOOK: Final = (
    Column("table", "1", "text", "[dl]", "which table", closed=True),
    Column("name", "1", "text", "[dl]", "the column", closed=True),
    Column("unit", "1", "text", "[dl]", "UCUM; 1: none", closed=True),
    Column("type", "1", "text", "[dl]", "text, int, float, bool, time", closed=True),
    Column("meaning", "1", "text", "[dl]", "what it says"),
    Column("source", "1", "text", "[dl]", "see README.txt"),
)
_SOURCES: Final = """\
[L] Rampazo & Liebano 2022, Medicina 58:141. [5] IEC 60601-2-5. [10] IEC 60601-2-10.
[61689] IEC 61689. [62462] IEC TS 62462. [1050] 21 CFR 1050.10. [dl] devicelog."""
_ORIGINS: Final[Mapping[Origin, str]] = {
    "journal": "the journal",
    "influx": "the store (InfluxDB)",
}


def book_table(some: Mapping[Name, Table]) -> tuple[Table, Iterable[Row]]:
    """The code book of these tables, as a table itself."""
    rows = [
        (table.name, it.name, it.unit, it.type, it.meaning, it.source)
        for table in some.values()
        for it in table.columns
    ]
    return Table("sessions", "the code book", _BOOK, lambda *_: ()), rows


def readme(
    history: History, rows: Mapping[str, int], left_out: Mapping[str, str]
) -> str:
    """For a person who has nothing but the archive."""
    counts = "\n".join(f"  {name:10} {count}" for name, count in rows.items())
    lacking = "".join(f"It lacks {it}.\n" for it in history.absent)
    lacking += "".join(
        f"No {name} is in it: {why}.\n" for name, why in left_out.items()
    )
    simulated = "SIMULATED: made up by virtual devices; no patient was treated.\n"
    return f"""\
{simulated * history.simulated}\
{_whose(history)}
Recorded by {history.site} ({history.timezone}), exported {moment(history.made_ns)} by
devicelog {history.software}; schema {history.schema}, journal version \
{history.journal}, from {_ORIGINS[history.source]}.

Rows of each table:
{counts}
{lacking}
codebook.csv says what each column means, in which unit (UCUM), and by which source:
{_SOURCES}
Times are UTC; the minutes beside them are what the clinic's clock added then. A dose
is a setting integrated over time, not a measurement. In CSV a quote stands before a
text that a programme of tables would take for a formula.

manifest.json holds the SHA-256 of each file (`sha256sum NAME` shows the same), and the
comment of the archive the SHA-256 of all its bytes before that.
`devicelog export verify FILE` compares both and names what was changed.
The newest record of the clinic's audit chain when this was made:
{history.head or "none"}
"""


def _whose(history: History) -> str:
    if history.pseudonymous:
        shifted = " Dates are shifted, each patient's by days of its own."
        return f"For research: pseudonyms alone.{shifted * history.shifted}"
    whose = f"Device history of patient {history.wanted.pseudonym}"
    if history.identity is None:
        return f"{whose}; nobody is named: {history.unnamed}."
    who = history.identity
    parts = [who.name, who.birth_date, who.record_number]
    return f"{whose}: {', '.join(part for part in parts if part)}."
