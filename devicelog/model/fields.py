"""The catalogue of settings, measurements and totals: one name, unit and meaning each.

The MQTT schema, the store's fields, the dashboards' units, the FHIR components and the
exports' code book are made from it. Names carry their unit as a suffix; `unit` is UCUM.

Sources: [L] Rampazo & Liebano 2022, Medicina 58:141 (what an IFC report must state);
[5] IEC 60601-2-5; [10] IEC 60601-2-10; [61689] IEC 61689; [62462] IEC TS 62462;
[1050] 21 CFR 1050.10; [dl] defined here.
"""

from typing import Final, Literal

import msgspec

FieldKind = Literal["setting", "measurement", "total"]
FieldType = Literal["float", "int", "bool", "text"]
Value = float | int | bool | str


class Field(msgspec.Struct, frozen=True):
    """One entry of the catalogue.

    `modality` is `us`, `if` or `any`. `low` and `high` bound what is plausible, both
    included; outside of them a reading is not believed. None: no bound (text, bool).
    """

    name: str
    unit: str
    kind: FieldKind
    modality: Literal["us", "if", "any"]
    type: FieldType
    low: float | None
    high: float | None
    meaning: str
    source: str

    def plausible(self, value: Value) -> bool:
        """Whether the value may be believed."""
        if self.low is None or self.high is None or isinstance(value, str):
            return True
        return self.low <= value <= self.high


def _parse(table: str) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for line in table.strip().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, unit, kind, modality, type_, bounds, source, meaning = (
            cell.strip() for cell in line.split("|")
        )
        low, high = (None, None) if bounds == "-" else map(float, bounds.split(".."))
        row = (name, unit, kind, modality, type_, low, high, meaning, source)
        fields[name] = msgspec.convert(
            dict(zip(Field.__struct_fields__, row, strict=True)), Field
        )
    return fields


FIELDS: Final[dict[str, Field]] = _parse("""
# name | unit | kind | modality | type | bounds | source | meaning
time_set_s            | s     | setting     | any | float | 0..7200     | [1050] | treatment time set on the device
time_left_s           | s     | measurement | any | float | 0..7200     | [1050] | treatment time left on the device's own timer
time_elapsed_s        | s     | measurement | any | float | 0..7200     | [1050] | treatment time gone on the device's own timer
device_clock          | 1     | measurement | any | text  | -           | [dl]   | what the device says of its own clock; data, never a key
program               | 1     | setting     | any | text  | -           | [dl]   | programme name or number shown by the device
fault_code            | 1     | measurement | any | text  | -           | [dl]   | fault as the device names it
battery_pct           | %     | measurement | any | float | 0..100      | [dl]   | charge of the device's battery

frequency_mhz         | MHz   | setting     | us  | float | 0.02..5     | [5]    | ultrasonic frequency
duty_pct              | %     | setting     | us  | float | 1..100      | [1050] | share of time with emission; 100 is continuous
duty_raw              | 1     | setting     | us  | text  | -           | [dl]   | the device's own label of the duty cycle (1:4 is ambiguous)
pulse_repetition_hz   | Hz    | setting     | us  | float | 1..1000     | [1050] | pulse repetition rate
pulse_ms              | ms    | setting     | us  | float | 0.1..1000   | [1050] | pulse duration
intensity_w_cm2       | W/cm2 | setting     | us  | float | 0..3        | [5]    | intensity set, in the convention of intensity_convention
intensity_actual_w_cm2| W/cm2 | measurement | us  | float | 0..4        | [5]    | intensity that the device reports as emitted now
intensity_convention  | 1     | setting     | us  | text  | -           | [1050] | SATP (in the pulse), SATA (mean over time) or unknown
power_w               | W     | setting     | us  | float | 0..30       | [1050] | power set or shown by the device
power_actual_w        | W     | measurement | us  | float | 0..40       | [1050] | power that the device reports as emitted now
head_id               | 1     | setting     | us  | text  | -           | [dl]   | applicator as the device names it
head_serial           | 1     | setting     | us  | text  | -           | [dl]   | serial number of the applicator
era_cm2               | cm2   | setting     | us  | float | 0.1..20     | [61689]| effective radiating area of the applicator
bnr                   | 1     | setting     | us  | float | 1..10       | [5]    | beam non-uniformity ratio of the applicator
contact_ok            | 1     | measurement | us  | bool  | -           | [5]    | coupling to the skin as the device senses it
contact_pct           | %     | measurement | us  | float | 0..100      | [dl]   | coupling quality as the device shows it
head_temp_c           | Cel   | measurement | us  | float | 0..80       | [5]    | temperature of the applicator's face

waveform              | 1     | setting     | if  | text  | -           | [L]    | current form: 4-pole classic, isoplanar, dipole, 2-pole premodulated
carrier_hz            | Hz    | setting     | if  | float | 1000..12000 | [L]    | carrier frequency
beat_low_hz           | Hz    | setting     | if  | float | 0..300      | [L]    | lowest amplitude-modulation frequency
beat_high_hz          | Hz    | setting     | if  | float | 0..300      | [L]    | highest amplitude-modulation frequency; equals low without sweep
sweep_program         | 1     | setting     | if  | text  | -           | [L]    | swing pattern of the sweep, such as 6/6
sweep_cycle_s         | s     | setting     | if  | float | 0..120      | [L]    | duration of one whole sweep
vector_mode           | 1     | setting     | if  | text  | -           | [dl]   | vector: off, manual, rotating or scan
vector_angle_deg      | deg   | setting     | if  | float | 0..360      | [dl]   | angle of the interference vector
vector_rotation_s     | s     | setting     | if  | float | 0..60       | [dl]   | time of one rotation of the vector
scan_pct              | %     | setting     | if  | float | 0..100      | [dl]   | depth of the vector scan
balance_pct           | %     | setting     | if  | float | -50..50     | [dl]   | current balance between the two circuits
regulation            | 1     | setting     | if  | text  | -           | [10]   | CC constant current or CV constant voltage
amplitude_1_ma        | mA    | setting     | if  | float | 0..150      | [10]   | current set in circuit 1, r.m.s.
amplitude_2_ma        | mA    | setting     | if  | float | 0..150      | [10]   | current set in circuit 2, r.m.s.
amplitude_actual_1_ma | mA    | measurement | if  | float | 0..150      | [10]   | current that the device reports in circuit 1, r.m.s.
amplitude_actual_2_ma | mA    | measurement | if  | float | 0..150      | [10]   | current that the device reports in circuit 2, r.m.s.
amplitude_1_v         | V     | setting     | if  | float | 0..150      | [10]   | voltage set in circuit 1 (constant voltage), r.m.s.
amplitude_2_v         | V     | setting     | if  | float | 0..150      | [10]   | voltage set in circuit 2 (constant voltage), r.m.s.
ramp_s                | s     | setting     | if  | float | 0..120      | [10]   | time in which the current rises to its set value
burst_on_s            | s     | setting     | if  | float | 0..120      | [10]   | surge: time on
burst_off_s           | s     | setting     | if  | float | 0..120      | [10]   | surge: time off
impedance_1_kohm      | kOhm  | measurement | if  | float | 0..1000     | [10]   | load of circuit 1 as the device measures it
impedance_2_kohm      | kOhm  | measurement | if  | float | 0..1000     | [10]   | load of circuit 2 as the device measures it
electrode_1_ok        | 1     | measurement | if  | bool  | -           | [10]   | electrodes of circuit 1 attached, as the device senses it
electrode_2_ok        | 1     | measurement | if  | bool  | -           | [10]   | electrodes of circuit 2 attached, as the device senses it
electrode_area_cm2    | cm2   | setting     | if  | float | 0.5..500    | [10]   | area of one electrode
vacuum_kpa            | kPa   | setting     | if  | float | 0..80       | [dl]   | suction of vacuum electrodes

wall_s                | s     | total       | any | float | 0..86400    | [dl]   | from the first to the last reading of the session
device_s              | s     | total       | any | float | 0..86400    | [dl]   | time that the device's own timer counted
emission_s            | s     | total       | any | float | 0..86400    | [dl]   | time in ramping or running, from readings
output_s              | s     | total       | any | float | 0..86400    | [dl]   | the part of emission_s with amplitude above 0
paused_s              | s     | total       | any | float | 0..86400    | [dl]   | time paused by the operator
pauses                | {count}| total      | any | int   | 0..10000    | [dl]   | pauses by the operator
contact_lost_s        | s     | total       | any | float | 0..86400    | [dl]   | time held for lost contact
contacts_lost         | {count}| total      | any | int   | 0..10000    | [dl]   | losses of contact
gap_s                 | s     | total       | any | float | 0..86400    | [dl]   | time without readings; neither filled nor dosed
gaps                  | {count}| total      | any | int   | 0..10000    | [dl]   | gaps within the session
segments              | {count}| total      | any | int   | 0..10000    | [dl]   | parts with another head or after a fault; at least 1
setting_changes       | {count}| total      | any | int   | 0..10000    | [dl]   | times at which a person changed settings while running
faults                | {count}| total      | any | int   | 0..10000    | [dl]   | faults reported within the session
timer_error_pct       | %     | total       | any | float | -100..1000  | [1050] | device's timer against emission measured here; positive: timer runs fast
coverage_pct          | %     | total       | any | float | 0..100      | [dl]   | share of the session that readings cover
readings              | {count}| total      | any | int   | 0..1000000  | [dl]   | readings kept from start to end
time_set_main_s       | s     | total       | any | float | 0..7200     | [1050] | treatment time set: the longest that stood during the session
energy_j              | J     | total       | us  | float | 0..100000   | [5]    | energy emitted with contact; absent where the convention is unknown
energy_if_satp_j      | J     | total       | us  | float | 0..100000   | [5]    | energy if the intensity is SATP; given where the convention is unknown
energy_if_sata_j      | J     | total       | us  | float | 0..100000   | [5]    | energy if the intensity is SATA; given where the convention is unknown
energy_density_j_cm2  | J/cm2 | total       | us  | float | 0..10000    | [5]    | energy over effective radiating area (per segment, summed)
energy_corrected_j    | J     | total       | us  | float | 0..200000   | [62462]| energy_j by the head's last output check before the session
energy_corrected_if_satp_j| J | total       | us  | float | 0..200000   | [62462]| energy_if_satp_j by the head's last output check before the session
energy_corrected_if_sata_j| J | total       | us  | float | 0..200000   | [62462]| energy_if_sata_j by the head's last output check before the session
energy_treated_j_cm2  | J/cm2 | total       | us  | float | 0..10000    | [dl]   | energy_j over the treated area, where a person said it
energy_treated_if_satp_j_cm2| J/cm2 | total | us  | float | 0..10000    | [dl]   | energy_if_satp_j over the treated area
energy_treated_if_sata_j_cm2| J/cm2 | total | us  | float | 0..10000    | [dl]   | energy_if_sata_j over the treated area
output_error_pct      | %     | total       | us  | float | -100..100   | [62462]| error of the head's output by that check; positive: it gives more than it shows
intensity_mean_w_cm2  | W/cm2 | total       | us  | float | 0..4        | [5]    | time-weighted mean intensity while emitting with contact, as indicated
intensity_max_w_cm2   | W/cm2 | total       | us  | float | 0..4        | [5]    | highest intensity while emitting with contact, as indicated
power_mean_w          | W     | total       | us  | float | 0..40       | [5]    | energy over emission time with contact
head_temp_max_c       | Cel   | total       | us  | float | 0..80       | [5]    | highest temperature of the applicator
dose_planned_j        | J     | total       | us  | float | 0..100000   | [dl]   | dose as set: first running settings over the set time
amplitude_1_mean_ma   | mA    | total       | if  | float | 0..150      | [10]   | time-weighted mean current of circuit 1 while emitting
amplitude_2_mean_ma   | mA    | total       | if  | float | 0..150      | [10]   | time-weighted mean current of circuit 2 while emitting
amplitude_1_max_ma    | mA    | total       | if  | float | 0..150      | [10]   | highest current of circuit 1
amplitude_2_max_ma    | mA    | total       | if  | float | 0..150      | [10]   | highest current of circuit 2
charge_1_ma_min       | mA.min| total       | if  | float | 0..100000   | [dl]   | current of circuit 1 over time; a trend, not a recognised dose
charge_2_ma_min       | mA.min| total       | if  | float | 0..100000   | [dl]   | current of circuit 2 over time; a trend, not a recognised dose
density_1_ma_cm2      | mA/cm2| total       | if  | float | 0..100      | [10]   | mean current of circuit 1 over electrode area, where it is known
density_2_ma_cm2      | mA/cm2| total       | if  | float | 0..100      | [10]   | mean current of circuit 2 over electrode area, where it is known
""")

SETTINGS: Final[frozenset[str]] = frozenset(
    name for name, field in FIELDS.items() if field.kind == "setting"
)
AMPLITUDES: Final[dict[str, tuple[str, ...]]] = {
    # What stands for output, by modality: all at 0 means that nothing leaves.
    "us": ("intensity_actual_w_cm2", "intensity_w_cm2"),
    "if": (
        "amplitude_actual_1_ma",
        "amplitude_actual_2_ma",
        "amplitude_1_ma",
        "amplitude_2_ma",
        "amplitude_1_v",
        "amplitude_2_v",
    ),
}
# Free text of whoever works at the device, which may name a person: the journal and the
# exports have it, and no sink is told.
TYPED: Final = frozenset({"program"})


def publishable(values: dict[str, Value]) -> dict[str, Value]:
    """What of a reading, a start or a session's settings a sink is told."""
    if TYPED.isdisjoint(values):
        return values
    return {name: it for name, it in values.items() if name not in TYPED}
