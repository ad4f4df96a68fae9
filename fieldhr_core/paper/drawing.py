"""What drawings are made of: a frame with a text alternative, verdicts as shapes, hatching for what is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from fieldhr_core.paper.markup import Markup

__all__ = ["breadth", "hatched", "label", "mark", "nothing_wider", "sign", "svg"]

_SHAPES: Final = {
    "at": '<circle r="{r}"/>',
    "away": '<rect x="-{d}" y="-{d}" width="{dd}" height="{dd}" transform="rotate(45)"/>',
    "unknown": '<rect x="-{s}" y="-{s}" width="{ss}" height="{ss}" rx="2"/>',
}


def svg(width: float, height: float, title: str, parts: Iterable[str], *, kind: str = "", left: float = 0) -> Markup:
    """Return a drawing with *title* as its text; *kind* is its class, *left* where its left edge lies."""
    text = escape(title)
    look = f' class="{kind}"' if kind else ""
    return Markup(
        f'<svg{look} viewBox="{left:g} 0 {width:g} {height:g}" width="{width:g}" role="img" aria-label="{text}">'
        f"<title>{text}</title>{''.join(parts)}</svg>"
    )


def mark(verdict: str, x: float, y: float, text: object = "", size: float = 11) -> str:
    """Return a verdict as a shape: disc *at*, diamond *away*, dashed square *unknown*; *text* stands inside."""
    inside = f'<text y="4" text-anchor="middle">{escape(str(text))}</text>' if text != "" else ""
    return f'<g class="v-{escape(verdict)}" transform="translate({x:.1f} {y:.1f})">{_shape(verdict, size)}{inside}</g>'


def sign(verdict: str) -> Markup:
    """Return a verdict's shape to stand in a line of text; the word beside it says the same."""
    return Markup(
        '<svg class="sign" viewBox="-13 -13 26 26" width="16" height="16" aria-hidden="true">'
        f'<g class="v-{escape(verdict)}">{_shape(verdict, 10)}</g></svg>'
    )


def _shape(verdict: str, r: float) -> str:
    d, s = r * 0.87, r * 0.91
    form = _SHAPES.get(verdict, _SHAPES["unknown"])
    return form.format(r=f"{r:g}", d=f"{d:.1f}", dd=f"{2 * d:.1f}", s=f"{s:.1f}", ss=f"{2 * s:.1f}")


def hatched(x: float, y: float, width: float, height: float, step: float = 7.0) -> str:
    """Return the ground and the slanting lines that say "unknown" in a rectangle.

    They are drawn one by one: a pattern would need an id, which two drawings on a page must not share.
    """
    lines = []
    at = step
    while at < width + height:
        x1, y1 = (at, 0.0) if at <= width else (width, at - width)
        x2, y2 = (0.0, at) if at <= height else (at - height, height)
        lines.append(f"M{x + x1:.1f} {y + y1:.1f}L{x + x2:.1f} {y + y2:.1f}")
        at += step
    ground = f'<rect class="bar-gap" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
    return f'{ground}<path class="hatch" d="{"".join(lines)}"/>' if lines else ground


def label(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    """Return a text of a drawing."""
    look = f' class="{kind}"' if kind else ""
    where = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text{look} x="{x:.1f}" y="{y:.1f}"{where}>{escape(text)}</text>'


def breadth(text: str, size: float = 12.0) -> float:
    """Return about how wide *text* is: East Asian letters are as wide as they are high."""
    return sum(size if ord(letter) > 0x2E80 else 0.6 * size for letter in text)


def nothing_wider(text: str, width: float, size: float = 12.0) -> str:
    """Return *text*, cut with an ellipsis where it would be wider than *width*."""
    if breadth(text, size) <= width:
        return text
    while text and breadth(text, size) > width - size:
        text = text[:-1]
    return f"{text.rstrip()}…"
