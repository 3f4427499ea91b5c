"""One patient's treatments by the whole pipeline, and what people said of them."""

from datetime import UTC, datetime

import msgspec
from rehearsing import Rehearsed
from unit.export.clinic import Small

from devicelog.drivers.simulated.disturbances import DISTURBANCES
from devicelog.drivers.simulated.prescriptions import PRESCRIPTIONS
from devicelog.export.gather import Gatherer
from devicelog.export.history import Wanted, heading
from devicelog.records.keys import Identity

US = ("us-modbus", "us-1")
IF = ("ifc-classic", "if-1")
NOW = "2026-11-24T09:30"
WHO = Identity("Anna Muster", "1958-03-09", "4711")
REST_S = 40.0  # a device is watched so long after its treatment


def at(text):
    """UTC in ns, of `2026-11-23T10:15`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


class Patient(Small):
    """Her sessions, each recorded from its bytes; the clock stands at NOW."""

    def __init__(self, directory):
        super().__init__(directory)
        self.clock.step_wall((at(NOW) - self.clock.wall_ns()) / 1e9)
        self.whose = ""

    def come(self):
        """She is known from now on."""
        self.whose = self.add(
            WHO.name, birth_date=WHO.birth_date, record_number=WHO.record_number
        )

    def record(self, on, script, when, *, mine=True):
        """A script on a device, its start key pressed at `when`; the session's id."""
        profile, device = on
        script = PRESCRIPTIONS.get(script) or DISTURBANCES[script].on("us")
        wall_ns = at(when) - 40 * 10**9
        played = Rehearsed(profile, script, wall_ns=wall_ns, name=device)
        played.play((script.ends_s or 140.0) + REST_S)
        drafts = [
            msgspec.structs.replace(it, key=f"{when}/{it.key}") for it in played.drafts
        ]
        self.writer.append(drafts, 10)
        session_id = played.sessions()[0][0].session_id
        if mine:
            self.assign(session_id, self.whose, clinician="mk", confirm=True)
        return session_id

    def annotate(self, session_id, note="", **facts):
        return self.ask("annotate", session_id=session_id, note=note, facts=facts)

    def check(self, head, when, *, shown=5.0, measured):
        """An output check of a head: 1 MHz and 3 MHz, continuous and pulsed."""
        for mhz in (1.0, 3.0):
            for mode in ("continuous", "pulsed"):
                self.ask(
                    "add_check",
                    thing="head",
                    name=head,
                    check="output",
                    on_ns=at(when),
                    frequency_mhz=mhz,
                    mode=mode,
                    points=[{"shown": shown, "measured": measured}],
                )

    def by_hand(self, treatment, when, minutes, note="", **facts):
        return self.ask(
            "add_treatment",
            pseudonym=self.whose,
            treatment=treatment,
            minutes=minutes,
            began_ns=at(when),
            clinician="mk",
            facts=facts,
            note=note,
            confirm=True,
        )

    def history(self, reader, **said):
        """The source of her history; `said` are fields of its heading."""
        head = heading(
            reader,
            Wanted(pseudonym=self.whose),
            timezone="Europe/Berlin",
            made_ns=at(NOW),
            **{"identity": WHO} | said,
        )
        return Gatherer(reader, head, ring=self.ring)


def fortnight(patient):
    """Two weeks as a clinic has them: two devices, hands, and some trouble."""
    patient.come()
    patient.record(IF, "R4", "2026-11-09T09:05")
    patient.record(US, "R1", "2026-11-11T09:10")
    patient.by_hand("massage", "2026-11-11T09:25", 15, site="elbow", side="left")
    patient.record(US, "unplug", "2026-11-13T14:02")
    painful = patient.record(US, "R3", "2026-11-16T09:12")
    patient.annotate(
        painful,
        "Periosteal pain after four minutes; lower next time.",
        site="knee",
        side="left",
        stopped_by="patient",
        response="worse",
        pain_before=3,
        pain_after=5,
    )
    currents = patient.record(IF, "R4", "2026-11-18T10:15")
    patient.annotate(
        currents, site="lumbar_spine", electrode_area_cm2=50, layout="four_crossed"
    )
    warm = patient.record(US, "R2", "2026-11-20T08:40")
    patient.annotate(warm, site="buttock", side="right", treated_area_cm2=40)
    patient.receive(warm, decoded=482, kept=482, published=482, stored=482)
    last = patient.record(US, "R1", "2026-11-23T10:15")
    patient.annotate(
        last, site="lateral_epicondyle", side="left", coupling="gel", response="better"
    )
    patient.check("50417", "2026-11-19T07:30", measured=4.4)
    patient.check("80233", "2026-11-19T07:45", shown=0.8, measured=0.85)
    return patient
