"""What is said about one statement: probability, band, points, zone, and what each ratio adds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from fieldhr_plugins.credit.formulas import Altman, Ohlson, altman, ohlson, year_before
from fieldhr_plugins.credit.ratios import ratios_of
from fieldhr_plugins.credit.scorecard import FACTOR, Scorecard, points_of
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.statement import Statement

__all__ = ["BUILT_IN", "Assessment", "Factor", "assess", "assess_ratios", "band_of"]

#: Name of the built-in map from Z'' to a probability.
BUILT_IN: Final = "altman_z"

# Log odds of failing within a year = shift + slope * Z'', each term held within bounds so that no single ratio decides.
# Fitted by us on 5,910 Polish firms, 410 of which failed within the year (UCI Machine Learning Repository, data set
# 365, CC BY 4.0). A start for tenants without a history; other countries and times fail at other rates.
_SHIFT: Final = -2.195
_SLOPE: Final = -0.2062
_RATE: Final = 410 / 5910
#: ratio -> (lowest, highest, middling) of its term in Z''; the middling ones are the medians of that sample.
_TERMS: Final[Mapping[str, tuple[float, float, float]]] = {
    "working_capital_to_assets": (-6.0, 6.0, 1.44),
    "retained_earnings_to_assets": (-4.0, 3.0, 0.0),
    "ebit_to_assets": (-4.0, 4.0, 0.38),
    "equity_to_liabilities": (-1.0, 6.0, 1.21),
}


@attrs.frozen
class Factor:
    """What one ratio adds: its value (``None``: not known), whether it raises or lowers the risk, by how many points.

    ``points`` are against the average borrower; below 0 raises the risk.
    """

    name: str
    value: float | None
    points: float

    @property
    def direction(self) -> str:
        """``raises`` or ``lowers`` the risk, or ``neutral``."""
        return "raises" if self.points < -1e-9 else "lowers" if self.points > 1e-9 else "neutral"

    def as_json(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return {
            "name": self.name,
            "value": None if self.value is None else round(self.value, 4),
            "direction": self.direction,
            "points": round(self.points, 2),
        }


@attrs.frozen(kw_only=True)
class Assessment:
    """What is said about one statement.

    Attributes:
        probability: of failing within a year, 0-1.
        band: ``low``, ``medium`` or ``high``.
        score: points; more is safer. ``base`` plus the points of all factors.
        altman, ohlson: the published formulas; ``None`` where only ratios were given.
        factors: every ratio of the model, the strongest first.
        model: ``altman_z``, or the first characters of the scorecard's hash.
        remarks: what a reader must know to trust it no more than it deserves.
    """

    probability: float
    band: str
    score: float
    base: float
    altman: Altman | None
    ohlson: Ohlson | None
    factors: tuple[Factor, ...]
    model: str
    remarks: tuple[str, ...] = ()


def assess(
    statement: Statement, series: Sequence[Statement], settings: CreditSettings, card: Scorecard | None = None
) -> Assessment:
    """Assess a statement that is fit.

    Args:
        series: earlier statements of the same borrower, for Ohlson's terms of change.
        card: the tenant's own scorecard; ``None``: the built-in map.
    """
    z = altman(statement)
    o = ohlson(
        statement,
        year_before(statement, series),
        price_index=settings.ohlson_price_index,
        units_per_usd=settings.ohlson_units_per_usd,
    )
    if card is not None:
        found = assess_ratios(ratios_of(statement), settings, card)
        return attrs.evolve(found, altman=z, ohlson=o)
    factors = []
    for term in z.terms:
        low, high, middling = _TERMS[term.name]
        amount = min(max(term.amount, low), high)
        factors.append(Factor(term.name, term.value, -FACTOR * _SLOPE * (amount - middling)))
    odds = _SHIFT + _SLOPE * sum(middling for _, _, middling in _TERMS.values()) + _moved(settings.base_rate)
    base = float(points_of(odds))
    score = base + sum(factor.points for factor in factors)
    probability = _probability(score)
    remarks = ["not_trained_on_own_history"]
    if statement.months != 12:
        remarks.append("flows_put_on_a_year")
    return Assessment(
        probability=probability,
        band=band_of(probability, settings),
        score=score,
        base=base,
        altman=z,
        ohlson=o,
        factors=_strongest_first(factors),
        model=BUILT_IN,
        remarks=tuple(remarks),
    )


def assess_ratios(ratios: Mapping[str, float | None], settings: CreditSettings, card: Scorecard) -> Assessment:
    """Assess ratios of the tenant's own making with the scorecard that was trained on them.

    Raises:
        RecordError: FHR-REC-001 where none of the scorecard's ratios is given.
    """
    columns = {name: [math.nan if value is None else float(value)] for name, value in ratios.items()}
    scored = card.score(columns)
    factors = [
        Factor(name, ratios.get(name), float(points)) for name, points in zip(card.names, scored.parts[0], strict=True)
    ]
    probability = float(scored.probability[0])
    out_of_time = card.summary.get("split") == "out_of_time"
    return Assessment(
        probability=probability,
        band=band_of(probability, settings),
        score=float(scored.points[0]),
        base=card.base_points,
        altman=None,
        ohlson=None,
        factors=_strongest_first(factors),
        model=str(card.as_json()["sha256"])[:12],
        remarks=() if out_of_time else ("not_marked_out_of_time",),
    )


def band_of(probability: float, settings: CreditSettings) -> str:
    """Return ``low``, ``medium`` or ``high``."""
    return "high" if probability >= settings.high_from else "medium" if probability >= settings.medium_from else "low"


def _moved(base_rate: float | None) -> float:
    """Log odds by which another base rate moves everybody."""
    return 0.0 if base_rate is None else _logit(base_rate) - _logit(_RATE)


def _logit(rate: float) -> float:
    return math.log(rate / (1 - rate))


def _probability(score: float) -> float:
    zero = float(points_of(0.0))
    return 1 / (1 + math.exp(min(700.0, (score - zero) / FACTOR)))


def _strongest_first(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    return tuple(sorted(factors, key=lambda factor: (-abs(factor.points), factor.name)))
