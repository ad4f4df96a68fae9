"""How a file would be read, before anything is stored: the guessed mapping, and every problem by name."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Final

import attrs

from fieldhr_core.model import Problem
from fieldhr_plugins.crm_files import FileSettings
from fieldhr_plugins.crm_files.reading import MESSAGES, open_customers

__all__ = ["Preview", "preview"]

_MOST_ROWS: Final = 100_000
_PLACES_SHOWN: Final = 5
_NEEDED: Final = ("id", "name")


@attrs.frozen(kw_only=True)
class Preview:
    """What would happen to a customer file. Holds no cell of it.

    Attributes:
        kind, encoding, delimiter, sheet, sheets, header_row: how it is read.
        columns: one mapping a column: ``column``, ``field`` (``None``: left out), ``filled`` (share of rows, 0-1).
        missing: fields that every customer needs and no column gives.
        rows: rows looked at below the header; ``is_complete``: whether those are all.
        readable: rows that would be stored.
        problems: one mapping a code: ``code``, ``count``, ``message``, ``at`` (the first places).
    """

    kind: str
    encoding: str
    delimiter: str
    sheet: str
    sheets: tuple[str, ...]
    header_row: int
    columns: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]
    rows: int
    is_complete: bool
    readable: int
    problems: tuple[dict[str, Any], ...]


def preview(path: str | Path, settings: FileSettings | None = None) -> Preview:
    """Read up to 100,000 rows of a customer file and say what was understood.

    Raises:
        RecordError: FHR-REC-006 where the file cannot be read.
        ConfigError: FHR-CFG-001 where the mapping does not fit.
    """
    opened = open_customers(Path(path), settings or FileSettings())
    filled = [0] * len(opened.columns)
    seen: set[str] = set()
    problems: dict[str, list[str]] = {}
    rows = readable = 0
    for number, row in itertools.islice(opened.rows, _MOST_ROWS):
        rows += 1
        if not isinstance(row, Problem):
            for index, cell in enumerate(row[: len(filled)]):
                filled[index] += bool(cell.strip())
        found = opened.record(number, row)
        if not isinstance(found, Problem) and found.id in seen:
            found = opened.problem("customer.duplicate_id", number)
        if isinstance(found, Problem):
            problems.setdefault(found.code, []).append(found.at)
        else:
            seen.add(found.id)
            readable += 1
    fields = {index: field for field, index in opened.fields.items()}
    return Preview(
        kind=opened.sheet.kind,
        encoding=opened.sheet.encoding,
        delimiter=opened.sheet.delimiter,
        sheet=opened.sheet.sheet,
        sheets=opened.sheet.sheets,
        header_row=opened.header_row,
        columns=tuple(
            {"column": column, "field": fields.get(index), "filled": round(filled[index] / rows, 3) if rows else 0.0}
            for index, column in enumerate(opened.columns)
        ),
        missing=tuple(field for field in _NEEDED if field not in opened.fields),
        rows=rows,
        is_complete=next(opened.rows, None) is None,
        readable=readable,
        problems=tuple(
            {"code": code, "count": len(places), "message": MESSAGES[code], "at": places[:_PLACES_SHOWN]}
            for code, places in sorted(problems.items())
        ),
    )
