"""Whose a treatment of nobody may be is offered for a stated reason only."""

import msgspec
import pytest

from devicelog.console.pages.inbox import likely
from devicelog.console.texts import Texts
from devicelog.journal.rows import SessionRow

MINUTE = 60 * 1_000_000_000
THEIRS = "K4M7-T2XT"


def row(start, end, *, reason="completed", channel="us", device="us-1", **told):
    """A session from minute `start` to `end` of a day."""
    told = {"session_id": f"{device}.{channel}.{start}", "treatment_id": ""} | told
    return SessionRow(
        device=device,
        channel=channel,
        started_ns=start * MINUTE,
        ended_ns=end * MINUTE,
        open=False,
        reason=reason,
        flags=(),
        settings={},
        totals={},
        readings=1,
        readings_sha256="",
        first_seq=1,
        last_seq=2,
        **told,
    )


NOBODYS = row(600, 605)
BROKEN = row(592, 597, reason="link_lost", pseudonym=THEIRS)


def test_one_that_goes_on_where_theirs_broke_off():
    assert likely(NOBODYS, [BROKEN, NOBODYS]) == ("inbox.goes_on", THEIRS)


@pytest.mark.parametrize(
    "before",
    [
        msgspec.structs.replace(BROKEN, reason="completed"),
        msgspec.structs.replace(BROKEN, reason="stopped_early"),
        msgspec.structs.replace(BROKEN, ended_ns=594 * MINUTE),
        msgspec.structs.replace(BROKEN, pseudonym=""),
        msgspec.structs.replace(BROKEN, device="us-2"),
        msgspec.structs.replace(BROKEN, channel="if"),
        msgspec.structs.replace(BROKEN, ended_ns=601 * MINUTE),
    ],
)
def test_to_be_near_is_no_reason(before):
    assert likely(NOBODYS, [before, NOBODYS]) is None


def test_what_came_between_ends_the_guess():
    between = row(598, 599, pseudonym="ABCD-EFGH")
    assert likely(NOBODYS, [BROKEN, between, NOBODYS]) is None


def test_the_rest_of_one_treatment_was_theirs():
    rest = row(600, 605, channel="if", pseudonym=THEIRS)
    part = msgspec.structs.replace(NOBODYS, treatment_id=rest.session_id)
    other = msgspec.structs.replace(rest, session_id="x", pseudonym="ABCD-EFGH")
    other = msgspec.structs.replace(other, treatment_id=rest.session_id)

    assert likely(part, [rest, part]) == ("inbox.whole", THEIRS)
    assert likely(part, [rest, other, part]) is None


def test_each_reason_has_its_words():
    assert Texts().has("inbox.whole")
    assert Texts().has("inbox.goes_on")
