"""Which sessions are one treatment."""

import pytest
from unit.sessions.therapy import at, play, reading, rules, tracker

from devicelog.model.flow import SessionEvent
from devicelog.sessions.treatment import treatment_id


def other(channel="us"):
    """An open session on the device's ultrasound channel, since second 1."""
    it = tracker()
    it._channel = channel
    play(it, reading(0, "idle"), reading(1, "running", 300))
    assert it.session is not None
    return it.session


def start(seconds):
    return SessionEvent(
        session_id="x", event="start", channel="e1", at_ns=at(seconds), mono_ns=0
    )


def test_channels_that_start_together_are_one_treatment():
    us = other()

    assert treatment_id(start(6), rules(combination=True), [us]) == us.id


@pytest.mark.parametrize(
    ("seconds", "channel", "combination"),
    [(6.1, "us", True), (6, "e1", True), (6, "us", False)],
)
def test_otherwise_a_session_is_a_treatment_of_its_own(seconds, channel, combination):
    together = rules(combination=combination)

    assert treatment_id(start(seconds), together, [other(channel)]) == ""
