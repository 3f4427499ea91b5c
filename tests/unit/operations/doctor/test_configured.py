"""Configuration, kind of the journal, users: the fault, its remedy, and it passes."""

from journals import fill, reading, writer

from devicelog.operations import master
from devicelog.operations.alone import write
from devicelog.operations.config import load
from devicelog.records.passwords import hashed

DEVICE = '[[devices]]\nname = "us-1"\nprofile = "us-modbus"\nport = "{port}"\n'


def test_a_configuration_that_cannot_be_used(place):
    place.config.write_text("[site]\nnom = 1\n")
    severity, case, remedy = place.one("configuration")
    assert (severity, case) == ("wrong", "unusable")
    assert "devicelog config check" in remedy
    place.write()
    assert place.right("configuration")


def test_a_device_that_is_not_recorded(place):
    place.write(DEVICE.format(port="COM3"))
    (found,) = place.look("configuration")
    assert (found.severity, found.case) == ("wrong", "parked")
    assert "us-1" in found.found
    assert '"COM3" is neither a path nor a known address' in found.found
    place.write(DEVICE.format(port="/dev/null"))
    assert place.right("configuration")


def test_a_configuration_that_everybody_may_change(place):
    place.config.chmod(0o666)
    severity, case, remedy = place.one("configuration")
    assert (severity, case) == ("wrong", "writable")
    assert remedy == f"chmod o-w {place.config}"
    place.config.chmod(0o664)
    assert place.right("configuration")


def test_a_real_configuration_before_a_simulated_journal(place):
    assert place.one("kind")[1] == "not_yet"
    place.record()
    place.write(site="test", simulated="false")
    severity, case, remedy = place.one("kind")
    assert (severity, case) == ("wrong", "other_kind")
    assert "[site] simulated" in remedy
    place.write()
    assert place.right("kind")


def test_a_real_journal_of_a_real_site(place):
    place.write(site="test", simulated="false")
    with writer(place.data, site="test") as journal:
        fill(journal, [[reading(1)]])
    assert place.one("kind")[:2] == ("ok", "real")
    place.write(site="sim-test")
    severity, case, remedy = place.one("kind")
    assert (severity, case) == ("wrong", "other_kind")
    assert "[site] simulated" in remedy
    place.write(site="test", simulated="false")
    assert place.right("kind")


def test_a_journal_of_another_site(place):
    place.record()
    place.write(site="sim-other")
    severity, case, remedy = place.one("kind")
    assert (severity, case) == ("wrong", "other_site")
    assert "[site] name" in remedy
    place.write()
    assert place.right("kind")


def test_nobody_may_come_in(place, monkeypatch):
    monkeypatch.setenv("DEVICELOG_CONSOLE_ENABLED", "true")
    assert place.one("users")[:2] == ("warning", "nobody")
    place.record().writer.close()
    severity, case, remedy = place.one("users")
    assert (severity, case) == ("warning", "nobody")
    assert "devicelog users add" in remedy
    config = load(place.config).config
    write(config, "add_user", name="anna", role="physio", kept=hashed("ten letters!"))
    assert place.right("users")
    assert "anna" not in str(place.look("users"))
    write(config, "change_user", name="anna", disabled=True)
    assert place.one("users")[:2] == ("warning", "nobody")
    key = master.path_of(config)
    key.rename(key.with_name("away"))
    assert place.one("users")[:2] == ("unknown", "closed")


def test_a_console_that_is_switched_off_needs_nobody(place):
    place.write("[console]\nenabled = false\n")
    assert place.right("users")
