"""Whose a session is: every rule of binding, on a real journal."""

import pytest
from unit.records.clinic import ANNA, BERND, CARLA, Clinic

from devicelog.errors import DevicelogError, Unconfirmed
from devicelog.model.pseudonyms import parsed
from devicelog.records import inbox
from devicelog.records.request import View

DAY = 86_400


def refused(clinic, op, **args):
    before = count(clinic)
    with pytest.raises(DevicelogError) as told:
        clinic.ask(op, **args)
    assert told.value.hint
    assert count(clinic) == before
    return told.value


def count(clinic):
    with clinic.reader() as reader:
        return reader.last_seq()


def waiting(clinic):
    with clinic.reader() as reader:
        return {row.session_id for row in inbox.waiting(reader)}


def test_the_pseudonyms_of_these_tests_are_some():
    assert [parsed(it) for it in (ANNA, BERND, CARLA)] == [ANNA, BERND, CARLA]


def test_a_session_starts_in_the_inbox_and_leaves_it_when_it_is_bound(clinic):
    one = clinic.start("us-1.us.1")
    assert waiting(clinic) == {one}

    (told,) = clinic.assign(one, ANNA.lower(), clinician="kb").entries

    assert waiting(clinic) == set()
    assert (clinic.row(one).pseudonym, clinic.row(one).clinician) == (ANNA, "kb")
    ((entry, body),) = clinic.entries("binding")
    assert (told.seq, told.subject, entry.device) == (entry.seq, one, "us-1")
    assert (body.by, body.how, body.event, body.was) == (
        "physio",
        "hand",
        "bound",
        "",
    )


def test_no_session_inherits_the_patient_of_the_one_before(clinic):
    one = clinic.start("us-1.us.1")
    clinic.assign(one, ANNA)
    clinic.end(one)
    two = clinic.start("us-1.us.2")
    clinic.desk.carry_out()

    assert (clinic.whose(one), clinic.whose(two)) == (ANNA, "")


def test_the_same_request_is_done_once_and_answered_alike(clinic):
    one = clinic.start()
    first = clinic.assign(one, ANNA, request_id="request-x")
    clinic.assign(one, BERND, reason="wrong_patient", confirm=True)

    again = clinic.assign(one, ANNA, request_id="request-x")

    assert again == first
    assert clinic.whose(one) == BERND


def test_a_request_id_serves_one_request(clinic):
    one = clinic.start()
    clinic.assign(one, ANNA, request_id="request-x")

    for op, args in {
        "assign": {"session_id": one, "pseudonym": BERND},
        "unbind": {"session_id": one, "reason": "wrong_patient"},
    }.items():
        error = refused(clinic, op, request_id="request-x", **args)
        assert "was asked before, for something else: binding us-1" in error.message
    clinic.writer.append([], 10)
    with clinic.reader() as reader:
        (alarm,) = reader.alarms(open_only=True)
    assert (alarm.name, alarm.times) == ("request/reused", 2)
    assert "request request-x was asked before" in alarm.text


def test_binding_anew_needs_a_reason_and_keeps_the_old_one(clinic):
    one = clinic.start()
    clinic.assign(one, ANNA, clinician="kb")
    args = {"session_id": one, "pseudonym": BERND}

    assert "--reason" in refused(clinic, "assign", **args).hint
    assert ANNA in refused(clinic, "assign", **args, reason="wrong_patient").message
    clinic.ask("assign", **args, reason="wrong_patient", confirm=True)

    assert clinic.whose(one) == BERND
    (_, first), (_, second) = clinic.entries("binding")
    assert (first.pseudonym, second.was, second.was_clinician) == (ANNA, ANNA, "kb")
    assert (second.reason, second.confirmed) == ("wrong_patient", True)


def test_unbinding_puts_back_into_the_inbox(clinic):
    one = clinic.start()
    clinic.assign(one, ANNA)
    clinic.ask("unbind", session_id=one, reason="wrong_session")

    assert waiting(clinic) == {one}
    refused(clinic, "unbind", session_id=one, reason="wrong_session")


def test_a_slip_is_undone_for_ten_seconds_by_the_clock_that_cannot_be_set(clinic):
    one = clinic.start()
    clinic.assign(one, ANNA, clinician="kb")
    clinic.assign(one, BERND, reason="wrong_patient", confirm=True)
    clinic.clock.advance(10)
    clinic.clock.step_wall(3600)
    clinic.ask("undo", session_id=one)

    assert (clinic.whose(one), clinic.row(one).clinician) == (ANNA, "kb")
    assert "to undo" in refused(clinic, "undo", session_id=one).message

    clinic.assign(one, BERND, reason="wrong_patient", confirm=True)
    clinic.clock.advance(10.001)
    clinic.clock.step_wall(-3600)
    assert "10 s" in refused(clinic, "undo", session_id=one).message


def test_undoing_the_first_binding_puts_back_into_the_inbox(clinic):
    one = clinic.start()
    assert "to undo" in refused(clinic, "undo", session_id=one).message
    clinic.assign(one, ANNA)
    clinic.ask("undo", session_id=one)

    assert waiting(clinic) == {one}


def test_undo_does_not_outlive_an_untrusted_clock(clinic):
    one = clinic.start()
    clinic.trusted = False
    clinic.assign(one, ANNA)
    clinic.reboot()

    refused(clinic, "undo", session_id=one)


# --- Conflicts ask ----------------------------------------------------------------


def asks(clinic, **args):
    before = count(clinic)
    with pytest.raises(Unconfirmed) as told:
        clinic.ask("assign", **args)
    assert count(clinic) == before
    clinic.ask("assign", **args, confirm=True)
    return told.value.message


def test_one_patient_on_two_devices_at_once_is_asked(clinic):
    one, two = clinic.start("us-1.us.1"), clinic.start("us-2.us.1")
    clinic.assign(one, ANNA)

    assert "us-1 at once" in asks(clinic, session_id=two, pseudonym=ANNA)


def test_one_patient_on_two_devices_one_after_the_other_is_not(clinic):
    one = clinic.start("us-1.us.1")
    clinic.end(one)
    two = clinic.start("us-2.us.1")
    clinic.assign(one, ANNA)
    clinic.assign(two, ANNA)

    assert clinic.whose(two) == ANNA


def test_a_session_older_than_a_day_is_asked(clinic):
    one = clinic.start()
    clinic.end(one)
    clinic.clock.advance(DAY)

    assert "older than a day" in asks(clinic, session_id=one, pseudonym=ANNA)


def test_all_questions_are_put_at_once(clinic):
    one, two = clinic.start("us-1.us.1"), clinic.start("us-2.us.1")
    clinic.assign(one, BERND)
    clinic.assign(two, ANNA)
    clinic.clock.advance(DAY)
    args = {"session_id": one, "pseudonym": ANNA, "reason": "wrong_patient"}

    told = asks(clinic, **args)

    assert "older than a day" in told
    assert "us-2 at once" in told
    assert f"belongs to {BERND}" in told


def test_combination_therapy_is_one_treatment_of_one_patient(clinic):
    one = clinic.start("us-1.us.1", treatment_id="t1")
    two = clinic.start("if-1.if.1", treatment_id="t1")
    written = clinic.assign(one, ANNA, request_id="request-x")

    assert (clinic.whose(one), clinic.whose(two)) == (ANNA, ANNA)
    assert len(written.entries) == 2
    assert clinic.assign(one, ANNA, request_id="request-x") == written
    clinic.ask("undo", session_id=two)
    assert (clinic.whose(one), clinic.whose(two)) == ("", "")

    clinic.assign(one, BERND)
    args = {"session_id": two, "pseudonym": ANNA, "reason": "wrong_patient"}
    assert f"the same treatment, is {BERND}'s" in asks(clinic, **args)


# --- What cannot be ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"session_id": "us-9.us.1", "pseudonym": ANNA}, "no session us-9.us.1"),
        ({"session_id": "us-1.us.1", "pseudonym": "Erika"}, "that is no pseudonym"),
        ({"session_id": "us-1.us.1", "pseudonym": "3333-334C"}, "are swapped"),
        (
            {"session_id": "us-1.us.1", "pseudonym": ANNA, "note": "spoke to her"},
            "no keys",
        ),
    ],
)
def test_what_cannot_be_bound_says_why(clinic, args, told):
    clinic.start()

    assert told in refused(clinic, "assign", **args).message


def test_a_clinician_is_a_code(clinic):
    one = clinic.start()
    with pytest.raises(DevicelogError, match="clinician"):
        clinic.assign(one, ANNA, clinician="Erika Mustermann, born 1970")
    with pytest.raises(DevicelogError, match="unknown field"):
        clinic.assign(one, ANNA, name="Erika Mustermann")


def test_the_same_patient_twice_is_told(clinic):
    one = clinic.start()
    clinic.assign(one, ANNA)
    with pytest.raises(DevicelogError, match=f"belongs to {ANNA} already"):
        clinic.assign(one, ANNA)


# --- Purpose ----------------------------------------------------------------------


def test_what_was_no_treatment_leaves_inbox_and_totals(clinic):
    one, two = clinic.start("us-1.us.1"), clinic.start("us-2.us.1")
    clinic.end(one, energy_j=24.0, emission_s=300.0)
    clinic.end(two, energy_j=1000.0, emission_s=60.0)
    clinic.ask("purpose", session_id=two, purpose="output_check")

    assert waiting(clinic) == {one}
    with clinic.reader() as reader:
        totals = inbox.totals(reader)
    assert (totals.treatments, totals.unassigned) == (1, 1)
    assert (totals.energy_j, totals.emission_s) == (24.0, 300.0)
    assert totals.other == {"output_check": 1}


def test_only_what_belongs_to_nobody_can_be_no_treatment(clinic):
    one = clinic.start()
    clinic.assign(one, ANNA)
    error = refused(clinic, "purpose", session_id=one, purpose="training")
    assert f"belongs to {ANNA}" in error.message

    clinic.ask("unbind", session_id=one, reason="wrong_session")
    clinic.ask("purpose", session_id=one, purpose="training")

    args = {"session_id": one, "pseudonym": ANNA}
    assert "no treatment but training" in refused(clinic, "assign", **args).message
    refused(clinic, "undo", session_id=one)
    clinic.ask("purpose", session_id=one, purpose="treatment")
    clinic.ask("assign", **args)
    assert clinic.whose(one) == ANNA


# --- The seams --------------------------------------------------------------------


@pytest.fixture
def sealing(tmp_path):
    """A clinic that has keys, and knows one patient."""
    asked = []

    def seal(text, subject):
        asked.append((text, subject))
        return text[::-1].encode()

    def view(reader):
        return View(reader, seal=seal, knows=ANNA.__eq__)

    clinic = Clinic(tmp_path / "data", view)
    clinic.asked = asked
    with clinic.writer:
        clinic.begin("us-1")
        yield clinic


def test_free_text_is_kept_as_the_seal_made_it_and_not_otherwise(sealing):
    one = sealing.start()
    text = "Erika came instead"
    said = {"reason": "other", "note": text, "request_id": "request-x"}
    sealing.assign(one, ANNA)
    first = sealing.ask("unbind", session_id=one, **said)
    again = sealing.ask("unbind", session_id=one, **said | {"note": "another text"})

    assert sealing.asked == [(text, one)]
    (_, _), (entry, body) = sealing.entries("binding")
    assert body.note == text[::-1].encode()
    assert text.encode() not in entry.body
    # The digest of a request says nothing of its text: few words can be guessed.
    assert again == first


def test_the_note_of_a_treatment_is_sealed_for_its_patient(sealing):
    args = {"pseudonym": ANNA, "treatment": "ims", "minutes": 5.0}
    sealing.ask("add_treatment", **args, note="sore")

    assert sealing.asked == [("sore", ANNA)]


def test_who_is_no_patient_is_refused_everywhere(sealing):
    one = sealing.start()
    for op, args in {
        "assign": {"session_id": one},
        "ahead": {"device": "us-1"},
        "add_treatment": {"treatment": "ims", "minutes": 5.0},
    }.items():
        told = refused(sealing, op, pseudonym=BERND, **args).message
        assert told == f"no patient {BERND}"
