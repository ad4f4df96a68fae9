"""Case journey: findings become cases, cases are told, explained, contested, decided by a person, and closed.

An alerter's answer is complete for the days it was asked about: what it no longer finds there was founded on data that
has changed, and its case is withdrawn with that reason. No step of a case leads to a sanction; a case only ever holds
what was found, what was said to it, and what a person decided.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import AccessError, CaseError, PluginError
from fieldhr_core.flow.delivery import enqueue
from fieldhr_core.flow.values import finding_from, plain
from fieldhr_core.model import (
    TRANSITIONS,
    Audience,
    Case,
    CaseEvent,
    CaseState,
    CaseStep,
    Finding,
    Period,
    Role,
    instant,
    milliseconds,
)
from fieldhr_core.store.rows import canonical_json, put, within

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit
    from fieldhr_core.flow.view import View
    from fieldhr_core.hooks.guard import ProviderHandle

__all__ = ["Alerts", "Replay", "raise_findings", "run_alerters"]

_ENDED = (CaseState.CONFIRMED, CaseState.DISMISSED, CaseState.WITHDRAWN)


@attrs.frozen(kw_only=True)
class Replay:
    """An alert computed again from its evidence: the stored bytes, the new ones, and whether they are equal."""

    case: str
    stored: bytes
    recomputed: bytes | None

    @property
    def equal(self) -> bool:
        """Whether the alert came out the same, byte for byte."""
        return self.stored == self.recomputed


class Alerts:
    """The desk's room for alerts and their cases."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def list(
        self,
        *,
        code: str | None = None,
        state: CaseState | None = None,
        rep: str | None = None,
        since: Any = None,
        until: Any = None,
    ) -> list[Case]:
        """Return the cases this principal may see, by opening instant, narrowed by what is given.

        Args:
            since, until: aware instants between which the finding opened, *since* included, *until* not.
        """
        import sqlalchemy as sa

        table = self._acting.tables.cases
        with self._acting.unit() as unit:
            where = [unit.scope(table)]
            if code is not None:
                where.append(table.c.code == code)
            if state is not None:
                where.append(table.c.state == CaseState(state).value)
            if rep is not None:
                where.append(table.c.rep == rep)
            if since is not None:
                where.append(table.c.opened_ms >= milliseconds(since))
            if until is not None:
                where.append(table.c.opened_ms < milliseconds(until))
            rows = unit.all(sa.select(table).where(*where).order_by(table.c.opened_ms, table.c.id))
            cases = _opened(self._acting, unit, rows)
            unit.audit("alerts.list", "cases", count=len(cases))
        return cases

    def get(self, case: str) -> Case:
        """Return one case with its history.

        Raises:
            AccessError: FHR-ACC-001 where there is none this principal may see.
        """
        with self._acting.unit() as unit:
            found = _load(self._acting, unit, case)
            unit.audit("alerts.read", "cases", case)
        return found

    def step(self, case: str, step: CaseStep, *, note: str = "") -> Case:
        """Take a case one step on and return it.

        Raises:
            AccessError: FHR-ACC-001 where there is no such case, FHR-ACC-003 where it is not for this principal to do.
            CaseError: FHR-CAS-001 where the case cannot take the step, or a decision has no reason.
        """
        acting, step = self._acting, CaseStep(step)
        with acting.unit() as unit:
            before = _load(acting, unit, case)
            _may(acting, before, step)
            after = TRANSITIONS.get((before.state, step))
            if after is None:
                raise CaseError(
                    f"A case that is {before.state} cannot {step}.", code="FHR-CAS-001", case=case, state=before.state
                )
            if step in (CaseStep.CONFIRM, CaseStep.DISMISS) and not note.strip():
                raise CaseError(
                    f"To {step} a case takes a reason.", code="FHR-CAS-001", hint="Say why in note=...", case=case
                )
            _move(acting, unit, [case], after, step.value, note)
            unit.audit(f"alerts.{step}", "cases", case)
            return _load(acting, unit, case)

    def replay(self, case: str) -> Replay:
        """Compute an alert again from its evidence, as of when it was last computed.

        What cannot be computed again - the evidence is past its retention, the alerter is gone - comes back with
        ``recomputed=None``.
        """
        import sqlalchemy as sa

        acting, table = self._acting, self._acting.tables.cases
        with acting.unit() as unit:
            unit.audit("alerts.replay", "cases", case)
            row = unit.connection.execute(sa.select(table).where(unit.scope(table), table.c.id == case)).first()
            if row is None:
                raise acting.not_found()
            body = json.loads(unit.open(table, "body_sealed", "case", [row.id], [row.body_sealed])[0])
            again = _found_again(acting, unit, row, body)
        stored = canonical_json(body["finding"])
        return Replay(case=case, stored=stored, recomputed=again)


def run_alerters(
    acting: Acting, unit: Unit, cadence: str, keys: Sequence[tuple[str, str]], *, as_of_ms: int | None = None
) -> list[str]:
    """Run every alerter of a cadence over (rep, date) pairs, date by date. Return the ids of new cases.

    The rep ``""`` stands for everybody: an alerter then sees the whole tenant, peers included.

    Args:
        as_of_ms: instant of judgement, UTC milliseconds; the unit's present where it is not given. A scheduled job
            that is late still judges as of the instant it was due.

    An alerter that fails is named in its report; the others run, and nothing of its own is withdrawn.
    """
    as_of_ms = unit.at_ms if as_of_ms is None else as_of_ms
    raised: list[str] = []
    by_date: dict[str, list[str]] = {}
    for rep, day in keys:
        by_date.setdefault(day, []).append(rep)
    for offer, alerter in acting.providers(unit, "alerters", role="find"):
        if isinstance(alerter, PluginError) or alerter.cadence != cadence:
            continue
        for day, reps in sorted(by_date.items()):
            view = _view(acting, unit, alerter, date.fromisoformat(day), as_of_ms, None if "" in reps else reps)
            try:
                findings = acting.house.guard.call(alerter, "find", view)
            except PluginError:
                continue
            raised += raise_findings(acting, unit, findings, origin=offer, day=day, as_of_ms=as_of_ms)
            _withdraw_missing(acting, unit, offer, view, reps, findings)
    return raised


def raise_findings(
    acting: Acting,
    unit: Unit,
    findings: Iterable[Finding],
    *,
    origin: str,
    day: str = "",
    as_of_ms: int | None = None,
) -> list[str]:
    """Turn findings into cases; the same occurrence seen again updates its case. Return the ids of new cases.

    Args:
        origin: which provider found them.
        day: local date they were looked for on; empty for what a check found.
        as_of_ms: instant of judgement; the unit's present where it is not given.
    """
    found = {_case_id(acting.tenant, finding): finding for finding in findings}
    known = _rows_of(acting, unit, list(found))
    new = [case for case in found if case not in known]
    changed = [case for case, row in known.items() if _differs(unit, row, found[case])]
    told_again = [case for case in changed if found[case].repeat > _finding_of(unit, known[case])["repeat"]]
    scope = (origin, day, unit.at_ms if as_of_ms is None else as_of_ms)
    rows = [_row(acting, unit, case, found[case], scope, known.get(case)) for case in [*new, *changed]]
    put(unit.connection, acting.tables.cases, rows)
    _note(acting, unit, new, "raised", "")
    _note(acting, unit, changed, "updated", "")
    if new:
        _announce(acting, unit, new)
    if told_again:
        enqueue(acting, unit, _in_order(_opened(acting, unit, list(_rows_of(acting, unit, told_again).values()))))
    return new


def _view(
    acting: Acting, unit: Unit, alerter: ProviderHandle, day: date, as_of_ms: int, reps: Sequence[str] | None
) -> View:
    from fieldhr_core.flow.view import View

    zone = ZoneInfo(acting.facts(unit).pattern.zone)
    period = Period(day - timedelta(days=alerter.days - 1), day)
    return View(acting, unit, period, instant(as_of_ms).astimezone(zone), reps)


def _case_id(tenant: str, finding: Finding) -> str:
    # The same occurrence has the same id in every process and every run, so raising it twice cannot double it.
    key = canonical_json([tenant, finding.code, finding.subject_kind, finding.subject, finding.instance])
    return hashlib.sha256(key).hexdigest()[:24]


def _rows_of(acting: Acting, unit: Unit, ids: Sequence[str]) -> dict[str, Any]:
    import sqlalchemy as sa

    table = acting.tables.cases
    found = {}
    for chunk in within(ids):
        for row in unit.all(sa.select(table).where(table.c.tenant == acting.tenant, table.c.id.in_(chunk))):
            found[row.id] = row
    return found


def _differs(unit: Unit, row: Any, finding: Finding) -> bool:
    if row.state in (CaseState.CONFIRMED, CaseState.DISMISSED):
        return False  # decided by a person: later data does not rewrite what was decided on
    return row.state == CaseState.WITHDRAWN or bool(_finding_of(unit, row) != plain(finding))


def _finding_of(unit: Unit, row: Any) -> dict[str, Any]:
    body = json.loads(unit.open(unit.acting.tables.cases, "body_sealed", "case", [row.id], [row.body_sealed])[0])
    finding: dict[str, Any] = body["finding"]
    return finding


def _row(
    acting: Acting, unit: Unit, case: str, finding: Finding, scope: tuple[str, str, int], before: Any | None
) -> dict[str, Any]:
    table, (origin, day, as_of_ms) = acting.tables.cases, scope
    body = canonical_json({"finding": plain(finding), "as_of_ms": as_of_ms, "day": day})
    state = CaseState.RAISED if before is None or before.state == CaseState.WITHDRAWN else CaseState(before.state)
    return {
        "tenant": acting.tenant,
        "id": case,
        "code": finding.code,
        "subject_kind": finding.subject_kind,
        "subject": finding.subject,
        "rep": finding.rep,
        "instance": finding.instance,
        "state": state.value,
        "severity": finding.severity.value,
        "opened_ms": milliseconds(finding.opened_at),
        "closed_ms": None if finding.closed_at is None else milliseconds(finding.closed_at),
        "raised_ms": unit.at_ms if before is None else before.raised_ms,
        "updated_ms": unit.at_ms,
        "owner": None if before is None else before.owner,
        "origin": origin,
        "scope": f"{day}:{finding.rep or ''}",
        "confidential": not {Audience.REP, Audience.MANAGER} & set(finding.audience),
        "body_sealed": unit.seal(table, "body_sealed", "case", [case], [body])[0],
    }


def _withdraw_missing(
    acting: Acting, unit: Unit, origin: str, view: View, reps: Sequence[str], findings: Iterable[Finding]
) -> None:
    """Withdraw what an alerter raised and no longer finds.

    Its answer is complete for the days it was shown. Of the last of them everything is withdrawn that was not found
    again; of the earlier ones what is still going on: what has ended may lie too far back to be found again.
    """
    import sqlalchemy as sa

    table, day = acting.tables.cases, view.period.last.isoformat()
    found = {_case_id(acting.tenant, finding) for finding in findings}
    first_ms = milliseconds(datetime.combine(view.period.first, datetime.min.time(), view.as_of.tzinfo))
    gone: list[str] = []
    for chunk in within(reps):
        mine = table.c.rep.in_(chunk) if "" not in chunk else sa.or_(table.c.rep.in_(chunk), table.c.rep.is_(None))
        today = table.c.scope.in_([f"{day}:{rep}" for rep in chunk])
        lasting = sa.and_(mine, table.c.closed_ms.is_(None), table.c.opened_ms >= first_ms)
        statement = sa.select(table.c.id).where(
            table.c.tenant == acting.tenant,
            table.c.origin == origin,
            sa.or_(today, lasting),
            table.c.state.not_in([state.value for state in _ENDED]),
        )
        gone += [row.id for row in unit.all(statement) if row.id not in found]
    _move(acting, unit, gone, CaseState.WITHDRAWN, CaseStep.WITHDRAW.value, "later data no longer supports it")


def _move(acting: Acting, unit: Unit, cases: Sequence[str], state: CaseState, step: str, note: str) -> None:
    import sqlalchemy as sa

    table = acting.tables.cases
    for chunk in within(cases):
        unit.connection.execute(
            sa.update(table)
            .where(table.c.tenant == acting.tenant, table.c.id.in_(chunk))
            .values(state=state.value, updated_ms=unit.at_ms)
        )
    _note(acting, unit, cases, step, note)


def _note(acting: Acting, unit: Unit, cases: Sequence[str], step: str, note: str) -> None:
    import sqlalchemy as sa

    if not cases:
        return
    table = acting.tables.case_events
    last: dict[str, int] = {}
    for chunk in within(cases):
        for row in unit.all(
            sa.select(table.c.case, sa.func.max(table.c.seq).label("seq"))
            .where(table.c.tenant == acting.tenant, table.c.case.in_(chunk))
            .group_by(table.c.case)
        ):
            last[row.case] = row.seq
    ids = [f"{case}/{last.get(case, 0) + 1}" for case in cases]
    sealed = unit.seal(table, "body_sealed", "case", ids, [canonical_json({"note": note})] * len(ids))
    unit.connection.execute(
        sa.insert(table),
        [
            {
                "tenant": acting.tenant,
                "case": case,
                "seq": last.get(case, 0) + 1,
                "at_ms": unit.at_ms,
                "by": acting.principal.id,
                "step": step,
                "body_sealed": body,
            }
            for case, body in zip(cases, sealed, strict=True)
        ],
    )


def _announce(acting: Acting, unit: Unit, cases: Sequence[str]) -> None:
    raised = _in_order(_opened(acting, unit, list(_rows_of(acting, unit, cases).values())))
    enqueue(acting, unit, raised)
    unit.afterwards(
        lambda: acting.house.registry.announce("fieldhr_alerts_raised", tenant=acting.tenant, cases=tuple(raised))
    )


def _in_order(cases: list[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: (case.finding.opened_at, case.id))


def _may(acting: Acting, case: Case, step: CaseStep) -> None:
    principal = acting.principal
    own = principal.role is Role.REP and case.finding.rep is not None and principal.person == case.finding.rep
    if step in (CaseStep.EXPLAIN, CaseStep.CONTEST):
        allowed = own or (step is CaseStep.EXPLAIN and principal.role is not Role.REP)
    elif step is CaseStep.WITHDRAW:
        allowed = principal.role in (Role.ADMIN, Role.COMPLIANCE)
    else:
        allowed = principal.role in (Role.MANAGER, Role.COMPLIANCE, Role.ADMIN)
    if case.state is CaseState.CONTESTED and step in (CaseStep.CONFIRM, CaseStep.DISMISS):
        # A contested case is decided by somebody else than whoever has already judged it.
        judged = {event.by for event in case.history if event.step in (CaseStep.CONFIRM, CaseStep.ACKNOWLEDGE)}
        allowed = allowed and principal.id not in judged
    if not allowed:
        raise AccessError(f"This principal may not {step} this case.", code="FHR-ACC-003", role=principal.role.value)


def _load(acting: Acting, unit: Unit, case: str) -> Case:
    import sqlalchemy as sa

    table = acting.tables.cases
    row = unit.connection.execute(sa.select(table).where(unit.scope(table), table.c.id == case)).first()
    if row is None:
        raise acting.not_found()
    return _opened(acting, unit, [row])[0]


def _opened(acting: Acting, unit: Unit, rows: Sequence[Any]) -> list[Case]:
    import sqlalchemy as sa

    table, events = acting.tables.cases, acting.tables.case_events
    bodies = unit.open(table, "body_sealed", "case", [row.id for row in rows], [row.body_sealed for row in rows])
    history: dict[str, list[Any]] = {}
    for chunk in within(row.id for row in rows):
        for event in unit.all(
            sa.select(events)
            .where(events.c.tenant == acting.tenant, events.c.case.in_(chunk))
            .order_by(events.c.case, events.c.seq)
        ):
            history.setdefault(event.case, []).append(event)
    simulated = acting.facts(unit).simulated
    return [
        _case(unit, row, json.loads(body), history.get(row.id, []), simulated)
        for row, body in zip(rows, bodies, strict=True)
    ]


def _case(unit: Unit, row: Any, body: Mapping[str, Any], events: Sequence[Any], simulated: bool) -> Case:
    notes = unit.open(
        unit.acting.tables.case_events,
        "body_sealed",
        "case",
        [f"{event.case}/{event.seq}" for event in events],
        [event.body_sealed for event in events],
    )
    return Case(
        id=row.id,
        tenant=row.tenant,
        finding=finding_from(body["finding"]),
        state=CaseState(row.state),
        raised_at=instant(row.raised_ms),
        updated_at=instant(row.updated_ms),
        owner=row.owner,
        simulated=simulated,
        history=tuple(
            CaseEvent(at=instant(event.at_ms), by=event.by, step=event.step, note=json.loads(note)["note"])
            for event, note in zip(events, notes, strict=True)
        ),
    )


def _found_again(acting: Acting, unit: Unit, row: Any, body: Mapping[str, Any]) -> bytes | None:
    from fieldhr_core.flow.customers import customer_ruled_again
    from fieldhr_core.flow.messages import message_ruled_again

    if not body["day"]:
        again = {"customer": customer_ruled_again}.get(row.subject_kind, message_ruled_again)
        found: Sequence[Finding] = again(acting, unit, row)
    else:
        alerters = dict(acting.providers(unit, "alerters", role="find"))
        alerter = alerters.get(row.origin)
        if alerter is None or isinstance(alerter, PluginError):
            return None
        alone = row.rep is not None and alerter.cadence == "live"
        reps = [row.rep] if alone else None  # what was judged beside its peers is judged beside them again
        view = _view(acting, unit, alerter, date.fromisoformat(body["day"]), body["as_of_ms"], reps)
        found = acting.house.guard.call(alerter, "find", view)
    for finding in found:
        if _case_id(acting.tenant, finding) == row.id:
            return canonical_json(plain(finding))
    return None
