"""A place of its own for each test."""

import shutil
import tempfile
from pathlib import Path

import pytest
from unit.operations.doctor.worlds import Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def passable():
    """A place that another user may walk into; what pytest gives, he may not."""
    folder = Path(tempfile.mkdtemp(prefix="devicelog-"))
    folder.chmod(0o755)
    yield Place(folder)
    shutil.rmtree(folder)
