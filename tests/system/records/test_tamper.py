"""Each attack on a closed journal, made with the sqlite3 tool, and what is answered.

The tool knows nothing of this project; triggers hinder it no more than they would an
administrator. What is asked is the program: `audit verify` and `db check`.
"""

# ruff: noqa: S608  (the statements are the attack)

import json
import random
import shutil
import subprocess

import pytest
import requires
from click.testing import CliRunner
from system.commands.site import Site
from unit.records.identity_clinic import MASTER, KeyedClinic
from unit.records.test_identity_audit import session

from devicelog.cli.commands import main
from devicelog.journal import schema
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.kinds import GapBody, NoiseBody
from devicelog.operations import master
from devicelog.operations.config import load

SEED = 20261124
CHANGES = 100
FREE = "DROP TRIGGER entries_stand; DROP TRIGGER entries_stay;"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A clinic's journal with its key and configuration; closed."""
    requires.tool("sqlite3")
    return Made(tmp_path_factory.mktemp("tamper"))


class Made(Site):
    """Eight sessions, and all else that stands between them."""

    def __init__(self, folder):
        super().__init__(folder)
        self.write()
        master.written(master.path_of(load(self.config).config), MASTER)
        self.clinic = KeyedClinic(self.data)
        with self.clinic.open():
            self.clinic.begin("us-1")
            self.code = self.clinic.add("Erika")
            for n in range(8):
                self._part(n)
                if n == 5:
                    self.older = folder / "older"
                    shutil.copytree(self.data, self.older)
        self.anchor = self.json("audit", "verify", code=5)["head"]
        with self.clinic.reader() as reader:
            self.entries = reader.entries()
        self.links = [it for it in self.entries if it.mac is not None]
        self.whole = folder / "whole"
        shutil.copytree(self.data, self.whole)

    def _part(self, n):
        name = f"us-1.us.{n}"
        session(self.clinic, name)
        self.clinic.assign(name, self.code)
        self.clinic.clock.advance(1)
        noise = NoiseBody(mono_ns=n, count=3, why="no frame", raw="55aa55")
        self.clinic.put("us-1", "-", "noise", noise)
        self.clinic.clock.advance(1)
        gap = GapBody(mono_ns=n, began_ns=n, seconds=1.0, cause="silence")
        self.clinic.put("us-1", "-", "gap", gap)
        self.clinic.clock.advance(1)
        self.clinic.ask("note", event="shown", what=f"patients list {n}")
        self.clinic.clock.advance(1)

    def attacked(self, *statements: str, files=None):
        """The journal as it was, then changed by the tool."""
        shutil.rmtree(self.data)
        shutil.copytree(files or self.whole, self.data)
        if not statements:
            return self
        sql = "\n".join((FREE, *(f"{it};" for it in statements)))
        path = str(self.data / "journal.db")
        told = subprocess.run(
            ["sqlite3", "-bail", path],
            input=sql,
            text=True,
            capture_output=True,
            check=False,
        )
        assert told.returncode == 0, (told.stderr, sql)
        return self

    def verdict(self, *anchor: str):
        """State and first bad record, of `audit verify`."""
        words = ("audit", "verify", *(("--anchor", *anchor) if anchor else ()))
        code, told = self._asked(*words)
        assert code == {"ok": 0, "broken": 1, "not provable": 5}[told["state"]]
        return told["state"], told["first_bad"]

    def damage(self):
        """What `db check` says; empty: nothing."""
        code, told = self._asked("db", "check")
        found = [*told["damage"], *told["stale"]]
        assert code == bool(found)
        return found

    def _asked(self, *words: str):
        ended = CliRunner(env=self.environ).invoke(main, [*words, "--json"])
        return ended.exit_code, json.loads(ended.stdout)


def blob(content):
    return f"x'{content.hex()}'"


def text(content):
    return "'" + content.replace("'", "''") + "'"


def put(entry, *, sealed):
    """The statement that puts this row in; `sealed`: its checksum fits."""
    crc = schema.seal(entry) if sealed else 0
    words = (entry.device, entry.channel, entry.kind, entry.subject, entry.key)
    mac = "NULL" if entry.mac is None else blob(entry.mac)
    row = f"{entry.seq}, {entry.at_ns}, {', '.join(map(text, words))}"
    return f"INSERT INTO entries VALUES ({row}, {blob(entry.body)}, {mac}, {crc})"


def edit(entry, *, sealed, **columns):
    """The statement that changes these columns of this row."""
    told = {name: getattr(entry, name) for name in entry.__struct_fields__} | columns
    new = Entry(**told)
    values = {
        name: blob(it)
        if isinstance(it, bytes)
        else text(it)
        if isinstance(it, str)
        else str(it)
        for name, it in columns.items()
    }
    if sealed:
        values["crc"] = str(schema.seal(new))
    said = ", ".join(f"{name} = {it}" for name, it in values.items())
    return f"UPDATE entries SET {said} WHERE seq = {entry.seq}"


def gone(seq):
    return f"DELETE FROM entries WHERE seq = {seq}"


def test_what_nobody_touched_is_ok(made):
    made.attacked()
    assert made.verdict(made.anchor) == ("ok", None)
    assert made.verdict() == ("not provable", None)
    assert made.damage() == []


@pytest.mark.parametrize("n", [1, 7, -1])
def test_an_edited_record_is_the_first_bad_one(made, n):
    entry = made.links[n]
    for sealed in (False, True):
        made.attacked(edit(entry, sealed=sealed, body=b'{"v":1}'))
        assert made.verdict(made.anchor) == ("broken", entry.seq)
        assert made.verdict() == ("broken", entry.seq)
        assert bool(made.damage()) or sealed


@pytest.mark.parametrize("n", [0, 1, 7, -2])
def test_a_deleted_record_is_the_first_bad_one(made, n):
    seq = made.links[n].seq
    made.attacked(gone(seq))
    assert made.verdict() == ("broken", seq)


@pytest.mark.parametrize("mac", [None, b"m" * 32])
def test_a_record_put_in_is_the_first_bad_one(made, mac):
    seq = made.links[9].seq + 1
    body = codec.encode(codec.decode("audit", made.links[-1].body))
    new = Entry(seq, 5, "-", "-", "audit", "", "put/in", body, mac)
    up = f"UPDATE entries SET seq = seq + 100000 WHERE seq >= {seq}"
    down = "UPDATE entries SET seq = seq - 99999 WHERE seq > 100000"
    made.attacked(up, put(new, sealed=True), down)
    assert made.verdict(made.anchor) == ("broken", seq)
    assert made.verdict() == ("broken", seq)


def test_of_two_swapped_records_the_earlier_is_the_first_bad_one(made):
    one, two = made.links[4].seq, made.links[11].seq
    made.attacked(
        f"UPDATE entries SET seq = 999999 WHERE seq = {one}",
        f"UPDATE entries SET seq = {one} WHERE seq = {two}",
        f"UPDATE entries SET seq = {two} WHERE seq = 999999",
    )
    assert made.verdict(made.anchor) == ("broken", one)
    assert made.verdict() == ("broken", one)


def test_a_cut_end_is_not_provable_without_the_anchor(made):
    last = made.links[-4].seq
    made.attacked(f"DELETE FROM entries WHERE seq > {last}")
    assert made.verdict(made.anchor) == ("broken", last + 1)
    assert made.verdict() == ("not provable", None)
    told = made.run("audit", "verify", code=5).stderr
    assert "cut off" in told
    assert "ok" not in told


def test_an_older_copy_is_not_provable_without_the_anchor(made):
    made.attacked(files=made.older)
    state, first = made.verdict(made.anchor)
    assert state == "broken"
    assert first in {it.seq + 1 for it in made.links}
    assert first <= int(made.anchor.partition(":")[0])
    assert made.verdict() == ("not provable", None)


# --- A hundred single changes, anywhere ---------------------------------------------


class Changes:
    """Single changes, by chance: each a statement, and where the harm was done."""

    def __init__(self, made, seed):
        self.made, self.chance = made, random.Random(seed)
        self.read = [it for it in made.entries if it.kind == "reading" and it.subject]

    def careless(self):
        """Anything, anywhere, by somebody who knows nothing of checksums."""
        entry = self.chance.choice(self.made.entries)
        match self.chance.choice(("edit", "delete", "insert")):
            case "edit":
                column = self.chance.choice(
                    ("at_ns", "device", "channel", "kind", "subject", "key", "body")
                )
                return entry, edit(entry, sealed=False, **self._other(entry, column))
            case "delete":
                return entry, gone(entry.seq)
            case _:
                return self._new(sealed=False)

    def careful(self):
        """By somebody who makes the row's checksum fit; of what the chain holds."""
        entry = self.chance.choice([*self.made.links, *self.read])
        match self.chance.choice(("edit", "delete", "insert")):
            case "edit":
                return entry, edit(entry, sealed=True, **self._other(entry, "body"))
            case "delete":
                return entry, gone(entry.seq)
            case _:
                return self._new(sealed=True)

    def _new(self, *, sealed):
        old = self.chance.choice(self.made.links)
        seq = self.made.entries[-1].seq + 1
        told = {name: getattr(old, name) for name in old.__struct_fields__}
        mac = self.chance.choice((None, old.mac))
        new = Entry(**told | {"seq": seq, "at_ns": seq, "key": "new", "mac": mac})
        return new, put(new, sealed=sealed)

    def _other(self, entry, column):
        old = getattr(entry, column)
        if column == "at_ns":
            return {column: old + self.chance.randrange(1, 10**6)}
        if column == "body":
            at = self.chance.randrange(len(old))
            byte = self.chance.choice([it for it in range(32, 127) if it != old[at]])
            return {column: old[:at] + bytes([byte]) + old[at + 1 :]}
        return {column: f"{old}x"}


def test_a_hundred_of_a_hundred_single_changes_are_found(made):
    print(f"seed {SEED}")
    changes = Changes(made, SEED)
    found = dict.fromkeys(("audit verify", "db check"), 0)
    missed = []
    for n in range(CHANGES):
        careful = n % 2 == 0
        entry, sql = changes.careful() if careful else changes.careless()
        made.attacked(sql)
        state, first = made.verdict(made.anchor)
        by_chain, by_check = state == "broken", bool(made.damage())
        found["audit verify"] += by_chain
        found["db check"] += by_check
        if not (by_chain if careful else by_chain or by_check):
            missed.append((n, sql))
        if by_chain and entry.mac is not None and entry in made.links:
            assert first == entry.seq, sql
    print(f"{CHANGES - len(missed)} of {CHANGES} found: {json.dumps(found)}")
    assert missed == []
