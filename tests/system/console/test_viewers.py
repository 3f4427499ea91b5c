"""Twenty live pages, and what the devices say is recorded all the same."""

import pytest
from consoles import clinic
from visitors import viewers
from waiting import wait_until

from devicelog.operations.status import gather

VIEWERS = 20
READINGS = 15  # each device says one a second
# The commit interval is far below; what is left is a busy machine's.
COMMITTED_S = 2.0


@pytest.fixture
def here(tmp_path):
    with clinic(tmp_path / "journal", rooms=2) as made:
        wait_until(lambda: made.session)
        yield made


def counts(here):
    return [it.counts for it in gather(here.daemon.recording).devices if it.counts]


def test_twenty_viewers_cost_no_reading_and_no_deadline(here):
    with here.client("physio") as client, viewers(client, VIEWERS) as got:
        wait_until(lambda: all(got), lambda: str(got))
        before = counts(here)
        sure = [it.readings + READINGS for it in before]
        wait_until(
            lambda: all(
                it.readings >= n for it, n in zip(counts(here), sure, strict=1)
            ),
            lambda: str(counts(here)),
            seconds=4 * READINGS,
        )
        after = counts(here)
        head = here.daemon.recording.clock.wall_ns()
        with here.reader() as reader:
            wait_until(
                lambda: all(
                    reader.last("reading", name).at_ns > head
                    for name in ("us-1", "us-2")
                ),
                lambda: "no reading was committed",
                seconds=1.0 + COMMITTED_S,
            )
        seen = list(got)

    assert len(after) == 2
    for was, now in zip(before, after, strict=True):
        assert (now.unanswered, now.gaps) == (was.unanswered, was.gaps)
        assert now.noise_bytes == was.noise_bytes
        # At most the one that is asked for right now is not there yet.
        assert now.polls - was.polls - (now.readings - was.readings) <= 1
    assert all(it > 1 for it in seen), seen
