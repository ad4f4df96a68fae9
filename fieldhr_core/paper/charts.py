"""Charts as SVG: one function a kind, plain values in, texts already in the reader's language.

Lengths are in units of about a pixel. Nothing is told by colour alone: every mark has its number, word or shape.
Each wants a table beside it (:class:`fieldhr_core.paper.figure.Figure`), because a chart is for the eye only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from html import escape
from typing import Final

import attrs

from fieldhr_core.paper.drawing import breadth, label, nothing_wider, svg
from fieldhr_core.paper.markup import Markup

__all__ = ["Line", "bars", "calendar", "dots", "events", "funnel", "intervals", "lines", "parts", "radar", "spark"]

_SERIES: Final = ("way", "two", "three")


def bars(
    rows: Sequence[tuple[str, float, str]],
    *,
    title: str,
    width: float = 520,
    left: float = 0,
    target: float | None = None,
    signed: bool = False,
) -> Markup:
    """Return lying bars: (label, value, text of the value), in the order given.

    Args:
        rows: what to draw; a value that is not finite has no bar, only its text.
        title: what the drawing says, for readers who do not see it.
        width: of the drawing.
        left: room for the labels; 0 takes what the longest needs, at most two fifths.
        target: a value that is marked by a line.
        signed: whether bars go to both sides of nought; those to the left are of another colour.
    """
    left = left or min(width * 0.4, 14 + max((breadth(text) for text, _, _ in rows), default=0))
    right = 12 + max((breadth(text) for _, _, text in rows), default=0)
    step, span = 28.0, width - left - right
    known = [abs(value) for _, value, _ in rows if math.isfinite(value)] + ([target] if target else [])
    most = max(known, default=0.0) or 1.0
    zero = left + (span / 2 if signed else 0)
    unit = (span / 2 if signed else span) / most
    out = [f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="2" y2="{step * len(rows) + 2:.1f}"/>']
    for number, (name, value, text) in enumerate(rows):
        y = 4 + step * number
        out.append(label(left - 8 if left else 0, y + 16, nothing_wider(name, left - 10), anchor="end"))
        if math.isfinite(value) and value != 0:
            long = max(1.0, abs(value) * unit)
            x = zero - long if value < 0 else zero
            fill = "fill-away" if value < 0 else "fill-way"
            out.append(f'<rect class="{fill}" x="{x:.1f}" y="{y + 3:.1f}" width="{long:.1f}" height="18" rx="2"/>')
        out.append(label(width, y + 16, text, anchor="end", kind="strong"))
    if target is not None:
        x = zero + target * unit
        end = step * len(rows) + 2
        out.append(f'<line class="lead" stroke-dasharray="4 3" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{end:.1f}"/>')
    return svg(width, step * len(rows) + 6, title, out)


@attrs.frozen(kw_only=True)
class Line:
    """A line over time: values (NaN: a hole), and where known the band it lies in."""

    name: str
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def lines(
    series: Sequence[Line],
    labels: Sequence[str],
    *,
    title: str,
    shown: Callable[[float], str],
    width: float = 520,
    height: float = 210,
    floor: float | None = 0.0,
) -> Markup:
    """Return up to three lines over the same *labels*, with their bands; holes stay holes.

    Args:
        series: the lines; the first is drawn solid, the second dashed, the third dotted, each with its name at its end.
        labels: texts below the axis, one a value; as many are written as fit.
        title: what the drawing says.
        shown: makes the text of a number at the left axis.
        width: of the drawing.
        height: of the drawing.
        floor: where the left axis begins; ``None`` lets it begin near the lowest value.
    """
    numbers = [n for each in series for row in (each.values, each.low, each.high) for n in row if math.isfinite(n)]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    ticks = _round_ticks(low if floor is None else min(floor, low), high)
    low, high = ticks[0], ticks[-1]
    left = 10 + max(breadth(shown(tick), 11) for tick in ticks)
    names = [each.name for each in series] if len(series) > 1 else []
    right = 14 + max((breadth(name, 11) for name in names), default=0)
    top, bottom = 10.0, 26.0
    count = max(2, len(labels))

    def at(index: int, value: float) -> tuple[float, float]:
        return (
            left + (width - left - right) * index / (count - 1),
            height - bottom - (height - top - bottom) * (value - low) / (high - low),
        )

    out = []
    for tick in ticks:
        y = at(0, tick)[1]
        out.append(f'<line class="grid" x1="{left:.1f}" x2="{width - right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(label(left - 6, y + 4, shown(tick), anchor="end", kind="soft small"))
    out += [
        label(at(index, low)[0], height - 8, labels[index], anchor="middle", kind="soft small")
        for index in _spread(labels, (width - left - right) / (count - 1))
    ]
    ends: list[float] = []
    for each, look in zip(series, _SERIES, strict=False):
        out += [f'<path class="band-{look}" d="{band}"/>' for band in _bands(each, at)]
        for piece in _pieces(each.values):
            points = [at(index, each.values[index]) for index in piece]
            if len(points) == 1:
                out.append(f'<circle class="fill-{look}" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3"/>')
            else:
                out.append(f'<polyline class="line-{look}" points="{_path(points)}"/>')
        last = next((i for i in reversed(range(len(each.values))) if math.isfinite(each.values[i])), None)
        if last is not None:
            x, y = at(last, each.values[last])
            out.append(f'<circle class="fill-{look}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
            if names:
                while any(abs(y - other) < 13 for other in ends):
                    y += 13
                ends.append(y)
                out.append(label(x + 8, y + 4, each.name, kind="small"))
    return svg(width, height, title, out)


def spark(values: Sequence[float], *, title: str, width: float = 96, height: float = 28) -> Markup:
    """Return a small line without axes; its last point is marked."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    span = (high - low) or 1.0
    last = max(1, len(values) - 1)

    def at(index: int, value: float) -> tuple[float, float]:
        return 3 + (width - 6) * index / last, height - 4 - (height - 8) * (value - low) / span

    out = [
        f'<polyline class="line-way" points="{_path([at(i, values[i]) for i in piece])}"/>'
        for piece in _pieces(values)
        if len(piece) > 1
    ]
    end = next((i for i in reversed(range(len(values))) if math.isfinite(values[i])), None)
    if end is not None:
        x, y = at(end, values[end])
        out.append(f'<circle class="fill-way" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
    return svg(width, height, title, out, kind="spark")


def intervals(
    rows: Sequence[tuple[str, float, float, float, str]],
    *,
    title: str,
    shown: Callable[[float], str],
    floor: float = 0.0,
    ceiling: float = 1.0,
    width: float = 680,
    others: Sequence[float] = (),
) -> Markup:
    """Return values with the intervals they lie in, one a row: (label, value, low, high, text).

    *others* gives one more value a row (of the team, say), drawn as a hollow dot; NaN: none.
    """
    left = min(width * 0.4, 16 + max((breadth(row[0]) for row in rows), default=0))
    right = 22 + max((breadth(row[4]) for row in rows), default=0)
    step = 30
    height = step * len(rows) + 34
    span = width - left - right

    def at(value: float) -> float:
        return left + span * (min(max(floor, value), ceiling) - floor) / ((ceiling - floor) or 1.0)

    out = []
    for index in range(5):
        tick = floor + (ceiling - floor) * index / 4
        x = at(tick)
        out.append(f'<line class="grid" x1="{x:.1f}" y1="6" x2="{x:.1f}" y2="{height - 24}"/>')
        out.append(label(x, height - 8, shown(tick), anchor="middle", kind="soft small"))
    for index, (name, value, low, high, text) in enumerate(rows):
        y = 20 + step * index
        out.append(label(left - 12, y + 4, nothing_wider(name, left - 12), anchor="end"))
        if math.isfinite(low) and math.isfinite(high):
            out.append(f'<line class="range" x1="{at(low):.1f}" y1="{y}" x2="{at(high):.1f}" y2="{y}"/>')
        if index < len(others) and math.isfinite(others[index]):
            out.append(f'<circle class="other" cx="{at(others[index]):.1f}" cy="{y}" r="4.5"/>')
        if math.isfinite(value):
            out.append(f'<circle class="value" cx="{at(value):.1f}" cy="{y}" r="5"/>')
        out.append(label(width - right + 14, y + 4, text, kind="strong"))
    return svg(width, height, title, out)


def dots(
    rows: Sequence[tuple[str, Sequence[float], str]],
    *,
    title: str,
    top: float,
    shown: Callable[[float], str],
    width: float = 760,
) -> Markup:
    """Return one dot a value, one row a label: (label, values, text); the axis goes from nought to *top*."""
    left = min(width * 0.4, 16 + max((breadth(row[0]) for row in rows), default=0))
    right = 22 + max((breadth(row[2]) for row in rows), default=0)
    step = 30
    height = step * len(rows) + 40
    span = width - left - right
    out = []
    for index in range(5):
        x = left + span * index / 4
        out.append(f'<line class="grid" x1="{x:.1f}" y1="6" x2="{x:.1f}" y2="{height - 30}"/>')
        out.append(label(x, height - 12, shown(top * index / 4), anchor="middle", kind="soft small"))
    for index, (name, values, text) in enumerate(rows):
        y = 20 + step * index
        out.append(label(left - 12, y + 4, nothing_wider(name, left - 12), anchor="end"))
        for place, value in enumerate(sorted(values)):
            x, lift = left + span * min(value, top) / top, (place % 3 - 1) * 5
            tip = escape(shown(value))
            out.append(f'<circle class="dot" cx="{x:.1f}" cy="{y + lift}" r="3.6"><title>{tip}</title></circle>')
        out.append(label(width - right + 14, y + 4, text, kind="strong"))
    return svg(width, height, title, out)


def calendar(
    days: Sequence[tuple[date, float, str]], *, title: str, weekdays: Sequence[str], width: float = 0
) -> Markup:
    """Return a heat calendar: one square a day, weeks as columns; darker is more, a hollow square is no value.

    Args:
        days: (date, value or NaN, text of the day), in order of time.
        title: what the drawing says.
        weekdays: seven short names, Monday first.
        width: of the drawing; 0 takes what the weeks need.
    """
    side, gap = 17.0, 3.0
    left = 8 + max(breadth(name, 11) for name in weekdays)
    if not days:
        return svg(width or left, side, title, [])
    first = days[0][0] - timedelta(days=days[0][0].weekday())
    most = max((value for _, value, _ in days if math.isfinite(value)), default=0.0) or 1.0
    out = [label(0, 13 + (side + gap) * row, name, kind="soft small") for row, name in enumerate(weekdays)]
    weeks = 0
    for day, value, text in days:
        week, row = divmod((day - first).days, 7)
        weeks = max(weeks, week + 1)
        x, y = left + (side + gap) * week, (side + gap) * row
        if math.isfinite(value):
            look = f'class="cell" fill-opacity="{0.08 + 0.92 * max(0.0, value) / most:.2f}"'
        else:
            look = 'class="cell-none"'
        out.append(
            f'<rect {look} x="{x:.1f}" y="{y:.1f}" width="{side:g}" height="{side:g}" rx="2">'
            f"<title>{escape(text)}</title></rect>"
        )
    return svg(max(width, left + weeks * (side + gap)), 7 * (side + gap), title, out)


def radar(
    axes: Sequence[tuple[str, float, str]], *, title: str, others: Sequence[float] = (), width: float = 360
) -> Markup:
    """Return a radar of at least three axes: (label, value from 0 to 1, text); *others* is a dashed outline."""
    if len(axes) < 3:
        raise ValueError(f"A radar wants three axes or more, not {len(axes)}; draw bars.")
    height, reach = width * 0.86, width * 0.27
    cx, cy = width / 2, height / 2

    def at(index: int, share: float) -> tuple[float, float]:
        turn = 2 * math.pi * index / len(axes) - math.pi / 2
        return cx + reach * share * math.cos(turn), cy + reach * share * math.sin(turn)

    out = [
        f'<polygon class="web" points="{_path([at(i, ring) for i in range(len(axes))])}"/>'
        for ring in (0.25, 0.5, 0.75, 1.0)
    ]
    for index, (name, _, text) in enumerate(axes):
        x, y = at(index, 1.0)
        out.append(f'<line class="grid" x1="{cx:.1f}" y1="{cy:.1f}" x2="{x:.1f}" y2="{y:.1f}"/>')
        lx, ly = at(index, 1.17)
        anchor = "middle" if abs(lx - cx) < 12 else "start" if lx > cx else "end"
        ly += 4 if abs(lx - cx) >= 12 else (-6 if ly < cy else 12)
        room = {"middle": width, "start": width - lx, "end": lx}[anchor]
        out.append(label(lx, ly, nothing_wider(name, room), anchor=anchor))
        out.append(label(lx, ly + 14, text, anchor=anchor, kind="soft small"))
    if others:
        out.append(f'<polygon class="area-other" points="{_path([at(i, _share(v)) for i, v in enumerate(others)])}"/>')
    points = [at(index, _share(value)) for index, (_, value, _) in enumerate(axes)]
    out.append(f'<polygon class="area-way" points="{_path(points)}"/>')
    out += [f'<circle class="value" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in points]
    return svg(width, height + 12, title, out)


def funnel(steps: Sequence[tuple[str, float, str]], *, title: str, width: float = 520) -> Markup:
    """Return how many are left at each step: (label, count, text); the widths are the counts."""
    left = min(width * 0.4, 16 + max((breadth(name) for name, _, _ in steps), default=0))
    right = 14 + max((breadth(text) for _, _, text in steps), default=0)
    span, step, high = width - left - right, 40.0, 26.0
    most = max((count for _, count, _ in steps), default=0.0) or 1.0
    middle = left + span / 2
    out = []
    halves = [max(0.5, span * count / most / 2) for _, count, _ in steps]
    for index, (name, _, text) in enumerate(steps):
        y, half = 2 + step * index, halves[index]
        if index + 1 < len(steps):
            below = halves[index + 1]
            out.append(
                f'<path class="fill-tint" d="M{middle - half:.1f} {y + high:.1f}H{middle + half:.1f}'
                f'L{middle + below:.1f} {y + step:.1f}H{middle - below:.1f}Z"/>'
            )
        box = f'x="{middle - half:.1f}" y="{y:.1f}" width="{2 * half:.1f}" height="{high}"'
        out.append(f'<rect class="fill-way" {box}/>')
        out.append(label(left - 12, y + 17, nothing_wider(name, left - 12), anchor="end"))
        out.append(label(width, y + 17, text, anchor="end", kind="strong"))
    return svg(width, step * len(steps) - (step - high) + 4, title, out)


def parts(shares: Sequence[tuple[str, float, str]], *, title: str, width: float = 520, height: float = 22) -> Markup:
    """Return one bar cut into parts: (verdict or ``move``/``gap``, size, tip); unknown parts are hatched."""
    from fieldhr_core.paper.drawing import hatched

    whole = sum(size for _, size, _ in shares) or 1.0
    out, x = [], 1.0
    for kind, size, tip in shares:
        wide = (width - 2) * size / whole
        if wide <= 0:
            continue
        if kind in ("unknown", "gap"):
            inside = hatched(x, 1, wide, height - 2)
        else:
            look = "fill-tint" if kind == "move" else f"bar-{kind}"
            inside = f'<rect class="{look}" x="{x:.1f}" y="1" width="{wide:.1f}" height="{height - 2:g}"/>'
        out.append(f"<g><title>{escape(tip)}</title>{inside}</g>")
        x += wide
    return svg(width, height, title, out, kind="stretch")


def events(
    rows: Sequence[tuple[str, Sequence[tuple[float, str, str]]]],
    days: Sequence[tuple[str, bool]],
    *,
    title: str,
    width: float = 760,
) -> Markup:
    """Return what happened over days, one row a label.

    Args:
        rows: (label, [(day as a number from 0, state, tip)]); state is ``found`` (disc), ``missed`` (ring), ``false``
            (cross) or ``quiet`` (dash).
        days: (label, whether it is worked), in order.
        title: what the drawing says.
        width: of the drawing.
    """
    left, step, right = 190, 24, 12
    height = step * len(rows) + 44
    span = (width - left - right) / max(1, len(days))
    out = []
    every = max(1, math.ceil(len(days) / 14))
    for index, (name, works) in enumerate(days):
        x = left + span * index
        if not works:
            out.append(f'<rect class="rest" x="{x:.1f}" y="4" width="{span:.1f}" height="{height - 34}"/>')
        out.append(f'<line class="grid" x1="{x:.1f}" y1="4" x2="{x:.1f}" y2="{height - 30}"/>')
        if index % every == 0:
            out.append(label(x + span / 2, height - 12, name, anchor="middle", kind="soft small"))
    for index, (name, marks) in enumerate(rows):
        y = 18 + step * index
        out.append(label(left - 12, y + 4, nothing_wider(name, left - 12), anchor="end"))
        out += [_event(left + span * day, y, state, tip) for day, state, tip in marks]
    return svg(width, height, title, out)


def _event(x: float, y: float, state: str, tip: str) -> str:
    shapes = {
        "found": f'<circle class="found" cx="{x:.1f}" cy="{y}" r="5.5">',
        "missed": f'<circle class="missed" cx="{x:.1f}" cy="{y}" r="5.5">',
        "false": f'<path class="false" d="M{x - 5:.1f} {y - 5}l10 10m0 -10l-10 10">',
        "quiet": f'<path class="quiet" d="M{x - 5:.1f} {y}h10">',
    }
    tag = "circle" if state in ("found", "missed") else "path"
    return f"{shapes[state]}<title>{escape(tip)}</title></{tag}>"


def _share(value: float) -> float:
    return min(1.0, max(0.0, value)) if math.isfinite(value) else 0.0


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _pieces(values: Sequence[float]) -> list[list[int]]:
    """Return the runs of known values, as indices."""
    runs: list[list[int]] = []
    for index, value in enumerate(values):
        if not math.isfinite(value):
            continue
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _bands(line: Line, at: Callable[[int, float], tuple[float, float]]) -> list[str]:
    if not line.low or not line.high:
        return []
    known = [a if math.isfinite(a) and math.isfinite(b) else math.nan for a, b in zip(line.low, line.high, strict=True)]
    bands = []
    for piece in _pieces(known):
        outline = [at(i, line.high[i]) for i in piece] + [at(i, line.low[i]) for i in reversed(piece)]
        bands.append(f"M{_path(outline)}Z")
    return bands


def _round_ticks(low: float, high: float) -> list[float]:
    """Return four to six round numbers that hold *low* and *high* between them."""
    if not high > low:
        high = low + 1.0
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [step * n for n in range(first, last + 1)]


def _spread(labels: Sequence[str], room: float) -> list[int]:
    """Return which labels to write: the last, and as many before it as do not touch."""
    if not labels:
        return []
    widest = max(breadth(text, 11) for text in labels) + 10
    every = max(1, math.ceil(widest / max(room, 0.01)))
    return sorted(range(len(labels) - 1, -1, -every))
