"""What happens by itself as a store grows old: whereabouts lose precision, the trail is witnessed and proved.

Precision is taken once a day, rep-day by rep-day, and each says which step was taken with it: a run that was cut off is
simply repeated. Nothing happens without the setting ``retention``; a synthetic tenant has none unless its maker
gives one, because its runs report on months that lie behind its frozen clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import AccessError, PluginError
from fieldhr_core.flow.cases import raise_findings
from fieldhr_core.flow.days import sealed_day
from fieldhr_core.flow.shelf import touch
from fieldhr_core.flow.tracks import exchange_parts, fixes_of
from fieldhr_core.flow.trail import proved
from fieldhr_core.flow.view import opened_days
from fieldhr_core.model import (
    DECIDED,
    Audience,
    CaseState,
    Evidence,
    Finding,
    Role,
    Severity,
    Table,
    instant,
    milliseconds,
)
from fieldhr_core.store.freshness import ALL_DATES
from fieldhr_core.store.rows import canonical_json, put, within
from fieldhr_core.trust.retention import (
    HALF_DIAGONAL_M,
    PROFILES,
    Precision,
    Profile,
    coarsened,
    gridded,
    precision_of,
)

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["AUDIT_JOB", "DECAY_JOB", "Hold", "Retention", "check_trail", "decay", "raise_drill"]

#: Names of the jobs, as the schedule remembers them.
DECAY_JOB: Final = "decay"
AUDIT_JOB: Final = "audit"

_STEPS: Final = (Precision.GRID, Precision.VISITS, Precision.COUNTS)
_AT_ONCE: Final = 200
_HOLD, _RELEASE = "hold", "release"
_Key = tuple[str, str]


@attrs.frozen(kw_only=True)
class Hold:
    """A legal hold: the whereabouts a case rests on keep their precision up to and including *until*."""

    case: str
    until: date
    reason: str


class Retention:
    """The desk's room for legal holds."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def hold(self, case: str, *, until: date, reason: str) -> Hold:
        """Keep what a case rests on from losing precision, for a dated time; a later hold replaces an earlier one.

        Raises:
            AccessError: FHR-ACC-001 where there is no such case, FHR-ACC-003 for other roles than compliance and admin.
        """
        self._note(case, _HOLD, {"note": f"until {until}: {reason}", "until": until.isoformat(), "reason": reason})
        return Hold(case=case, until=until, reason=reason)

    def release(self, case: str, *, reason: str) -> None:
        """End a hold before its date.

        Raises:
            AccessError: see :meth:`hold`.
        """
        self._note(case, _RELEASE, {"note": reason})

    def holds(self) -> list[Hold]:
        """Return the holds in force today, by case."""
        with self._acting.unit() as unit:
            _may_hold(self._acting)
            return sorted(_holds(self._acting, unit).values(), key=lambda hold: hold.case)

    def decay(self) -> dict[Precision, int]:
        """Take precision from old whereabouts now instead of at midnight. Return how many rep-days, by step.

        Raises:
            AccessError: FHR-ACC-003 for other roles than compliance and admin.
        """
        _may_hold(self._acting)
        return decay(self._acting.as_house())

    def _note(self, case: str, step: str, body: Mapping[str, str]) -> None:
        import sqlalchemy as sa

        acting = self._acting
        cases, events = acting.tables.cases, acting.tables.case_events
        with acting.unit() as unit:
            _may_hold(acting)
            if not unit.all(sa.select(cases.c.id).where(unit.scope(cases), cases.c.id == case)):
                raise acting.not_found("cases", case)
            last = sa.select(sa.func.max(events.c.seq)).where(events.c.tenant == acting.tenant, events.c.case == case)
            seq = (unit.connection.execute(last).scalar() or 0) + 1
            sealed = unit.seal(events, "body_sealed", "case", [f"{case}/{seq}"], [canonical_json(body)])[0]
            row = {"case": case, "seq": seq, "at_ms": unit.at_ms, "by": acting.principal.id, "step": step}
            unit.connection.execute(sa.insert(events).values(tenant=acting.tenant, body_sealed=sealed, **row))
            unit.audit(f"alerts.{step}", "cases", case)


def decay(acting: Acting) -> dict[Precision, int]:
    """Take from every rep-day and check-in the precision its age no longer allows. Return how many rep-days by step."""
    done = dict.fromkeys(_STEPS, 0)
    with acting.unit() as unit:
        facts = acting.facts(unit)
        profile = PROFILES.get(facts.settings.get("retention", ""))
        if profile is None:
            return done
        held = _held_days(acting, unit)
        due = list(_due_days(acting, unit, profile, held))
    for precision, rows in groupby(due, key=lambda pair: pair[0]):
        keys = [key for _, key in rows]
        for start in range(0, len(keys), _AT_ONCE):
            with acting.unit() as unit:
                done[precision] += _take(acting, unit, precision, keys[start : start + _AT_ONCE])
    with acting.unit() as unit:
        for precision in _STEPS:
            _take_from_checkins(acting, unit, precision, _limit(profile, precision, facts.pattern.zone, unit), held)
        _forget_quarantined(acting, unit, _limit(profile, Precision.GRID, facts.pattern.zone, unit))
        unit.audit("retention.decay", "tracks", profile.name, **{step.value: count for step, count in done.items()})
    return done


def check_trail(acting: Acting) -> bool:
    """Prove the tenant's trail; where it does not hold, raise ``security.audit_broken``. Return whether it holds."""
    with acting.unit() as unit:
        chain = proved(acting, unit)
        if chain.broken is None:
            return True
        finding = _finding(
            "security.audit_broken",
            acting.tenant,
            instance=_told(acting, unit) or f"{chain.broken.seq}:{chain.broken.reason}",
            at=instant(unit.at_ms),
            severity=Severity.HIGH,
            facts={"seq": chain.broken.seq, "reason": chain.broken.reason, "events_that_hold": chain.events},
        )
        raise_findings(acting, unit, [finding], origin="fieldhr.upkeep")
        return False


def _told(acting: Acting, unit: Unit) -> str | None:
    """Return the occurrence of a broken trail that is being dealt with: what goes on being written moves the break."""
    import sqlalchemy as sa

    table = acting.tables.cases
    open_case = sa.select(table.c.instance).where(
        table.c.tenant == acting.tenant,
        table.c.code == "security.audit_broken",
        table.c.state.not_in([state.value for state in (*DECIDED, CaseState.WITHDRAWN)]),
    )
    return unit.connection.execute(open_case).scalar()


def raise_drill(acting: Acting, facts: Mapping[str, Any]) -> None:
    """Raise ``security.restore_drill``: information, or critical where the drill did not bring everything back."""
    with acting.unit() as unit:
        finding = _finding(
            "security.restore_drill",
            acting.tenant,
            instance=str(unit.at_ms),
            at=instant(unit.at_ms),
            severity=Severity.INFO if facts["digest_equal"] else Severity.CRITICAL,
            facts=facts,
        )
        raise_findings(acting, unit, [finding], origin="fieldhr.upkeep")


# -- whereabouts ---------------------------------------------------------------------------------------------------


def _due_days(
    acting: Acting, unit: Unit, profile: Profile, held: frozenset[_Key]
) -> Iterator[tuple[Precision, tuple[str, str, str]]]:
    """Yield (step, (rep, date, state before)) of rep-days that are finer than they may be, step by step."""
    import sqlalchemy as sa

    table, now = acting.tables.rep_days, instant(unit.at_ms)
    # No zone is more than a day ahead of UTC: what is younger everywhere is not even looked at.
    youngest = (now.date() + timedelta(days=1) - timedelta(days=profile.raw_days)).isoformat()
    rows = unit.all(
        sa.select(table.c.rep, table.c.date, table.c.zone, table.c.state).where(
            table.c.tenant == acting.tenant,
            table.c.date < youngest,
            table.c.state.not_in([Precision.COUNTS.value, "forgotten"]),
        )
    )
    found = []
    for row in rows:
        allowed = precision_of(profile, date.fromisoformat(row.date), now.astimezone(ZoneInfo(row.zone)).date())
        if allowed in _STEPS and allowed.value != row.state and (row.rep, row.date) not in held:
            found.append((allowed, (row.rep, row.date, row.state)))
    yield from sorted(found, key=lambda pair: (_STEPS.index(pair[0]), pair[1]))


def _take(acting: Acting, unit: Unit, precision: Precision, keys: Sequence[tuple[str, str, str]]) -> int:
    """Take one step with rep-days that still stand where they were seen. Return how many."""
    import sqlalchemy as sa

    table = acting.tables.rep_days
    taken = []
    for rep, day, state in keys:
        # Whoever comes second finds another state, and leaves the day alone.
        mine = (table.c.tenant == acting.tenant, table.c.rep == rep, table.c.date == day)
        seen = unit.connection.execute(sa.select(table.c.state).where(*mine).with_for_update()).scalar()
        if seen == state:
            unit.connection.execute(sa.update(table).where(*mine).values(state=precision.value))
            taken.append((rep, day))
    touch(acting, unit, "days", {day for _, day in taken})
    if precision is Precision.GRID:
        _to_grid(acting, unit, taken)
    else:
        _to_visits(acting, unit, taken)
    if precision is Precision.COUNTS:
        _to_counts(acting, unit, taken)
    return len(taken)


def _to_grid(acting: Acting, unit: Unit, keys: Sequence[_Key]) -> None:
    import sqlalchemy as sa

    exchange_parts(acting, unit, {key: coarsened(fixes) for key, fixes in fixes_of(acting, unit, keys).items()})
    table = acting.tables.rep_days
    for rep, day in keys:
        where = (table.c.tenant == acting.tenant, table.c.rep == rep, table.c.date == day)
        rows = unit.all(
            sa.select(table.c.rep, table.c.date, table.c.resolved_sealed).where(
                *where, table.c.resolved_sealed.is_not(None)
            )
        )
        for stays, signals in zip(*opened_days(unit, rows), strict=True):
            sealed = sealed_day(unit, rep, day, _coarse_stays(stays), _bare_signals(signals))
            unit.connection.execute(sa.update(table).where(*where).values(resolved_sealed=sealed))


def _coarse_stays(stays: Table) -> Table:
    import numpy as np

    if not len(stays):
        return stays
    lat, lon = gridded(stays["lat"], stays["lon"])
    return stays.replace(lat=lat, lon=lon, radius_m=np.maximum(stays["radius_m"], HALF_DIAGONAL_M))


def _bare_signals(signals: Table) -> Table:
    # What was measured may hold coordinates; that there was a doubt, and when, is enough.
    return signals.replace(facts=["{}"] * len(signals)) if len(signals) else signals


def _to_visits(acting: Acting, unit: Unit, keys: Sequence[_Key]) -> None:
    import sqlalchemy as sa

    parts, days = acting.tables.track_parts, acting.tables.rep_days
    for rep, day in keys:
        unit.connection.execute(
            sa.delete(parts).where(parts.c.tenant == acting.tenant, parts.c.rep == rep, parts.c.date == day)
        )
        unit.connection.execute(
            sa.update(days)
            .where(days.c.tenant == acting.tenant, days.c.rep == rep, days.c.date == day)
            .values(resolved_sealed=None)
        )


def _to_counts(acting: Acting, unit: Unit, keys: Sequence[_Key]) -> None:
    import sqlalchemy as sa

    table = acting.tables.visits
    for rep, day in keys:
        where = (table.c.tenant == acting.tenant, table.c.rep == rep, table.c.date == day)
        visits, seconds = unit.connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(table.c.certain_s), 0)).where(*where)
        ).one()
        _count(acting, unit, {("kept.visits", rep, day): visits, ("kept.visit_s", rep, day): round(seconds)})
        unit.connection.execute(sa.delete(table).where(*where))


def _count(acting: Acting, unit: Unit, counts: Mapping[tuple[str, str, str], int]) -> None:
    """Add to counters."""
    import sqlalchemy as sa

    table = acting.tables.counters
    for (name, subject, day), count in counts.items():
        before = unit.connection.execute(
            sa.select(table.c.count).where(
                table.c.tenant == acting.tenant, table.c.name == name, table.c.subject == subject, table.c.date == day
            )
        ).scalar()
        row = {"tenant": acting.tenant, "name": name, "subject": subject, "date": day, "count": (before or 0) + count}
        put(unit.connection, table, [row])


def _limit(profile: Profile, precision: Precision, zone: str, unit: Unit) -> int:
    """Return before which instant (UTC milliseconds) nothing may be finer than *precision*."""
    ages = {
        Precision.GRID: profile.raw_days,
        Precision.VISITS: profile.grid_days,
        Precision.COUNTS: profile.visits_days,
    }
    day = instant(unit.at_ms).astimezone(ZoneInfo(zone)).date() - timedelta(days=ages[precision])
    return milliseconds(datetime.combine(day, datetime.min.time(), ZoneInfo(zone)))


def _take_from_checkins(acting: Acting, unit: Unit, precision: Precision, limit_ms: int, held: frozenset[_Key]) -> None:
    """Take one step with check-ins before a limit: those since the last limit, and those that came in late."""
    import sqlalchemy as sa

    table, jobs = acting.tables.checkins, acting.tables.jobs
    job = f"{DECAY_JOB} checkins {precision.value}"
    done = {
        row.job: row.done_ms
        for row in unit.all(
            sa.select(jobs.c.job, jobs.c.done_ms).where(
                jobs.c.tenant == acting.tenant, jobs.c.job.in_([job, f"{job} at"])
            )
        )
    }
    rows = unit.all(
        sa.select(table)
        .where(
            table.c.tenant == acting.tenant,
            table.c.time_ms < limit_ms,
            sa.or_(table.c.time_ms >= done.get(job, 0), table.c.recorded_ms >= done.get(f"{job} at", 0)),
        )
        .order_by(table.c.rep, table.c.time_ms)
    )
    zones = _zones(acting, unit)
    kept = [row for row in rows if (row.rep, _local_date(row.time_ms, zones.get(row.rep, "UTC"))) in held]
    due = [row for row in rows if row not in kept]
    if due:
        touch(acting, unit, "checkins", [ALL_DATES])
    if precision is Precision.COUNTS:
        _count_checkins(acting, unit, due, zones)
    else:
        _blur_checkins(acting, unit, due, precision)
    # What is held stays before the mark, so that it is found again when the hold has ended.
    mark = min([limit_ms, *(row.time_ms for row in kept)])
    put(
        unit.connection,
        jobs,
        [
            {"tenant": acting.tenant, "job": job, "done_ms": mark},
            {"tenant": acting.tenant, "job": f"{job} at", "done_ms": unit.at_ms},
        ],
    )


def _blur_checkins(acting: Acting, unit: Unit, rows: Sequence[Any], precision: Precision) -> None:
    import sqlalchemy as sa

    table = acting.tables.checkins
    unit.prepare("whereabouts", (row.rep for row in rows))
    for rep, group in groupby(rows, key=lambda row: row.rep):
        mine = list(group)
        if unit.is_forgotten("whereabouts", rep):
            continue
        ids = [row.id for row in mine]
        opened = unit.open(table, "body_sealed", "whereabouts", ids, [row.body_sealed for row in mine], person=rep)
        bodies = [canonical_json(_blurred(json.loads(body), precision)) for body in opened]
        sealed = unit.seal(table, "body_sealed", "whereabouts", ids, bodies, person=rep)
        for row, body in zip(mine, sealed, strict=True):
            far = row.distance_m if precision is Precision.GRID else None
            unit.connection.execute(
                sa.update(table)
                .where(table.c.tenant == acting.tenant, table.c.id == row.id)
                .values(body_sealed=body, device="", distance_m=far)
            )


def _blurred(body: Mapping[str, Any], precision: Precision) -> dict[str, Any]:
    if precision is Precision.GRID and body["lat"] is not None:
        import numpy as np

        lat, lon = gridded(np.array([body["lat"]]), np.array([body["lon"]]))
        accuracy = max(body["accuracy_m"] or 0.0, HALF_DIAGONAL_M)
        return {**body, "lat": float(lat[0]), "lon": float(lon[0]), "accuracy_m": accuracy}
    return {**body, "lat": None, "lon": None, "accuracy_m": None}


def _count_checkins(acting: Acting, unit: Unit, rows: Sequence[Any], zones: Mapping[str, str]) -> None:
    import sqlalchemy as sa

    table = acting.tables.checkins
    counts: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = (f"kept.checkins_{row.verdict}", row.rep, _local_date(row.time_ms, zones.get(row.rep, "UTC")))
        counts[key] = counts.get(key, 0) + 1
    _count(acting, unit, counts)
    for chunk in within(row.id for row in rows):
        unit.connection.execute(sa.delete(table).where(table.c.tenant == acting.tenant, table.c.id.in_(chunk)))


def _forget_quarantined(acting: Acting, unit: Unit, limit_ms: int) -> None:
    import sqlalchemy as sa

    table = acting.tables.quarantine
    unit.connection.execute(
        sa.delete(table).where(table.c.tenant == acting.tenant, table.c.kind == "position", table.c.at_ms < limit_ms)
    )


def _zones(acting: Acting, unit: Unit) -> dict[str, str]:
    import sqlalchemy as sa

    people = acting.tables.people
    usual = acting.facts(unit).pattern.zone
    rows = unit.all(sa.select(people.c.id, people.c.pattern).where(people.c.tenant == acting.tenant))
    return {row.id: row.pattern["zone"] if row.pattern else usual for row in rows}


def _local_date(at_ms: int, zone: str) -> str:
    return instant(at_ms).astimezone(ZoneInfo(zone)).date().isoformat()


# -- holds ---------------------------------------------------------------------------------------------------------


def _may_hold(acting: Acting) -> None:
    if acting.principal.role not in (Role.COMPLIANCE, Role.ADMIN):
        raise AccessError("Legal holds are for compliance.", code="FHR-ACC-003", role=acting.principal.role.value)


def _holds(acting: Acting, unit: Unit) -> dict[str, Hold]:
    import sqlalchemy as sa

    table = acting.tables.case_events
    rows = unit.all(
        sa.select(table)
        .where(table.c.tenant == acting.tenant, table.c.step.in_([_HOLD, _RELEASE]))
        .order_by(table.c.case, table.c.seq)
    )
    bodies = unit.open(
        table, "body_sealed", "case", [f"{row.case}/{row.seq}" for row in rows], [row.body_sealed for row in rows]
    )
    today = instant(unit.at_ms).astimezone(ZoneInfo(acting.facts(unit).pattern.zone)).date()
    found: dict[str, Hold] = {}
    for row, raw in zip(rows, bodies, strict=True):
        found.pop(row.case, None)
        if row.step == _HOLD:
            body = json.loads(raw)
            found[row.case] = Hold(case=row.case, until=date.fromisoformat(body["until"]), reason=body["reason"])
    return {case: hold for case, hold in found.items() if hold.until >= today}


def _held_days(acting: Acting, unit: Unit) -> frozenset[_Key]:
    """Return the (rep, date) pairs that cases under a hold rest on: their day, and as many before as were looked at."""
    import sqlalchemy as sa

    held = _holds(acting, unit)
    if not held:
        return frozenset()
    table, people = acting.tables.cases, acting.tables.people
    spans = {
        name: alerter.days
        for name, alerter in acting.providers(unit, "alerters", role="find")
        if not isinstance(alerter, PluginError)
    }
    everybody = [row.id for row in unit.all(sa.select(people.c.id).where(people.c.tenant == acting.tenant))]
    zones = _zones(acting, unit)
    days: set[_Key] = set()
    for row in unit.all(sa.select(table).where(table.c.tenant == acting.tenant, table.c.id.in_(list(held)))):
        last = row.scope.partition(":")[0] or _local_date(row.opened_ms, zones.get(row.rep, "UTC"))
        for back in range(spans.get(row.origin, 1)):
            day = (date.fromisoformat(last) - timedelta(days=back)).isoformat()
            days |= {(rep, day) for rep in ([row.rep] if row.rep else everybody)}
    return frozenset(days)


def _finding(
    code: str, tenant: str, *, instance: str, at: datetime, severity: Severity, facts: Mapping[str, Any]
) -> Finding:
    return Finding(
        code=code,
        subject_kind="tenant",
        subject=tenant,
        rep=None,
        instance=instance,
        opened_at=at,
        severity=severity,
        confidence=1.0,
        rule="fieldhr.upkeep",
        version="1",
        evidence=(Evidence(kind="store", ids=(tenant,), facts=dict(facts)),),
        explanation=code,
        params=dict(facts),
        audience=(Audience.ADMIN, Audience.COMPLIANCE),
    )
