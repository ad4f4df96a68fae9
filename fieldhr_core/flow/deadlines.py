"""What time does to a case: deadlines in working hours, one escalation, waking, expiring and closing.

Working hours are the tenant's: pattern and calendar, breaks left out. The time a rep has to answer is counted in the
rep's own expected working days, so leave and holidays take nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import ConfigError
from fieldhr_core.flow.people import Duties, duties, duty_table
from fieldhr_core.model import (
    OPEN,
    Calendar,
    CasePolicy,
    CaseState,
    Finding,
    Period,
    WorkPattern,
    instant,
)
from fieldhr_core.trust.duty import duty_day

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, TenantFacts, Unit

__all__ = [
    "ROLE_DESKS",
    "Lines",
    "answer_by_ms",
    "case_policy",
    "deadline_ms",
    "next_wake_ms",
    "review_by_ms",
    "wake_of",
    "working_after_ms",
]

#: Owners that are no single person.
ROLE_DESKS: Final = ("@compliance", "@hr_payroll", "@admin")
_DESK_OF: Final = {
    "compliance": "@compliance",
    "hr": "@hr_payroll",
    "payroll": "@hr_payroll",
    "admin": "@admin",
}
#: A calendar without a working day in so many days is no calendar to count by.
_DAYS_AT_MOST: Final = 400
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS


def case_policy(settings: Mapping[str, Any]) -> CasePolicy:
    """Return the policy that a tenant's settings hold.

    Raises:
        ConfigError: FHR-CFG-001 where it does not fit.
    """
    try:
        return CasePolicy(**settings.get("cases", {}))
    except (TypeError, ValueError) as cause:
        raise ConfigError(
            f"The setting 'cases' does not fit: {cause.args[0] if cause.args else cause}.",
            code="FHR-CFG-001",
            hint="See CasePolicy; a rep has at least 5 working days to answer.",
        ) from cause


@attrs.frozen(eq=False)
class Lines:
    """Who leads whom, and so who owns a case and to whom it goes next."""

    manager: Mapping[str, str | None]

    @classmethod
    def of(cls, acting: Acting, unit: Unit) -> Lines:
        """Load the lines of the whole tenant."""
        import sqlalchemy as sa

        people = acting.tables.people
        with unit.housework():  # a rep who contests need not see who leads their manager
            rows = unit.all(sa.select(people.c.id, people.c.manager).where(people.c.tenant == acting.tenant))
        return cls({row.id: row.manager for row in rows})

    def owner_of(self, finding: Finding) -> str:
        """Return who has to act on a new case: the rep's manager where they are told, else the desk that is."""
        audience = [each.value for each in finding.audience]
        manager = self.manager.get(finding.rep or "")
        if manager is not None and ("manager" in audience or "rep" in audience):
            return manager
        return next((_DESK_OF[each] for each in audience if each in _DESK_OF), "@compliance")

    def above(self, owner: str) -> str | None:
        """Return the next level; ``None`` at the top."""
        if owner == "@admin":
            return None
        if owner in ROLE_DESKS:
            return "@admin"
        return self.manager.get(owner) or "@compliance"

    def reviewer_of(self, rep: str) -> str:
        """Return who decides what a rep contests: never only the manager who answers for the alert."""
        manager = self.manager.get(rep)
        return "@compliance" if manager is None else self.above(manager) or "@compliance"

    def leads(self, person: str, rep: str | None) -> bool:
        """Return whether *person* stands somewhere above *rep*."""
        seen: set[str] = set()
        at = self.manager.get(rep or "")
        while at is not None and at not in seen:
            if at == person:
                return True
            seen.add(at)
            at = self.manager.get(at)
        return False


def working_after_ms(pattern: WorkPattern, calendar: Calendar, start_ms: int, work_ms: int) -> int:
    """Return the instant by which *work_ms* of working time have passed since *start_ms*."""
    day = instant(start_ms).astimezone(ZoneInfo(pattern.zone)).date() - timedelta(days=1)
    left = work_ms
    for _ in range(_DAYS_AT_MOST):
        for begin, end in _spans(pattern, calendar, day):
            begin = max(begin, start_ms)
            if end <= begin:
                continue
            if left <= end - begin:
                return begin + left
            left -= end - begin
        day += timedelta(days=1)
    return start_ms + work_ms


def deadline_ms(facts: TenantFacts, policy: CasePolicy, severity: str, start_ms: int) -> int | None:
    """Return by when the owner must have taken a step; ``None`` where the severity asks for none."""
    hours = policy.deadline_h.get(severity)
    if hours is None:
        return None
    return working_after_ms(facts.pattern, facts.calendar, start_ms, round(hours * _HOUR_MS))


def answer_by_ms(acting: Acting, unit: Unit, policy: CasePolicy, reps: Iterable[str], start_ms: int) -> dict[str, int]:
    """Return, rep by rep, the end of the last working day they have to answer; the day they are told does not count."""
    wanted = sorted(set(reps))
    if not wanted:
        return {}
    facts = acting.facts(unit)
    around = instant(start_ms).date()
    with unit.housework():
        known = duties(acting, unit, wanted, around - timedelta(days=1), around + timedelta(days=_DAYS_AT_MOST))
    found = {}
    for rep in wanted:
        pattern = known.patterns.get(rep, facts.pattern)
        day = instant(start_ms).astimezone(ZoneInfo(pattern.zone)).date()
        if known.knows(rep):
            found[rep] = _end_of_working_day(partial(_expected, known, rep), day, policy.answer_days, start_ms)
        else:
            spans = partial(_spans, pattern, facts.calendar)
            found[rep] = _end_of_working_day(spans, day, policy.answer_days, start_ms)
    return found


def review_by_ms(facts: TenantFacts, policy: CasePolicy, start_ms: int) -> int:
    """Return by when a contested case must be decided."""
    day = instant(start_ms).astimezone(ZoneInfo(facts.pattern.zone)).date()
    return _end_of_working_day(partial(_spans, facts.pattern, facts.calendar), day, policy.review_days, start_ms)


def wake_of(row: Mapping[str, Any], policy: CasePolicy) -> int | None:
    """Return the next instant at which time itself does something with a case of these columns."""
    state = CaseState(row["state"])
    if state is CaseState.CONFIRMED and row["answer_by_ms"] is not None:
        return int(row["answer_by_ms"])
    if state in (CaseState.CONFIRMED, CaseState.DISMISSED):
        return int(row["updated_ms"])
    if state not in OPEN:
        return None
    expires: int = row["raised_ms"] + policy.expire_days * _DAY_MS
    if row["snoozed_ms"] is not None:
        return min(int(row["snoozed_ms"]), expires)
    if row["deadline_ms"] is not None and row["escalated_ms"] is None:
        return min(int(row["deadline_ms"]), expires)
    return expires


def next_wake_ms(acting: Acting, until_ms: int) -> int | None:
    """Return the earliest instant up to and at *until_ms* at which a case of the tenant is due; ``None``: none is."""
    import sqlalchemy as sa

    table = acting.tables.cases
    with acting.unit(write=False) as unit:
        found = unit.connection.execute(
            sa.select(sa.func.min(table.c.wake_ms)).where(table.c.tenant == acting.tenant, table.c.wake_ms <= until_ms)
        ).scalar()
    return None if found is None else int(found)


def _expected(known: Duties, rep: str, day: date) -> Sequence[tuple[int, int]]:
    table = duty_table(known, [rep], Period(day, day))
    return known.day(rep, day).duty_ms if table["expected"][0] else ()


def _end_of_working_day(spans: Callable[[date], Sequence[tuple[int, int]]], day: date, days: int, start_ms: int) -> int:
    end = start_ms
    for _ in range(_DAYS_AT_MOST):
        day += timedelta(days=1)
        found = spans(day)
        if found:
            days -= 1
            end = found[-1][1]
            if days == 0:
                return end
    return start_ms + _DAYS_AT_MOST * _DAY_MS


def _spans(pattern: WorkPattern, calendar: Calendar, day: date) -> list[tuple[int, int]]:
    """Return working time of a day without its breaks, UTC milliseconds, ascending."""
    found = duty_day(pattern, calendar, (), "", day)
    spans = list(found.duty_ms)
    for hole_start, hole_end in found.breaks_ms:
        spans = [
            piece
            for start, end in spans
            for piece in ((start, min(end, hole_start)), (max(start, hole_end), end))
            if piece[0] < piece[1]
        ]
    return spans
