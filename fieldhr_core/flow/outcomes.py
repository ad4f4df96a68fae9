"""Outcomes teach: how often people found a rule right, and what that does to its next findings.

Each rule, and each class of findings within it, has a Beta distribution of the share that is upheld: every rule starts
at one of two, a class starts at its rule with the weight of four cases. What will hardly be upheld comes late in the
inbox, and its minor findings wait for the digest; what is high or critical is never held back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import attrs

from fieldhr_core.model import OPEN, Case, CaseOutcome, RulePrecision

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Lessons", "by_rank", "wilson"]

_Z: Final = 1.959963984540054
#: Weight of a rule's share in the beginning of one of its classes, in cases.
_BELIEF: Final = 4.0
#: A class is quiet when its upper 95 % limit lies below this, after so many decisions.
_QUIET_BELOW: Final = 0.35
_QUIET_AFTER: Final = 8


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share; (0, 1) where nothing was tried."""
    if trials == 0:
        return 0.0, 1.0
    share = hits / trials
    width = _Z * math.sqrt(share * (1 - share) / trials + _Z * _Z / (4 * trials * trials))
    centre, scale = share + _Z * _Z / (2 * trials), 1 + _Z * _Z / trials
    return max(0.0, (centre - width) / scale), min(1.0, (centre + width) / scale)


@attrs.define(eq=False)
class Lessons:
    """What was decided in a tenant so far."""

    counts: dict[tuple[str, str], dict[str, int]] = attrs.field(factory=dict)

    @classmethod
    def of(cls, acting: Acting, unit: Unit, *, scoped: bool = False) -> Lessons:
        """Load it.

        Args:
            scoped: count only cases the principal may see; the runtime itself learns from all.
        """
        import sqlalchemy as sa

        table = acting.tables.cases
        number = sa.func.count().label("number")
        statement = sa.select(table.c.code, table.c.pattern, table.c.state, table.c.outcome, number).group_by(
            table.c.code, table.c.pattern, table.c.state, table.c.outcome
        )
        lessons = cls()
        if scoped:
            rows = unit.all(statement.where(unit.scope(table)))
        else:
            with unit.housework():
                rows = unit.all(statement.where(table.c.tenant == acting.tenant))
        for row in rows:
            kind = "open" if row.state in OPEN else row.outcome
            for pattern in {row.pattern, ""}:
                counts = lessons.counts.setdefault((row.code, pattern), {})
                counts[kind] = counts.get(kind, 0) + row.number
        return lessons

    def expected(self, code: str, pattern: str) -> float:
        """Return the share of the next findings of a rule and class that will be upheld, by what is known."""
        upheld, dismissed = self._decided(code, "")
        of_rule = (1 + upheld) / (2 + upheld + dismissed)
        if not pattern:
            return of_rule
        upheld, dismissed = self._decided(code, pattern)
        return (_BELIEF * of_rule + upheld) / (_BELIEF + upheld + dismissed)

    def is_quiet(self, code: str, pattern: str) -> bool:
        """Return whether nearly all of a rule and class was dismissed."""
        for each in (pattern, ""):
            upheld, dismissed = self._decided(code, each)
            if upheld + dismissed >= _QUIET_AFTER:
                return wilson(upheld, upheld + dismissed)[1] < _QUIET_BELOW
        return False

    def of_case(self, case: Case) -> float:
        """Return the share of cases like this one that will be upheld."""
        return self.expected(case.finding.code, case.finding.pattern)

    def precision(self) -> list[RulePrecision]:
        """Return what is known of every rule and class, by code and pattern."""
        found = []
        for (code, pattern), counts in sorted(self.counts.items()):
            upheld, dismissed = self._decided(code, pattern)
            low, high = wilson(upheld, upheld + dismissed)
            found.append(
                RulePrecision(
                    code=code,
                    pattern=pattern,
                    raised=sum(counts.values()),
                    upheld=upheld,
                    dismissed=dismissed,
                    withdrawn=counts.get(CaseOutcome.WITHDRAWN.value, 0),
                    expired=counts.get(CaseOutcome.EXPIRED.value, 0),
                    open=counts.get("open", 0),
                    precision=round(upheld / (upheld + dismissed), 4) if upheld + dismissed else None,
                    low=round(low, 4),
                    high=round(high, 4),
                    expected=round(self.expected(code, pattern), 4),
                    is_quiet=self.is_quiet(code, pattern),
                )
            )
        return found

    def _decided(self, code: str, pattern: str) -> tuple[int, int]:
        counts = self.counts.get((code, pattern), {})
        return counts.get(CaseOutcome.UPHELD.value, 0), counts.get(CaseOutcome.DISMISSED.value, 0)


def by_rank(cases: Sequence[Case], lessons: Lessons) -> list[Case]:
    """Return cases as somebody should take them: what is urgent first, then what will most likely be upheld."""

    def key(case: Case) -> tuple[bool, float, float, str]:
        urgent = case.finding.severity.value in ("high", "critical")
        deadline = math.inf if case.deadline is None else case.deadline.timestamp()
        return not urgent, 0.0 if urgent else -round(lessons.of_case(case), 1), deadline, case.id

    return sorted(cases, key=key)
