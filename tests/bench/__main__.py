"""The figures: `make bench` prints one table, medians of several runs, in four minutes.

    cd tests && python -m bench [quick] [yardsticks] [pipeline] [ports] [idle] [commits]
        [exports]

`quick` shortens every run to see that it works; its figures say nothing.
"""

import sys
import tempfile
from pathlib import Path

from bench import commits, exports, machine, pipeline, ports, yardsticks
from bench.table import Row, show

PARTS = {
    "yardsticks": yardsticks.rows,
    "pipeline": pipeline.rows,
    "commits": commits.rows,
    "exports": exports.rows,
    "idle": ports.idle_rows,
    "ports": ports.rows,
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
