"""Lays out the golden frames of ifc-classic, us-classic and combo, byte by byte.

    python tests/golden/lay_out.py

It shares no code with what it tests: places are written down here as the comments of
the profiles tell them, numbers are decimal strings, checks are computed bit by bit. The
files it writes are what the tests read.
"""

import json
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
STATES = (
    *("idle", "ready", "ramping", "running", "hold_contact"),
    *("paused", "finished", "aborted", "fault", "selftest"),
)
ROWS = 10


def crc16_modbus(data):
    """Polynomial 0x8005 reflected (0xA001), start 0xFFFF; low byte first."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            carry = register & 1
            register >>= 1
            if carry:
                register ^= 0xA001
    return bytes((register & 0xFF, register >> 8))


def sum_hex(text):
    total = 0
    for letter in text:
        total += ord(letter)
    return f"{total % 256:02X}"


def turn(choices, n):
    return choices[n % len(choices)]


def real(text):
    return float(Decimal(text))


def dropped(values):
    return {name: value for name, value in values.items() if value is not None}


# --- ifc-classic -------------------------------------------------------------------

WAVEFORMS = (
    (1, "4-pole classic"),
    (2, "4-pole isoplanar"),
    (3, "4-pole dipole"),
    (4, "2-pole"),
)
SWEEPS = ((0, "none"), (1, "1/1"), (2, "6/6"), (3, "12/12"), (4, "1/30/1/30"))
VECTORS = ((0, "off"), (1, "manual"), (2, "rotating"), (3, "scan"))
IFC_FAULTS = (
    (1, "E1 electrode open"),
    (2, "E2 overcurrent"),
    (3, "E3 hot"),
    (4, "E4 self-test"),
    (77, "E77"),
    (255, "E255"),
)
# set and gone, in seconds
IFC_TIMES = (
    (900, 0), (1200, 1), (60, 59), (3600, 3599), (600, 311),
    (1800, 256), (300, 255), (1500, 1499), (900, 450), (1200, 1200),
)  # fmt: skip
CARRIERS = (4000, 2000, 10000, 2500, 5000, 9999, 4100, 8000, 3000, 4000)
# base and span, in Hz; the device adds the span to the base
BEATS = (
    (80, 70), (100, 0), (1, 150), (200, 100), (50, 1),
    (10, 10), (90, 20), (150, 0), (120, 30), (4, 96),
)  # fmt: skip
# set in 0.5 mA, given in 0.1 mA, load in 10 ohm
CURRENTS = (
    (36, 180, 52), (0, 0, 65535), (200, 1000, 0), (1, 5, 65534), (44, 219, 101),
    (37, 3, 250), (100, 499, 1000), (3, 15, 99), (73, 364, 47), (12, 61, 33),
)  # fmt: skip
BALANCES = (0, -33, 33, 1, -1, 10, -20, 32, -32, 5)
RAMPS = (60, 0, 1, 240, 9, 2, 20, 5, 3, 7)  # half seconds


def word(number):
    return bytes((number >> 8, number & 0xFF))


def counted(data):
    """5A A5, the number of bytes that follow, the data, the CRC over all but 5A A5."""
    checked = bytes((len(data) + 2,)) + data
    return b"\x5a\xa5" + checked + crc16_modbus(checked)


def ifc_status(state, n):
    programme = state not in ("idle", "selftest")
    set_s, gone_s = turn(IFC_TIMES, n) if programme else (0, 0)
    if state == "ready":
        gone_s = 0
    if state == "finished":
        gone_s = set_s
    wave, wave_said = turn(WAVEFORMS, n) if programme else (0, None)
    carrier = turn(CARRIERS, n) if programme else 0
    base, span = turn(BEATS, n) if programme else (0, 0)
    sweep, sweep_said = turn(SWEEPS, n) if programme else SWEEPS[0]
    vector, vector_said = turn(VECTORS, n + 1) if programme else VECTORS[0]
    fault, fault_said = turn(IFC_FAULTS, n) if state == "fault" else (0, None)
    one, two = turn(CURRENTS, n), turn(CURRENTS, n + 3)
    if not programme:
        one = two = (0, 0, 65535)
    elif state not in ("ramping", "running"):
        one, two = (one[0], 0, 65535), (two[0], 0, 65535)
    balance = turn(BALANCES, n) if programme else 0
    ramp = turn(RAMPS, n) if programme else 0
    on_1, on_2 = (n % 2, n // 2 % 2) if state == "hold_contact" else (1, (n + 1) % 2)
    voltage = n % 3 == 2
    data = bytes((0x21, STATES.index(state), fault, wave))
    data += bytes((on_1 | on_2 << 1 | voltage << 7,))
    data += word(set_s) + word(gone_s) + word(carrier)
    data += bytes((base, span, sweep, vector, balance & 0xFF, ramp, one[0], two[0]))
    data += word(one[1]) + word(two[1]) + word(one[2]) + word(two[2])
    values = {
        "fault_code": fault_said,
        "waveform": wave_said,
        "electrode_1_ok": bool(on_1),
        "electrode_2_ok": bool(on_2),
        "regulation": "CV" if voltage else "CC",
        "time_set_s": float(set_s),
        "time_elapsed_s": float(gone_s),
        "time_left_s": float(set_s - gone_s),
        "carrier_hz": float(carrier) if programme else None,
        "beat_low_hz": float(base) if programme else None,
        "beat_high_hz": float(base + span) if programme else None,
        "sweep_program": sweep_said,
        "vector_mode": vector_said,
        "balance_pct": float(balance),
        "ramp_s": ramp / 2,
        "amplitude_1_ma": one[0] / 2,
        "amplitude_2_ma": two[0] / 2,
        "amplitude_actual_1_ma": real(f"{one[1] // 10}.{one[1] % 10}"),
        "amplitude_actual_2_ma": real(f"{two[1] // 10}.{two[1] % 10}"),
        "impedance_1_kohm": kohm(one[2]),
        "impedance_2_kohm": kohm(two[2]),
    }
    return counted(data), "if", values


def kohm(raw):
    return None if raw == 65535 else real(f"{raw // 100}.{raw % 100:02d}")


def ifc_hello(model, serial, firmware):
    data = b"\x01" + model.ljust(12, "\0").encode() + serial.ljust(12, "\0").encode()
    return counted(data + firmware.ljust(6, "\0").encode())


# --- us-classic --------------------------------------------------------------------

US_STATES = dict(zip(STATES, "IRATCPFXEB", strict=True))
US_FAULTS = (
    ("01", "E01 head hot"),
    ("02", "E02 no head"),
    ("03", "E03 generator"),
    ("17", "E17"),
    ("A5", "EA5"),
)
US_TIMES = (
    ("0300", "0299.5"), ("0480", "0479.9"), ("0060", "0000.1"), ("1800", "1799.9"),
    ("0360", "0265.0"), ("0600", "0300.3"), ("0120", "0119.7"), ("0900", "0450.6"),
    ("0240", "0123.4"), ("0300", "0131.8"),
)  # fmt: skip
# frequency: label and MHz; duty; pulses a second ("000": none)
US_PULSES = (
    ("3", 3.2, "020", "100"), ("1", 1.0, "100", "000"), ("1", 1.0, "050", "100"),
    ("3", 3.2, "010", "048"), ("1", 1.0, "020", "016"), ("3", 3.2, "033", "100"),
    ("3", 3.2, "100", "000"), ("1", 1.0, "005", "100"), ("1", 1.0, "019", "048"),
    ("3", 3.2, "020", "016"),
)  # fmt: skip
# set and given in W/cm2, W given
US_LEVELS = (
    ("0.50", "0.50", "02.50"), ("1.00", "0.97", "04.85"), ("0.00", "0.00", "00.00"),
    ("3.00", "3.00", "15.00"), ("0.30", "0.29", "00.24"), ("0.10", "0.10", "00.08"),
    ("2.00", "1.99", "09.95"), ("0.80", "0.81", "04.05"), ("1.50", "1.50", "07.50"),
    ("0.07", "0.07", "00.35"),
)  # fmt: skip
# name, area, BNR
US_HEADS = (("A", "05.0", "4.1"), ("B", "00.8", "5.2"), ("A", "10.0", "9.9"))
US_WARMTH = ("30.5", "40.6", "--.-", "24.0", "79.9", "00.1", "37.3")


def delimited(text):
    return b"\x02" + (text + sum_hex(text)).encode() + b"\x03"


def us_status(state, n):
    programme = state not in ("idle", "selftest")
    emits = state in ("ramping", "running")
    set_s, left = turn(US_TIMES, n) if programme else ("0000", "0000.0")
    if state == "finished":
        left = "0000.0"
    label, mhz, duty, rate = (
        turn(US_PULSES, n) if programme else ("0", None, "000", "000")
    )
    level, given, power = turn(US_LEVELS, n) if programme else US_LEVELS[2]
    if not emits:
        given, power = "0.00", "00.00"
    headless = n == 7 and not emits
    head, area, bnr = ("-", "00.0", "0.0") if headless else turn(US_HEADS, n)
    fault, fault_said = turn(US_FAULTS, n) if state == "fault" else ("00", None)
    contact = "0" if state == "hold_contact" or headless else "1"
    warmth = turn(US_WARMTH, n)
    text = "S" + US_STATES[state] + fault + set_s + left + label + duty + rate
    text += level + given + power + head + area + bnr + contact + warmth
    values = {
        "intensity_convention": "SATP",
        "fault_code": fault_said,
        "time_set_s": real(set_s),
        "time_left_s": real(left),
        "frequency_mhz": mhz,
        "duty_pct": real(duty) if programme else None,
        "pulse_repetition_hz": None if rate == "000" else real(rate),
        "intensity_w_cm2": real(level),
        "intensity_actual_w_cm2": real(given),
        "power_actual_w": real(power),
        "head_id": None if headless else head,
        "era_cm2": None if headless else real(area),
        "bnr": None if headless else real(bnr),
        "contact_ok": contact == "1",
        "head_temp_c": None if warmth == "--.-" else real(warmth),
    }
    return delimited(text), "us", values


def us_identity(model, serial, firmware):
    return delimited("I" + model.ljust(12) + serial.ljust(10) + firmware.ljust(5))


# --- combo -------------------------------------------------------------------------

WORDS = (
    *("IDLE", "READY", "RAMP", "RUN", "HOLD"),
    *("PAUSE", "DONE", "STOP", "FAULT", "TEST"),
)
COMBO_STATES = dict(zip(STATES, WORDS, strict=True))
COMBO_TIMES = (
    ("300", "299"), ("480", "480"), ("60", "1"), ("3600", "3599"), ("360", "265"),
    ("600", "300"), ("120", "7"), ("900", "450"), ("240", "123"), ("1200", "131"),
)  # fmt: skip
COMBO_US = (
    ("3.0", "20", "0.50", "0.50"), ("1.0", "100", "1.00", "0.97"),
    ("1.0", "50", "0.00", "0.00"), ("3.0", "10", "3.00", "3.00"),
    ("1.0", "20", "0.30", "0.29"), ("3.0", "50", "0.10", "0.10"),
    ("3.0", "100", "2.00", "1.99"), ("1.0", "10", "0.80", "0.81"),
    ("1.0", "50", "1.50", "1.50"), ("3.0", "20", "0.07", "0.07"),
)  # fmt: skip
COMBO_US_FAULTS = (
    ("1", "E1 head hot"),
    ("2", "E2 no head"),
    ("3", "E3 generator"),
    ("12", "E12"),
)
COMBO_IF_FAULTS = (
    ("1", "E1 electrode open"),
    ("2", "E2 overcurrent"),
    ("3", "E3 generator"),
    ("9A", "E9A"),
)
# waveform and what it is, carrier, beat low and high, sweep ("-": none), set, given
COMBO_IF = (
    ("4P", "4-pole", "4000", "80", "150", "6/6", "18.0", "17.9"),
    ("2P", "2-pole premodulated", "4000", "100", "100", "-", "0.0", "0.0"),
    ("4P", "4-pole", "2500", "1", "200", "12/12", "100.0", "100.0"),
    ("4P", "4-pole", "10000", "50", "51", "1/1", "0.3", "0.3"),
    ("2P", "2-pole premodulated", "5000", "0", "10", "6/6", "22.0", "21.8"),
)


def line(parts):
    text = "".join(f"{key}={value}," for key, value in parts)
    return ("$" + text + sum_hex(text) + "\r\n").encode()


def combo_us(state, n):
    programme = state not in ("idle", "selftest")
    set_s, left = turn(COMBO_TIMES, n) if programme else ("0", "0")
    if state == "finished":
        left = "0"
    mhz, duty, level, given = (
        turn(COMBO_US, n) if programme else ("-", "-", "0.00", "0.00")
    )
    if state not in ("ramping", "running"):
        given = "0.00"
    fault, fault_said = turn(COMBO_US_FAULTS, n) if state == "fault" else ("0", None)
    head, area = turn((("A5", "5.0"), ("S1", "0.8"), ("-", "-")), n)
    contact = "0" if state == "hold_contact" or head == "-" else "1"
    frame = line(
        (
            *(("CH", "US"), ("ST", COMBO_STATES[state]), ("E", fault)),
            *(("T", set_s), ("L", left), ("F", mhz), ("D", duty), ("I", level)),
            *(("IA", given), ("H", head), ("A", area), ("C", contact)),
        )
    )
    values = {
        "intensity_convention": "unknown",
        "fault_code": fault_said,
        "time_set_s": real(set_s),
        "time_left_s": real(left),
        "frequency_mhz": real(mhz) if programme else None,
        "duty_pct": real(duty) if programme else None,
        "intensity_w_cm2": real(level),
        "intensity_actual_w_cm2": real(given),
        "head_id": None if head == "-" else head,
        "era_cm2": None if head == "-" else real(area),
        "contact_ok": contact == "1",
    }
    return frame, "us", values


def combo_if(state, n):
    programme = state not in ("idle", "selftest")
    set_s, left = turn(COMBO_TIMES, n + 2) if programme else ("0", "0")
    if state == "finished":
        left = "0"
    wave, wave_said, carrier, low, high, sweep, level, given = (
        turn(COMBO_IF, n)
        if programme
        else ("-", None, "-", "-", "-", "-", "0.0", "0.0")
    )
    if state not in ("ramping", "running"):
        given = "0.0"
    fault, fault_said = turn(COMBO_IF_FAULTS, n) if state == "fault" else ("0", None)
    regulation = turn(("CC", "CV", "CC"), n)
    two = wave == "4P"
    on_1, on_2 = ("0", turn("01", n)) if state == "hold_contact" else ("1", "1")
    if not two:
        on_2 = "-"
    frame = line(
        (
            *(("CH", "IF"), ("ST", COMBO_STATES[state]), ("E", fault)),
            *(("T", set_s), ("L", left), ("W", wave), ("CF", carrier)),
            *(("BL", low), ("BH", high), ("SW", sweep), ("R", regulation)),
            *(("A1", level), ("A2", level if two else "-")),
            *(("M1", given), ("M2", given if two else "-")),
            *(("O1", on_1), ("O2", on_2)),
        )
    )
    values = {
        "fault_code": fault_said,
        "time_set_s": real(set_s),
        "time_left_s": real(left),
        "waveform": wave_said,
        "carrier_hz": real(carrier) if programme else None,
        "beat_low_hz": real(low) if programme else None,
        "beat_high_hz": real(high) if programme else None,
        "sweep_program": None if sweep == "-" else sweep,
        "regulation": regulation,
        "amplitude_1_ma": real(level),
        "amplitude_2_ma": real(level) if two else None,
        "amplitude_actual_1_ma": real(given),
        "amplitude_actual_2_ma": real(given) if two else None,
        "electrode_1_ok": on_1 == "1",
        "electrode_2_ok": None if on_2 == "-" else on_2 == "1",
    }
    return frame, "if", values


def combo_identity(model, serial, firmware):
    return line((("CH", "ID"), ("M", model), ("N", serial), ("V", firmware)))


# --- What cannot be so, though its check fits ----------------------------------------


def changed(data, at, value):
    return counted(bytes((*data[3:at], *value, *data[at + len(value) : -2])))


def ifc_unbelievable():
    good = ifc_status("running", 0)[0]
    yield changed(good, 4, b"\x0a"), "state: code 10 is none the profile knows"
    yield changed(good, 6, b"\x09"), "waveform: code 9 is none the profile knows"
    yield (
        changed(good, 8, word(3601)),
        "time_set_s: 3601 s is not within 0 to 3600",
    )
    yield (
        changed(good, 12, word(1999)),
        "carrier_hz: 1999 Hz is not within 2000 to 10000",
    )
    yield changed(good, 15, b"\xff"), "beat_high_hz: 335 Hz is not within 0 to 300"
    yield changed(good, 18, b"\x80"), "balance_pct: -128 % is not within -33 to 33"
    yield (
        changed(good, 22, word(1001)),
        "amplitude_actual_1_ma: 100.1 mA is not within 0 to 100",
    )
    yield counted(good[3:-2] + b"\0"), "33 bytes of data, 32 were asked for"


def us_unbelievable():
    good = us_status("running", 0)[0].decode()[1:-3]
    for at, said, problem in (
        (2, "Q", "state: code Q is none the profile knows"),
        (15, "2", "frequency_mhz: code 2 is none the profile knows"),
        (43, "2", "contact_ok: code 2 is none the profile knows"),
        (5, "1801", "time_set_s: 1801 s is not within 0 to 1800"),
        (44, "80.1", "head_temp_c: 80.1 Cel is not within 0 to 80"),
        (22, "0.5 ", "intensity_w_cm2: '0.5 ' is no number as declared"),
        (22, "+.50", "intensity_w_cm2: '+.50' is no number as declared"),
        (9, "29 9.5", "time_left_s: '29 9.5' is no number as declared"),
    ):
        yield delimited(good[: at - 1] + said + good[at - 1 + len(said) :]), problem
    yield delimited(good + "0"), "52 characters, not 51"


def combo_unbelievable():
    good = combo_us("running", 0)[0].decode()[1:-5].split(",")
    for key, said, problem in (
        ("ST", "ST=RUNN", "state: code RUNN is none the profile knows"),
        ("ST", "ST=", "state: code  is none the profile knows"),
        ("T", "T=3601", "time_set_s: 3601 s is not within 0 to 3600"),
        ("I", "I=0.5", "intensity_w_cm2: '0.5' is no number as declared"),
        ("I", "I=0.500", "intensity_w_cm2: '0.500' is no number as declared"),
        ("I", "I=5e-1", "intensity_w_cm2: '5e-1' is no number as declared"),
        ("D", "D=0", "duty_pct: 0 % is not within 1 to 100"),
        ("L", "L=nan", "time_left_s: 'nan' is no number as declared"),
        ("L", "LL=7", "time_left_s: there is no L"),
        ("L", "T=300", "T stands twice"),
        ("L", "L", "'L' is no KEY=VALUE"),
    ):
        text = ",".join(said if it.startswith(key + "=") else it for it in good) + ","
        yield ("$" + text + sum_hex(text) + "\r\n").encode(), problem
    text = ",".join(good)
    yield (
        ("$" + text + sum_hex(text) + "\r\n").encode(),
        "no ',' stands behind the last",
    )


# --- All of it ---------------------------------------------------------------------

WHO = (("SIM-1", "0001", "1.0"), ("M 2000", "A-17", "2.10"), ("", "", ""))
UNBELIEVABLE = {
    "ifc-classic": ifc_unbelievable,
    "us-classic": us_unbelievable,
    "combo": combo_unbelievable,
}
PROFILES = {
    "ifc-classic": ([("status", ifc_status)], ("hello", ifc_hello), {}),
    "us-classic": (
        [("status", us_status)],
        ("identity", us_identity),
        {"identity": delimited("?I"), "status": delimited("?S")},
    ),
    "combo": (
        [("us", combo_us), ("if", combo_if)],
        ("identity", combo_identity),
        {"identity": b"?ID\r\n", "us": b"?US\r\n", "if": b"?IF\r\n"},
    ),
}


def rows(messages, state):
    for message, told in messages:
        for n in range(ROWS):
            frame, channel, values = told(state, n)
            yield {
                "frame": frame.hex(" "),
                "message": message,
                "channel": channel,
                "values": dropped(values),
            }


def identities(message, told):
    for model, serial, firmware in WHO:
        who = {"model": model, "serial": serial, "firmware": firmware}
        frame = told(model, serial, firmware).hex(" ")
        yield {"frame": frame, "message": message, "identity": who}


def files():
    """Every file as (path, text)."""
    for name, (messages, (who, told), asks) in PROFILES.items():
        tables = {state: rows(messages, state) for state in STATES}
        tables["identity"] = identities(who, told)
        tables["requests"] = (
            {"request": key, "frame": it.hex(" ")} for key, it in asks.items()
        )
        tables["unbelievable"] = (
            {"frame": frame.hex(" "), "problem": problem}
            for frame, problem in UNBELIEVABLE[name]()
        )
        for table, made in tables.items():
            lines = ",\n".join(json.dumps(row) for row in made)
            yield HERE / name / f"{table}.json", f"[\n{lines}\n]\n"


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text)
