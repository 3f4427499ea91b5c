"""One real store for all panels, filled from a journal by the real sink."""

from datetime import UTC, datetime, timedelta

import pytest
from contract.grafana.asking import Grafana
from contract.grafana.days import MODALITIES, Days
from contract.grafana.journalled import Journalled
from journals import SITE, fill, writer
from servers.influxdb import WORDS, InfluxDB

from devicelog.clock import ManualClock
from devicelog.journal.reader import Reader
from devicelog.sinks.influx import InfluxSink
from devicelog.sinks.lines import Row, line

_PAGE = 2000
# What stands nowhere in the journal: how the recorder itself stands.
RECORDER = {
    "backlog_s_mqtt": 0.5,
    "backlog_s_influx": 12.0,
    "rejects_mqtt": 0,
    "rejects_influx": 2,
    "disk_free": 5_000_000_000,
}


class Clinic:
    """The journal, the same in the store, and how it is asked."""

    def __init__(self, directory, influxdb):
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        days = Days(yesterday)
        with writer(directory) as journal:
            fill(
                journal,
                [days.drafts[n : n + 50] for n in range(0, len(days.drafts), 50)],
            )
        self.end_ns = days.end_ns
        self.told_at = self._send(directory, influxdb)
        self.journal = Journalled(directory, SITE, days.patients, MODALITIES)
        self._bind(influxdb)
        self.grafana = Grafana(influxdb, "grafana", WORDS["grafana"], "devicelog_sim")

    def _send(self, directory, influxdb):
        clock = ManualClock(self.end_ns)
        told_at = []

        def health():
            told_at.append(clock.wall_ns())
            return {"-": RECORDER}

        sink = InfluxSink(
            influxdb.settings(),
            clock,
            site=SITE,
            simulated=True,
            modalities=MODALITIES,
            health=health,
        )
        sink.connect()
        with Reader(str(directory)) as view:
            sink.present(view)
            after = 0
            while page := view.entries(after, limit=_PAGE):
                answers = sink.send(page, historical=True, view=view)
                assert {str(it) for it in answers} == {"Said.TAKEN"}
                after = page[-1].seq
        sink.close()
        return told_at

    def _bind(self, influxdb):
        """Names each session's patient: one field of one point, as binding does."""
        lines = []
        for it in self.journal.sessions:
            tags = (it["site"], it["device"], it["channel"], it["modality"])
            lines.append(
                line(
                    Row(
                        "therapy_session",
                        tags,
                        it["time"],
                        {"pseudonym": it["pseudonym"]},
                    )
                )
            )
        influxdb.write(*lines)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    influxdb = InfluxDB(tmp_path_factory.mktemp("influxdb"))
    try:
        influxdb.start().set_up()
        yield Clinic(tmp_path_factory.mktemp("journal"), influxdb)
    finally:
        influxdb.stop()
