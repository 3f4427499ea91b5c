"""What a test needs of the machine: skipped with a reason, or failed where required."""

import os
import shutil

import pytest

from devicelog.export.writers import FORMS, Missing


def _lacking(reason: str) -> None:
    if os.environ.get("DEVICELOG_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def root() -> None:
    """The test mounts a file system."""
    if os.geteuid() != 0:
        _lacking("needs root, to mount a small file system")


def tool(name: str) -> None:
    """The test starts this program."""
    if shutil.which(name) is None:
        _lacking(f"needs {name}")


def paper() -> None:
    """The test draws a PDF: WeasyPrint is there, what it draws with may not be."""
    try:
        FORMS["pdf"].ready()
    except Missing as error:
        _lacking(str(error))
