"""The daily trajectory report in its formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fieldhr_core.flow.reports import DayReport

__all__ = ["FORMATS", "rendered"]

#: Formats of :func:`rendered`.
FORMATS = ("json", "html", "csv", "xlsx", "pdf")


def rendered(report: DayReport, form: str, language: str = "en") -> bytes:
    """Return the report as a file.

    Args:
        report: the day, as ``desk.reports.day(...)`` returns it.
        form: ``json``, ``html``, ``csv``, ``xlsx`` or ``pdf``.
        language: ``en`` or ``zh-Hans``; others fall back to English.

    Returns:
        the file's bytes; text is UTF-8 (CSV with a byte order mark, so that spreadsheets read it).

    Raises:
        MissingDependencyError: FHR-CFG-010 where the format needs a package that is not installed.
        KeyError: for another format.
    """
    from fieldhr_plugins.places.report.dayview import DayView

    view = DayView.of(report, language)
    if form == "html":
        from fieldhr_plugins.places.report.page import html

        return html(view).encode("utf-8")
    if form == "pdf":
        from fieldhr_plugins.places.report.page import pdf

        return pdf(view)
    from fieldhr_plugins.places.report import sheets

    return {"json": sheets.as_json, "csv": sheets.as_csv, "xlsx": sheets.as_xlsx}[form](view)
