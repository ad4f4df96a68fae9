"""Local evenings: which days are looked at in a row, and when a day's judgement could be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from fieldhr_core.hooks import Tables
from fieldhr_core.model import DUTY_DAYS

__all__ = ["EVENING", "evening", "full_days", "is_unseen", "local_date"]

#: Local time of the daily judgement.
EVENING: Final = "23:00"
#: A tenant's records begin later than the first days that are looked at; only then is their first day known.
_EDGE_DAYS: Final = 7


def evening(tables: Tables, day: str) -> datetime:
    """Return the instant of a local date's judgement, but never later than the present one."""
    at = datetime.combine(date.fromisoformat(day), time.fromisoformat(EVENING), tables.as_of.tzinfo)
    return min(at, tables.as_of)


def local_date(tables: Tables, ms: int) -> str:
    """Return the ISO date of UTC milliseconds in the tenant's zone."""
    return datetime.fromtimestamp(ms / 1000, tables.as_of.tzinfo).date().isoformat()


def full_days(tables: Tables) -> dict[str, list[Mapping[str, Any]]]:
    """Return each rep's expected days without any absence, ascending: rows of ``DUTY_DAYS``."""
    days = tables[DUTY_DAYS]
    full = days.take(days["expected"] & (days["absence"].codes < 0)).sort("rep", "date")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in full.rows():
        found.setdefault(row["rep"], []).append(row)
    return found


def is_unseen(tables: Tables, begins: str, dates: Sequence[str]) -> bool:
    """Return whether what begins on a date may have begun before the tables do, so that its name is not known.

    Args:
        dates: the dates on which anything is known of the rep.
    """
    edge = tables.period.first.toordinal() + _EDGE_DAYS
    is_cut = min(map(date.fromisoformat, dates)).toordinal() < edge
    return is_cut and date.fromisoformat(begins).toordinal() < edge
