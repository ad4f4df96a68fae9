"""What ``import fieldhr_core`` costs a host, beside the import of SQLAlchemy that it has paid anyway."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from figure import Figure, interleaved


def measure() -> list[Figure]:
    """User and system CPU of the import statement alone, a new process each."""

    def cost_of(statement: str) -> Callable[[], float]:
        def once() -> float:
            # Whole processes, because os.times ticks in hundredths: the start of the interpreter cancels out below.
            before = os.times()
            subprocess.run([sys.executable, "-I", "-c", statement], check=True)
            after = os.times()
            return (after.children_user - before.children_user) + (after.children_system - before.children_system)

        return once

    empty, _ = interleaved(cost_of("pass"), cost_of("pass"), repeat=5)
    ours, peer = interleaved(cost_of("import fieldhr_core"), cost_of("import sqlalchemy"), repeat=11)
    return [
        Figure(
            name="import fieldhr_core",
            value=(ours - empty) / (peer - empty),
            unit="x import sqlalchemy",
            bar=0.35,
            at_most=True,
            peer=f"import sqlalchemy: {1000 * (peer - empty):.0f} ms CPU",
            how=f"{1000 * (ours - empty):.0f} ms CPU, median of 11 processes in turns, an empty process taken off",
        )
    ]
