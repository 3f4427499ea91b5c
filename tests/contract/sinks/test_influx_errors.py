"""What the store answers, and what becomes of it, on a fake that is harsher."""

import math
import time

import pytest
from contract.sinks.influx_fake import FakeInflux
from journals import SITE, clinic, fill, writer

from devicelog.clock import ManualClock, SystemClock
from devicelog.errors import SinkUnavailable
from devicelog.journal.reader import Reader
from devicelog.sinks.base import Rejected, Said
from devicelog.sinks.influx import InfluxSink
from devicelog.sinks.settings import InfluxSettings


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    directory = tmp_path_factory.mktemp("influx") / "data"
    with writer(directory) as it:
        fill(it, clinic(0, 240))
    return str(directory)


@pytest.fixture
def fake():
    it = FakeInflux()
    yield it
    it.close()


def made(fake, journal, tmp_path, **more):
    token = tmp_path / "token"
    token.write_text("a-token\n")
    settings = InfluxSettings(url=fake.url, token_file=str(token))
    told = {"site": SITE, "simulated": True} | more
    sink = InfluxSink(settings, SystemClock(), **told)
    view = Reader(journal)
    return sink, view


def readings(view, count=200):
    return view.entries(kind="reading", limit=count)


def connected(sink, view):
    sink.connect()
    sink.present(view)
    sink.server.write(["devicelog_health,site=s,device=- disk_free=1i 1"])


@pytest.mark.parametrize(
    ("status", "wait_s"),
    [(401, 60), (403, 60), (404, 60), (429, 7), (500, 0), (503, 0), ("cut", 0)],
)
def test_who_is_away_or_refuses_us_gets_all_of_it_later(
    fake, journal, tmp_path, status, wait_s
):
    sink, view = made(fake, journal, tmp_path)
    with view:
        connected(sink, view)
        entries = readings(view)
        fake.moods = [status]
        with pytest.raises(SinkUnavailable) as told:
            sink.send(entries, historical=False, view=view)
        assert told.value.retry_after_s == wait_s
        assert fake.url in str(told.value)
        assert "a-token" not in str(told.value)
        answers = sink.send(entries, historical=False, view=view)
    sink.close()

    assert set(answers) == {Said.TAKEN}
    assert len(fake.of("therapy_reading")) == 200


def test_a_hang_ends_within_five_seconds_and_the_next_batch_is_smaller(
    fake, journal, tmp_path
):
    sink, view = made(fake, journal, tmp_path)
    with view:
        connected(sink, view)
        fake.moods = ["hang"]
        before = time.monotonic()
        with pytest.raises(SinkUnavailable, match="in time"):
            sink.send(readings(view), historical=False, view=view)
        assert time.monotonic() - before < 5
        sink.send(readings(view), historical=False, view=view)
    sink.close()

    assert [len(lines) for lines in fake.writes[2:]] == [200, 100, 100]


def test_a_batch_that_is_too_large_is_halved(fake, journal, tmp_path):
    sink, view = made(fake, journal, tmp_path)
    fake.most = 60
    with view:
        connected(sink, view)
        answers = sink.send(readings(view), historical=False, view=view)
    sink.close()

    assert set(answers) == {Said.TAKEN}
    assert len(fake.of("therapy_reading")) == 200
    assert len(fake.writes) < 20


@pytest.mark.parametrize("style", ["1.x", "400", "422"])
@pytest.mark.parametrize("of", [(0, 200), (77, 200), (199, 200), (0, 1)])
def test_a_poison_row_costs_few_requests_and_no_other_row(
    fake, journal, tmp_path, style, of
):
    place, count = of
    sink, view = made(fake, journal, tmp_path)
    fake.style = style
    with view:
        connected(sink, view)
        entries = readings(view, count)
        fake.poison = f"seq={entries[place].seq}i"
        before = len(fake.writes)
        answers = sink.send(entries, historical=False, view=view)
    sink.close()

    extra = len(fake.writes) - before - 1
    assert extra <= math.ceil(math.log2(count)) + 1
    assert [n for n, it in enumerate(answers) if it is not Said.TAKEN] == [place]
    assert isinstance(answers[place], Rejected)
    assert answers[place].reason
    assert len(fake.of("therapy_reading")) == count - 1
    assert fake.queries[-1].startswith("SELECT"), "and it was read back"


@pytest.mark.parametrize("count", [1, 2, 200])
def test_a_store_that_takes_nothing_at_all_sets_nothing_aside(
    fake, journal, tmp_path, count
):
    sink, view = made(fake, journal, tmp_path)
    with view:
        connected(sink, view)
        fake.refuses_all = True
        with pytest.raises(SinkUnavailable, match="no row at all") as told:
            sink.send(readings(view, count), historical=False, view=view)
    sink.close()

    assert told.value.retry_after_s == 60
    assert "bucket is required" in str(told.value)


def test_many_poison_rows_are_set_aside_call_by_call(fake, journal, tmp_path):
    sink, view = made(fake, journal, tmp_path)
    with view:
        connected(sink, view)
        entries = readings(view)
        fake.poison = "time_left_s=2"  # 200 to 299
        poison = {it.seq for it in entries if b'"time_left_s":2' in it.body}
        rejected, calls = set(), 0
        while entries:
            answers = sink.send(entries, historical=True, view=view)
            done = [n for n, it in enumerate(answers) if it is not Said.KEEP]
            assert done == list(range(len(done)))
            rejected |= {entries[n].seq for n in done if answers[n] is not Said.TAKEN}
            entries = entries[len(done) :]
            calls += 1
    sink.close()

    assert rejected == poison
    assert len(fake.of("therapy_reading")) == 200 - len(poison)
    assert calls <= len(poison) // 8 + 1


def test_what_a_refusal_dropped_unsaid_is_read_back_and_sent_again(
    fake, journal, tmp_path
):
    sink, view = made(fake, journal, tmp_path)
    with view:
        connected(sink, view)
        entries = readings(view)
        fake.poison, fake.forgets = f"seq={entries[50].seq}i", 100
        answers = sink.send(entries, historical=False, view=view)
    sink.close()

    assert sum(it is Said.TAKEN for it in answers) == 199
    assert len(fake.of("therapy_reading")) == 199


def test_an_error_inside_a_good_answer_is_an_error(fake, journal, tmp_path):
    sink, view = made(fake, journal, tmp_path)
    with view:
        connected(sink, view)
        fake.query_error = "database not found: devicelog_sim"
        with pytest.raises(SinkUnavailable, match="database not found"):
            sink.lacking(readings(view), view)
        with pytest.raises(SinkUnavailable, match="database not found"):
            sink.connect()
    sink.close()


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_and_real_refuse_each_other(fake, journal, tmp_path, simulated):
    sink, view = made(fake, journal, tmp_path, simulated=not simulated)
    with view:
        connected(sink, view)
    sink.close()
    other, _ = made(fake, journal, tmp_path, simulated=simulated)
    with pytest.raises(SinkUnavailable, match="bucket of its own"):
        other.connect()
    other.close()


def test_the_bucket_says_simulated_and_the_token_is_no_bearer(fake, journal, tmp_path):
    sink, view = made(fake, journal, tmp_path)
    with view:
        connected(sink, view)
    sink.close()

    assert sink.server.bucket == "devicelog_sim"
    assert {it["Authorization"] for it in fake.headers} == {"Token a-token"}


def test_over_a_network_lines_are_packed_and_here_they_are_not(journal, tmp_path):
    told = {}
    for host in ("127.0.0.1", "127.0.0.2"):
        fake = FakeInflux(host)
        sink, view = made(fake, journal, tmp_path)
        with view:
            connected(sink, view)
            sink.send(readings(view), historical=False, view=view)
        sink.close()
        fake.close()
        assert len(fake.of("therapy_reading")) == 200
        told[host] = any("Content-Encoding" in it for it in fake.headers)

    assert told == {"127.0.0.1": False, "127.0.0.2": True}


def test_health_is_told_each_minute_and_a_ping_while_nothing_is_sent(fake, journal):
    clock = ManualClock()
    settings = InfluxSettings(url=fake.url)
    sink = InfluxSink(
        settings,
        clock,
        site=SITE,
        simulated=True,
        health=lambda: {"-": {"disk_free": 5, "backlog_s_mqtt": None}},
    )
    with Reader(journal) as view:
        sink.connect()
        sink.present(view)
        for _ in range(180):
            sink.tend(view)
            clock.advance(1)
    sink.close()

    assert [*fake.of("devicelog_health").values()] == [{"disk_free": 5}] * 3
    assert 10 <= fake.queries.count("SHOW MEASUREMENTS LIMIT 1") <= 19


def test_a_store_that_cannot_be_reached_says_so():
    settings = InfluxSettings(url="http://127.0.0.1:1")
    sink = InfluxSink(settings, SystemClock(), site=SITE, simulated=True)
    with pytest.raises(SinkUnavailable, match=r"127\.0\.0\.1:1 cannot be reached"):
        sink.connect()
    sink.close()


def test_a_token_that_cannot_be_read_names_the_file(fake, tmp_path):
    settings = InfluxSettings(url=fake.url, token_file=str(tmp_path / "none"))
    sink = InfluxSink(settings, SystemClock(), site=SITE, simulated=True)
    with pytest.raises(SinkUnavailable, match="token_file"):
        sink.connect()
    sink.close()
