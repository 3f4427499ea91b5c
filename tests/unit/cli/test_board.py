"""The board and what tells a treatment in words."""

import io
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from devicelog.cli.board import render
from devicelog.journal.reader import SessionRow
from devicelog.model.states import LINE_STATES, STATES
from devicelog.model.words import dose_in_words, settings_in_words
from devicelog.operations.status import ChannelStatus, DeviceStatus, Status

SETTINGS = {
    "frequency_mhz": 3.0,
    "duty_pct": 20.0,
    "intensity_w_cm2": 0.5,
    "intensity_convention": "SATP",
    "time_set_s": 300.0,
}
RUNNING = ChannelStatus(
    name="us",
    modality="us",
    state="running",
    time_left_s=75.0,
    settings=SETTINGS,
    session_id="us-1.us.20261124T080000Z",
    totals={"energy_j": 18.0, "emission_s": 225.0, "contacts_lost": 2},
)
DEVICE = DeviceStatus(
    name="us-1",
    label="Ultrasound, room 1",
    profile="us-modbus",
    port="/dev/x",
    access="poll",
    line="online",
    text="online",
    channels=(RUNNING,),
)
STATUS = Status(
    running=True,
    site="sim-clinic",
    simulated=True,
    directory="/var/lib/devicelog",
    journal="recording",
    committed=42,
    devices=(DEVICE,),
)


def with_channel(**changes: Any):
    channel = msgspec.structs.replace(RUNNING, **changes)
    return with_device(channels=(channel,))


def with_device(**changes: Any):
    device = msgspec.structs.replace(DEVICE, **changes)
    return msgspec.structs.replace(STATUS, devices=(device,))


def shown(status, width=80, recent=(), zone=UTC):
    console = Console(file=io.StringIO(), width=width, height=24)
    console.print(render(status, recent, zone))
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return [line.rstrip() for line in lines]


def test_a_treatment_at_a_glance_in_80_columns():
    assert shown(STATUS)[:5] == [
        "devicelog  sim-clinic   SIMULATED   recording, 42 entries kept",
        "",
        "device              state        time left              dose so far",
        "Ultrasound, room 1  running      1:15   ██████████░░░░  18 J in 3:45",
        "  3 MHz, 20 %, 0.5 W/cm2 (SATP), 5:00  contact lost 2x",
    ]


@pytest.mark.parametrize("width", [40, 80, 120, 300])
def test_no_width_breaks_a_line(width):
    long = with_device(
        label="The ultrasound device with a very long name in room 17",
        line="noise",
        text="open, bytes arrive, none decode: wrong speed, format or profile? " * 3,
        problems=("a very long problem " * 20,),
    )
    lines = shown(long, width)

    assert len(lines) == 8


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_word(state):
    words = {
        "hold_contact": "contact lost",
        "ramping": "rising",
        "aborted": "stopped",
        "selftest": "self-test",
    }
    line = shown(with_channel(state=state))[3]

    assert f"Ultrasound, room 1  {words.get(state, state)} " in line


@pytest.mark.parametrize("line", LINE_STATES)
def test_what_is_wrong_with_a_line_stands_under_its_device(line):
    lines = shown(with_device(line=line, text="the sentence"))

    assert ("  the sentence" in lines) == (line not in ("online", "closed"))


def test_at_rest_there_is_nothing_but_the_state():
    assert shown(with_channel(state="idle", session_id=""))[3:5] == [
        "Ultrasound, room 1  idle",
        "",
    ]


def test_a_parked_device_says_why():
    lines = shown(with_device(channels=(), problems=("my.toml:3: port: is missing",)))

    assert lines[3] == "Ultrasound, room 1  parked"
    assert lines[4] == "  my.toml:3: port: is missing"


def test_what_everybody_must_know_is_on_it():
    status = msgspec.structs.replace(
        STATUS,
        journal="disk_full",
        backlog=7000,
        clock_ok=False,
        alarms=("the disk is full",),
        devices=(),
    )
    lines = shown(status, 120)

    assert "disk full, 42 entries kept, 7000 waiting  clock not trusted" in lines[0]
    assert "no device is configured" in lines
    assert "alarm: the disk is full" in lines


def test_a_device_of_two_channels_has_a_line_for_each():
    one, two = (msgspec.structs.replace(RUNNING, name=name) for name in ("us", "if"))
    lines = shown(with_device(channels=(one, two)))

    assert [line.split("  ")[0] for line in lines[3:7:2]] == [
        "Ultrasound, roo us",
        "Ultrasound, roo if",
    ]


def test_the_last_treatments_stand_in_the_clinics_time():
    row = SessionRow(
        **{
            name: {"settings": {}, "flags": (), "open": False}.get(name, 0)
            for name in SessionRow.__struct_fields__
        }
        | {
            "session_id": "us-1.us.20261124T080000Z",
            "device": "us-1",
            "reason": "stopped_early",
            "ended_ns": 1_795_507_200_000_000_000,  # 2026-11-24T08:00:00Z
            "totals": {"energy_j": 4.25, "emission_s": 61.0},
        }
    )
    lines = shown(STATUS, recent=[row], zone=ZoneInfo("Europe/Berlin"))

    assert lines[-2] == "09:00  Ultrasound, room 1  stopped early  4.2 J in 1:01"


@given(
    st.dictionaries(
        st.sampled_from([*SETTINGS, "carrier_hz", "amplitude_1_ma"]), st.floats(0, 100)
    ),
    st.dictionaries(
        st.sampled_from(
            [
                "energy_j",
                "energy_if_sata_j",
                "energy_if_satp_j",
                "emission_s",
                "amplitude_1_mean_ma",
            ]
        ),
        st.floats(0, 1e5),
    ),
)
def test_any_values_have_words(settings, totals):
    assert settings_in_words(settings) == "" or settings
    assert dose_in_words(totals) == "" or totals


def test_where_the_convention_is_unknown_there_is_no_single_dose():
    words = dose_in_words({"energy_if_sata_j": 48.0, "energy_if_satp_j": 9.6})

    assert words == "9.6 J if SATP, 48 J if SATA"
    alike = dose_in_words({"energy_if_sata_j": 269.0, "energy_if_satp_j": 269.0})
    assert alike == "269 J"


def test_current_has_its_words():
    assert settings_in_words({"carrier_hz": 4000.0, "amplitude_1_ma": 20.0}) == (
        "4 kHz, 20 mA"
    )
    assert dose_in_words({"amplitude_1_mean_ma": 20.75, "emission_s": 600.0}) == (
        "mean 20.8 mA in 10:00"
    )
