"""Paths into JSON: ``address.city``, ``phones[0].number``, ``street + city``; and values as cells of text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from fieldhr_core.errors import ConfigError

__all__ = ["Path", "cell_of", "filled"]

_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_WHOLE: Final = re.compile(r"\{(\w+)\}")


class Path:
    """A path, read once and looked up in many records.

    Raises:
        ConfigError: FHR-CFG-001 for a path that is none.
    """

    def __init__(self, text: str) -> None:
        self._parts = [_steps(part.strip()) for part in text.split(" + ")] if text.strip() else []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def value(self, record: Any) -> Any:
        """Return what stands there, ``None`` where nothing does; the whole record for the empty path."""
        if not self._parts:
            return record
        return _at(record, self._parts[0])

    def cell(self, record: Any) -> str:
        """Return what stands there as text; several paths joined by commas."""
        return ", ".join(text for part in self._parts if (text := cell_of(_at(record, part))))


def cell_of(value: Any) -> str:
    """Return a JSON value as the text a file would hold.

    ``false`` where a text belongs is how some systems say nothing; a pair of id and name stands for its id.
    """
    if value is None or value is False:
        return ""
    if value is True:
        return "true"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and isinstance(value[0], int) and isinstance(value[1], str):
            return str(value[0])
        return "; ".join(text for inner in value if (text := cell_of(inner)))
    if isinstance(value, Mapping):
        return next((cell_of(value[name]) for name in ("id", "name") if name in value), "")
    return " ".join(str(value).split())


def filled(given: Any, places: Mapping[str, Any]) -> Any:
    """Return settings with ``{names}`` filled in; a text that is nothing but a name becomes the value itself."""
    if isinstance(given, Mapping):
        return {name: filled(inner, places) for name, inner in given.items()}
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [filled(inner, places) for inner in given]
    if not isinstance(given, str):
        return given
    whole = _WHOLE.fullmatch(given)
    if whole is not None and whole[1] in places:
        return places[whole[1]]
    return _WHOLE.sub(lambda name: str(places.get(name[1], name[0])), given)


def _steps(text: str) -> list[str | int]:
    steps: list[str | int] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None:
            raise ConfigError(
                f"{text!r} is no path into a record.", code="FHR-CFG-001", hint="Write address.city or phones[0]."
            )
        steps.append(found[1] if found[1] is not None else int(found[2]))
        place = found.end()
    return steps


def _at(record: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(step, int):
            record = record[step] if isinstance(record, list) and step < len(record) else None
        else:
            record = record.get(step) if isinstance(record, Mapping) else None
        if record is None:
            return None
    return Decimal(str(record)) if isinstance(record, float) and not record.is_integer() else record
