"""The life of an alert. A case ends in a person's decision with a reason, or in a withdrawal; never in a sanction.

raised -> the rep is told -> explained or contested -> confirmed or dismissed by a person -> closed. Being told is no
state of its own, because a case can be taken on before or after it; it is an instant, and nothing is confirmed against
somebody before they were told and had their time to answer.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from fieldhr_core.model.findings import Evidence, Finding
from fieldhr_core.model.table import Column, Kind, Schema

__all__ = [
    "CASES",
    "DECIDED",
    "OPEN",
    "TRANSITIONS",
    "Case",
    "CaseEvent",
    "CaseOutcome",
    "CasePolicy",
    "CaseState",
    "CaseStep",
    "ContactLink",
    "EvidenceBundle",
]


class CaseState(enum.StrEnum):
    """Where a case stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    EXPLAINED = "explained"
    CONTESTED = "contested"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class CaseStep(enum.StrEnum):
    """What somebody does with a case; ``close`` and ``expire`` are done by time alone."""

    ACKNOWLEDGE = "acknowledge"
    EXPLAIN = "explain"
    CONTEST = "contest"
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    WITHDRAW = "withdraw"
    CLOSE = "close"
    EXPIRE = "expire"


class CaseOutcome(enum.StrEnum):
    """How a case was decided."""

    UNDECIDED = ""
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


#: States in which somebody still has to do something.
OPEN: Final = (CaseState.RAISED, CaseState.ACKNOWLEDGED, CaseState.EXPLAINED, CaseState.CONTESTED)
#: States in which a person has decided; later data does not rewrite what was decided on.
DECIDED: Final = (CaseState.CONFIRMED, CaseState.DISMISSED, CaseState.CLOSED)

#: (state, step) -> next state. What is not here is impossible.
TRANSITIONS: Final[dict[tuple[CaseState, CaseStep], CaseState]] = {
    (CaseState.RAISED, CaseStep.ACKNOWLEDGE): CaseState.ACKNOWLEDGED,
    (CaseState.RAISED, CaseStep.EXPLAIN): CaseState.EXPLAINED,
    (CaseState.RAISED, CaseStep.CONTEST): CaseState.CONTESTED,
    (CaseState.RAISED, CaseStep.DISMISS): CaseState.DISMISSED,
    (CaseState.RAISED, CaseStep.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.RAISED, CaseStep.EXPIRE): CaseState.CLOSED,
    (CaseState.ACKNOWLEDGED, CaseStep.EXPLAIN): CaseState.EXPLAINED,
    (CaseState.ACKNOWLEDGED, CaseStep.CONTEST): CaseState.CONTESTED,
    (CaseState.ACKNOWLEDGED, CaseStep.CONFIRM): CaseState.CONFIRMED,
    (CaseState.ACKNOWLEDGED, CaseStep.DISMISS): CaseState.DISMISSED,
    (CaseState.ACKNOWLEDGED, CaseStep.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.ACKNOWLEDGED, CaseStep.EXPIRE): CaseState.CLOSED,
    (CaseState.EXPLAINED, CaseStep.CONTEST): CaseState.CONTESTED,
    (CaseState.EXPLAINED, CaseStep.CONFIRM): CaseState.CONFIRMED,
    (CaseState.EXPLAINED, CaseStep.DISMISS): CaseState.DISMISSED,
    (CaseState.EXPLAINED, CaseStep.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.EXPLAINED, CaseStep.EXPIRE): CaseState.CLOSED,
    (CaseState.CONTESTED, CaseStep.CONFIRM): CaseState.CONFIRMED,
    (CaseState.CONTESTED, CaseStep.DISMISS): CaseState.DISMISSED,
    (CaseState.CONTESTED, CaseStep.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.CONTESTED, CaseStep.EXPIRE): CaseState.CLOSED,
    (CaseState.CONFIRMED, CaseStep.CONTEST): CaseState.CONTESTED,
    (CaseState.CONFIRMED, CaseStep.CLOSE): CaseState.CLOSED,
    (CaseState.DISMISSED, CaseStep.CLOSE): CaseState.CLOSED,
}


@attrs.frozen(kw_only=True)
class CasePolicy:
    """How much time everybody has; setting ``cases`` of a tenant.

    Attributes:
        answer_days: working days a rep has to answer after being told, and to contest after a decision; at least 5.
        review_days: working days whoever reviews a contested case has.
        deadline_h: severity -> working hours until the owner must have taken a step; what is not named has no deadline.
        snooze_h: working hours the owner has after a snoozed case woke up.
        snooze_days: calendar days a case can be put off at most, counted from when it was raised.
        expire_days: calendar days after which a case that nobody decided is closed with nothing held against anybody.
    """

    answer_days: int = attrs.field(default=5, validator=attrs.validators.ge(5))
    review_days: int = attrs.field(default=5, validator=attrs.validators.ge(1))
    deadline_h: Mapping[str, float] = attrs.field(
        factory=lambda: {"critical": 4.0, "high": 24.0, "medium": 40.0, "low": 80.0}
    )
    snooze_h: float = attrs.field(default=8.0, validator=attrs.validators.gt(0))
    snooze_days: int = attrs.field(default=30, validator=attrs.validators.ge(1))
    expire_days: int = attrs.field(default=120, validator=attrs.validators.ge(1))


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
    """An alert on its way: the finding, its state, and its full history.

    Attributes:
        owner: who has to act: the id of a person, or the desk of a role (``@compliance``, ``@hr_payroll``, ``@admin``).
        outcome: how it was decided; only what is ``closed`` and ``upheld`` may ever count in a score.
        told_at: when the rep was told; ``None``: not yet, or there is nobody to tell.
        answer_by: until when the rep may answer, and after a decision contest it.
        deadline: by when the owner must have taken a step.
        escalated_at: when it went to the next level for want of one.
        snoozed_until: when a case that was put off comes back.
        settled_at: when it was closed.
    """

    id: str
    tenant: str
    finding: Finding
    state: CaseState
    raised_at: datetime
    updated_at: datetime
    owner: str | None = None
    outcome: CaseOutcome = CaseOutcome.UNDECIDED
    told_at: datetime | None = None
    answer_by: datetime | None = None
    deadline: datetime | None = None
    escalated_at: datetime | None = None
    snoozed_until: datetime | None = None
    settled_at: datetime | None = None
    simulated: bool = False
    history: tuple[CaseEvent, ...] = ()


@attrs.frozen(kw_only=True)
class ContactLink:
    """One click from an alert to the person it is about.

    Attributes:
        kind: ``call``, ``sms``, ``mail``, ``dingtalk``, ``wecom``, ``feishu``.
        href: what a browser or an app opens (``tel:``, ``sms:``, ``mailto:``, ``dingtalk://`` ...), percent-encoded.
        label: number, address or id, for the eye.
    """

    kind: str
    href: str
    label: str


@attrs.frozen(kw_only=True)
class EvidenceBundle:
    """What a case rests on, for whoever decides it and for whoever it is about.

    Attributes:
        rule, version: what decided; thresholds: the settings in force; as_of: instant of judgement.
        evidence: the pieces, with the ids of stored records.
        fixes: positions of the span of each stay, oldest first: ``time``, ``lat``, ``lon`` (WGS-84), ``accuracy_m``,
            ``mock``, ``used``, and why not (``refused``). Empty where nobody stayed anywhere, where the principal may
            not see positions, and where they have lost their precision.
        fixes_used, fixes_refused: as the rule counted them; ``None`` where it rests on none.
        unless: what would have kept the alert from being raised (``with_s_less`` ...).
    """

    case: str
    code: str
    rule: str
    version: str
    thresholds: Mapping[str, Any]
    as_of: datetime
    evidence: tuple[Evidence, ...]
    fixes: tuple[Mapping[str, Any], ...]
    fixes_used: int | None
    fixes_refused: int | None
    unless: Mapping[str, Any]


#: Cases as scorers see them: no evidence, no text. Cases that are kept from the rep are not in it.
CASES: Final = Schema(
    "cases",
    "Alerts and what became of them; only rows closed with outcome upheld may count in a score.",
    (
        Column("case", Kind.TEXT, "Id."),
        Column("code", Kind.CODED, "Alert code."),
        Column("rep", Kind.CODED, "Rep it is about; null nobody."),
        Column("severity", Kind.CODED, "info, low, medium, high, critical."),
        Column(
            "state", Kind.CODED, "raised, acknowledged, explained, contested, confirmed, dismissed, withdrawn, closed."
        ),
        Column("outcome", Kind.CODED, "upheld, dismissed, withdrawn, expired; null undecided.", default=None),
        Column("opened_ms", Kind.TIME_MS, "From when it could be known."),
        Column("closed_ms", Kind.TIME_MS, "When the case was closed; 0 not.", default=0),
    ),
)
