"""For minutes under everything at once: nothing is lost, and nothing grows.

    make soak                     # twenty minutes
    make soak SOAK_MINUTES=480    # the eight hours of a day

Real Mosquitto and InfluxDB, four devices at 50 frames a second on ptys, live pages and
page loads, bindings, exports, backups by the clock and by hand.
"""

import os
import time
from collections import Counter

import pytest
from contract.sinks.stored import wanted_readings
from durability.daemon import Clinic
from journals import entries
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto, free_port
from system import soaking
from system.recorder import Recorder, configured, differences
from system.steadiness import sample, steadiness
from waiting import wait_until

from devicelog.journal.reader import Reader
from devicelog.model import codec

MINUTES = float(os.environ.get("DEVICELOG_SOAK_MINUTES", "20"))
MORE = """
[backup]
to = "{backups}"
[console]
port = {port}
"""
# Builds that do not hold what is promised.
LEAKY = """
import os
from devicelog.recorder.device import Device
received_all, kept = Device.received, []
def received(self, mono_ns, data):
    kept.append(bytes(8000))
    if len(kept) % 500 == 0:
        os.dup(0)
    return received_all(self, mono_ns, data)
Device.received = received
"""
LOSSY = """
from devicelog.recorder.keep import Keeper
offer_all, count = Keeper.offer, 0
def offer(self, reading, *, live):
    global count
    count += 1
    return [] if count % 2000 == 0 else offer_all(self, reading, live=live)
Keeper.offer = offer
"""


class Soaked:
    """What was seen in so many seconds."""

    def __init__(self, folder, made, samples, busy):
        self.folder, self.made = folder, made
        self.samples, self.busy = samples, busy
        # What all forms of exports need is imported, and stays, in the first minutes.
        seconds = samples[-1].at_s
        self.warm_s = max(seconds / 4, min(240, seconds / 2))
        self.steady = steadiness(samples, self.warm_s)
        self.lost = []
        self.doubted = self.readings = self.treated = 0

    def look(self, influxdb):
        """Whether each reading is in the journal and in the store, once and equal."""
        self.treated = sum(len(it.treated) for it in self.made)
        for it in self.made:
            kept, doubted = journalled(self.folder, it.name)
            self.doubted += len(doubted)
            lost = lacking(it.treated, soaking.live(kept), doubted)
            self.lost += [f"{it.name}: {lost}"] if lost else []
            wanted = wanted_readings(self.folder / "data", it.name)
            found = influxdb.rows("therapy_reading", device=it.name)
            self.lost += differences(wanted, found)[:5]
            self.readings += len(wanted)

    def tell(self):
        """The table."""
        print(f"{'min':>5} {'RSS MB':>8} {'descriptors':>12} {'threads':>8}")
        for it in self.samples[:: max(1, len(self.samples) // 24)]:
            print(f"{it.at_s / 60:5.1f} {it.memory_mb:8.1f}", end=" ")
            print(f"{it.descriptors:12} {it.threads:8}")
        steady, seconds = self.steady, self.samples[-1].at_s
        print(f"{seconds / 60:.1f} min, judged from {self.warm_s / 60:.1f} min on")
        print(f"said in treatments {self.treated}, kept and stored {self.readings}")
        print(f"journalled raw, for nothing confirmed them: {self.doubted}")
        late_s = max(it.longest_s for it in self.made)
        print(f"the devices were late by {late_s:.2f} s at most")
        print(f"lost, doubled or altered: {self.lost or 'nothing'}")
        print(f"memory {steady.slope_mb_h:+.2f} MB/h (bound {steady.bound_mb_h:.1f})")
        print(f"descriptors {steady.descriptors:+}, threads {steady.threads:+}")
        print(*(f"{name}: {count}" for name, count in sorted(self.busy.done.items())))
        print("troubles:", self.busy.troubles or "none")


def journalled(folder, device):
    """Frames of its readings, in order; and those that were not believed, raw."""
    kept, doubted = [], []
    for it in entries(folder / "data"):
        if it.device == device and it.kind in ("reading", "noise"):
            body = codec.decode(it.kind, it.body)
            if it.kind == "reading":
                kept.append(bytes.fromhex(body.frame))
            else:
                doubted.append(bytes.fromhex(body.raw))
    return kept, doubted


def lacking(said, kept, doubted):
    """Where what was said and what is kept part, in words; empty: nowhere.

    A frame may stand among the doubted instead, once.
    """
    left, at = Counter(doubted), 0
    for n, frame in enumerate(said):
        if at < len(kept) and kept[at] == frame:
            at += 1
        elif left[frame]:
            left[frame] -= 1
        else:
            return f"{len(said)} frames said, {len(kept)} kept; number {n} is not there"
    return f"{len(kept) - at} kept that nobody said" if at < len(kept) else ""


def soaked(folder, seconds, spoilt=""):
    influxdb = InfluxDB(folder / "influxdb")
    backups, port = folder / "backups", free_port()
    backups.mkdir()
    try:
        influxdb.start().set_up()
        with Mosquitto(folder / "broker") as broker, soaking.devices(folder) as made:
            described = [(it.name, it.file, it.port.link) for it in made]
            more = MORE.format(backups=backups, port=port)
            config = configured(folder, broker, influxdb, described, more)
            clinic = Clinic(config, folder / "data")
            recorder = Recorder(clinic, spoilt=spoilt, console=True)
            recorder.start()
            try:
                soaking.begin(recorder, made)
                url = f"http://127.0.0.1:{port}"
                busy = soaking.Busy(recorder, folder, url, seconds)
                with busy.at_work():
                    samples = sampled(recorder.process.pid, seconds)
                soaking.end(recorder, made)
            finally:
                recorder.end()
            # What a recorder writes at its end is sent by the next.
            recorder.start()
            try:
                wait_until(recorder.settled, recorder.status, 120)
            finally:
                recorder.end()
            found = Soaked(folder, made, samples, busy)
            found.look(influxdb)
    finally:
        influxdb.stop()
    found.tell()
    return found


def sampled(pid, seconds):
    """This process each ten seconds, or forty times if that is more often."""
    began = time.monotonic()
    samples, every_s = [], min(10.0, seconds / 40)
    while (at_s := time.monotonic() - began) < seconds:
        samples.append(sample(pid, at_s))
        time.sleep(every_s - (time.monotonic() - began) % every_s)
    return samples


@pytest.mark.torture
@pytest.mark.timeout(MINUTES * 60 * 1.5 + 600)
def test_under_everything_at_once_nothing_is_lost_and_nothing_grows(tmp_path):
    it = soaked(tmp_path, MINUTES * 60)

    assert it.lost == []
    assert it.doubted <= it.treated / 10_000
    assert it.steady.grown == ()
    assert it.busy.troubles == []
    with Reader(str(tmp_path / "data")) as reader:
        assert [alarm.text for alarm in reader.alarms()] == []


@pytest.mark.torture
@pytest.mark.timeout(600)
def test_builds_that_leak_and_lose_are_found(tmp_path):
    it = soaked(tmp_path, 90, spoilt=LEAKY + LOSSY)

    assert it.lost
    assert {"memory", "descriptors"} <= {*it.steady.grown}
