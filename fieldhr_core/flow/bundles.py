"""What a case rests on, put together: rule, thresholds, records, the positions used and refused, and what if not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.flow.tracks import fixes_of
from fieldhr_core.flow.values import finding_from, rfc3339
from fieldhr_core.model import Evidence, EvidenceBundle, Role, instant, milliseconds
from fieldhr_core.trust.purposes import DataClass, opens
from fieldhr_core.trust.scope import Reach, reach

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["bundle_of"]

_UNLESS: Final = "would_not_have_fired"
#: A fix without a word on its accuracy is neither good nor bad.
_NO_LIMIT: Final = math.inf


def bundle_of(acting: Acting, unit: Unit, row: Any) -> EvidenceBundle:
    """Return the bundle of a row of ``cases`` that the principal may see."""
    table = acting.tables.cases
    body = json.loads(unit.open(table, "body_sealed", "case", [row.id], [row.body_sealed])[0])
    finding = finding_from(body["finding"])
    counts = _counts(finding.evidence)
    limit = float(finding.thresholds.get("accuracy_limit_m", _NO_LIMIT))
    shown = [
        fix
        for piece in finding.evidence
        if piece.kind == "stay" and finding.rep is not None
        for fix in _fixes(acting, unit, finding.rep, piece, limit)
    ]
    return EvidenceBundle(
        case=row.id,
        code=finding.code,
        rule=finding.rule,
        version=finding.version,
        thresholds=finding.thresholds,
        as_of=instant(body["as_of_ms"]),
        evidence=finding.evidence,
        fixes=tuple(shown),
        fixes_used=counts.get("fixes_used"),
        fixes_refused=counts.get("fixes_refused"),
        unless={
            name: value for piece in finding.evidence for name, value in dict(piece.facts.get(_UNLESS) or {}).items()
        },
    )


def _counts(evidence: tuple[Evidence, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for piece in evidence:
        for name in ("fixes_used", "fixes_refused"):
            if name in piece.facts:
                found[name] = found.get(name, 0) + int(piece.facts[name])
    return found


def _fixes(acting: Acting, unit: Unit, rep: str, piece: Evidence, limit_m: float) -> list[Mapping[str, Any]]:
    principal = acting.principal
    sees = reach(principal.role, "tracks") is not Reach.NONE and opens(acting.purpose, DataClass.WHEREABOUTS)
    if not sees or principal.role is Role.AUDITOR or not {"start", "end"} <= set(piece.facts):
        return []
    start, end = (milliseconds(datetime.fromisoformat(piece.facts[name])) for name in ("start", "end"))
    found: list[Mapping[str, Any]] = []
    days = sorted({ident.split("/")[1] for ident in piece.ids if ident.count("/") >= 2})
    for table in fixes_of(acting, unit, [(rep, day) for day in days]).values():
        inside = table.take((table["time_ms"] >= start) & (table["time_ms"] <= end))
        for fix in inside.rows():
            accuracy = None if math.isnan(fix["accuracy_m"]) else fix["accuracy_m"]
            refused = "accuracy" if accuracy is not None and accuracy > limit_m else None
            found.append(
                {
                    "time": rfc3339(instant(fix["time_ms"])),
                    "lat": fix["lat"],
                    "lon": fix["lon"],
                    "accuracy_m": accuracy,
                    "mock": {1: True, 0: False}.get(fix["mock"]),
                    "used": refused is None,
                    "refused": refused,
                }
            )
    return found
