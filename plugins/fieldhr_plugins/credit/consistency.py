"""Whether a statement adds up with itself, with the one before, and with nobody else's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import attrs

from fieldhr_plugins.credit.lines import LINES
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.statement import Statement

__all__ = ["Inconsistency", "benford", "copied_from", "inconsistencies"]


@attrs.frozen(kw_only=True)
class Inconsistency:
    """What does not fit.

    Attributes:
        code: ``balance_sheet``, ``sum``, ``part_exceeds_whole``, ``cash_flow``, ``opening_cash``, ``copied``.
        lines: the lines concerned, the one that should follow first.
        gap: by how much, in whole units of the currency; 0 where it is no sum.
        share: of total assets.
        others: statements of other borrowers that are concerned.
    """

    code: str
    lines: tuple[str, ...]
    gap: Decimal = Decimal(0)
    share: float = 0.0
    others: tuple[str, ...] = ()
    facts: Mapping[str, Any] = attrs.field(factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return {
            "code": self.code,
            "lines": list(self.lines),
            "gap": float(self.gap),
            "share_of_assets": round(self.share, 5),
            "others": list(self.others),
            **self.facts,
        }


#: code, whole, parts that sum to it.
_SUMS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("balance_sheet", "total_assets", ("total_liabilities", "equity")),
    ("sum", "total_assets", ("current_assets", "noncurrent_assets")),
    ("sum", "total_liabilities", ("current_liabilities", "noncurrent_liabilities")),
    ("sum", "profit_before_tax", ("net_income", "tax")),
)

#: whole, parts that lie within it without having to fill it.
_WITHIN: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("current_assets", ("cash", "receivables", "inventory")),
    ("total_assets", ("current_assets",)),
    ("total_liabilities", ("current_liabilities",)),
    ("current_liabilities", ("short_term_debt",)),
    ("noncurrent_liabilities", ("long_term_debt",)),
)

_FLOWS: Final[tuple[str, ...]] = ("operating_cash_flow", "investing_cash_flow", "financing_cash_flow")
_YEAR_DAYS: Final = 366


def inconsistencies(
    statement: Statement, series: Sequence[Statement], others: Sequence[Statement], settings: CreditSettings
) -> list[Inconsistency]:
    """Return everything that does not fit in a statement.

    What rounding explains is no inconsistency: each rounded line may be off by half a step, and a thousandth of the
    assets (``balance_tolerance``) is allowed beside it.

    Args:
        series: other statements of the same borrower, in any order.
        others: statements of other borrowers.
    """
    found = [*_wrong_sums(statement, settings), *_wrong_cash(statement, series, settings)]
    copy = copied_from(statement, others, settings)
    return [*found, *([copy] if copy else [])]


def copied_from(statement: Statement, others: Sequence[Statement], settings: CreditSettings) -> Inconsistency | None:
    """Return which other borrowers' statements hold too many of the same figures, or ``None``.

    Compared are stated figures other than zero, on the same line, in whole units; what was derived is left out.

    Args:
        others: statements of other borrowers; none of the same one.
    """
    mine = _stated(statement)
    hits: list[tuple[int, Statement, tuple[str, ...], int]] = []
    for other in others:
        theirs = _stated(other)
        both = [name for name in mine if name in theirs]
        equal = tuple(name for name in both if mine[name] == theirs[name])
        if len(equal) >= settings.copied_lines and len(equal) >= settings.copied_share * len(both):
            hits.append((len(equal), other, equal, len(both)))
    if not hits:
        return None
    hits.sort(key=lambda hit: (-hit[0], hit[1].id))
    count, _, lines, both_count = hits[0]
    return Inconsistency(
        code="copied",
        lines=lines,
        others=tuple(hit[1].id for hit in hits),
        facts={
            "borrowers": [hit[1].borrower for hit in hits],
            "equal_figures": count,
            "figures_in_both": both_count,
        },
    )


def benford(statements: Sequence[Statement]) -> dict[str, Any] | None:
    """Return how far the first digits of all stated figures are from Benford's law; ``None`` below 100 figures.

    For information only: honest books of small firms, or rounded ones, depart from it too.
    """
    counts = [0] * 9
    for statement in statements:
        for value in _stated(statement).values():
            digits = value.normalize().as_tuple().digits
            counts[digits[0] - 1] += 1
    figures = sum(counts)
    if figures < 100:
        return None
    shares = [math.log10(1 + 1 / digit) for digit in range(1, 10)]
    distance = sum(
        (count - figures * share) ** 2 / (figures * share) for count, share in zip(counts, shares, strict=True)
    )
    # 8 degrees of freedom: 20.09 is passed by chance once in a hundred times.
    return {"figures": figures, "chi_square": round(distance, 2), "is_unusual": distance > 20.09}


def _wrong_sums(statement: Statement, settings: CreditSettings) -> list[Inconsistency]:
    lines, derived = statement.lines, set(statement.derived)
    found = []
    for code, whole, parts in _SUMS:
        names = (whole, *parts)
        if all(name in lines for name in names) and not derived & set(names):
            gap = lines[whole] - sum((lines[name] for name in parts), Decimal(0))
            if abs(gap) > _allowed(statement, len(names), settings):
                found.append(_off(code, statement, names, gap))
    for whole, parts in _WITHIN:
        known = tuple(name for name in parts if name in lines)
        if whole in lines and known and whole not in derived:
            over = sum((lines[name] for name in known), Decimal(0)) - lines[whole]
            if over > _allowed(statement, len(known) + 1, settings):
                found.append(_off("part_exceeds_whole", statement, (whole, *known), -over))
    return found


def _wrong_cash(statement: Statement, series: Sequence[Statement], settings: CreditSettings) -> list[Inconsistency]:
    lines = statement.lines
    found = []
    closing = "closing_cash" if "closing_cash" in lines else "cash"
    opening_known = "opening_cash" in lines
    if opening_known and closing in lines and all(name in lines for name in _FLOWS):
        names = (closing, "opening_cash", *_FLOWS, *(("fx_effect",) if "fx_effect" in lines else ()))
        gap = lines[closing] - sum((lines[name] for name in names[1:]), Decimal(0))
        if abs(gap) > _allowed(statement, len(names), settings):
            found.append(_off("cash_flow", statement, names, gap))
    before = _preceding(statement, series)
    if opening_known and before is not None:
        kept = "closing_cash" if "closing_cash" in before.lines else "cash"
        if kept in before.lines:
            gap = lines["opening_cash"] - before.lines[kept]
            allowed = _allowed(statement, 1, settings) + before.step / 2
            if abs(gap) > allowed:
                found.append(
                    attrs.evolve(_off("opening_cash", statement, ("opening_cash", kept), gap), others=(before.id,))
                )
    return found


def _preceding(statement: Statement, series: Sequence[Statement]) -> Statement | None:
    """Return the borrower's statement that ends where this one's period begins."""
    ends = [
        one
        for one in series
        if one.borrower == statement.borrower
        and one.currency == statement.currency
        and _months_between(one, statement) == statement.months
    ]
    return max(ends, key=lambda one: one.id, default=None)


def _months_between(earlier: Statement, later: Statement) -> int | None:
    days = (later.period_end - earlier.period_end).days
    if not 0 < days <= _YEAR_DAYS + 5:
        return None
    return (later.period_end.year - earlier.period_end.year) * 12 + later.period_end.month - earlier.period_end.month


def _allowed(statement: Statement, lines: int, settings: CreditSettings) -> Decimal:
    total = abs(statement.lines.get("total_assets", Decimal(0)))
    # Figures of a few round numbers look rounded further than they are; a hundredth of the assets is never rounding.
    rounding = min(statement.step * lines / 2, total / 100)
    return max(rounding, total * Decimal(str(settings.balance_tolerance)))


def _off(code: str, statement: Statement, lines: tuple[str, ...], gap: Decimal) -> Inconsistency:
    total = statement.lines.get("total_assets", Decimal(0))
    return Inconsistency(code=code, lines=lines, gap=gap, share=float(abs(gap) / total) if total else 0.0)


def _stated(statement: Statement) -> dict[str, Decimal]:
    derived = set(statement.derived)
    return {
        line.name: statement.lines[line.name]
        for line in LINES
        if line.name in statement.lines and line.name not in derived and statement.lines[line.name] != 0
    }
