"""What a date's stays, check-ins and records say, in columns of numbers that fit from one date to the next.

Names become numbers once, when a date is new; evening after evening the same weeks are then put together from arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Remembered, Tables, by_date
from fieldhr_core.model import CHECKINS, FOLLOW_UPS, STAYS, Coded, Table
from fieldhr_plugins.behaviour.days import Ints, Judged, written_ms

__all__ = ["Names", "Seen", "Traces"]

Mask = npt.NDArray[np.bool_]

_VISITS: Final = ("visit", "joint_visit")


class Names:
    """Numbers for texts: the same text has the same number for as long as this lives."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._codes)

    def of(self, texts: Iterable[str | None]) -> Ints:
        """Return the number of each text; -1 of none."""
        codes = self._codes
        return np.asarray([-1 if text is None else codes.setdefault(text, len(codes)) for text in texts], dtype="i8")

    def coded(self, column: Coded) -> Ints:
        """Return the number of each row of a coded column."""
        found: Ints = np.append(self.of(column.values), -1)[column.codes]
        return found

    def places(self, places: Mapping[str, int]) -> Ints:
        """Return by number the place of each text; -1 where it has none, and at the end, for no text."""
        return np.asarray([places.get(text, -1) for text in self._codes] + [-1], dtype="i8")

    def among(self, texts: Iterable[str]) -> Mask:
        """Return by number whether each text is one of these; the last says no."""
        mask = np.zeros(len(self) + 1, dtype=bool)
        mask[[self._codes[text] for text in texts if text in self._codes]] = True
        return mask


@attrs.frozen(eq=False)
class Seen:
    """Columns of stays, check-ins and records of one date, or of several put below each other.

    ``rep`` and ``customer`` are numbers; in what :meth:`Traces.of` returns ``rep`` is the place of the rep in the
    judged days, -1 for whoever has none.
    """

    stays: Mapping[str, Any]
    checkins: Mapping[str, Any]
    records: Mapping[str, Any]


class Traces:
    """Remembers what it made of each date."""

    def __init__(self) -> None:
        self.customers = Names()
        self._reps = Names()
        self._by_date: Remembered[Seen] = Remembered(self._of_date)

    def of(self, tables: Tables, judged: Judged) -> Seen:
        """Return what is known over the period, in the order of the tables."""
        dated = [by_date(tables, schema) for schema in (STAYS, CHECKINS, FOLLOW_UPS)]
        parts = list(self._by_date.of(tables, *dated).values())
        place = self._reps.places(judged.code)
        kinds: Any = (
            [each.stays for each in parts],
            [each.checkins for each in parts],
            [each.records for each in parts],
        )
        return Seen(*(_joined(kind, place) for kind in kinds))

    def _of_date(self, _day: str, stays: Table | None, checkins: Table | None, records: Table | None) -> Seen:
        return Seen(
            {} if stays is None else self._stays(stays),
            {} if checkins is None else self._checkins(checkins),
            {} if records is None else self._records(records),
        )

    def _who(self, rows: Table) -> dict[str, Any]:
        return {
            "rep": self._reps.coded(rows["rep"]),
            "customer": self.customers.of(text or "" for text in rows["customer"].tolist()),
        }

    def _stays(self, stays: Table) -> dict[str, Any]:
        counted, kind = stays["counted_s"], stays["kind"]
        return {
            **self._who(stays),
            "start": stays["start_ms"],
            "end": stays["end_ms"],
            "certain_min": stays["certain_s"] / 60,
            "counted_min": np.where(np.isnan(counted), stays["certain_s"], counted) / 60,
            "is_at": stays["verdict"].where("at"),
            "is_away": stays["verdict"].where("away"),
            "with_customer": stays["verdict"].where("at") & kind.where("customer"),
            "elsewhere": stays["verdict"].where("away") & ~kind.where("office"),
        }

    def _checkins(self, checkins: Table) -> dict[str, Any]:
        return {
            **self._who(checkins),
            "at": checkins["time_ms"],
            "is_away": checkins["verdict"].where("away"),
        }

    def _records(self, records: Table) -> dict[str, Any]:
        is_visit = np.zeros(len(records), dtype=bool)
        for kind in _VISITS:
            is_visit |= records["kind"].where(kind)
        return {
            **self._who(records),
            "start": records["start_ms"],
            "end": records["end_ms"],
            "written": written_ms(records),
            "is_visit": is_visit,
        }


def _joined(parts: Sequence[Mapping[str, Any]], place: Ints) -> dict[str, Any]:
    parts = [part for part in parts if part]
    if not parts:
        return {}
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found["rep"] = place[found["rep"]]
    return found
