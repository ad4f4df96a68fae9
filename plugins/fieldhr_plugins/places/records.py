"""``visit.unsupported`` and ``visit.backfilled``: visit records that no position bears out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CHECKINS, FOLLOW_UPS, PLACES, SIGNALS, Audience, Evidence, Finding, Severity, Verdict
from fieldhr_plugins.places.addresses import doubted
from fieldhr_plugins.places.settings import PlacesSettings

__all__ = ["UnsupportedVisits"]

Row = Mapping[str, Any]


class UnsupportedVisits:
    """Alerter, end of day: visit records during which nobody came near the customer, tracking on.

    The resolver holds every claimed visit against the fixes; where silence leaves it open, it says so and nothing is
    raised. Where the rep checked in for that visit from elsewhere, ``checkin.mismatch`` has told it already. Several
    records written in one go after hours, two or more of them unsupported, are one ``visit.backfilled`` that takes the
    place of the single findings.
    """

    codes = ("visit.unsupported", "visit.backfilled")
    cadence = "23:00"
    days = 1

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return the findings about the period's visit records."""
        doubts: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in tables[SIGNALS].rows():
            if row["signal"] == "visit.unsupported":
                facts = json.loads(row["facts"])
                doubts.setdefault((row["rep"], facts["customer"]), []).append({**row, **facts})
        if not doubts:
            return []
        suspects = doubted(tables[PLACES])  # there the address is under suspicion, not the visit
        told = _told(tables)
        window_ms = int(self.settings.support_window_s * 1000)
        doubts = {
            key: [d for d in rows if not _is_told(d, told.get(key, ()), window_ms)]
            for key, rows in doubts.items()
            if key[1] not in suspects
        }
        records: dict[str, list[dict[str, Any]]] = {}
        for record in tables[FOLLOW_UPS].sort("rep", "written_ms", "followup").rows():
            if record["kind"] == "visit":
                records.setdefault(record["rep"], []).append(record)
        found: list[Finding] = []
        for rep, own in sorted(records.items()):
            unsupported: dict[str, dict[str, Any]] = {}
            for record in own:
                doubt = self._doubt(record, doubts.get((rep, record["customer"]), ()))
                if doubt is not None:
                    unsupported[record["followup"]] = doubt
            replaced: set[str] = set()
            for batch in self._batches(own, unsupported):
                replaced |= {record["followup"] for record in batch}
                found.append(self._backfilled(rep, batch, unsupported))
            found += [
                self._single(record, unsupported[record["followup"]])
                for record in own
                if record["followup"] in unsupported and record["followup"] not in replaced
            ]
        return found

    def _doubt(self, record: Row, doubts: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        return next(
            (d for d in doubts if d["start_ms"] <= record["end_ms"] and record["start_ms"] <= d["end_ms"]), None
        )

    def _batches(self, records: Sequence[Row], unsupported: Mapping[str, Row]) -> list[list[Row]]:
        """Return groups of records written within the window, after hours, with two or more unsupported."""
        if len(unsupported) < 2:
            return []
        zone = ZoneInfo(next(iter(unsupported.values()))["zone"])
        late = [r for r in records if _local(r["written_ms"], zone).strftime("%H:%M") >= self.settings.backfill_after]
        batches: list[list[Row]] = []
        window_ms = int(self.settings.backfill_window_s * 1000)
        first = 0
        while first < len(late):
            batch = [r for r in late[first:] if r["written_ms"] - late[first]["written_ms"] <= window_ms]
            doubtful = sum(r["followup"] in unsupported for r in batch)
            if len(batch) >= self.settings.backfill_count and doubtful >= 2:
                batches.append(batch)
                first += len(batch)
            else:
                first += 1
        return batches

    def _single(self, record: Row, doubt: Row) -> Finding:
        return Finding(
            code="visit.unsupported",
            subject_kind="visit",
            subject=record["followup"],
            rep=record["rep"],
            instance=record["followup"],
            opened_at=_instant(doubt["seen_ms"]),
            closed_at=_instant(doubt["seen_ms"]),
            severity=Severity.MEDIUM,
            confidence=0.8,
            rule="places.visit_unsupported",
            version="1",
            thresholds=self._limits(),
            evidence=(_record(record), _claim(doubt)),
            explanation="visit.unsupported",
            params={
                "customer": record["customer"],
                "start": _instant(record["start_ms"]).isoformat(),
                "end": _instant(record["end_ms"]).isoformat(),
                "nearest_m": "" if doubt["nearest_m"] is None else doubt["nearest_m"],
                "radius_m": self.settings.support_radius_m,
            },
            advice="visit.unsupported.advice",
            readings=("visit.unsupported.reading.address", "visit.unsupported.reading.phantom"),
            audience=(Audience.REP, Audience.MANAGER),
        )

    def _backfilled(self, rep: str, batch: Sequence[Row], unsupported: Mapping[str, Row]) -> Finding:
        doubtful = [r for r in batch if r["followup"] in unsupported]
        written = _instant(batch[-1]["written_ms"])
        opened = max([written, *(_instant(unsupported[r["followup"]]["seen_ms"]) for r in doubtful)])
        zone = ZoneInfo(unsupported[doubtful[0]["followup"]]["zone"])
        return Finding(
            code="visit.backfilled",
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=f"{_local(batch[0]['written_ms'], zone).date().isoformat()}/{batch[0]['followup']}",
            opened_at=opened,
            closed_at=opened,
            severity=Severity.MEDIUM,
            confidence=round(min(0.95, 0.6 + 0.1 * len(doubtful)), 3),
            rule="places.visit_backfilled",
            version="1",
            thresholds={
                **self._limits(),
                "backfill_count": self.settings.backfill_count,
                "backfill_window_s": self.settings.backfill_window_s,
                "backfill_after": self.settings.backfill_after,
            },
            evidence=(
                *(_record(r) for r in batch),
                *(_claim(unsupported[r["followup"]]) for r in doubtful),
            ),
            explanation="visit.backfilled",
            params={
                "count": len(batch),
                "unsupported": len(doubtful),
                "minutes": round((batch[-1]["written_ms"] - batch[0]["written_ms"]) / 60_000, 1),
                "from": _instant(batch[0]["written_ms"]).isoformat(),
            },
            advice="visit.backfilled.advice",
            readings=("visit.backfilled.reading.catching_up", "visit.backfilled.reading.phantom"),
            audience=(Audience.REP, Audience.MANAGER),
        )

    def _limits(self) -> dict[str, Any]:
        return {
            "support_radius_m": self.settings.support_radius_m,
            "support_window_s": self.settings.support_window_s,
            "support_gap_s": self.settings.support_gap_s,
        }


def _told(tables: Tables) -> dict[tuple[str, str], list[int]]:
    """Return the instants of check-ins from elsewhere by (rep, customer): each is a case of its own."""
    checkins = tables[CHECKINS]
    away = checkins.take(checkins["verdict"].where(Verdict.AWAY))
    found: dict[tuple[str, str], list[int]] = {}
    for row in away.rows():
        found.setdefault((row["rep"], row["customer"]), []).append(row["time_ms"])
    return found


def _is_told(doubt: Row, sent_ms: Sequence[int], window_ms: int) -> bool:
    return any(doubt["start_ms"] - window_ms <= at <= doubt["end_ms"] + window_ms for at in sent_ms)


def _record(record: Row) -> Evidence:
    facts = {
        "customer": record["customer"],
        "start": _text(record["start_ms"]),
        "end": _text(record["end_ms"]),
        "written": _text(record["written_ms"]),
    }
    return Evidence(kind="followup", ids=(record["followup"],), facts=facts)


def _claim(doubt: Row) -> Evidence:
    facts = {
        "customer": doubt["customer"],
        "nearest_m": doubt["nearest_m"],
        "fixes": doubt["fixes"],
        "longest_silence_s": doubt["longest_silence_s"],
    }
    return Evidence(kind="outing", ids=(doubt["outing"],), facts=facts)


def _local(ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _text(ms: int) -> str:
    return _instant(ms).isoformat().replace("+00:00", "Z")
