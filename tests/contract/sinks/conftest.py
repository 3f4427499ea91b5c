"""The store that the tests talk to: one server for a file, empty for each test."""

import pytest
from servers.influxdb import InfluxDB, elsewhere


@pytest.fixture(scope="module")
def _influxdb(tmp_path_factory):
    it = elsewhere() or InfluxDB(tmp_path_factory.mktemp("influxdb"))
    try:
        if isinstance(it, InfluxDB):
            it.start().set_up()
        yield it
    finally:
        it.stop()


@pytest.fixture
def influxdb(_influxdb):
    """Any server; nothing may kill it."""
    return _influxdb.reset()


@pytest.fixture
def own_influxdb(tmp_path):
    """A server of this test's own, which it may kill."""
    it = InfluxDB(tmp_path / "influxdb")
    try:
        yield it.start().set_up()
    finally:
        it.stop()
