"""What a scorecard can weigh, and how the figures of peers say what each one is worth.

A figure is pulled towards the peers' as far as luck can explain its distance, and its points are where the pulled
figure lies among people like these: 50 is usual. Nobody is ranked on luck, and nobody's points depend on how many
others there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import Metric
from fieldhr_plugins.scorecards import effort, followup, results, risk
from fieldhr_plugins.scorecards.intervals import Z95
from fieldhr_plugins.scorecards.shrinkage import Prior, fit_prior

__all__ = ["COMPONENTS", "LIKENESS", "Kind", "Weighed", "chance_below", "normal_below", "weigh"]

Floats = npt.NDArray[np.float64]

#: Peers are never taken to be more alike than so many cases would show: among people who differ by luck alone a true
#: outlier would be argued away.
LIKENESS: Final = 60.0
#: The same for rates and means: their true values are taken to spread by at least this share of what is usual.
_LEAST_SPREAD: Final = 0.15


@attrs.frozen(kw_only=True)
class Kind:
    """How one metric is weighed.

    Attributes:
        metric: what it is.
        group: ``process``, ``result`` or ``risk``.
        spread: ``share``, ``rate`` or ``mean``.
        training: message id of the training that somebody poor at it may be offered.
        grain: how much of its exposure is one piece of evidence: a day of 20 is a twentieth.
    """

    metric: Metric
    group: str
    spread: str
    training: str
    grain: float = 1.0


def _kinds() -> dict[str, Kind]:
    rows = (
        (effort.CREDITED, "process", "rate", "training.visit_planning"),
        (effort.TIMELY, "process", "share", "training.record_keeping"),
        (effort.TALK, "process", "mean", "training.conversation"),
        (effort.PROMPT, "process", "share", "training.answering"),
        (effort.RATING, "process", "mean", "training.service"),
        (effort.INSPECTED, "process", "share", "training.inspection"),
        (followup.NEED, "process", "share", "training.conversation"),
        (followup.OWN, "process", "share", "training.record_keeping"),
        (followup.KEPT, "process", "share", "training.visit_planning"),
        (followup.COMPLETE, "process", "share", "training.inspection"),
        (followup.QUALITY, "process", "mean", "training.record_keeping"),
        (results.SALES, "result", "rate", "training.selling"),
        (results.APPROVAL, "result", "share", "training.application_quality"),
        (results.CONVERSION, "result", "share", "training.closing"),
        (results.REPURCHASE, "result", "share", "training.customer_care"),
        (results.PACE, "result", "rate", "training.follow_up"),
        (risk.OVERDUE, "risk", "share", "training.credit_assessment"),
        (risk.BY_AGE, "risk", "rate", "training.credit_assessment"),
        (risk.HIGH_RISK, "risk", "share", "training.credit_assessment"),
        (risk.COMPLAINTS, "risk", "share", "training.service"),
        (risk.CANCELLED, "risk", "share", "training.needs_analysis"),
        (risk.UPHELD, "risk", "rate", "training.conduct"),
    )
    grains = {results.SALES.name: 0.05, risk.UPHELD.name: 0.05, results.PACE.name: 0.2, risk.BY_AGE.name: 0.2}
    return {
        metric.name: Kind(
            metric=metric, group=group, spread=spread, training=training, grain=grains.get(metric.name, 1.0)
        )
        for metric, group, spread, training in rows
    }


#: Metric -> how it is weighed. What is not here is shown and never weighed: hours and anomalies come from positions.
COMPONENTS: Final[Mapping[str, Kind]] = _kinds()


@attrs.frozen(eq=False)
class Weighed:
    """One metric of several people, beside their peers.

    Attributes:
        shrunk: pulled towards the peers'; error: standard deviation of the true value round it.
        usual: what is usual among the peers; spread: standard deviation of their true values.
        better: 0-1, where the pulled figure lies among the peers, 1 the best; doubt: standard deviation of that.
    """

    shrunk: Floats
    error: Floats
    usual: float
    spread: float
    better: Floats
    doubt: Floats


def weigh(kind: Kind, value: Floats, exposure: Floats, low: Floats, high: Floats) -> Weighed:
    """Weigh the figures of people who are each other's peers; all of them are known."""
    fit: Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats, float, float]] = {
        "share": _shares,
        "rate": _rates,
        "mean": _means,
    }[kind.spread]
    shrunk, error, usual, spread = fit(value, exposure, low, high)
    sign = -1.0 if kind.metric.direction == "down" else 1.0
    z = sign * (shrunk - usual) / spread if spread > 0 else np.zeros(len(shrunk))
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    doubt = density * error / spread if spread > 0 else np.zeros(len(shrunk))
    return Weighed(shrunk, error, usual, spread, normal_below(z), doubt)


def _shares(value: Floats, exposure: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, float, float]:
    del low, high
    hits = np.clip(np.round(value * exposure), 0, exposure)
    prior = prior_of(hits, exposure)
    strength = prior.alpha + prior.beta
    usual = prior.alpha / strength
    a, b = hits + prior.alpha, exposure - hits + prior.beta
    shrunk = a / (a + b)
    error = np.sqrt(shrunk * (1 - shrunk) / (a + b + 1))
    return shrunk, error, usual, math.sqrt(usual * (1 - usual) / (strength + 1))


def prior_of(hits: Floats, trials: Floats) -> Prior:
    """Return the distribution of the peers' true shares, never taken to be more alike than :data:`LIKENESS`."""
    found = fit_prior(hits, trials)
    if found is None:
        # One person, or everybody at 0 or 1: half a case either way keeps the share off the ends.
        usual = (float(hits.sum()) + 0.5) / (float(trials.sum()) + 1.0)
        return Prior(usual * LIKENESS, (1 - usual) * LIKENESS)
    strength = found.alpha + found.beta
    kept = min(strength, LIKENESS)
    return Prior(found.alpha / strength * kept, found.beta / strength * kept)


def _rates(value: Floats, exposure: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, float, float]:
    """Pull counts per exposure: a gamma distribution of true rates, by moments."""
    del low, high
    counts = np.round(value * exposure)
    usual = max((float(counts.sum()) + 0.5) / float(exposure.sum()), 1e-9)
    weight = exposure / exposure.sum()
    between = float((weight * (value - usual) ** 2).sum())
    by_luck = float((weight * (1 - weight) * usual / exposure).sum())
    by_truth = max(float((weight * (1 - weight)).sum()), 1e-12)
    variance = min(max((between - by_luck) / by_truth, (_LEAST_SPREAD * usual) ** 2), (2 * usual) ** 2)
    shape, rate = usual * usual / variance, usual / variance
    shrunk = (counts + shape) / (exposure + rate)
    return shrunk, np.sqrt(counts + shape) / (exposure + rate), usual, math.sqrt(variance)


def _means(value: Floats, exposure: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, float, float]:
    """Pull means with known errors: a normal distribution of true means (DerSimonian and Laird)."""
    error = (high - low) / (2 * Z95)
    typical = float(np.nanmedian(error * np.sqrt(exposure))) if np.isfinite(error).any() else float("nan")
    if not typical > 0:
        typical = max(float(np.std(value)), 0.25 * abs(float(np.mean(value))), 1e-9)
    # An error that two or three cases happen to show is believed no further than everybody's.
    squared = np.maximum(np.where(np.isfinite(error), error, 0.0), 0.5 * typical / np.sqrt(exposure)) ** 2
    weight = 1 / squared
    mean = float((weight * value).sum() / weight.sum())
    spare = float((weight * (value - mean) ** 2).sum()) - (len(value) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    variance = max(spare / scale if scale > 0 else 0.0, (_LEAST_SPREAD * abs(mean)) ** 2, 1e-12)
    usual = float((value / (squared + variance)).sum() / (1 / (squared + variance)).sum())
    kept = variance / (variance + squared)
    return usual + kept * (value - usual), np.sqrt(kept * squared), usual, math.sqrt(variance)


def normal_below(z: Floats) -> Floats:
    """Return the share of a standard normal distribution below each value."""
    below: Floats = np.asarray([0.5 * math.erfc(-each / math.sqrt(2)) for each in np.asarray(z, "f8").tolist()], "f8")
    return below


def chance_below(shrunk: Floats, error: Floats, limit: float) -> Floats:
    """Return the probability that each true value lies below *limit*: for rates and means, by a gamma distribution.

    The distribution has the mean and the standard deviation of what is known; Wilson and Hilferty's cube root makes it
    a normal one.
    """
    mean, deviation = np.maximum(shrunk, 1e-12), np.maximum(error, 1e-12)
    shape = (mean / deviation) ** 2
    z = (np.cbrt(limit / mean) - (1 - 1 / (9 * shape))) * 3 * np.sqrt(shape)
    return normal_below(z)
