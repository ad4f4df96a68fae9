"""The life of an alert. A case ends in a person's decision with a reason, or in a withdrawal; never in a sanction."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from fieldhr_core.model.findings import Finding

__all__ = ["TRANSITIONS", "Case", "CaseEvent", "CaseState", "CaseStep"]


class CaseState(enum.StrEnum):
    """Where a case stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    EXPLAINED = "explained"
    CONTESTED = "contested"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


class CaseStep(enum.StrEnum):
    """What somebody does with a case."""

    ACKNOWLEDGE = "acknowledge"
    EXPLAIN = "explain"
    CONTEST = "contest"
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    WITHDRAW = "withdraw"


#: (state, step) -> next state. What is not here is impossible.
TRANSITIONS: Final[dict[tuple[CaseState, CaseStep], CaseState]] = {
    (CaseState.RAISED, CaseStep.ACKNOWLEDGE): CaseState.ACKNOWLEDGED,
    (CaseState.RAISED, CaseStep.EXPLAIN): CaseState.EXPLAINED,
    (CaseState.RAISED, CaseStep.CONTEST): CaseState.CONTESTED,
    (CaseState.RAISED, CaseStep.DISMISS): CaseState.DISMISSED,
    (CaseState.RAISED, CaseStep.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.ACKNOWLEDGED, CaseStep.EXPLAIN): CaseState.EXPLAINED,
    (CaseState.ACKNOWLEDGED, CaseStep.CONTEST): CaseState.CONTESTED,
    (CaseState.ACKNOWLEDGED, CaseStep.CONFIRM): CaseState.CONFIRMED,
    (CaseState.ACKNOWLEDGED, CaseStep.DISMISS): CaseState.DISMISSED,
    (CaseState.ACKNOWLEDGED, CaseStep.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.EXPLAINED, CaseStep.CONTEST): CaseState.CONTESTED,
    (CaseState.EXPLAINED, CaseStep.CONFIRM): CaseState.CONFIRMED,
    (CaseState.EXPLAINED, CaseStep.DISMISS): CaseState.DISMISSED,
    (CaseState.EXPLAINED, CaseStep.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.CONTESTED, CaseStep.CONFIRM): CaseState.CONFIRMED,
    (CaseState.CONTESTED, CaseStep.DISMISS): CaseState.DISMISSED,
    (CaseState.CONTESTED, CaseStep.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.CONFIRMED, CaseStep.CONTEST): CaseState.CONTESTED,
}


@attrs.frozen(kw_only=True)
class CaseEvent:
    """One entry in a case's history: who did what, when, why."""

    at: datetime
    by: str
    step: str
    note: str = ""
    facts: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Case:
    """An alert on its way: the finding, its state, and its full history."""

    id: str
    tenant: str
    finding: Finding
    state: CaseState
    raised_at: datetime
    updated_at: datetime
    owner: str | None = None
    simulated: bool = False
    history: tuple[CaseEvent, ...] = ()
