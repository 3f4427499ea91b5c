"""A clinic with three devices, its recorder running."""

import pytest
from unit.records.clinic import Clinic


@pytest.fixture
def clinic(tmp_path):
    clinic = Clinic(tmp_path / "data")
    with clinic.writer:
        clinic.begin("us-1", "us-2", "if-1")
        yield clinic
