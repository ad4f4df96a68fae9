"""How well scores tell good from bad, and whether probabilities mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Bools", "Floats", "area_under_curve", "brier", "calibration_error", "kolmogorov_smirnov"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def area_under_curve(risk: npt.ArrayLike, bad: npt.ArrayLike) -> float:
    """Return the probability that a bad case has a higher risk than a good one, ties as half; NaN without both."""
    values, is_bad = np.asarray(risk, dtype="f8"), np.asarray(bad, dtype=bool)
    bads, goods = int(is_bad.sum()), int((~is_bad).sum())
    if not bads or not goods:
        return float("nan")
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[is_bad].sum() - bads * (bads + 1) / 2) / (bads * goods))


def kolmogorov_smirnov(risk: npt.ArrayLike, bad: npt.ArrayLike) -> float:
    """Return the widest gap between the shares of bad and of good cases below one risk; NaN without both."""
    values, is_bad = np.asarray(risk, dtype="f8"), np.asarray(bad, dtype=bool)
    bads, goods = int(is_bad.sum()), int((~is_bad).sum())
    if not bads or not goods:
        return float("nan")
    order = np.argsort(values, kind="stable")
    gap = np.cumsum(is_bad[order]) / bads - np.cumsum(~is_bad[order]) / goods
    last_of_ties = np.append(np.diff(values[order]) > 0, True)
    return float(np.abs(gap[last_of_ties]).max())


def brier(probability: npt.ArrayLike, bad: npt.ArrayLike) -> float:
    """Return the mean squared distance of probabilities from what happened; NaN without cases."""
    gap = np.asarray(probability, dtype="f8") - np.asarray(bad, dtype="f8")
    return float((gap**2).mean()) if len(gap) else float("nan")


def calibration_error(
    probability: npt.ArrayLike, bad: npt.ArrayLike, groups: int = 10
) -> tuple[float, list[dict[str, Any]]]:
    """Return the expected calibration error, and the table behind it: said, seen and cases of equal groups by risk."""
    said, seen = np.asarray(probability, dtype="f8"), np.asarray(bad, dtype="f8")
    groups_of_rows = [rows for rows in np.array_split(np.argsort(said, kind="stable"), groups) if len(rows)]
    table: list[dict[str, Any]] = [
        {"said": float(said[rows].mean()), "seen": float(seen[rows].mean()), "cases": len(rows)}
        for rows in groups_of_rows
    ]
    gaps = sum(row["cases"] * abs(row["said"] - row["seen"]) for row in table)
    return (gaps / len(said) if len(said) else float("nan")), table
