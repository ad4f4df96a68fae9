"""The two customary rules as they are usually built, for comparison: they count calendar days and know no absence.

Off unless the tenant asks for them (``show_stock_rules``). Their codes begin with ``baseline.``, and only the
administrator sees them: they show what the fair rules spare people, and accuse nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from fieldhr_core.hooks import Tables
from fieldhr_core.model import FOLLOW_UPS, PEOPLE, Audience, Evidence, Finding, Severity
from fieldhr_plugins.behaviour import BehaviourSettings
from fieldhr_plugins.behaviour.days import as_ms

__all__ = ["StockRules"]

_DAYS: Final = 3
_MEAN_DAYS: Final = 14


class StockRules:
    """No record on three calendar weekdays in a row; under one visit a weekday over fourteen days.

    Weekdays are Monday to Friday for everybody: no leave, holiday, training, contract, territory or first days. One
    finding a rep and calendar month, so that the comparison counts people and not days.
    """

    codes: tuple[str, ...] = ("baseline.no_followup", "baseline.low_visits")
    days = 31

    def __init__(self, settings: BehaviourSettings) -> None:
        self._settings = settings
        self.cadence = settings.judged_at

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return whom the usual rules would tell on tonight, for the first time this month."""
        if not self._settings.show_stock_rules:
            return []
        last = tables.period.last
        month = [last - timedelta(days=back) for back in range(last.day)]
        written = _written(tables)
        leaders = set(tables[PEOPLE]["manager"].values)
        begins = min((day for mine in written.values() for day in mine), default=None)
        if begins is None:
            return []
        found: list[Finding] = []
        for rep in tables[PEOPLE]["rep"].tolist():
            if rep in leaders:
                continue
            mine = written.get(rep, {})
            for code, holds in (("baseline.no_followup", _silent), ("baseline.low_visits", _few)):
                nights = [day for day in month if holds(mine, day, begins)]
                if nights and min(nights) == last:
                    found.append(self._finding(tables, rep, code, last))
        return found

    def _finding(self, tables: Tables, rep: str, code: str, day: date) -> Finding:
        at = datetime.combine(day, datetime.min.time(), tables.as_of.tzinfo)
        at = max(at, tables.as_of)
        return Finding(
            code=code,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=day.isoformat()[:7],
            opened_at=at,
            closed_at=at,
            severity=Severity.INFO,
            confidence=0.5,
            rule=code,
            version="1",
            evidence=(Evidence(kind="rep", ids=(rep,), facts={"date": day.isoformat()}),),
            explanation=code,
            audience=(Audience.ADMIN,),
        )


def _written(tables: Tables) -> dict[str, dict[date, int]]:
    """Return rep -> local date -> visit records, with 0 for a day that has other records only."""
    records, zone = tables[FOLLOW_UPS], tables.as_of.tzinfo
    found: dict[str, dict[date, int]] = {}
    as_of = as_ms(tables.as_of)
    columns: Any = (records["rep"], records["start_ms"].tolist(), records["written_ms"].tolist(), records["kind"])
    for rep, start, at, kind in zip(*columns, strict=True):
        if rep is not None and at <= as_of:
            day = datetime.fromtimestamp(start / 1000, zone).date()
            mine = found.setdefault(rep, {})
            mine[day] = mine.get(day, 0) + (kind in ("visit", "joint_visit"))
    return found


def _weekdays(last: date, days: int) -> list[date]:
    span = [last - timedelta(days=back) for back in range(days)]
    return [day for day in span if day.isoweekday() <= 5]


def _silent(mine: dict[date, int], last: date, begins: date) -> bool:
    days = _weekdays(last, 2 * _DAYS + 1)[:_DAYS]
    return last.isoweekday() <= 5 and days[-1] >= begins and not any(day in mine for day in days)


def _few(mine: dict[date, int], last: date, begins: date) -> bool:
    days = _weekdays(last, _MEAN_DAYS)
    return days[-1] >= begins and sum(mine.get(day, 0) for day in days) < len(days)
