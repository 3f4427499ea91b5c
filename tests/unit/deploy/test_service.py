"""The unit, the rules of udev and of polkit: as their tools and manuals read them."""

import configparser
import re
import subprocess

import pytest
import requires
from unit.deploy.compose import ROOT

from devicelog import daemon
from devicelog.operations import watchdog

UNIT = ROOT / "config" / "systemd" / "devicelog.service"
POLKIT = ROOT / "config" / "systemd" / "50-devicelog.rules"
UDEV = ROOT / "config" / "udev" / "61-devicelog.rules"
# Of udev(7), as far as they stand here: what is compared, and what is set.
COMPARED = r"ACTION|SUBSYSTEM|ENV\{\w+\}|ATTR\{[\w/]+\}|TEST"
SET = r"ENV\{\w+\}|ATTR\{[\w/]+\}|SYMLINK|GOTO|LABEL"
PART = re.compile(rf'(?:(?:{COMPARED})(?:==|!=)|(?:{SET})(?:=|\+=))"[^"]*"')


class Several(dict):
    """A key that stands several times keeps all its values."""

    def __setitem__(self, key, value):
        if isinstance(value, list) and key in self:
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


def unit():
    parser = configparser.RawConfigParser(dict_type=Several, strict=False)
    parser.optionxform = str
    parser.read_string(UNIT.read_text())
    return parser


def runnable(tmp_path):
    """The unit with a program that is there."""
    text = UNIT.read_text()
    (program,) = re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE)
    there = tmp_path / "devicelog.service"
    there.write_text(text.replace(program, "/bin/true"))
    return there


def analyze(*words):
    requires.tool("systemd-analyze")
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_systemd_reads_the_unit_without_a_word(tmp_path):
    told = analyze("verify", str(runnable(tmp_path)))

    assert (told.returncode, told.stdout + told.stderr) == (0, "")


def test_systemd_finds_a_mistake_in_it(tmp_path):
    broken = runnable(tmp_path)
    broken.write_text(broken.read_text().replace("WatchdogSec=30", "WatchdogSecs=30"))

    assert "WatchdogSecs" in analyze("verify", str(broken)).stderr


def test_its_exposure_is_low(tmp_path):
    told = analyze(
        "security", "--offline=true", "--threshold=25", str(runnable(tmp_path))
    )

    assert told.returncode == 0, told.stdout[-400:]


def test_it_is_started_again_for_ever_and_watched():
    told = unit()

    assert told["Unit"]["StartLimitIntervalSec"] == "0"
    assert "Requires" not in told["Unit"]
    assert "Wants" not in told["Unit"]
    service = told["Service"]
    assert (service["Type"], service["Restart"]) == ("notify", "always")
    # Fed each second by the recorder, which gives up itself before that.
    ended_s = watchdog.HANG_S + daemon._LOOK_S + daemon._LAST_S
    assert ended_s + float(service["RestartSec"]) < 30
    assert daemon._ASLEEP_S + float(service["RestartSec"]) < 30
    assert daemon._LOOK_S * 2 < daemon._ASLEEP_S < float(service["WatchdogSec"])
    assert float(service["TimeoutStopSec"]) > daemon._END_S
    assert service["User"] == "devicelog"


def test_only_serial_ports_may_be_opened():
    text = UNIT.read_text()

    assert re.findall(r"^DevicePolicy=(.*)$", text, re.MULTILINE) == ["closed"]
    assert set(re.findall(r"^DeviceAllow=(.*)$", text, re.MULTILINE)) == {
        f"char-{name} rw" for name in ("ttyUSB", "ttyACM", "ttyS")
    }
    assert "SupplementaryGroups=dialout\n" in text


# --- udev ---------------------------------------------------------------------------


def rules(*, samples=False):
    for line in UDEV.read_text().splitlines():
        sample = re.fullmatch(r"# ((?:ENV|ATTRS?)\{.*)", line)
        if sample and samples:
            yield sample.group(1)
        elif line and not line.startswith("#"):
            yield line


@pytest.mark.parametrize("line", [*rules(samples=True)])
def test_a_rule_is_keys_operators_and_values(line):
    parts = re.split(r",\s+", line)

    assert all(PART.fullmatch(it) for it in parts), line
    compared = [it for it in parts if re.match(rf"(?:{COMPARED})(?:==|!=)", it)]
    assert compared or line.startswith("LABEL="), "a rule for every device there is"
    assert len(compared) < len(parts) or line.startswith("LABEL=")


def test_every_jump_has_its_label_behind_it():
    lines = [*rules()]
    for n, line in enumerate(lines):
        for label in re.findall(r'GOTO="(\w+)"', line):
            assert f'LABEL="{label}"' in lines[n + 1 :]


def test_the_rules_stand_after_serial_names_and_before_modems():
    number = int(UDEV.name.split("-")[0])

    assert 60 < number < 77  # 60-serial.rules, 77-mm-*.rules
    text = UDEV.read_text()
    (modem,) = [it for it in rules() if "ID_MM" in it]
    assert 'SUBSYSTEM=="tty"' in modem
    assert 'ENV{ID_BUS}=="usb"' in modem
    assert 'ENV{ID_MM_PORT_IGNORE}="1"' in modem
    assert "MODE=" not in text  # ports stay with dialout; nobody else opens them


# --- polkit ---------------------------------------------------------------------------


def test_polkit_lets_the_recorder_hold_sleep_up_and_nothing_else():
    text = POLKIT.read_text()

    assert set(re.findall(r"org\.freedesktop\.[\w.-]+", text)) == {
        "org.freedesktop.login1.inhibit-block-sleep",
        "org.freedesktop.login1.inhibit-block-shutdown",
    }
    assert 'subject.user == "devicelog" &&' in text
    assert text.count("{") == text.count("}")
    assert text.count("(") == text.count(")")
