"""Drivers that other packages bring: found by name, held to the contract."""

import shutil
import sys
from pathlib import Path

import pytest
from unit.drivers.recorded import Recorded

from devicelog.drivers.installed import names
from devicelog.drivers.load import available, driver, load
from devicelog.errors import ConfigError
from devicelog.model.flow import Frame, Noise

ACME = Path(__file__).parent / "packages" / "acme" / "acme_devicelog.py"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package on the path as an installer would: a module and its dist-info."""
    modules = []

    def installed(changes=(), *, name="acme-if", module="acme_devicelog", target=""):
        site = tmp_path / f"site-{len(modules)}"
        info = site / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        shutil.copy(ACME, site / f"{module}.py")
        text = ACME.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        (site / f"{module}.py").write_text(text)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(
            f"[devicelog.drivers]\n{name} = {target or module}\n"
        )
        monkeypatch.syspath_prepend(str(site))
        modules.append(module)

    yield installed
    for module in modules:
        sys.modules.pop(module, None)


def broken(name="acme-if"):
    with pytest.raises(ConfigError) as caught:
        load(name)
    return str(caught.value)


def test_a_package_outside_of_the_tree_is_found_by_its_name(install):
    assert names() == []
    install()

    assert names() == ["acme-if"]
    assert "acme-if" not in available()
    profile = load("acme-if")
    assert (profile.title, profile.wire.check_bits) == (
        "Acme interferential box, one value a line",
        0,
    )
    assert driver(profile).polls()[0].data == b"?\r"


def test_ones_own_profile_may_name_an_installed_driver(install, tmp_path):
    install()
    text = load_text().replace("baud = 9600", "baud = 19200")
    file = tmp_path / "mine.toml"
    file.write_text(text.replace('name = "acme-if"', 'name = "mine"', 1))

    profile = load(str(file))

    assert (profile.name, profile.line.baud) == ("mine", 19200)
    assert driver(profile).identify() is None


def load_text():
    return ACME.read_text().split('"""')[3]


def test_a_treatment_through_it_comes_out_right(install):
    install()
    line = Recorded(driver(load("acme-if")))
    for second in range(120):
        (asked,) = line.wait(1)
        assert asked == b"?\r"
        on = 10 <= second < 70
        for said in (
            f"Time: {10 - (second - 10) // 60 if on else 0}",
            "Strength 1: 7.5",
        ):
            line.hear(f"{said}\r".encode())
        line.hear(b"State: on\r" if on else b"State: off\r")
    line.stop()

    assert line.conserves()
    assert line.device.counts.noise_bytes == 0
    start, *_, end = line.events
    assert (start.event, end.event) == ("start", "end")
    assert start.values["amplitude_1_ma"] == 7.5
    assert end.totals["emission_s"] == pytest.approx(60, abs=1)
    assert end.totals["amplitude_1_mean_ma"] == pytest.approx(7.5)


def test_what_it_would_send_must_stand_in_its_profile(install):
    install([('Request("all", b"?\\r")', 'Request("all", b"!\\r")')])

    assert 'driver "acme-if" would send 21 0d, which profile "acme-if" does not' in (
        broken()
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            [('name = "acme-if"\ntitle', 'name = "other"\ntitle')],
            'driver "acme-if" brings a profile that is named "other"',
        ),
        ([("profile = ", "text = ")], 'driver "acme-if" brings no profile'),
        (
            [("import LinesWire", "import LineWire")],
            'driver "acme-if" cannot be used: ImportError',
        ),
        (
            [("    return Driver(profile)", "    raise OSError('no licence')")],
            'driver "acme-if" cannot be used: OSError: no licence',
        ),
        ([("def driver(profile)", "def drive(profile)")], "AttributeError"),
        ([("baud = 9600", "baud = 9601")], "line.baud: 9601 is no usual speed"),
        ([("bits = 0", "bits = 3")], "wire.bits: 3 is not allowed"),
        ([('ask = "?<CR>"', 'ask = "?<CRR>"')], "messages[0].ask: <CRR> is no"),
        (
            [('driver = "acme-if"', 'driver = "acme-us"')],
            'wire.driver: no package brings a driver "acme-us" (installed are: acme-',
        ),
    ],
)
def test_a_package_that_is_broken_is_told_and_raises_nothing_else(
    install, changes, told
):
    install(changes)

    assert told in broken()


def test_two_packages_with_one_name(install):
    install()
    install(module="acme_again")

    assert broken() == (
        'several packages bring a driver "acme-if": acme_again, acme_devicelog '
        "(uninstall all but one)"
    )


def test_a_name_that_nobody_knows_says_which_there_are(install):
    install()

    assert "there are combo, ifc-classic, us-classic, us-modbus, acme-if;" in (
        broken("acme")
    )


# --- What it gets wrong stays its own ------------------------------------------------


def faulty(install, *changes: tuple[str, str]):
    install(changes)
    it = driver(load("acme-if"))
    return it, it.framer()


def test_a_driver_that_raises_is_noise_that_says_so(install):
    it, _ = faulty(install)

    heard = it.hear(Frame(b"\xff\r"))

    assert heard.problem.startswith("driver acme-if failed: UnicodeDecodeError")
    assert it.hear(Frame(b"Time: 3\r")).problem == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('Decoded("if"', 'Decoded("us"'), "driver acme-if: no channel is named us"),
        (('"on": "running"', '"on": "offline"'), "no state is named offline"),
        (('"amplitude_1_ma":', '"amplitude_ma":'), "amplitude_ma is not in the"),
        (
            ("60.0 * float", "6e9 * float"),
            "time_left_s: 60000000000.0 is not plausible",
        ),
    ],
)
def test_what_a_profile_of_tables_would_refuse_is_refused(install, change, told):
    it, _ = faulty(install, change)
    it.hear(Frame(b"Time: 10\r"))
    it.hear(Frame(b"Strength 1: 7\r"))

    heard = it.hear(Frame(b"State: on\r"))

    assert told in heard.problem
    assert not heard.decoded


BAD = """class Bad:
    def __init__(self, feed):
        self.feed = feed


class Driver:"""
FRAMER = 'return LinesWire(end="<CR>").framing().framer()'


@pytest.mark.parametrize(
    ("framer", "told"),
    [
        ("return Bad(lambda data: 1 / 0)", "failed: ZeroDivisionError"),
        ("return Bad(lambda data: [Frame(b'xyz')])", "tells bytes that never came"),
        ("return Bad(lambda data: None)", "failed: TypeError"),
        ("return Bad(lambda data: [])", "holds 3 bytes back"),
        ("raise KeyError('framer')", "failed: KeyError"),
    ],
)
def test_bytes_that_a_framer_loses_or_makes_up_are_told_as_they_came(
    install, framer, told
):
    _, it = faulty(
        install,
        (FRAMER, framer),
        ("class Driver:", BAD),
        ("import Decoded", "import Decoded, Frame"),
    )
    pieces = [*it.feed(b"abc"), *it.feed(b"")]

    (noise,) = pieces
    assert isinstance(noise, Noise)
    assert noise.data == b"abc"
    assert told in noise.why
    assert it.pending == 0


def test_a_framer_that_never_ends_is_bounded(install):
    _, it = faulty(
        install,
        (FRAMER, "return Bad(lambda data: [])"),
        ("class Driver:", BAD),
    )
    told = 0
    for _ in range(300):
        told += sum(len(piece.data) for piece in it.feed(b"x" * 1000))
        assert it.pending <= 65_536
    assert told + it.pending == 300_000
