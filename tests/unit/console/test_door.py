"""Hosts, logins, throttle, forms: what stands between the network and a page."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.clock import ManualClock
from devicelog.console.door import forms
from devicelog.console.door.hosts import hosts, is_ours, same_origin
from devicelog.console.door.logins import Logins
from devicelog.console.door.throttle import ACCOUNT, ADDRESS, Throttle

OURS = hosts("127.0.0.1", 8470, ["clinic.local"], tls=False)


@pytest.mark.parametrize(
    "said",
    [["127.0.0.1:8470"], ["localhost:8470"], ["LOCALHOST:8470"], ["clinic.local:8470"]],
)
def test_a_host_of_ours(said):
    assert is_ours(said, OURS)


@pytest.mark.parametrize(
    "said",
    [
        [],
        [""],
        ["evil.example"],
        ["localhost"],
        ["localhost.:8470"],
        ["127.0.0.1.evil:8470"],
        ["127.0.0.1:8471"],
        ["127.0.0.1:8470", "127.0.0.1:8470"],
        ["127.0.0.1:8470, evil.example"],
    ],
)
def test_no_host_of_ours(said):
    assert not is_ours(said, OURS)


@pytest.mark.parametrize(
    ("origin", "site", "ours"),
    [
        ("http://127.0.0.1:8470", None, True),
        ("http://127.0.0.1:8470", "cross-site", True),
        (None, "same-origin", True),
        (None, None, False),
        (None, "same-site", False),
        ("null", "same-origin", False),
        ("https://127.0.0.1:8470", None, False),
        ("http://127.0.0.1:9000", "same-site", False),
        ("http://evil.example", "cross-site", False),
    ],
)
def test_the_origin_of_a_form(origin, site, ours):
    assert same_origin(origin, site, OURS, tls=False) is ours


def test_a_login_ends_when_nobody_touches_it():
    clock = ManualClock()
    logins = Logins(clock, idle_min=15, longest_h=8)
    token, login = logins.open("anna")
    clock.advance(14 * 60)
    assert logins.find(token) is login
    clock.advance(14 * 60)
    assert logins.find(token, active=False) is login
    clock.advance(2 * 60)
    assert logins.find(token) is None
    assert login.over


def test_a_login_ends_after_a_day_of_work_however_it_is_used():
    clock = ManualClock()
    logins = Logins(clock, idle_min=15, longest_h=8)
    token, _ = logins.open("anna")
    for _ in range(8 * 6):
        clock.advance(10 * 60)
        assert logins.find(token)
    clock.advance(1)
    assert logins.find(token) is None


def test_logging_a_user_out_everywhere_leaves_others_in():
    logins = Logins(ManualClock(), 15, 8)
    one, two, other = (logins.open(name)[0] for name in ("anna", "anna", "ben"))
    logins.close_all("anna")
    assert [logins.find(it) is not None for it in (one, two, other)] == [False] * 2 + [
        True
    ]


def test_an_account_is_tried_ten_times_a_minute_and_an_address_twenty():
    clock = ManualClock()
    throttle = Throttle(clock)
    tried = [throttle.wait_s("anna", "10.0.0.9") for _ in range(1000)]
    assert tried.count(0) == ACCOUNT
    others = [throttle.wait_s(f"user{n}", "10.0.0.9") for n in range(1000)]
    assert others.count(0) == ADDRESS - ACCOUNT
    assert throttle.wait_s("anna", "10.0.0.10") == pytest.approx(60)
    clock.advance(60)
    assert throttle.wait_s("anna", "10.0.0.9") == 0


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_a_form_comes_back_without_zero_bytes(told):
    made = forms.fields(urlencode(told))
    assert made == {name: value.replace("\x00", "") for name, value in told.items()}
