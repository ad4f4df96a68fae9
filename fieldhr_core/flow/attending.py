"""Time at work on cases: what was put off comes back, what nobody touched goes one level up, what is over is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.flow.cases import change, move, note_step, opened, renotify, rows_of
from fieldhr_core.flow.deadlines import Lines, case_policy
from fieldhr_core.model import OPEN, CaseState, CaseStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["attend"]

_DAY_MS: Final = 86_400_000
_AT_ONCE: Final = 500


def attend(acting: Acting) -> int:
    """Do what time has made due for the cases of a tenant, in order of time. Return how many were touched."""
    import sqlalchemy as sa

    acting, table = acting.as_house(), acting.tables.cases
    done = 0
    while True:
        with acting.unit() as unit:
            rows = unit.all(
                sa.select(table)
                .where(table.c.tenant == acting.tenant, table.c.wake_ms <= unit.at_ms)
                .order_by(table.c.wake_ms, table.c.id)
                .limit(_AT_ONCE)
            )
            if not rows:
                return done
            lines = Lines.of(acting, unit)
            policy = case_policy(acting.facts(unit).settings)
            woken, escalated = [], []
            for row in rows:
                if CaseState(row.state) not in OPEN:
                    move(acting, unit, [row.id], CaseState.CLOSED, CaseStep.CLOSE.value, "")
                elif row.raised_ms + policy.expire_days * _DAY_MS <= unit.at_ms:
                    note = f"nobody decided within {policy.expire_days} days"
                    move(acting, unit, [row.id], CaseState.CLOSED, CaseStep.EXPIRE.value, note)
                elif row.snoozed_ms is not None:
                    change(acting, unit, row.id, snoozed_ms=None)
                    woken.append(row.id)
                else:
                    escalated.append(row.id)
                    _escalate(acting, unit, row, lines)
            note_step(acting, unit, woken, "woken", "")
            for cases, why in ((woken, "woken"), (escalated, "escalated")):
                renotify(acting, unit, _cases(acting, unit, cases), why)
            unit.audit("alerts.attend", "cases", count=len(rows))
        done += len(rows)


def _escalate(acting: Acting, unit: Unit, row: Any, lines: Lines) -> None:
    above = lines.above(row.owner or "@compliance")
    change(acting, unit, row.id, escalated_ms=unit.at_ms, owner=above or row.owner)
    facts = {"from": row.owner, "to": above or row.owner, "deadline_ms": row.deadline_ms}
    note_step(acting, unit, [row.id], "escalated", "no step was taken by the deadline", facts)


def _cases(acting: Acting, unit: Unit, cases: Sequence[str]) -> list[Any]:
    return opened(acting, unit, list(rows_of(acting, unit, cases).values())) if cases else []
