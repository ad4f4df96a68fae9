"""Holidays and make-up working days of a country, from the libraries that keep them, and until when they are official.

China's State Council announces each year's days off, and the Saturdays that are worked for them, the autumn before:
``chinesecalendar`` holds what was announced. Other countries come from ``holidays``; what that library only estimates
(days that follow the sight of the moon) is not official yet.
"""

from __future__ import annotations

import importlib
from datetime import date, timedelta
from typing import Any, Final

from fieldhr_core.errors import ConfigError, MissingDependencyError
from fieldhr_core.model import Calendar

__all__ = ["calendar_of"]

#: What the library ``holidays`` writes behind a day that it computed and nobody announced.
_ESTIMATED: Final = "estimated"
_MAKE_UP: Final = "make-up working day"


def calendar_of(country: str, first: date, last: date, *, subdivision: str | None = None) -> Calendar:
    """Return the days from *first* to *last* that differ from the week, for ``hr.tenants.create(calendar=...)``.

    Args:
        country: ISO 3166-1 alpha-2 code.
        first, last: the span, both days included.
        subdivision: province, state or canton, as ``holidays`` names it; China's holidays are the same everywhere.

    Raises:
        MissingDependencyError: FHR-CFG-010 where the library is not installed.
        ConfigError: FHR-CFG-001 where there is no such country or span.
    """
    if last < first:
        raise ConfigError("A calendar ends before it begins.", code="FHR-CFG-001", hint="Give the earlier date first.")
    if country.upper() == "CN":
        return _of_china(first, last)
    return _of_elsewhere(country.upper(), first, last, subdivision)


def _of_china(first: date, last: date) -> Calendar:
    known = _library("chinese_calendar.constants", "chinesecalendar")
    return Calendar(
        holidays={day: str(name) for day, name in sorted(known.holidays.items()) if first <= day <= last},
        workdays={day: str(name) for day, name in sorted(known.workdays.items()) if first <= day <= last},
        official_until=min(last, date(max(known.holidays).year, 12, 31)),
    )


def _of_elsewhere(country: str, first: date, last: date, subdivision: str | None) -> Calendar:
    library = _library("holidays", "holidays")
    try:
        found: Any = library.country_holidays(
            country, subdiv=subdivision, years=range(first.year, last.year + 1), language="en_US"
        )
    except NotImplementedError as cause:
        raise ConfigError(
            f"There is no calendar of {country!r}" + (f", {subdivision!r}." if subdivision else "."),
            code="FHR-CFG-001",
            hint="Give a country as in ISO 3166 and a part of it as the package holidays names it.",
        ) from cause
    days = {day: name for day, name in sorted(found.items()) if first <= day <= last}
    guessed = min((day for day, name in days.items() if _ESTIMATED in name), default=None)
    until = date(min(last.year, getattr(found, "end_year", last.year)), 12, 31)
    return Calendar(
        holidays=days,
        workdays={day: _MAKE_UP for day in sorted(found.weekend_workdays) if first <= day <= last},
        official_until=min(last, until if guessed is None else guessed - timedelta(days=1)),
    )


def _library(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as cause:
        raise MissingDependencyError(package, "calendars") from cause
