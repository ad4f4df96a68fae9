"""Sheets for spreadsheets: CSV and XLSX whose texts can never run as formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any, Final

import attrs

from fieldhr_core.errors import MissingDependencyError

__all__ = ["Sheet", "as_csv", "as_xlsx", "harmless"]

#: A cell that begins like this runs as a formula in a spreadsheet.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LONGEST_NAME: Final = 31
_WIDEST: Final = 40


@attrs.frozen(kw_only=True)
class Sheet:
    """A sheet: its name, a line above it, headings and rows of texts, numbers or ``None``."""

    name: str
    title: str
    heading: Sequence[str]
    rows: Sequence[Sequence[Any]]


def harmless(text: str) -> str:
    """Return *text* so that no spreadsheet takes it for a formula, without characters a cell cannot hold."""
    clean = _CONTROL.sub("", text)
    return f"'{clean}" if clean.startswith(_FORMULA) else clean


def as_csv(heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Return UTF-8 CSV with a heading and a byte order mark, so that spreadsheets read it; texts cannot run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(heading)
    for row in rows:
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def as_xlsx(sheets: Sequence[Sheet]) -> bytes:
    """Return a workbook: a title, a heading that stays in view, then rows; texts are stored as texts.

    Raises:
        MissingDependencyError: FHR-CFG-010 where openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
    except ImportError as cause:
        raise MissingDependencyError("openpyxl", "report") from cause
    book = Workbook()
    book.remove(book.active)
    for sheet in sheets:
        _write(book, sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write(book: Any, page: Sheet) -> None:
    from openpyxl.styles import Font

    sheet = book.create_sheet(page.name[:_LONGEST_NAME])
    for place, row in enumerate([[page.title], page.heading, *page.rows], start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(row=place, column=column)
            if isinstance(value, str):
                # Stored as text, whatever it begins with; nothing is put in front that a reader would see.
                cell.value = _CONTROL.sub("", value)
                cell.data_type = "s"
            else:
                cell.value = value
            if place <= 2:
                cell.font = Font(bold=True)
    sheet.freeze_panes = "A3"
    for column, text in enumerate(page.heading, start=1):
        letters = [len(text), *(len(str(row[column - 1])) for row in page.rows)]
        sheet.column_dimensions[sheet.cell(row=2, column=column).column_letter].width = min(_WIDEST, max(letters) + 3)
