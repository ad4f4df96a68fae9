"""The trial report as pages: no scripts, no network, light, dark and print; in two languages, and as PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["PAGES", "write_pages", "write_pdf"]

#: Language -> file beside ``report.json``.
PAGES: Final = {"en": "report.html", "zh-Hans": "report.zh-Hans.html"}
_OTHER: Final = {"en": ("zh-Hans", "本页中文版"), "zh-Hans": ("en", "This page in English")}


def write_pages(out: Path) -> list[Path]:
    """Write the report in each language beside the ``report.json`` in *out* and return the paths, English first.

    Raises:
        SandboxError: FHR-SBX-002 where *out* holds no trial.
        MissingDependencyError: FHR-CFG-010 where jinja2 is not installed.
    """
    from fieldhr_core.paper import Markup

    paths = []
    for language, name in PAGES.items():
        other, label = _OTHER[language]
        link = Markup(f'<a href="{PAGES[other]}" hreflang="{other}" lang="{other}">{label}</a>')
        path = out / name
        path.write_text(_rendered(out, language, link), encoding="utf-8")
        paths.append(path)
    return paths


def write_pdf(out: Path) -> list[Path]:
    """Write the report as PDF in each language and return the paths.

    Raises:
        SandboxError: FHR-SBX-002 where *out* holds no trial.
        MissingDependencyError: FHR-CFG-010 where jinja2 or weasyprint is not installed.
    """
    from fieldhr_core import paper

    paths = []
    for language, name in PAGES.items():
        path = (out / name).with_suffix(".pdf")
        path.write_bytes(paper.pdf(_rendered(out, language)))
        paths.append(path)
    return paths


def _rendered(out: Path, language: str, other: str = "") -> str:
    from fieldhr_core.errors import MissingDependencyError
    from fieldhr_sandbox.page import render
    from fieldhr_sandbox.trial import read_report

    document = read_report(out)
    try:
        return render(document, language, other=other)
    except ModuleNotFoundError as missing:
        if missing.name != "jinja2":
            raise
        raise MissingDependencyError("jinja2", "trial") from missing
