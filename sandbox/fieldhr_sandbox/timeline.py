"""Where somebody really was, to the second: stays and moves without a hole, in a flat frame of metres.

Times are seconds after local midnight of the rep-day. A timeline is the only source of truth about whereabouts: fixes
are observed from it and labels are derived from it, never from what an injection meant to do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_sandbox.streams import Draw

__all__ = ["Move", "Setting", "Spot", "Stay", "Timeline", "route", "shifted"]

#: A walk rather than a drive below this distance.
WALK_M: Final = 900.0


class Setting:
    """What surrounds a phone; decides how well it knows where it is."""

    OPEN: Final = 0
    STREET: Final = 1
    CANYON: Final = 2
    INDOOR: Final = 3


@attrs.frozen(kw_only=True)
class Spot:
    """One place somebody can be.

    Attributes:
        id: id of the place, or of the customer's address.
        kind: ``customer``, ``office``, ``home``, ``interest``, ``private``, or ``open`` for nowhere in particular.
        category: class of a point of interest, ``""`` elsewhere.
        x, y: metres in the world's frame.
        setting: one of :class:`Setting`.
        estate: places of one estate (a mall and its car park) count as one place.
        customer: customer whose address this is.
        rep: rep whose home this is.
    """

    id: str
    kind: str
    category: str = ""
    x: float
    y: float
    setting: int = Setting.OPEN
    estate: str = ""
    customer: str | None = None
    rep: str | None = None
    name: str = ""
    radius_m: float = 100.0

    @property
    def place_key(self) -> str:
        """What decides whether two stays are at one place."""
        return self.estate or self.id

    def metres_to(self, other: Spot) -> float:
        """Return the distance to another spot."""
        return math.hypot(self.x - other.x, self.y - other.y)


@attrs.frozen
class Stay:
    """Being at one spot from *start_s* to *end_s*."""

    start_s: int
    end_s: int
    spot: Spot


@attrs.frozen
class Move:
    """Going along knots; ``times_s[i]`` is the second at which ``points[i]`` is reached."""

    times_s: tuple[int, ...]
    points: tuple[tuple[float, float], ...]

    @property
    def start_s(self) -> int:
        """Second of departure."""
        return self.times_s[0]

    @property
    def end_s(self) -> int:
        """Second of arrival."""
        return self.times_s[-1]

    @property
    def length_m(self) -> float:
        """Length of the path."""
        return sum(math.dist(a, b) for a, b in zip(self.points, self.points[1:], strict=False))


@attrs.frozen
class Timeline:
    """Pieces of one day, each beginning in the second in which the one before it ends."""

    pieces: tuple[Stay | Move, ...]

    def stays(self) -> tuple[Stay, ...]:
        """Return the stays, as planned: two of them may follow each other at one place."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Stay))

    def moves(self) -> tuple[Move, ...]:
        """Return the moves."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Move))

    def at(self, second: int) -> Stay | Move:
        """Return the piece that holds *second*; at a border, the later one."""
        for piece in self.pieces:
            if piece.start_s <= second < piece.end_s:
                return piece
        return self.pieces[-1]

    def knots(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return (second, x, y) columns between which the way is straight."""
        seconds: list[float] = []
        xs: list[float] = []
        ys: list[float] = []
        for piece in self.pieces:
            if isinstance(piece, Stay):
                seconds += (piece.start_s, piece.end_s)
                xs += (piece.spot.x, piece.spot.x)
                ys += (piece.spot.y, piece.spot.y)
            else:
                seconds += piece.times_s
                xs += (point[0] for point in piece.points)
                ys += (point[1] for point in piece.points)
        return np.asarray(seconds, dtype="f8"), np.asarray(xs), np.asarray(ys)

    def settings(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return (end second, setting) of each piece, for a look-up with ``searchsorted``."""
        ends = np.fromiter((piece.end_s for piece in self.pieces), dtype="i8")
        settings = np.fromiter(
            (piece.spot.setting if isinstance(piece, Stay) else Setting.STREET for piece in self.pieces), dtype="i8"
        )
        return ends, settings


def route(draw: Draw, origin: Spot, goal: Spot, pace_mps: float | None = None) -> Move:
    """Return a way from *origin* to *goal* that starts at second 0.

    Below 900 m people walk; above it they drive round corners and wait at lights, in town at about 27 km/h from door
    to door, faster on long ways. *pace_mps* fixes the speed (a train).
    """
    straight = origin.metres_to(goal)
    points = _bends(draw, origin, goal, straight)
    if pace_mps is None:
        pace_mps = _pace(draw, straight)
    waits = straight >= WALK_M and pace_mps < 20
    times = [0]
    knots = [points[0]]
    for target in points[1:]:
        knots.append(target)
        times.append(times[-1] + max(1, round(math.dist(knots[-2], target) / pace_mps)))
        if waits and target != points[-1] and draw.chance(0.6):
            knots.append(target)
            times.append(times[-1] + draw.whole(8, 55))
    return Move(tuple(times), tuple(knots))


def shifted(move: Move, start_s: int) -> Move:
    """Return the same way, departing at *start_s*."""
    return Move(tuple(start_s + second for second in move.times_s), move.points)


def _pace(draw: Draw, straight_m: float) -> float:
    if straight_m < WALK_M:
        return draw.between(1.15, 1.5)
    usual = 7.5 if straight_m < 12_000 else 12.0 if straight_m < 35_000 else 19.0
    return min(25.0, draw.lognormal(usual, 0.15))


def _bends(draw: Draw, origin: Spot, goal: Spot, straight_m: float) -> Sequence[tuple[float, float]]:
    if straight_m < 60:
        return [(origin.x, origin.y), (goal.x, goal.y)]
    count = 2 if straight_m < WALK_M else min(12, 2 + int(straight_m / 1300))
    sway = min(0.16 * straight_m, 900.0)
    across = (-(goal.y - origin.y) / straight_m, (goal.x - origin.x) / straight_m)
    points = [(origin.x, origin.y)]
    for step in range(1, count):
        along = (step + draw.between(-0.3, 0.3)) / count
        aside = sway * draw.normal() * 0.5
        points.append(
            (
                origin.x + along * (goal.x - origin.x) + aside * across[0],
                origin.y + along * (goal.y - origin.y) + aside * across[1],
            )
        )
    points.append((goal.x, goal.y))
    return points
