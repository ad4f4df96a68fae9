"""The day report as one self-contained HTML page, and the same page as PDF."""

from __future__ import annotations

from importlib.resources import files

from fieldhr_core import paper
from fieldhr_core.errors import MissingDependencyError
from fieldhr_plugins.places.report import drawing
from fieldhr_plugins.places.report.dayview import DayView
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
    body = template.render(
        view=view,
        words=view.words,
        plan=drawing.plan(view),
        strip=drawing.strip(view),
        claim_text=claim_text,
        sign=paper.sign,
        ruled=lambda metres: _ruled(view, metres),
    )
    title = f"{view.words('title')} · {view.rep_name or view.rep} · {view.date}"
    return paper.page(title, body, language=view.words.language)


def pdf(view: DayView) -> bytes:
    """Return the page as PDF.

    Raises:
        MissingDependencyError: FHR-CFG-010 where weasyprint (or jinja2) is not installed.
    """
    return paper.pdf(html(view))


def _ruled(view: DayView, metres: float) -> str:
    return view.words.metres(metres) if metres < 1000 else f"{metres / 1000:g} {view.words('km')}"
