"""Ratios of a statement: without a unit, the same in every currency, flows put on a year."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from fieldhr_plugins.credit.statement import Statement

__all__ = ["BY_NAME", "RATIOS", "Ratio", "ratios_of"]

#: Liabilities or interest of nothing make these ratios endless; nothing above this differs in what it says.
_ENDLESS: Final = 1e6


@attrs.frozen
class Ratio:
    """One ratio.

    Attributes:
        risk: +1 where more of it is riskier, -1 where more of it is safer.
        above, below: the lines it is made of, for people.
    """

    name: str
    risk: int
    above: str
    below: str
    of: Callable[[Statement], float | None] = attrs.field(repr=False)


def _over(above: float | None, below: float | None) -> float | None:
    """Divide, where both are known; nothing owed below is endless, and nothing over nothing is unknown."""
    if above is None or below is None:
        return None
    if below == 0:
        return None if above == 0 else _ENDLESS if above > 0 else -_ENDLESS
    return max(-_ENDLESS, min(_ENDLESS, above / below))


def _ratio(name: str, risk: int, above: str, below: str) -> Ratio:
    return Ratio(name, risk, above, below, lambda one: _over(one.a_year(above), one.a_year(below)))


def _days(name: str, above: str, below: str) -> Ratio:
    def of(one: Statement) -> float | None:
        share = _over(one.a_year(above), one.a_year(below))
        return None if share is None else share * 365

    return Ratio(name, +1, above, below, of)


def _less(name: str, above: str, less: str, below: str) -> Ratio:
    def of(one: Statement) -> float | None:
        first, second = one.a_year(above), one.a_year(less)
        return None if first is None or second is None else _over(first - second, one.a_year(below))

    return Ratio(name, -1, f"{above} - {less}", below, of)


def _interest_cover(one: Statement) -> float | None:
    interest = one.a_year("interest_expense")
    # Net interest earned covers nothing; it is no bad sign either.
    return None if interest is None or interest <= 0 else _over(one.a_year("ebit"), interest)


RATIOS: Final[tuple[Ratio, ...]] = (
    _ratio("debt_ratio", +1, "total_liabilities", "total_assets"),
    _ratio("current_ratio", -1, "current_assets", "current_liabilities"),
    _less("quick_ratio", "current_assets", "inventory", "current_liabilities"),
    _ratio("cash_ratio", -1, "cash", "current_liabilities"),
    _less("working_capital_to_assets", "current_assets", "current_liabilities", "total_assets"),
    _ratio("retained_earnings_to_assets", -1, "retained_earnings", "total_assets"),
    _ratio("ebit_to_assets", -1, "ebit", "total_assets"),
    _ratio("equity_to_liabilities", -1, "equity", "total_liabilities"),
    _ratio("return_on_assets", -1, "net_income", "total_assets"),
    Ratio("interest_cover", -1, "ebit", "interest_expense", _interest_cover),
    _ratio("operating_cash_to_liabilities", -1, "operating_cash_flow", "total_liabilities"),
    _ratio("operating_cash_to_revenue", -1, "operating_cash_flow", "revenue"),
    _ratio("net_margin", -1, "net_income", "revenue"),
    _ratio("asset_turnover", -1, "revenue", "total_assets"),
    _days("receivable_days", "receivables", "revenue"),
    _days("inventory_days", "inventory", "revenue"),
)

BY_NAME: Final[Mapping[str, Ratio]] = {ratio.name: ratio for ratio in RATIOS}


def ratios_of(statement: Statement) -> dict[str, float | None]:
    """Return every ratio of a statement by name; ``None`` where a line for it is missing."""
    return {ratio.name: ratio.of(statement) for ratio in RATIOS}
