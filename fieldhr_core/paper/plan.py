"""A map: metres round the middle of what is drawn, numbered stops, rings, a scale bar and north.

No border is drawn, and unless a source of tiles is given nothing is loaded from anywhere.
Coordinates are WGS-84; say so beside the map.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from typing import Final

import attrs

from fieldhr_core.paper.drawing import breadth, label, mark, svg
from fieldhr_core.paper.markup import Markup
from fieldhr_core.paper.tiles import Picture, Tiles

__all__ = ["Marker", "Piece", "Plan", "Projection", "Ring", "Scale", "Stop", "projected"]

_METRES_A_DEGREE: Final = 111_195.08
_LEAST_M: Final = 600.0
_NEAR: Final = 21.0
#: More stops than this are drawn where they are, without labels.
_CROWD: Final = 60

#: East and north in metres.
Point = tuple[float, float]


@attrs.frozen(kw_only=True)
class Stop:
    """Somewhere to mark: its verdict is its shape, ``text`` stands inside, ``name`` beside it where there is room.

    ``tip`` is shown to whoever points at it.
    """

    at: Point
    verdict: str
    text: str
    name: str = ""
    tip: str = ""


@attrs.frozen(kw_only=True)
class Ring:
    """A circle on the ground, in metres."""

    at: Point
    radius_m: float
    name: str = ""


@attrs.frozen(kw_only=True)
class Piece:
    """A part of the way; of one that is not known only the ends are, and it is drawn dashed."""

    points: Sequence[Point]
    known: bool = True


@attrs.frozen(kw_only=True)
class Marker:
    """A stop laid out: where it is drawn, where it is (it may stand beside its place), where its label stands."""

    stop: Stop
    x: float
    y: float
    at_x: float
    at_y: float
    label: str
    label_x: float
    label_y: float
    anchor: str

    @property
    def is_nudged(self) -> bool:
        """Whether it stands beside its place, to make room."""
        return math.hypot(self.x - self.at_x, self.y - self.at_y) > 1.0


@attrs.frozen(kw_only=True)
class Scale:
    """The scale bar: a round length and its width in the drawing."""

    metres: int
    width: float


@attrs.frozen(kw_only=True)
class Projection:
    """Turns degrees into metres and back, round a middle; good within a few hundred kilometres of it."""

    squeeze: float
    origin: float

    def __call__(self, lat: float, lon: float) -> Point:
        """Return east and north in metres. Longitudes count from the origin the short way round."""
        turned = (lon - self.origin + 180.0) % 360.0 - 180.0
        return turned * self.squeeze * _METRES_A_DEGREE, lat * _METRES_A_DEGREE

    def back(self, point: Point) -> tuple[float, float]:
        """Return latitude and longitude; the latter may lie beyond 180, eastward of the origin."""
        return point[1] / _METRES_A_DEGREE, self.origin + point[0] / (self.squeeze * _METRES_A_DEGREE)


def projected(points: Sequence[tuple[float, float]]) -> Projection:
    """Return what turns (latitude, longitude) into metres, made for *points* that lie within a few hundred kilometres.

    Longitudes count from the first point the short way round, so a day may cross the date line.
    """
    middle = sorted(lat for lat, _ in points)[len(points) // 2]
    return Projection(squeeze=math.cos(math.radians(middle)), origin=points[0][1])


@attrs.frozen(eq=False, kw_only=True)
class Plan:
    """A map laid out, in units of about a pixel."""

    width: float
    height: float
    markers: tuple[Marker, ...]
    rings: tuple[tuple[float, float, float, str], ...]
    lines: tuple[tuple[tuple[Point, ...], bool], ...]
    arrows: tuple[tuple[float, float, float], ...]
    grid_x: tuple[float, ...]
    grid_y: tuple[float, ...]
    scale: Scale
    #: Pictures of the ground: address, left, top, width, height.
    ground: tuple[tuple[str, float, float, float, float], ...] = ()

    @classmethod
    def of(
        cls,
        stops: Sequence[Stop],
        rings: Sequence[Ring] = (),
        pieces: Sequence[Piece] = (),
        *,
        width: float = 760.0,
        height: float = 470.0,
        pad: float = 54.0,
        ground: tuple[Tiles, Projection] | None = None,
    ) -> Plan | None:
        """Lay it out; ``None`` where there is nothing to draw. Rings alone are nothing.

        Args:
            ground: a source of tiles to draw on, and what the points were projected with; by default there is none.
        """
        flat = [stop.at for stop in stops] + [point for piece in pieces for point in piece.points]
        if not flat:
            return None
        for ring in rings:
            (x, y), r = ring.at, ring.radius_m
            flat += [(x - r, y - r), (x + r, y + r)]
        west, east = min(p[0] for p in flat), max(p[0] for p in flat)
        south, north = min(p[1] for p in flat), max(p[1] for p in flat)
        unit = min((width - 2 * pad) / max(east - west, _LEAST_M), (height - 2 * pad) / max(north - south, _LEAST_M))
        centre = ((west + east) / 2, (south + north) / 2)

        def drawn(point: Point) -> Point:
            return width / 2 + (point[0] - centre[0]) * unit, height / 2 - (point[1] - centre[1]) * unit

        pictures = _pictures(*ground, centre, width / unit, height / unit, unit) if ground is not None else []
        scale = _scale(unit)
        lines = [(tuple(_thinned([drawn(p) for p in piece.points])), piece.known) for piece in pieces if piece.points]
        return cls(
            width=width,
            height=height,
            markers=tuple(_markers(stops, [drawn(stop.at) for stop in stops], width, height)),
            rings=tuple((*drawn(ring.at), max(15.0, ring.radius_m * unit), ring.name) for ring in rings),
            lines=tuple(line for line in lines if len(line[0]) > 1),
            arrows=tuple(arrow for points, known in lines if known for arrow in _arrows(points)),
            grid_x=tuple(_ticks(width / 2, scale.width, width)),
            grid_y=tuple(_ticks(height / 2, scale.width, height)),
            scale=scale,
            ground=tuple(
                (picture.href, *_box(drawn(picture.south_west), drawn(picture.north_east))) for picture in pictures
            ),
        )

    def drawn(self, *, title: str, metres: Callable[[float], str], north: str = "N", kind: str = "map page") -> Markup:
        """Return the map as SVG.

        Args:
            title: its text; the table beside the map says the same in words.
            metres: makes the text of a round length.
            north: the letter below the north mark.
            kind: class of the drawing.
        """
        # Whole pixels and a hair more: a seam would show.
        ground = [
            f'<image class="tile" href="{escape(href)}" x="{x:.2f}" y="{y:.2f}" width="{w + 0.4:.2f}" '
            f'height="{h + 0.4:.2f}" preserveAspectRatio="none"/>'
            for href, x, y, w, h in self.ground
        ]
        grid = (
            []
            if ground
            else [
                *(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{self.height:g}"/>' for x in self.grid_x),
                *(f'<line class="grid" x1="0" x2="{self.width:g}" y1="{y:.1f}" y2="{y:.1f}"/>' for y in self.grid_y),
            ]
        )
        rings = [
            f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"><title>{escape(name)}</title></circle>'
            for x, y, r, name in self.rings
        ]
        ways = [
            f'<polyline class="{"way" if known else "lost"}" points="{_path(points)}"/>' for points, known in self.lines
        ]
        arrows = [
            f'<path class="arrow" d="M6 0L-4 4.5L-4 -4.5Z" transform="translate({x:.1f} {y:.1f}) rotate({turn:.0f})"/>'
            for x, y, turn in self.arrows
        ]
        leads = [
            f'<line class="lead" x1="{m.at_x:.1f}" y1="{m.at_y:.1f}" x2="{m.x:.1f}" y2="{m.y:.1f}"/>'
            for m in self.markers
            if m.is_nudged
        ]
        marks = [_marked(m) for m in self.markers]
        return svg(
            self.width,
            self.height,
            title,
            [*ground, *grid, *rings, *ways, *arrows, *leads, *marks, self._ruler(metres), self._north(north)],
            kind=kind,
        )

    def _ruler(self, metres: Callable[[float], str]) -> str:
        wide = self.scale.width
        text = label(wide / 2, -8, metres(self.scale.metres), anchor="middle", kind="halo")
        bar = f'<path class="ruler" d="M0 -5 V0 H{wide:.1f} V-5"/>'
        return f'<g transform="translate(18 {self.height - 20:g})">{bar}{text}</g>'

    def _north(self, letter: str) -> str:
        text = label(0, 17, letter, anchor="middle", kind="halo")
        needle = '<path class="solid" d="M0 -16 L5 2 L0 -2 L-5 2 Z"/>'
        return f'<g transform="translate({self.width - 26:g} 34)">{needle}{text}</g>'


def _pictures(
    tiles: Tiles, projection: Projection, centre: Point, wide: float, high: float, unit: float
) -> Sequence[Picture]:
    south_west = projection.back((centre[0] - wide / 2, centre[1] - high / 2))
    north_east = projection.back((centre[0] + wide / 2, centre[1] + high / 2))
    return tiles.pictures(south_west, north_east, 1 / unit, projection)


def _box(south_west: Point, north_east: Point) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a box in the drawing."""
    return south_west[0], north_east[1], north_east[0] - south_west[0], south_west[1] - north_east[1]


def _path(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _marked(marker: Marker) -> str:
    text = (
        label(marker.label_x, marker.label_y, marker.label, anchor=marker.anchor, kind="halo") if marker.label else ""
    )
    drawn = mark(marker.stop.verdict, marker.x, marker.y, marker.stop.text) + text
    return f"<g><title>{escape(marker.stop.tip)}</title>{drawn}</g>" if marker.stop.tip else drawn


def _scale(unit: float) -> Scale:
    """Return the roundest length that fills about an eighth of the map."""
    wanted = 95.0 / unit
    power = 10 ** math.floor(math.log10(wanted))
    metres = max(step * power for step in (1, 2, 5, 10) if step * power <= wanted * 1.0001)
    return Scale(metres=round(metres), width=metres * unit)


def _ticks(middle: float, step: float, end: float) -> list[float]:
    first = middle % step
    return [first + n * step for n in range(int((end - first) / step) + 1)]


def _thinned(points: Sequence[Point], least: float = 1.5) -> list[Point]:
    kept = [points[0]]
    for point in points[1:-1]:
        if math.dist(point, kept[-1]) >= least:
            kept.append(point)
    if len(points) > 1:
        kept.append(points[-1])
    return kept


def _arrows(points: Sequence[Point], every: float = 130.0) -> list[tuple[float, float, float]]:
    """Return arrow heads along a line: the way somebody went."""
    arrows, since = [], every / 2
    for (ax, ay), (bx, by) in pairwise(points):
        length = math.hypot(bx - ax, by - ay)
        since += length
        if since >= every and length > 0.5:
            since = 0.0
            arrows.append(((ax + bx) / 2, (ay + by) / 2, math.degrees(math.atan2(by - ay, bx - ax))))
    return arrows


def _markers(stops: Sequence[Stop], at: Sequence[Point], width: float, height: float) -> list[Marker]:
    taken: list[Point] = []
    turns = (0.0, 1.57, 3.14, 4.71, 0.79, 5.5)
    beside = [(r * math.cos(a), r * math.sin(a)) for r in (24.0, 46.0, 68.0) for a in turns]
    # Where there is a crowd, standing beside one's place would only hide somebody else.
    if len(at) > _CROWD:
        return [_plain(stop, x, y) for stop, (x, y) in zip(stops, at, strict=True)]
    for x, y in at:
        spots = [(x, y), *((x + dx, y + dy) for dx, dy in beside)]
        taken.append(next((s for s in spots if all(math.dist(s, o) >= _NEAR for o in taken)), (x, y)))
    boxes = [(x - 12, y - 12, x + 12, y + 12) for x, y in taken]
    markers = []
    for stop, (ax, ay), (x, y) in zip(stops, at, taken, strict=True):
        label_x, label_y, anchor = _spot(x, y, breadth(stop.name), boxes, width, height) if stop.name else (x, y, "")
        markers.append(
            Marker(
                stop=stop,
                x=x,
                y=y,
                at_x=ax,
                at_y=ay,
                label=stop.name if anchor else "",
                label_x=label_x,
                label_y=label_y,
                anchor=anchor or "start",
            )
        )
    return markers


def _plain(stop: Stop, x: float, y: float) -> Marker:
    return Marker(stop=stop, x=x, y=y, at_x=x, at_y=y, label="", label_x=x, label_y=y, anchor="start")


def _spot(
    x: float, y: float, wide: float, boxes: list[tuple[float, float, float, float]], width: float, height: float
) -> tuple[float, float, str]:
    """Return a free place for a label and its anchor; no anchor where none is free."""
    for dx, dy, anchor in (
        (16, 4, "start"), (-16, 4, "end"), (0, 27, "middle"), (0, -18, "middle"), (14, 20, "start"), (-14, 20, "end"),
        (14, -14, "start"), (-14, -14, "end"),
    ):  # fmt: skip
        left = x + dx - {"start": 0.0, "end": wide, "middle": wide / 2}[anchor]
        box = (left, y + dy - 11, left + wide, y + dy + 4)
        inside = box[0] >= 4 and box[2] <= width - 4 and box[1] >= 4 and box[3] <= height - 4
        clear = all(box[2] < b[0] or box[0] > b[2] or box[3] < b[1] or box[1] > b[3] for b in boxes)
        if inside and clear:
            boxes.append(box)
            return x + dx, y + dy, anchor
    return x, y, ""
