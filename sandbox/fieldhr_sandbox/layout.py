"""From what somebody is going to do to where they are at every second."""

from __future__ import annotations

from typing import Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.script import PARTS, Script, Stop
from fieldhr_sandbox.streams import Draw, Streams
from fieldhr_sandbox.timeline import Move, Spot, Stay, Timeline, route, shifted
from fieldhr_sandbox.world import Rep

__all__ = ["lay_out"]

_DAWN_S: Final = clock_s("06:00")
#: A visit is made no shorter than this to be in time elsewhere.
_SHORTEST_S: Final = 15 * 60
_TRIES: Final = 8
_MIDNIGHT_S: Final = clock_s("24:00")


class _Path:
    """A timeline under construction: the last stay stays open until the next departure."""

    def __init__(self, spot: Spot) -> None:
        self.pieces: list[Stay | Move] = []
        self.spot = spot
        self.since_s = _DAWN_S
        self.free_s = _DAWN_S

    def go(self, move: Move, depart_s: int, goal: Spot, stay_s: int) -> int:
        """Depart, arrive at *goal*, and return the second of arrival."""
        self.pieces.append(Stay(self.since_s, depart_s, self.spot))
        way = shifted(move, depart_s)
        self.pieces.append(way)
        self.spot, self.since_s = goal, way.end_s
        self.free_s = way.end_s + stay_s
        return way.end_s

    def finish(self) -> Timeline:
        self.pieces.append(Stay(self.since_s, _MIDNIGHT_S, self.spot))
        return Timeline(tuple(self.pieces))


def lay_out(script: Script, rep: Rep, streams: Streams) -> None:
    """Fill ``script.timeline`` and ``script.laid`` (stop, arrival, leaving, departure to it).

    Where somebody would be late for a fixed arrival, what they do before it is made shorter, as people do.

    Raises:
        SandboxError: FHR-SBX-001 where that does not help: the scenario asked for the impossible.
    """
    if not script.works or script.at_home:
        script.timeline = _Path(rep.home).finish()
        return
    stops = [stop for part in PARTS for stop in script.parts.get(part, ())]
    for _ in range(_TRIES):
        late = _try(script, rep, streams, stops)
        if late is None:
            return
        _shorten(stops, late)
    raise SandboxError(
        f"Rep {rep.index} on day {script.day} cannot be where they must in time "
        f"(scenarios {sorted(set(script.claimed_by.values()))}).",
        code="FHR-SBX-001",
    )


def _try(script: Script, rep: Rep, streams: Streams, stops: list[Stop]) -> tuple[int, int] | None:
    """Lay out *stops*; return (number of the stop that would be late, by how many seconds) where one is."""
    draw = streams.of("route", rep.index, script.day)
    path = _Path(rep.home)
    office = rep.branch.office
    _commute(draw, path, rep, office)
    arrivals: list[tuple[int, int]] = []
    for number, stop in enumerate(stops):
        if stop.spot is path.spot and stop.arrive_s is None:
            path.free_s = max(path.free_s, (stop.depart_s or 0) + stop.stay_s)
            arrivals.append((max(path.since_s, stop.depart_s or 0), path.since_s))
            continue
        way = route(draw, path.spot, stop.spot, stop.pace_mps)
        depart = max(path.free_s, stop.depart_s or 0)
        if stop.arrive_s is not None:
            depart = stop.arrive_s - way.end_s
            if depart < path.free_s:
                return number, path.free_s - depart
        arrivals.append((path.go(way, depart, stop.spot, stop.stay_s), depart))
    _evening(draw, path, rep, office)
    script.timeline = path.finish()
    leaves = {stay.start_s: stay.end_s for stay in script.timeline.stays()}
    script.laid = [
        (stop, arrive, leaves.get(arrive, arrive + stop.stay_s), depart)
        for stop, (arrive, depart) in zip(stops, arrivals, strict=True)
    ]
    return None


def _shorten(stops: list[Stop], late: tuple[int, int]) -> None:
    """Take the lacking seconds from the stops before the late one that nobody fixed, or leave out the last of them."""
    number, lacking = late
    loose = [index for index in range(number) if stops[index].arrive_s is None and stops[index].stay_s > 0]
    for index in reversed(loose):
        spare = max(0, stops[index].stay_s - _SHORTEST_S)
        cut = min(spare, lacking)
        stops[index] = attrs.evolve(stops[index], stay_s=stops[index].stay_s - cut)
        lacking -= cut
        if lacking <= 0:
            return
    for index in reversed(range(number)):
        depart = stops[index].depart_s
        if depart is not None:
            early = max(0, depart - lacking)
            stops[index] = attrs.evolve(stops[index], depart_s=early)
            return


def _commute(draw: Draw, path: _Path, rep: Rep, office: Spot) -> None:
    way = route(draw, rep.home, office)
    late = draw.chance(0.12)
    arrive = clock_s("08:36") + draw.below(22 * 60) + (10 * 60 if late else 0)
    path.go(way, arrive - way.end_s, office, 0)


def _evening(draw: Draw, path: _Path, rep: Rep, office: Spot) -> None:
    """Back to the desk where there is time, then home after hours."""
    if path.spot is not office and path.free_s < clock_s("17:00"):
        way = route(draw, path.spot, office)
        path.go(way, path.free_s, office, 0)
    if path.spot is rep.home:
        return
    desk_until = clock_s("18:02") + draw.below(30 * 60)
    depart = max(path.free_s, desk_until) if path.spot is office else path.free_s
    path.go(route(draw, path.spot, rep.home), depart, rep.home, 0)
