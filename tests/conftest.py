"""What holds for every test."""

import os

from hypothesis import settings

# Many recorders run in tests, and one address is enough for one console. Those that
# are about the console say so in their own configuration.
os.environ.setdefault("DEVICELOG_CONSOLE_ENABLED", "false")

# How long an example takes is the machine's affair.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
