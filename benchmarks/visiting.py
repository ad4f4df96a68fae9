"""How many visits are found with both ends right, beside an oracle that knows where every fix was taken.

Not a speed: what share of the visits can be known at all from the fixes, and how near we come. The days are those of
the second generator, with 40 m of noise indoors, 5 % outliers and holes at once.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from figure import Figure

SEEDS = (27, 28)
DAYS = 120
#: Seconds between fixes -> share of visits that must be right.
STEPS = (30.0, 60.0, 120.0, 180.0, 300.0)
BAR = 0.98


def measure() -> list[Figure]:
    """Mark hard days at each reporting interval."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "plugins"))
    hard_days: Any = importlib.import_module("test_places_hard_days")
    figures = []
    for step in STEPS:
        mark = hard_days.visit_mark(step, SEEDS, DAYS)
        figures.append(
            Figure(
                name=f"visits right, a fix in {step:g} s",
                value=mark.found / mark.all,
                unit="of all",
                bar=BAR,
                peer=f"who knows every fix and says first and last: {mark.by_fixes / mark.all:.3f}; "
                f"with half of the way to the next: {mark.by_halves / mark.all:.3f}",
                how=f"{mark.all} visits, both ends within max(5 min, step), {mark.invented} invented; "
                f"{mark.in_silence} more begin or end in silence",
            )
        )
    return figures
