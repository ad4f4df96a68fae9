"""Whether somebody was told of those who cheat in several ways, and who else was accused of the like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from fieldhr_sandbox.answers import AnswerKey, KeyRecord
from fieldhr_sandbox.marking import SERIOUS, Alert

__all__ = ["campaign_marks"]


def campaign_marks(
    key: AnswerKey, alerts: Sequence[Alert], reps: Collection[str], working_days: Callable[[datetime, datetime], int]
) -> dict[str, Any]:
    """Return one row a person who cheats, how many were found in time, and how many others were accused.

    Somebody is found by the first alert about them of a code that what they did may rightly raise, opened by the end of
    the days in which they did it. Somebody else is accused by an alert of medium severity or more of any such code.

    Args:
        key: with the campaigns.
        alerts: as the product raised them.
        reps: everybody in the tenant.
        working_days: counts the working days from one instant to another, both included.
    """
    mine = [record for record in key.campaigns if record.variant != "accomplice"]
    involved = {record.rep for record in key.campaigns}
    rows = [_row(record, alerts, working_days) for record in sorted(mine, key=lambda one: (one.scenario, one.instance))]
    codes = {code for record in mine for code in record.any_of}
    accused = {
        alert.rep: alert.code
        for alert in alerts
        if alert.rep in reps and alert.rep not in involved and alert.code in codes and alert.severity in SERIOUS
    }
    return {
        "rows": rows,
        "found": sum(row["found"] for row in rows),
        "of": len(rows),
        "others": len(set(reps) - involved),
        "others_accused": len(accused),
        "others_codes": dict(sorted(Counter(accused.values()).items())),
    }


def _row(
    record: KeyRecord, alerts: Sequence[Alert], working_days: Callable[[datetime, datetime], int]
) -> dict[str, Any]:
    assert record.detect_by is not None
    about = sorted(
        (
            alert
            for alert in alerts
            if alert.rep == record.rep
            and alert.code in record.any_of
            and record.start <= alert.opened_at <= record.detect_by
        ),
        key=lambda alert: (alert.opened_at, alert.code),
    )
    first = about[0] if about else None
    return {
        "scenario": record.scenario,
        "style": record.dose["style"],
        "rep": record.rep,
        "found": first is not None,
        "code": None if first is None else first.code,
        "severity": None if first is None else first.severity,
        "working_days": None if first is None else working_days(record.start, first.opened_at),
        "codes": dict(sorted(Counter(alert.code for alert in about).items())),
    }
