"""`python -m dashboards` writes every dashboard."""

from dashboards.boards import write
from dashboards.every import BOARDS

for name, make in BOARDS.items():
    write(name, make())
