"""Whether some groups of reps are told on more often than others: rates a working week, their ratio, its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.flow.people import duties, duty_table
from fieldhr_core.model import CaseState, Comparison, GroupRate, Period, milliseconds

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["BAR", "compare"]

#: A ratio that lies above this beyond chance is unfair.
BAR: Final = 1.25
#: Traits of people that are compared where the host gives them.
TRAITS: Final = ("age_band", "phone_model", "gender")
_Z: Final = 1.959963984540054
_YEAR: Final = timedelta(days=365)


def compare(acting: Acting, unit: Unit, period: Period, codes: Sequence[str] = ()) -> list[Comparison]:
    """Return a comparison for each attribute and code, and for all codes together.

    Args:
        codes: alert codes to look at one by one; none: only all together.
    """
    groups = _groups(acting, unit, period)
    weeks = _weeks(acting, unit, period, groups)
    alerts = _alerts(acting, unit, period)
    found = []
    for code in ("", *codes):
        of_code = {rep: sum(n for each, n in mine.items() if code in ("", each)) for rep, mine in alerts.items()}
        attributes = sorted({attribute for mine in groups.values() for attribute in mine})
        found += [_compared(code, attribute, groups, weeks, of_code) for attribute in attributes]
    return found


def _compared(
    code: str,
    attribute: str,
    groups: Mapping[str, Mapping[str, str]],
    weeks: Mapping[str, float],
    alerts: Mapping[str, int],
) -> Comparison:
    members: dict[str, list[str]] = {}
    for rep, mine in groups.items():
        if attribute in mine and weeks.get(rep):
            members.setdefault(mine[attribute], []).append(rep)
    rates = []
    for group, reps in sorted(members.items()):
        total, exposure = sum(alerts.get(rep, 0) for rep in reps), sum(weeks[rep] for rep in reps)
        rates.append(
            GroupRate(
                group=group,
                reps=len(reps),
                rep_weeks=round(exposure, 1),
                alerts=total,
                flagged=sum(alerts.get(rep, 0) > 0 for rep in reps),
                per_rep_week=round(total / exposure, 4),
            )
        )
    ratio, at_least = _ratio(rates)
    return Comparison(
        code=code,
        attribute=attribute,
        groups=tuple(rates),
        ratio=ratio,
        at_least=at_least,
        holds=at_least <= BAR,
    )


def _ratio(rates: Sequence[GroupRate]) -> tuple[float | None, float]:
    """Return highest to lowest rate, and the lower end of its interval: two Poisson rates, on the logarithm."""
    if len(rates) < 2:
        return None, 1.0
    low, high = (pick(rates, key=lambda each: each.alerts / each.rep_weeks) for pick in (min, max))
    if not high.alerts:
        return 1.0, 1.0
    # Half an alert more on both sides keeps a group without any in the comparison.
    ratio = ((high.alerts + 0.5) / high.rep_weeks) / ((low.alerts + 0.5) / low.rep_weeks)
    spread = _Z * math.sqrt(1 / (high.alerts + 0.5) + 1 / (low.alerts + 0.5))
    shown = round((high.alerts / high.rep_weeks) / (low.alerts / low.rep_weeks), 3) if low.alerts else None
    return shown, round(max(1.0, ratio * math.exp(-spread)), 3)


def _groups(acting: Acting, unit: Unit, period: Period) -> dict[str, dict[str, str]]:
    import sqlalchemy as sa

    table = acting.tables.people
    rows = unit.all(sa.select(table).where(table.c.tenant == acting.tenant).order_by(table.c.id))
    leaders = {row.manager for row in rows}
    found = {}
    for row in rows:
        if row.id in leaders:
            continue
        share = row.pattern["contract_share"] if row.pattern else 1.0
        mine = {"contract": "part time" if share < 1 else "full time"}
        if row.territory:
            mine["territory"] = row.territory
        if row.branch:
            mine["branch"] = row.branch
        if row.joined:
            is_new = period.last - date.fromisoformat(row.joined) < _YEAR
            mine["service"] = "new" if is_new else "long-serving"
        for trait in TRAITS:
            if (row.traits or {}).get(trait):
                mine[trait] = str(row.traits[trait])
        found[row.id] = mine
    return found


def _weeks(acting: Acting, unit: Unit, period: Period, reps: Iterable[str]) -> dict[str, float]:
    known = duties(acting, unit, None, period.first - timedelta(days=1), period.last + timedelta(days=1))
    wanted = [rep for rep in reps if known.knows(rep)]
    table = duty_table(known, wanted, period)
    weeks = dict.fromkeys(wanted, 0.0)
    for rep, expected in zip(table["rep"], table["expected"].tolist(), strict=True):
        if rep is not None and expected:
            weeks[rep] += 0.2
    return weeks


def _alerts(acting: Acting, unit: Unit, period: Period) -> dict[str, dict[str, int]]:
    import sqlalchemy as sa

    table = acting.tables.cases
    start, end = _instants(acting, unit, period)
    rows: list[Any] = unit.all(
        sa.select(table.c.rep, table.c.code, sa.func.count().label("number"))
        .where(
            table.c.tenant == acting.tenant,
            table.c.rep.is_not(None),
            table.c.state != CaseState.WITHDRAWN.value,
            table.c.opened_ms >= start,
            table.c.opened_ms < end,
        )
        .group_by(table.c.rep, table.c.code)
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.rep, {})[row.code] = row.number
    return found


def _instants(acting: Acting, unit: Unit, period: Period) -> tuple[int, int]:
    from datetime import datetime, time
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(acting.facts(unit).pattern.zone)
    first = datetime.combine(period.first, time(), zone)
    return milliseconds(first), milliseconds(datetime.combine(period.last + timedelta(days=1), time(), zone))
