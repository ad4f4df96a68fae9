"""What happens at set times: alerters of the evening, sealing of past days, deliveries.

Every job of a tenant remembers the last instant it was done for, so that advancing is resumable and nothing runs
twice: a process that stops between two jobs goes on with the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import PluginError
from fieldhr_core.flow.days import resolve_dirty
from fieldhr_core.flow.delivery import deliver_due
from fieldhr_core.flow.judging import run_alerters
from fieldhr_core.flow.tracks import seal_days
from fieldhr_core.flow.upkeep import AUDIT_JOB, DECAY_JOB, check_trail, decay
from fieldhr_core.model import instant, milliseconds
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting

__all__ = ["Due", "due_jobs", "run"]

#: Local time at which the day before is merged and sealed.
_SEALING = "02:00"
_SEAL_JOB = "seal"
#: Days grow older at midnight; the trail is proved when little else goes on.
_MIDNIGHT = "00:00"
_PROVING = "03:00"


@attrs.frozen(order=True)
class Due:
    """One job that is due: its instant (UTC milliseconds), its name, and the local date it is for."""

    at_ms: int
    job: str
    date: str


def due_jobs(acting: Acting, until_ms: int) -> list[Due]:
    """Return what is due up to and at an instant and not done yet, in order."""
    import sqlalchemy as sa

    table, tenants = acting.tables.jobs, acting.tables.tenants
    with acting.unit() as unit:
        facts = acting.facts(unit)
        since = unit.connection.execute(
            sa.select(tenants.c.created_ms).where(tenants.c.id == acting.tenant)
        ).scalar_one()
        done = {
            row.job: row.done_ms
            for row in unit.all(sa.select(table.c.job, table.c.done_ms).where(table.c.tenant == acting.tenant))
        }
        alerters = [alerter for _, alerter in acting.providers(unit, "alerters", role="find")]
        cadences = {alerter.cadence for alerter in alerters if not isinstance(alerter, PluginError)}
    zone = ZoneInfo(facts.pattern.zone)
    jobs = [(f"alerters {cadence}", cadence) for cadence in sorted(cadences - {"live"})]
    upkeep = [(DECAY_JOB, _MIDNIGHT)] if facts.settings.get("retention") else []
    if facts.settings.get("audit_check", "off" if facts.simulated else "daily") == "daily":
        upkeep.append((AUDIT_JOB, _PROVING))
    found = [
        due
        for job, clock in [*jobs, (_SEAL_JOB, _SEALING)]
        for due in _instants(job, clock, zone, done.get(job, since), until_ms)
    ]
    for job, clock in upkeep:
        # Each run does all there is to do, so of several that were missed the last one is enough.
        found += list(_instants(job, clock, zone, done.get(job, since), until_ms))[-1:]
    return sorted(found)


def run(acting: Acting, due: Due) -> None:
    """Do one job and remember that it was done."""
    import sqlalchemy as sa

    resolve_dirty(acting)
    if due.job == DECAY_JOB:
        decay(acting)
    elif due.job == AUDIT_JOB:
        check_trail(acting)
    with acting.unit() as unit:
        if due.job == _SEAL_JOB:
            seal_days(acting, unit, due.date)
        elif due.job not in (DECAY_JOB, AUDIT_JOB):
            people = acting.tables.people
            reps = [
                row.id
                for row in unit.all(
                    sa.select(people.c.id).where(people.c.tenant == acting.tenant).order_by(people.c.id)
                )
            ]
            keys = [(rep, due.date) for rep in ["", *reps]]
            run_alerters(acting, unit, due.job.removeprefix("alerters "), keys, as_of_ms=due.at_ms)
        put(unit.connection, acting.tables.jobs, [{"tenant": acting.tenant, "job": due.job, "done_ms": due.at_ms}])
        unit.audit("schedule.run", "jobs", due.job, date=due.date)
    deliver_due(acting)


def _instants(job: str, clock: str, zone: ZoneInfo, after_ms: int, until_ms: int) -> Iterator[Due]:
    day = instant(after_ms).astimezone(zone).date()
    last = instant(until_ms).astimezone(zone).date()
    while day <= last:
        at_ms = milliseconds(datetime.combine(day, time.fromisoformat(clock), zone))
        if after_ms < at_ms <= until_ms:
            yield Due(at_ms, job, day.isoformat())
        day += timedelta(days=1)
