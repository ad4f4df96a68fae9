"""95 % intervals of rates, counts and means, for whole columns at once. NaN where there is no exposure."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Z95", "mean_interval", "poisson_interval", "wilson_interval"]

Floats = npt.NDArray[np.float64]

#: Two-sided 95 % quantile of the normal distribution.
Z95: Final = 1.959963984540054
_TAIL: Final = 0.025
_EXACT_UP_TO: Final = 30


def wilson_interval(hits: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return (low, high) of the share ``hits / trials`` (Wilson 1927): right at small numbers and at 0 and 1."""
    k, n = _floats(hits), _floats(trials)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / n
        centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
        half = Z95 / (1 + Z95**2 / n) * np.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    low, high = centre - half, centre + half
    # Exact at the ends, where rounding would leave 1e-17.
    low, high = np.where(k == 0, 0.0, low), np.where(k == n, 1.0, high)
    return _known(low, n), _known(high, n)


def poisson_interval(count: npt.ArrayLike, exposure: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return (low, high) of the rate ``count / exposure``, for whole counts.

    Exact limits (Garwood 1936) up to a count of 30, Byar's approximation (Breslow & Day 1987) above, where the two
    agree to 0.1 %.
    """
    k, n = _floats(count), _floats(exposure)
    above = k + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        low = k * (1 - 1 / (9 * k) - Z95 / (3 * np.sqrt(k))) ** 3
        high = above * (1 - 1 / (9 * above) + Z95 / (3 * np.sqrt(above))) ** 3
        small = k <= _EXACT_UP_TO
        low[small] = _mean_with_tail(k[small] - 1, 1 - _TAIL)
        high[small] = _mean_with_tail(k[small], _TAIL)
        return _known(low / n, n), _known(high / n, n)


def _mean_with_tail(at_most: Floats, probability: float) -> Floats:
    """Return the Poisson mean at which a count of *at_most* or less has this probability; 0 below a count of 0."""
    low, high = np.zeros(len(at_most)), np.full(len(at_most), 4.0 * _EXACT_UP_TO)
    terms = np.arange(_EXACT_UP_TO + 1)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(terms[1:]))])
    counted = terms[None, :] <= at_most[:, None]
    for _ in range(60):
        mean = (low + high) / 2
        chance = np.exp(terms[None, :] * np.log(mean)[:, None] - mean[:, None] - log_factorials[None, :])
        is_below = np.where(counted, chance, 0.0).sum(axis=1) > probability
        low, high = np.where(is_below, mean, low), np.where(is_below, high, mean)
    return np.where(at_most < 0, 0.0, low)


def mean_interval(
    total: npt.ArrayLike, exposure: npt.ArrayLike, spread: npt.ArrayLike, units: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Return (low, high) of the mean ``total / exposure``, a ratio over independent *units*.

    *spread* is the sum over units of ``(unit total - mean * unit exposure) ** 2``. A unit is a day for one rep, and a
    rep for a group, because the days of one rep resemble each other. NaN below two units.
    """
    sums, n, squares, m = _floats(total), _floats(exposure), _floats(spread), _floats(units)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums / n
        error = np.sqrt(m / (m - 1) * squares) / n
    error = np.where(m >= 2, error, np.nan)
    return _known(mean - Z95 * error, n), _known(mean + Z95 * error, n)


def _floats(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype="f8")


def _known(values: Any, exposure: Floats) -> Floats:
    known: Floats = np.where(exposure > 0, values, np.nan)
    return known
