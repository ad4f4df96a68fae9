"""Training a scorecard on a tenant's own history: earlier borrowers teach it, later ones mark it.

In order: set the latest periods aside; leave out columns that know too much; cut bins and weigh them; fit the
coefficients; drop what would count evidence backwards; calibrate on borrowers each fit has not seen; mark on the part
that was set aside. The rows' order changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.errors import RecordError
from fieldhr_plugins.credit.binning import Bins, fit_bins
from fieldhr_plugins.credit.measures import (
    Bools,
    Floats,
    area_under_curve,
    brier,
    calibration_error,
    kolmogorov_smirnov,
)
from fieldhr_plugins.credit.regression import fit_isotonic, fit_logistic, probability_of
from fieldhr_plugins.credit.scorecard import Part, Scorecard

__all__ = ["Leak", "TrainingOptions", "find_leaks", "train"]

#: Fewer of either kind say nothing.
_FEWEST: Final = 20
#: A single ratio does not tell apart as well as this, unless it was written after the fact.
_TOO_GOOD: Final = 0.80
#: Nor does its absence.
_TELLING_ABSENCE: Final = 0.60
_SURE: Final = 3.0
#: Information below this is noise (a customary limit).
_LEAST_INFORMATION: Final = 0.02
_FOLDS: Final = 5
#: Evidence of two columns that correlates more than this is the same evidence.
_ALIKE: Final = 0.95


@attrs.frozen(kw_only=True)
class TrainingOptions:
    """How to train.

    Attributes:
        shape: ``monotone`` bins, in which more of a ratio never turns from safer to riskier, or ``free`` ones.
        calibration: ``platt``, or ``isotonic`` where there are many failures.
        test_share: share of the cases, the latest, that only mark.
        bins: of each column, at most.
        ridge: penalty on the coefficients.
        force: columns to keep although they look as if they knew the outcome.
    """

    shape: str = attrs.field(default="monotone", validator=attrs.validators.in_(("free", "monotone")))
    calibration: str = attrs.field(default="platt", validator=attrs.validators.in_(("platt", "isotonic")))
    test_share: float = attrs.field(
        default=0.25, validator=attrs.validators.and_(attrs.validators.gt(0), attrs.validators.lt(1))
    )
    bins: int = attrs.field(default=20, validator=attrs.validators.ge(2))
    ridge: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    force: tuple[str, ...] = ()


@attrs.frozen
class Leak:
    """A column that knows too much: ``alone`` or ``absence``, and how well it tells apart (area under the curve)."""

    name: str
    how: str
    area: float


def train(
    columns: Mapping[str, npt.ArrayLike],
    bad: npt.ArrayLike,
    periods: npt.ArrayLike | None = None,
    options: TrainingOptions | None = None,
) -> Scorecard:
    """Train a scorecard.

    Args:
        columns: ratio -> values, NaN where not known.
        bad: 1 for a borrower that failed in the time after, else 0.
        periods: when each statement was; later is larger. ``None``: every fourth case marks, and the summary says that
            this is not out of time.

    Raises:
        RecordError: FHR-REC-001 where lengths differ, values are no numbers, or there are too few failures.
    """
    chosen = options or TrainingOptions()
    names, values, is_bad, when = _checked(columns, bad, periods)
    order = _own_order(values, is_bad, when)
    values, is_bad, when = values[order], is_bad[order], None if when is None else when[order]
    test = _set_aside(is_bad, when, chosen.test_share)
    _enough(is_bad[~test], is_bad[test])
    leaks = find_leaks(dict(zip(names, values[~test].T, strict=True)), is_bad[~test])
    left_out = _left_out(leaks, len(names), chosen.force)
    places = [place for place, name in enumerate(names) if name not in left_out]
    fitted = _fit(values[~test], is_bad[~test], places, chosen)
    unseen = _unseen_odds(values[~test], is_bad[~test], places, chosen)
    shift, slope = fit_logistic(unseen[:, None], is_bad[~test], ridge=1e-6)
    slope_value = max(float(slope[0]), 1e-3)
    steps = (
        fit_isotonic(probability_of(shift + slope_value * unseen), is_bad[~test])
        if chosen.calibration == "isotonic"
        else None
    )
    card = Scorecard(
        parts=tuple(Part(names[place], bins, weight) for place, bins, weight in fitted.parts),
        intercept=fitted.intercept,
        slope=slope_value,
        shift=shift,
        steps=steps,
        summary={},
    )
    summary = {
        "split": "out_of_time" if when is not None else "every_fourth",
        "test_from": None if when is None else float(when[test].min()),
        "trained_on": {"cases": int((~test).sum()), "bad": int(is_bad[~test].sum())},
        "options": {**attrs.asdict(chosen), "force": list(chosen.force)},
        "leaks": [
            {"name": leak.name, "how": leak.how, "area": round(leak.area, 4), "used": leak.name not in left_out}
            for leak in leaks
        ],
        "dropped": sorted({names[place] for place in places} - set(card.names)),
        "ratios": {part.name: {"information": round(part.bins.information, 4)} for part in card.parts},
        "test": _marks(card, names, values[test], is_bad[test], float(is_bad[~test].mean())),
    }
    return attrs.evolve(card, summary=summary)


def find_leaks(columns: Mapping[str, npt.ArrayLike], bad: npt.ArrayLike) -> list[Leak]:
    """Return the columns that look as if they knew the outcome, with the stronger sign of each.

    Alone: one column tells failures apart with an area above 0.80, by its values or by its bins. Absence: whether it is
    known tells with an area above 0.60, or below 0.40, surer than luck.
    """
    is_bad = np.asarray(bad, dtype=bool)
    found = []
    for name, given in columns.items():
        values = np.asarray(given, dtype="f8")
        known = ~np.isnan(values)
        alone = max(
            _either_way(area_under_curve(values[known], is_bad[known])),
            _either_way(area_under_curve(fit_bins(values, is_bad, most=10).evidence(values), is_bad)),
        )
        absence = _either_way(area_under_curve(~known, is_bad))
        if absence > _TELLING_ABSENCE and absence - 0.5 > _SURE * _error_of_area(is_bad):
            found.append(Leak(name, "absence", absence))
        elif alone > _TOO_GOOD and alone - 0.5 > _SURE * _error_of_area(is_bad[known]):
            found.append(Leak(name, "alone", alone))
    return found


def _left_out(leaks: Sequence[Leak], columns: int, force: Sequence[str]) -> set[str]:
    """Return the columns to leave out. Where half of all tell so well alone, the failures are plain, not leaked."""
    alone = {leak.name for leak in leaks if leak.how == "alone"}
    absent = {leak.name for leak in leaks} - alone
    return (absent | (alone if 2 * len(alone) < columns else set())) - set(force)


@attrs.frozen(eq=False)
class _Fitted:
    intercept: float
    parts: tuple[tuple[int, Bins, float], ...]

    def odds(self, values: Floats) -> Floats:
        found = np.full(len(values), self.intercept)
        for place, bins, weight in self.parts:
            found += weight * bins.evidence(values[:, place])
        return found


def _fit(values: Floats, is_bad: Bools, places: Sequence[int], options: TrainingOptions) -> _Fitted:
    least = max(10, round(0.02 * len(values)))
    bins = {
        place: fit_bins(values[:, place], is_bad, most=options.bins, least_cases=least, shape=options.shape)
        for place in places
    }
    # What bins of pure noise would tell, on average, with so few failures.
    by_luck = 1 / max(int(is_bad.sum()), 1) + 1 / max(int((~is_bad).sum()), 1)
    kept = [
        place
        for place in places
        if bins[place].information >= max(_LEAST_INFORMATION, by_luck * len(bins[place].weights))
    ]
    if not kept:
        raise RecordError("No column says anything about who failed.", code="FHR-REC-001")
    kept = _told_apart(kept, bins, values)
    weights: Floats | None = None
    while True:
        evidence = np.column_stack([bins[place].evidence(values[:, place]) for place in kept])
        intercept, weights = fit_logistic(evidence, is_bad, ridge=options.ridge, start=weights)
        worst = int(np.argmax(weights))
        # Evidence of safety that would raise the risk is two columns telling one thing: the weaker one goes.
        if weights[worst] < 0 or len(kept) == 1:
            return _Fitted(
                intercept, tuple((place, bins[place], float(w)) for place, w in zip(kept, weights, strict=True))
            )
        del kept[worst]
        weights = np.delete(weights, worst)


def _told_apart(kept: Sequence[int], bins: Mapping[int, Bins], values: Floats) -> list[int]:
    """Leave out columns whose evidence is that of a stronger one: two names for one reason would halve each."""
    order = sorted(kept, key=lambda place: (-bins[place].information, place))
    chosen: list[int] = []
    centred: list[Floats] = []
    for place in order:
        evidence = bins[place].evidence(values[:, place])
        evidence = evidence - evidence.mean()
        length = float(np.linalg.norm(evidence))
        if length > 0 and all(abs(float(evidence @ other)) < _ALIKE * length for other in centred):
            chosen.append(place)
            centred.append(evidence / length)
    return sorted(chosen)


def _unseen_odds(values: Floats, is_bad: Bools, places: Sequence[int], options: TrainingOptions) -> Floats:
    """Return each training case's log odds by a fit on the others, so that calibration is not flattered."""
    odds = np.empty(len(values))
    fold = np.empty(len(values), dtype="i8")
    for one in (True, False):
        rows = np.flatnonzero(is_bad == one)
        fold[rows] = np.arange(len(rows)) % _FOLDS
    for number in range(_FOLDS):
        rows = fold == number
        odds[rows] = _fit(values[~rows], is_bad[~rows], places, options).odds(values[rows])
    return odds


def _marks(card: Scorecard, names: Sequence[str], values: Floats, is_bad: Bools, base: float) -> dict[str, Any]:
    said = card.score(dict(zip(names, values.T, strict=True))).probability
    error, table = calibration_error(said, is_bad)
    return {
        "cases": len(is_bad),
        "bad": int(is_bad.sum()),
        "area_under_curve": round(area_under_curve(said, is_bad), 4),
        "kolmogorov_smirnov": round(kolmogorov_smirnov(said, is_bad), 4),
        "brier": round(brier(said, is_bad), 5),
        "brier_of_the_base_rate": round(brier(np.full(len(is_bad), base), is_bad), 5),
        "calibration_error": round(error, 5),
        "calibration": [
            {"said": round(row["said"], 5), "seen": round(row["seen"], 5), "cases": row["cases"]} for row in table
        ],
    }


def _checked(
    columns: Mapping[str, npt.ArrayLike], bad: npt.ArrayLike, periods: npt.ArrayLike | None
) -> tuple[list[str], Floats, Bools, Floats | None]:
    names = sorted(columns)
    try:
        values = np.column_stack([np.asarray(columns[name], dtype="f8") for name in names])
        outcome = np.asarray(bad, dtype="f8")
        when = None if periods is None else np.asarray(periods, dtype="f8")
    except (TypeError, ValueError) as cause:
        raise RecordError(f"Columns must be numbers of one length: {cause}.", code="FHR-REC-001") from cause
    if outcome.shape != (len(values),) or (when is not None and when.shape != outcome.shape):
        raise RecordError("Columns, outcomes and periods differ in length.", code="FHR-REC-001")
    if not np.isin(outcome, (0, 1)).all() or (when is not None and np.isnan(when).any()):
        raise RecordError("Outcomes are 0 or 1, and every case has a period or none has.", code="FHR-REC-001")
    return names, values, outcome == 1, when


def _own_order(values: Floats, is_bad: Bools, when: Floats | None) -> npt.NDArray[np.intp]:
    keys = [*values.T, is_bad]
    return np.lexsort(keys if when is None else [*keys, when])


def _set_aside(is_bad: Bools, when: Floats | None, share: float) -> Bools:
    if when is not None and len(np.unique(when)) > 1:
        moments, counts = np.unique(when, return_counts=True)
        after = np.cumsum(counts[::-1])[::-1]
        # The latest whole periods that hold about the share; the first period always teaches.
        start = 1 + int(np.argmin(np.abs(after[1:] - share * len(when))))
        latest: Bools = when >= moments[start]
        return latest
    if when is not None:
        raise RecordError(
            "All cases are of one period, so nothing later can mark the scorecard.",
            code="FHR-REC-001",
            hint="Give statements of several periods, or none a period.",
        )
    every = max(2, round(1 / share))
    test = np.zeros(len(is_bad), dtype=bool)
    for one in (True, False):
        test[np.flatnonzero(is_bad == one)[every - 1 :: every]] = True
    return test


def _enough(teaching: Bools, marking: Bools) -> None:
    fewest = min(int(teaching.sum()), int((~teaching).sum()))
    if fewest < _FEWEST or not marking.any() or marking.all():
        raise RecordError(
            f"There are {int(teaching.sum())} failures among {len(teaching)} cases to learn from and "
            f"{int(marking.sum())} among {len(marking)} to be marked by; at least {_FEWEST} failures and sound ones "
            "are needed to learn, and one of each to mark.",
            code="FHR-REC-001",
            hint="Collect more history before training.",
        )


def _either_way(area: float) -> float:
    return 0.5 if math.isnan(area) else max(area, 1 - area)


def _error_of_area(is_bad: Bools) -> float:
    bads, goods = int(is_bad.sum()), int((~is_bad).sum())
    return math.sqrt((bads + goods + 1) / (12 * bads * goods)) if bads and goods else math.inf
