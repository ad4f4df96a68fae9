"""``record.predates_visit``: a record of a meeting that was written before anybody met.

Whether a meeting that a record puts before its writing took place is another question. ``visit.unsupported`` answers it
and knows of silence; here such a record is believed, as a second visit that day says nothing about the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Final

from fieldhr_core.hooks import Tables
from fieldhr_core.model import FOLLOW_UPS, PRESENCE, Audience, Evidence, Finding, Severity
from fieldhr_plugins.records import RecordSettings

__all__ = ["CODE", "EarlyNotes"]

CODE: Final = "record.predates_visit"
_VERSION: Final = "1"
_JUDGED_AT: Final = "23:00"
_MINUTE_MS: Final = 60_000


class EarlyNotes:
    """One finding a record, on the day of the visit it claims."""

    codes: tuple[str, ...] = (CODE,)
    cadence = _JUDGED_AT
    days = 3

    def __init__(self, settings: RecordSettings) -> None:
        self._settings = settings

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return the records whose visit begins on the last day and that were written long before it."""
        notes = tables[FOLLOW_UPS]
        begins = round(datetime.combine(tables.period.last, time(), tables.as_of.tzinfo).timestamp() * 1000)
        is_meeting = notes["kind"].where("")
        for kind in self._settings.early_kinds:
            is_meeting |= notes["kind"].where(kind)
        today = notes.take(is_meeting & (notes["start_ms"] >= begins))
        if not len(today):
            return []
        arrivals = _arrivals(tables, begins)
        findings = []
        for row in today.rows():
            arrived, ids = arrivals.get((row["rep"], row["customer"]), (row["start_ms"], ()))
            # A device whose clock is fast cannot have written before the record arrived, but it may seem later.
            written = min(row["written_ms"], row["received_ms"] or row["written_ms"])
            if row["start_ms"] <= written:
                continue
            # Whoever was there before the time they claim met the customer then.
            begun = arrived if ids else row["start_ms"]
            early_min = (begun - written) / _MINUTE_MS
            if early_min > self._settings.early_min:
                findings.append(self._finding(tables, row, early_min, ids))
        return findings

    def _finding(self, tables: Tables, row: dict[str, object], early_min: float, ids: tuple[str, ...]) -> Finding:
        at = datetime.combine(tables.period.last, time.fromisoformat(_JUDGED_AT), tables.as_of.tzinfo)
        at = min(at, tables.as_of)
        facts = {"early_min": round(early_min, 1)}
        evidence = [Evidence(kind="followup", ids=(str(row["followup"]),), facts=facts)]
        if ids:
            evidence.append(Evidence(kind="presence", ids=ids))
        return Finding(
            code=CODE,
            subject_kind="visit",
            subject=str(row["followup"]),
            rep=str(row["rep"]),
            instance=str(row["followup"]),
            opened_at=at,
            closed_at=at,
            severity=Severity.LOW,
            confidence=0.8 if ids else 0.6,
            rule=CODE,
            version=_VERSION,
            thresholds={"early_min": self._settings.early_min},
            evidence=tuple(evidence),
            explanation=CODE,
            params={"early_min": round(early_min)},
            advice=f"{CODE}.advice",
            readings=("record.predates_visit.invented", "record.predates_visit.plan"),
            audience=(Audience.MANAGER,),
        )


def _arrivals(tables: Tables, begins: int) -> dict[tuple[str, str], tuple[int, tuple[str, ...]]]:
    """Return for each rep and customer when the rep first came that day, and what says so."""
    presence = tables[PRESENCE]
    came = presence.take((presence["start_ms"] >= begins) & presence["verdict"].where("at"))
    found: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = {}
    columns = (came[name].tolist() for name in ("customer", "start_ms", "record"))
    for rep, customer, start, record in zip(came["rep"], *columns, strict=True):
        known = found.get((rep or "", customer))
        if known is None or start < known[0]:
            found[rep or "", customer] = (start, (record,))
    return found
