"""``appraisal.risk``: overdue loans by age and vintage, high-risk share, complaints, cancellations, upheld alerts."""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CASES, DEALS, FEEDBACK, LOANS, METRICS, Coded, Metric, Table
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.effort import active_days, as_days
from fieldhr_plugins.scorecards.intervals import wilson_interval
from fieldhr_plugins.scorecards.joins import Ints, distinct
from fieldhr_plugins.scorecards.ledger import DAY_MS, Crew, Tally, behind, entries, measured
from fieldhr_plugins.scorecards.stages import is_signed

__all__ = ["Book", "RiskScorer", "book", "vintages"]

Mask = npt.NDArray[np.bool_]

_MONTH_MS: Final = round(30.4375 * DAY_MS)
#: Months on book up to which each band of age reaches.
_BANDS: Final = (3, 6, 12, 18, 24, 36, 60)

OVERDUE: Final = Metric(
    name="overdue_rate",
    unit="share",
    direction="down",
    doc="Loans overdue at the end of the period, of all on the book then. Young books look good by it: see the ratio.",
)
BY_AGE: Final = Metric(
    name="overdue_ratio_by_age",
    unit="x usual",
    direction="down",
    doc="Loans overdue at the end of the period, by those that would be if each were so with the tenant's share for "
    "loans of its age; 1 is usual.",
)
VINTAGE: Final = Metric(
    name="overdue_rate_of_vintage",
    unit="share",
    direction="down",
    doc="Loans ever overdue, of all booked in one quarter. Subjects are ``vintage:YYYYQn``.",
)
HIGH_RISK: Final = Metric(
    name="high_risk_share",
    unit="share",
    direction="down",
    doc="Loans the host rates as of high risk, of all on the book at the end of the period.",
)
NEW_HIGH_RISK: Final = Metric(
    name="new_high_risk_share",
    unit="share",
    direction="down",
    doc="Loans the host rates as of high risk, of all booked in the period.",
)
COMPLAINTS: Final = Metric(
    name="complaint_rate",
    unit="share",
    direction="down",
    doc="Customers who made a complaint that was upheld, of all with a deal in the period or a loan on the book. Open "
    "and rejected complaints do not count.",
)
CANCELLED: Final = Metric(
    name="cancellation_rate",
    unit="share",
    direction="down",
    doc="Contracts signed in the period that the customer took back, of all signed.",
)
UPHELD: Final = Metric(
    name="upheld_alerts_per_20_days",
    unit="alerts/20 days",
    direction="down",
    doc="Alerts closed as upheld by a person, per 20 active days. Nothing that is open, contested, dismissed, "
    "withdrawn or expired counts, and alerts about scores themselves never do.",
)


class RiskScorer:
    """At what risk, by the host's loans and customers."""

    metrics: tuple[Metric, ...] = (OVERDUE, BY_AGE, VINTAGE, HIGH_RISK, NEW_HIGH_RISK, COMPLAINTS, CANCELLED, UPHELD)

    def __init__(self, settings: ScorecardSettings) -> None:
        self._settings = settings

    def score(self, tables: Tables, /) -> Table:
        """Return ``METRICS`` of everybody with exposure, and of every vintage."""
        crew = Crew.of(tables)
        return Table.concat(METRICS, [measured(crew, self._tallies(tables, crew).values()), vintages(tables, crew)])

    def behind(self, tables: Tables, subject: str, metric: str, /) -> Table:
        """Return the records behind one figure."""
        crew = Crew.of(tables)
        if metric == VINTAGE.name:
            return _behind_vintage(tables, crew, subject)
        return behind(crew, self._tallies(tables, crew)[metric], subject)

    def _tallies(self, tables: Tables, crew: Crew) -> dict[str, Tally]:
        on = book(tables, crew)
        tallies = [
            Tally(OVERDUE, "share", (entries("loan", on.rep, on.loan, counts=on.is_overdue, of=1.0),)),
            Tally(BY_AGE, "rate", (entries("loan", on.rep, on.loan, counts=on.is_overdue, of=on.expected()),)),
            Tally(HIGH_RISK, "share", (entries("loan", on.rep, on.loan, counts=on.is_high_risk, of=1.0),)),
            _of_new(tables, crew),
            self._complaints(tables, crew),
            self._cancelled(tables, crew),
            self._upheld(tables, crew),
        ]
        return {tally.metric.name: tally for tally in tallies}

    def _complaints(self, tables: Tables, crew: Crew) -> Tally:
        deals, said = tables[DEALS], tables[FEEDBACK]
        upheld = said.take(said["kind"].where("complaint") & said["state"].where("upheld") & crew.inside(said["at_ms"]))
        # A customer is one by a deal or a loan: many short visits must not dilute complaints.
        on, loans = book(tables, crew), tables[LOANS]
        owes = dict(zip(loans["loan"].tolist(), loans["customer"].tolist(), strict=True))
        borrowers = np.asarray([owes[loan] for loan in on.loan.tolist()], dtype="O")
        pairs: list[tuple[Ints, Any]] = [(on.rep, borrowers)]
        for table, at in ((deals, "opened_ms"), (deals, "closed_ms"), (upheld, "at_ms")):
            rows = crew.inside(table[at])
            pairs.append((crew.codes(table["rep"])[rows], table["customer"][rows]))
        rep = np.concatenate([one for one, _ in pairs])
        named = Coded.of(np.concatenate([other for _, other in pairs]).tolist())
        size = max(len(named.values), 1)
        keys = rep * size + named.codes
        dealt = distinct(keys[rep >= 0])
        complained = np.isin(dealt, keys[len(keys) - len(pairs[-1][0]) :])
        names = np.asarray(named.values, dtype="O")
        return Tally(
            COMPLAINTS,
            "share",
            (entries("customer", dealt // size, names[dealt % size], counts=complained, of=1.0),) if len(dealt) else (),
        )

    def _cancelled(self, tables: Tables, crew: Crew) -> Tally:
        deals = tables[DEALS]
        deals = deals.take(is_signed(deals, self._settings) & crew.inside(deals["closed_ms"]))
        taken_back = deals["cancelled_ms"] > 0
        return Tally(
            CANCELLED, "share", (entries("deal", crew.codes(deals["rep"]), deals["deal"], counts=taken_back, of=1.0),)
        )

    def _upheld(self, tables: Tables, crew: Crew) -> Tally:
        cases = tables[CASES]
        about_scores = np.zeros(len(cases), dtype=bool)
        for code in cases["code"].values:
            if code.startswith("score."):
                about_scores |= cases["code"].where(code)
        counts = cases["state"].where("closed") & cases["outcome"].where("upheld") & ~about_scores
        counts &= (cases["closed_ms"] > 0) & (cases["closed_ms"] <= crew.as_of_ms) & crew.inside(cases["opened_ms"])
        held = cases.take(counts)
        days = active_days(tables, crew)
        return Tally(
            UPHELD,
            "rate",
            (entries("case", crew.codes(held["rep"]), held["case"], counts=1.0), as_days(crew, days, of=0.05)),
        )


@attrs.frozen(eq=False)
class Book:
    """Loans on the book at the end of a period, one row each."""

    rep: Ints
    loan: Any
    is_overdue: Mask
    is_high_risk: Mask
    months: Ints

    def expected(self) -> Any:
        """Return the tenant's share of overdue loans in each loan's band of age."""
        band = np.searchsorted(np.asarray(_BANDS), self.months, side="left")
        every = np.bincount(band, minlength=len(_BANDS) + 1)
        late = np.bincount(band, weights=self.is_overdue, minlength=len(_BANDS) + 1)
        return (late / np.maximum(every, 1))[band]


def book(tables: Tables, crew: Crew) -> Book:
    """Return the loans on the book at the end of the period (at its present, where it is not over)."""
    loans, at = tables[LOANS], min(crew.span_ms[1] - 1, crew.as_of_ms)
    on = (loans["booked_ms"] <= at) & ((loans["closed_ms"] == 0) | (loans["closed_ms"] > at))
    loans = loans.take(on)
    return Book(
        crew.codes(loans["rep"]),
        loans["loan"],
        _is_overdue(loans, at),
        loans["risk"].where("high"),
        (at - loans["booked_ms"]) // _MONTH_MS,
    )


def _of_new(tables: Tables, crew: Crew) -> Tally:
    loans = tables[LOANS]
    new = loans.take(crew.inside(loans["booked_ms"]) & (loans["booked_ms"] <= crew.as_of_ms))
    risky = new["risk"].where("high")
    return Tally(NEW_HIGH_RISK, "share", (entries("loan", crew.codes(new["rep"]), new["loan"], counts=risky, of=1.0),))


def vintages(tables: Tables, crew: Crew) -> Table:
    """Return ``METRICS`` of the tenant's vintages: loans ever overdue of all booked in a quarter, closed ones too."""
    loans, quarter, names = _by_quarter(tables, crew)
    size = len(names)
    every = np.bincount(quarter, minlength=size).astype("f8")
    late = np.bincount(quarter, weights=loans["overdue_ms"] > 0, minlength=size)
    low, high = wilson_interval(late, every)
    return METRICS.table(
        subject=Coded(np.arange(size, dtype="i4"), names),
        metric=Coded.same(VINTAGE.name, size),
        value=late / np.maximum(every, 1),
        exposure=every,
        low=low,
        high=high,
    )


def _behind_vintage(tables: Tables, crew: Crew, subject: str) -> Table:
    from fieldhr_core.model import BEHIND

    loans, quarter, names = _by_quarter(tables, crew)
    if subject not in names:
        return BEHIND.empty()
    mine = loans.take(quarter == names.index(subject))
    return BEHIND.table(
        kind=Coded.same("loan", len(mine)),
        record=mine["loan"],
        counts=(mine["overdue_ms"] > 0).astype("f8"),
        of=np.ones(len(mine)),
    )


def _by_quarter(tables: Tables, crew: Crew) -> tuple[Table, Ints, tuple[str, ...]]:
    loans, at = tables[LOANS], min(crew.span_ms[1] - 1, crew.as_of_ms)
    loans = loans.take(loans["booked_ms"] <= at)
    months = loans["booked_ms"].astype("datetime64[ms]").astype("datetime64[M]").astype("i8")
    each, quarter = np.unique(months // 3, return_inverse=True)
    names = tuple(f"vintage:{1970 + number // 4}Q{number % 4 + 1}" for number in each.tolist())
    return loans, quarter, names


def _is_overdue(loans: Table, at_ms: int) -> Mask:
    began = (loans["overdue_ms"] > 0) & (loans["overdue_ms"] <= at_ms)
    lasts: Mask = began & ((loans["cured_ms"] == 0) | (loans["cured_ms"] > at_ms))
    return lasts
