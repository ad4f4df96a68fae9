"""A channel that takes nothing any more is named once; when it takes something again, that ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fieldhr_core.flow.cases import raise_findings
from fieldhr_core.flow.pacing import pacing_of
from fieldhr_core.flow.values import rfc3339
from fieldhr_core.model import Audience, Evidence, Finding, Severity, instant
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["note_outages"]


def note_outages(acting: Acting, unit: Unit, channel: str, became: Mapping[str, tuple[str, str]]) -> None:
    """Raise ``ops.channel_down`` after enough tries in vain, and end it with the first notice that arrives."""
    import sqlalchemy as sa

    jobs, outbox = acting.tables.jobs, acting.tables.outbox
    job = f"down {channel}"
    where = (jobs.c.tenant == acting.tenant, jobs.c.job == job)
    since = unit.connection.execute(sa.select(jobs.c.done_ms).where(*where)).scalar()
    statuses = {status for status, _ in became.values()}
    if "sent" in statuses:
        if since is not None:
            unit.connection.execute(sa.delete(jobs).where(*where))
            _raise(acting, unit, channel, since, "", ended=True)
        return
    if since is not None or "retry" not in statuses:
        return
    tries = unit.connection.execute(
        sa.select(sa.func.max(outbox.c.attempts)).where(
            outbox.c.tenant == acting.tenant, outbox.c.channel == channel, outbox.c.state == "due"
        )
    ).scalar()
    if (tries or 0) >= pacing_of(acting.facts(unit).settings).down_after:
        put(unit.connection, jobs, [{"tenant": acting.tenant, "job": job, "done_ms": unit.at_ms}])
        reason = next(reason for status, reason in became.values() if status == "retry")
        _raise(acting, unit, channel, unit.at_ms, reason, ended=False)


def _raise(acting: Acting, unit: Unit, channel: str, since_ms: int, reason: str, *, ended: bool) -> None:
    finding = Finding(
        code="ops.channel_down",
        subject_kind="channel",
        subject=channel,
        rep=None,
        instance=rfc3339(instant(since_ms)),
        opened_at=instant(since_ms),
        closed_at=instant(unit.at_ms) if ended else None,
        severity=Severity.MEDIUM,
        confidence=1.0,
        rule="fieldhr.delivery",
        version="1",
        evidence=(Evidence(kind="channel", ids=(channel,), facts={"reason": reason} if reason else {}),),
        explanation="ops.channel_down",
        params={"channel": channel},
        advice="ops.channel_down.advice",
        audience=(Audience.ADMIN,),
    )
    raise_findings(acting.as_house(), unit, [finding], origin="fieldhr.delivery")
