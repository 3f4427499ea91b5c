"""What holds for every test."""

import os

# Many recorders run in tests, and one address is enough for one console. Those that
# are about the console say so in their own configuration.
os.environ.setdefault("DEVICELOG_CONSOLE_ENABLED", "false")
