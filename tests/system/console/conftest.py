"""One browser for all pages that are looked at."""

import pytest
from browsing import browser


@pytest.fixture(scope="session")
def chromium():
    with browser() as opened:
        yield opened
