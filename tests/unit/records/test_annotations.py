"""What people add stands beside what devices said, and the latest of each stands."""

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.records.clinic import ANNA, BERND

from devicelog.errors import DevicelogError, Unconfirmed
from devicelog.model.facts import NAMES, Facts, amended
from devicelog.model.fields import FIELDS
from devicelog.records import manual
from devicelog.records.annotations import densities

MINUTE_NS = 60 * 1_000_000_000


def note(clinic, session_id, *, withdraw=(), **facts):
    return clinic.ask(
        "annotate", session_id=session_id, facts=facts, withdraw=[*withdraw]
    )


def test_the_latest_of_each_fact_stands_and_all_are_kept(clinic):
    one = clinic.start()
    note(clinic, one, site="knee", side="left", pain_before=6)
    note(clinic, one, site="calf", pain_after=2)
    note(clinic, one, withdraw=["side"], response="better")

    assert clinic.row(one).annotations == Facts(
        site="calf", pain_before=6, pain_after=2, response="better"
    )
    first, *_ = [body for _, body in clinic.entries("annotation")]
    assert (first.facts.site, first.facts.side, first.by) == ("knee", "left", "physio")


def test_what_the_device_reported_stays(clinic):
    one = clinic.start()
    clinic.end(one, 300, energy_j=24.0, emission_s=300.0)
    with clinic.reader() as reader:
        before = reader.entries(kind="session", subject=one)
    totals = clinic.row(one).totals
    note(clinic, one, treated_area_cm2=20.0)

    with clinic.reader() as reader:
        assert reader.entries(kind="session", subject=one) == before
    assert clinic.row(one).totals == totals


@pytest.mark.parametrize(
    ("totals", "facts", "found"),
    [
        # domain 2.2: 150 J over 20 cm2.
        (
            {"energy_j": 150.0},
            {"treated_area_cm2": 20.0},
            {"energy_treated_j_cm2": 7.5},
        ),
        (
            {"energy_if_satp_j": 150.0, "energy_if_sata_j": 750.0},
            {"treated_area_cm2": 25.0},
            {"energy_treated_if_satp_j_cm2": 6, "energy_treated_if_sata_j_cm2": 30},
        ),
        # EMS 860 manual: no more than 2 mA/cm2, 20.8 mA on 16 cm2 are 1.3.
        (
            {"amplitude_1_mean_ma": 20.8, "amplitude_2_mean_ma": 16.0},
            {"electrode_area_cm2": 16.0},
            {"density_1_ma_cm2": 1.3, "density_2_ma_cm2": 1.0},
        ),
        ({"energy_j": 150.0}, {}, {}),
        ({"emission_s": 1.0}, {"treated_area_cm2": 20.0}, {}),
    ],
)
def test_areas_make_densities(clinic, totals, facts, found):
    one = clinic.start()
    clinic.end(one, **totals)
    if facts:
        note(clinic, one, **facts)

    assert densities(clinic.row(one)) == pytest.approx(found)
    assert set(found) <= set(FIELDS)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"pain_before": 11}, "pain_before"),
        ({"site": "Erika's knee"}, "site"),
        ({"treated_area_cm2": 0}, "treated_area_cm2"),
        ({"electrode_area_cm2": 0.1}, "electrode_area_cm2"),
        ({"remark": "x"}, "remark"),
        ({}, "nothing is said"),
    ],
)
def test_what_cannot_be_is_refused(clinic, facts, told):
    one = clinic.start()
    with pytest.raises(DevicelogError, match=told) as error:
        note(clinic, one, **facts)

    assert "Erika" not in str(error.value)
    assert clinic.entries("annotation") == []


def test_no_fact_has_room_for_a_name():
    def leaves(hint):
        inner = typing.get_args(hint)
        return [leaf for it in inner for leaf in leaves(it)] if inner else [hint]

    for name in NAMES:
        kinds = leaves(Facts.__annotations__[name])
        assert str not in kinds, name


facts = st.builds(
    Facts,
    site=st.sampled_from([None, "knee", "calf"]),
    pain_before=st.none() | st.integers(0, 10),
    warned=st.none() | st.booleans(),
)


@given(st.lists(st.tuples(facts, st.sets(st.sampled_from(NAMES)))))
def test_what_stands_is_the_last_word_on_each_fact(said):
    stands = Facts()
    for told, withdrawn in said:
        stands = amended(stands, told, tuple(withdrawn))

    for name in NAMES:
        words = [
            getattr(told, name)
            for told, withdrawn in said
            if getattr(told, name) is not None or name in withdrawn
        ]
        assert getattr(stands, name) == (words[-1] if words else None)


# --- Manual treatments ------------------------------------------------------------


def massage(clinic, **more):
    args = {"pseudonym": ANNA, "treatment": "massage", "minutes": 20.0}
    return clinic.ask("add_treatment", **args | more)


def history(clinic, pseudonym=ANNA):
    with clinic.reader() as reader:
        return manual.history(reader, pseudonym)


def test_one_history_holds_devices_and_hands(clinic):
    one = clinic.start()
    clinic.assign(one, ANNA)
    massage(clinic, facts={"site": "calf", "response": "better"}, clinician="kb")
    massage(clinic, treatment="ims", pseudonym=BERND)

    told = history(clinic)
    assert [it.session_id for it in told.sessions] == [one]
    (given_,) = told.manual
    assert (given_.treatment, given_.minutes, given_.clinician) == ("massage", 20, "kb")
    assert given_.facts.site == "calf"
    assert given_.began_ns == clinic.clock.wall_ns() - 20 * MINUTE_NS


def test_a_mistake_is_withdrawn_and_kept(clinic):
    (told,) = massage(clinic).entries
    args = {"seq": told.seq, "reason": "wrong_patient"}
    clinic.ask("withdraw_treatment", **args)

    assert history(clinic).manual == []
    assert len(clinic.entries("manual_treatment")) == 2
    with pytest.raises(DevicelogError, match="no manual treatment that stands"):
        clinic.ask("withdraw_treatment", **args)
    with pytest.raises(DevicelogError, match="no manual treatment that stands"):
        clinic.ask("withdraw_treatment", seq=1, reason="wrong_patient")


def test_it_cannot_lie_ahead_and_an_old_one_is_asked_about(clinic):
    now = clinic.clock.wall_ns()
    with pytest.raises(DevicelogError, match="lies ahead"):
        massage(clinic, began_ns=now + 5 * MINUTE_NS)
    old = {"began_ns": now - 1500 * MINUTE_NS}
    with pytest.raises(Unconfirmed, match="older than a day"):
        massage(clinic, **old)
    massage(clinic, **old, confirm=True)

    assert history(clinic).manual[0].began_ns == old["began_ns"]
