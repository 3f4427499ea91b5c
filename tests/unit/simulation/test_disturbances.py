"""A fault of every kind leaves the entries that it names, and no others.

All of them are recorded into one real journal, and read back from it.
"""

import pytest
from rehearsing import Rehearsed

from devicelog.clock import ManualClock
from devicelog.drivers.load import available, load
from devicelog.drivers.simulated.disturbances import DISTURBANCES
from devicelog.drivers.simulated.faults import Faults
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model import codec

# Tracing each line would make the many readings thrice as long.
pytestmark = pytest.mark.no_cover

# A tapped line hears another speed; one that is asked on it does not understand.
ACCESS = {"other_speed": "tap"}
UNTIL_S = 140
LASTING_S = 260


def cases():
    for profile in available():
        loaded = load(profile)
        asks = bool(getattr(loaded.messages[0], "ask", True))
        has = {it.modality for it in loaded.channels}
        for name, it in DISTURBANCES.items():
            if (asks or not it.asked) and (it.needs is None or it.needs in has):
                yield profile, name


CASES = [*cases()]


def which(profile, name):
    """Channel and access: a quiet treatment on the same is what it is held against."""
    it = DISTURBANCES[name]
    modality = it.needs or load(profile).channels[0].modality
    return profile, modality, ACCESS.get(name, "poll")


def disturbed(profile, name, modality, access):
    it = DISTURBANCES[name]
    device = f"{profile}.{name}.{modality}.{access}"
    options = {"access": access, "name": device, "phase_s": 0.2}
    lasting = any(label.startswith("session:end:") for label in it.leaves)
    return Rehearsed(profile, it.on(modality), **options).play(
        LASTING_S if lasting else UNTIL_S
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The labels of all entries, by device; and what was counted."""
    settings = JournalSettings(str(tmp_path_factory.mktemp("journal")), ballast_mb=0)
    options = {"simulated": True, "site": "sim-test", "clock": ManualClock()}
    played = {(name, *which(profile, name)) for profile, name in CASES}
    played |= {("nothing", *quiet) for _, *quiet in played}
    counts = {}
    with Writer(settings, **options) as writer:
        for name, profile, *more in sorted(played):
            it = disturbed(profile, name, *more)
            writer.append(it.drafts, 60)
            counts[profile, name] = it.device.counts, it.rehearsal.sent, it.drafts
    labels = {}
    with Reader(settings.directory) as reader:
        after = 0
        while page := reader.entries(after):
            after = page[-1].seq
            for entry in page:
                labels.setdefault(entry.device, set()).update(labelled(entry))
    return labels, counts


def labelled(entry):
    body = codec.decode(entry.kind, entry.body)
    match entry.kind:
        case "gap":
            yield f"gap:{body.cause}"
        case "device" if body.event == "line":
            if body.line != "unverified":  # for a moment, after each return
                yield f"device:line:{body.line}"
        case "device":
            yield f"device:{body.event}"
        case "session":
            more = {"end": body.reason, "line_lost": body.cause}.get(body.event)
            yield ":".join(filter(None, ("session", body.event, more)))
            yield from (f"flag:{flag}" for flag in body.flags)
        case other:
            yield other


@pytest.mark.parametrize(("profile", "name"), CASES)
def test_a_fault_leaves_the_entries_that_it_names(recorded, profile, name):
    labels, _ = recorded
    where = ".".join(which(profile, name)[1:])
    left, quiet = (labels[f"{profile}.{it}.{where}"] for it in (name, "nothing"))
    leaves = set(DISTURBANCES[name].leaves)

    assert {"session:start", "session:end:completed", "reading"} <= quiet
    if any(label.startswith("session:end:") for label in leaves):
        quiet = quiet - {"session:end:completed"}
    assert left == quiet | leaves


@pytest.mark.parametrize(("profile", "name"), CASES)
def test_whatever_befalls_it_no_byte_and_no_reading_goes_uncounted(
    recorded, profile, name
):
    _, counted = recorded
    counts, sent, drafts = counted[profile, name]
    kinds = [draft.kind for draft in drafts]

    assert counts.bytes == sent
    assert counts.bytes == counts.frame_bytes + counts.noise_bytes
    assert counts.pending_bytes == counts.held == 0
    assert counts.frames <= counts.readings + counts.silent_frames
    assert counts.readings == counts.kept + counts.thinned
    assert counts.kept == kinds.count("reading")


def test_a_disturbance_of_every_kind_is_played():
    played = {name for _, name in CASES}
    faults = {trouble.fault for it in DISTURBANCES.values() for trouble in it.troubles}

    assert played == {*DISTURBANCES}
    assert faults == {*Faults.__struct_fields__}
