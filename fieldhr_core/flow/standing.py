"""What holds for a person's whereabouts at this moment: duty, consent, private mode. Shown to them, always."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from fieldhr_core.flow.people import duties, person_name
from fieldhr_core.model import AbsenceKind, instant
from fieldhr_core.trust.fence import REASONS, Fence

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Standing", "standing_of"]


@attrs.frozen(kw_only=True)
class Standing:
    """What holds for one person now.

    Attributes:
        rep, name: who.
        at: the instant it holds at, aware.
        is_tracked: whether a position taken now would be kept.
        reason: why it would not (``privacy.off_duty`` ...); empty where it would.
        duty: (start, end) spans of today's working time.
        zone: the person's time zone, IANA name.
        basis, notice, since: the basis in force, the notice shown with it, and since when; ``None`` without one.
        private_until: end of private mode; ``None`` where it is not on.
        simulated: whether the tenant is synthetic.
    """

    rep: str
    name: str
    at: datetime
    is_tracked: bool
    reason: str
    duty: Sequence[tuple[datetime, datetime]]
    zone: str
    basis: str | None
    notice: str | None
    since: datetime | None
    private_until: datetime | None
    simulated: bool


def standing_of(acting: Acting, unit: Unit, rep: str) -> Standing:
    """Return what holds for *rep* now.

    Raises:
        AccessError: FHR-ACC-003 where this principal may not see it, FHR-ACC-001 where there is no such person.
    """
    from zoneinfo import ZoneInfo

    import numpy as np
    import sqlalchemy as sa

    unit.allow("bases", "read", rep)
    now_ms = unit.at_ms
    today = instant(now_ms).date()
    known = duties(acting, unit, [rep], today - timedelta(days=1), today + timedelta(days=1))
    if not known.knows(rep):
        raise acting.not_found()
    zone = known.patterns[rep].zone
    local = instant(now_ms).astimezone(ZoneInfo(zone)).date()
    days = tuple(known.day(rep, local + timedelta(days=n)) for n in (-1, 0, 1))
    table = acting.tables.bases
    bases = unit.all(
        sa.select(table)
        .where(table.c.tenant == acting.tenant, table.c.rep == rep, table.c.purpose == "tracking")
        .order_by(table.c.from_ms, table.c.id)
    )
    fence = Fence(days=days, bases=[(row.from_ms, row.until_ms) for row in bases], leave_ms=known.untracked(rep))
    place, reason = fence.judge(np.asarray([now_ms]))
    in_force = [row for row in bases if row.from_ms <= now_ms and (row.until_ms is None or row.until_ms > now_ms)]
    private = [
        absence.end
        for absence in known.absences.get(rep, ())
        if absence.kind is AbsenceKind.PRIVATE and absence.start <= instant(now_ms) < absence.end
    ]
    latest = in_force[-1] if in_force else None
    return Standing(
        rep=rep,
        name=person_name(unit, rep),
        at=instant(now_ms),
        is_tracked=bool(place[0] >= 0),
        reason="" if place[0] >= 0 else REASONS[int(reason[0])],
        duty=[(instant(start), instant(end)) for start, end in days[1].duty_ms],
        zone=zone,
        basis=latest.basis if latest else None,
        notice=latest.notice if latest else None,
        since=instant(latest.from_ms) if latest else None,
        private_until=max(private, default=None),
        simulated=acting.facts(unit).simulated,
    )
