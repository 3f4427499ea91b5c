"""The store's row of a session whose patient was forgotten says nobody."""

import pytest
from journals import SITE
from unit.records.identity_clinic import KeyedClinic

from devicelog.sinks.influx_rows import Rows


@pytest.fixture
def clinic(tmp_path):
    clinic = KeyedClinic(tmp_path / "data")
    with clinic.writer:
        clinic.begin("us-1")
        yield clinic


def rows_after(clinic, seq):
    """What the entries after this one make a store write, of sessions."""
    with clinic.reader() as view:
        entries = view.entries(seq)
        made = [*Rows(SITE, "Europe/Berlin", {}).batch(entries, view)]
    rows = [row for it in made for row in it or []]
    return [row for row in rows if row.measurement == "therapy_session"]


def test_each_session_of_a_forgotten_patient_is_written_anew_as_nobodys(clinic):
    code = clinic.add("Erika")
    for n in (1, 2):
        clinic.start(f"us-1.us.{n}")
        clinic.end(f"us-1.us.{n}", 60)
        clinic.assign(f"us-1.us.{n}", code)
    assert {it.fields["pseudonym"] for it in rows_after(clinic, 0)} == {code}
    before = clinic.writer.committed
    clinic.ask("forget", pseudonym=code, reason="asked", confirm=True)
    rows = rows_after(clinic, before)
    assert sorted(it.fields["session_id"] for it in rows) == ["us-1.us.1", "us-1.us.2"]
    assert [it.fields["pseudonym"] for it in rows] == ["", ""]
    # Sent again from the beginning, nothing brings the pseudonym back.
    assert {it.fields["pseudonym"] for it in rows_after(clinic, 0)} == {""}
