"""Rates of few cases, pulled towards what is usual: empirical Bayes for shares.

A rep with 2 of 12 loans overdue is not known to be worse than one with 6 of 84. The spread between reps that luck alone
cannot explain says how far each raw rate is to be believed.
"""

from __future__ import annotations

import enum
import math
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["Prior", "Standing", "fit_prior", "posterior_above", "shrunk_rate", "standing"]

Floats = npt.NDArray[np.float64]

#: Where reps differ by no more than luck, the prior is as strong as this many cases: the pooled rate for everybody.
_STRONGEST: Final = 1e6
_SURE: Final = 0.8


class Standing(enum.StrEnum):
    """Three states, never two."""

    GOOD = "good"
    POOR = "poor"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


@attrs.frozen
class Prior:
    """A beta distribution of true rates: mean ``alpha / (alpha + beta)``, as strong as ``alpha + beta`` cases."""

    alpha: float
    beta: float


def fit_prior(hits: npt.ArrayLike, trials: npt.ArrayLike) -> Prior | None:
    """Fit the distribution of true rates by moments (Kleinman 1973), each subject weighted by its trials.

    Args:
        hits, trials: one entry a subject; subjects without trials say nothing.

    Returns:
        ``None`` where fewer than two subjects have trials, or the pooled rate is 0 or 1.
    """
    k, n = _counts(hits, trials)
    k, n = k[n > 0], n[n > 0]
    if len(n) < 2 or not 0 < k.sum() < n.sum():
        return None
    weight = n / n.sum()
    mean = float((weight * (k / n)).sum())
    between = float((weight * (k / n - mean) ** 2).sum())
    # Expected of `between`: mean (1 - mean) [rho (sum w (1 - w)(1 - 1/n)) + sum w (1 - w) / n]
    by_luck = float((weight * (1 - weight) / n).sum())
    by_truth = float((weight * (1 - weight) * (1 - 1 / n)).sum())
    variance = mean * (1 - mean)
    correlation = (between / variance - by_luck) / by_truth if by_truth > 0 else 0.0
    correlation = min(max(correlation, 1 / (1 + _STRONGEST)), 1 - 1e-9)
    strength = (1 - correlation) / correlation
    return Prior(mean * strength, (1 - mean) * strength)


def shrunk_rate(hits: npt.ArrayLike, trials: npt.ArrayLike, prior: Prior) -> Floats:
    """Return the posterior mean of each subject's rate; the prior's mean without trials."""
    k, n = _counts(hits, trials)
    rate: Floats = (k + prior.alpha) / (n + prior.alpha + prior.beta)
    return rate


def posterior_above(hits: npt.ArrayLike, trials: npt.ArrayLike, prior: Prior, limit: float) -> Floats:
    """Return the probability that each subject's true rate lies above *limit* (0-1)."""
    k, n = _counts(hits, trials)
    a, b = k + prior.alpha, n - k + prior.beta
    below = [_beta_below(limit, float(one), float(other)) for one, other in zip(a, b, strict=True)]
    return 1.0 - np.asarray(below, dtype="f8")


def standing(
    hits: npt.ArrayLike, trials: npt.ArrayLike, prior: Prior, limit: float, *, sure: float = _SURE
) -> list[Standing]:
    """Return for each subject whether its rate of something bad is above *limit*, below it, or not known.

    *sure* is the probability that a claim takes (above 0.5). A subject without trials is never judged: what is usual
    among others says nothing about anybody.
    """
    _, n = _counts(hits, trials)
    found = []
    for above, seen in zip(posterior_above(hits, trials, prior, limit).tolist(), n.tolist(), strict=True):
        if seen > 0 and above >= sure:
            found.append(Standing.POOR)
        elif seen > 0 and above <= 1 - sure:
            found.append(Standing.GOOD)
        else:
            found.append(Standing.NOT_ENOUGH_EVIDENCE)
    return found


def _counts(hits: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[Floats, Floats]:
    k, n = np.asarray(hits, dtype="f8"), np.asarray(trials, dtype="f8")
    if k.shape != n.shape or not np.all((k >= 0) & (k <= n)):
        raise ValueError("hits lie between 0 and trials, one for each")
    return k, n


def _beta_below(x: float, a: float, b: float) -> float:
    """Return the probability that a beta(a, b) variable lies below *x*: the regularized incomplete beta function."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        # The fraction converges fast on this side of the mean only.
        return 1.0 - _beta_below(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    return front * _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function (DLMF 8.17.22) from the front (Lentz)."""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 20_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
