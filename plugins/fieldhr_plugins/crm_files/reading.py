"""One file as a stream of records and problems, with what was understood about it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import attrs

from fieldhr_core.intake.cells import BadCellError
from fieldhr_core.intake.headings import header_row, headings, mapped
from fieldhr_core.intake.records import MESSAGES as RECORD_MESSAGES
from fieldhr_core.intake.records import CustomerRows, DealRows, RowReader
from fieldhr_core.model import Customer, Deal, Problem
from fieldhr_plugins.crm_files import FileSettings
from fieldhr_plugins.crm_files.sheets import Row, Sheet, open_sheet, unreadable

__all__ = ["MESSAGES", "Opened", "open_customers", "open_deals"]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

#: Dotted code -> what it means and what to do; shown by previews and kept in problems.
MESSAGES: Final[Mapping[str, str]] = {
    **RECORD_MESSAGES,
    "cell.error": "A cell holds an error of the spreadsheet.",
    "csv.bad_bytes": "The line is not in the file's encoding.",
    "csv.line_too_long": "The line is no row of a table.",
    "csv.mixed_encodings": "The line is UTF-8 among lines of GB18030; export all of it in one encoding.",
    "csv.nul": "The line holds a zero byte.",
    "csv.unterminated_quote": "A quote is never closed, or something stands behind a closing one.",
    "row.extra_cells": "The row has more cells than the header has columns.",
}


@attrs.frozen(eq=False, kw_only=True)
class Opened(Generic[R]):
    """An opened file.

    Attributes:
        sheet: how it is read.
        header_row: number of the row with the headings.
        columns: the headings.
        fields: field -> index of its column.
        reader: makes records of rows.
        rows: the rows below the header; can be iterated once.
    """

    path: Path
    sheet: Sheet
    header_row: int
    columns: tuple[str, ...]
    fields: Mapping[str, int]
    reader: RowReader[R]
    rows: Iterator[Row]

    def record(self, number: int, row: Sequence[str] | Problem) -> R | Problem:
        """Return the record of a row, or its problem with the row's place."""
        if isinstance(row, Problem):
            return attrs.evolve(row, at=self.place(number))
        if len(row) > len(self.columns) and any(cell.strip() for cell in row[len(self.columns) :]):
            return self.problem("row.extra_cells", number)
        try:
            return self.reader.read(row)
        except BadCellError as bad:
            return self.problem(bad.code, number)

    def problem(self, code: str, number: int) -> Problem:
        """Return a problem of a row."""
        return Problem(code=code, message=MESSAGES[code], at=self.place(number))

    def place(self, number: int) -> str:
        """Return where a row stands."""
        return f"{self.path.name}: {'line' if self.sheet.kind == 'csv' else 'row'} {number}"


def open_customers(path: Path, settings: FileSettings) -> Opened[Customer]:
    """Open a customer file.

    Raises:
        RecordError: FHR-REC-006 where it cannot be read or has no header.
        ConfigError: FHR-CFG-001 where the mapping does not fit.
    """
    return _open(path, settings, headings("customer"), settings.mapping, CustomerRows, "mapping")


def open_deals(path: Path, settings: FileSettings) -> Opened[Deal]:
    """Open a deal file; raises as :func:`open_customers`."""
    return _open(path, settings, headings("deal"), settings.deals_mapping, DealRows, "deals_mapping")


class _MakesReader(Protocol[R_co]):
    def __call__(self, columns: Mapping[str, int], settings: FileSettings) -> RowReader[R_co]: ...


def _open(
    path: Path,
    settings: FileSettings,
    fields: Mapping[str, Sequence[str]],
    mapping: Mapping[str, str],
    reader: _MakesReader[R],
    setting: str,
) -> Opened[R]:
    sheet = open_sheet(path, settings)
    head = list(itertools.islice(sheet.rows, 10))
    readable = [(index, row) for index, (_, row) in enumerate(head) if not isinstance(row, Problem)]
    if not readable:
        raise unreadable(path, "it has no row that can be read")
    first = readable[header_row([row for _, row in readable], fields, mapping)]
    columns = tuple(cell.strip().lstrip("\ufeff") for cell in first[1])
    found = mapped(columns, fields, mapping, path=setting)
    return Opened(
        path=path,
        sheet=sheet,
        header_row=head[first[0]][0],
        columns=columns,
        fields=found,
        reader=reader(found, settings),
        rows=itertools.chain(head[first[0] + 1 :], sheet.rows),
    )
