"""A hundred changes in the store, one a session: `sessions verify` names each."""

import random

from contract.sinks.stored import Carried, sink_for
from contract.sinks.test_influx_verify import FIRST, SECOND, asked
from journals import SITE, clinic, fill, writer

SEED = 20261124
CHANGES, SPARED, LONG = 100, 20, 50
SERIES = f"site={SITE},device=us-1,channel=us"


class Changes:
    """Each takes the number of a session's first reading, and returns what it did."""

    def __init__(self, influxdb, seed):
        self.store, self.chance = influxdb, random.Random(seed)

    def one(self, first):
        ways = (self.deleted, self.edited, self.session, self.event, self.put_in)
        return self.chance.choice(ways)(first)

    def _at(self, first):
        return FIRST + (first + self.chance.randrange(LONG)) * SECOND

    def deleted(self, first):
        at_ns = self._at(first)
        self.store.delete("therapy_reading", at_ns)
        return f"therapy_reading us-1/us/us at {at_ns} ns is missing"

    def edited(self, first):
        at_ns = self._at(first)
        name, new = self.chance.choice(
            (("intensity_w_cm2", "2.5"), ("time_left_s", "7.5"), ("duty_pct", "99"))
        )
        self.store.write(f"therapy_reading,{SERIES},modality=us {name}={new} {at_ns}")
        return f"therapy_reading us-1/us/us at {at_ns} ns {name} is "

    def session(self, first):
        at_ns = FIRST + first * SECOND + 3
        name, new = self.chance.choice(
            (("energy_j", "1"), ("pseudonym", '"x"'), ("end_reason", '"fault"'))
        )
        self.store.write(f"therapy_session,{SERIES},modality=us {name}={new} {at_ns}")
        return f"therapy_session us-1/us/us at {at_ns} ns {name} is "

    def event(self, first):
        at_ns = FIRST + (first + LONG - 1) * SECOND + 3
        self.store.write(f'therapy_event,{SERIES},kind=end text="fault" {at_ns}')
        return f"therapy_event us-1/us/end at {at_ns} ns text is "

    def put_in(self, first):
        at_ns = FIRST + (first + self.chance.randrange(LONG - 1)) * SECOND + 500
        self.store.write(
            f"therapy_reading,{SERIES},modality=us intensity_w_cm2=1 {at_ns}"
        )
        return f"therapy_reading us-1/us/us at {at_ns} ns is not of the journal"


def test_a_hundred_of_a_hundred_changes_in_the_store_are_found(influxdb, tmp_path):
    print(f"seed {SEED}")
    directory = tmp_path / "data"
    with writer(directory) as journal:
        fill(journal, clinic(0, LONG * (CHANGES + SPARED)))
        with Carried(directory, sink_for(influxdb), journal) as carried:
            carried.drained()
    changes = Changes(influxdb, SEED)
    firsts = [n * LONG for n in range(CHANGES + SPARED)]
    changes.chance.shuffle(firsts)
    done = {f"us-1.us.{n:08d}": changes.one(n) for n in firsts[:CHANGES]}

    found, _, code = asked(influxdb, directory, tmp_path, "--from", "2000-01-01")

    assert code == 5
    assert len(found) == CHANGES + SPARED
    named = {name: it["differences"] for name, it in found.items() if it["differences"]}
    right = [
        name
        for name, texts in named.items()
        if len(texts) == 1 and texts[0].startswith(done.get(name, "-"))
    ]
    print(f"{len(right)} of {CHANGES} found and named")
    assert named.keys() == done.keys()
    assert len(right) == CHANGES, [it for it in named.items() if it[0] not in right]
