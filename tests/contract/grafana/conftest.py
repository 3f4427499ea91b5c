"""One real store for all panels, filled from a journal by the real sink.

By default some days made entry by entry, in which everything happens that a panel
shows; under `make torture` a month of the simulated clinic.
"""

from datetime import UTC, datetime, timedelta

import pytest
from contract.grafana.asking import Grafana, Range
from contract.grafana.days import MODALITIES, Days
from contract.grafana.expected import View, lines_down
from contract.grafana.journalled import Journalled
from journals import SITE, fill, writer
from servers.influxdb import WORDS, InfluxDB

from devicelog.clock import ManualClock
from devicelog.drivers.load import load
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft
from devicelog.model.kinds import ReceiptBody
from devicelog.model.said import CalibrationBody, Point
from devicelog.records.calibration import mode_of
from devicelog.records.derived import Deriver
from devicelog.simulation.month import Month
from devicelog.sinks.influx import InfluxSink

_PAGE = 2000
_DAY = 86_400 * 1_000_000_000
# What stands nowhere in the journal: how the recorder itself stands.
RECORDER = {
    "backlog_s_mqtt": 0.5,
    "backlog_s_influx": 12.0,
    "rejects_mqtt": 0,
    "rejects_influx": 2,
    "disk_free": 5_000_000_000,
}


class Clinic:
    """The journal, the same in the store, and how it is asked.

    `end_ns`: a moment of the last day.
    """

    def __init__(self, directory, influxdb, modalities, *, everything):
        self.everything = everything  # each kind of event happened
        self.told_at = []
        self.journal = Journalled(directory, SITE, modalities)
        self.end_ns = self._moment()
        self._send(directory, influxdb, modalities)
        self.grafana = Grafana(influxdb, "grafana", WORDS["grafana"], "devicelog_sim")

    def _moment(self):
        """Amid a treatment, while a line is down."""
        for it in reversed(self.journal.sessions):
            at = it["time"] + 30 * 1_000_000_000
            if it.get("ended_at", at) * 1_000_000 < at:
                continue
            if lines_down(View(self, Range(at // _DAY * _DAY, at))):
                return at
        raise AssertionError("there is no such moment")

    def _send(self, directory, influxdb, modalities):
        clock = ManualClock(self.end_ns)

        def health():
            self.told_at.append(clock.wall_ns())
            return {"-": RECORDER}

        sink = InfluxSink(
            influxdb.settings(),
            clock,
            site=SITE,
            simulated=True,
            modalities=modalities,
            health=health,
            derive=Deriver,
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


def days(directory):
    """Every kind of thing; the modalities of its channels."""
    made = Days(datetime.now(UTC).date() - timedelta(days=1))
    with writer(directory) as journal:
        fill(journal, [made.drafts[n : n + 50] for n in range(0, len(made.drafts), 50)])
    return MODALITIES


def month(directory):
    """22 working days of four devices, and a receipt for each session."""
    made = Month(datetime.now(UTC).date() - timedelta(days=1))
    with writer(directory, clock=made.clock) as journal:
        made.write(journal)
        with Reader(str(directory)) as view:
            sessions = view.sessions(limit=100_000)
        fill(journal, [[_receipt(it)] for it in sessions])
        fill(journal, [[it] for it in _checks(sessions)])
    return {
        (room.device.name, channel.name): channel.modality
        for room in made.rooms
        for channel in load(room.device.profile).channels
    }


def _checks(sessions):
    """Every head at every setting, before the month; some give 10 % less."""
    heads = {
        (str(it.settings["head_serial"]), it.settings["frequency_mhz"], mode_of(it))
        for it in sessions
        if "head_serial" in it.settings
    }
    for n, (head, frequency, mode) in enumerate(sorted(heads)):
        measured = 9.0 + n % 2
        body = CalibrationBody(
            name=head,
            on_ns=sessions[-1].started_ns - _DAY,
            frequency_mhz=frequency,
            mode=mode,
            points=(Point(10.0, measured),),
            error_pct=10 * (measured - 10),
            by="test",
            request="",
            mono_ns=0,
            boot_id="",
        )
        at_ns, said = sessions[0].started_ns + _DAY, codec.encode(body)
        yield Draft(at_ns, "-", "-", "calibration", "", f"check/{n}", said)


def _receipt(session):
    count = session.readings
    body = ReceiptBody(kept=count, decoded=count, stored=count, state="complete")
    key = f"receipt/{session.session_id}"
    told = ("-", "-", "receipt", session.session_id, key, codec.encode(body))
    return Draft((session.ended_ns or session.started_ns) + 20_000_000_000, *told)


LONG = (pytest.mark.torture, pytest.mark.timeout(900))


@pytest.fixture(scope="module", params=[days, pytest.param(month, marks=LONG)])
def clinic(request, tmp_path_factory):
    influxdb = InfluxDB(tmp_path_factory.mktemp("influxdb"))
    try:
        influxdb.start().set_up()
        directory = tmp_path_factory.mktemp("journal")
        modalities = request.param(directory)
        everything = request.param is days
        yield Clinic(directory, influxdb, modalities, everything=everything)
    finally:
        influxdb.stop()
