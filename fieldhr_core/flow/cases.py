"""Cases: findings that became something a person looks at, with their state and full history.

No step of a case leads to a sanction; a case only ever holds what was found, what was said to it, and what a person
decided.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fieldhr_core.flow.delivery import enqueue
from fieldhr_core.flow.places import DOUBTS, touch_places
from fieldhr_core.flow.values import finding_from, plain
from fieldhr_core.model import (
    Audience,
    Case,
    CaseEvent,
    CaseState,
    CaseStep,
    Finding,
    Ruling,
    Settled,
    instant,
    milliseconds,
)
from fieldhr_core.store.rows import canonical_json, put, within

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit
    from fieldhr_core.hooks.providers import Tables

__all__ = ["case_id", "load", "move", "opened", "raise_findings", "withdraw_cleared", "withdraw_missing"]

_OUTCOMES = {
    "explained": (CaseState.EXPLAINED, CaseStep.EXPLAIN),
    "withdrawn": (CaseState.WITHDRAWN, CaseStep.WITHDRAW),
}
_ENDED = (CaseState.CONFIRMED, CaseState.DISMISSED, CaseState.WITHDRAWN)


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
        findings: what was found; a :class:`Settled` one makes no case, it settles the one there is.
        origin: which provider found them.
        day: local date they were looked for on; empty for what a check found.
        as_of_ms: instant of judgement; the unit's present where it is not given.
    """
    found: dict[str, Finding] = {}
    settled: dict[str, Finding] = {}
    for finding in findings:
        (settled if isinstance(finding, Settled) else found)[case_id(acting.tenant, finding)] = finding
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
        enqueue(acting, unit, _in_order(opened(acting, unit, list(_rows_of(acting, unit, told_again).values()))))
    _settle(acting, unit, settled)
    if any(found[case].code in DOUBTS for case in [*new, *changed]):
        touch_places(acting, unit)
    return new


def withdraw_missing(
    acting: Acting, unit: Unit, origin: str, tables: Tables, reps: Sequence[str], findings: Iterable[Finding]
) -> None:
    """Withdraw what an alerter raised and no longer finds.

    Its answer is complete for the days it was shown. Of the last of them everything is withdrawn that was not found
    again; of the earlier ones what is still going on: what has ended may lie too far back to be found again.
    """
    import sqlalchemy as sa

    table, day = acting.tables.cases, tables.period.last.isoformat()
    found = {case_id(acting.tenant, finding) for finding in findings}
    first_ms = milliseconds(datetime.combine(tables.period.first, datetime.min.time(), tables.as_of.tzinfo))
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
    move(acting, unit, gone, CaseState.WITHDRAWN, CaseStep.WITHDRAW.value, "later data no longer supports it")


def withdraw_cleared(
    acting: Acting, unit: Unit, kind: str, subjects: Sequence[str], each: Mapping[str, Sequence[Ruling]]
) -> None:
    """Withdraw what a check raised about these subjects and, ruling on all of them again, no longer finds."""
    import sqlalchemy as sa

    table = acting.tables.cases
    gone: list[str] = []
    for origin, rulings in each.items():
        found = {case_id(acting.tenant, finding) for ruling in rulings for finding in ruling.findings}
        for chunk in within(subjects):
            statement = sa.select(table.c.id).where(
                table.c.tenant == acting.tenant,
                table.c.origin == origin,
                table.c.subject_kind == kind,
                table.c.subject.in_(chunk),
                table.c.state.not_in([state.value for state in _ENDED]),
            )
            gone += [row.id for row in unit.all(statement) if row.id not in found]
    move(acting, unit, gone, CaseState.WITHDRAWN, CaseStep.WITHDRAW.value, "the check no longer finds it")


def move(acting: Acting, unit: Unit, cases: Sequence[str], state: CaseState, step: str, note: str) -> None:
    """Put cases into a state and write down the step that led there."""
    import sqlalchemy as sa

    table = acting.tables.cases
    for chunk in within(cases):
        unit.connection.execute(
            sa.update(table)
            .where(table.c.tenant == acting.tenant, table.c.id.in_(chunk))
            .values(state=state.value, updated_ms=unit.at_ms)
        )
    _note(acting, unit, cases, step, note)
    if any(row.code in DOUBTS for row in _rows_of(acting, unit, cases).values()):
        touch_places(acting, unit)


def load(acting: Acting, unit: Unit, case: str) -> Case:
    """Return one case with its history; FHR-ACC-001 where there is none this principal may see."""
    import sqlalchemy as sa

    table = acting.tables.cases
    row = unit.connection.execute(sa.select(table).where(unit.scope(table), table.c.id == case)).first()
    if row is None:
        raise acting.not_found()
    return opened(acting, unit, [row])[0]


def opened(acting: Acting, unit: Unit, rows: Sequence[Any]) -> list[Case]:
    """Return the cases of rows of ``cases``, opened and with their history, in the rows' order."""
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


def case_id(tenant: str, finding: Finding) -> str:
    """Return the id of the case a finding belongs to."""
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


def _settle(acting: Acting, unit: Unit, settled: Mapping[str, Finding]) -> None:
    """Move cases that better knowledge settles; what a person has said something about already stays as it is."""
    untouched = (CaseState.RAISED, CaseState.ACKNOWLEDGED)
    by_outcome: dict[tuple[str, str], list[str]] = {}
    for case, row in _rows_of(acting, unit, list(settled)).items():
        finding = settled[case]
        if row.state in untouched and isinstance(finding, Settled):
            by_outcome.setdefault((finding.outcome, finding.reason), []).append(case)
    for (outcome, reason), cases in by_outcome.items():
        state, step = _OUTCOMES[outcome]
        move(acting, unit, cases, state, step.value, reason)


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
    raised = _in_order(opened(acting, unit, list(_rows_of(acting, unit, cases).values())))
    enqueue(acting, unit, raised)
    unit.afterwards(
        lambda: acting.house.registry.announce("fieldhr_alerts_raised", tenant=acting.tenant, cases=tuple(raised))
    )


def _in_order(cases: list[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: (case.finding.opened_at, case.id))


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
