"""People and who acts: reps, managers, and the principal behind every call."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date, datetime, time

import attrs

__all__ = ["Absence", "AbsenceKind", "Attendance", "Calendar", "Person", "Principal", "Role", "WorkPattern"]


class Role(enum.StrEnum):
    """What a principal is to a tenant; the policy of :mod:`fieldhr_core.trust.scope` says what each may see."""

    REP = "rep"
    MANAGER = "manager"
    COMPLIANCE = "compliance"
    HR_PAYROLL = "hr_payroll"
    AUDITOR = "auditor"
    ADMIN = "admin"
    INTEGRATOR = "integrator"


@attrs.frozen(kw_only=True)
class Principal:
    """Who does something: a person of the host, or the host's own system acting for a tenant.

    Attributes:
        tenant: id of the tenant; nothing of another tenant is ever reachable.
        id: the host's own user id.
        role: see :class:`Role`.
        person: id of the :class:`Person` this principal is, where it is one.
    """

    tenant: str
    id: str
    role: Role
    person: str | None = None


class AbsenceKind(enum.StrEnum):
    """Why a rep is not expected at customers."""

    LEAVE = "leave"
    TRAINING = "training"
    MEETING = "meeting"
    PARENTAL = "parental"
    PRIVATE = "private"


@attrs.frozen(kw_only=True)
class Absence:
    """A span in which a rep is not judged. Leave, parental and private time is not tracked either."""

    id: str
    rep: str
    kind: AbsenceKind
    start: datetime
    end: datetime


@attrs.frozen(kw_only=True)
class Attendance:
    """One stamp of the host's own time clock: a rep came (``in``) or went (``out``)."""

    id: str
    rep: str
    kind: str
    time: datetime


@attrs.frozen(kw_only=True)
class WorkPattern:
    """When somebody works, in their own zone.

    Attributes:
        zone: IANA name.
        weekdays: ISO weekdays worked (1 = Monday).
        start, end: local wall times of the working day; an *end* at or before *start* is on the next day.
        breaks: (start, end) local wall times inside it that never count against anybody.
        track_breaks: whether positions may be kept during breaks (some countries forbid it).
        contract_share: 1.0 full time.
    """

    zone: str = "Asia/Shanghai"
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    start: time = time(9)
    end: time = time(18)
    breaks: tuple[tuple[time, time], ...] = ((time(12), time(13, 30)),)
    track_breaks: bool = True
    contract_share: float = 1.0


@attrs.frozen(kw_only=True)
class Calendar:
    """Days that differ from the weekly pattern, and until when that is official.

    Attributes:
        holidays: date -> name of days off.
        workdays: date -> name of make-up working days (a Saturday that is worked).
        official_until: after this date holidays are not announced yet and a report says so.
    """

    holidays: Mapping[date, str] = attrs.field(factory=dict)
    workdays: Mapping[date, str] = attrs.field(factory=dict)
    official_until: date | None = None


@attrs.frozen(kw_only=True)
class Person:
    """An employee: a rep, or somebody who leads reps.

    Attributes:
        manager: id of the person they report to; ``None`` at the top.
        team, branch: ids used for peers and reports.
        territory: ``urban``, ``rural`` or the host's own class; peers are compared within it.
        pattern: own working hours; ``None`` = the tenant's.
        joined, left: first and last day of employment.
        traits: job-related attributes of the host (skills ...), JSON values.
        contact: kind -> how they are reached at work (``phone``, ``email``, ``dingtalk``, ``wecom``, ``feishu``);
            sealed in the store.
    """

    id: str
    name: str
    role: str = "rep"
    manager: str | None = None
    team: str = ""
    branch: str = ""
    territory: str = ""
    pattern: WorkPattern | None = None
    joined: date | None = None
    left: date | None = None
    language: str = "en"
    traits: Mapping[str, object] = attrs.field(factory=dict)
    contact: Mapping[str, str] = attrs.field(factory=dict, repr=False)
