"""One found alert with the track it rests on, for the report."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldhr_sandbox.marking import Match, Verdict
from fieldhr_sandbox.tenant import Tenant
from fieldhr_sandbox.timeline import Stay

__all__ = ["showcase"]


def showcase(tenant: Tenant, found: Match) -> dict[str, Any] | None:
    """Return the rep-day of one found dwell: its track in metres, its true stays, and the alert's id.

    The first found dwell of the key is taken; ``None`` where none was found.
    """
    for alert, verdict, record in found.verdicts:
        if verdict == Verdict.TRUE and record is not None and record.code == "track.offsite_dwell":
            rep = next(rep for rep in tenant.world.reps if rep.id == record.rep)
            day = (alert.opened_at - tenant.days.instant(0, 0)).days
            return {"case": alert.case, "instance": record.instance, **_track(tenant, rep.index, day)}
    return None


def _track(tenant: Tenant, rep: int, day: int) -> dict[str, Any]:
    script = tenant.scripts[rep, day]
    table = tenant.fixes([script]).table.sort("time_ms")
    frame = tenant.world.frame
    points = [frame.to_metres(lat, lon) for lat, lon in zip(table["lat"].tolist(), table["lon"].tolist(), strict=True)]
    seconds = ((table["time_ms"] - tenant.days.midnight_ms(day)) // 1000).tolist()
    accuracy = np.round(table["accuracy_m"], 0).tolist()
    start, end = tenant.days.start_s, tenant.days.end_s
    stays = [
        {
            "kind": piece.spot.kind,
            "category": piece.spot.category,
            "name": piece.spot.name,
            "x": round(piece.spot.x),
            "y": round(piece.spot.y),
            "start_s": max(start, piece.start_s),
            "end_s": min(end, piece.end_s),
        }
        for piece in script.timeline.pieces
        if isinstance(piece, Stay) and piece.end_s > start and piece.start_s < end and piece.end_s > piece.start_s
    ]
    return {
        "rep": tenant.world.reps[rep].id,
        "name": tenant.world.reps[rep].person.name,
        "date": script.date.isoformat(),
        "fixes": [
            [second, round(x), round(y), int(a)] for second, (x, y), a in zip(seconds, points, accuracy, strict=True)
        ],
        "stays": stays,
    }
