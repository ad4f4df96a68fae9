"""A borrower who weakens: five factors over the last statements, each held against its own past and its peers.

One factor is a bad quarter; three at once, over a year, are a course. What is usual in an industry is held against
nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

import attrs

from fieldhr_plugins.credit.ratios import BY_NAME, ratios_of
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.statement import Statement, faults_of

__all__ = ["Course", "Signal", "course_of", "own_quarter", "peers_medians"]

_PEERS_WITHIN_DAYS: Final = 400


@attrs.frozen(kw_only=True)
class Signal:
    """One factor over the statements looked at.

    Attributes:
        first, last: its value at both ends; for ``operating_cash_flow`` the number of negative periods, 0 and now.
        peers: the median of the industry, where there are enough of them.
        is_adverse: it became bad, is bad, and is worse than the peers.
        size: by how much it moved, in its own unit; above 0 raises the risk.
    """

    name: str
    first: float | None
    last: float | None
    peers: float | None
    is_adverse: bool
    size: float

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "first": _rounded(self.first),
            "value": _rounded(self.last),
            "peers_median": _rounded(self.peers),
            "direction": "raises" if self.size > 0 else "lowers" if self.size < 0 else "neutral",
            "size": _rounded(self.size),
            "adverse": self.is_adverse,
        }


@attrs.frozen(kw_only=True)
class Course:
    """Where a borrower is heading.

    Attributes:
        since: end of the first period from which the weakening held without a break; ``None``: it does not hold.
        statements: those looked at, oldest first.
    """

    signals: tuple[Signal, ...]
    since: str | None
    statements: tuple[str, ...]

    @property
    def is_weakening(self) -> bool:
        """Whether it holds now."""
        return self.since is not None


@attrs.frozen
class _Limit:
    """When a ratio is bad (at or beyond ``bad``) and has become so (moved by ``moved`` at least, the risky way)."""

    name: str
    bad: float
    moved: float


#: Our choice, read off scenario R06 and customary covenants (debt at most 70 %, cover at least 1.5); to be reviewed by
#: whoever answers for a tenant's credit policy.
_LIMITS: Final[tuple[_Limit, ...]] = (
    _Limit("debt_ratio", 0.70, 0.05),
    _Limit("current_ratio", 1.0, 0.20),
    _Limit("interest_cover", 1.5, 0.50),
    _Limit("return_on_assets", 0.01, 0.02),
)
_NEGATIVE_PERIODS: Final = 2


def course_of(
    statement: Statement, series: Sequence[Statement], others: Sequence[Statement], settings: CreditSettings
) -> Course:
    """Return the course of a borrower up to *statement*.

    Args:
        series: all statements of the borrower by period, *statement* among them.
        others: statements of other borrowers, of any industry.
    """
    fit = [one for one in series if one.period_end <= statement.period_end and not faults_of(one)]
    medians = peers_medians(statement, others, settings)
    signals, used = _signals(fit, medians, settings)
    since = None
    for end in range(len(fit), 0, -1):
        then, _ = _signals(fit[:end], medians, settings)
        if sum(signal.is_adverse for signal in then) < settings.weakening_factors:
            break
        since = fit[end - 1].period_end.isoformat()
    return Course(signals=signals, since=since, statements=used)


def peers_medians(statement: Statement, others: Sequence[Statement], settings: CreditSettings) -> Mapping[str, float]:
    """Return the median of each ratio over the latest statements of the same industry; nothing below ``min_peers``."""
    latest: dict[str, Statement] = {}
    for other in others:
        distance = abs((statement.period_end - other.period_end).days)
        is_peer = other.industry == statement.industry and other.borrower != statement.borrower
        if not statement.industry or not is_peer or distance > _PEERS_WITHIN_DAYS or faults_of(other):
            continue
        known = latest.get(other.borrower)
        if known is None or (known.period_end, known.id) < (other.period_end, other.id):
            latest[other.borrower] = other
    if len(latest) < settings.min_peers:
        return {}
    ratios = [ratios_of(one) for one in latest.values()]
    found: dict[str, float] = {}
    for name in BY_NAME:
        known_values = [value for one in ratios if (value := one[name]) is not None]
        if len(known_values) >= settings.min_peers:
            found[name] = median(known_values)
    return found


def own_quarter(statement: Statement, series: Sequence[Statement], name: str) -> float | None:
    """Return a flow of the statement's own last stretch: what it covers beyond an earlier one of the same year.

    Quarterly reports often sum up since the year began; the second is 6 months, of which 3 stood in the first.
    """
    value = statement.get(name)
    if value is None:
        return None
    for one in reversed(series):
        apart = (
            (statement.period_end.year - one.period_end.year) * 12 + statement.period_end.month - one.period_end.month
        )
        if 0 < apart == statement.months - one.months and (before := one.get(name)) is not None:
            return value - before
    return value


def _signals(
    series: Sequence[Statement], medians: Mapping[str, float], settings: CreditSettings
) -> tuple[tuple[Signal, ...], tuple[str, ...]]:
    window = series[-settings.weakening_statements :]
    if len(window) < settings.weakening_statements:
        return (), tuple(one.id for one in window)
    signals = [_of_ratio(limit, window, medians, settings) for limit in _LIMITS]
    signals.append(_of_cash(window, series))
    return tuple(signals), tuple(one.id for one in window)


def _of_ratio(
    limit: _Limit, window: Sequence[Statement], medians: Mapping[str, float], settings: CreditSettings
) -> Signal:
    ratio = BY_NAME[limit.name]
    values = [ratio.of(one) for one in window]
    known = [value for value in values if value is not None]
    last = values[-1]
    first = known[0] if known else None
    peers = medians.get(limit.name)
    if last is None or first is None:
        return Signal(name=limit.name, first=first, last=last, peers=peers, is_adverse=False, size=0.0)
    moved = ratio.risk * (last - first)
    is_bad = ratio.risk * (last - limit.bad) >= 0
    is_worse = peers is None or ratio.risk * (last - peers) > settings.peers_margin * abs(peers)
    return Signal(
        name=limit.name,
        first=first,
        last=last,
        peers=peers,
        is_adverse=is_bad and moved >= limit.moved and is_worse,
        size=moved,
    )


def _of_cash(window: Sequence[Statement], series: Sequence[Statement]) -> Signal:
    negative = [one for one in window if _is_unusually_negative(one, series)]
    return Signal(
        name="operating_cash_flow",
        first=0.0,
        last=float(len(negative)),
        peers=None,
        is_adverse=len(negative) >= _NEGATIVE_PERIODS,
        size=float(len(negative)),
    )


def _is_unusually_negative(one: Statement, series: Sequence[Statement]) -> bool:
    """Whether the operating cash flow is negative, and was not so in the same season a year before."""
    flow = own_quarter(one, series, "operating_cash_flow")
    if flow is None or flow >= 0:
        return False
    for other in series:
        if other.months == one.months and 335 <= (one.period_end - other.period_end).days <= 395:
            before = own_quarter(other, series, "operating_cash_flow")
            return before is None or before >= 0
    return True


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
