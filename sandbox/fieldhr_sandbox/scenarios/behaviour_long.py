"""Rows B that take weeks: quiet withdrawal, overload, easy customers only, and what looks like them and is not."""

from __future__ import annotations

from fieldhr_core.model import Deal
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.scenarios.base import Needs, Site, Unplantable, scenario
from fieldhr_sandbox.world import BRANCH, Rep

#: Working days before the change, and visits a day in them.
_BEFORE = 20
_OWN_LEVEL = 3.0
_WITHDRAWAL = Needs(days=_BEFORE + 14, whole_rep=True)
_BRANCH_DROP = Needs(days=_BEFORE + 14, whole_rep=True, reps=BRANCH)
_OVERLOAD = Needs(days=_BEFORE + 12, whole_rep=True)
_PEAK = Needs(days=_BEFORE + 3, whole_rep=True)
_EASY = Needs(days=_BEFORE + 25, whole_rep=True)
_CHANGES = ("behaviour.change", "behaviour.low_visits")
_EVENING = clock_s("18:00")
_END_OF_DAY = clock_s("23:05")


@scenario("B03", "Quiet withdrawal: fewer visits from one day on, more time elsewhere", req=["C6"], needs=_WITHDRAWAL)
def _withdrawal(site: Site) -> None:
    left = site.draw.between(0.36, 0.58)
    first = _fewer(site, site.rep, left)
    for script in site.every_script():
        if script.day >= first and script.works:
            script.pauses = site.draw.whole(2, 3)
    last = site.days_used[_BEFORE + 9]
    site.expect(
        "behaviour.change",
        "medium",
        window=(first, site.days.start_s, site.days.end_s),
        day=last,
        earliest_s=-86_400 * (last - first) + _EVENING,
        detect_by_s=_END_OF_DAY,
        dose={"left": round(left, 3), "change_day": site.days.date(first).isoformat()},
    )


@scenario("B03/mild", "Visits fall to 80 %", req=["C6"], needs=_WITHDRAWAL)
def _mild(site: Site) -> None:
    _fewer(site, site.rep, 0.8)
    site.silent(_CHANGES, number=_BEFORE, until=site.days_used[-1], dose={"left": 0.8})


@scenario("B03/branch", "Visits of a whole branch fall in the same week", req=["C6"], needs=_BRANCH_DROP)
def _whole_branch(site: Site) -> None:
    if len(site.reps) < BRANCH:
        raise Unplantable
    left = site.draw.between(0.45, 0.6)
    firsts = [_fewer(site, rep, left, start=_BEFORE + site.draw.below(3)) for rep in site.reps]
    last = site.days_used[_BEFORE + 12]
    site.expect(
        "branch.change",
        "info",
        window=(min(firsts), site.days.start_s, site.days.end_s),
        day=last,
        earliest_s=-86_400 * (last - min(firsts)) + _EVENING,
        detect_by_s=_END_OF_DAY,
        subject_kind="branch",
        subject=site.rep.branch.id,
        dose={"left": round(left, 3)},
    )
    for rep in site.reps:
        site.silent(("behaviour.change",), number=_BEFORE, until=site.days_used[-1], rep=rep)


@scenario("B04", "Overload: more visits, eleven hours a day, records at night", req=["C5", "C6"], needs=_OVERLOAD)
def _overload(site: Site) -> None:
    more = site.draw.between(1.5, 1.8)
    site.keep_pace(site.recipe.visits_mean, before=site.days_used[_BEFORE])
    _busy(site, range(_BEFORE, _BEFORE + 12), more)
    first, last = site.days_used[_BEFORE], site.days_used[_BEFORE + 10]
    site.expect(
        "wellbeing.overload",
        "medium",
        window=(first, site.days.start_s, site.days.end_s),
        day=last,
        earliest_s=-86_400 * (last - first) + _EVENING,
        detect_by_s=_END_OF_DAY,
        dose={"more": round(more, 2)},
    )


@scenario("B04/month-end", "The same for three days", req=["C5", "C6"], needs=_PEAK)
def _month_end(site: Site) -> None:
    _busy(site, range(_BEFORE, _BEFORE + 3), 1.8)
    site.silent(("wellbeing.overload",), number=_BEFORE, until=site.days_used[-1])


@scenario("B05", "Easy customers only, sales unchanged", req=["B1"], needs=_EASY)
def _easy_only(site: Site) -> None:
    _prefer(site, site.rep, 0.4, 0.1)
    first, last = site.days_used[_BEFORE], site.days_used[-1]
    site.expect(
        "behaviour.potential_neglected",
        "low",
        window=(first, site.days.start_s, site.days.end_s),
        day=last,
        earliest_s=-86_400 * (last - first) + _EVENING,
        detect_by_s=_END_OF_DAY,
        dose={"before": 0.4, "after": 0.1},
    )


@scenario("B05/signed", "All customers of high potential have signed", req=["B1"], needs=_EASY)
def _all_signed(site: Site) -> None:
    _prefer(site, site.rep, 0.4, 0.1)
    day = site.days_used[_BEFORE]
    script = site.scripts[site.rep.index, day]
    for number, spot in enumerate(site.rep.customers):
        customer = site.world.customers[spot.customer or ""]
        if customer.potential == "high":
            script.deals.append(
                Deal(
                    id=f"k-{site.streams.token('deal', site.instance, number)}",
                    rep=site.rep.id,
                    customer=customer.id,
                    product=site.draw.pick(site.recipe.products),
                    stage="signed",
                    opened=site.days.instant(site.days_used[0], site.days.start_s),
                    closed=site.days.instant(day, clock_s("08:30")),
                    amount_minor=site.draw.whole(10, 400) * 1_000_000,
                )
            )
    site.silent(("behaviour.potential_neglected",), number=_BEFORE, until=site.days_used[-1])


def _fewer(site: Site, rep: Rep, left: float, start: int = _BEFORE) -> int:
    """Let visits fall to a share of the rep's own level from one day to the end of the trial. Return that day.

    Nobody falls under a visit a day, and single visits change between morning and afternoon: other rows are about that.
    """
    first = site.days_used[start]
    owed = site.draw.uniform()
    for script in site.every_script(rep):
        if not script.works:
            continue
        owed += _OWN_LEVEL * (left if script.day >= first else 1.0)
        script.visits = max(1, min(4, int(owed)))
        owed -= script.visits
        if script.visits == 1:
            script.parts["pm" if script.date.isoweekday() % 2 else "am"] = []
    return first


def _busy(site: Site, numbers: range, more: float) -> None:
    owed = 0.0
    for number in numbers:
        script = site.script(number)
        owed += site.recipe.visits_mean * more
        script.visits = min(4, int(owed + site.draw.uniform()))
        owed -= script.visits
        # Written late that evening; the phone sends it next morning.
        script.writes_at = clock_s("20:20") + site.draw.below(70 * 60)
        script.arrives_at = (script.day + 1, clock_s("08:10") + site.draw.below(30 * 60))


def _prefer(site: Site, rep: Rep, before: float, after: float) -> None:
    """Draw a rep's customers by potential: *before* and *after* are the shares of those whose potential is high."""
    high = [spot for spot in rep.customers if site.world.customers[spot.customer or ""].potential == "high"]
    if len(high) < 5 or len(rep.customers) - len(high) < 8:
        raise Unplantable
    first = site.days_used[_BEFORE]
    for script in site.every_script(rep):
        script.high_share = before if script.day < first else after
