"""Logistic regression by iteratively reweighted least squares, and two ways to calibrate what it says."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_plugins.credit.measures import Floats

__all__ = ["Isotonic", "fit_isotonic", "fit_logistic", "probability_of"]

_MOST_STEPS = 100


def probability_of(log_odds: npt.ArrayLike) -> Floats:
    """Return the probability for log odds, without overflow."""
    clipped = np.clip(np.asarray(log_odds, dtype="f8"), -700, 700)
    found: Floats = 1 / (1 + np.exp(-clipped))
    return found


def fit_logistic(
    columns: Floats, bad: npt.ArrayLike, *, ridge: float = 1.0, start: Floats | None = None
) -> tuple[float, Floats]:
    """Return intercept and coefficients of the log odds of *bad*; the intercept is not shrunk.

    Args:
        columns: (cases, columns), finite.
        ridge: penalty on the squared coefficients, in cases; above 0, so that there is always one answer.
        start: coefficients to begin from; the answer is the same.
    """
    x = np.column_stack([np.ones(len(columns)), np.asarray(columns, dtype="f8")])
    y = np.asarray(bad, dtype="f8")
    penalty = np.full(x.shape[1], max(ridge, 1e-9))
    penalty[0] = 1e-9
    rate = min(max(float(y.mean()), 1e-6), 1 - 1e-6)
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(rate / (1 - rate))
    if start is not None:
        beta[1:] = start
    loss = _loss(x, y, beta, penalty)
    for _ in range(_MOST_STEPS):
        p = probability_of(x @ beta)
        gradient = x.T @ (p - y) + penalty * beta
        curvature = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        # Full steps may overshoot where classes separate; the loss is convex, so a shorter one always helps.
        while (after := _loss(x, y, beta - size * step, penalty)) > loss and size > 1e-6:
            size /= 2
        beta = beta - size * step
        if loss - after < 1e-10 * max(1.0, loss):
            break
        loss = after
    return float(beta[0]), beta[1:]


def _loss(x: Floats, y: Floats, beta: Floats, penalty: Floats) -> float:
    odds = x @ beta
    return float((np.logaddexp(0, odds) - y * odds).sum() + 0.5 * (penalty * beta**2).sum())


@attrs.frozen(eq=False)
class Isotonic:
    """A rising step function, straight between its points."""

    points: Floats
    values: Floats

    def at(self, values: npt.ArrayLike) -> Floats:
        """Return the calibrated value of each."""
        found: Floats = np.interp(np.asarray(values, dtype="f8"), self.points, self.values)
        return found


def fit_isotonic(said: npt.ArrayLike, bad: npt.ArrayLike) -> Isotonic:
    """Return the rising function of *said* that lies nearest to what happened (pool adjacent violators)."""
    order = np.argsort(np.asarray(said, dtype="f8"), kind="stable")
    x, y = np.asarray(said, dtype="f8")[order], np.asarray(bad, dtype="f8")[order]
    blocks: list[list[float]] = []
    for value, seen in zip(x.tolist(), y.tolist(), strict=True):
        blocks.append([seen, 1.0, value, value])
        while len(blocks) > 1 and (
            blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1] or blocks[-2][3] == blocks[-1][2]
        ):
            last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + last[0], blocks[-1][1] + last[1], blocks[-1][2], last[3]]
    points = [value for _, _, low, high in blocks for value in ([low] if low == high else [low, high])]
    values = [seen / count for seen, count, low, high in blocks for _ in ([0] if low == high else [0, 1])]
    return Isotonic(np.asarray(points, dtype="f8"), np.asarray(values, dtype="f8"))
