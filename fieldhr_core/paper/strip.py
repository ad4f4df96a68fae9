"""A day as a strip of time: what was claimed, what was seen, and what nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import attrs

from fieldhr_core.paper.drawing import hatched, label, mark, svg
from fieldhr_core.paper.markup import Markup

__all__ = ["Span", "Strip", "ribbon"]


@attrs.frozen(kw_only=True)
class Span:
    """A part of the day in milliseconds.

    ``kind`` is ``stay`` (with a verdict and, where it has one, a number), ``move``, ``gap``, ``claim`` or ``break``.
    """

    kind: str
    start_ms: int
    end_ms: int
    verdict: str = ""
    number: int = 0
    tip: str = ""


@attrs.frozen(eq=False, kw_only=True)
class Strip:
    """A day laid out; ``low_ms`` to ``high_ms`` is what its width shows."""

    width: float
    low_ms: int
    high_ms: int
    spans: tuple[Span, ...]
    instants: tuple[tuple[int, str], ...]
    hours: tuple[tuple[int, str], ...]

    def at(self, ms: int) -> float:
        """Return where an instant lies."""
        inside = min(max(ms, self.low_ms), self.high_ms)
        return (inside - self.low_ms) * self.width / max(self.high_ms - self.low_ms, 60_000)

    def drawn(self, *, title: str, rest: str = "") -> Markup:
        """Return the strip as SVG; *title* is its text, *rest* the word above breaks."""
        out = []
        for span in self._of("break"):
            x, wide = self._box(span)
            out.append(f'<rect class="rest" x="{x:.1f}" y="0" width="{wide:.1f}" height="72"/>')
            out.append(label(x + wide / 2, 11, rest, anchor="middle", kind="soft"))
        last = -1e9
        for ms, text in self.hours:
            x = self.at(ms)
            out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="18" y2="76"/>')
            if x - last < 40:
                continue
            last = x
            anchor = "start" if x < 16 else "end" if x > self.width - 16 else "middle"
            out.append(label(x, 91, text, anchor=anchor, kind="soft"))
        for span in self._of("claim"):
            x, wide = self._box(span)
            out.append(_rect("bar-claim", x, 20, max(wide, 2), 8, span.tip, radius=1))
        for span in self._of("move"):
            x, wide = self._box(span)
            out.append(f'<line class="bar-move" x1="{x:.1f}" x2="{x + wide:.1f}" y1="52" y2="52"/>')
        for span in self._of("stay"):
            x, wide = self._box(span)
            if span.verdict == "unknown":
                out.append(hatched(x, 36, max(wide, 3), 32))
            out.append(_rect(f"bar-{span.verdict}", x, 36, max(wide, 3), 32, span.tip))
        for span in self._of("gap"):
            x, wide = self._box(span)
            out.append(f"<g><title>{escape(span.tip)}</title>{hatched(x, 37, wide, 30)}</g>")
        for span in self._of("stay"):
            x, wide = self._box(span)
            if span.number and wide > 25:
                out.append(mark(span.verdict, x + wide / 2, 52, span.number))
        for ms, tip in self.instants:
            out.append(f'<path class="solid" d="M{self.at(ms):.1f} 70 l-4 7 h8 z"><title>{escape(tip)}</title></path>')
        return svg(self.width + 4, 96, title, out, kind="page", left=-2)

    def _of(self, kind: str) -> list[Span]:
        return [span for span in self.spans if span.kind == kind]

    def _box(self, span: Span) -> tuple[float, float]:
        x = self.at(span.start_ms)
        return x, max(0.0, self.at(span.end_ms) - x)


def _rect(look: str, x: float, y: float, width: float, height: float, tip: str, radius: int = 2) -> str:
    return (
        f'<rect class="{look}" x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="{height:g}" rx="{radius}">'
        f"<title>{escape(tip)}</title></rect>"
    )


def ribbon(spans: Sequence[Span], low_ms: int, high_ms: int, *, title: str, width: float = 240) -> Markup:
    """Return a day in one line of a list: tints for stays, a line for ways, slanting lines for what is unknown."""
    unit = width / max(high_ms - low_ms, 60_000)
    out = [f'<line class="grid" x1="0" x2="{width:g}" y1="17" y2="17"/>']
    for span in spans:
        x = (max(span.start_ms, low_ms) - low_ms) * unit
        wide = (min(span.end_ms, high_ms) - low_ms) * unit - x
        if wide <= 0:
            continue
        if span.kind == "move":
            out.append(f'<path class="bar-move" d="M{x:.1f} 9h{wide:.1f}"/>')
        elif span.kind == "gap" or span.verdict == "unknown":
            out.append(hatched(x, 3, wide, 12, step=6))
        elif span.kind == "stay":
            high = 14 if span.verdict == "at" else 8
            out.append(
                f'<rect class="bar-{escape(span.verdict)}" x="{x:.1f}" y="{16 - high}" width="{max(wide, 2):.1f}" '
                f'height="{high}"/>'
            )
    return svg(width, 18, title, out, kind="ribbon")
