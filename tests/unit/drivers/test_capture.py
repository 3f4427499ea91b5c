"""What a profile makes of captured bytes, and the command that shows it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from devicelog.cli.commands import main
from devicelog.drivers.capture import Summary, explain, summary
from devicelog.drivers.load import available, driver, load
from devicelog.drivers.modbus import ModbusDriver

GOLDEN = Path(__file__).parents[2] / "golden"


def golden(profile, name, n=0):
    rows = json.loads((GOLDEN / profile / f"{name}.json").read_text())
    return bytes.fromhex(rows[n]["frame"]), rows[n]


def asks(profile):
    it = driver(load(profile))
    return {one.name: one.data for one in (it.identify(), *it.polls()) if one}


@pytest.mark.parametrize("profile", available())
def test_each_piece_of_a_capture_is_told_in_its_place(profile):
    frame, row = golden(profile, "running")
    who, _ = golden(profile, "identity")
    hurt = frame[:-3] + bytes((frame[-3] ^ 1,)) + frame[-2:]
    data = b"\xfe\xfe" + who + hurt + frame + frame[:5]

    told = [*explain(load(profile), data)]

    assert [it.what for it in told] == [
        "noise",
        "identity",
        "noise",
        "reading",
        "noise",
    ]
    assert b"".join(bytes.fromhex(it.raw) for it in told) == data
    assert [it.at for it in told] == [
        0,
        2,
        2 + len(who),
        2 + len(who + hurt),
        2 + len(who + hurt + frame),
    ]
    assert told[3].decoded[0].values == row["values"]
    assert told[4].text == "half a frame, then silence"
    assert summary(told) == Summary(
        bytes=len(data), frames=2, readings=1, noise=2 + len(hurt) + 5
    )


@pytest.mark.parametrize("profile", ["us-modbus", "us-classic", "combo"])
def test_a_conversation_shows_who_asks(profile):
    frame, _ = golden(profile, "running")
    message = "us" if profile == "combo" else "status"

    told = [*explain(load(profile), asks(profile)[message] + frame)]

    assert [it.what for it in told] == ["request", "reading"]
    assert told[1].text.endswith(f"as an answer to `{message}`")


def test_an_answer_that_cannot_be_believed_says_why_though_nobody_is_seen_to_ask():
    frame, row = golden("us-modbus", "unbelievable")

    (told,) = explain(load("us-modbus"), frame)

    assert (told.what, told.text) == ("noise", row["problem"])


def test_what_says_nothing_to_the_profile():
    assert isinstance(driver(load("us-modbus")), ModbusDriver)
    text = b"Z=1,"
    frame = b"$" + text + b"%02X\r\n" % (sum(text) % 256)
    (told,) = explain(load("combo"), frame)

    assert told.text == "a frame that says nothing to this profile"


def test_nothing_is_nothing():
    assert [*explain(load("combo"), b"")] == []
    assert summary([]) == Summary(0, 0, 0, 0)


# --- The command ---------------------------------------------------------------------


def run(*args: str):
    return CliRunner().invoke(main, ["profile", "check", *args])


def test_the_command_shows_frame_by_frame(tmp_path):
    frame, _ = golden("us-classic", "running")
    file = tmp_path / "capture.bin"
    file.write_bytes(b"\xff" + frame)
    result = run("us-classic", "--capture", str(file))

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "sends     `identity` <STX>?I88<ETX>, `status` <STX>?S92<ETX>" in lines
    assert "     0  noise     no frame begins so" in lines
    assert "     1  reading   channel us is running, as an answer to `status`" in lines
    assert lines[-1] == "52 bytes: 1 frame, 1 reading, 1 byte of noise"


def test_the_example_in_the_pages_of_the_command_line_is_what_it_prints():
    page = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    result = run("combo", "--capture", "3f 55 53 0d 0a ff")

    assert result.stdout in page


def test_the_command_takes_hexadecimal_digits_and_prints_json():
    frame, row = golden("ifc-classic", "running")
    result = run("ifc-classic", "--json", "--capture", frame.hex(" "))

    told = json.loads(result.stdout)
    assert told["problems"] == []
    assert told["pieces"][0]["decoded"][0]["values"] == row["values"]
    assert told["summary"] == {"bytes": 32, "frames": 1, "readings": 1, "noise": 0}
    assert told["facts"]["sends"] == "nothing: the device speaks unasked"


@pytest.mark.parametrize("profile", available())
def test_a_profile_that_can_be_used_says_so(profile):
    result = run(profile)

    assert result.exit_code == 0
    assert "It can be used." in result.stdout
    for data in asks(profile).values():
        assert "<" in result.stdout or data.decode() in result.stdout


def test_what_is_wrong_with_a_profile_is_told_with_line_key_value_and_remedy(tmp_path):
    file = tmp_path / "mine.toml"
    text = (Path(load.__code__.co_filename).parent / "profiles/combo.toml").read_text()
    file.write_text(text.replace("baud = 9600", "baud = 9601"))
    plain, as_json = run(str(file)), run(str(file), "--json")

    line = 1 + text[: text.index("baud")].count("\n")
    assert plain.exit_code == as_json.exit_code == 3
    assert f"mine.toml:{line}: line.baud: 9601 is no usual speed (as in 9600)" in (
        plain.stderr
    )
    assert json.loads(as_json.stdout)["problems"] == [
        {
            "where": f"{file}:{line}",
            "key": "line.baud",
            "message": "9601 is no usual speed",
            "remedy": "as in 9600",
        }
    ]


@pytest.mark.parametrize("capture", ["xyz", "5a a", "/nowhere/capture.bin"])
def test_what_is_no_capture(capture):
    result = run("combo", "--capture", capture)

    assert result.exit_code == 3
    assert "no capture in" in result.stderr
