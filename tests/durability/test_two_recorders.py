"""A second recorder on one directory is refused by name, and the first goes on."""

import json
import threading
import time

import pytest
from durability.daemon import clinic_in, recording


@pytest.fixture
def clinic(tmp_path):
    with clinic_in(tmp_path) as clinic:
        yield clinic


def frames(clinic):
    """Frames that the running recorder has counted."""
    status = json.loads(clinic.ask("status", "--json").stdout)
    return status["running"] and status["devices"][0]["counts"].get("frames", 0)


def test_a_second_recorder_is_refused_and_the_first_goes_on(clinic):
    with recording(clinic) as first:
        second = clinic.ask("run")
        before = frames(clinic)
        until = time.monotonic() + 15
        while frames(clinic) <= before:
            assert time.monotonic() < until
            threading.Event().wait(0.1)
        assert first.poll() is None

    assert first.returncode == 0
    assert second.returncode not in (0, None)
    assert str(clinic.directory) in second.stderr
    assert f"process {first.pid}" in second.stderr
    assert "stop " in second.stderr
    assert "another directory" in second.stderr
    assert "Traceback" not in second.stderr
