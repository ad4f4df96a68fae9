"""The day report as one self-contained HTML page, and the same page as PDF."""

from __future__ import annotations

from datetime import date
from importlib.resources import files

from fieldhr_core.errors import MissingDependencyError
from fieldhr_plugins.places.report.dayview import DayView
from fieldhr_plugins.places.report.drawing import Plan, Timeline
from fieldhr_plugins.places.report.sheets import claim_text

__all__ = ["html", "pdf"]


def html(view: DayView) -> str:
    """Return the page: no script, no network, light and dark, printable.

    Raises:
        MissingDependencyError: FHR-CFG-010 where jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as cause:
        raise MissingDependencyError("jinja2", "report") from cause
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files(__package__).joinpath("day.html.jinja").read_text("utf-8"))
    return template.render(
        view=view,
        words=view.words,
        plan=Plan.of(view),
        timeline=Timeline.of(view),
        weekday=date.fromisoformat(view.date).isoweekday(),
        claim_text=claim_text,
    )


def pdf(view: DayView) -> bytes:
    """Return the page as PDF.

    Raises:
        MissingDependencyError: FHR-CFG-010 where weasyprint is not installed.
    """
    try:
        from weasyprint import HTML  # type: ignore[import-untyped, unused-ignore]
    except (ImportError, OSError) as cause:
        raise MissingDependencyError("weasyprint", "pdf") from cause
    written: bytes = HTML(string=html(view), url_fetcher=_refused).write_pdf()
    return written


def _refused(url: str) -> dict[str, object]:
    """Let the page load nothing."""
    raise ValueError(url)
