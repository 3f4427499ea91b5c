"""The demo is a whole clinic: devices, recorder, journal."""

import subprocess
import sys


def test_the_demo_records_and_says_what():
    told = subprocess.run(
        [sys.executable, "-m", "devicelog", "demo", "--for", "8s"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "SIMULATED" in told.stdout
    assert "sessions recorded" in told.stdout
    assert "us-1.us." in told.stdout
