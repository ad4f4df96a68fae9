"""Case journey: told, explained, contested, decided by a person with a reason, and computed again from its evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.errors import AccessError, CaseError, PluginError
from fieldhr_core.flow.cases import case_id, load, move, opened
from fieldhr_core.flow.customers import customer_ruled_again
from fieldhr_core.flow.judging import view_for
from fieldhr_core.flow.messages import message_ruled_again
from fieldhr_core.flow.values import plain
from fieldhr_core.model import (
    TRANSITIONS,
    Case,
    CaseState,
    CaseStep,
    Finding,
    Role,
    milliseconds,
)
from fieldhr_core.store.rows import canonical_json

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Alerts", "Replay"]


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
            cases = opened(self._acting, unit, rows)
            unit.audit("alerts.list", "cases", count=len(cases))
        return cases

    def get(self, case: str) -> Case:
        """Return one case with its history.

        Raises:
            AccessError: FHR-ACC-001 where there is none this principal may see.
        """
        with self._acting.unit() as unit:
            found = load(self._acting, unit, case)
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
            before = load(acting, unit, case)
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
            move(acting, unit, [case], after, step.value, note)
            unit.audit(f"alerts.{step}", "cases", case)
            return load(acting, unit, case)

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


def _found_again(acting: Acting, unit: Unit, row: Any, body: Mapping[str, Any]) -> bytes | None:

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
        view = view_for(acting, unit, alerter, date.fromisoformat(body["day"]), body["as_of_ms"], reps)
        found = acting.house.guard.call(alerter, "find", view)
    for finding in found:
        if case_id(acting.tenant, finding) == row.id:
            return canonical_json(plain(finding))
    return None
