"""The relays of a run: started, watched, told of, ended."""

import pytest
from click.testing import CliRunner
from contract.sinks.harsh import Harsh
from journals import clinic, fill, writer
from waiting import wait_until

from devicelog.cli.commands import main
from devicelog.clock import SystemClock
from devicelog.errors import DevicelogError, JournalError
from devicelog.journal.reader import Reader
from devicelog.model.delivery import Position
from devicelog.operations.delivery import Delivery, sentence, span
from devicelog.sinks.base import RelayStatus


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "data"


def test_each_sink_has_its_relay_and_is_ended(directory):
    sink = Harsh([])
    with writer(directory) as journal:
        delivery = Delivery([sink], str(directory), journal, SystemClock())
        delivery.start()
        fill(journal, clinic(0, 30))
        wait_until(lambda: delivery.status[0].pending == 0)
        delivery.check()
        (status,) = delivery.status
        beats = delivery.beats["relay to harsh"]
        delivery.stop()

    assert (status.sink, status.connected, status.rejected) == ("harsh", True, 0)
    assert status.text.startswith("there since")
    assert beats > 0
    assert sink.closed


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_relay_whose_thread_ended_is_noticed(directory):
    class Broken(Harsh):
        def connect(self):
            raise ZeroDivisionError

    with writer(directory) as journal:
        delivery = Delivery([Broken([])], str(directory), journal, SystemClock())
        delivery.start()
        wait_until(lambda: not delivery._threads["relay to harsh"].is_alive())
        with pytest.raises(JournalError, match="relay to harsh ended"):
            delivery.check()
        delivery.stop()


def test_an_unknown_sink_is_told_with_those_there_are(directory):
    with writer(directory) as journal:
        delivery = Delivery([Harsh([])], str(directory), journal, SystemClock())
        with pytest.raises(DevicelogError, match=r"no sink .mqtt.*harsh"):
            delivery.reset("mqtt", 0)


AWAY = (
    "away since 01:00Z, 7 entries, 3.1 h buffered, room for 41 days,"
    " 2 rejected for good: refused"
)


@pytest.mark.parametrize(
    ("connected", "pending", "rejected", "room_s", "said"),
    [
        (True, 0, 0, None, "there since 01:00Z"),
        (True, 7, 0, 86_400, "there since 01:00Z, 7 entries, 3.1 h buffered"),
        (
            *(False, 7, 2, 41 * 86_400),
            AWAY,
        ),
    ],
)
def test_a_backlog_is_told_as_time(connected, pending, rejected, room_s, said):
    status = RelayStatus(
        sink="mqtt",
        connected=connected,
        since_ns=3600 * 10**9,
        text="refused",
        position=Position(),
        pending=pending,
        rejected=rejected,
    )
    assert sentence(status, 3.1 * 3600, room_s) == said


def test_spans_are_told_in_the_largest_unit():
    told = [span(it) for it in (0, 59, 90, 7200, 86_400 * 3)]

    assert told == ["0 s", "59 s", "1.5 min", "2.0 h", "3 days"]


CONFIG = """
[site]
name = "sim-test"
simulated = true
[journal]
directory = "{}"
"""


def test_without_a_recorder_a_reset_is_kept_for_the_next_start(directory, tmp_path):
    with writer(directory) as journal:
        fill(journal, clinic(0, 30))
        delivery = Delivery([Harsh([])], str(directory), journal, SystemClock())
        delivery.start()
        wait_until(lambda: delivery.status[0].pending == 0)
        delivery.stop()
    config = tmp_path / "devicelog.toml"
    config.write_text(CONFIG.format(directory))

    def say(*words: str):
        return CliRunner().invoke(
            main, ["relay", "reset", "--config", str(config), *words]
        )

    unknown, done = say("mqtt"), say("harsh", "--from", "11")
    with Reader(str(directory)) as reader:
        position = reader.position("harsh")
    dated = say("harsh", "--from", "2027-01-15T08:00:20Z")
    with Reader(str(directory)) as reader:
        later = reader.position("harsh")

    assert (unknown.exit_code, done.exit_code, dated.exit_code) == (1, 0, 0)
    assert "there are: harsh" in unknown.stderr
    assert position == Position(done_to=10)
    assert 20 <= later.done_to <= 24
    assert say("harsh", "--from", "yesterday").exit_code == 2
