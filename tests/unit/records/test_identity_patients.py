"""Patients: added, found, shown with a record, forgotten so that no byte is left."""

import random

import pytest
from unit.records.identity_clinic import RING, KeyedClinic

from devicelog.errors import DevicelogError, Unconfirmed
from devicelog.model.pseudonyms import parsed
from devicelog.records import forgetting, patients
from devicelog.records.keys import Identity, opened
from devicelog.records.request import unsealed

NAME = "Žofia Mustermann-Österreich"


@pytest.fixture
def clinic(tmp_path):
    clinic = KeyedClinic(tmp_path / "data")
    with clinic.writer:
        clinic.begin("us-1", "us-2", "if-1")
        yield clinic


def everybody(clinic):
    with clinic.reader() as reader:
        return [*patients.people(reader, RING)]


def test_a_patient_is_known_by_a_pseudonym_that_can_be_typed(clinic):
    code = clinic.add(NAME, birth_date="09.03.1958", record_number=" 4711 ")
    assert parsed(code.lower().replace("-", "")) == code
    (person,) = everybody(clinic)
    assert person.pseudonym == code
    assert person.who == Identity(NAME, "1958-03-09", "4711")
    clinic.start()
    assert clinic.assign("us-1.us.1", code)
    with pytest.raises(DevicelogError, match="no patient"):
        clinic.assign("us-1.us.1", "2222-2222")


def test_a_repeat_of_the_request_makes_no_second_patient(clinic):
    who = [{"name": NAME}]
    first = clinic.ask("add_patients", who=who, request_id="request-x")
    again = clinic.ask("add_patients", who=who, request_id="request-x")
    assert first == again
    assert len(everybody(clinic)) == 1


def test_who_seems_to_be_there_is_asked_about_without_a_name(clinic):
    code = clinic.add(NAME, birth_date="1958-03-09")
    clinic.add(NAME, birth_date="1961-01-01")  # a namesake
    with pytest.raises(Unconfirmed) as told:
        clinic.add(NAME.upper().replace("Ö", "o"), birth_date="1958-03-09")
    assert code in str(told.value)
    assert "uster" not in str(told.value).lower()
    both = [{"name": "Bernd", "record_number": "1"}] * 2
    written = clinic.ask("add_patients", who=both, skip_known=True)
    assert len(written.entries) == 1
    assert len(everybody(clinic)) == 3


@pytest.mark.parametrize(
    "who",
    [
        {"name": "  "},
        {"name": "Erika" * 50},
        {"name": "Erika", "birth_date": "1958-02-30"},
        {"name": "Erika", "birth_date": "Erika"},
        {"name": "Erika", "phone": "Erika"},
        {"name": ["Erika"]},
    ],
)
def test_what_is_wrong_with_a_patient_is_told_without_repeating_it(clinic, who):
    with pytest.raises(DevicelogError) as told:
        clinic.ask("add_patients", who=[who])
    assert "Erika" not in str(told.value)
    assert everybody(clinic) == []


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("zofia", True),
        ("MUSTERMANN", True),
        ("osterreich", False),  # a word must begin so
        ("must zof", True),
        ("1958-03-09", True),
        ("09.03.1958", True),
        ("a-17", True),
        ("a-1", False),
        ("", False),
        ("bernd", False),
    ],
)
def test_a_search_finds_by_the_beginnings_of_names_by_birth_and_number(text, hit):
    who = Identity(NAME, "1958-03-09", "A-17")
    people = iter([patients.Person("X", who), patients.Person("Y", None)])
    assert bool(patients.found(people, text)) is hit


def test_a_corrected_patient_is_found_by_the_new_name_alone(clinic):
    code = clinic.add("Erika")
    clinic.ask("change_patient", pseudonym=code, who={"name": "Erika Schmidt"})
    (person,) = everybody(clinic)
    assert (person.pseudonym, person.who) == (code, Identity("Erika Schmidt"))


def test_nothing_is_added_without_a_master_key(tmp_path):
    clinic = KeyedClinic(tmp_path / "data")
    clinic.desk._view = lambda reader: patients.View(reader, unsealed)
    with clinic.writer, pytest.raises(DevicelogError, match="master key is missing"):
        clinic.add(NAME)


# --- Forgetting --------------------------------------------------------------------


def forget(clinic, code, **more):
    more = {"reason": "asked", "confirm": True} | more
    return clinic.ask("forget", pseudonym=code, **more)


def bytes_left(directory, *wanted: bytes):
    """Which of these stand in which file, free pages and logs included."""
    found = []
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_socket():
            image = path.read_bytes()
            found += [(path.name, it) for it in wanted if it in image]
    return found


def test_forgetting_asks_first_and_frees_the_sessions(clinic):
    code, other = clinic.add(NAME), clinic.add("Bernd")
    clinic.start("us-1.us.1")
    clinic.start("us-2.us.2")
    clinic.assign("us-1.us.1", code)
    clinic.assign("us-2.us.2", other)
    with pytest.raises(Unconfirmed):
        forget(clinic, code, confirm=False)
    assert clinic.whose("us-1.us.1") == code
    forget(clinic, code)
    assert clinic.whose("us-1.us.1") == ""
    assert clinic.whose("us-2.us.2") == other
    (stone,) = clinic.entries("tombstone")
    assert (stone[0].subject, stone[1].sessions) == (code, 1)
    freed = clinic.entries("binding")[-1]
    assert (freed[0].subject, freed[1].event) == ("us-1.us.1", "forgotten")
    with pytest.raises(DevicelogError, match="no patient"):
        forget(clinic, code)
    with pytest.raises(DevicelogError, match="no patient"):
        clinic.assign("us-1.us.1", code, reason="other", confirm=True)


def test_who_is_held_is_not_forgotten_until_all_reasons_are_over(clinic):
    code = clinic.add("Anna")
    for reason in ("dispute", "study"):
        clinic.ask("hold", pseudonym=code, reason=reason)
    with pytest.raises(DevicelogError, match="held already for study"):
        clinic.ask("hold", pseudonym=code, reason="study")
    for reason in ("dispute", "study"):
        with pytest.raises(DevicelogError, match="is held: "):
            forget(clinic, code)
        clinic.ask("hold", pseudonym=code, reason=reason, over=True)
    with pytest.raises(DevicelogError, match="is not held for other"):
        clinic.ask("hold", pseudonym=code, reason="other", over=True)
    forget(clinic, code)
    assert everybody(clinic) == []


def test_an_undo_does_not_bring_the_forgotten_back(clinic):
    anna, bernd = clinic.add("Anna"), clinic.add("Bernd")
    clinic.start()
    clinic.assign("us-1.us.1", anna)
    clinic.assign("us-1.us.1", bernd, reason="wrong_patient", confirm=True)
    forget(clinic, anna)
    with pytest.raises(DevicelogError, match="no patient"):
        clinic.ask("undo", session_id="us-1.us.1")
    assert clinic.whose("us-1.us.1") == bernd


def test_notes_go_with_the_patient_but_not_those_of_what_is_now_anothers(clinic):
    anna, bernd = clinic.add("Anna"), clinic.add("Bernd")
    for name, whose in (("us-1.us.1", anna), ("us-2.us.2", bernd)):
        clinic.start(name)
        clinic.assign(name, anna, confirm=True)
        if whose != anna:
            more = {"reason": "wrong_patient", "note": "was Anna", "confirm": True}
            clinic.assign(name, whose, **more)
        clinic.ask("annotate", session_id=name, note=f"of {whose}")
    notes = {it.subject: body.note for it, body in clinic.entries("annotation")}
    forget(clinic, anna)
    with clinic.reader() as reader:
        told = [RING.opened(reader, note, subject) for subject, note in notes.items()]
    assert told == [None, f"of {bernd}"]


def test_no_byte_of_the_key_or_the_name_is_left(clinic):
    """Page after page of rows, some of them forgotten in any order."""
    seed = 20261124
    chance = random.Random(seed)
    print(f"seed {seed}")
    names = [f"Canary {n:04} of the mine" for n in range(300)]
    who = [{"name": it} for it in names]
    codes = [it.subject for it in clinic.ask("add_patients", who=who).entries]
    gone = chance.sample(codes, 30)
    wanted = []
    with clinic.reader() as reader:
        for code in gone:
            rows = [reader.secret(it, code) for it in ("keys", "identities")]
            key = RING.key(reader, code)
            assert b"Canary" in opened(key, rows[1], "identity/" + code)
            wanted += [key, *(row[1:] for row in rows), rows[0][1:13], rows[1][20:40]]
    assert bytes_left(clinic.directory, *wanted)  # the search can find
    for code in gone:
        forget(clinic, code)
    assert bytes_left(clinic.directory, *wanted) == []
    assert {it.pseudonym for it in everybody(clinic)} == {*codes} - {*gone}
    assert all(it.who is not None for it in everybody(clinic))


def test_a_reader_that_holds_what_was_is_told_and_asked_again_it_is_done(
    clinic, monkeypatch
):
    monkeypatch.setattr("devicelog.operations.desk.PATIENCE_S", 1.5)
    code = clinic.add(NAME)
    with clinic.reader() as reader:
        wrapped = reader.secret("keys", code)
        reader._open.execute("BEGIN")
        reader.last_seq()
        with pytest.raises(DevicelogError, match="a reader still holds"):
            forget(clinic, code, request_id="request-f")
        assert bytes_left(clinic.directory, wrapped)
    forget(clinic, code, request_id="request-f")
    assert bytes_left(clinic.directory, wrapped) == []
    assert len(clinic.entries("tombstone")) == 1


def test_the_list_of_the_forgotten_is_of_one_key_and_cannot_be_changed(clinic):
    code = clinic.add(NAME)
    forget(clinic, code, reason="due")
    with clinic.reader() as reader:
        packed = forgetting.listed(reader, RING.list_key)
        again = forgetting.read_list(packed, RING.list_key)
        assert forgetting.to_forget(reader, [again]) == []
    assert [(it.pseudonym, it.reason) for it in again.forgotten] == [(code, "due")]
    for wrong, key in (
        (packed, b"k" * 32),
        (packed.replace(b"due", b"asked"), RING.list_key),
        (b"{}", RING.list_key),
        (packed[:-3], RING.list_key),
    ):
        with pytest.raises(DevicelogError, match="list of the forgotten"):
            forgetting.read_list(wrong, key)
