"""The figures: `make bench` prints one table, medians of several runs.

    cd tests && python -m bench [quick] [PART ...]     as they stand in PARTS

`quick` shortens every run to see that it works; its figures say nothing.
"""

import sys
import tempfile
from pathlib import Path

from bench import (
    commits,
    console,
    delivery,
    exports,
    latency,
    machine,
    month,
    overlay,
    pipeline,
    ports,
    records,
    styles,
    yardsticks,
)
from bench.table import Row, show

PARTS = {
    "yardsticks": yardsticks.rows,
    "pipeline": pipeline.rows,
    "styles": styles.rows,
    "month": month.rows,
    "commits": commits.rows,
    "idle": ports.idle_rows,
    "ports": ports.rows,
    "delivery": delivery.rows,
    "latency": latency.rows,
    "records": records.rows,
    "overlay": overlay.rows,
    "exports": exports.rows,
    "console": console.rows,
}


def main(asked: list[str]) -> None:
    scale = 0.1 if "quick" in asked else 1.0
    wanted = [name for name in asked if name in PARTS] or [*PARTS]
    with tempfile.TemporaryDirectory(prefix="devicelog-bench-") as folder:
        print(machine.described(Path(folder)))
        for name in wanted:
            place = Path(folder) / name
            place.mkdir()
            rows: list[Row] = []
            for row in PARTS[name](place, scale):
                if sys.stderr.isatty():
                    print(f"  ... {row.what}", file=sys.stderr)
                rows.append(row)
            show(name, rows)


main(sys.argv[1:])
