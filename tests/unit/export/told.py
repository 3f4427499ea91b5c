"""One session as a history tells it, by hand; and a history of such alone."""

import msgspec
from unit.export.patient import at

from devicelog.export.history import History, Maker, Treatment, Wanted
from devicelog.model.facts import Facts
from devicelog.records.keys import Identity

HEADING = History(
    wanted=Wanted(pseudonym="3333-334F"),
    made_ns=at("2026-11-24T09:30"),
    site="clinic",
    timezone="Europe/Berlin",
    simulated=False,
    installation="c0ffee",
    identity=Identity("Anna Muster", "1958-03-09", "4711"),
    software="9.9",
    head="77:9f3c",
)
SESSION = Treatment(
    session_id="us-1.us.20261123T101500Z",
    device="us-1",
    channel="us",
    started_ns=at("2026-11-23T10:15") + 140_000_000,
    ended_ns=at("2026-11-23T10:20") + 17_140_000_000,
    open=False,
    reason="stopped_early",
    flags=("identity_unverified",),
    treatment_id="",
    settings={
        "time_set_s": 360.0,
        "frequency_mhz": 3.0,
        "duty_pct": 20.0,
        "intensity_w_cm2": 0.5,
        "intensity_convention": "SATP",
        "head_serial": "80233",
        "era_cm2": 0.8,
    },
    totals={
        "wall_s": 317.0,
        "emission_s": 300.0,
        "contact_lost_s": 17.0,
        "contacts_lost": 2,
        "coverage_pct": 100.0,
        "energy_j": 24.0,
    },
    derived={"energy_corrected_j": 25.5, "output_error_pct": 6.25},
    check=12,
    head="80233",
    head_source="wire",
    readings=318,
    readings_sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    first_seq=1,
    last_seq=9,
    pseudonym="3333-334F",
    clinician="mk",
    annotations=Facts(
        site="lateral_epicondyle",
        side="left",
        treated_area_cm2=4.0,
        warned=True,
        response="better",
        pain_before=6,
    ),
    modality="us",
    start_offset_min=60,
    end_offset_min=60,
    maker=Maker("Sono 5", "SN-0042", "2.1"),
    notes=("Arm was cold.",),
)


class Told:
    """A source of these treatments alone."""

    def __init__(self, *treatments, manual=(), **heading):
        self.history = msgspec.structs.replace(HEADING, **heading)
        self._treatments, self._manual = treatments, manual

    def count(self):
        return len(self._treatments)

    def treatments(self):
        return iter(self._treatments)

    def manual(self):
        return iter(self._manual)
