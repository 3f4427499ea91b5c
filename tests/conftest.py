"""What holds for every test."""

import os
import sys
import threading

import pytest
from hypothesis import settings

# Many recorders run in tests, and one address is enough for one console. Those that
# are about the console say so in their own configuration.
os.environ.setdefault("DEVICELOG_CONSOLE_ENABLED", "false")

# How long an example takes is the machine's affair.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item):
    """A test that is marked `no_cover` is traced by nothing.

    In a worker pytest-cov has two tracers running, and pauses one of them: without this
    such a test would take as long as if it were not marked.
    """
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    here, started = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(here)
        threading.settrace(started)
