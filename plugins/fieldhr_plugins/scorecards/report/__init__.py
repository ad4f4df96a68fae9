"""Appraisal reports of a rep, team, branch or the whole house, in their formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.model import Period
    from fieldhr_plugins.scorecards.report.appraisal import Appraisal

__all__ = ["FORMATS", "appraisal", "rendered"]

#: Formats of :func:`rendered`.
FORMATS: Final = ("json", "html", "csv", "xlsx", "pdf")


def appraisal(desk: Desk, period: Period, subject: str = "") -> Appraisal:
    """Return what there is to say of a rep (their id), a team (``team:ID``), a branch (``branch:ID``) or everybody.

    Raises:
        AccessError: FHR-ACC-001 where there is no such subject that the desk's principal may see.
    """
    from fieldhr_plugins.scorecards.report.appraisal import Appraisal

    return Appraisal.of(desk, period, subject)


def rendered(report: Appraisal, form: str, language: str = "en") -> bytes:
    """Return the report as a file.

    Args:
        report: from :func:`appraisal`.
        form: one of :data:`FORMATS`.
        language: ``en`` or ``zh-Hans``; others fall back to English.

    Raises:
        MissingDependencyError: FHR-CFG-010 where the format needs a package that is not installed.
        KeyError: for another format.
    """
    if form in ("html", "pdf"):
        from fieldhr_core import paper
        from fieldhr_plugins.scorecards.report.page import html

        page = html(report, language)
        return page.encode("utf-8") if form == "html" else paper.pdf(page)
    from fieldhr_plugins.scorecards.report import sheets

    return {"json": sheets.as_json, "csv": sheets.as_csv, "xlsx": sheets.as_xlsx}[form](report, language)
