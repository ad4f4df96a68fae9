"""Too many alerts of one rule in an hour are one piece of news: the rule is wrong, or something is wrong with the data.

From then on, what the rule raises waits for one digest a recipient; what other rules raise goes its usual way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from fieldhr_core.flow.pacing import pacing_of
from fieldhr_core.flow.values import rfc3339
from fieldhr_core.model import Audience, Evidence, Finding, Severity, instant
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["STORM", "storms_of"]

STORM: Final = "ops.alert_storm"
_HOUR_MS: Final = 3_600_000
_LEAST: Final = 200


def storms_of(acting: Acting, unit: Unit, codes: Iterable[str]) -> list[Finding]:
    """Return a finding a code whose storm has just begun; notices of it that were not sent yet join its digest."""
    import sqlalchemy as sa

    cases, jobs, outbox, people = (getattr(acting.tables, name) for name in ("cases", "jobs", "outbox", "people"))
    found: list[Finding] = []
    limit = 0
    pacing = pacing_of(acting.facts(unit).settings)
    for code in sorted(set(codes) - {STORM}):
        raised = unit.connection.execute(
            sa.select(sa.func.count()).where(
                cases.c.tenant == acting.tenant, cases.c.code == code, cases.c.raised_ms > unit.at_ms - _HOUR_MS
            )
        ).scalar_one()
        if raised <= (limit or pacing.storm_per_hour or _LEAST):
            continue
        if not limit:
            everybody = unit.connection.execute(
                sa.select(sa.func.count()).where(people.c.tenant == acting.tenant)
            ).scalar_one()
            limit = pacing.storm_per_hour or max(_LEAST, everybody)
            if raised <= limit:
                continue
        job = f"storm {code}"
        until = unit.connection.execute(
            sa.select(jobs.c.done_ms).where(jobs.c.tenant == acting.tenant, jobs.c.job == job)
        ).scalar()
        if until is not None and until > unit.at_ms:
            continue
        # A storm that goes on after its digest is the same storm: told once, until an hour has been quiet.
        is_new = until is None or until + _HOUR_MS < unit.at_ms
        due = unit.at_ms + pacing.storm_digest_min * 60_000
        put(unit.connection, jobs, [{"tenant": acting.tenant, "job": job, "done_ms": due}])
        unit.connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.tenant == acting.tenant,
                outbox.c.code == code,
                outbox.c.state == "due",
                outbox.c.attempts == 0,
                outbox.c.case.is_not(None),
            )
            .values(state="digest", due_ms=due)
        )
        if is_new:
            found.append(_finding(code, raised, limit, unit.at_ms))
    return found


def _finding(code: str, raised: int, limit: int, at_ms: int) -> Finding:
    at = instant(at_ms)
    facts = {"raised": raised, "limit": limit, "within_min": 60}
    return Finding(
        code=STORM,
        subject_kind="rule",
        subject=code,
        rep=None,
        instance=rfc3339(at),
        opened_at=at,
        closed_at=at,
        severity=Severity.HIGH,
        confidence=1.0,
        rule="fieldhr.storms",
        version="1",
        thresholds={"storm_per_hour": limit},
        evidence=(Evidence(kind="rule", ids=(code,), facts=facts),),
        explanation=STORM,
        params={"rule": code, **facts},
        advice=f"{STORM}.advice",
        audience=(Audience.ADMIN,),
    )
