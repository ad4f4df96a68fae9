"""Bins of one column and the weight of evidence of each. What is missing is a bin of its own, never a median."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_plugins.credit.measures import Bools, Floats

__all__ = ["Bins", "fit_bins", "pooled"]

#: Goods and bads that every bin is given beforehand, in the mix of the whole: a bin of few cases says little.
_PRIOR_CASES = 2.0


@attrs.frozen(eq=False)
class Bins:
    """One column's bins.

    Attributes:
        edges: upper limits, inclusive, of all bins but the last, ascending.
        weights: weight of evidence of each bin, ln(share of goods / share of bads); positive is safer.
        missing: weight of evidence of what is not known.
        shape: ``rising`` or ``falling``: weights never turn with the value; ``free``: they may.
        cases, bads: how many the bins were made of, the missing ones last.
    """

    edges: Floats
    weights: Floats
    missing: float
    shape: str
    cases: tuple[int, ...]
    bads: tuple[int, ...]

    def evidence(self, values: npt.ArrayLike) -> Floats:
        """Return the weight of evidence of each value; NaN takes the missing bin's."""
        column = np.asarray(values, dtype="f8")
        found = self.weights[np.searchsorted(self.edges, column, side="left")]
        evidence: Floats = np.where(np.isnan(column), self.missing, found)
        return evidence

    @property
    def information(self) -> float:
        """Information value: how much the bins tell apart."""
        cases, bads = np.asarray(self.cases, dtype="f8"), np.asarray(self.bads, dtype="f8")
        goods = cases - bads
        weights = np.append(self.weights, self.missing)
        return float(((goods / max(goods.sum(), 1) - bads / max(bads.sum(), 1)) * weights).sum())

    def as_json(self) -> dict[str, Any]:
        """Return the bins as JSON values."""
        return {
            "edges": self.edges.tolist(),
            "weights": self.weights.tolist(),
            "missing": self.missing,
            "shape": self.shape,
            "cases": list(self.cases),
            "bads": list(self.bads),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Bins:
        """Read what :meth:`as_json` gave.

        Raises:
            KeyError, TypeError, ValueError: where it is something else.
        """
        bins = cls(
            np.asarray(record["edges"], dtype="f8"),
            np.asarray(record["weights"], dtype="f8"),
            float(record["missing"]),
            str(record["shape"]),
            tuple(int(count) for count in record["cases"]),
            tuple(int(count) for count in record["bads"]),
        )
        if bins.edges.ndim != 1 or len(bins.weights) != len(bins.edges) + 1 or (np.diff(bins.edges) <= 0).any():
            raise ValueError("edges must ascend, with one weight more than edges")
        return bins


def fit_bins(
    values: npt.ArrayLike, bad: npt.ArrayLike, *, most: int = 20, least_cases: int = 30, shape: str = "free"
) -> Bins:
    """Cut a column into bins of about equal size and weigh each.

    Args:
        values: NaN where not known.
        bad: True where it went wrong.
        most: bins at most, missing apart.
        least_cases: a bin of fewer cases joins its neighbour.
        shape: ``free`` keeps the bins as they fall; ``monotone`` joins neighbours until the weights rise or fall
            throughout, whichever way the column as a whole does; ``rising`` or ``falling`` says which way (of the
            weight, so ``falling`` means that more is riskier).
    """
    column, is_bad = np.asarray(values, dtype="f8"), np.asarray(bad, dtype=bool)
    known = ~np.isnan(column)
    edges = _edges(column[known], most, least_cases)
    place = np.searchsorted(edges, column[known], side="left")
    cases = np.bincount(place, minlength=len(edges) + 1).astype("f8")
    bads = np.bincount(place, weights=is_bad[known], minlength=len(edges) + 1).astype("f8")
    if shape == "monotone":
        shape = _way(place, is_bad[known])
    if shape in {"rising", "falling"}:
        kept = pooled(cases, bads, falling_rate=shape == "rising")
        edges = edges[kept[:-1]]
        groups = np.cumsum(np.append(0, kept[:-1]))
        cases, bads = _summed(groups, cases), _summed(groups, bads)
    absent = float((~known).sum())
    absent_bad = float(is_bad[~known].sum())
    base = float(is_bad.mean()) if len(is_bad) else 0.5
    base = min(max(base, 1e-6), 1 - 1e-6)
    return Bins(
        edges,
        _weights(cases, bads, base),
        float(_weights(np.array([absent]), np.array([absent_bad]), base)[0]),
        shape,
        (*(int(count) for count in cases), int(absent)),
        (*(int(count) for count in bads), int(absent_bad)),
    )


def pooled(cases: Floats, bads: Floats, *, falling_rate: bool) -> Bools:
    """Say after which bins a cut stays, so that the rate of bads falls (or rises) throughout.

    Pools adjacent violators.
    """
    stack: list[tuple[float, float, int]] = []
    for count, bad in zip(cases.tolist(), bads.tolist(), strict=True):
        stack.append((count, bad, 1))
        while len(stack) > 1 and _turns(stack[-2], stack[-1], falling_rate=falling_rate):
            last = stack.pop()
            before = stack.pop()
            stack.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    kept = np.zeros(len(cases), dtype=bool)
    kept[np.cumsum([size for _, _, size in stack]) - 1] = True
    return kept


def _turns(one: tuple[float, float, int], other: tuple[float, float, int], *, falling_rate: bool) -> bool:
    first, second = one[1] * other[0], other[1] * one[0]
    return second >= first if falling_rate else second <= first


def _edges(known: Floats, most: int, least_cases: int) -> Floats:
    if not len(known):
        return np.empty(0)
    cuts = np.quantile(known, np.linspace(0, 1, most + 1)[1:-1], method="lower")
    edges = np.unique(cuts)
    edges = edges[edges < known.max()]
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1).tolist()
    kept: list[float] = []
    held = 0
    for edge, count in zip(edges.tolist(), counts[:-1], strict=True):
        held += count
        if held >= least_cases:
            kept.append(edge)
            held = 0
    if kept and held + counts[-1] < least_cases:
        kept.pop()
    return np.asarray(kept, dtype="f8")


def _way(place: npt.NDArray[np.intp], is_bad: Bools) -> str:
    if not is_bad.any() or is_bad.all():
        return "rising"
    return "falling" if place[is_bad].mean() > place[~is_bad].mean() else "rising"


def _summed(groups: npt.NDArray[np.intp], counts: Floats) -> Floats:
    return np.bincount(groups, weights=counts).astype("f8")


def _weights(cases: Floats, bads: Floats, base: float) -> Floats:
    bad = bads + _PRIOR_CASES * base
    good = cases - bads + _PRIOR_CASES * (1 - base)
    weights: Floats = np.log(good / bad) - math.log((1 - base) / base)
    return weights
