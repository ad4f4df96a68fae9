"""Rows B that take weeks: quiet withdrawal, overload, easy customers only, and what looks like them and is not."""

from __future__ import annotations


from fieldhr_core.model import Deal
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.scenarios.base import Needs, Site, Unplantable, scenario
from fieldhr_sandbox.script import Script, Stop
from fieldhr_sandbox.world import BRANCH, Rep

_BEFORE = 20
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
    left = site.draw.between(0.3, 0.55)
    first = _fewer(site, site.rep, left)
    for script in site.every_script():
        if script.day >= first and script.works:
            _dawdle(site, script)
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
    """Let visits fall to a share of the recipe's from one day to the end of the trial. Return that day."""
    first = site.days_used[start]
    wanted = site.recipe.visits_mean * left
    owed = 0.0
    for script in site.every_script(rep):
        if script.day < first or not script.works:
            continue
        owed += wanted
        script.visits = int(owed + site.draw.between(0.0, 0.999))
        owed -= script.visits
    return first


def _dawdle(site: Site, script: Script) -> None:
    """Spend about forty minutes of a day elsewhere, in stops that break no rule."""
    if script.visits:
        script.pauses = site.draw.whole(2, 3)
        return
    office = site.rep.branch.office
    near = [spot for spot in site.world.of_category("cafe") if 300 < spot.metres_to(office) < 5000]
    clear = [spot for spot in near if site.world.nearest_customer_m(spot) > 250]
    if clear:
        stop = Stop(spot=site.draw.pick(clear), stay_s=site.draw.whole(16, 24) * 60, arrive_s=clock_s("15:00"))
        script.parts["pm"] = [stop, Stop(spot=office)]
        script.claimed_by["pm"] = site.scenario.key


def _busy(site: Site, numbers: range, more: float) -> None:
    owed = 0.0
    for number in numbers:
        script = site.script(number)
        owed += site.recipe.visits_mean * more
        script.visits = min(4, int(owed + site.draw.uniform()))
        owed -= script.visits
        script.ends_late = clock_s("20:10") + site.draw.below(50 * 60)
        script.writes_at = clock_s("20:20") + site.draw.below(70 * 60)


def _prefer(site: Site, rep: Rep, before: float, after: float) -> None:
    """Draw a rep's customers by potential: *before* and *after* are the shares of those whose potential is high."""
    high = [spot for spot in rep.customers if site.world.customers[spot.customer or ""].potential == "high"]
    if len(high) < 5 or len(rep.customers) - len(high) < 8:
        raise Unplantable
    first = site.days_used[_BEFORE]
    for script in site.every_script(rep):
        script.high_share = before if script.day < first else after


