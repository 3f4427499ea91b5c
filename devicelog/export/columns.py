"""The one catalogue of export columns: name, unit, type, meaning, source.

The code book, the headers, the types of Parquet and the tests are made from it. Names
of settings, measurements and totals are those of `model.fields`.
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal

import msgspec
from msgspec import inspect

from devicelog.model import fields
from devicelog.model.facts import Facts
from devicelog.model.fields import FIELDS

# A time is UTC in ns; writers say it as their form does.
Type = Literal["text", "int", "float", "bool", "time"]


class Column(msgspec.Struct, frozen=True):
    """`unit` is UCUM, `1` where there is none.

    `hidden`: left out of exports for research, for it may tell of a person, or of a
    date that was shifted. `stored`: InfluxDB holds it too. `closed`: its texts are of
    our own making (words of a list, codes, digits), never typed by somebody.
    """

    name: str
    unit: str
    type: Type
    source: str
    meaning: str
    hidden: bool = False
    stored: bool = False
    closed: bool = False


def _parse(table: str) -> Iterator[Column]:
    """Marks in the third column: `h` hidden, `s` stored, `c` closed."""
    for line in table.strip().splitlines():
        name, type_, marks, unit, source, meaning = (
            cell.strip() for cell in line.split("|")
        )
        column = dict(zip(("name", "unit", "type"), (name, unit, type_), strict=True))
        yield msgspec.convert(
            column
            | {"source": source, "meaning": meaning}
            | {"hidden": "h" in marks, "stored": "s" in marks}
            | {"closed": "c" in marks},
            Column,
        )


# Words of the device that a person may have typed into it, or that tell a date.
TYPED: Final = fields.TYPED | {"device_clock"}
# As first read: the store holds their means and maxima alone.
_LEVELS: Final = frozenset(
    {"intensity_w_cm2", "amplitude_1_ma", "amplitude_2_ma"}
    | {"amplitude_1_v", "amplitude_2_v"}
)


def _catalogue(*kinds: str, stored: Callable[[str], bool]) -> Iterator[Column]:
    for field in FIELDS.values():
        if field.kind in kinds:
            yield Column(
                field.name,
                field.unit,
                field.type,
                field.source,
                field.meaning,
                hidden=field.name in TYPED,
                stored=stored(field.name),
            )


# What derives from checks, heads and areas that people said stands in no store.
_FROM_PEOPLE: Final = ("energy_corrected", "energy_treated", "output_error", "density_")
DERIVED: Final = frozenset(name for name in FIELDS if name.startswith(_FROM_PEOPLE))
SETTINGS: Final = (
    *_catalogue("setting", stored=lambda name: name not in _LEVELS | fields.TYPED),
)
TOTALS: Final = (
    *_catalogue("total", stored=lambda name: name not in DERIVED | {"readings"}),
)
VALUES: Final = (
    *_catalogue("setting", "measurement", stored=lambda name: name not in fields.TYPED),
)

FROM: Final = (
    *_parse("""
clinic              | text | sc | 1   | [dl] | the site that recorded it
simulated           | bool |    | 1   | [dl] | made up by virtual devices
"""),
)
WHOSE: Final = (
    *_parse("""
session_id          | text | sc | 1   | [dl] | the session: device, channel, start
treatment_id        | text | sc | 1   | [dl] | one treatment with several sessions (combination therapy); empty: it stands alone
pseudonym           | text | sc | 1   | [dl] | the patient; empty: nobody's
device              | text | sc | 1   | [dl] | the machine, as configured
channel             | text | sc | 1   | [dl] | its output group
modality            | text | sc | 1   | [dl] | us: therapeutic ultrasound; if: interferential current
device_model        | text |    | 1   | [dl] | what the device last said of itself
device_serial       | text |    | 1   | [dl] | the same: its serial number
device_firmware     | text |    | 1   | [dl] | the same: its software
profile             | text |    | 1   | [dl] | the declaration by which its bytes were read
profile_hash        | text | c  | 1   | [dl] | which version of it
started_at          | time | s  | 1   | [dl] | first reading of the session, UTC
started_offset_min  | int  |    | min | [dl] | what the clinic's clock added to UTC then
ended_at            | time | s  | 1   | [dl] | last reading of the session, UTC; empty: it runs
ended_offset_min    | int  |    | min | [dl] | what the clinic's clock added to UTC then
end_reason          | text | sc | 1   | [dl] | completed, stopped_early, fault, device_reset, link_lost, logger_stopped, manual
purpose             | text | sc | 1   | [dl] | treatment, output_check, training, demonstration
flags               | text | sc | 1   | [dl] | what limits the record, words apart by blanks
"""),
)
BESIDE: Final = (
    *_parse("""
head                | text |    | 1   | [dl] | the applicator; empty: none, unknown or several
head_source         | text | c  | 1   | [dl] | wire, register, or possible (one of several on the device)
calibration_entry   | int  | h  | 1   | [dl] | number of the output check by which the dose is corrected
uncorrected         | text | c  | 1   | [dl] | why it is not corrected
receipt_state       | text | sc | 1   | [dl] | complete, repaired, incomplete, unread
receipt_decoded     | int  | s  | {count} | [dl] | readings decoded
receipt_kept        | int  | s  | {count} | [dl] | readings kept in the journal
receipt_published   | int  | s  | {count} | [dl] | readings taken by the broker
receipt_stored      | int  | s  | {count} | [dl] | readings read back from the store
readings_retired    | bool |    | 1   | [dl] | the readings were retired by age; totals stand
readings_sha256     | text | hc | 1   | [dl] | over the bodies of its kept readings, in order
clinician           | text | h  | 1   | [dl] | who treated, a short code
notes               | text | h  | 1   | [dl] | free text, a line each
first_entry         | int  | h  | 1   | [dl] | its first number in the journal
last_entry          | int  | h  | 1   | [dl] | its last number in the journal
"""),
)


READING: Final = (
    *_parse("""
session_id          | text | sc | 1   | [dl] | the session it belongs to
seq                 | int  | hs | 1   | [dl] | its number in the journal
at                  | time | s  | 1   | [dl] | when it arrived, UTC
offset_min          | int  |    | min | [dl] | what the clinic's clock added to UTC at the start of the session
elapsed_ms          | int  | s  | ms  | [dl] | since the start of the session, by a clock that cannot be set
device              | text | sc | 1   | [dl] | the machine, as configured
channel             | text | sc | 1   | [dl] | its output group
state               | text | sc | 1   | [dl] | ramping, running, hold_contact, paused, finished, aborted, fault ...
"""),
)
BYTES: Final = (
    *_parse("""
flags               | text | sc | 1   | [dl] | what limits the reading, words apart by blanks
clock_ok            | bool |    | 1   | [dl] | the wall clock was trusted
mono_ns             | int  | h  | ns  | [dl] | the machine's own clock, since its boot
thinned             | int  |    | {count} | [dl] | readings before it that were not kept
preroll             | bool |    | 1   | [dl] | held in memory before the start
profile_hash        | text | c  | 1   | [dl] | the version of the declaration by which it was decoded
frame               | text | hc | 1   | [dl] | the bytes of the wire, in hex
"""),
)
EVENT: Final = (
    *_parse("""
session_id          | text | c  | 1   | [dl] | the session it happened to
at                  | time |    | 1   | [dl] | when it was known, UTC
offset_min          | int  |    | min | [dl] | what the clinic's clock added to UTC at the start of the session
event               | text | c  | 1   | [dl] | start, setting, pause, resume, contact_lost, contact_back, fault, gap, segment, end ...
lasted_s            | float|    | s   | [dl] | how long what ends here held
field               | text | c  | 1   | [dl] | the setting that was changed
old                 | text |    | 1   | [dl] | its value before, as JSON
new                 | text |    | 1   | [dl] | its value from then on, as JSON
cause               | text | c  | 1   | [dl] | of a lost line: port, silence, restart
reason              | text | c  | 1   | [dl] | of an end
"""),
)
MANUAL: Final = (
    *_parse("""
pseudonym           | text | c  | 1   | [dl] | the patient
entry               | int  | h  | 1   | [dl] | its number in the journal
began_at            | time |    | 1   | [dl] | when it began, as a person said, UTC
offset_min          | int  |    | min | [dl] | what the clinic's clock added to UTC then
minutes             | float|    | min | [dl] | how long it took
treatment           | text | c  | 1   | [dl] | massage, mobilisation, exercise ...
clinician           | text | h  | 1   | [dl] | who treated, a short code
notes               | text | h  | 1   | [dl] | free text, a line each
"""),
)

AUDIT: Final = (
    *_parse("""
record              | int  | h  | 1   | [dl] | its number in the journal
at                  | time | h  | 1   | [dl] | when it was written, UTC
kind                | text | hc | 1   | [dl] | the kind of entry
by                  | text | h  | 1   | [dl] | the user of the machine who caused it
what                | text | h  | 1   | [dl] | what was done
subject             | text | hc | 1   | [dl] | the pseudonym or session it is about
more                | text | h  | 1   | [dl] | what else it says; no name stands in it
"""),
)


def _said() -> Iterator[Column]:
    """What people add: a column a fact."""
    info = inspect.type_info(Facts)
    assert isinstance(info, inspect.StructType)  # noqa: S101  (it is one)
    for field in info.fields:
        assert isinstance(field.type, inspect.Metadata)  # noqa: S101  (each is told)
        told = (field.type.extra_json_schema or {}).get("description", "")
        whole = field.type.type
        types = whole.types if isinstance(whole, inspect.UnionType) else (whole,)
        unit = "cm2" if field.name.endswith("_cm2") else "1"
        meaning = f"said by a person: {told}"
        name = f"said_{field.name}"
        yield Column(name, unit, _type(types[0]), "[dl]", meaning, closed=True)


def _type(type_: inspect.Type) -> Type:
    match type_:
        case inspect.BoolType():
            return "bool"
        case inspect.IntType():
            return "int"
        case inspect.LiteralType():
            return "text"
        case _:
            return "float"


SAID: Final = (*_said(),)
