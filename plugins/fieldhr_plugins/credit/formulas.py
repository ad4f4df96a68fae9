"""Two published formulas: Altman's Z'' and Ohlson's O, term by term.

Sources. Z'': Altman, "Predicting financial distress of companies: revisiting the Z-score and ZETA models" (2000);
zones 1.10 and 2.60, and 4.35 and 5.85 where the constant 3.25 is added (Altman, Hartzell and Peck 1995). O: Ohlson,
"Financial ratios and the probabilistic prediction of bankruptcy", Journal of Accounting Research 18 (1980), model 1.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from fieldhr_plugins.credit.ratios import BY_NAME
from fieldhr_plugins.credit.statement import Statement

__all__ = [
    "EMERGING_CONSTANT",
    "Z_WEIGHTS",
    "Altman",
    "Ohlson",
    "Term",
    "Zone",
    "altman",
    "ohlson",
    "wrong_zones",
    "year_before",
    "zone_of",
]

#: Ratio -> weight in Z'' (X1 to X4).
Z_WEIGHTS: Final[Mapping[str, float]] = {
    "working_capital_to_assets": 6.56,
    "retained_earnings_to_assets": 3.26,
    "ebit_to_assets": 6.72,
    "equity_to_liabilities": 1.05,
}
EMERGING_CONSTANT: Final = 3.25

#: With and without the constant: below the first is distress, above the second is safe.
_ZONES: Final[Mapping[bool, tuple[float, float]]] = {False: (1.10, 2.60), True: (4.35, 5.85)}
#: Zones of Z' (another formula, with sales), which some pages print beside the weights of Z''.
_ZONES_OF_Z_PRIME: Final = (1.23, 2.90)

#: Ohlson's size where no price level is set: about a middling firm of his sample (assumed).
_MIDDLING_SIZE: Final = 13.0


class Zone(enum.StrEnum):
    """Where a Z'' lies."""

    DISTRESS = "distress"
    GREY = "grey"
    SAFE = "safe"


@attrs.frozen
class Term:
    """One summand: the ratio, its value, its weight, and their product."""

    name: str
    value: float
    weight: float
    amount: float


@attrs.frozen
class Altman:
    """A Z'' with its terms; ``score`` is their sum, plus 3.25 where ``is_emerging``."""

    score: float
    zone: Zone
    is_emerging: bool
    terms: tuple[Term, ...]


@attrs.frozen
class Ohlson:
    """An O with its terms, and the probability that goes with it.

    Attributes:
        missing: lines without which there is no score; ``score`` and ``probability`` are ``None`` then.
        left_out: terms for which an earlier year is needed and was not given; they count as zero.
        is_size_assumed: the size term stands for a middling firm, not for this one.
    """

    score: float | None
    probability: float | None
    terms: tuple[Term, ...] = ()
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    is_size_assumed: bool = False


def zone_of(score: float, *, emerging: bool = False) -> Zone:
    """Return the zone of a Z''; the limits themselves are grey.

    Args:
        emerging: whether 3.25 is in the score: the two variants have zones of their own.
    """
    low, high = _ZONES[emerging]
    return Zone.DISTRESS if score < low else Zone.SAFE if score > high else Zone.GREY


def altman(statement: Statement, *, emerging: bool = False) -> Altman:
    """Return Z'' of a statement that is fit (:func:`~fieldhr_plugins.credit.statement.faults_of` says nothing)."""
    terms = []
    for name, weight in Z_WEIGHTS.items():
        value = BY_NAME[name].of(statement) or 0.0
        terms.append(Term(name, value, weight, weight * value))
    score = sum(term.amount for term in terms) + (EMERGING_CONSTANT if emerging else 0.0)
    return Altman(score, zone_of(score, emerging=emerging), emerging, tuple(terms))


def wrong_zones(low: float, high: float, *, emerging: bool = False) -> str:
    """Say what is wrong with zones somebody wants to use for Z''; nothing where they are its own.

    The trap: the zones of Z' (1.23 and 2.90) printed beside Z'', and the zones of one variant used for the other.
    """
    right = _ZONES[emerging]
    if (low, high) == right:
        return ""
    belongs = (
        "these belong to Z', another formula"
        if (low, high) == _ZONES_OF_Z_PRIME
        else f"these belong to Z'' {'without' if emerging else 'with'} the constant 3.25"
        if (low, high) == _ZONES[not emerging]
        else "these are not published for it"
    )
    variant = "with" if emerging else "without"
    return f"Z'' {variant} the constant 3.25 has the zones {right[0]:.2f} and {right[1]:.2f}; {belongs}."


def ohlson(
    statement: Statement,
    earlier: Statement | None = None,
    *,
    price_index: float | None = None,
    units_per_usd: float = 1.0,
) -> Ohlson:
    """Return O of a statement that is fit.

    Args:
        earlier: the statement of a year before, for the two terms of change.
        price_index: GNP price level of the year, 1968 = 100; ``None`` puts a middling firm's size in.
        units_per_usd: units of the statement's currency for one US dollar.
    """
    funds = _funds(statement)
    missing = [name for name in ("net_income",) if name not in statement.lines]
    if funds is None:
        missing.append("operating_cash_flow")
    if missing:
        return Ohlson(None, None, missing=tuple(missing))
    total, owed = statement.get("total_assets") or 0.0, statement.get("total_liabilities") or 0.0
    income = statement.a_year("net_income") or 0.0
    size = _MIDDLING_SIZE if price_index is None else math.log(total / units_per_usd / price_index)
    before = None if earlier is None else earlier.a_year("net_income")
    values: list[tuple[str, float, float]] = [
        ("constant", 1.0, -1.32),
        ("size", size, -0.407),
        ("debt_ratio", owed / total, 6.03),
        ("working_capital_to_assets", BY_NAME["working_capital_to_assets"].of(statement) or 0.0, -1.43),
        ("current_liabilities_to_current_assets", _inverse(BY_NAME["current_ratio"].of(statement)), 0.0757),
        ("owes_more_than_it_has", float(owed > total), -1.72),
        ("return_on_assets", income / total, -2.37),
        ("funds_to_liabilities", (funds or 0.0) / owed if owed else 0.0, -1.83),
    ]
    if before is not None:
        change = abs(income) + abs(before)
        values += [
            ("two_losses", float(income < 0 and before < 0), 0.285),
            ("change_of_income", (income - before) / change if change else 0.0, -0.521),
        ]
    terms = tuple(Term(name, value, weight, weight * value) for name, value, weight in values)
    score = sum(term.amount for term in terms)
    return Ohlson(
        score,
        1 / (1 + math.exp(-max(-700.0, min(700.0, score)))),
        terms,
        left_out=() if before is not None else ("two_losses", "change_of_income"),
        is_size_assumed=price_index is None,
    )


def year_before(statement: Statement, series: Sequence[Statement]) -> Statement | None:
    """Return the statement whose period ended a year before, give or take a month."""
    for one in series:
        if one.months == statement.months and 335 <= (statement.period_end - one.period_end).days <= 395:
            return one
    return None


def _funds(statement: Statement) -> float | None:
    """Funds from operations: income and depreciation, or the cash from operations where depreciation is not stated."""
    income, depreciation = statement.a_year("net_income"), statement.a_year("depreciation")
    if income is not None and depreciation is not None:
        return income + depreciation
    return statement.a_year("operating_cash_flow")


def _inverse(ratio: float | None) -> float:
    return 0.0 if ratio is None else 1e6 if ratio == 0 else 1 / ratio
