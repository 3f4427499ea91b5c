"""What is held does not grow with what is exported."""

import io
import tracemalloc

import pytest
from unit.export.clinic import source

from devicelog.export import gather, parquet, series
from devicelog.export.history import Wanted
from devicelog.export.tables import Options
from devicelog.export.through import Through
from devicelog.export.writers import FORMS

SECOND = 1_000_000_000


class Again(Through):
    """The same treatments so many times."""

    def __init__(self, told, times):
        super().__init__(told)
        self._times = times

    def treatments(self):
        for _ in range(self._times):
            yield from super().treatments()


class Nowhere(io.RawIOBase):
    """Takes bytes and keeps none; as a file that is on disk."""

    count = 0

    def writable(self):
        return True

    def write(self, data):
        self.count += len(data)
        return len(data)

    def tell(self):
        return self.count


@pytest.mark.no_cover  # two tracers on each line would make it thrice as long
@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "parquet", "zip"])
def test_five_times_as_much_takes_no_more_memory(reader, monkeypatch, form):
    monkeypatch.setattr(gather, "_PAGE", 200)
    monkeypatch.setattr(series, "_PAGE", 200)
    monkeypatch.setattr(parquet, "_GROUP", 500)
    monkeypatch.setattr(parquet, "_PIECE", 100)
    first = next(source(reader).treatments()).started_ns
    told = source(reader, Wanted(to_ns=first + 300 * SECOND))

    def peak(times):
        out = Nowhere()
        tracemalloc.start()
        try:
            options = Options(table="readings", readings=True)
            counts = FORMS[form].write(out, Again(told, times), options)
            return counts["readings"], tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is made once
    count, little = peak(1)
    many, much = peak(5)
    print(f"{form}: {count} readings {little} bytes, {many} readings {much} bytes")
    assert many == 5 * count > 5000
    assert much < little * 1.1 + 20_000
