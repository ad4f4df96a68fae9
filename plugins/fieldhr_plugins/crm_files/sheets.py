"""Rows out of CSV and XLSX files, one at a time, whatever state the file is in.

A row that cannot be read comes back as a :class:`~fieldhr_core.model.Problem` in its place; the rows around it are not
lost. A file that cannot be read at all raises FHR-REC-006.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Problem
from fieldhr_plugins.crm_files import FileSettings

__all__ = ["Row", "Sheet", "file_digest", "open_sheet", "unreadable"]

#: Cells of one row, or why it could not be read; always with its number in the file, 1 the first.
Row = tuple[int, Sequence[str] | Problem]

_CHUNK: Final = 1 << 20
#: No address or note is longer; a line that is, is no line of a table.
_LONGEST_LINE: Final = 1 << 20
#: A quoted cell may hold line breaks, but a quote still open after so many lines was never closed.
_MOST_LINES_A_ROW: Final = 40
_DELIMITERS: Final = ",;\t|"
#: Where the signs of East Asia begin, and how many of them in a line are no accident.
_IDEOGRAPHS, _TELLING = 0x2E80, 2
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@attrs.frozen(eq=False, kw_only=True)
class Sheet:
    """An opened table of a file.

    Attributes:
        kind: ``csv`` or ``xlsx``.
        encoding, delimiter: of CSV; empty for XLSX.
        sheet, sheets: name of the sheet read and of all there are; empty for CSV.
        rows: every row in order, blank ones left out; can be iterated once.
    """

    kind: str
    rows: Iterator[Row]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()


def open_sheet(path: Path, settings: FileSettings) -> Sheet:
    """Open a file by what it contains, not by its name.

    Raises:
        RecordError: FHR-REC-006 where it is missing, empty, in no known encoding, or no safe XLSX.
        MissingDependencyError: for XLSX without the extra ``files``.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as cause:
        raise unreadable(path, cause.strerror or str(cause)) from cause
    if not start:
        raise unreadable(path, "it is empty")
    if start[:4] == b"PK\x03\x04":
        from fieldhr_plugins.crm_files.workbooks import open_workbook

        return open_workbook(path, settings)
    if start == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise unreadable(
            path, "it is an old Excel file (.xls) or a protected workbook; save it as .xlsx without a password"
        )
    encoding, is_clean = _encoding_of(path, settings.encoding)
    delimiter = settings.delimiter or _delimiter_of(path, encoding)
    return Sheet(
        kind="csv",
        encoding=encoding.removesuffix("-sig"),
        delimiter=delimiter,
        rows=_csv_rows(path, encoding, delimiter, is_clean),
    )


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Raises:
        RecordError: FHR-REC-006 where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as cause:
        raise unreadable(path, cause.strerror or str(cause)) from cause


def unreadable(path: Path, why: str) -> RecordError:
    """Return the error for a file that cannot be read."""
    return RecordError(f"The file {path.name!r} cannot be read: {why}.", code="FHR-REC-006", file=path.name)


def _encoding_of(path: Path, wanted: str) -> tuple[str, bool]:
    """Return the codec to read with, and whether every byte of the file is valid in it."""
    with path.open("rb") as file:
        start = file.read(4096)
    if wanted != "auto":
        try:
            codecs.lookup(wanted)
        except LookupError:
            raise unreadable(path, f"there is no encoding {wanted!r}") from None
        # A mark at the beginning is no part of the first heading, whatever the setting says.
        name = "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else wanted
        return name, _decodes(path, name)
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name, _decodes(path, name)
    for name, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[0::2])):
        # Half of ASCII text in UTF-16 is zero bytes, always on the same side.
        if len(zeros) > 8 and zeros.count(0) > len(zeros) * 0.3 and start.count(0) < zeros.count(0) * 1.2:
            return name, _decodes(path, name)
    for name in ("utf-8", "gb18030"):
        if _decodes(path, name):
            return name, True
    raise unreadable(path, "it is neither UTF-8 nor UTF-16 nor GB18030; name its encoding")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            for chunk in iter(partial(file.read, _CHUNK), b""):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _delimiter_of(path: Path, encoding: str) -> str:
    with _text(path, encoding) as file:
        lines = [line for line in itertools.islice(iter(partial(file.readline, _LONGEST_LINE), ""), 10) if line.strip()]
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].rstrip("\r\n")) == 5:
        return lines[0][4]
    bare = [_outside_quotes(line) for line in lines]

    def standing(mark: str) -> tuple[int, int]:
        # A delimiter stands in every row; the same mark inside a name stands in a few, however often it does there.
        counts = [line.count(mark) for line in bare]
        return sum(count > 0 for count in counts), max(counts, default=0)

    return max(_DELIMITERS, key=standing)


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _text(path: Path, encoding: str) -> IO[str]:
    return path.open(encoding=encoding, errors="replace", newline="")


def _csv_rows(path: Path, encoding: str, delimiter: str, is_clean: bool) -> Iterator[Row]:
    with _text(path, encoding) as file:
        lines = _Lines(file)
        width = 0
        for number, line in lines:
            problem = _problem_of_line(line, number, is_clean) or _other_encoding(line, number, encoding)
            if problem is not None:
                yield number, problem
            elif '"' not in line:
                if not line or line.isspace() or (number == 1 and line.lower().startswith("sep=") and len(line) == 5):
                    continue
                cells = line.split(delimiter)
                width = len(cells)
                yield number, cells
            else:
                yield number, _quoted_row(line, number, lines, delimiter, width)


def _problem_of_line(line: str, number: int, is_clean: bool) -> Problem | None:
    if "\0" in line:
        return Problem(code="csv.nul", message="The line holds a zero byte.", at=f"line {number}")
    if not is_clean and "\ufffd" in line:
        return Problem(code="csv.bad_bytes", message="The line is not in the file's encoding.", at=f"line {number}")
    if len(line) >= _LONGEST_LINE:
        return Problem(code="csv.line_too_long", message="The line is no row of a table.", at=f"line {number}")
    return None


def _other_encoding(line: str, number: int, encoding: str) -> Problem | None:
    """Return the problem of a line of UTF-8 in a file of GB18030, which can be read as that, and means nothing."""
    if encoding != "gb18030" or line.isascii():
        return None
    try:
        meant = line.encode("gb18030").decode()
    except UnicodeError:
        return None
    if sum(ord(sign) >= _IDEOGRAPHS for sign in meant) < _TELLING:
        return None
    return Problem(code="csv.mixed_encodings", message="The line is UTF-8 among lines of GB18030.", at=f"line {number}")


def _quoted_row(line: str, number: int, lines: _Lines, delimiter: str, width: int) -> Sequence[str] | Problem:
    """Read a row with quotes. If one was never closed, only this line is lost, not the rows it would have swallowed.

    A row over several lines must be as wide as the rows of one line before it (*width*; 0: there was none): two rows
    with one stray quote each look like one row otherwise.
    """
    taken: list[tuple[int, str]] = []

    def pieces() -> Iterator[str]:
        yield line + "\n"
        for following in itertools.islice(lines, _MOST_LINES_A_ROW - 1):
            taken.append(following)
            yield following[1] + "\n"

    try:
        row = next(csv.reader(pieces(), delimiter=delimiter, strict=True))
        if any("\0" in cell for cell in row):
            return Problem(code="csv.nul", message="The row holds a zero byte.", at=f"line {number}")
        if not taken or not width or len(row) == width:
            return row
        message = "A quote that is closed lines later would make a row of another width."
    except (csv.Error, StopIteration):
        message = "A quote is never closed, or something stands behind a closing one."
    lines.put_back(taken)
    return Problem(code="csv.unterminated_quote", message=message, at=f"line {number}")


class _Lines:
    """Numbered lines without their ends, of which some can be put back."""

    def __init__(self, file: IO[str]) -> None:
        self._read = partial(file.readline, _LONGEST_LINE)
        self._back: list[tuple[int, str]] = []
        self._number = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        if self._back:
            return self._back.pop()
        line = self._read()
        if not line:
            raise StopIteration
        self._number += 1
        if len(line) >= _LONGEST_LINE:
            while not line.endswith("\n"):
                rest = self._read()
                if not rest:
                    break
                line = line[: _LONGEST_LINE - 1] + rest[-1]
            return self._number, line[:_LONGEST_LINE].ljust(_LONGEST_LINE)
        return self._number, line.rstrip("\r\n")

    def put_back(self, lines: list[tuple[int, str]]) -> None:
        self._back.extend(reversed(lines))
