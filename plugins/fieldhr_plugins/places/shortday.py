"""``behaviour.short_day``: late at the first customer and early from the last, on four of five expected days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import attrs

from fieldhr_core.hooks import Remembered, Tables, by_date
from fieldhr_core.model import (
    CHECKINS,
    PEOPLE,
    SIGNALS,
    STAYS,
    Audience,
    Evidence,
    Finding,
    PlaceKind,
    Severity,
    Table,
    Verdict,
)
from fieldhr_plugins.places.evenings import EVENING, evening, full_days, is_unseen
from fieldhr_plugins.places.settings import PlacesSettings

__all__ = ["ShortDays"]

Row = Mapping[str, Any]

CODE: Final = "behaviour.short_day"
#: Stays that may have been at a customer: nobody is held to have been elsewhere.
_PERHAPS: Final = ("stay.near_customer", "stay.poor_accuracy", "stay.too_few_fixes")
_HOUR_MS: Final = 3_600_000


@attrs.define
class _Seen:
    """What is known of one rep-day, UTC milliseconds.

    Attributes:
        certain: spans at customers; perhaps: spans that may have been; traces: spans with any position.
    """

    certain: list[tuple[int, int]] = attrs.Factory(list)
    perhaps: list[tuple[int, int]] = attrs.Factory(list)
    traces: list[tuple[int, int]] = attrs.Factory(list)


class ShortDays:
    """Alerter, end of day: five full expected days, the first of them short, at least four of them short.

    A day is short when the rep was at customers, but first over two hours after duty began and last over two and a half
    hours before it ended. A day whose morning or evening is not covered by positions is not, nor is one with a stay
    that may have been at a customer then. Days with any leave, training or other absence are left out of the five, and
    so are days of less than six hours; part-time reps are not judged.
    """

    codes = (CODE,)
    cadence = EVENING
    days = 35

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()
        self._by_date: Remembered[dict[str, _Seen]] = Remembered(_seen_on)

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a spell of short days; see :class:`fieldhr_core.hooks.Alerter`."""
        part_time = {row["rep"] for row in tables[PEOPLE].rows() if row["contract_share"] < 1.0}
        seen = self._seen(tables)
        found: list[Finding] = []
        for rep, days in full_days(tables).items():
            dates = [date for date, of_date in seen.items() if rep in of_date]
            if rep in part_time or not dates:
                continue
            judged = [d for d in days if d["duty_s"] >= self.settings.short_full_s and d["date"] >= min(dates)]
            hours = {d["date"]: self._short_hours(d, seen.get(d["date"], {}).get(rep)) for d in judged}
            spells = self._spells([d["date"] for d in judged], hours)
            found += [
                self._finding(tables, rep, spell, hours) for spell in spells if not is_unseen(tables, spell[0], dates)
            ]
        return found

    def _seen(self, tables: Tables) -> dict[str, dict[str, _Seen]]:
        """Return by date and rep what is known of the day."""
        dated = [by_date(tables, schema) for schema in (STAYS, SIGNALS, CHECKINS)]
        return self._by_date.of(tables, *dated)

    def _short_hours(self, day: Row, seen: _Seen | None) -> tuple[int, int] | None:
        """Return (first, last) instant at customers of a short day; ``None`` of any other."""
        if seen is None or not seen.certain:
            return None
        latest = day["start_ms"] + int(self.settings.short_late_s * 1000)
        earliest = day["end_ms"] - int(self.settings.short_early_s * 1000)
        begins, ends = min(a for a, _ in seen.traces), max(b for _, b in seen.traces)
        if begins > latest - _HOUR_MS or ends < earliest + _HOUR_MS:
            return None
        if any(start <= latest or end >= earliest for start, end in seen.certain):
            return None
        duty = day["start_ms"], day["end_ms"]
        if any(_touches(span, (duty[0], latest)) or _touches(span, (earliest, duty[1])) for span in seen.perhaps):
            return None
        return min(a for a, _ in seen.certain), max(b for _, b in seen.certain)

    def _spells(self, dates: Sequence[str], hours: Mapping[str, Any]) -> list[list[str]]:
        """Return runs of dates whose windows overlap, each window beginning with a short day."""
        size, last = self.settings.short_window_days, -1
        spells: list[list[str]] = []
        for n in range(len(dates) - size + 1):
            window = dates[n : n + size]
            is_short = [hours[date] is not None for date in window]
            if not is_short[0] or sum(is_short) < self.settings.short_days:
                continue
            if n <= last:
                spells[-1] = [*spells[-1], *dates[last + 1 : n + size]]
            else:
                spells.append(list(window))
            last = n + size - 1
        return spells

    def _finding(self, tables: Tables, rep: str, spell: Sequence[str], hours: Mapping[str, Any]) -> Finding:
        size = self.settings.short_window_days
        short = [(date, *hours[date]) for date in spell if hours[date] is not None]
        zone = tables.as_of.tzinfo
        shown = [
            {
                "date": date,
                "first": _clock(first, zone),
                "last": _clock(last, zone),
                "effective_h": round((last - first) / _HOUR_MS, 2),
            }
            for date, first, last in short
        ]
        mean = round(sum(day["effective_h"] for day in shown) / len(shown), 1)
        return Finding(
            code=CODE,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=spell[0],
            opened_at=evening(tables, spell[size - 1]),
            closed_at=evening(tables, spell[-1]),
            severity=Severity.LOW,
            confidence=0.7,
            rule="places.short_day",
            version="1",
            thresholds={
                "short_late_s": self.settings.short_late_s,
                "short_early_s": self.settings.short_early_s,
                "short_days": self.settings.short_days,
                "short_window_days": size,
                "short_full_s": self.settings.short_full_s,
            },
            evidence=(
                Evidence(kind="duty_day", ids=tuple(f"{rep}/{date}" for date, _, _ in short), facts={"days": shown}),
            ),
            explanation=CODE,
            params={"count": len(short), "days": len(spell), "from": spell[0], "to": spell[-1], "effective_h": mean},
            advice=f"{CODE}.advice",
            readings=(f"{CODE}.reading.slack", f"{CODE}.reading.other_work"),
            audience=(Audience.MANAGER,),
        )


def _seen_on(_day: str, stays: Table | None, signals: Table | None, checkins: Table | None) -> dict[str, _Seen]:
    """Return what is known of each rep's day."""
    found: dict[str, _Seen] = {}
    if stays is not None:
        columns = stays.lists("rep", "start_ms", "end_ms", "kind", "reason", "verdict")
        for rep, start, end, kind, reason, verdict in zip(*columns, strict=True):
            day, span = found.setdefault(rep, _Seen()), (start, end)
            day.traces.append(span)
            is_met = kind == PlaceKind.CUSTOMER or reason == "stay.at_meeting_place"
            if verdict == Verdict.AT and is_met:
                day.certain.append(span)
            elif reason in _PERHAPS:
                day.perhaps.append(span)
    if signals is not None:
        for rep, start, end, signal in zip(*signals.lists("rep", "start_ms", "end_ms", "signal"), strict=True):
            day, span = found.setdefault(rep, _Seen()), (start, end)
            if signal == "track.sketch":
                day.traces.append(span)
            elif signal in ("track.gap", "visit.not_verifiable"):
                day.perhaps.append(span)
    if checkins is not None:
        for rep, time_ms, verdict in zip(*checkins.lists("rep", "time_ms", "verdict"), strict=True):
            if verdict != Verdict.AWAY:
                day, span = found.setdefault(rep, _Seen()), (time_ms, time_ms)
                (day.certain if verdict == Verdict.AT else day.perhaps).append(span)
                day.traces.append(span)
    return found


def _touches(span: tuple[int, int], part: tuple[int, int]) -> bool:
    return span[0] <= part[1] and part[0] <= span[1]


def _clock(ms: int, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(ms / 1000, zone).strftime("%H:%M")
