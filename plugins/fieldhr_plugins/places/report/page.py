"""The day report as one self-contained HTML page, and the same page as PDF."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from fieldhr_core.errors import MissingDependencyError
from fieldhr_plugins.places.report.dayview import DayView
from fieldhr_plugins.places.report.drawing import Plan, Timeline
from fieldhr_plugins.places.report.sheets import claim_text

__all__ = ["html", "pdf"]


#: What the drawing's colours are on paper: the PDF writer knows no variables inside drawings.
_PAPER: Final = {
    "paper": "#ffffff",
    "ink": "#000000",
    "soft": "#444444",
    "line": "#cccccc",
    "faint": "#f4f4f4",
    "way": "#1d4a86",
    "at": "#0a6b4c",
    "at-tint": "#d8ede4",
    "away": "#a63c06",
    "away-tint": "#fae3d4",
    "unknown": "#555555",
    "unknown-tint": "#eeeeee",
    "on": "#ffffff",
}

#: Lines that say "unknown" whatever is below them.
_HATCH: Final = (
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch-back" width="7" height="7"/><line class="hatch" x1="0" y1="0" x2="0" y2="7"/></pattern>'
)


def html(view: DayView) -> str:
    """Return the page: no script, no network, light and dark, printable.

    Raises:
        MissingDependencyError: FHR-CFG-010 where jinja2 is not installed.
    """
    return _page(view, for_pdf=False)


def pdf(view: DayView) -> bytes:
    """Return the page as PDF.

    Raises:
        MissingDependencyError: FHR-CFG-010 where weasyprint (or jinja2) is not installed.
    """
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as cause:
        raise MissingDependencyError("weasyprint", "pdf") from cause
    written: bytes = HTML(string=_page(view, for_pdf=True), url_fetcher=_refused).write_pdf()
    return written


def _page(view: DayView, *, for_pdf: bool) -> str:
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError as cause:
        raise MissingDependencyError("jinja2", "report") from cause
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_text("day.html.jinja"))
    css = _text("drawing.css")
    inside = ""
    if for_pdf:
        # The PDF writer styles each drawing by its own rules only, and would paint a halo over its letters.
        css = re.sub(r"var\(--([a-z-]+)\)", lambda found: _PAPER[found[1]], css)
        css = re.sub(r"\.halo \{[^}]*\}", "", css)
        inside = f"<style>{css}</style><defs>{_HATCH}</defs>"
    # Only files of this package are marked as safe; every value of the report is escaped.
    return template.render(
        view=view,
        words=view.words,
        plan=Plan.of(view),
        timeline=Timeline.of(view),
        claim_text=claim_text,
        drawing_css=Markup(css),  # noqa: S704
        drawing_style=Markup(inside),  # noqa: S704
        hatch=Markup(_HATCH),  # noqa: S704
    )


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _refused(url: str) -> dict[str, object]:
    """Let the page load nothing."""
    raise ValueError(url)
