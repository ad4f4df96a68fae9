"""Rows S01 to S05, B06, B07: what the books show of somebody, inflated visits, pushed contracts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from fieldhr_sandbox.books import RepBook, month_ends
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.scenarios.base import Needs, Site, Unplantable, scenario
from fieldhr_sandbox.script import Stop, Visit

_DESK: Final = Needs(desk=True)
_INFLATED: Final = 9
#: Working days before the inflation, in which the rep works as ever.
_BEFORE: Final = 14
_END_OF_DAY: Final = clock_s("23:05")
#: True overdue rates, equally likely: about Beta(2.2, 34), in twentieths.
_TRUE_RATES: Final = (
    *(0.008, 0.016, 0.022, 0.027, 0.032, 0.036, 0.041, 0.045, 0.049, 0.054),
    *(0.058, 0.063, 0.068, 0.074, 0.081, 0.088, 0.095, 0.109, 0.127, 0.165),
)
_LIMIT: Final = 0.10


@scenario("S01", "Overdue over 10 %: 15 of 84 loans", req=["B4"], needs=_DESK)
def _overdue(site: Site) -> None:
    _book(site, RepBook(loans=84, overdue=15))
    _each_month(site, "score.overdue_high", "medium", {"loans": 84, "overdue": 15})


@scenario("S01/few", "Two of twelve loans overdue", req=["B4"], needs=_DESK)
def _few_loans(site: Site) -> None:
    _book(site, RepBook(loans=12, overdue=2))
    site.silent(("score.overdue_high",), until=site.days.count - 1, dose={"loans": 12, "overdue": 2})


@scenario("S02", "Few loans or many, and a true overdue rate behind them", req=["B5"], needs=_DESK)
def _luck(site: Site) -> None:
    rate, loans = site.draw.pick(_TRUE_RATES), site.draw.whole(5, 120)
    overdue = sum(site.draw.chance(rate) for _ in range(loans))
    _book(site, RepBook(loans=loans, overdue=overdue, true_overdue=rate))
    dose = {"true_rate": rate, "loans": loans, "overdue": overdue}
    if rate > _LIMIT:
        # So few loans may not show it: whoever says it is right, and nobody must.
        site.chance(("score.overdue_high",), dose=dose)
    else:
        site.silent(("score.overdue_high",), until=site.days.count - 1, dose=dose)


@scenario("S04", "Follow-up cycle of 30 days, many deals still open", req=["B2"], needs=_DESK)
def _censored(site: Site) -> None:
    _book(site, RepBook(cycle_days=30.0, deals=130))
    site.silent(("score.slow_followup",), until=site.days.count - 1, dose={"median_days": 30})


@scenario("S03", "Star seller: 8 % of 160 customers come back", req=["B3"], needs=_DESK)
def _star(site: Site) -> None:
    _book(site, RepBook(matured=160, returned=13, sells=3.0))
    _each_month(site, "score.repurchase_low", "medium", {"matured": 160, "returned": 13})


@scenario("S03/few", "The same share of nine customers", req=["B3"], needs=_DESK)
def _few_customers(site: Site) -> None:
    _book(site, RepBook(matured=9, returned=1))
    site.silent(("score.repurchase_low",), until=site.days.count - 1, dose={"matured": 9, "returned": 1})


@scenario("S05", "Slow closer: median 55 days instead of 30", req=["B2"], needs=_DESK)
def _slow(site: Site) -> None:
    _book(site, RepBook(cycle_days=55.0, deals=130))
    _each_month(site, "score.slow_followup", "low", {"median_days": 55})


@scenario("S05/few", "As slow, with eight deals", req=["B2"], needs=_DESK)
def _few_deals(site: Site) -> None:
    _book(site, RepBook(cycle_days=55.0, deals=8))
    site.silent(("score.slow_followup",), until=site.days.count - 1, dose={"median_days": 55, "deals": 8})


@scenario("B07", "Month-end push, two months running", req=["B1", "B4"], needs=_DESK)
def _push(site: Site) -> None:
    months = _whole_months(site)
    if len(months) < 2:
        raise Unplantable
    first, second = months[-2:]
    _book(site, RepBook(deals=84, pushes=(first, second), is_all=True))
    following = (second + timedelta(days=32)).replace(day=1)
    last = [day for day in site.days.working() if second <= site.days.date(day) < following][-2:]
    # Taken back three to seven days after signing; the last of them is not waited for.
    site.expect(
        "behaviour.period_end_push",
        "medium",
        window=(last[0], site.days.start_s, site.days.end_s),
        day=last[1],
        earliest_s=2 * 86_400,
        detect_by_s=9 * 86_400,
        dose={"months": [first.isoformat(), second.isoformat()]},
    )


@scenario("B07/once", "Month-end push in one month", req=["B1", "B4"], needs=_DESK)
def _push_once(site: Site) -> None:
    months = _whole_months(site)
    if not months:
        raise Unplantable
    _book(site, RepBook(deals=84, pushes=tuple(months[-1:]), is_all=True))
    site.silent(("behaviour.period_end_push",), until=site.days.count - 1)


@scenario(
    "B06",
    "Visit inflation: five visits a day of six minutes",
    req=["B5"],
    needs=Needs(days=_BEFORE + _INFLATED, whole_rep=True),
)
def _inflation(site: Site) -> None:
    _book(site, RepBook(deals=1, is_all=True))
    site.keep_pace(site.recipe.visits_mean, before=site.days_used[_BEFORE])
    for number in range(_BEFORE, _BEFORE + _INFLATED):
        for part, count in (("am", 3), ("pm", 2)):
            _short_visits(site, number, part, count)
    first, last = site.days_used[_BEFORE], site.days_used[-1]
    site.expect(
        "score.gaming_suspected",
        "medium",
        window=(first, site.days.start_s, site.days.end_s),
        day=last,
        earliest_s=-86_400 * (last - first),
        detect_by_s=_END_OF_DAY,
        dose={"visits_per_day": 5, "minutes": 6},
    )


@scenario(
    "B06/documents",
    "Short document pick-ups, flagged, beside the usual visits",
    req=["B5"],
    needs=Needs(days=_BEFORE + _INFLATED, whole_rep=True),
)
def _documents(site: Site) -> None:
    _book(site, RepBook())
    flagged: list[tuple[int, str]] = []
    for number in range(_BEFORE, _BEFORE + _INFLATED, 2):
        spot = site.customer(high_m=6_000.0)
        usual = site.customer(high_m=6_000.0, without=(spot,))
        stops = [
            site.visit(spot, site.draw.whole(360, 480)),
            site.visit(usual, site.draw.whole(1500, 2400)),
            site.office(),
        ]
        site.set_part("am", stops, number)
        flagged.append((site.days_used[number], spot.customer or ""))

    def flag() -> None:
        import attrs

        for day, customer in flagged:
            notes = site.scripts[site.rep.index, day].follow_ups
            for place, note in enumerate(notes):
                if note.customer == customer and note.kind == "visit":
                    notes[place] = attrs.evolve(note, kind="document")

    site.after.append(flag)
    site.silent(("score.gaming_suspected",), number=_BEFORE, until=site.days_used[-1])


def _short_visits(site: Site, number: int, part: str, count: int) -> None:
    near = sorted(site.rep.customers, key=lambda spot: spot.metres_to(site.rep.branch.office))[:9]
    chosen = site.draw.shuffled(near)[:count]
    if len(chosen) < count or chosen[-1].metres_to(site.rep.branch.office) > 9_000:
        raise Unplantable
    stops = [
        Stop(spot=spot, stay_s=site.draw.whole(330, 420), visit=Visit(customer=spot.customer or "")) for spot in chosen
    ]
    site.set_part(part, [*stops, site.office()], number)


def _book(site: Site, book: RepBook) -> None:
    if site.rep.index in site.books:
        raise Unplantable
    site.books[site.rep.index] = book


def _whole_months(site: Site) -> list[date]:
    """Return the months that lie in the trial wholly, with time for what is taken back after them."""
    last = site.days.date(site.days.count - 1)
    found = []
    for after in month_ends(site.days):
        month = (after - timedelta(days=1)).replace(day=1)
        # A trial that begins on the first working day of a month has all of it.
        if month + timedelta(days=3) >= site.days.date(0) and after + timedelta(days=10) <= last:
            found.append(month)
    return found


def _each_month(site: Site, code: str, severity: str, dose: Mapping[str, Any]) -> None:
    """Expect one alert on the first days of each month."""
    for first in month_ends(site.days):
        day = (first - site.days.date(0)).days
        site.expect(
            code,
            severity,
            window=(day, 0, 86_400),
            earliest_s=0,
            detect_by_s=3 * 86_400,
            dose={**dose, "month": first.isoformat()},
        )
