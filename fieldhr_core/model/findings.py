"""Findings: what an alerter or a check claims, with its evidence. An alert is a finding that became a case."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

__all__ = ["Audience", "Evidence", "Finding", "Settled", "Severity"]


class Severity(enum.StrEnum):
    """How much it matters, lowest first."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Audience(enum.StrEnum):
    """Who is told, by what they are to the subject."""

    REP = "rep"
    MANAGER = "manager"
    COMPLIANCE = "compliance"
    HR = "hr"
    PAYROLL = "payroll"
    ADMIN = "admin"


@attrs.frozen(kw_only=True)
class Evidence:
    """One piece of evidence: which stored records say so, and what was measured on them.

    Attributes:
        kind: what the ids name (``stay``, ``fix``, ``message``, ``checkin``, ``followup`` ...).
        ids: ids of stored records, never a free text alone.
        facts: JSON values with units in their names.
    """

    kind: str
    ids: tuple[str, ...]
    facts: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Finding:
    """Something that a person should look at. Never a punishment, never a decision.

    Attributes:
        code: public alert code (``track.offsite_dwell``).
        subject_kind, subject: who or what it is about (``rep``, ``customer``, ``message``, ``visit`` ...).
        rep: the rep concerned, ``None`` where none is.
        instance: key of this one occurrence within (code, subject): the same occurrence seen again updates its case
            instead of raising a second one.
        opened_at: instant from which it could be known; closed_at: when it ended, ``None`` while it lasts.
        confidence: 0-1.
        rule, version: what decided; thresholds: the settings in force.
        explanation: message id for the catalogue of translations; params: JSON values for it.
        advice: message id of a suggested action.
        readings: message ids of possible readings where the cause is open (slack, or overload).
        audience: who is told at once.
        pattern: what findings of this rule have in common that people judge alike (the class of a place ...); empty:
            nothing beyond the rule. What was dismissed often is raised more quietly.
        proposes: an addition to a setting of the plugin that found it, for a person to make by confirming the case:
            ``{"setting": path of a list, "add": its new item}``; empty: nothing is proposed.
        repeat: counts up when an occurrence that lasts should be told again; the recipients then get a second notice.
    """

    code: str
    subject_kind: str
    subject: str
    rep: str | None
    instance: str
    opened_at: datetime
    closed_at: datetime | None = None
    severity: Severity
    confidence: float
    rule: str
    version: str
    thresholds: Mapping[str, Any] = attrs.field(factory=dict)
    evidence: tuple[Evidence, ...] = ()
    explanation: str = ""
    params: Mapping[str, Any] = attrs.field(factory=dict)
    advice: str = ""
    readings: tuple[str, ...] = ()
    audience: tuple[Audience, ...] = (Audience.MANAGER,)
    pattern: str = ""
    proposes: Mapping[str, Any] = attrs.field(factory=dict)
    repeat: int = 0


@attrs.frozen(kw_only=True)
class Settled(Finding):
    """A finding that is known not to need a look any more: a case it made earlier is settled, and none is made now.

    Attributes:
        outcome: ``explained`` (it happened, and this is why) or ``withdrawn`` (it did not).
        reason: code of the finding that settles it (``crm.address_suspect``); it stands in the case's history.
    """

    outcome: str
    reason: str
