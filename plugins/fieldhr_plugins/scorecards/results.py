"""``appraisal.results``: sales, approval, conversion, repurchase, growth, and how long it takes to sign."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import DEALS, METRICS, Coded, Metric, Table
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.cycle import Cycles, cycles, expected_ends
from fieldhr_plugins.scorecards.effort import active_days, as_days
from fieldhr_plugins.scorecards.intervals import wilson_interval
from fieldhr_plugins.scorecards.joins import Ints
from fieldhr_plugins.scorecards.ledger import DAY_MS, Crew, Entries, Tally, behind, entries, measured
from fieldhr_plugins.scorecards.stages import is_approved, is_lost, is_refused, is_won

__all__ = ["ResultScorer", "matured"]

Mask = npt.NDArray[np.bool_]

#: Working days of a month, about: what sales are counted per.
_MONTH_DAYS: Final = 20

SALES: Final = Metric(
    name="sales_per_20_days",
    unit="deals/20 days",
    direction="up",
    doc="Deals signed in the period and not cancelled, per 20 active days (days with any record of work; where a "
    "tenant hands in no such records, per 20 weekdays).",
)
APPROVAL: Final = Metric(
    name="approval_rate", unit="share", direction="up", doc="Applications approved, of those approved or refused."
)
CONVERSION: Final = Metric(
    name="conversion_rate",
    unit="share",
    direction="up",
    doc="Deals that came to a standing contract, of all that were decided in the period.",
)
REPURCHASE: Final = Metric(
    name="repurchase_rate",
    unit="share",
    direction="up",
    doc="Matured customers (first purchase long enough ago) with a second purchase, of all matured customers.",
)
GROWTH: Final = Metric(
    name="sales_growth",
    unit="ratio",
    direction="up",
    doc="Deals signed in the period by those in the period of equal length before it, minus 1; NaN without any before.",
)
CYCLE: Final = Metric(
    name="followup_cycle_days",
    unit="days",
    direction="down",
    doc="Median days from the first visit to signing, deals still open counted for as long as they have taken so far "
    "(Kaplan-Meier); NaN where less than half will have signed.",
)
OPEN: Final = Metric(
    name="followup_open_share", unit="share", direction="none", doc="Deals of the follow-up cycle that are still open."
)
PACE: Final = Metric(
    name="followup_pace",
    unit="x usual",
    direction="up",
    doc="Deals signed, by those that would have been at the tenant's usual pace in the same time at risk; 1 is usual.",
)


class ResultScorer:
    """What came of it, by the host's deals."""

    metrics: tuple[Metric, ...] = (SALES, APPROVAL, CONVERSION, REPURCHASE, GROWTH, CYCLE, OPEN, PACE)

    def __init__(self, settings: ScorecardSettings) -> None:
        self._settings = settings

    def score(self, tables: Tables, /) -> Table:
        """Return ``METRICS`` of everybody with exposure."""
        crew = Crew.of(tables)
        found = cycles(tables, crew, self._settings)
        parts = [measured(crew, self._tallies(tables, crew, found).values()), self._growth(tables, crew)]
        return Table.concat(METRICS, [*parts, self._medians(crew, found)])

    def behind(self, tables: Tables, subject: str, metric: str, /) -> Table:
        """Return the records behind one figure."""
        crew = Crew.of(tables)
        found = cycles(tables, crew, self._settings)
        tallies = self._tallies(tables, crew, found)
        if metric == GROWTH.name:
            return behind(crew, self._grown(tables, crew), subject)
        if metric == CYCLE.name:
            return behind(crew, Tally(CYCLE, "none", (_days_taken(found),)), subject)
        return behind(crew, tallies[metric], subject)

    def _tallies(self, tables: Tables, crew: Crew, found: Cycles) -> dict[str, Tally]:
        deals = tables[DEALS]
        won, inside = is_won(deals, self._settings), crew.inside(deals["closed_ms"])
        rep, ids = crew.codes(deals["rep"]), deals["deal"]
        approved, refused = is_approved(deals, self._settings), is_refused(deals, self._settings)
        decided = (won | refused | is_lost(deals, self._settings) | (deals["cancelled_ms"] > 0)) & inside
        judged = (approved | refused) & inside
        sold = won & inside
        tallies = [
            Tally(
                SALES,
                "rate",
                (entries("deal", rep[sold], ids[sold], counts=1.0), *self._worked(tables, crew, rep[sold])),
            ),
            Tally(APPROVAL, "share", (entries("deal", rep[judged], ids[judged], counts=approved[judged], of=1.0),)),
            Tally(CONVERSION, "share", (entries("deal", rep[decided], ids[decided], counts=won[decided], of=1.0),)),
            self._repurchased(tables, crew),
            Tally(OPEN, "share", (entries("deal", found.rep, found.deal, counts=~found.has_ended, of=1.0),)),
            Tally(
                PACE,
                "rate",
                (entries("deal", found.rep, found.deal, counts=found.has_ended, of=expected_ends(found)),),
            ),
        ]
        return {tally.metric.name: tally for tally in tallies}

    def _worked(self, tables: Tables, crew: Crew, sellers: Ints) -> tuple[Entries, ...]:
        days = active_days(tables, crew)
        if len(days):
            return (as_days(crew, days, of=1.0 / _MONTH_DAYS),)
        weekdays = np.flatnonzero([(crew.first.weekday() + n) % 7 < 5 for n in range(crew.days)])
        reps = np.unique(sellers[sellers >= 0])
        every = (reps[:, None] * (crew.days + 1) + weekdays[None, :]).ravel()
        return (as_days(crew, every, of=1.0 / _MONTH_DAYS),)

    def _repurchased(self, tables: Tables, crew: Crew) -> Tally:
        rep, customer, again, _ = matured(tables, crew, self._settings)
        return Tally(REPURCHASE, "share", (entries("customer", rep, customer, counts=again, of=1.0),))

    def _grown(self, tables: Tables, crew: Crew) -> Tally:
        deals = tables[DEALS]
        deals = deals.take(is_won(deals, self._settings))
        first, end = crew.span_ms
        before = (deals["closed_ms"] >= 2 * first - end) & (deals["closed_ms"] < first)
        now = crew.inside(deals["closed_ms"])
        rep, ids = crew.codes(deals["rep"]), deals["deal"]
        return Tally(
            GROWTH,
            "none",
            (entries("deal", rep[now], ids[now], counts=1.0), entries("deal", rep[before], ids[before], of=1.0)),
        )

    def _growth(self, tables: Tables, crew: Crew) -> Table:
        """Return the growth, from counts: how the two periods share the deals says how sure it is."""
        table = measured(crew, [self._grown(tables, crew)])
        then = table["exposure"]
        now = np.round(table["value"] * then)
        low, high = wilson_interval(now, now + then)
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = low / (1 - low) - 1, high / (1 - high) - 1
        value = table["value"] - 1
        finite = np.where(np.isfinite(high), high, np.nan)
        return table.replace(
            value=value, low=np.minimum(low, value), high=np.maximum(finite, value), exposure=now + then
        )

    def _medians(self, crew: Crew, found: Cycles) -> Table:
        subjects, rows = [], []
        for subject_of, names in crew.levels:
            mine = np.where(found.rep >= 0, subject_of[np.maximum(found.rep, 0)], -1) if len(subject_of) else found.rep
            for name, median in found.medians(mine, len(names)):
                subjects.append(names[name])
                rows.append(median)
        columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
        return METRICS.table(
            subject=Coded.of(subjects),
            metric=Coded.same(CYCLE.name, len(rows)),
            value=columns[0],
            exposure=columns[1],
            low=columns[2],
            high=columns[3],
        )


def _days_taken(found: Cycles) -> Entries:
    return entries("deal", found.rep, found.deal, counts=found.days, of=found.has_ended)


def matured(tables: Tables, crew: Crew, settings: ScorecardSettings) -> tuple[Ints, object, Mask, Ints]:
    """Return (rep of the first purchase, customer, whether a second followed, first purchase) of matured customers.

    Matured is whose first purchase lies as long before the end of the period as a second one may take: younger ones
    would count as lost although their time is not up.
    """
    deals = tables[DEALS]
    _, end = crew.span_ms
    until = min(end, crew.as_of_ms + 1)
    bought = deals.take(is_won(deals, settings) & (deals["closed_ms"] < until)).sort("closed_ms", "deal")
    customer = Coded.of(bought["customer"].tolist())
    size = len(customer.values)
    first = np.full(size, len(bought), dtype="i8")
    np.minimum.at(first, customer.codes, np.arange(len(bought)))
    times = np.bincount(customer.codes, minlength=size)
    is_old = bought["closed_ms"][first] <= until - settings.maturing_days * DAY_MS if size else np.zeros(0, dtype=bool)
    names = np.asarray(customer.values, dtype="O")
    rep = crew.codes(bought["rep"])[first] if size else np.zeros(0, dtype="i8")
    at = bought["closed_ms"][first] if size else np.zeros(0, dtype="i8")
    return rep[is_old], names[is_old], times[is_old] > 1, at[is_old]
