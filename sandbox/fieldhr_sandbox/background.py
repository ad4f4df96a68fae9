"""What honest people do all day: which customers they visit, where they eat, when they are at their desk.

Customers are chosen as people choose places (exploration and preferential return, Song et al. 2010: a new place with
probability 0.6 * S**-0.21 where S places are known, else a known one in proportion to earlier visits). Nothing here is
allowed to look like a scenario; :mod:`fieldhr_sandbox.tenant` checks that on the finished timeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import attrs

from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.recipes import Recipe
from fieldhr_sandbox.script import Script, Stop, Visit
from fieldhr_sandbox.streams import Draw, Streams
from fieldhr_sandbox.timeline import Spot
from fieldhr_sandbox.world import Rep, World

__all__ = ["Memory", "fill_day", "visit_quota"]

_AM_END: Final = clock_s("11:55")
_PM_END: Final = clock_s("17:40")
_FRIDAY: Final = 5
#: A coffee or a full tank on the way, never longer than this.
_SHORT_S: Final = (5 * 60, 14 * 60)
#: The same of those who do little, and where.
_IDLE_S: Final = (18 * 60, 24 * 60)
_LEISURE: Final = ("cafe", "restaurant", "teahouse", "mall", "gym")
#: Lunch is eaten this near the office.
_LUNCH_M: Final = 1200.0
#: What somebody allows themselves who is losing interest; still too short to break a rule.
_LONGER_S: Final = (16 * 60, 23 * 60)


class Memory:
    """Which customers a rep has visited how often."""

    def __init__(self, rep: Rep, world: World) -> None:
        # A scenario may have moved an address.
        self.customers = [world.spots[spot.id] for spot in rep.customers if spot.id not in world.shunned]
        self._visits: dict[str, int] = {}
        self._high = {spot.id for spot in self.customers if world.customers[spot.customer or ""].potential == "high"}
        self._owed = 0.5

    def wants_high(self, share: float | None) -> bool | None:
        """Return whether the next visit goes to high potential, so that *share* of all do; ``None``: as it comes."""
        if share is None:
            return None
        self._owed += share
        if self._owed < 1.0:
            return False
        self._owed -= 1.0
        return True

    def among(self, high: bool | None) -> list[Spot]:
        """Return the customers to choose from."""
        return [spot for spot in self.customers if high is None or (spot.id in self._high) is high]

    def choose(self, draw: Draw, without: Sequence[str] = (), *, high: bool | None = None) -> Spot:
        """Return the next customer's address, new or known."""
        customers = self.among(high)
        known = [spot for spot in customers if spot.id in self._visits and spot.id not in without]
        fresh = [spot for spot in customers if spot.id not in self._visits and spot.id not in without]
        explore = draw.chance(0.6 * max(1, len(self._visits)) ** -0.21)
        if fresh and (explore or not known):
            return draw.pick(fresh)
        if not known:
            return draw.pick([spot for spot in customers if spot.id not in without])
        threshold = draw.uniform() * sum(self._visits[spot.id] for spot in known)
        for spot in known:
            threshold -= self._visits[spot.id]
            if threshold < 0:
                return spot
        return known[-1]

    def visited(self, spot: Spot) -> None:
        """Remember one visit."""
        self._visits[spot.id] = self._visits.get(spot.id, 0) + 1


def visit_quota(
    recipe: Recipe, rep: int, weekdays: Sequence[int], streams: Streams, mean: float | None = None, part: int = 0
) -> list[int]:
    """Return how many customers a rep visits on each working day: an exact total, at least one a day.

    *weekdays* are the ISO weekdays of the days; Fridays tend to be the lighter ones. *mean* replaces the recipe's;
    *part* is the part of a trial in which a dial is turned.
    """
    days = len(weekdays)
    wanted = round((recipe.visits_mean if mean is None else mean) * days)
    draw = streams.of("quota", rep, part)
    counts = [wanted // days] * days if days else []
    for day in draw.sample(range(days), wanted - sum(counts)):
        counts[day] += 1
    swapped = draw.sample(range(days), 2 * (days // 5))
    for one, other in zip(swapped[::2], swapped[1::2], strict=True):
        more, less = (other, one) if weekdays[one] == _FRIDAY != weekdays[other] else (one, other)
        if counts[less] > 1 and counts[more] < 4:
            counts[more] += 1
            counts[less] -= 1
    return counts


def fill_day(
    script: Script, rep: Rep, world: World, recipe: Recipe, streams: Streams, memory: Memory, quota: int
) -> None:
    """Give every part of the day that no scenario fixed an ordinary content."""
    draw = streams.of("background", rep.index, script.day)
    planned = [stop for stops in script.parts.values() for stop in stops]
    fixed = [stop for stop in planned if stop.visit]
    for stop in fixed:
        memory.visited(stop.spot)
    taken = len(fixed) + sum(stop.instead for stop in planned)
    left = max(0, (quota if script.visits is None else script.visits) - taken)
    free = [part for part in ("am", "pm") if part not in script.parts]
    share = _share(draw, left, free)
    used = [stop.spot.id for stop in fixed]
    for part in free:
        pauses = script.pauses - script.pauses // 2 if part == free[0] else script.pauses // 2
        idle = script.idle - script.idle // 2 if part == free[-1] else script.idle // 2
        stops = _tour(draw, rep, world, recipe, memory, share[part], part, used, pauses, script, idle)
        used += [stop.spot.id for stop in stops]
        script.parts[part] = stops
    if "noon" not in script.parts:
        script.parts["noon"] = _lunch(draw, rep, world)


def _share(draw: Draw, visits: int, free: Sequence[str]) -> dict[str, int]:
    if not free:
        return {}
    if len(free) == 1:
        return {free[0]: min(2, visits)}
    visits = min(4, visits)
    first = visits // 2 + (visits % 2 if draw.chance(0.5) else 0)
    return {"am": first, "pm": visits - first}


def _tour(
    draw: Draw,
    rep: Rep,
    world: World,
    recipe: Recipe,
    memory: Memory,
    visits: int,
    part: str,
    used: Sequence[str],
    pauses: int,
    script: Script,
    idle: int,
) -> list[Stop]:
    if not visits:
        return _idling(draw, world, rep.branch.office, idle, part)
    begin = clock_s("09:10") if part == "am" else clock_s("13:34") + script.late_s
    depart = begin + draw.below((25 if visits > 1 else 45) * 60)
    end = _AM_END if part == "am" else _PM_END
    office = rep.branch.office
    goals = _goals(draw, rep.branch.office, memory, visits, end - depart, used, script.high_share)
    ways = _estimate_s([office, *goals, office])
    stays = [int(min(80 * 60, max(15 * 60, draw.lognormal(recipe.stay_median_s, recipe.stay_sigma)))) for _ in goals]
    room = end - depart - ways
    if sum(stays) > room:
        stays = [max(15 * 60, int(stay * room / sum(stays))) for stay in stays]
    spare = room - sum(stays)
    stops: list[Stop] = []
    for goal, stay in zip(goals, stays, strict=True):
        memory.visited(goal)
        stops.append(Stop(spot=goal, stay_s=stay, visit=Visit(customer=goal.customer or "")))
    if spare > 25 * 60 and draw.chance(0.35):
        pause = _pause(draw, world, goals[0])
        if pause is not None:
            stops.insert(draw.below(len(stops) + 1), pause)
    for number in range(min(pauses, spare // (35 * 60))):
        longer = _pause(draw, world, goals[-1], (("restaurant", "cafe")[number % 2],), _LONGER_S)
        if longer is not None and world.nearest_customer_m(longer.spot) > 250:
            stops.append(longer)
    stops[0] = _departing(stops[0], depart)
    if not idle:
        return [*stops, Stop(spot=office)]
    # Whoever begins late has something else to do before.
    sooner = _waits(draw, world, office, office, idle, script.late_s) if part == "pm" else []
    if sooner:
        sooner = [_departing(sooner[0], clock_s("13:34") + draw.below(300)), *sooner[1:], Stop(spot=office)]
    later = _waits(draw, world, office, goals[-1], idle - max(0, len(sooner) - 1), spare)
    return [*sooner, *stops, *later, Stop(spot=office)]


def _waits(draw: Draw, world: World, office: Spot, near: Spot, count: int, room_s: int) -> list[Stop]:
    """Return up to *count* stops at places of leisure from *near* to the office, as many as there is time for."""
    places = _leisure(world, office, near)[: max(0, count)]
    direct = _estimate_s([near, office])
    while places and _estimate_s([near, *places, office]) - direct + len(places) * _IDLE_S[1] > room_s:
        places.pop()
    return [Stop(spot=spot, stay_s=draw.whole(*_IDLE_S)) for spot in places]


def _goals(
    draw: Draw,
    office: Spot,
    memory: Memory,
    visits: int,
    room_s: int,
    used: Sequence[str],
    high_share: float | None,
) -> list[Spot]:
    taken = list(used)
    goals: list[Spot] = []
    for _ in range(visits):
        reserve = 16 * 60 * visits
        high = memory.wants_high(high_share)
        for _attempt in range(8):
            goal = memory.choose(draw, taken, high=high)
            if _estimate_s([office, *goals, goal, office]) + reserve < room_s:
                break
        else:
            # Too far for the time that is left: the nearest one, as anybody would.
            last = goals[-1] if goals else office
            goal = min(
                (spot for spot in memory.among(high) if spot.id not in taken), key=lambda s: (s.metres_to(last), s.id)
            )
        goals.append(goal)
        taken.append(goal.id)
    return goals


def _pause(
    draw: Draw,
    world: World,
    near: Spot,
    categories: Sequence[str] = ("cafe", "cafe", "fuel", "charging"),
    length_s: tuple[int, int] = _SHORT_S,
) -> Stop | None:
    category = draw.pick(categories)
    spot = min(world.of_category(category), key=lambda s: (s.metres_to(near), s.id), default=None)
    if spot is None or spot.metres_to(near) > 4000:
        return None
    return Stop(spot=spot, stay_s=draw.whole(*length_s))


def _idling(draw: Draw, world: World, office: Spot, count: int, part: str) -> list[Stop]:
    """Return a way from the office past places of leisure and back, where there is nobody to visit."""
    stops = _waits(draw, world, office, office, min(count, 3), 2 * 3600)
    if not stops:
        return []
    begin = clock_s("09:20" if part == "am" else "14:00") + draw.below(1200)
    return [_departing(stops[0], begin), *stops[1:], Stop(spot=office)]


def _leisure(world: World, office: Spot, near: Spot) -> list[Spot]:
    """Return different places of leisure, the nearest first; none at a customer's, none where lunch is eaten."""
    suiting = [
        spot
        for category in _LEISURE
        for spot in world.of_category(category)
        if spot.metres_to(near) < 9_000 and spot.metres_to(office) > _LUNCH_M and world.nearest_customer_m(spot) > 250
    ]
    places: dict[str, Spot] = {}
    for spot in sorted(suiting, key=lambda spot: (spot.metres_to(near), spot.id)):
        places.setdefault(spot.place_key, spot)
    return list(places.values())


def _lunch(draw: Draw, rep: Rep, world: World) -> list[Stop]:
    office = rep.branch.office
    near = [spot for spot in world.of_category("restaurant") if spot.metres_to(office) < _LUNCH_M]
    depart = clock_s("11:58") + draw.below(12 * 60)
    if not near or not draw.chance(0.6):
        return []
    return [
        Stop(spot=draw.pick(near), stay_s=draw.whole(25, 48) * 60, depart_s=depart),
        Stop(spot=office),
    ]


def _departing(stop: Stop, second: int) -> Stop:
    return attrs.evolve(stop, depart_s=second)


def _estimate_s(spots: Sequence[Spot]) -> int:
    """Return seconds that the ways between *spots* take, on the careful side."""
    total = 0.0
    for origin, goal in pairwise(spots):
        straight = origin.metres_to(goal)
        pace = 1.15 if straight < 900 else 7.5 if straight < 12_000 else 12.0 if straight < 35_000 else 19.0
        total += straight * 1.35 / pace + (180 if straight >= 900 else 30)
    return int(total)
