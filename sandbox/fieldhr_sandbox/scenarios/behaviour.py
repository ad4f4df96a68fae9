"""Rows B: behaviour over days."""

from __future__ import annotations

import attrs

from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.scenarios.base import Needs, Site, scenario
from fieldhr_sandbox.scenarios.places import whole_day_leave

_NO_FOLLOW_UP = ("behaviour.no_followup",)
_THREE = Needs(days=3, whole_rep=True)
_FIVE = Needs(days=5, whole_rep=True)


@scenario("B01", "No follow-up on three working days", req=["C5"], needs=_THREE)
def _no_follow_up(site: Site) -> None:
    for number, visits in enumerate((2, 2, 3)):
        script = site.script(number)
        script.visits = visits
        script.writes = False
    last = site.days_used[2]
    site.expect(
        "behaviour.no_followup",
        "medium",
        window=(site.days_used[0], clock_s("09:00"), clock_s("18:00")),
        day=last,
        earliest_s=clock_s("18:00"),
        detect_by_s=clock_s("18:07"),
        dose={"working_days": 3, "visits_due": 7},
    )


@scenario(
    "B01/weekend",
    "No follow-up on a Friday and the weekend after it",
    req=["C5"],
    needs=Needs(days=1, whole_rep=True, on_weekday=5, after_days=2),
)
def _no_follow_up_over_weekend(site: Site) -> None:
    site.script().writes = False
    site.silent(_NO_FOLLOW_UP, until=site.days_used[0] + 2)


@scenario("B01/leave", "No follow-up on three days, one of them leave", req=["C5"], needs=_THREE)
def _no_follow_up_with_leave(site: Site) -> None:
    site.script(0).writes = False
    whole_day_leave(site, 1)
    site.script(2).writes = False
    site.silent(_NO_FOLLOW_UP, until=site.days_used[2])


@scenario("B01/offline", "Follow-ups written in the evening, sent next morning", req=["C5", "A8"], needs=_THREE)
def _written_offline(site: Site) -> None:
    for number in range(3):
        script = site.script(number)
        script.writes_at = clock_s("20:10") + site.draw.below(90 * 60)
        script.arrives_at = (script.day + 1, clock_s("08:10") + site.draw.below(30 * 60))
    site.silent(_NO_FOLLOW_UP, until=site.days_used[2])


@scenario("B02", "Three visits in five days", req=["C5"], needs=_FIVE)
def _few_visits(site: Site) -> None:
    for number, visits in enumerate(site.draw.shuffled((1, 0, 1, 0, 1))):
        site.script(number).visits = visits
    site.expect(
        "behaviour.low_visits",
        "low",
        window=(site.days_used[0], clock_s("09:00"), clock_s("18:00")),
        day=site.days_used[4],
        earliest_s=clock_s("18:00"),
        detect_by_s=clock_s("23:05"),
        dose={"visits_per_day": 0.6},
    )


@scenario("B02/exact", "Five visits in five days", req=["C5"], needs=_FIVE)
def _just_enough_visits(site: Site) -> None:
    for number, visits in enumerate(site.draw.shuffled((1, 1, 0, 2, 1))):
        script = site.script(number)
        script.visits = visits
        # Every visit must be seen: a hole in the track would make it four.
        script.phone.awake.append((site.days.start_s, site.days.end_s))
    site.silent(("behaviour.low_visits",), until=site.days_used[4], dose={"visits_per_day": 1.0})


@scenario("B02/part-time", "Three visits in five days on a contract of 0.6", req=["C5", "A9"], needs=_FIVE)
def _part_time(site: Site) -> None:
    site.world.change_person(site.rep, pattern=attrs.evolve(site.days.pattern, contract_share=0.6))
    for number, visits in enumerate(site.draw.shuffled((1, 0, 1, 0, 1))):
        site.script(number).visits = visits
    site.silent(("behaviour.low_visits",), until=site.days_used[4], dose={"visits_per_day": 0.6})
