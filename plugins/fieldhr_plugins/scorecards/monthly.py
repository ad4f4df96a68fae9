"""Alerts on what a month showed: overdue loans, complaints, customers who do not come back, slow follow-up.

They are looked for on the first days of the next month, as the books stood at the month's end, so late data can still
correct them and nobody is told twice. Each takes a probability, enough cases of one's own, and a figure that is worse
than both what is usual among peers and what the tenant has set. They tell a manager what to look at, and which training
may help; nothing follows from them by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import PEOPLE, Audience, Evidence, Finding, Period, Schema, Severity, Table
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.cycle import Cycles, cycles, expected_ends
from fieldhr_plugins.scorecards.ledger import Crew
from fieldhr_plugins.scorecards.results import matured
from fieldhr_plugins.scorecards.risk import book
from fieldhr_plugins.scorecards.shrinkage import posterior_above
from fieldhr_plugins.scorecards.survival import survival
from fieldhr_plugins.scorecards.weighing import COMPONENTS, chance_below, prior_of, weigh

__all__ = ["Month", "MonthlyAlerts", "month_before"]

Floats = npt.NDArray[np.float64]

OVERDUE: Final = "score.overdue_high"
REPURCHASE: Final = "score.repurchase_low"
SLOW: Final = "score.slow_followup"

_VERSION: Final = "1"
#: Days of a month on which the month before is looked at.
_FIRST_DAYS: Final = 3
_SURE: Final = 0.8
#: A slow pace is one of many small differences: it takes more to be sure of.
_SURER: Final = 0.85
#: Cases of one's own: a third of what the peers' likeness weighs.
_OWN_CASES: Final = 20
#: Half of all people lie below what is usual: it takes most to be sure of that, and it must matter, too.
_SUREST: Final = 0.985
_CLEARLY_LOWER: Final = 0.85
_CLEARLY_SLOWER: Final = 0.9


@attrs.frozen(eq=False)
class Month:
    """The same tables, for a month that is over, as of its end."""

    tables: Tables
    period: Period
    as_of: datetime

    @property
    def tenant(self) -> str:
        """Id of the tenant."""
        return self.tables.tenant

    @property
    def name(self) -> str:
        """``2026-03``."""
        return f"{self.period.first:%Y-%m}"

    def __getitem__(self, schema: Schema) -> Table:
        """Return the rows of one schema; who reads them looks at the month's only."""
        return self.tables[schema]


def month_before(tables: Tables, back: int = 1) -> Month:
    """Return the month that ended last before the day of judgement (*back*: so many months before)."""
    first = tables.period.last.replace(day=1)
    for _ in range(back):
        last = first - timedelta(days=1)
        first = last.replace(day=1)
    end = datetime.combine(last + timedelta(days=1), time(), tables.as_of.tzinfo)
    return Month(tables, Period(first, last), end - timedelta(milliseconds=1))


class MonthlyAlerts:
    """One finding a rep and month."""

    codes: tuple[str, ...] = (OVERDUE, REPURCHASE, SLOW)
    days = _FIRST_DAYS + 31

    def __init__(self, settings: ScorecardSettings) -> None:
        self._settings = settings
        self.cadence = settings.alerts_at

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return what the month before showed, on the first days of a month; nothing on others."""
        if tables.period.last.day > _FIRST_DAYS:
            return []
        month = month_before(tables)
        crew = Crew.of(month)
        groups = _peers(month, crew)
        return [*self._overdue(month, crew, groups), *self._repurchase(month, crew, groups), *self._slow(month, crew)]

    def _overdue(self, month: Month, crew: Crew, groups: Sequence[Sequence[int]]) -> Iterator[Finding]:
        on = book(month, crew)
        size, limit = len(crew.reps), self._settings.overdue_limit
        loans = _counted(on.rep, np.ones(len(on.rep)), size)
        late = _counted(on.rep, on.is_overdue.astype("f8"), size)
        for group in groups:
            mine = [rep for rep in group if loans[rep] > 0]
            if not mine:
                continue
            hits, trials = late[mine], loans[mine]
            prior = prior_of(hits, trials)
            above = posterior_above(hits, trials, prior, limit)
            strength = prior.alpha + prior.beta
            for place, rep in enumerate(mine):
                raw = hits[place] / trials[place]
                if above[place] < _SURE or raw <= limit or trials[place] < _OWN_CASES:
                    continue
                of_rep = (on.rep == rep) & on.is_overdue
                shown = {
                    "overdue": int(hits[place]),
                    "loans": int(trials[place]),
                    "raw_pct": _pct(raw),
                    "shown_pct": _pct((hits[place] + prior.alpha) / (trials[place] + strength)),
                    "usual_pct": _pct(prior.alpha / strength),
                    "probability_pct": _pct(above[place]),
                }
                yield self._finding(
                    month,
                    OVERDUE,
                    crew.reps[rep],
                    Severity.MEDIUM,
                    float(above[place]),
                    Evidence(kind="loan", ids=tuple(sorted(on.loan[of_rep].tolist())), facts=shown),
                    {**shown, "limit_pct": _pct(limit), "training": COMPONENTS["overdue_rate"].training},
                    {"overdue_limit": limit, "probability": _SURE, "least_loans": _OWN_CASES},
                )

    def _repurchase(self, month: Month, crew: Crew, groups: Sequence[Sequence[int]]) -> Iterator[Finding]:
        rep_of, customer, again, _ = matured(month, crew, self._settings)
        size, industry = len(crew.reps), self._settings.industry_repurchase_rate
        customers = _counted(rep_of, np.ones(len(rep_of)), size)
        returned = _counted(rep_of, again.astype("f8"), size)
        for group in groups:
            mine = [rep for rep in group if customers[rep] > 0]
            if not mine:
                continue
            hits, trials = returned[mine], customers[mine]
            prior = prior_of(hits, trials)
            strength = prior.alpha + prior.beta
            usual = prior.alpha / strength
            norm = usual if industry is None else min(industry, usual)
            below = 1 - posterior_above(hits, trials, prior, norm)
            clearly = 1 - posterior_above(hits, trials, prior, _CLEARLY_LOWER * norm)
            for place, rep in enumerate(mine):
                raw = hits[place] / trials[place]
                if below[place] < _SUREST or clearly[place] < _SURE or trials[place] < _OWN_CASES:
                    continue
                of_rep = rep_of == rep
                shown = {
                    "returned": int(hits[place]),
                    "matured": int(trials[place]),
                    "raw_pct": _pct(raw),
                    "shown_pct": _pct((hits[place] + prior.alpha) / (trials[place] + strength)),
                    "usual_pct": _pct(usual),
                    "industry_pct": None if industry is None else _pct(industry),
                    "probability_pct": _pct(below[place]),
                }
                yield self._finding(
                    month,
                    REPURCHASE,
                    crew.reps[rep],
                    Severity.MEDIUM,
                    float(below[place]),
                    Evidence(kind="customer", ids=tuple(sorted(np.asarray(customer)[of_rep].tolist())), facts=shown),
                    {**shown, "training": COMPONENTS["repurchase_rate"].training},
                    {
                        "industry_repurchase_rate": industry,
                        "probability": _SUREST,
                        "clearly_lower": _CLEARLY_LOWER,
                        "probability_clearly": _SURE,
                        "least_customers": _OWN_CASES,
                        "maturing_days": self._settings.maturing_days,
                    },
                )

    def _slow(self, month: Month, crew: Crew) -> Iterator[Finding]:
        found = cycles(month, crew, self._settings)
        expected, size = expected_ends(found), len(crew.reps)
        ended = _counted(found.rep, found.has_ended.astype("f8"), size)
        due, deals = _counted(found.rep, expected, size), _counted(found.rep, np.ones(len(expected)), size)
        mine = np.flatnonzero(due > 0)
        if not len(mine):
            return
        unknown = np.full(len(mine), np.nan)
        weighed = weigh(COMPONENTS["followup_pace"], ended[mine] / due[mine], due[mine], unknown, unknown)
        slower = chance_below(weighed.shrunk, weighed.error, _CLEARLY_SLOWER)
        usual, industry = survival(found.days, found.has_ended).median.value, self._settings.industry_cycle_days
        for place, rep in enumerate(mine.tolist()):
            if slower[place] < _SURER or deals[rep] < _OWN_CASES:
                continue
            of_rep = found.rep == rep
            median = survival(found.days[of_rep], found.has_ended[of_rep]).median
            if median.value <= max(usual, industry or 0.0):
                continue
            shown = {
                "median_days": _days(median.value),
                "low_days": _days(median.low),
                "high_days": _days(median.high),
                "usual_days": _days(usual),
                "industry_days": industry,
                "deals": int(deals[rep]),
                "open": int(deals[rep] - ended[rep]),
                "probability_pct": _pct(slower[place]),
            }
            yield self._finding(
                month,
                SLOW,
                crew.reps[rep],
                Severity.LOW,
                float(slower[place]),
                Evidence(kind="deal", ids=_of(found, of_rep), facts=shown),
                {**shown, "training": COMPONENTS["followup_pace"].training},
                {"pace": _CLEARLY_SLOWER, "probability": _SURER, "least_deals": _OWN_CASES, "industry_days": industry},
            )

    def _finding(
        self,
        month: Month,
        code: str,
        rep: str,
        severity: Severity,
        confidence: float,
        evidence: Evidence,
        params: Mapping[str, Any],
        thresholds: Mapping[str, Any],
    ) -> Finding:
        first = month.period.last + timedelta(days=1)
        at = datetime.combine(first, time.fromisoformat(self._settings.alerts_at), month.as_of.tzinfo)
        return Finding(
            code=code,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=month.name,
            opened_at=min(at, month.tables.as_of),
            closed_at=min(at, month.tables.as_of),
            severity=severity,
            confidence=round(min(max(confidence, 0.0), 1.0), 4),
            rule=code,
            version=_VERSION,
            thresholds=dict(thresholds),
            evidence=(evidence,),
            explanation=code,
            params={"month": month.name, **params},
            advice=f"{code}.advice",
            audience=(Audience.MANAGER, Audience.REP),
        )


def _peers(month: Month, crew: Crew) -> list[list[int]]:
    """Return codes of people of one role: what is usual is usual for a kind of work."""
    people = month[PEOPLE].sort("rep")
    groups: dict[str, list[int]] = {}
    for place, role in enumerate(people["role"]):
        groups.setdefault(role or "", []).append(place)
    del crew
    return [groups[role] for role in sorted(groups)]


def _counted(rep: Any, what: Floats, size: int) -> Floats:
    known = rep >= 0
    return np.bincount(rep[known], weights=what[known], minlength=size).astype("f8")


def _of(found: Cycles, mine: Any) -> tuple[str, ...]:
    return tuple(sorted(found.deal[mine].tolist()))


def _pct(share: float) -> float:
    return round(100 * float(share), 1)


def _days(value: float) -> float | None:
    return round(float(value), 1) if np.isfinite(value) else None
