"""The driver of style modbus_rtu: who answers what, and what is not answered."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.drivers.base import Heard
from devicelog.drivers.load import driver, load
from devicelog.drivers.modbus import ModbusDriver
from devicelog.drivers.profile import Channel, Read, RegisterCell
from devicelog.model.flow import Frame, Identity
from devicelog.wire import modbus

PROFILE = load("us-modbus")
RUNNING = {
    "state": "running",
    "time_set_s": 300.0,
    "time_left_s": 299.5,
    "frequency_mhz": 1.0,
    "duty_pct": 50.0,
    "duty_raw": "1:1",
    "intensity_w_cm2": 0.8,
    "era_cm2": 5.0,
    "bnr": 4.1,
    "contact_ok": True,
    "head_temp_c": 30.5,
    "head_id": "A5",
}
SAYS = {name: value for name, value in RUNNING.items() if name != "state"} | {
    "intensity_convention": "SATP"
}


@pytest.fixture
def it():
    return driver(PROFILE)


def frame(data):
    """What a framer makes of these bytes, which are one frame."""
    (piece,) = modbus.Framer().feed(data)
    assert isinstance(piece, Frame)
    return piece


def status(unit=10, **changes: Any):
    block = ModbusDriver(PROFILE).encode("status", RUNNING | changes)
    return frame(modbus.response(unit, 4, block))


def who():
    block = ModbusDriver(PROFILE).encode("identity", {"model": "M", "serial": "7"})
    return frame(modbus.response(10, 3, block))


def test_it_sends_what_the_profile_declares_and_nothing_else(it):
    assert it.identify().data == modbus.request(10, 3, 0, 20)
    assert [asked.data for asked in it.polls()] == [modbus.request(10, 4, 0, 20)]


def test_an_answer_counts_for_what_was_asked(it):
    (asked,) = it.polls()
    it.sent(asked)
    heard = it.hear(status())

    assert heard.answers == "status"
    (decoded,) = heard.decoded
    assert (decoded.channel, decoded.state, decoded.values) == ("us", "running", SAYS)


def test_who_answers(it):
    it.sent(it.identify())

    assert it.hear(who()) == Heard(identity=Identity("M", "7"), answers="identity")


def test_what_nobody_asked_gives_no_reading(it):
    assert it.hear(status()) == Heard()
    it.sent(it.polls()[0])
    it.hear(status())
    assert it.hear(status()) == Heard()


def test_an_echo_of_the_own_request_changes_nothing(it):
    (asked,) = it.polls()
    it.sent(asked)

    assert it.hear(frame(asked.data)) == Heard()
    assert it.hear(status()).decoded


def test_on_a_tap_the_overheard_request_is_answered(it):
    assert it.hear(frame(modbus.request(10, 4, 0, 20))) == Heard()
    assert it.hear(status()).decoded
    assert it.hear(frame(modbus.request(10, 3, 0, 20))) == Heard()
    assert it.hear(who()).identity == Identity("M", "7")


def test_on_a_tap_what_another_asks_for_itself_is_not_misread(it):
    it.hear(frame(modbus.request(10, 4, 0, 20)))
    it.hear(frame(modbus.request(10, 4, 100, 20)))

    assert it.hear(status()) == Heard()


def test_another_units_talk_is_foreign_and_is_told(it):
    it.sent(it.polls()[0])

    assert it.hear(status(unit=3)).foreign == "unit 3 answers, not 10"
    asked = frame(modbus.request(3, 4, 0, 20))
    assert it.hear(asked).foreign == "unit 3 is asked, not 10"
    assert it.hear(status()).decoded, "and the answer that was waited for still counts"


@pytest.mark.parametrize("code", modbus.EXCEPTIONS)
def test_a_refusal_is_told_in_words(it, code):
    it.sent(it.polls()[0])
    heard = it.hear(frame(modbus.exception(10, 4, code)))

    assert heard.answers == "status"
    assert heard.refusal == (
        f"the device refuses request `status`: {modbus.EXCEPTIONS[code]} "
        f"(exception {code})"
    )


def test_a_refusal_of_something_else_is_none(it):
    assert it.hear(frame(modbus.exception(10, 4, 2))) == Heard()
    it.sent(it.polls()[0])
    assert it.hear(frame(modbus.exception(10, 3, 2))) == Heard()


def test_what_cannot_be_believed_is_a_problem_that_answers(it):
    it.sent(it.polls()[0])
    heard = it.hear(status(head_temp_c=90.0))

    assert heard == Heard(
        answers="status", problem="head_temp_c: 90 Cel is not within 0 to 80"
    )


@pytest.mark.parametrize(
    "answer",
    [
        modbus.response(10, 4, bytes(38)),
        modbus.response(10, 3, bytes(40)),
    ],
)
def test_an_answer_of_another_shape_is_no_answer(it, answer):
    it.sent(it.polls()[0])
    heard = it.hear(frame(answer))

    assert not heard.answers
    assert not heard.decoded
    assert it.hear(status()).decoded


def channel(modality: Any, message, state, **constants: Any) -> Channel:
    return Channel(
        name=modality,
        modality=modality,
        message=message,
        state=state,
        states={"0": "idle", "1": "running"},
        constants=constants,
    )


def both(at, name, **more: Any) -> RegisterCell:
    return RegisterCell(message="both", at=at, name=name, **more)


def bits_profile():
    """Three bytes of bits: an answer as long as a request, and of the same form."""
    return msgspec.structs.replace(
        PROFILE,
        identity="none",
        messages=(Read(name="bits", function=2, address=0, count=24),),
        channels=(channel("us", "bits", "state"),),
        cells=(
            RegisterCell(message="bits", at=23, name="state", type="bit"),
            RegisterCell(message="bits", at=0, name="contact_ok", type="bit"),
        ),
    )


def test_an_answer_that_looks_like_a_request_is_an_answer():
    it = ModbusDriver(bits_profile())
    (asked,) = it.polls()
    seen = set()
    for state in ("idle", "running"):
        for contact in (False, True):
            block = it.encode("bits", {"state": state, "contact_ok": contact})
            it.sent(asked)
            assert it.hear(frame(asked.data)) == Heard(), "its echo"
            (decoded,) = it.hear(frame(modbus.response(10, 2, block))).decoded
            seen.add((decoded.state, decoded.values["contact_ok"]))

    assert len(seen) == 4


def test_two_channels_in_one_answer_each_with_its_own_cells():
    cells = (
        both(0, "state_us"),
        both(1, "state_if"),
        both(2, "time_left_s", channel="us"),
        both(3, "time_left_s", channel="if"),
        both(4, "program"),
        both(5, "amplitude_1_ma", channel="if", scale=0.5),
    )
    it = ModbusDriver(
        msgspec.structs.replace(
            PROFILE,
            identity="none",
            messages=(Read(name="both", function=4, address=0, count=6),),
            channels=(
                channel("us", "both", "state_us", era_cm2=5.0),
                channel("if", "both", "state_if"),
            ),
            cells=cells,
        )
    )
    (asked,) = it.polls()
    it.sent(asked)
    words = (1, 0, 60, 90, 4, 37)
    data = b"".join(word.to_bytes(2, "big") for word in words)
    sound, current = it.hear(frame(modbus.response(10, 4, data))).decoded

    assert (sound.state, current.state) == ("running", "idle")
    assert sound.values["time_left_s"] == 60
    assert sound.values["era_cm2"] == 5
    assert sound.values["program"] == current.values["program"] == "4"
    assert current.values["time_left_s"] == 90
    assert current.values["amplitude_1_ma"] == 18.5
    assert "intensity_convention" not in current.values


@given(
    st.binary(max_size=60),
    st.sampled_from(["request", "response", "exception", "message"]),
    st.booleans(),
)
def test_no_frame_ever_raises(data, kind, asked):
    it = driver(PROFILE)
    if asked:
        it.sent(it.polls()[0])

    assert isinstance(it.hear(Frame(data, kind)), Heard)


@given(st.binary(min_size=40, max_size=40), st.sampled_from([3, 4]))
def test_no_answer_ever_raises(block, function):
    it = driver(PROFILE)
    it.sent(it.identify() if function == 3 else it.polls()[0])
    heard = it.hear(Frame(modbus.response(10, function, block), "response"))

    assert heard.answers
    assert bool(heard.problem) != bool(heard.decoded or heard.identity)
