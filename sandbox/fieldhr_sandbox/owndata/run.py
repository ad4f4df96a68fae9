"""A trial on somebody's own files: one journey from the files to ``report.json`` and its page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from fieldhr_core.model.datums import to_wgs84
from fieldhr_sandbox.answers import AnswerKey
from fieldhr_sandbox.marking import mark_code, match
from fieldhr_sandbox.owndata.datum import shift_between
from fieldhr_sandbox.owndata.house import TENANT, OwnFiles, OwnHouse, days_of, move_in, opening_instant, principal
from fieldhr_sandbox.owndata.planting import plant
from fieldhr_sandbox.trial import alert_of

__all__ = ["run_own"]

REPORT: Final = "own.json"


def run_own(
    files: OwnFiles, out: Path, *, inject: bool = False, seed: int = 1, progress: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Hand the files in, plant cases on request, and write ``own.json`` and its pages to *out*; return the document.

    Raises:
        SandboxError: FHR-SBX-001 where the files cannot be used.
    """
    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.runtime import FieldHR

    tell = progress or (lambda _: None)
    days = days_of(files)
    tell(f"{sum(map(len, days.values()))} days of {len(days)} reps")
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("own.db*"):
        old.unlink()
    clock = FrozenClock(opening_instant(days, files.zone))
    with FieldHR.open(f"sqlite:///{out / 'own.db'}", clock=clock) as hr:
        house = move_in(hr, clock, files, days)
        key = AnswerKey.of(plant(hr, days, seed) if inject else [])
        tell(f"{house.positions.stored} positions kept, {len(key.alerts)} cases planted")
        document = _document(hr, house, key, files)
    (out / REPORT).write_text(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    return document


def _document(hr: Any, house: OwnHouse, key: AnswerKey, files: OwnFiles) -> dict[str, Any]:
    with hr.acting_as(principal(), purpose="supervision") as desk:
        cases = [case for case in desk.alerts.list() if case.state.value != "withdrawn"]
        reports = [desk.reports.day(rep, day) for rep, mine in sorted(house.days.items()) for day in mine]
        addresses = [
            to_wgs84(place.lat, place.lon, place.datum)
            for one in desk.customers.list()
            for place in one.addresses
            if place.lat is not None and place.lon is not None and place.datum is not None
        ]
    days = [_day(report) for report in reports]
    elsewhere = [
        (row["lat"], row["lon"]) for report in reports for row in report.stays.rows() if row["customer"] is None
    ]
    found = match(key, [alert_of(case) for case in cases])
    planted: dict[str, Any] = {}
    for code in sorted({record.code for record in key.alerts}):
        marked = mark_code(code, found)
        planted[code] = {"planted": marked.tp + marked.fn, "found": marked.tp, "recall": marked.recall}
    by_code: dict[str, int] = {}
    for case in cases:
        by_code[case.finding.code] = by_code.get(case.finding.code, 0) + 1
    return {
        "format": 1,
        "own_data": True,
        "simulated": False,
        "tenant": TENANT,
        "zone": files.zone,
        "reps": list(house.reps),
        "customers": _receipt(house.customers),
        "positions": _receipt(house.positions),
        "refused_files": dict(house.refused),
        "days": days,
        "faults": [
            {"plugin": fault.plugin, "provider": fault.provider, "count": fault.count, "detail": fault.detail}
            for fault in hr.faults
        ],
        "shift": shift_between(elsewhere, addresses),
        "alerts": dict(sorted(by_code.items())),
        "planted": planted,
        "planted_are_simulated": bool(key.records),
        "silences": {"planted": len(key.silences), "disturbed": len(found.disturbed)},
    }


def _receipt(receipt: Any) -> dict[str, Any]:
    names = ("submitted", "stored", "flagged", "deduplicated", "quarantined", "rejected")
    return {**{name: getattr(receipt, name) for name in names}, "reasons": dict(sorted(receipt.reasons.items()))}


def _day(report: Any) -> Mapping[str, Any]:
    stays = list(report.stays.rows())
    duty_s = sum(end - start for start, end in report.day.duty_ms) / 1000
    silent_s = sum(end - start for start, end in report.gaps_ms) / 1000
    return {
        "rep": report.day.rep,
        "date": report.day.date,
        "fixes": len(report.fixes),
        "stays": len(stays),
        "visits": sum(row["verdict"] == "at" and row["customer"] is not None for row in stays),
        "unknown_share": round(silent_s / duty_s, 3) if duty_s else None,
    }
