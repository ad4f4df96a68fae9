"""Cases: findings that became something a person looks at, with their state and full history.

No step of a case leads to a sanction; a case only ever holds what was found, what was said to it, and what a person
decided.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.flow.deadlines import Lines, answer_by_ms, case_policy, deadline_ms, review_by_ms, wake_of
from fieldhr_core.flow.notices import drop_unsent, enqueue
from fieldhr_core.flow.places import DOUBTS, touch_places
from fieldhr_core.flow.storms import storms_of
from fieldhr_core.flow.values import finding_from, plain
from fieldhr_core.model import (
    DECIDED,
    Audience,
    Case,
    CaseEvent,
    CaseOutcome,
    CasePolicy,
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
    from fieldhr_core.flow.acting import Acting, TenantFacts, Unit
    from fieldhr_core.hooks.providers import Tables

__all__ = [
    "Standing",
    "case_id",
    "change",
    "is_kept_from_rep",
    "load",
    "move",
    "note_step",
    "opened",
    "raise_findings",
    "renotify",
    "rows_of",
    "since_then",
    "tell",
    "withdraw_cleared",
]

#: Step -> outcome it leaves.
_OUTCOME_OF: dict[str, CaseOutcome] = {
    CaseStep.DISMISS: CaseOutcome.DISMISSED,
    CaseStep.WITHDRAW: CaseOutcome.WITHDRAWN,
    CaseStep.EXPIRE: CaseOutcome.EXPIRED,
}
_OUTCOMES = {
    "explained": (CaseState.EXPLAINED, CaseStep.EXPLAIN),
    "withdrawn": (CaseState.WITHDRAWN, CaseStep.WITHDRAW),
}
#: Columns that hold how a case stands, apart from its state: kept when its finding is updated.
_CLOCKS = (
    "owner",
    "outcome",
    "told_ms",
    "answer_by_ms",
    "deadline_ms",
    "escalated_ms",
    "snoozed_ms",
    "settled_ms",
)
_ENDED = (*DECIDED, CaseState.WITHDRAWN)


def raise_findings(
    acting: Acting,
    unit: Unit,
    findings: Iterable[Finding],
    *,
    origin: str,
    day: str = "",
    as_of_ms: int | None = None,
    carried: Mapping[str, Any] | None = None,
) -> list[str]:
    """Turn findings into cases; the same occurrence seen again updates its case. Return the ids of new cases.

    Args:
        findings: what was found; a :class:`Settled` one makes no case, it settles the one there is.
        origin: which provider found them.
        day: local date they were looked for on; empty for what a check found.
        as_of_ms: instant of judgement; the unit's present where it is not given.
        carried: id of a case -> what its finding was made of, where the host and not this store keeps it; the case
            carries it, sealed, so that the finding can be made again.
    """
    found: dict[str, Finding] = {}
    settled: dict[str, Finding] = {}
    for finding in findings:
        (settled if isinstance(finding, Settled) else found)[case_id(acting.tenant, finding)] = finding
    known = rows_of(acting, unit, list(found))
    if not day:
        found = {case: since_then(finding, known.get(case)) for case, finding in found.items()}
    new = [case for case in found if case not in known]
    changed = [case for case, row in known.items() if _differs(unit, row, found[case])]
    told_again = [case for case in changed if found[case].repeat > _finding_of(unit, known[case])["repeat"]]
    scope = (origin, day, unit.at_ms if as_of_ms is None else as_of_ms)
    written = [*new, *changed]
    carried = carried or {}
    if written:
        told = {found[case].rep for case in written if Audience.REP in found[case].audience}
        clocks = _Clocks.of(acting, unit, [rep for rep in told if rep is not None])
        rows = [
            _row(acting, unit, case, found[case], scope, known.get(case), clocks, carried.get(case)) for case in written
        ]
        put(unit.connection, acting.tables.cases, rows)
    note_step(acting, unit, new, "raised", "")
    note_step(acting, unit, changed, "updated", "")
    if new:
        storms = storms_of(acting, unit, {found[case].code for case in new})
        _announce(acting, unit, new)
        if storms:
            raise_findings(acting.as_house(), unit, storms, origin="fieldhr.storms")
    if told_again:
        enqueue(acting, unit, _in_order(opened(acting, unit, list(rows_of(acting, unit, told_again).values()))))
    _settle(acting, unit, settled)
    if any(found[case].code in DOUBTS for case in [*new, *changed]):
        touch_places(acting, unit)
    return new


class Standing:
    """What alerters raised about some people that may not be found again today; asked for once for all of them.

    Args:
        origins: the alerters.
        day: local date that is judged.
        reps: who is judged; ``""`` stands for everybody.
        days: how many local days the alerters look back at most.
    """

    def __init__(
        self, acting: Acting, unit: Unit, origins: Sequence[str], day: str, reps: Sequence[str], *, days: int
    ) -> None:
        import sqlalchemy as sa

        self._acting, self._unit, self._day = acting, unit, day
        self._by_origin: dict[str, list[Any]] = {}
        table, zone = acting.tables.cases, ZoneInfo(acting.facts(unit).pattern.zone)
        first = date.fromisoformat(day) - timedelta(days=days - 1)
        first_ms = milliseconds(datetime.combine(first, datetime.min.time(), zone))
        columns = [table.c[name] for name in ("id", "origin", "scope", "closed_ms", "opened_ms", "rep")]
        for chunk in within(reps):
            mine = table.c.rep.in_(chunk) if "" not in chunk else sa.or_(table.c.rep.in_(chunk), table.c.rep.is_(None))
            today = table.c.scope.in_([f"{day}:{rep}" for rep in chunk])
            lasting = sa.and_(mine, table.c.closed_ms.is_(None), table.c.opened_ms >= first_ms)
            statement = sa.select(*columns).where(
                table.c.tenant == acting.tenant,
                table.c.origin.in_(sorted(origins)),
                sa.or_(today, lasting),
                table.c.state.not_in([state.value for state in _ENDED]),
            )
            for row in unit.all(statement):
                self._by_origin.setdefault(row.origin, []).append(row)

    def withdraw_missing(self, origin: str, tables: Tables, findings: Iterable[Finding]) -> None:
        """Withdraw what an alerter raised and no longer finds.

        Its answer is complete for the days it was shown. Of the last of them everything is withdrawn that was not found
        again; of the earlier ones what is still going on: what has ended may lie too far back to be found again.
        """
        rows = self._by_origin.get(origin)
        if not rows:
            return
        found = {case_id(self._acting.tenant, finding) for finding in findings}
        first_ms = milliseconds(datetime.combine(tables.period.first, datetime.min.time(), tables.as_of.tzinfo))
        gone = [
            row.id
            for row in rows
            if row.id not in found
            and (row.scope.partition(":")[0] == self._day or (row.closed_ms is None and row.opened_ms >= first_ms))
        ]
        # Another alerter of the same round may have ended one since.
        known = rows_of(self._acting, self._unit, gone)
        gone = [case for case in gone if CaseState(known[case].state) not in _ENDED]
        note = "later data no longer supports it"
        move(self._acting, self._unit, gone, CaseState.WITHDRAWN, CaseStep.WITHDRAW.value, note)


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


def move(
    acting: Acting,
    unit: Unit,
    cases: Sequence[str],
    state: CaseState,
    step: str,
    note: str,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Put cases into a state, set their clocks accordingly, and write down the step that led there."""
    rows = rows_of(acting, unit, cases)
    if not rows:
        return
    clocks = _Clocks.of(acting, unit, {row.rep for row in rows.values() if row.rep and not row.confidential})
    told = [case for case, row in rows.items() if _set(acting, unit, row, clocks.after(unit, row, state, step))]
    for group, said in ((told, {"told": True}), ([case for case in cases if case not in told], {})):
        note_step(acting, unit, group, step, note, {**(facts or {}), **said})
    if step == CaseStep.WITHDRAW:
        known = drop_unsent(acting, unit, list(rows))
        if known:
            mine = [row for case, row in rows_of(acting, unit, list(rows)).items() if case in known]
            enqueue(acting, unit, opened(acting, unit, mine), why="withdrawn")
    if any(row.code in DOUBTS for row in rows.values()):
        touch_places(acting, unit)


def change(acting: Acting, unit: Unit, case: str, **values: Any) -> None:
    """Change columns of a case that are no step of its life: owner, deadline, snoozing."""
    row = rows_of(acting, unit, [case])[case]
    policy = case_policy(acting.facts(unit).settings)
    values = {"updated_ms": unit.at_ms, **values}
    _set(acting, unit, row, {**values, "wake_ms": wake_of({**row._mapping, **values}, policy)})


def tell(acting: Acting, unit: Unit, cases: Sequence[str]) -> None:
    """Note that the reps of cases were told of them just now; their time to answer begins."""
    rows = rows_of(acting, unit, cases)
    clocks = _Clocks.of(acting, unit, {row.rep for row in rows.values()})
    for row in rows.values():
        values = {"told_ms": unit.at_ms, "answer_by_ms": clocks.answer_by[row.rep]}
        _set(acting, unit, row, values)
    note_step(acting, unit, list(rows), "told", "")


def renotify(acting: Acting, unit: Unit, cases: Sequence[Case], why: str) -> None:
    """Send notices of cases once more because something happened to them (``escalated``, ``woken`` ...)."""
    enqueue(acting, unit, cases, why=why)


def is_kept_from_rep(case: Case) -> bool:
    """Return whether neither the rep nor whoever leads them may know of a case."""
    return _is_confidential(case.finding)


@attrs.frozen(eq=False)
class _Clocks:
    """How much time everybody has, in one tenant, as of one instant."""

    facts: TenantFacts
    policy: CasePolicy
    lines: Lines
    answer_by: Mapping[str, int]

    @classmethod
    def of(cls, acting: Acting, unit: Unit, reps: Iterable[str]) -> _Clocks:
        facts = acting.facts(unit)
        policy = case_policy(facts.settings)
        return cls(facts, policy, Lines.of(acting, unit), answer_by_ms(acting, unit, policy, reps, unit.at_ms))

    def fresh(self, unit: Unit, finding: Finding) -> dict[str, Any]:
        """Return the clocks of a case that has just been raised."""
        told = finding.rep in self.answer_by and Audience.REP in finding.audience
        return {
            "owner": self.lines.owner_of(finding),
            "outcome": CaseOutcome.UNDECIDED.value,
            "told_ms": unit.at_ms if told else None,
            "answer_by_ms": self.answer_by[finding.rep or ""] if told else None,
            "deadline_ms": deadline_ms(self.facts, self.policy, finding.severity.value, unit.at_ms),
            "escalated_ms": None,
            "snoozed_ms": None,
            "settled_ms": None,
        }

    def after(self, unit: Unit, row: Any, state: CaseState, step: str) -> dict[str, Any]:
        """Return what a step changes in the columns of a case."""
        values: dict[str, Any] = {"state": state.value, "updated_ms": unit.at_ms, "snoozed_ms": None}
        may_answer = row.rep in self.answer_by and not row.confidential
        if may_answer and row.told_ms is None and step in (CaseStep.ACKNOWLEDGE, CaseStep.EXPLAIN, CaseStep.CONTEST):
            values |= {"told_ms": unit.at_ms, "answer_by_ms": self.answer_by[row.rep]}
        if step in (CaseStep.ACKNOWLEDGE, CaseStep.EXPLAIN):
            waits = max(unit.at_ms, values.get("answer_by_ms", row.answer_by_ms) or 0)
            since = unit.at_ms if step == CaseStep.EXPLAIN else waits
            values["deadline_ms"] = deadline_ms(self.facts, self.policy, row.severity, since)
        elif step == CaseStep.CONTEST:
            values |= {
                "owner": self.lines.reviewer_of(row.rep or ""),
                "outcome": CaseOutcome.UNDECIDED.value,
                "deadline_ms": review_by_ms(self.facts, self.policy, unit.at_ms),
                "escalated_ms": None,
            }
        elif step == CaseStep.CONFIRM:
            values |= {
                "outcome": CaseOutcome.UPHELD.value,
                "deadline_ms": None,
                "answer_by_ms": self.answer_by[row.rep] if may_answer else None,
            }
        elif step in _OUTCOME_OF:
            values |= {"outcome": _OUTCOME_OF[step].value, "deadline_ms": None}
        if state is CaseState.CLOSED:
            values["settled_ms"] = unit.at_ms
        values["wake_ms"] = wake_of({**row._mapping, **values}, self.policy)
        return values


def _set(acting: Acting, unit: Unit, row: Any, values: Mapping[str, Any]) -> bool:
    """Change the columns of a case. Return whether its rep was told by that."""
    import sqlalchemy as sa

    table = acting.tables.cases
    unit.connection.execute(
        sa.update(table).where(table.c.tenant == acting.tenant, table.c.id == row.id).values(**values)
    )
    return values.get("told_ms") is not None and row.told_ms is None


def _is_confidential(finding: Finding) -> bool:
    return not {Audience.REP, Audience.MANAGER} & set(finding.audience)


def load(acting: Acting, unit: Unit, case: str) -> Case:
    """Return one case with its history; FHR-ACC-001 where there is none this principal may see."""
    import sqlalchemy as sa

    table = acting.tables.cases
    row = unit.connection.execute(sa.select(table).where(unit.scope(table), table.c.id == case)).first()
    if row is None:
        raise acting.not_found("cases", case)
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


def rows_of(acting: Acting, unit: Unit, ids: Sequence[str]) -> dict[str, Any]:
    """Return rows of ``cases`` by id; ids that are not there are left out."""
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
    for case, row in rows_of(acting, unit, list(settled)).items():
        finding = settled[case]
        if row.state in untouched and isinstance(finding, Settled):
            by_outcome.setdefault((finding.outcome, finding.reason), []).append(case)
    for (outcome, reason), cases in by_outcome.items():
        state, step = _OUTCOMES[outcome]
        move(acting, unit, cases, state, step.value, reason)


def since_then(finding: Finding, row: Any | None) -> Finding:
    """Return what a check finds again as of when it first found it: asked again, it only knows the present."""
    if row is None or row.state == CaseState.WITHDRAWN:
        return finding
    opened = instant(row.opened_ms)
    ended = opened if finding.closed_at == finding.opened_at else finding.closed_at
    return attrs.evolve(finding, opened_at=opened, closed_at=ended)


def _differs(unit: Unit, row: Any, finding: Finding) -> bool:
    if row.state in DECIDED:
        return False  # decided by a person: later data does not rewrite what was decided on
    return row.state == CaseState.WITHDRAWN or bool(_finding_of(unit, row) != plain(finding))


def _finding_of(unit: Unit, row: Any) -> dict[str, Any]:
    body = json.loads(unit.open(unit.acting.tables.cases, "body_sealed", "case", [row.id], [row.body_sealed])[0])
    finding: dict[str, Any] = body["finding"]
    return finding


def _row(
    acting: Acting,
    unit: Unit,
    case: str,
    finding: Finding,
    scope: tuple[str, str, int],
    before: Any | None,
    clocks: _Clocks,
    carried: Any = None,
) -> dict[str, Any]:
    table, (origin, day, as_of_ms) = acting.tables.cases, scope
    content = {"finding": plain(finding), "as_of_ms": as_of_ms, "day": day}
    body = canonical_json(content if carried is None else {**content, "carried": carried})
    is_fresh = before is None or before.state == CaseState.WITHDRAWN
    state = CaseState.RAISED if before is None or is_fresh else CaseState(before.state)
    kept = {} if before is None else {name: getattr(before, name) for name in _CLOCKS}
    row = {
        "tenant": acting.tenant,
        "id": case,
        "code": finding.code,
        "pattern": finding.pattern[:80],
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
        **(clocks.fresh(unit, finding) if is_fresh else kept),
        "origin": origin,
        "scope": f"{day}:{finding.rep or ''}",
        "confidential": _is_confidential(finding),
        "body_sealed": unit.seal(table, "body_sealed", "case", [case], [body])[0],
    }
    row["wake_ms"] = wake_of(row, clocks.policy)
    return row


def note_step(
    acting: Acting,
    unit: Unit,
    cases: Sequence[str],
    step: str,
    note: str,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry to the history of cases."""
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
    body = canonical_json({"note": note, "facts": dict(facts)} if facts else {"note": note})
    sealed = unit.seal(table, "body_sealed", "case", ids, [body] * len(ids))
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
                "body_sealed": value,
            }
            for case, value in zip(cases, sealed, strict=True)
        ],
    )


def _announce(acting: Acting, unit: Unit, cases: Sequence[str]) -> None:
    raised = _in_order(opened(acting, unit, list(rows_of(acting, unit, cases).values())))
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
        outcome=CaseOutcome(row.outcome),
        told_at=_instant(row.told_ms),
        answer_by=_instant(row.answer_by_ms),
        deadline=_instant(row.deadline_ms),
        escalated_at=_instant(row.escalated_ms),
        snoozed_until=_instant(row.snoozed_ms),
        settled_at=_instant(row.settled_ms),
        simulated=simulated,
        history=tuple(_event(event, json.loads(note)) for event, note in zip(events, notes, strict=True)),
    )


def _event(row: Any, body: Mapping[str, Any]) -> CaseEvent:
    facts = body.get("facts") or {key: value for key, value in body.items() if key != "note"}
    return CaseEvent(at=instant(row.at_ms), by=row.by, step=row.step, note=body["note"], facts=facts)


def _instant(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else instant(at_ms)
