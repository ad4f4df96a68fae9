"""One measured figure, and how to measure it fairly on a machine that is shared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import attrs

__all__ = ["Figure", "interleaved", "seconds"]


@attrs.frozen(kw_only=True)
class Figure:
    """What was measured, beside its bar and its peer.

    Attributes:
        name: what it is a figure of.
        value: the measured value, in *unit*.
        bar: what it must reach; ``at_most`` says from which side. ``None``: shown for comparison only.
        peer: what it was measured beside in the same run, with the peer's value in the same unit.
        how: what exactly ran, in one line.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_most: bool = False
    peer: str = ""
    how: str = ""

    @property
    def passes(self) -> bool | None:
        """Whether the bar is reached; ``None`` where there is none."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def seconds(work: Callable[[], object], *, repeat: int = 5) -> float:
    """Return the shortest CPU time of several runs: other processes can only make a run longer."""
    taken = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def interleaved(ours: Callable[[], float], peer: Callable[[], float], *, repeat: int = 7) -> tuple[float, float]:
    """Return the medians of two measurements taken in turns, so that both meet the same moments of the machine."""
    pairs = [(ours(), peer()) for _ in range(repeat)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
