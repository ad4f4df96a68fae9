"""What the product shows about people's books, beside what is true of them and beside the figure that is usually shown.

S02: overdue rates of few loans, whose true rates are known. S04: the time to a signature where many deals are open.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.model import Period, milliseconds

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.model import Case
    from fieldhr_sandbox.tenant import Tenant

__all__ = ["compare_shown"]

_DAY_MS: Final = 86_400_000
#: The error of the shown rate by that of the raw one, at most; claims of "over 10 %" that hold, at least.
_ERROR, _PRECISION = 0.65, 0.8
_LIMIT: Final = 0.10
#: A median is right within so many days, and closed deals alone are told apart by more.
_MEDIAN_OFF: Final = 2.0
#: So few claims, or reps, say nothing.
_FEW: Final = 5
_MANY: Final = 20
_OVERDUE: Final = "score.overdue_high"
#: Deals that began within so many days before the trial's end are looked at.
_WINDOW_DAYS: Final = 90


def compare_shown(desk: Desk, tenant: Tenant, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Return one row a figure: what is true, what is shown, what is usually shown, and whether it holds.

    ``holds`` is ``None`` where too little was planted to say.
    """
    if tenant.books is None:
        return []
    planted = {row.scenario for row in tenant.key.records}
    found: list[dict[str, Any]] = []
    if "S02" in planted:
        found += _rates(desk, tenant, cases)
    if "S04" in planted:
        found += _cycles(desk, tenant)
    return found


def _period(tenant: Tenant) -> Period:
    return Period(tenant.days.date(0), tenant.days.date(tenant.days.count - 1))


def _rates(desk: Desk, tenant: Tenant, cases: Sequence[Case]) -> list[dict[str, Any]]:
    assert tenant.books is not None
    ids = {rep.index: rep.id for rep in tenant.world.reps}
    plans = tenant.books.plans.items()
    truth = {ids[index]: plan.true_overdue for index, plan in plans if plan.true_overdue is not None}
    shown, raw = [], []
    for card in desk.scores.cards(_period(tenant)):
        part = next((one for one in card.components if one.metric == "overdue_rate"), None)
        if part is not None and card.subject in truth and part.value is not None:
            shown.append(part.shrunk - truth[card.subject])
            raw.append(part.value - truth[card.subject])
    errors = [math.sqrt(statistics.fmean(one * one for one in each)) if each else None for each in (shown, raw)]
    ratio = errors[0] / errors[1] if errors[0] is not None and errors[1] else None
    claimed = {case.finding.subject for case in cases if case.finding.code == _OVERDUE} & set(truth)
    right = sum(truth[rep] > _LIMIT for rep in claimed)
    blunt = [rep for rep in truth if _raw_rate(tenant, rep) > _LIMIT]
    blunt_right = sum(truth[rep] > _LIMIT for rep in blunt)
    return [
        {
            "scenario": "S02",
            "figure": "overdue_rate",
            "what": "error of the shown rates by that of the raw ones",
            "reps": len(shown),
            "true": None,
            "shown": None if ratio is None else round(ratio, 3),
            "usual": 1.0,
            "bar": _ERROR,
            "holds": None if ratio is None or len(shown) < _MANY else ratio <= _ERROR,
        },
        {
            "scenario": "S02",
            "figure": _OVERDUE,
            "what": "share of the claims over 10 % that hold; usual: every raw rate over 10 % claims it",
            "reps": len(claimed),
            "true": sum(rate > _LIMIT for rate in truth.values()),
            "shown": round(right / len(claimed), 3) if claimed else None,
            "usual": round(blunt_right / len(blunt), 3) if blunt else None,
            "bar": _PRECISION,
            "holds": right / len(claimed) >= _PRECISION if len(claimed) >= _FEW else None,
        },
    ]


def _raw_rate(tenant: Tenant, rep: str) -> float:
    assert tenant.books is not None
    index = next(one.index for one in tenant.world.reps if one.id == rep)
    plan = tenant.books.plans[index]
    return (plan.overdue or 0) / (plan.loans or 1)


def _cycles(desk: Desk, tenant: Tenant) -> list[dict[str, Any]]:
    assert tenant.books is not None
    ids = {rep.index: rep.id for rep in tenant.world.reps}
    slow = {row.rep for row in tenant.key.records if row.scenario == "S04"}
    rows = {
        row["subject"]: row
        for row in desk.scores.measure(_period(tenant)).rows()
        if row["metric"] == "followup_cycle_days"
    }
    deals, end = tenant.books.deals, milliseconds(tenant.days.instant(tenant.days.count, 0))
    deals = deals.take(deals["product"].where("wealth_product"))
    deals = deals.take((deals["opened_ms"] < end) & (deals["opened_ms"] >= end - _WINDOW_DAYS * _DAY_MS))
    takes = (deals["closed_ms"] - deals["opened_ms"]) / _DAY_MS
    closed = deals["closed_ms"] < end
    found = []
    for index in sorted(index for index, ident in ids.items() if ident in slow):
        mine = deals["rep"].where(ids[index])
        row = rows.get(ids[index])
        true, usual = statistics.median(takes[mine].tolist()), statistics.median(takes[mine & closed].tolist())
        shown = None if row is None else row["value"]
        found.append(
            {
                "scenario": "S04",
                "figure": "followup_cycle_days",
                "what": "median days to a signature; usual: of closed deals alone",
                "reps": 1,
                "true": round(true, 1),
                "shown": None if shown is None else round(shown, 1),
                "low": None if row is None else round(row["low"], 1),
                "high": None if row is None else round(row["high"], 1),
                "usual": round(usual, 1),
                "open": int((mine & ~closed).sum()),
                "bar": _MEDIAN_OFF,
                "holds": shown is not None and row is not None and row["low"] <= true <= row["high"],
            }
        )
    return found
