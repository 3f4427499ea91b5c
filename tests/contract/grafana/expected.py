"""Each panel's answer, worked out from the journal: (board, panel) -> rows per target.

A row without `time` stands for an aggregate, whose time says nothing.
"""

from itertools import pairwise

SECOND = 1_000_000_000
SOUND = ("intensity_w_cm2", "intensity_actual_w_cm2")
CURRENT = (
    *("amplitude_1_ma", "amplitude_2_ma"),
    *("amplitude_actual_1_ma", "amplitude_actual_2_ma"),
)


class View:
    """The journal within a range, for what is chosen in the dashboard's head."""

    def __init__(self, clinic, span, **chosen):
        self._journal, self.span, self.recorder = clinic.journal, span, clinic.told_at
        self._chosen = chosen

    def rows(self, name, *, anytime=False):
        return [
            it
            for it in getattr(self._journal, name)
            if (anytime or self.span.holds(it["time"]))
            and all(it.get(n) in values for n, values in self._chosen.items())
        ]

    @property
    def bucket_ns(self):
        amount, unit = int(self.span.interval[:-1]), self.span.interval[-1]
        return amount * {"s": 1, "m": 60, "h": 3600}[unit] * SECOND


def fields(rows, names, tags=()):
    """What a statement without aggregates answers: a point needs one of its fields."""
    return [
        {n: it[n] for n in ("time", *tags, *names) if n in it}
        for it in rows
        if any(n in it for n in names)
    ]


def groups(rows, *tags):
    found = {}
    for it in rows:
        found.setdefault(tuple(it[n] for n in tags), []).append(it)
    return [(dict(zip(tags, key, strict=True)), its) for key, its in found.items()]


def values(rows, name):
    return [it[name] for it in rows if name in it]


def over_time(view, rows, **aggregates):
    """One row a bucket; `aggregates`: answer's column -> (field, function)."""
    found = {}
    for it in rows:
        found.setdefault(it["time"] // view.bucket_ns * view.bucket_ns, []).append(it)
    answers = []
    for at in sorted(found):
        row = {
            column: function(values(found[at], field))
            for column, (field, function) in aggregates.items()
            if values(found[at], field)
        }
        answers += [{"time": at} | row] if row else []
    return answers


def whole(rows, **aggregates):
    """One row; nothing where there is nothing."""
    row = {
        column: function(values(rows, field))
        for column, (field, function) in aggregates.items()
        if values(rows, field)
    }
    return [row] if row else []


def mean(numbers):
    return sum(numbers) / len(numbers)


def last(items):
    return items[-1]


# --- Every dashboard ---------------------------------------------------------------


def banner(_):
    return [{"simulated": True}]


# --- Clinic now --------------------------------------------------------------------

NOW = (
    *("state", "time_left_s", "frequency_mhz", "duty_pct", *SOUND),
    *("carrier_hz", "beat_low_hz", "beat_high_hz", *CURRENT[:2]),
)
WHERE = ("site", "device", "channel")


def devices(view):
    readings = groups(view.rows("readings"), *WHERE)
    return [where | fields(its, NOW)[-1] for where, its in readings]


def time_left(view):
    return [
        where | {"last": values(its, "time_left_s")[-1]}
        for where, its in groups(view.rows("readings"), "device", "channel")
    ]


def lines_down(view):
    told = groups(
        [it for it in view.rows("health") if "line_state" in it], "site", "device"
    )
    newest = [where | {"line_state": its[-1]["line_state"]} for where, its in told]
    return [it for it in newest if it["line_state"] != "online"]


def count_today(view):
    return [{"sessions": len(view.rows("sessions"))}]


def channel_states(view):
    return [
        where | it
        for where, its in groups(view.rows("readings"), "device", "channel")
        for it in over_time(view, its, last=("state", last))
    ]


def line_states(view):
    return fields(view.rows("health"), ("line_state",), ("device",))


def sessions_of(*names):
    def rows(view):
        return fields(view.rows("sessions"), names, WHERE)

    return rows


TODAY = (
    *("since", "until"),
    *("session_id", "started_at", "ended_at", "end_reason", "time_set_main_s"),
    *("emission_s", "energy_j", "amplitude_1_mean_ma", "coverage_pct", "pseudonym"),
)

# --- Session -----------------------------------------------------------------------


def this(names, tags=()):
    return lambda view: fields(view.rows("sessions", anytime=True), names, tags)


def latest(*names):
    told = {n: (n, last) for n in names}
    return lambda view: whole(view.rows("sessions", anytime=True), **told)


CORRECTED = (
    *("energy_corrected_j", "energy_corrected_if_satp_j"),
    *("energy_corrected_if_sata_j", "output_error_pct"),
)


def corrected(names):
    """Of sessions whose number counts."""

    def rows(view):
        its = [it for it in view.rows("sessions", anytime=True) if counts(it)]
        return fields(its, names)

    return rows


def counts(it):
    return it["uncorrected"] == ""


def means(names):
    told = {n: (n, mean) for n in names}
    return lambda view: over_time(view, view.rows("readings"), **told)


def events(view):
    return fields(view.rows("events", anytime=True), ("text",), ("kind",))


def band(kind):
    def rows(view):
        told = [it for it in view.rows("events") if it["kind"] == kind]
        return fields(told, ("text", "ended_at"))

    return rows


def others(view):
    names = (
        "since",
        "until",
        "session_id",
        "started_at",
        "ended_at",
        "end_reason",
        "emission_s",
        "pseudonym",
    )
    return fields(view.rows("sessions"), names, ("site", "device"))


# --- Patient -----------------------------------------------------------------------


def patient_sums(view):
    told = {n: (n, sum) for n in ("energy_j", "charge_1_ma_min")}
    return whole(view.rows("sessions"), sessions=("session_id", len), **told)


def each_adherence(view):
    return [
        {
            "time": it["time"],
            "adherence": it["emission_s"] / it["time_set_main_s"] * 100,
        }
        for it in view.rows("sessions")
        if it.get("time_set_main_s", 0) > 0 and "start_unseen" not in it["flags"]
    ]


def adherence(view):
    rows = each_adherence(view)
    return whole(rows, mean=("adherence", mean), least=("adherence", min))


def weeks(view):
    """From Monday to Monday, empty weeks too."""
    week, monday = 7 * 86_400 * SECOND, 4 * 86_400 * SECOND

    def begin(at_ns):
        return (at_ns - monday) // week * week + monday

    found = dict.fromkeys(
        range(begin(view.span.begin_ms * 10**6), view.span.end_ms * 10**6 + 1, week), 0
    )
    for it in view.rows("sessions"):
        found[begin(it["time"])] += 1
    return [{"time": at, "sessions": count} for at, count in found.items()]


def overlay(names):
    def rows(view):
        told = [it for it in view.rows("readings", anytime=True) if "elapsed_ms" in it]
        return fields(told, ("session_id", "elapsed_ms", *names))

    return rows


# --- Use ---------------------------------------------------------------------------


def per_device(**aggregates):
    def rows(view):
        told = groups(view.rows("sessions"), "device")
        return [where | it for where, its in told for it in whole(its, **aggregates)]

    return rows


def hours(seconds):
    return sum(seconds) / 3600


def contact(view):
    answers = []
    for where, its in groups(view.rows("sessions"), "device"):
        lost, wall = sum(values(its, "contact_lost_s")), sum(values(its, "wall_s"))
        answers.append(where | {"contact_lost": lost / wall * 100})
    return answers


def heads(view):
    return fields(
        [it for it in view.rows("sessions") if it["head"]], ("head", "emission_s")
    )


def both_doses(view):
    told = [it for it in view.rows("sessions") if it["head"] and counts(it)]
    return fields(told, ("head", "energy_j", "energy_corrected_j"))


def uncorrected(view):
    told = [it for it in view.rows("sessions") if not counts(it)]
    names = ("session_id", "uncorrected", "head", "energy_j")
    return fields(told, names, ("device",))


def faults_of(view):
    return [it for it in view.rows("events") if it["kind"] == "fault"]


def fault_counts(view):
    return [
        where | {"faults": len(its)} for where, its in groups(faults_of(view), "device")
    ]


# --- Quality -----------------------------------------------------------------------


def noise(view):
    answers = []
    for where, its in groups(view.rows("health"), "device"):
        told = over_time(view, its, last=("noise_bytes", last))
        for before, after in pairwise(told):
            risen = after["last"] - before["last"]
            if risen >= 0:
                answers.append(
                    where | {"time": after["time"], "non_negative_difference": risen}
                )
    return answers


def gaps(view):
    return [
        where | it
        for where, its in groups(view.rows("health"), "device")
        for it in over_time(view, its, sum=("gap_s", sum))
    ]


def recorder(told, *, by_time):
    def rows(view):
        within = [at for at in view.recorder if view.span.holds(at)]
        if not by_time:
            return [told] if within else []
        at = {it // view.bucket_ns * view.bucket_ns for it in within}
        return [{"time": it} | told for it in sorted(at)]

    return rows


def each_gap(view):
    told = [
        it for it in view.rows("events") if it["kind"] == "gap" and it["channel"] == "-"
    ]
    return fields(told, ("text", "ended_at"), ("device",))


RECEIPT = ("receipt_state", "receipt_kept", "receipt_published", "receipt_stored")


def receipts(view):
    told = [it for it in view.rows("sessions") if it.get("receipt_state")]
    return fields(told, ("session_id", *RECEIPT), ("device",))
