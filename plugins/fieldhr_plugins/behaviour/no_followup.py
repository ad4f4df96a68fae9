"""``behaviour.no_followup``: no follow-up record on three consecutive expected working days."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from fieldhr_core.hooks import Tables
from fieldhr_core.model import FOLLOW_UPS, OUTINGS, STAYS, Audience, Evidence, Finding, Severity, Table
from fieldhr_plugins.behaviour import BehaviourSettings
from fieldhr_plugins.behaviour.days import (
    Judged,
    JudgedDay,
    as_ms,
    judged_days,
    judged_instant,
    places_of,
    starts_unseen,
    written_ms,
)

__all__ = ["CODE", "NoFollowUp"]

CODE: Final = "behaviour.no_followup"
_VERSION: Final = "1"
_DAY_MS: Final = 86_400_000


class NoFollowUp:
    """One run of silent days is one case: its ``instance`` is the first silent day.

    ``params["days"]`` is the highest step reached (3, then 5, then 10), so the finding stays equal between the steps
    and nobody is told daily. The finding is returned with ``closed_at`` on the day a record ends the run.
    """

    codes: tuple[str, ...] = (CODE,)
    days = 60

    def __init__(self, settings: BehaviourSettings) -> None:
        self._settings = settings
        self._steps = sorted({settings.no_followup_days, *settings.no_followup_repeat_days})
        self._steps = [step for step in self._steps if step >= settings.no_followup_days]
        self.cadence = settings.judged_at

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a rep whose run of silent days lasts, or ended within the last day."""
        judged = judged_days(tables, self._settings)
        day_before_ms = as_ms(tables.as_of) - _DAY_MS
        findings = []
        for place, written in self._silent(tables, judged):
            rep, days = judged.reps[place], judged.days(place)
            run = days_since(days, written[-1][0] if written else 0)
            closed_ms = None
            if len(run) < self._steps[0]:
                fresh = [instant for instant, _ in written if instant > day_before_ms]
                if not fresh:
                    continue
                closed_ms = fresh[0]
                written = [record for record in written if record[0] < closed_ms]
                # The day of the record that ends the run is no silent day, however late that evening it was written.
                run = [
                    day
                    for day in days_since(days, written[-1][0] if written else 0)
                    if day.begins_ms + _DAY_MS <= closed_ms
                ]
            if len(run) < self._steps[0]:
                continue
            opened_at = judged_instant(run[self._steps[0] - 1], tables, self._settings.judged_at)
            if closed_ms is not None and closed_ms <= as_ms(opened_at):
                continue  # ended before anybody could know
            if not starts_unseen(run[0], days, tables, self.days, self._settings.fresh_start_days):
                findings.append(self._finding(tables, rep, run, opened_at, written, closed_ms))
        return findings

    def _silent(self, tables: Tables, judged: Judged) -> Iterator[tuple[int, list[tuple[int, str]]]]:
        """Yield who was silent for long enough until tonight or until their record of the last day, with all records.

        Records are (written, id), ascending.
        """
        records, as_of_ms = tables[FOLLOW_UPS], as_ms(tables.as_of)
        rep, written = places_of(records["rep"], judged.code), written_ms(records)
        known = (rep >= 0) & (written <= as_of_ms)
        earlier = known & (written <= as_of_ms - _DAY_MS)
        reps, never = np.arange(len(judged.reps)), np.zeros(len(judged.reps), dtype="i8")
        last, before, first = never.copy(), never.copy(), np.full(len(never), as_of_ms + 1)
        np.maximum.at(last, rep[known], written[known])
        np.maximum.at(before, rep[earlier], written[earlier])
        np.minimum.at(first, rep[known & ~earlier], written[known & ~earlier])

        def begun_by(at_ms: Any) -> Any:
            place = judged.place(reps, at_ms)
            return np.where(place < 0, 0, place + 1 - judged.starts[:-1])

        is_silent = judged.counts - begun_by(last) >= self._steps[0]
        ended = (first <= as_of_ms) & (begun_by(first - _DAY_MS) - begun_by(before) >= self._steps[0])
        for place in np.flatnonzero(is_silent | ended).tolist():
            mine = np.flatnonzero((rep == place) & known)
            yield place, sorted(zip(written[mine].tolist(), records["followup"][mine].tolist(), strict=True))

    def _finding(
        self,
        tables: Tables,
        rep: str,
        run: list[JudgedDay],
        opened_at: datetime,
        written: list[tuple[int, str]],
        closed_ms: int | None,
    ) -> Finding:
        step = max(step for step in self._steps if step <= len(run))
        shown = run[:step]
        span = (shown[0].begins_ms, shown[-1].end_ms)
        due = _outings_due(tables[OUTINGS], rep, span)
        met = _customers_met(tables[STAYS], rep, span)
        evidence = [
            Evidence(
                kind="duty_day",
                ids=tuple(f"{rep}/{day.date}" for day in shown),
                facts={"records": 0, "visits_due": len(due), "stays_at_customers": met},
            )
        ]
        if due:
            evidence.append(Evidence(kind="outing", ids=due))
        if written:
            evidence.append(Evidence(kind="followup", ids=(written[-1][1],), facts={"role": "last record before"}))
        return Finding(
            code=CODE,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=run[0].date,
            opened_at=opened_at,
            closed_at=None if closed_ms is None else datetime.fromtimestamp(closed_ms / 1000, tz=UTC),
            severity=Severity.MEDIUM,
            confidence=0.9,
            rule=CODE,
            version=_VERSION,
            thresholds={
                "no_followup_days": self._settings.no_followup_days,
                "repeat_days": list(self._settings.no_followup_repeat_days),
            },
            evidence=tuple(evidence),
            explanation=CODE,
            params={
                "days": step,
                "first_day": shown[0].date,
                "last_day": shown[-1].date,
                "visits_due": len(due),
                "stays_at_customers": met,
            },
            advice="behaviour.no_followup.advice",
            readings=("behaviour.reading.slack", "behaviour.reading.overload"),
            audience=(Audience.MANAGER,),
            repeat=step,
        )


def days_since(days: list[JudgedDay], instant_ms: int) -> list[JudgedDay]:
    """Return the days that began after *instant_ms*."""
    return days[bisect.bisect_right([day.begins_ms for day in days], instant_ms) :]


def _outings_due(outings: Table, rep: str, span: tuple[int, int]) -> tuple[str, ...]:
    mask = outings["rep"].where(rep) & (outings["start_ms"] >= span[0]) & (outings["start_ms"] < span[1])
    return tuple(sorted(outings["outing"][mask].tolist()))


def _customers_met(stays: Table, rep: str, span: tuple[int, int]) -> int:
    """Count stays at customers: somebody who visits but does not write is more likely short of time than idle."""
    mask = stays["rep"].where(rep) & stays["verdict"].where("at") & stays["kind"].where("customer")
    mask &= (stays["start_ms"] >= span[0]) & (stays["start_ms"] < span[1])
    return int(mask.sum())
