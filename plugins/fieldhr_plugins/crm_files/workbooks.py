"""XLSX, with the door closed to what a workbook can hide: bombs, entities, too many parts."""

from __future__ import annotations

import contextlib
import importlib.util
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from fieldhr_core.errors import MissingDependencyError
from fieldhr_core.model import Problem
from fieldhr_plugins.crm_files import FileSettings
from fieldhr_plugins.crm_files.sheets import Row, Sheet, unreadable

__all__ = ["open_workbook"]

_MOST_PARTS: Final = 2_000
#: Sheets of text shrink 5 to 20 times; what shrinks this much holds nothing but repetition.
_MOST_RATIO: Final = 200
_RATIO_FROM_BYTES: Final = 16 << 20
#: Shared strings are held in memory by the reader.
_MOST_STRINGS_MB: Final = 128
_ERRORS: Final = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"})


def open_workbook(path: Path, settings: FileSettings) -> Sheet:
    """Open one sheet of an XLSX file for reading row by row.

    Raises:
        RecordError: FHR-REC-006 where it is no workbook, not safe to unpack, or has no such sheet.
        MissingDependencyError: without the extra ``files``.
    """
    for package in ("openpyxl", "defusedxml"):
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError(package, "files")
    import openpyxl

    _require_harmless(path, settings)
    file = path.open("rb")
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception as cause:
        file.close()
        raise unreadable(path, f"it is no workbook ({type(cause).__name__})") from cause
    names = tuple(book.sheetnames)
    if settings.sheet and settings.sheet not in names:
        book.close()
        file.close()
        raise unreadable(path, f"it has no sheet {settings.sheet!r}; there are {', '.join(map(repr, names))}")
    sheet = settings.sheet or names[0]
    return Sheet(kind="xlsx", sheet=sheet, sheets=names, rows=_rows(path, book, file, sheet))


def _require_harmless(path: Path, settings: FileSettings) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > _MOST_PARTS:
                raise unreadable(path, f"it has {len(parts)} parts")
            unpacked = sum(part.file_size for part in parts)
            if unpacked > settings.max_unpacked_mb << 20:
                raise unreadable(
                    path,
                    f"it unpacks to {unpacked >> 20} MB; the setting max_unpacked_mb allows {settings.max_unpacked_mb}",
                )
            for part in parts:
                if part.file_size > _RATIO_FROM_BYTES and part.file_size > _MOST_RATIO * max(part.compress_size, 1):
                    raise unreadable(path, f"its part {part.filename!r} is packed more than {_MOST_RATIO} times")
                if part.filename.endswith("sharedStrings.xml") and part.file_size > _MOST_STRINGS_MB << 20:
                    raise unreadable(path, f"its texts unpack to more than {_MOST_STRINGS_MB} MB")
                if part.flag_bits & 1:
                    raise unreadable(path, "it is protected by a password")
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as content:
                        _require_no_doctype(path, content.read(4096))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as cause:
        if type(cause).__module__.startswith("fieldhr"):
            raise
        raise unreadable(path, "it is a damaged archive") from cause


def _require_no_doctype(path: Path, start: bytes) -> None:
    if b"<!DOCTYPE" in start.replace(b"\0", b"").upper():
        raise unreadable(path, "it declares a document type, which no workbook does")


def _rows(path: Path, book: Any, file: BinaryIO, sheet: str) -> Iterator[Row]:
    with file, contextlib.closing(book):
        rows = enumerate(book[sheet].iter_rows(values_only=True), start=1)
        while True:
            try:
                found = next(rows, None)
            except Exception as cause:
                raise unreadable(path, f"the sheet {sheet!r} is damaged ({type(cause).__name__})") from cause
            if found is None:
                return
            number, cells = found
            if all(cell is None for cell in cells):
                continue
            error = next((cell for cell in cells if isinstance(cell, str) and cell in _ERRORS), None)
            if error is not None:
                yield number, Problem(code="cell.error", message=f"A cell holds {error}.", at=f"row {number}")
            else:
                yield number, [_text_of(cell) for cell in cells]


def _text_of(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        # Excel keeps numbers as floats: an id 1001 must not become "1001.0". repr is exact and shortest.
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, (datetime, date)):
        return cell.isoformat()
    return str(cell)
