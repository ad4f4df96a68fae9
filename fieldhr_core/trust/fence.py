"""The fence: which fixes may be kept at all. Asked before anything is stored, logged or shown to a plugin.

A fix is kept where its own time lies in working time *and* on a basis for tracking (consent, contract, works
agreement ...) that was in force at that time. Arrival does not matter: a phone that uploads Friday's fixes after the
consent was withdrawn on Saturday still delivers what was lawful on Friday, and nothing later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.model import RepDay

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["REASONS", "Fence"]

#: Why a fix is not kept, in the order in which the reasons are looked for.
REASONS = ("privacy.leave", "privacy.off_duty", "privacy.no_basis", "privacy.basis_withdrawn")


@attrs.frozen(kw_only=True)
class Fence:
    """The fence of one rep.

    Attributes:
        days: rep-days in which fixes may lie, ascending, as :func:`fieldhr_core.trust.duty.duty_day` gives them. They
            must cover every local date that could own a fix, overnight shifts of the day before included.
        bases: (from, until) of each basis for tracking, UTC milliseconds; ``until`` is the first instant at which it is
            no longer in force, ``None`` while it is.
        leave_ms: spans of leave, parental leave and private mode, ascending
            (:func:`fieldhr_core.trust.duty.untracked_ms`); they only make the reason more precise.
    """

    days: tuple[RepDay, ...]
    bases: Sequence[tuple[int, int | None]] = ()
    leave_ms: Sequence[tuple[int, int]] = ()

    def sort(self, times_ms: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], dict[str, int]]:
        """Sort fixes into rep-days.

        Args:
            times_ms: instants of the fixes, any order.

        Returns:
            For each fix the index of its rep-day, or -1 where it must be forgotten; and how many are, by reason (only
            reasons that occur).
        """
        import numpy as np

        place, reason = self.judge(times_ms)
        counts = np.bincount(reason[place < 0], minlength=len(REASONS)).tolist()
        return place, {name: count for name, count in zip(REASONS, counts, strict=True) if count}

    def judge(self, times_ms: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return for each fix the index of its rep-day or -1, and the index of the reason in :data:`REASONS` or -1."""
        import numpy as np

        times = np.asarray(times_ms, dtype="i8")
        duty = [(start, end, index) for index, day in enumerate(self.days) for start, end in day.duty_ms]
        on_duty, place = _inside(times, duty)
        in_force, _ = _inside(times, _joined(self.bases))
        kept = on_duty & in_force
        if kept.all():  # the ordinary day needs no reasons
            return place, np.full(len(times), -1, dtype="i8")
        on_leave, _ = _inside(times, [(start, end, 0) for start, end in self.leave_ms])
        begun = np.zeros(len(times), dtype=bool) if not self.bases else times >= min(start for start, _ in self.bases)
        reason = np.select([kept, on_leave & ~on_duty, ~on_duty, ~begun], [-1, 0, 1, 2], default=3)
        return np.where(reason < 0, place, -1), reason


def _inside(times: Any, spans: Sequence[tuple[int, int, int]]) -> tuple[Any, Any]:
    """Return which times lie in one of the spans (start, end, label), and the label of that span."""
    import numpy as np

    if not spans:
        return np.zeros(len(times), dtype=bool), np.full(len(times), -1, dtype="i8")
    starts, ends, labels = np.asarray(sorted(spans), dtype="i8").T
    nearest = np.searchsorted(starts, times, side="right") - 1
    return (nearest >= 0) & (times < ends[nearest]), labels[nearest]


def _joined(bases: Sequence[tuple[int, int | None]]) -> list[tuple[int, int, int]]:
    """Return the union of bases, which may overlap (a contract beside a consent)."""
    forever = (1 << 63) - 1
    joined: list[tuple[int, int, int]] = []
    for start, end in sorted((start, forever if until is None else until) for start, until in bases):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]), 0)
        else:
            joined.append((start, end, 0))
    return joined
