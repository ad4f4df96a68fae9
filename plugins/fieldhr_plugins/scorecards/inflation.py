"""``score.gaming_suspected``: many more visits than before, all of them short, and nothing comes of them.

The score credits none of them, so inflating visits does not pay; this tells the manager that somebody may be trying.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final

import attrs
import numpy as np

from fieldhr_core.hooks import Remembered, Tables, by_date
from fieldhr_core.model import DEALS, FOLLOW_UPS, PRESENCE, Audience, Evidence, Finding, Severity, Table
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.ledger import Crew
from fieldhr_plugins.scorecards.stages import is_won

__all__ = ["CODE", "Inflation"]

CODE: Final = "score.gaming_suspected"
_VERSION: Final = "1"
_JUDGED_AT: Final = "23:00"
#: Days before the window that say what is usual for this rep; fewer say nothing.
_LEAST_BEFORE: Final = 8
_BEFORE: Final = 30
#: So many times the usual number of visits, and of the usual length at most so much, is inflation.
_MORE: Final = 1.6
_SHORTER: Final = 0.5
#: More than so much of them must be short and not meant to be.
_MOSTLY: Final = 0.5


@attrs.frozen(eq=False)
class _Day:
    """One active day of one rep: lengths of stays at customers, and ids; short: customers of the short stays."""

    date: str
    minutes: tuple[float, ...]
    short: tuple[str, ...]
    records: tuple[str, ...]

    @property
    def ordinal(self) -> int:
        """The date, as a proleptic ordinal."""
        return date.fromisoformat(self.date).toordinal()


class Inflation:
    """One spell of inflated days is one case; its instance is the first day on which it was seen."""

    codes: tuple[str, ...] = (CODE,)
    cadence = _JUDGED_AT
    days = 60

    def __init__(self, settings: ScorecardSettings) -> None:
        self._settings = settings
        self._by_date: Remembered[dict[str, _Day]] = Remembered(self._of_date)

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return every spell that shows in the tables."""
        busy = [(rep, days, lot) for rep, days in self._days(tables).items() if (lot := self._busy(days))]
        if not busy:
            return []
        crew = Crew.of(tables)
        meant, sold = self._meant(tables), self._sold(tables, crew)
        findings: list[Finding] = []
        for rep, days, lot in sorted(busy, key=lambda each: each[0]):
            if rep not in crew.code:
                continue
            seen = [n for n in lot if self._is_inflated(rep, days, n, sold.get(crew.code[rep], []), meant)]
            findings += [
                self._finding(tables, rep, days, first)
                for first in _spells(seen, self._settings.inflation_days)
                # Told when it is new: later its beginning would lie ever nearer to where the tables begin.
                if first >= len(days) - self._settings.inflation_days
            ]
        return findings

    def _busy(self, days: list[_Day]) -> list[int]:
        """Return the days by which many more visits were made than before."""
        width = self._settings.inflation_days
        total = np.concatenate([[0], np.cumsum([len(day.minutes) for day in days])])
        at = np.arange(width + _LEAST_BEFORE - 1, len(days))
        start = at + 1 - width
        now, before = total[at + 1] - total[start], total[start] - total[np.maximum(start - _BEFORE, 0)]
        mean = before / np.minimum(start, _BEFORE)
        busy: list[int] = at[(now >= 2 * width) & (before > 0) & (now / width >= _MORE * mean)].tolist()
        return busy

    def _is_inflated(
        self, rep: str, days: list[_Day], at: int, sold: list[int], meant: set[tuple[str, str, str]]
    ) -> bool:
        now, before = self._parts(days, at)
        lengths = [minute for d in now for minute in d.minutes]
        usual_length = float(np.median([minute for d in before for minute in d.minutes]))
        short = [minute for minute in lengths if minute < self._settings.effective_visit_min]
        on_purpose = sum((rep, d.date, customer) in meant for d in now for customer in d.short)
        mostly = len(short) - on_purpose > _MOSTLY * len(lengths)
        is_shorter = float(np.median(lengths)) <= _SHORTER * usual_length
        return mostly and is_shorter and not any(now[0].ordinal <= day <= now[-1].ordinal for day in sold)

    def _parts(self, days: list[_Day], at: int) -> tuple[list[_Day], list[_Day]]:
        start = at + 1 - self._settings.inflation_days
        return days[start : at + 1], days[max(start - _BEFORE, 0) : start]

    def _days(self, tables: Tables) -> dict[str, list[_Day]]:
        """Return the days of each rep on which they were seen at a customer, ascending."""
        found: dict[str, list[_Day]] = {}
        for of_date in self._by_date.of(tables, by_date(tables, PRESENCE)).values():
            for rep, day in of_date.items():
                found.setdefault(rep, []).append(day)
        return found

    def _of_date(self, day: str, presence: Table) -> dict[str, _Day]:
        stays = presence.take(presence["kind"].where("stay"))
        length = ((stays["end_ms"] - stays["start_ms"]) / 60_000).tolist()
        rows: dict[str, list[tuple[int, float, str, str]]] = {}
        for rep, customer, start, minutes, record in zip(
            *stays.lists("rep", "customer", "start_ms"), length, stays["record"].tolist(), strict=True
        ):
            rows.setdefault(rep, []).append((start, minutes, customer, record))
        found = {}
        for rep, visits in rows.items():
            visits.sort()
            found[rep] = _Day(
                day,
                tuple(round(minutes, 1) for _, minutes, _, _ in visits),
                tuple(customer for _, minutes, customer, _ in visits if minutes < self._settings.effective_visit_min),
                tuple(dict.fromkeys(record for *_, record in visits)),
            )
        return found

    def _meant(self, tables: Tables) -> set[tuple[str, str, str]]:
        """Return by (rep, local date, customer) which visits were said to be short on purpose."""
        notes, zone = tables[FOLLOW_UPS], tables.as_of.tzinfo
        short = np.zeros(len(notes), dtype=bool)
        for kind in self._settings.short_kinds:
            short |= notes["kind"].where(kind)
        columns: Any = notes.take(short).lists("rep", "start_ms", "customer")
        return {
            (rep, datetime.fromtimestamp(start / 1000, zone).date().isoformat(), customer)
            for rep, start, customer in zip(*columns, strict=True)
        }

    def _sold(self, tables: Tables, crew: Crew) -> dict[int, list[int]]:
        deals = tables[DEALS]
        won = deals.take(is_won(deals, self._settings))
        won = won.take(crew.inside(won["closed_ms"]))
        found: dict[int, list[int]] = {}
        for rep, day in zip(crew.codes(won["rep"]).tolist(), crew.day_of(won["closed_ms"]).tolist(), strict=True):
            found.setdefault(rep, []).append(crew.first.toordinal() + day)
        return found

    def _finding(self, tables: Tables, rep: str, days: list[_Day], first: int) -> Finding:
        width = self._settings.inflation_days
        now, before = self._parts(days, first)
        at = _evening(tables, days[first].date)
        lengths, usual = ([minute for d in part for minute in d.minutes] for part in (now, before))
        facts: dict[str, Any] = {
            "visits_per_day": round(len(lengths) / width, 2),
            "usual_per_day": round(len(usual) / len(before), 2),
            "median_min": round(float(np.median(lengths)), 1),
            "usual_median_min": round(float(np.median(usual)), 1),
            "days": width,
        }
        return Finding(
            code=CODE,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=days[first].date,
            opened_at=at,
            closed_at=at,
            severity=Severity.MEDIUM,
            confidence=0.8,
            rule=CODE,
            version=_VERSION,
            thresholds={
                "more": _MORE,
                "shorter": _SHORTER,
                "effective_visit_min": self._settings.effective_visit_min,
                "days": width,
            },
            evidence=(Evidence(kind="rep_day", ids=tuple(record for d in now for record in d.records), facts=facts),),
            explanation=CODE,
            params=facts,
            advice=f"{CODE}.advice",
            readings=("score.gaming_suspected.inflated", "score.gaming_suspected.changed_work"),
            audience=(Audience.MANAGER,),
        )


def _spells(seen: list[int], width: int) -> list[int]:
    """Return the first day of each spell; a gap shorter than the window ends none."""
    return [day for place, day in enumerate(seen) if not place or day - seen[place - 1] > width]


def _evening(tables: Tables, day: str) -> datetime:
    at = datetime.combine(date.fromisoformat(day), time.fromisoformat(_JUDGED_AT), tables.as_of.tzinfo)
    return min(at, tables.as_of)
