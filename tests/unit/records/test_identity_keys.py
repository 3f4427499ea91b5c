"""Keys: what is sealed opens under its own key and subject alone; the master's file."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.records.identity_clinic import MASTER, RING, KeyedClinic

from devicelog.errors import DevicelogError
from devicelog.journal import salvage
from devicelog.journal.directory import Directory
from devicelog.journal.schema import born
from devicelog.model.flow import Change, Draft
from devicelog.operations import master
from devicelog.operations.config import parse
from devicelog.records.keys import (
    Identity,
    Keyring,
    Sealer,
    identity,
    identity_change,
    opened,
    seal,
)

KEY = bytes(32)


@pytest.fixture
def clinic(tmp_path):
    clinic = KeyedClinic(tmp_path / "data")
    with clinic.writer:
        clinic.begin("us-1")
        yield clinic


def put(clinic, *changes: Change, key="put/1"):
    draft = Draft(1, "-", "-", "noise", "", key, b"{}", changes=changes)
    return clinic.writer.append([draft], 10)


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_is_sealed_opens_again(what, subject):
    assert opened(KEY, seal(KEY, what, subject), subject) == what


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_changed_bit_or_another_subject_does_not_open(what, data):
    sealed = seal(KEY, what, "a")
    at = data.draw(st.integers(8, 8 * len(sealed) - 1))
    flipped = bytearray(sealed)
    flipped[at // 8] ^= 1 << at % 8
    for key, bytes_, subject in (
        (KEY, bytes(flipped), "a"),
        (KEY, sealed, "b"),
        (b"1" * 32, sealed, "a"),
        (KEY, sealed[:20], "a"),
    ):
        with pytest.raises(DevicelogError, match="does not open"):
            opened(key, bytes_, subject)


def test_nothing_is_told_by_accident():
    who = Identity("Erika Mustermann", "1958-03-09", "4711")
    assert "Erika" not in f"{who!r} {who} {[who]}"
    assert MASTER.hex()[:8] not in repr(Keyring(MASTER)) + repr(vars(RING)).replace(
        repr(RING._wrapping), ""
    )


def test_an_identity_opens_under_its_own_pseudonym_alone():
    who = Identity("Erika Mustermann")
    change = identity_change(KEY, "A", who)
    assert b"Erika" not in (change.value or b"")
    assert identity(KEY, "A", change.value) == who
    with pytest.raises(DevicelogError):
        identity(KEY, "B", change.value)


def test_a_text_is_sealed_under_a_key_that_is_written_with_it(clinic):
    with clinic.reader() as reader:
        sealer = Sealer(RING, reader)
        one, two = sealer("knee", "s-1"), sealer("hip", "s-1")
    assert len(sealer.changes) == 1
    put(clinic, *sealer.changes)
    with clinic.reader() as reader:
        again = Sealer(RING, reader)
        three = again("back", "s-1")
        told = [RING.opened(reader, it, "s-1") for it in (one, two, three)]
        with pytest.raises(DevicelogError):
            RING.opened(reader, one, "s-2") or RING.opened(reader, b"\1" * 40, "s-1")
    assert (told, again.changes) == (["knee", "hip", "back"], [])
    put(clinic, Change("keys", "s-1", None), key="put/2")
    with clinic.reader() as reader:
        assert RING.opened(reader, one, "s-1") is None


def test_changes_are_made_with_their_entry_or_not_at_all(clinic):
    put(clinic, Change("keys", "a", b"1"))
    put(clinic, Change("keys", "a", b"2"))  # a repeat: its key is known
    fine = Draft(
        2, "-", "-", "noise", "", "k/1", b"{}", changes=(Change("keys", "b", b"3"),)
    )
    wrong = Draft(3, "-", "-", "noise", "", "k/2", None)
    with pytest.raises(DevicelogError):
        clinic.writer.append([fine, wrong], 10)
    with clinic.reader() as reader:
        assert reader.secret("keys", "a") == b"1"
        assert reader.secret("keys", "b") is None
        assert reader.find("k/1") is None


def test_a_salvage_carries_keys_over_and_counts_those_lost(clinic):
    anna, bernd = clinic.add("Anna"), clinic.add("Bernd")
    put(clinic, Change("keys", bernd, None), key="put/3")
    clinic.writer.close()
    directory = Directory(str(clinic.directory))
    directory.take()
    otherwise = born(simulated=True, site="sim-test", at_ns=0)
    outcome = salvage.salvage(directory, None, otherwise)
    directory.release()
    assert outcome.nameless == 1
    assert "who 1 patients are is lost" in outcome.text
    with clinic.reader() as reader:
        key = RING.key(reader, anna)
        assert identity(key, anna, reader.secret("identities", anna)).name == "Anna"


# --- The master key's file ---------------------------------------------------------


def config(tmp_path, **keys):
    text = (
        '[site]\nname = "sim-test"\nsimulated = true\n'
        f'[journal]\ndirectory = "{tmp_path / "data"}"\n[keys]\n'
    )
    text += "".join(f'{name} = "{value}"\n' for name, value in keys.items())
    return parse(text, "test.toml", {}).config


def test_the_master_key_is_made_once_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda _: 0)
    it = config(tmp_path)
    first = master.keyring(it, make=True)
    path = master.path_of(it)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    assert [*path.parent.iterdir()] == [path]
    assert master.keyring(it, make=True).chain_key == first.chain_key
    master.written(path, b"x" * 32)  # another was quicker: that one stands
    assert master.keyring(it).chain_key == first.chain_key


def test_a_key_that_is_open_or_none_is_refused(tmp_path):
    path = tmp_path / "master"
    it = config(tmp_path, master_file=path)
    with pytest.raises(DevicelogError, match="cannot be read"):
        master.keyring(it)
    path.write_text("secret\n")
    path.chmod(0o640)
    with pytest.raises(DevicelogError, match="open to other users"):
        master.keyring(it)
    path.chmod(0o600)
    with pytest.raises(DevicelogError, match="no master key") as told:
        master.keyring(it)
    assert "secret" not in str(told.value)


def test_the_credential_of_systemd_is_taken(tmp_path, monkeypatch):
    (tmp_path / "devicelog-master").write_text(MASTER.hex())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert master.keyring(config(tmp_path)).chain_key == RING.chain_key


def test_no_new_key_is_made_where_one_was_lost(tmp_path):
    it = config(tmp_path, master_file=tmp_path / "master")
    clinic = KeyedClinic(tmp_path / "data")
    with clinic.writer:
        clinic.begin()
    with pytest.raises(DevicelogError, match="put it back"):
        master.keyring(it, make=True)
    master.written(tmp_path / "master", b"x" * 32)
    with pytest.raises(DevicelogError, match="not that of the journal"):
        master.keyring(it, make=True)
    (tmp_path / "master").unlink()
    master.written(tmp_path / "master", MASTER)
    assert master.keyring(it).chain_key == RING.chain_key
