"""Days of a clinic, entry by entry: every kind of thing that a dashboard shows."""

from datetime import UTC, datetime, timedelta

from devicelog.clock import SECOND
from devicelog.model import codec
from devicelog.model.flow import Draft, SessionEvent
from devicelog.model.kinds import (
    BindingBody,
    Counts,
    DeviceBody,
    GapBody,
    ReadingBody,
    ReceiptBody,
)
from devicelog.model.said import CalibrationBody, Point

BEFORE = (14, 12, 7, 5, 0)  # days of the clinic, counted back from the last
PATIENTS = ("PQ7-K2M", "PX3-H9T")
MODALITIES = {("us-1", "us"): "us", ("if-1", "if"): "if", ("us-2", "us"): "us"}
SETTINGS = {
    "us": {"intensity_w_cm2": 0.5, "duty_pct": 20.0, "frequency_mhz": 1.0},
    "if": {"amplitude_1_ma": 18.0, "amplitude_2_ma": 17.5, "carrier_hz": 4000.0},
}
LASTS_S = 120
# What happens in every third treatment, by its second; states that are no running.
TOLD = (
    {20: "pause", 40: "resume", 90: "timer_lengthened"},
    {20: "contact_lost", 30: "contact_back"},
    {50: "setting", 60: "line_lost", 80: "gap"},
)
STATES = ({"paused": range(20, 40)}, {"hold_contact": range(20, 30)}, {})
SILENT = ((), (), range(60, 80))
ABOUT = {
    "setting": {"field": "duty_pct", "old": 20.0, "new": 50.0},
    "timer_lengthened": {"field": "time_left_s", "old": 30.0, "new": 90.0},
    "fault": {"new": "E7"},
    "line_lost": {"cause": "silence"},
}
DOSE = {
    "us": {"energy_j": 20.5, "energy_density_j_cm2": 4.0, "intensity_mean_w_cm2": 0.4},
    "if": {
        "amplitude_1_mean_ma": 17.0,
        "charge_1_ma_min": 34.0,
        "charge_2_ma_min": 3.0,
    },
}


def midnight_ns(day):
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND


class Days:
    """Drafts in the order of time. They end amid a treatment, with a line down."""

    def __init__(self, last):
        self.drafts = []
        self._first_ns = midnight_ns(last - timedelta(days=BEFORE[0]))
        for n, before in enumerate(BEFORE):
            self._day(midnight_ns(last - timedelta(days=before)) + 30_000 * SECOND, n)
        end_ns = max(it.at_ns for it in self.drafts)
        self._device("us-2", end_ns - 99 * SECOND, "line", line="missing")
        self._heads(midnight_ns(last - timedelta(days=BEFORE[1])))
        self.drafts.sort(key=lambda it: it.at_ns)

    def _day(self, at_ns, day):
        for n, device in enumerate(("us-1", "if-1", "us-2")):
            self._device(device, at_ns + n * SECOND, "line", line="online")
        for n in range(4):
            start_ns = at_ns + (n * 3600 + 60) * SECOND
            noise = Counts(noise_bytes=100 * n + day, frames=9, readings=8, kept=7)
            self._device("us-2", start_ns, "counts", counts=noise)
            lasts = 60 if (day, n) == (len(BEFORE) - 1, 3) else LASTS_S
            self._treat("if-1", start_ns, day * 4 + n, LASTS_S)
            self._treat("us-1", start_ns + 600 * SECOND, day * 4 + n, lasts)

    def _heads(self, at_ns):
        """H0 is checked twice, the second time in vain; H1 never, until it is late."""
        week_ns = 7 * 86_400 * SECOND
        for n, (head, later_ns, measured) in enumerate(
            (("H0", 0, 7.0), ("H0", week_ns, 11.0), ("H1", week_ns, 8.5))
        ):
            body = CalibrationBody(
                name=head,
                on_ns=at_ns + later_ns,
                frequency_mhz=1.0,
                mode="pulsed",
                points=(Point(10.0, measured),),
                error_pct=round(10 * (measured - 10), 3),
                by="test",
                request="",
                mono_ns=0,
                boot_id="",
            )
            # The last one is written down when all is over.
            late_ns = 90 * 86_400 * SECOND if n == 2 else later_ns
            self._put(at_ns + late_ns, ("-", "-"), "calibration", "", body)

    def _put(self, at_ns, where, kind, subject, body):
        key = f"days/{len(self.drafts)}"
        told = (*where, kind, subject, key, codec.encode(body), kind == "session")
        self.drafts.append(Draft(at_ns, *told))

    def _mono(self, at_ns):
        return at_ns - self._first_ns

    def _device(self, device, at_ns, event, **told):
        body = DeviceBody(event=event, mono_ns=self._mono(at_ns), **told)
        self._put(at_ns, (device, "-"), "device", "", body)

    def _event(self, it, at_ns, event, **told):
        body = SessionEvent(
            session_id=it[2],
            event=event,
            channel=it[1],
            at_ns=at_ns + 1,
            mono_ns=self._mono(at_ns),
            **told,
        )
        self._put(at_ns + 1, it[:2], "session", it[2], body)

    def _reading(self, it, at_ns, state, values):
        body = ReadingBody(
            state=state,
            mono_ns=self._mono(at_ns),
            values=values,
            frame="00",
            profile="0123456789abcdef",
        )
        self._put(at_ns, it[:2], "reading", it[2], body)

    def _treat(self, device, start_ns, n, lasts):
        """The n-th treatment of this device; what happens in it depends on `n`."""
        channel = device[:2]
        stamp = datetime.fromtimestamp(start_ns // SECOND, UTC)
        it = (device, channel, f"{device}.{channel}.{stamp:%Y%m%dT%H%M%SZ}")
        said = BindingBody(
            session_id=it[2], pseudonym=PATIENTS[n % 2], by="test", how="simulated"
        )
        self._put(start_ns + 5, ("-", channel), "binding", it[2], said)
        head = {"head_id": f"H{n % 2}"} if channel == "us" else {}
        values = SETTINGS[channel] | head | {"program": f"P{n}"}
        self._event(it, start_ns, "start", values=values)
        for second in range(0, lasts, 2):
            self._second(it, start_ns + second * SECOND, second, n)
        if lasts == LASTS_S:
            self._end(it, start_ns + LASTS_S * SECOND, n)

    def _second(self, it, at_ns, second, n):
        states = STATES[n % 3].items()
        state = next((name for name, when in states if second in when), "running")
        if second not in SILENT[n % 3]:
            values = SETTINGS[it[1]] | {"time_left_s": float(LASTS_S - second)}
            if it[1] == "us":
                values["intensity_actual_w_cm2"] = 0.49 if state == "running" else 0.0
            self._reading(it, at_ns, state, values)
        event = TOLD[n % 3].get(second)
        if n % 4 == 3 and second == 100:
            event = "fault"
        if event == "gap":
            self._gap(it, at_ns)
        elif event:
            self._event(it, at_ns, event, **ABOUT.get(event, {}))

    def _gap(self, it, at_ns):
        began = at_ns - 22 * SECOND
        self._event(it, at_ns, "gap", began_ns=began)
        told = {"began_ns": began, "seconds": 22.0, "cause": "silence"}
        body = GapBody(mono_ns=self._mono(at_ns), **told)
        self._put(at_ns + 2, (it[0], "-"), "gap", "", body)

    def _end(self, it, at_ns, n):
        self._reading(it, at_ns, "finished", {"time_left_s": 0.0})
        totals = {
            "wall_s": 120.0,
            "device_s": 119.0 + n / 10,
            "emission_s": 100.0 + n,
            "output_s": 99.0,
            "paused_s": 20.0 if n % 3 == 0 else 0.0,
            "contact_lost_s": 10.0 if n % 3 == 1 else 0.0,
            "gap_s": 22.0 if n % 3 == 2 else 0.0,
            "faults": int(n % 4 == 3),
            "setting_changes": int(n % 3 == 2),
            "timer_error_pct": n / 10,
            "coverage_pct": 100.0 - n,
            "time_set_main_s": 120.0,
        }
        dose = {name: value + n for name, value in DOSE[it[1]].items()}
        flags = ("start_unseen",) if n % 5 == 0 else ()
        told = {"reason": "completed", "ended_ns": at_ns, "totals": totals | dose}
        self._event(it, at_ns, "end", flags=flags, **told)
        receipt = ReceiptBody(
            kept=60, decoded=61, published=60, stored=60, state="complete"
        )
        self._put(at_ns + 20 * SECOND, ("-", "-"), "receipt", it[2], receipt)
