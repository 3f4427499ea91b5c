"""Weeks of a made-up clinic with holidays, a broken cable and a device at repair.

The watch over them says exactly what is to be said, once, and takes each back once.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from devicelog.clock import SECOND
from devicelog.drivers.simulated.faults import Trouble
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.operations.config import Config, Hours, Site
from devicelog.operations.desk import Desk
from devicelog.operations.socket import Request
from devicelog.operations.watch import Watch
from devicelog.records.request import Moment
from devicelog.simulation.month import Month
from devicelog.simulation.plan import CLINIC, DAY_S, rooms

# Tracing each line would make the many readings thrice as long.
pytestmark = pytest.mark.no_cover

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "08:00-12:00, 13:00-18:00")


class Weeks:
    """Working days up to `last`; what goes wrong in them, and who says so.

    `broken`: from 10:40 on this day until 8:00 on the next but one, nothing that if-1
    says decodes. `away`: days of us-1 at repair, as the register says.
    """

    def __init__(self, directory, clinic, last, days, *, broken, away, holidays):
        self.directory = str(directory)
        self.broken = broken
        self.away = away
        self.clinic = clinic
        self.month = Month(
            last,
            days,
            zone=BERLIN,
            holidays=holidays,
            happens=self.happens,
        )
        self.clock = self.month.clock
        self.config = Config(
            site=Site(name="sim-clinic", timezone="Europe/Berlin", simulated=True),
            journal=JournalSettings(self.directory, ballast_mb=0),
            hours=Hours(**HOURS, holidays=tuple(map(str, holidays))),
        )

    def happens(self, days, seed):
        made = rooms(days, seed, self.clinic, {"us-1": self.away})
        (room,) = (it for it in made if it.device.name == "if-1")
        at_s = (self.broken - days[0]).days * DAY_S + 10 * 3600 + 40 * 60
        lasts_s = 2 * DAY_S - 2 * 3600 - 40 * 60
        room.troubles.append(Trouble(at_s, lasts_s, "corrupt"))
        return made

    def write(self):
        with Writer(
            self.config.journal, simulated=True, site="sim-clinic", clock=self.clock
        ) as writer:
            self.desk = Desk(self.directory, writer, self.moment)
            devices = self.month.devices
            watch = Watch(self.config, devices, writer, self.clock)
            self.steps = self.registered()

            def look():
                self.due()
                watch.look()

            return self.month.write(writer, look=look)

    def moment(self):
        return Moment(
            at_ns=self.clock.wall_ns(),
            mono_ns=self.clock.mono_ns(),
            boot_id="boot",
            clock_ok=True,
        )

    def registered(self):
        """When us-1 goes and comes."""
        return [
            (ns(min(self.away), 7), "out_of_service"),
            (ns(max(self.away), 18), "in_service"),
        ]

    def due(self):
        while self.steps and self.steps[0][0] <= self.clock.wall_ns():
            at_ns, event = self.steps.pop(0)
            args = {"thing": "device", "name": "us-1", "event": event}
            self.desk.perform(
                Request(id=f"request-{at_ns}", op="register", args=args, by="physio")
            )

    def alarms(self):
        with Reader(self.directory) as reader:
            entries = reader.entries(kind="alarm")
        bodies = [codec.decode("alarm", it.body) for it in entries]
        days = [datetime.fromtimestamp(it.at_ns / SECOND, BERLIN) for it in entries]
        return [
            (f"{at:%Y-%m-%d}", it.name, it.cleared, it.text)
            for at, it in zip(days, bodies, strict=True)
        ]


def ns(day, hour):
    midnight = datetime.combine(day, datetime.min.time(), BERLIN)
    return round((midnight + timedelta(hours=hour)).timestamp()) * SECOND


def small():
    """Two devices, one patient each half day: all else is as in the whole clinic."""
    return [
        msgspec.structs.replace(it, patients=1)
        for it in CLINIC
        if it.name in ("us-1", "if-1")
    ]


def says_what_is_to_be_said(weeks):
    raised, cleared = weeks.alarms()
    tuesday, thursday = weeks.broken, weeks.broken + timedelta(2)

    assert raised[:3] == (str(tuesday), "watch/if-1", False)
    since, _, said = raised[3].partition(", where ")
    assert since.startswith("Interferential, room 3 recorded nothing since Tuesday ")
    assert "treatments a Tuesday are usual" in said
    assert cleared[:3] == (str(thursday), "watch/if-1", True)
    assert cleared[3] == "if-1 records treatments again"
    with Reader(weeks.directory) as reader:
        assert [it.name for it in reader.alarms()] == ["watch/if-1"]
        assert reader.alarms(open_only=True) == []


def test_weeks_with_a_holiday_a_broken_cable_and_a_repair(tmp_path):
    """7 days teach; holidays are two days long, then the cable breaks on a Tuesday."""
    weeks = Weeks(
        tmp_path,
        small(),
        date(2027, 1, 8),
        13,
        broken=date(2027, 1, 5),
        away={date(2027, 1, 4), date(2027, 1, 5), date(2027, 1, 6)},
        holidays=[date(2026, 12, 25), date(2026, 12, 31), date(2027, 1, 1)],
    )
    told = weeks.write()

    says_what_is_to_be_said(weeks)
    assert told.days == 13


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_a_month_with_holidays_a_broken_cable_and_a_repair(tmp_path):
    """The whole clinic: three weeks, then the month in which all of it happens."""
    weeks = Weeks(
        tmp_path,
        CLINIC,
        date(2027, 1, 15),
        30,
        broken=date(2027, 1, 5),
        away={date(2027, 1, day) for day in (6, 7, 8, 11, 12)},
        holidays=[date(2026, 12, 24), date(2026, 12, 25), date(2027, 1, 1)],
    )
    told = weeks.write()

    says_what_is_to_be_said(weeks)
    assert told.days == 30
