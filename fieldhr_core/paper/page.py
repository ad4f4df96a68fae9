"""A page that needs nothing: one style sheet inside, no script, no network, light, dark and print - and its PDF."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from html import escape
from importlib.resources import files

from fieldhr_core.errors import MissingDependencyError
from fieldhr_core.paper.colours import declared, literal
from fieldhr_core.paper.markup import Markup

__all__ = ["page", "pdf", "policy", "stylesheet"]


@functools.cache
def stylesheet(selector: str = ":root") -> str:
    """Return the style sheet of all pages and drawings; its colours are variables of *selector*."""
    return declared(selector) + _text("page.css") + _text("drawing.css")


def policy(css: str) -> str:
    """Return the content-security policy of a page whose only resource is this style sheet, known by its hash."""
    digest = base64.b64encode(hashlib.sha256(css.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def page(title: str, body: str, *, language: str = "en", css: str = "") -> str:
    """Return a whole page.

    Args:
        title: in the window's title, plain text.
        body: finished HTML; whatever comes from data is escaped already.
        language: BCP 47 tag of the page.
        css: more rules after those of :func:`stylesheet`.
    """
    style = stylesheet() + css
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy(style))}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def pdf(html: str) -> bytes:
    """Return *html*, a page of :func:`page`, as PDF.

    Raises:
        MissingDependencyError: FHR-CFG-010 where weasyprint (or a library that it needs) is not installed.
    """
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as cause:
        raise MissingDependencyError("weasyprint", "pdf") from cause
    written: bytes = HTML(string=_for_pdf(html), url_fetcher=_refused).write_pdf()
    return written


def _for_pdf(html: str) -> Markup:
    """Give every drawing rules of its own: the PDF writer knows no others there, no variables, and paints halos on top.

    Texts hold no ``<svg``: they are escaped.
    """
    css = re.sub(r"\.halo \{[^}]*\}", "", literal(_text("drawing.css")))
    return Markup(re.sub(r"<svg\b[^>]*>", lambda found: f"{found[0]}<style>{css}</style>", html))


@functools.cache
def _text(name: str) -> str:
    return files("fieldhr_core.paper").joinpath(name).read_text("utf-8")


def _refused(url: str) -> dict[str, object]:
    """Let the page load nothing."""
    raise ValueError(url)
