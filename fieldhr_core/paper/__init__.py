"""Paper: what every report and page is drawn with, whatever it is about.

Drawings are SVG as text, pages are HTML as text, sheets are CSV and XLSX as bytes.
Nothing here knows a feature, reads a store or speaks a language: words, numbers and dates come in as texts.
Colours are variables of the page; :func:`fieldhr_core.paper.page.pdf` writes them out, because PDF writers know none.
"""

from __future__ import annotations

from fieldhr_core.paper.drawing import mark, sign
from fieldhr_core.paper.figure import Cell, Figure, table
from fieldhr_core.paper.markup import Markup, escaped
from fieldhr_core.paper.page import page, pdf, policy, stylesheet

__all__ = [
    "Cell",
    "Figure",
    "Markup",
    "escaped",
    "mark",
    "page",
    "pdf",
    "policy",
    "sign",
    "stylesheet",
    "table",
]
