"""What ``import fieldhr_core`` costs a host, beside the import of SQLAlchemy that it has paid anyway."""

from __future__ import annotations

import statistics
import subprocess
import sys

from figure import Figure

PROCESSES = 15
STATEMENTS = ("pass", "import pluggy, attrs", "import fieldhr_core", "import sqlalchemy")


def measure() -> list[Figure]:
    """User and system CPU of whole processes in turns; the one that imports nothing is taken off."""
    taken: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(PROCESSES):
        for statement in STATEMENTS:
            taken[statement].append(_cpu_s(statement))
    empty, base, ours, peer = (statistics.median(taken[statement]) for statement in STATEMENTS)
    return [
        Figure(
            name="import fieldhr_core",
            value=(ours - empty) / (peer - empty),
            unit="x import sqlalchemy",
            bar=0.35,
            at_most=True,
            peer=f"import sqlalchemy: {1000 * (peer - empty):.0f} ms CPU",
            how=f"{1000 * (ours - empty):.0f} ms CPU, of which pluggy and attrs {1000 * (base - empty):.0f}; "
            f"medians of {PROCESSES} processes in turns",
        )
    ]


def _cpu_s(statement: str) -> float:
    code = f"{statement}\nimport time, sys\nsys.stdout.write(repr(time.process_time()))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)
