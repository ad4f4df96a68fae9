"""The same days through other rules: what a published resolver, chosen by its name, makes of them.

Each rule gets a tenant of its own in a runtime in memory, through the public interface, and is marked by the same key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fieldhr_core.model import Case, Datum, Principal, Role
from fieldhr_sandbox.answers import AnswerKey
from fieldhr_sandbox.feed import introduce, opening_instant
from fieldhr_sandbox.marking import Alert, CodeMarks, mark_code, match
from fieldhr_sandbox.tenant import Tenant

__all__ = ["COMPARED", "at_most_half", "compare", "comparison_row"]

#: The code by which resolvers are compared: the others do not depend on how stays are found.
COMPARED: Final = "track.offsite_dwell"


def compare(
    tenant: Tenant,
    key: AnswerKey,
    rules: Sequence[str],
    *,
    plugins: Sequence[Any] | None = None,
    autoload: bool = True,
    call_limit_s: float | None = None,
) -> list[dict[str, Any]]:
    """Return the marks of each resolver in *rules* for :data:`COMPARED`, one row a rule.

    Everything but positions is known from the start and a day's positions arrive at its end: a rule that bridges
    silence or tests a circle loses nothing by that.

    Args:
        tenant: whose days.
        key: by which the alerts are marked.
        rules: values of the tenant's setting ``resolver``.
        plugins, autoload, call_limit_s: for the runtime.

    Raises:
        PluginError: FHR-PLG-015 where no plugin offers a resolver of that name.
    """
    if not rules:
        return []
    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.runtime import FieldHR
    from fieldhr_sandbox.trial import alert_of

    clock = FrozenClock(opening_instant(tenant))
    ids = {rule: f"{tenant.id}-{rule}" for rule in rules}
    found: dict[str, list[Case]] = {}
    with FieldHR.open("sqlite://", plugins=plugins, autoload=autoload, clock=clock, call_limit_s=call_limit_s) as hr:
        for rule, name in ids.items():
            hr.tenants.create(
                name,
                name=f"{rule} (simulated)",
                pattern=tenant.days.pattern,
                calendar=tenant.days.calendar,
                settings={"resolver": rule},
                simulated=True,
            )
            with hr.acting_as(_principal(name), purpose="integration") as desk:
                introduce(desk, tenant, clock.now())
        for day in range(tenant.days.count):
            table = tenant.fixes(tenant.day_scripts(day)).table
            clock.advance(tenant.days.instant(day, 24 * 3600))
            if not len(table):
                continue
            for name in ids.values():
                with hr.acting_as(_principal(name), purpose="integration") as desk:
                    desk.positions.record(table, datum=Datum.WGS84)
        for rule, name in ids.items():
            with hr.acting_as(_principal(name), purpose="operations") as desk:
                found[rule] = [case for case in desk.alerts.list() if case.state.value != "withdrawn"]
    return [
        comparison_row(rule, _marks(key, [alert_of(case) for case in cases]), tenant) for rule, cases in found.items()
    ]


def comparison_row(rule: str, marks: CodeMarks, tenant: Tenant) -> dict[str, Any]:
    """Return one row of the table: found, missed, false alarms and what they come to."""
    days = tenant.exposure().rep_days
    return {
        "rule": rule,
        **{name: getattr(marks, name) for name in ("tp", "fp", "fn", "duplicates", "precision", "recall")},
        "false_per_100_rep_days": round(100 * marks.fp / days, 2) if days else 0.0,
    }


def _marks(key: AnswerKey, alerts: Sequence[Alert]) -> CodeMarks:
    return mark_code(COMPARED, match(key, alerts))


def _principal(tenant: str) -> Principal:
    return Principal(tenant=tenant, id="sandbox", role=Role.ADMIN)


def at_most_half(rows: Sequence[Mapping[str, Any]], own: str) -> bool | None:
    """Whether *own* raised at most half as many false alarms as each other rule; ``None`` without another one."""
    ours = next((row["fp"] for row in rows if row["rule"] == own), None)
    others = [row["fp"] for row in rows if row["rule"] != own]
    return all(2 * ours <= fp for fp in others) if ours is not None and others else None
