"""What the journal says, as a dashboard would show it; made by no code of the sinks."""

import json
from datetime import UTC, datetime

from journals import entries

MS = 1_000_000
CORRECTED = {
    "energy_j": "energy_corrected_j",
    "energy_if_satp_j": "energy_corrected_if_satp_j",
    "energy_if_sata_j": "energy_corrected_if_sata_j",
}
ENDS = {
    "pause": {"resume", "fault", "end"},
    "contact_lost": {"contact_back", "fault", "end"},
    "line_lost": {"gap", "end"},
}


class Journalled:
    """Readings, sessions, events and health, each a dict with its `time` in ns."""

    def __init__(self, directory, site, modalities):
        self.readings, self.sessions, self.events, self.health = [], [], [], []
        self._site, self._modalities = site, modalities
        self._said = {}
        self._checks, self._moves = [], []
        told, receipts = {}, {}
        for entry in entries(directory):
            body = json.loads(entry.body)
            if entry.kind == "session":
                told.setdefault(entry.subject, []).append((entry, body))
            elif entry.kind == "receipt":
                receipts[entry.subject] = body
            elif entry.kind == "calibration":
                self._check(entry.seq, body)
            elif entry.kind == "register" and body["event"] == "moved":
                self._moves.append((body["on_ns"], body["name"], body["device"]))
            elif entry.kind in ("binding", "purpose"):
                names = {"pseudonym", "purpose"} & body.keys()
                said = self._said.setdefault(body["session_id"], {})
                said |= {it: body[it] for it in names}
            elif entry.kind in ("reading", "gap", "device"):
                where = {"site": site, "device": entry.device, "channel": entry.channel}
                getattr(self, f"_{entry.kind}")(
                    where | {"time": entry.at_ns}, entry, body
                )
        for name, events in told.items():
            self._session(name, events, receipts.get(name))
        self._elapsed({name: its[0][1]["mono_ns"] for name, its in told.items()})
        for rows in (self.readings, self.sessions, self.events, self.health):
            rows.sort(key=lambda it: it["time"])

    def _reading(self, row, entry, body):
        row |= body["values"] | {"state": body["state"], "session_id": entry.subject}
        self.readings.append(row | {"mono": body["mono_ns"]})

    def _gap(self, row, entry, body):
        event = {"time": body["began_ns"], "kind": "gap", "text": body["cause"]}
        self.events.append(row | event | {"ended_at": entry.at_ns // MS})
        if body["seconds"] is not None:
            self.health.append(row | {"gap_s": body["seconds"]})

    def _device(self, row, _, body):
        row["clock_ok"] = body.get("clock_ok", True)
        if "line" in body:
            row["line_state"] = body["line"]
        if "counts" in body:
            row["noise_bytes"] = body["counts"].get("noise_bytes", 0)
        self.health.append(row)

    def _elapsed(self, starts):
        for row in self.readings:
            mono = row.pop("mono")
            if row["session_id"] in starts:
                since = mono - starts[row["session_id"]]
                row["elapsed_ms"] = round(max(0, since) / MS)

    def _check(self, seq, body):
        if "of" in body:
            self._checks = [it for it in self._checks if it[0] != body["of"]]
        else:
            self._checks.append((seq, body))

    def _head(self, row, named):
        """By whom, and what its last check makes of the dose."""
        moves = sorted(it for it in self._moves if it[0] <= row["time"])
        where = {name: device for _, name, device in moves}
        here = [name for name, device in where.items() if device == row["device"]]
        source = "wire" if named else ("register" if len(here) == 1 else "")
        head = named or (here[0] if source else "")
        return {"head": head, "head_source": source, "uncorrected": ""}

    def _corrected(self, row, events):
        """Beside what the device indicated: domain rules, written a second time."""
        indicated = row.keys() & CORRECTED.keys()
        if not indicated:
            return {}
        if not row["head"]:
            return {"uncorrected": "head unknown"}
        started = events[0][1]["values"]
        mode = "continuous" if started["duty_pct"] == 100 else "pulsed"
        made = [
            body
            for _, body in self._checks
            if (body["name"], body["mode"]) == (row["head"], mode)
            and body["frequency_mhz"] == started["frequency_mhz"]
            and body["on_ns"] <= row["time"]
        ]
        if not made:
            return {"uncorrected": "no output check before it"}
        if any(body.get("field") == "duty_pct" for _, body in events):
            return {"uncorrected": "frequency or mode changed"}
        (point,) = max(made, key=lambda it: it["on_ns"])["points"]
        gives = point["measured"] / point["shown"]
        told = {CORRECTED[name]: row[name] * gives for name in indicated}
        return told | {"output_error_pct": (gives - 1) * 100}

    def _session(self, name, events, receipt):
        entry, start = events[0]
        values = start.get("values", {})
        local = datetime.fromtimestamp(entry.at_ns // 1_000_000_000, UTC)
        row = {
            "time": entry.at_ns,
            "site": self._site,
            "device": entry.device,
            "channel": entry.channel,
            "modality": self._modalities[entry.device, entry.channel],
            "session_id": name,
            "started_at": entry.at_ns // MS,
            "since": entry.at_ns // MS - 5000,
            "pseudonym": "",
            "end_reason": "",
            "purpose": "treatment",
            "local_hour": local.hour,
            "local_weekday": local.isoweekday(),
            "flags": "",
        }
        row |= self._said.get(name, {})
        named = values.get("head_serial") or values.get("head_id") or ""
        row |= self._head(row, named)
        for _, body in events:
            if body["event"] == "end":
                row |= body["totals"] | {"end_reason": body["reason"]}
                row["ended_at"] = body["ended_ns"] // MS
                row["until"] = row["ended_at"] + 5000
            if body.get("flags"):
                row["flags"] = " ".join(body["flags"])
        row |= self._corrected(row, events)
        if receipt is not None:
            row |= {
                f"receipt_{n}": it
                for n, it in receipt.items()
                if n not in ("v", "clock_ok")
            }
        self.sessions.append(row)
        for n, (at, body) in enumerate(events):
            self._event(row, at, body, events[n + 1 :])

    def _event(self, session, entry, body, later):
        kind = body["event"]
        where = {n: session[n] for n in ("site", "device", "channel", "session_id")}
        row = where | {"time": entry.at_ns, "kind": kind, "text": said(body)}
        if kind in ENDS:
            ends = (it.at_ns for it, other in later if other["event"] in ENDS[kind])
            end = next(ends, None)
            row |= {} if end is None else {"ended_at": end // MS}
        if kind == "gap":
            row |= {"time": body["began_ns"], "ended_at": entry.at_ns // MS}
        self.events.append(row)


def said(body):
    if body.get("field") == "program":
        return "program"  # what was typed stays in the journal
    if "field" in body:
        return f"{body['field']}: {body['old']} -> {body['new']}"
    if body["event"] in ("start", "segment"):
        values = dict(body.get("values", {}))
        values.pop("program", None)
        return " ".join(f"{n}={it}" for n, it in values.items())
    if body["event"] == "gap":
        return "paused in the gap" if body.get("paused_in_gap") else ""
    return str(body.get("reason") or body.get("cause") or body.get("new") or "")
