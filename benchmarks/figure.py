"""One measured figure, and how to measure it fairly on a machine that is shared."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

__all__ = ["Figure", "seconds", "wall_seconds"]


@attrs.frozen(kw_only=True)
class Figure:
    """What was measured, beside its bar and its peer.

    Attributes:
        name: what it is a figure of.
        value: the measured value, in *unit*; ``None`` where it could not be measured here, and *how* says why.
        bar: what it must reach; ``at_most`` says from which side. ``None``: shown for comparison only.
        peer: what it was measured beside in the same run, with the peer's value in the same unit.
        how: what exactly ran, in one line.
    """

    name: str
    value: float | None
    unit: str = ""
    bar: float | None = None
    at_most: bool = False
    peer: str = ""
    how: str = ""

    @property
    def passes(self) -> bool | None:
        """Whether the bar is reached; ``None`` where there is none, or no value."""
        if self.bar is None or self.value is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def seconds(work: Callable[[], object], *, repeat: int = 5) -> float:
    """Return the shortest CPU time of several runs: other processes can only make a run longer."""
    return min(_each(work, repeat, time.process_time))


def wall_seconds(work: Callable[[], object], *, repeat: int = 1) -> float:
    """Return the shortest elapsed time of several runs: for work that another process does for us."""
    return min(_each(work, repeat, time.perf_counter))


def _each(work: Callable[[], object], repeat: int, clock: Callable[[], float]) -> list[float]:
    taken = []
    for _ in range(repeat):
        start = clock()
        work()
        taken.append(clock() - start)
    return taken
