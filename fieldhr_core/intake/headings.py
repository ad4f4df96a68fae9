"""What a column is, by its heading in English or Chinese."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from fieldhr_core.errors import ConfigError

__all__ = ["guess", "header_row", "headings", "mapped"]

#: Title lines and notes above the header: so many rows are looked at.
_HEADER_WITHIN: Final = 10

_NOISE: Final = re.compile(r"[(\[【].*?[)\]】]|[\W_]+")


@cache
def headings(kind: str) -> Mapping[str, Sequence[str]]:
    """Return field -> headings that mean it, for ``customer`` or ``deal`` files; folded, most usual first."""
    source = files("fieldhr_core.intake").joinpath("headings.json")
    found: Mapping[str, Sequence[str]] = json.loads(source.read_text(encoding="utf-8"))[kind]
    return MappingProxyType(found)


def guess(columns: Sequence[str], fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return column -> field for the headings that are recognised; of two columns for one field the first."""
    known = {heading: field for field, headings in fields.items() for heading in headings}
    found: dict[str, str] = {}
    for column in columns:
        field = known.get(_folded(column))
        if field is not None and field not in found.values() and column not in found:
            found[column] = field
    return found


def mapped(
    columns: Sequence[str], fields: Mapping[str, Sequence[str]], given: Mapping[str, str], *, path: str = "mapping"
) -> dict[str, int]:
    """Return field -> index of its column: what was given first, then what is recognised.

    Raises:
        ConfigError: FHR-CFG-001 where *given* names a column or field that does not exist, or one field twice.
    """
    problems = [f"{path}: there is no column {name!r}" for name in given if name not in columns]
    problems += [
        f"{path}.{name}: there is no field {field!r}" for name, field in given.items() if field not in ("", *fields)
    ]
    wanted = [field for field in given.values() if field]
    problems += [
        f"{path}: two columns are the field {field!r}" for field in sorted({f for f in wanted if wanted.count(f) > 1})
    ]
    if problems:
        raise ConfigError(
            f"{'; '.join(problems)}.",
            code="FHR-CFG-001",
            hint=f"Fields are: {', '.join(fields)}. Columns: {_listed(columns)}.",
        )
    result = {field: columns.index(name) for name, field in given.items() if field}
    free = [name for name in columns if name not in given]
    for name, field in guess(free, fields).items():
        result.setdefault(field, columns.index(name))
    return result


def header_row(rows: Sequence[Sequence[str]], fields: Mapping[str, Sequence[str]], given: Mapping[str, str]) -> int:
    """Return the index of the row that holds the headings: the one of the first rows that has most known ones."""
    best, most = 0, 0
    for index, row in enumerate(rows[:_HEADER_WITHIN]):
        known = len(guess(row, fields)) + sum(cell in given for cell in row)
        if known > most:
            best, most = index, known
    return best


def _folded(heading: str) -> str:
    return _NOISE.sub("", unicodedata.normalize("NFKC", heading).casefold())


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(repr(column) for column in columns[:30])
