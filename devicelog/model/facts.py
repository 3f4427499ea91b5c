"""What people add to a session or a treatment: closed lists, numbers, yes and no.

The list follows what physiotherapy records must hold beside what devices report:
parameters, area, safety checks and response (CSP 2006; World Physiotherapy; Rampazo &
Liebano 2022, Medicina 58:141 for electrodes). No field takes free text.
"""

from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

Site = Literal[
    "head",
    "jaw",
    "cervical_spine",
    "thoracic_spine",
    "lumbar_spine",
    "sacroiliac",
    "ribs",
    "abdomen",
    "pelvis",
    "shoulder",
    "scapula",
    "upper_arm",
    "elbow",
    "lateral_epicondyle",
    "medial_epicondyle",
    "forearm",
    "wrist",
    "hand",
    "thumb",
    "finger",
    "hip",
    "groin",
    "buttock",
    "thigh",
    "hamstrings",
    "quadriceps",
    "knee",
    "patellar_tendon",
    "calf",
    "shin",
    "achilles_tendon",
    "ankle",
    "heel",
    "foot",
    "toe",
    "other",
]
Side = Literal["left", "right", "both", "middle"]
Layout = Literal["four_crossed", "two", "vacuum_cups", "head_as_electrode"]
SkinTest = Literal["normal", "reduced", "absent", "not_done"]
Response = Literal["better", "same", "worse", "adverse"]
Who = Literal["patient", "clinician", "other"]
# A manual treatment; IMS is intramuscular stimulation, dry needling to others.
Manual = Literal[
    "massage",
    "mobilisation",
    "manipulation",
    "acupuncture",
    "ims",
    "exercise",
    "taping",
    "traction",
    "heat",
    "cold",
    "education",
    "other",
]
MANUALS: Final[tuple[Manual, ...]] = get_args(Manual)
Pain = Annotated[int, Meta(ge=0, le=10)]


class Facts(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """What is not said is None. The descriptions are the helps of the command line."""

    site: Annotated[Site | None, Meta(description="Body site.")] = None
    side: Annotated[Side | None, Meta(description="Side of the body.")] = None
    treated_area_cm2: Annotated[
        Annotated[float, Meta(gt=0, le=2000)] | None,
        Meta(description="Treated area, for J/cm2."),
    ] = None
    coupling: Annotated[
        Literal["gel", "water", "pad"] | None, Meta(description="Coupling medium.")
    ] = None
    technique: Annotated[
        Literal["moving", "static"] | None, Meta(description="How the head was held.")
    ] = None
    layout: Annotated[Layout | None, Meta(description="Electrode layout.")] = None
    electrode_area_cm2: Annotated[
        Annotated[float, Meta(ge=0.5, le=500)] | None,
        Meta(description="Area of one electrode, for mA/cm2."),
    ] = None
    skin_test: Annotated[
        SkinTest | None, Meta(description="Skin sensation before.")
    ] = None
    contraindications_checked: Annotated[
        bool | None, Meta(description="Contraindications were asked for.")
    ] = None
    warned: Annotated[
        bool | None, Meta(description="The patient was told what to expect.")
    ] = None
    response: Annotated[Response | None, Meta(description="Response.")] = None
    stopped_by: Annotated[
        Who | None, Meta(description="Who ended it before its time.")
    ] = None
    pain_before: Annotated[Pain | None, Meta(description="Pain before, 0-10.")] = None
    pain_after: Annotated[Pain | None, Meta(description="Pain after, 0-10.")] = None


NAMES: Final = Facts.__struct_fields__


def amended(stood: Facts, said: Facts, withdrawn: tuple[str, ...] = ()) -> Facts:
    """What stands after this was said: the latest of each, less what is taken back.

    What is said and taken back at once is said.
    """
    kept = {name: None if name in withdrawn else getattr(stood, name) for name in NAMES}
    told = {name: it for name in NAMES if (it := getattr(said, name)) is not None}
    return Facts(**kept | told)
