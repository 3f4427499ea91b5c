"""All dashboards by the name of their file."""

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build

from dashboards import (
    clinic_now,
    data_quality,
    device_use,
    patient_history,
    patient_overlay,
    session,
)

BOARDS: Final[dict[str, Callable[[], build.Dashboard]]] = {
    "clinic_now": clinic_now.make,
    "session": session.make,
    "patient_history": patient_history.make,
    "patient_overlay": patient_overlay.make,
    "device_use": device_use.make,
    "data_quality": data_quality.make,
}
