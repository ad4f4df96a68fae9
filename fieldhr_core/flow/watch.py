"""The house watches itself: sources that do not answer, plugins that fail, lists walked off with, ids tried out.

Everything is read from what is there already - how it stands with sources, the guard's list of faults, the trail - each
time the runtime is advanced. A tenant's setting ``watch`` moves the limits::

    {"watch": {"window_min": 20, "records": 100, "tries": 30, "strange_ids": 50}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.flow.acting import UNKNOWN
from fieldhr_core.flow.cases import raise_findings
from fieldhr_core.model import OPEN, Audience, Evidence, Finding, Role, Severity, instant
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["WatchPolicy", "watch", "watch_policy"]

_ORIGIN: Final = "fieldhr.watch"
_JOB: Final = "watch"
#: Failures in a row that make a source down; one is none.
_DOWN: Final = 2
#: Events of the trail that are looked back at, so that a long trail costs no more than a short one.
_LOOKED_BACK: Final = 50_000
#: So many times what a rep usually opens is a lot.
_TIMES_USUAL: Final = 5


@attrs.frozen(kw_only=True)
class WatchPolicy:
    """What is too much within a window.

    Attributes:
        window_min: minutes that are looked at together.
        records: customer records a rep may open without anybody being told; five times what this rep opened in the
            busiest window of earlier days, where that is more.
        tries: refusals of records that are somebody else's.
        strange_ids: different ids that this tenant does not know.
    """

    window_min: int = 20
    records: int = 100
    tries: int = 30
    strange_ids: int = 50


def watch_policy(settings: Mapping[str, Any]) -> WatchPolicy:
    """Return a tenant's limits; ``TypeError`` or ``ValueError`` for settings that do not fit."""
    policy = WatchPolicy(**settings.get("watch", {}))
    if any(not isinstance(value, int) or value < 1 for value in attrs.astuple(policy)):
        raise ValueError(policy)
    return policy


def watch(acting: Acting) -> list[str]:
    """Look at everything once and raise what is found. Return the ids of new cases."""
    with acting.unit() as unit:
        found = [*_sources(acting, unit), *_plugins(acting, unit), *_trail(acting, unit)]
        return raise_findings(acting, unit, found, origin=_ORIGIN) if found else []


# -- sources -------------------------------------------------------------------------------------------------------


def _sources(acting: Acting, unit: Unit) -> Iterator[Finding]:
    import sqlalchemy as sa

    table, cases = acting.tables.cursors, acting.tables.cases
    rows = unit.all(sa.select(table).where(table.c.tenant == acting.tenant))
    if not rows:
        return
    told = {
        row.subject: row
        for row in unit.all(
            sa.select(cases).where(
                cases.c.tenant == acting.tenant,
                cases.c.code == "ops.connector_down",
                cases.c.closed_ms.is_(None),
                cases.c.state.in_([state.value for state in OPEN]),
            )
        )
    }
    for name, group in groupby(sorted(rows, key=lambda row: row.source), key=lambda row: row.source.split(" ")[0]):
        failures = max(row.failures for row in group)
        if failures >= _DOWN and name not in told:
            yield _down(name, instance=str(unit.at_ms), opened_ms=unit.at_ms, closed_ms=None, failures=failures)
        elif failures == 0 and name in told:
            row = told[name]
            yield _down(name, instance=row.instance, opened_ms=row.opened_ms, closed_ms=unit.at_ms, failures=_DOWN)


def _down(name: str, *, instance: str, opened_ms: int, closed_ms: int | None, failures: int) -> Finding:
    facts = {"source": name, "failures": failures}
    return Finding(
        code="ops.connector_down",
        subject_kind="source",
        subject=name,
        rep=None,
        instance=instance,
        opened_at=instant(opened_ms),
        closed_at=None if closed_ms is None else instant(closed_ms),
        severity=Severity.MEDIUM,
        confidence=1.0,
        rule=_ORIGIN,
        version="1",
        thresholds={"failures": _DOWN},
        evidence=(Evidence(kind="source", ids=(name,), facts=facts),),
        explanation="ops.connector_down",
        params=facts,
        audience=(Audience.ADMIN,),
    )


# -- plugins -------------------------------------------------------------------------------------------------------


def _plugins(acting: Acting, unit: Unit) -> Iterator[Finding]:
    """Yield each kind of fault of each plugin once; how often it happened since is the plugin's report to say."""
    seen: set[tuple[str, str]] = acting.house.cached.setdefault((acting.tenant, _ORIGIN), set())
    for fault in acting.house.guard.faults:
        key = (fault.plugin, fault.kind.value)
        if fault.tenant != acting.tenant or key in seen:
            continue
        seen.add(key)
        facts = {"plugin": fault.plugin, "kind": fault.kind.value, "provider": fault.provider, "said": fault.detail}
        yield Finding(
            code="ops.plugin_fault",
            subject_kind="plugin",
            subject=fault.plugin,
            rep=None,
            instance=fault.kind.value,
            opened_at=fault.first or instant(unit.at_ms),
            severity=Severity.MEDIUM,
            confidence=1.0,
            rule=_ORIGIN,
            version="1",
            evidence=(Evidence(kind="plugin", ids=(fault.plugin,), facts=facts),),
            explanation="ops.plugin_fault",
            params=facts,
            audience=(Audience.ADMIN,),
        )


# -- the trail -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class _Seen:
    """One event that tells of reading customers, or of a refusal."""

    seq: int
    at_ms: int
    actor: str
    role: str
    person: str | None
    count: int
    refused: tuple[str, str] | None

    @classmethod
    def of(cls, row: Any) -> _Seen:
        detail = json.loads(row.detail)
        return cls(
            seq=row.seq,
            at_ms=row.at_ms,
            actor=row.actor,
            role=row.role,
            person=detail.get("person"),
            count=int(detail.get("count", 0)) if row.action == "customers.read" else 0,
            refused=(row.object_kind, row.object) if row.action == "access.refused" else None,
        )


def _trail(acting: Acting, unit: Unit) -> Iterator[Finding]:
    import sqlalchemy as sa

    table, jobs = acting.tables.audit, acting.tables.jobs
    here = table.c.tenant == acting.tenant
    mark = unit.connection.execute(
        sa.select(jobs.c.done_ms).where(jobs.c.tenant == acting.tenant, jobs.c.job == _JOB)
    ).scalar()
    last = unit.connection.execute(sa.select(sa.func.max(table.c.seq)).where(here)).scalar() or 0
    if last == (mark or 0):
        return
    wanted = sa.select(table).where(here, table.c.action.in_(["customers.read", "access.refused"]))
    fresh = unit.all(wanted.where(table.c.seq > (mark or 0), table.c.seq > last - _LOOKED_BACK))
    put(unit.connection, jobs, [{"tenant": acting.tenant, "job": _JOB, "done_ms": last}])
    actors = {row.actor for row in fresh}
    if not actors:
        return
    policy = watch_policy(acting.facts(unit).settings)
    zone = ZoneInfo(acting.facts(unit).pattern.zone)
    rows = unit.all(
        wanted.where(table.c.actor.in_(sorted(actors)), table.c.seq > last - _LOOKED_BACK).order_by(table.c.seq)
    )
    by_actor: dict[str, list[_Seen]] = {}
    for row in rows:
        by_actor.setdefault(row.actor, []).append(_Seen.of(row))
    for actor, seen in sorted(by_actor.items()):
        today = [one for one in seen if _day(one, zone) == _day(seen[-1], zone)]
        earlier = [one for one in seen if _day(one, zone) != _day(seen[-1], zone)]
        yield from _bulk(actor, today, earlier, policy, zone)


def _day(one: _Seen, zone: ZoneInfo) -> str:
    return instant(one.at_ms).astimezone(zone).date().isoformat()


def _bulk(
    actor: str,
    today: Sequence[_Seen],
    earlier: Sequence[_Seen],
    policy: WatchPolicy,
    zone: ZoneInfo,
) -> Iterator[Finding]:
    window_ms = policy.window_min * 60_000
    usual = max((sum(one.count for one in span) for span in _windows(earlier, window_ms)), default=0)
    limit = max(policy.records, _TIMES_USUAL * usual)
    facts = {"actor": actor, "window_min": policy.window_min}
    bulk = cross = False
    for span in _windows(today, window_ms):
        records = sum(one.count for one in span) if span[-1].role == Role.REP else 0
        refused = [one.refused for one in span if one.refused is not None]
        strange = {ident for _, ident in refused if ident.startswith(UNKNOWN)}
        tries = sum(ident not in strange for _, ident in refused if ident)
        ids = len(strange)
        if not bulk and (records > limit or tries > policy.tries) and span[-1].person is not None:
            bulk = True
            said = {**facts, "records": records, "tries": tries, "usual": usual}
            limits = {"records": limit, "tries": policy.tries}
            yield _security("security.bulk_read", span, said, limits, zone)
        if not cross and ids > policy.strange_ids:
            cross = True
            yield _security(
                "security.cross_tenant", span, {**facts, "ids": ids}, {"strange_ids": policy.strange_ids}, zone
            )


def _windows(seen: Sequence[_Seen], window_ms: int) -> Iterator[Sequence[_Seen]]:
    """Yield, for each event, the events of the window that ends with it."""
    start = 0
    for end, one in enumerate(seen):
        while seen[start].at_ms <= one.at_ms - window_ms:
            start += 1
        yield seen[start : end + 1]


def _security(
    code: str, span: Sequence[_Seen], facts: Mapping[str, Any], limits: Mapping[str, Any], zone: ZoneInfo
) -> Finding:
    last = span[-1]
    is_bulk = code == "security.bulk_read"
    at: datetime = instant(last.at_ms)
    return Finding(
        code=code,
        subject_kind="rep" if is_bulk else "principal",
        subject=str(last.person) if is_bulk else last.actor,
        rep=last.person if last.role == Role.REP else None,
        instance=f"{last.actor}:{_day(last, zone)}",
        opened_at=at,
        closed_at=at,
        severity=Severity.HIGH,
        confidence=1.0,
        rule=_ORIGIN,
        version="1",
        thresholds=limits,
        evidence=(Evidence(kind="audit", ids=(str(span[0].seq), str(last.seq)), facts=facts),),
        explanation=code,
        params=facts,
        audience=(Audience.COMPLIANCE,) if is_bulk else (Audience.COMPLIANCE, Audience.ADMIN),
    )
