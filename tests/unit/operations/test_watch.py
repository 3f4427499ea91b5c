"""What is usual, and that it is said when it is missed: raised and cleared once."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from unit.records.clinic import Clinic

from devicelog.clock import SECOND
from devicelog.drivers.load import driver, load
from devicelog.journal.settings import JournalSettings
from devicelog.operations.config import Config, Hours, Site
from devicelog.operations.opening import Opening
from devicelog.operations.usual import expected_ns, learn, missed
from devicelog.operations.watch import Watch
from devicelog.recorder.device import Device
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase

GOLDEN = Path(__file__).parents[2] / "golden" / "ifc-classic"
BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
HOURS = Hours(
    **dict.fromkeys(WEEKDAYS, "08:00-12:00, 13:00-18:00"), holidays=("2026-12-25",)
)
OPENING = Opening(HOURS, BERLIN)
HOUR = 3600 * SECOND


def ns(day, hour=0.0):
    midnight = datetime.combine(day, datetime.min.time(), BERLIN)
    return round((midnight + timedelta(hours=hour)).timestamp()) * SECOND


def always(_):
    return True


def used(first, last, hours, weekdays=range(5)):
    """Treatments of ten minutes at these hours."""
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    return [
        (ns(day, hour), ns(day, hour) + 600 * SECOND)
        for day in days
        if day.weekday() in weekdays and OPENING.spans(day)
        for hour in hours
    ]


def test_hours_are_those_of_the_clinic():
    tuesday = date(2026, 11, 24)

    assert OPENING.spans(tuesday) == [
        (ns(tuesday, 8), ns(tuesday, 12)),
        (ns(tuesday, 13), ns(tuesday, 18)),
    ]
    assert OPENING.spans(date(2026, 11, 28)) == []  # a Saturday
    assert OPENING.spans(date(2026, 12, 25)) == []  # a holiday, a Friday
    whole = Opening(Hours(sun="00:00-24:00"), BERLIN)
    (span,) = whole.spans(date(2026, 10, 25))  # the night with an hour twice
    assert span[1] - span[0] == 25 * HOUR


def test_time_counts_where_treatments_are_expected():
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)
    span = (ns(friday, 17), ns(monday, 9))

    assert expected_ns(span, {0: 3, 4: 3}, OPENING, always) == 2 * HOUR
    assert expected_ns(span, {4: 3}, OPENING, always) == HOUR
    assert expected_ns(span, {0: 3, 4: 3}, OPENING, lambda _: False) == 0
    assert expected_ns((span[1], span[0]), {0: 3}, OPENING, always) == 0


def test_use_is_learnt_by_weekday_with_its_longest_usual_pause():
    spans = used(date(2026, 10, 26), date(2026, 11, 20), (9, 11, 15), (0, 1, 3))
    usual = learn(spans, OPENING, always, ns(date(2026, 11, 23), 7))

    assert usual.treatments == {0: 3, 1: 3, 3: 3}
    # From 15:10 to 18:00, from 8:00 to 9:00 on the next such day: 3 h 50 min.
    assert usual.patience_ns == pytest.approx(1.5 * (3 + 5 / 6) * HOUR)


def test_the_day_of_a_fault_a_holiday_and_a_repair_teach_nothing():
    spans = used(date(2026, 11, 2), date(2026, 12, 4), (9, 11, 15))
    broken = [it for it in spans if OPENING.day(it[0]) != date(2026, 11, 24)]
    away = {date(2026, 11, day) for day in range(9, 14)}
    broken = [it for it in broken if OPENING.day(it[0]) not in away]
    now = ns(date(2026, 12, 7), 7)

    whole = learn(spans, OPENING, always, now)
    assert learn(broken, OPENING, lambda day: day not in away, now) == whole


def test_of_few_days_nothing_is_usual():
    spans = used(date(2026, 11, 16), date(2026, 11, 19), (9, 11, 15))
    now = ns(date(2026, 11, 23), 7)

    assert learn(spans, OPENING, always, now) is None
    assert learn([], OPENING, always, now) is None
    assert not missed((0, now), None, OPENING, always)


def test_patience_is_an_hour_at_least():
    closed = Opening(Hours(**dict.fromkeys(WEEKDAYS, "09:00-09:30")), BERLIN)
    spans = used(date(2026, 11, 2), date(2026, 11, 20), (9.0, 9.2))

    assert learn(spans, closed, always, ns(date(2026, 11, 23))).patience_ns == HOUR


# --- The watch, before a real journal ------------------------------------------------

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 12, day) for day in (21, 22, 23))
THURSDAY = date(2026, 12, 24)  # then a holiday, then a weekend
AFTER = date(2026, 12, 28)
NOISE = b"\x00\xff" * 40
HELLO, STATUS = (
    bytes.fromhex(json.loads((GOLDEN / f"{name}.json").read_text())[0]["frame"])
    for name in ("identity", "running")
)


class Watched(Clinic):
    """A clinic with three weeks of one device, its pipeline, and the watch over it."""

    watch = None

    def grow(self, hours=(9, 11, 15), weekdays=range(5)):
        self.begin("if-1")
        days = (date(2026, 11, 30), date(2026, 12, 18))
        for begin, _ in used(*days, hours, weekdays):
            self.treat(begin)
        self.to(MONDAY, 7)
        settings = DeviceSettings("if-1", "ifc-classic", "/dev/if-1", label="IFC-2")
        self.device = Device(
            settings,
            driver(load("ifc-classic")),
            run_id="run",
            timebase=Timebase(self.clock, "boot-1"),
            taken=lambda _: False,
        )
        self.watch = self.watching(self.device)

    def watching(self, *devices, trusted=True):
        config = Config(
            site=Site(name="sim-test", timezone="Europe/Berlin", simulated=True),
            journal=JournalSettings(str(self.directory)),
            hours=HOURS,
        )
        return Watch(config, devices, self.writer, self.clock, lambda: trusted)

    def treat(self, begin_ns):
        """Ten minutes of treatment."""
        self.clock.advance((begin_ns - self.clock.wall_ns()) / SECOND)
        self.end(self.start(f"if-1.if.{begin_ns}"), 599)

    def to(self, day, hour):
        """Looks each quarter of an hour up to then."""
        while self.clock.wall_ns() < ns(day, hour):
            left = (ns(day, hour) - self.clock.wall_ns()) / SECOND
            self.clock.advance(min(900, left))
            if self.watch:
                self.watch.look()

    def hear(self, data, seconds=60):
        """The port opens, and this comes each tenth of a second."""
        self.device.opened(self.clock.mono_ns())
        for _ in range(10 * seconds):
            self.clock.advance(0.1)
            if data:
                self.device.received(self.clock.mono_ns(), data)
            self.device.tick(self.clock.mono_ns())

    def told(self):
        self.writer.append([], 10)
        return [it for _, it in self.entries("alarm")]


@pytest.fixture
def clinic(tmp_path):
    clinic = Watched(tmp_path / "data")
    with clinic.writer:
        clinic.grow()
        yield clinic


@pytest.fixture
def seldom(tmp_path):
    """The same with a treatment on each Tuesday: nothing is usual of that."""
    clinic = Watched(tmp_path / "data")
    with clinic.writer:
        clinic.grow(hours=(9,), weekdays=(1,))
        yield clinic


def test_bytes_that_say_nothing_are_told_of_a_device_that_is_seldom_used(seldom):
    seldom.to(TUESDAY, 10 + 40 / 60)
    seldom.hear(NOISE)
    seldom.to(TUESDAY, 10.9)
    assert seldom.told() == []

    seldom.to(WEDNESDAY, 17)
    (alarm,) = seldom.told()
    assert (alarm.name, alarm.cleared) == ("line/if-1", False)
    assert alarm.text == (
        "IFC-2 recorded nothing since Tuesday 10:40; the port is open, bytes arrive,"
        " none decode: wrong speed, format or profile?"
    )
    assert "devices test if-1" in alarm.remedy

    seldom.hear(HELLO + STATUS)
    seldom.to(AFTER, 17)
    raised, cleared = seldom.told()
    assert (raised, cleared.name, cleared.cleared) == (alarm, "line/if-1", True)
    assert cleared.text == "if-1 is understood again"


def test_bytes_that_say_nothing_are_told_before_a_treatment_is_missed(clinic):
    clinic.to(MONDAY, 10)
    clinic.hear(NOISE)
    clinic.to(WEDNESDAY, 17)
    (alarm,) = clinic.told()
    assert alarm.name == "line/if-1"

    # Mended: only what is missed from now on is missed.
    clinic.hear(HELLO + STATUS)
    clinic.to(THURSDAY, 9)
    assert [it.cleared for it in clinic.told()] == [False, True]
    clinic.to(AFTER, 17)
    *_, missed_one = clinic.told()
    assert (missed_one.name, missed_one.cleared) == ("watch/if-1", False)


@pytest.mark.parametrize("data", [b"", HELLO + STATUS])
def test_a_line_that_is_silent_or_understood_is_nothing_to_tell(seldom, data):
    seldom.to(TUESDAY, 10)
    seldom.hear(data)
    seldom.to(AFTER, 17)

    assert seldom.told() == []


def test_noise_counts_while_the_clinic_is_open(seldom):
    seldom.to(TUESDAY, 17.9)
    seldom.hear(NOISE)
    seldom.to(WEDNESDAY, 8)
    assert seldom.told() == []
    seldom.to(WEDNESDAY, 8.5)
    assert [it.name for it in seldom.told()] == ["line/if-1"]

    seldom.ask("register", thing="device", name="if-1", event="out_of_service")
    seldom.to(WEDNESDAY, 9)
    assert [it.text for it in seldom.told()][1:] == ["if-1 is out of service"]


def test_that_nothing_is_recorded_is_said_once_and_taken_back_once(clinic):
    for hour in (9, 11):
        clinic.to(MONDAY, hour)
        clinic.treat(ns(MONDAY, hour))
    clinic.to(MONDAY, 14)
    clinic.hear(b"")
    clinic.to(MONDAY, 17.75)
    assert clinic.told() == []

    clinic.to(WEDNESDAY, 10)
    (alarm,) = clinic.told()
    assert (alarm.name, alarm.cleared) == ("watch/if-1", False)
    assert alarm.text == (
        "IFC-2 recorded nothing since Monday 11:10, where 3 treatments a Monday are"
        " usual; the port is open, no byte arrives: is the device on, is this its"
        " cable?"
    )
    assert "devices register if-1 out_of_service" in alarm.remedy

    clinic.treat(ns(WEDNESDAY, 11))
    clinic.to(WEDNESDAY, 17)
    raised, cleared = clinic.told()
    assert (raised, cleared.name, cleared.cleared) == (alarm, "watch/if-1", True)
    assert cleared.text == "if-1 records treatments again"
    with clinic.reader() as reader:
        assert reader.alarms(open_only=True) == []


def test_usual_use_is_met_by_usual_use(clinic):
    for begin, _ in used(MONDAY, AFTER, (9, 11, 15)):
        clinic.to(OPENING.day(begin), 0)
        clinic.treat(begin)
        clinic.watch.look()
    clinic.to(date(2026, 12, 29), 9)

    assert clinic.told() == []


def test_a_holiday_and_a_weekend_are_no_time_to_miss_anything(clinic):
    for begin, _ in used(MONDAY, THURSDAY, (9, 11, 15)):
        clinic.treat(begin)
        clinic.watch.look()
    clinic.to(AFTER, 9)
    assert clinic.told() == []

    clinic.to(AFTER, 16)
    (alarm,) = clinic.told()
    assert "since Thursday 15:10, where 3 treatments a Monday" in alarm.text


def test_a_device_that_is_away_is_not_expected_until_it_is_back(clinic):
    clinic.ask("register", thing="device", name="if-1", event="out_of_service")
    clinic.to(WEDNESDAY, 8)
    assert clinic.told() == []

    clinic.ask("register", thing="device", name="if-1", event="in_service")
    clinic.to(WEDNESDAY, 14)
    assert clinic.told() == []
    clinic.to(AFTER, 9)
    (alarm,) = clinic.told()
    assert "since Friday 15:10, where 3 treatments a Wednesday" in alarm.text


def test_the_register_takes_an_alarm_back(clinic):
    clinic.to(WEDNESDAY, 8)
    assert [it.cleared for it in clinic.told()] == [False]

    clinic.ask("register", thing="device", name="if-1", event="out_of_service")
    clinic.to(AFTER, 8)
    assert [it.text for it in clinic.told()][1:] == ["if-1 is out of service"]


def test_a_start_knows_what_was_said_before(clinic):
    clinic.to(WEDNESDAY, 8)
    assert len(clinic.told()) == 1
    clinic.watch = clinic.watching(clinic.device)
    clinic.to(WEDNESDAY, 12)
    assert len(clinic.told()) == 1

    clinic.watch = clinic.watching()
    clinic.to(WEDNESDAY, 13)
    assert [it.text for it in clinic.told()][1:] == ["if-1 is not recorded any more"]


def test_a_start_gives_an_hour_to_put_things_right(clinic):
    clinic.watch = None
    clinic.to(WEDNESDAY, 9)
    clinic.watch = clinic.watching(clinic.device)
    clinic.to(WEDNESDAY, 9.9)
    assert clinic.told() == []
    clinic.to(WEDNESDAY, 10.1)
    assert len(clinic.told()) == 1


def test_an_open_treatment_is_use(clinic):
    clinic.treat(ns(MONDAY, 15))
    clinic.start("if-1.if.long")
    clinic.to(TUESDAY, 14)

    assert clinic.told() == []


def test_a_clock_that_is_not_trusted_judges_nothing(clinic):
    clinic.watch = clinic.watching(clinic.device, trusted=False)
    clinic.to(AFTER, 9)

    assert clinic.told() == []
