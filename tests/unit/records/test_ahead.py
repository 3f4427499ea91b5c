"""Bindings ahead: used once, in time, by a session that was seen to begin."""

import pytest
from unit.records.clinic import ANNA, BERND

from devicelog.errors import DevicelogError, Unconfirmed


def ahead(clinic, pseudonym=ANNA, device="us-1", **more):
    return clinic.ask("ahead", device=device, pseudonym=pseudonym, **more)


def last(clinic):
    return clinic.entries("binding")[-1][1]


def test_the_next_session_is_bound_and_the_one_after_is_not(clinic):
    ahead(clinic, clinician="kb")
    clinic.desk.carry_out()
    one = clinic.start("us-1.us.1")
    clinic.desk.carry_out()
    clinic.end(one)
    two = clinic.start("us-1.us.2")
    clinic.desk.carry_out()

    assert (clinic.whose(one), clinic.whose(two)) == (ANNA, "")
    assert clinic.row(one).clinician == "kb"
    assert (last(clinic).how, last(clinic).event) == ("ahead", "bound")


def test_it_is_the_devices_own(clinic):
    ahead(clinic)
    other = clinic.start("us-2.us.1")
    clinic.desk.carry_out()
    one = clinic.start("us-1.us.1")
    clinic.desk.carry_out()

    assert (clinic.whose(other), clinic.whose(one)) == ("", ANNA)


def test_it_is_not_for_a_session_that_runs_already(clinic):
    running = clinic.start("us-1.us.1")
    ahead(clinic)
    clinic.desk.carry_out()

    assert clinic.whose(running) == ""


def test_it_is_not_for_a_session_that_had_begun_and_was_written_later(clinic):
    clinic.clock.advance(5)
    ahead(clinic)
    clinic.clock.advance(0.05)
    begun = clinic.start("us-1.us.1", ago_s=0.2)
    clinic.desk.carry_out()
    clinic.end(begun)
    following = clinic.start("us-1.us.2")
    clinic.desk.carry_out()

    assert (clinic.whose(begun), clinic.whose(following)) == ("", ANNA)


@pytest.mark.parametrize(("after_s", "whose"), [(899.0, ANNA), (901.0, "")])
def test_it_ends_after_its_time_whatever_the_wall_clock_says(clinic, after_s, whose):
    ahead(clinic)
    clinic.clock.advance(after_s)
    clinic.clock.step_wall(-7200 if whose else 7200)
    one = clinic.start("us-1.us.1")
    clinic.desk.carry_out()

    assert clinic.whose(one) == whose
    with clinic.reader() as reader:
        assert reader.ahead() == []


def test_it_ends_though_no_session_ever_starts(clinic):
    ahead(clinic, within_s=60)
    clinic.clock.advance(121)
    clinic.desk.carry_out()

    assert (last(clinic).event, last(clinic).why) == (
        "lapsed",
        "no session started in time",
    )
    clinic.desk.carry_out()
    assert len(clinic.entries("binding")) == 2


def test_a_start_that_was_found_late_was_in_time(clinic):
    ahead(clinic)
    one = clinic.start("us-1.us.1")
    clinic.clock.advance(3600)
    clinic.restart()
    clinic.desk.carry_out()

    assert clinic.whose(one) == ANNA


def test_it_outlives_a_restart_and_no_boot(clinic):
    ahead(clinic)
    ahead(clinic, BERND, "us-2")
    clinic.restart()
    one = clinic.start("us-1.us.1")
    clinic.desk.carry_out()
    clinic.reboot()
    two = clinic.start("us-2.us.1")
    clinic.desk.carry_out()

    assert (clinic.whose(one), clinic.whose(two)) == (ANNA, "")
    assert last(clinic).why == "the machine was started again"


def test_a_session_that_was_not_seen_to_begin_uses_it_up(clinic):
    ahead(clinic)
    one = clinic.start("us-1.us.1", flags=("start_unseen",))
    clinic.desk.carry_out()
    clinic.end(one)
    two = clinic.start("us-1.us.2")
    clinic.desk.carry_out()

    assert (clinic.whose(one), clinic.whose(two)) == ("", "")


def test_a_person_who_is_quicker_is_right(clinic):
    ahead(clinic)
    one = clinic.start("us-1.us.1")
    clinic.assign(one, BERND)
    clinic.desk.carry_out()

    assert clinic.whose(one) == BERND
    assert last(clinic).why == "a person was quicker"


def test_a_conflict_leaves_the_session_in_the_inbox(clinic):
    ahead(clinic)
    elsewhere = clinic.start("us-2.us.1")
    clinic.assign(elsewhere, ANNA)
    one = clinic.start("us-1.us.1")
    clinic.desk.carry_out()

    assert clinic.whose(one) == ""
    assert "another device at once" in last(clinic).why


def test_who_is_treated_elsewhere_now_is_asked_and_the_answer_holds(clinic):
    elsewhere = clinic.start("us-2.us.1")
    clinic.assign(elsewhere, ANNA)
    with pytest.raises(Unconfirmed, match="treated on us-2 now"):
        ahead(clinic)
    ahead(clinic, confirm=True)
    one = clinic.start("us-1.us.1")
    clinic.desk.carry_out()

    assert clinic.whose(one) == ANNA


def test_another_patient_takes_the_place_only_if_it_is_meant(clinic):
    ahead(clinic)
    with pytest.raises(Unconfirmed, match=f"{ANNA} waits for the next session"):
        ahead(clinic, BERND)
    ahead(clinic, BERND, confirm=True)
    one = clinic.start("us-1.us.1")
    clinic.desk.carry_out()

    assert clinic.whose(one) == BERND


def test_it_can_be_taken_back(clinic):
    ahead(clinic)
    clinic.ask("withdraw", device="us-1")
    one = clinic.start("us-1.us.1")
    clinic.desk.carry_out()

    assert clinic.whose(one) == ""
    with pytest.raises(DevicelogError, match="nobody waits"):
        clinic.ask("withdraw", device="us-1")


def test_it_can_be_undone_once_it_was_carried_out(clinic):
    ahead(clinic)
    one = clinic.start("us-1.us.1")
    clinic.desk.carry_out()
    clinic.ask("undo", session_id=one)

    assert clinic.whose(one) == ""


def test_a_device_that_is_not_there(clinic):
    with pytest.raises(DevicelogError, match='no device "us-9"') as told:
        ahead(clinic, device="us-9")
    assert "if-1, us-1, us-2" in told.value.hint
    with pytest.raises(DevicelogError, match="within_s"):
        ahead(clinic, within_s=1e9)
