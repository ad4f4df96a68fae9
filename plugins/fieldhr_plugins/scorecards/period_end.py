"""``behaviour.period_end_push``: contracts pile up at the end of two months running, and many are taken back.

One month may be chance or a holiday, and a campaign that ends on month end for everybody is nobody's doing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import DEALS, DUTY_DAYS, Audience, Evidence, Finding, Severity, Table, milliseconds
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.ledger import DAY_MS, Crew
from fieldhr_plugins.scorecards.monthly import Month, month_before
from fieldhr_plugins.scorecards.stages import is_signed

__all__ = ["CODE", "PeriodEndPush"]

Mask = npt.NDArray[np.bool_]

CODE: Final = "behaviour.period_end_push"
_VERSION: Final = "1"
#: Fewer contracts in a month pile up by chance.
_LEAST: Final = 5
#: Where the colleagues' share at the month's end is so much of the rep's own, it is a campaign.
_CAMPAIGN: Final = 0.6


@attrs.frozen(kw_only=True)
class _Push:
    """One rep's month: contracts in all, those of the last days, and when these were taken back."""

    contracts: int
    at_end: tuple[str, ...]
    cancelled_ms: tuple[int, ...]

    @property
    def share(self) -> float:
        return len(self.at_end) / self.contracts if self.contracts else 0.0


class PeriodEndPush:
    """One finding a rep and month, on the day after which enough of the second month's contracts were taken back."""

    codes: tuple[str, ...] = (CODE,)

    def __init__(self, settings: ScorecardSettings) -> None:
        self._settings = settings
        self.cadence = settings.alerts_at
        self.days = 95 + settings.cooling_off_days

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return the pushes that the last two months that are over show by now."""
        if not len(tables[DEALS]):
            return []
        last, before = month_before(tables), month_before(tables, 2)
        if tables.period.last > last.period.last + timedelta(days=self._settings.cooling_off_days + 3):
            return []
        pushed = self._pushes(last)
        earlier = self._pushes(before) if pushed else {}
        findings = []
        for rep, push in pushed.items():
            known_ms = self._known_ms(push)
            then = earlier.get(rep)
            if then is None or known_ms is None or self._known_ms(then) is None:
                continue
            findings.append(self._finding(last, rep, (then, push), known_ms))
        return findings

    def _known_ms(self, push: _Push) -> int | None:
        """Return when enough was taken back to say so; ``None`` while it is not."""
        needed = max(1, -(-len(push.at_end) * round(100 * self._settings.cancelled_share) // 100))
        return push.cancelled_ms[needed - 1] if len(push.cancelled_ms) >= needed else None

    def _pushes(self, month: Month) -> dict[str, _Push]:
        crew, deals = Crew.of(month), month[DEALS]
        signed = deals.take(is_signed(deals, self._settings))
        start, end = crew.span_ms
        signed = signed.take((signed["closed_ms"] >= start) & (signed["closed_ms"] < end))
        rep = crew.codes(signed["rep"])
        # Only who piles up in the last week is looked at by the calendar of working days.
        late = signed["closed_ms"] >= end - 7 * DAY_MS
        size = len(crew.reps)
        every = np.bincount(rep[rep >= 0], minlength=size)
        of_week = np.bincount(rep[(rep >= 0) & late], minlength=size)
        share = self._settings.period_end_share
        candidates = np.flatnonzero((every >= _LEAST) & (of_week >= share * every))
        found = {}
        for code in candidates.tolist():
            since = self._last_days(month, crew.reps[code])
            at_end = signed["closed_ms"] >= since
            mine = rep == code
            push = self._push(signed, mine, at_end, milliseconds(month.tables.as_of))
            others = ~mine & (rep >= 0)
            usual = float(at_end[others].mean()) if others.any() else 0.0
            if push.share >= share and usual < _CAMPAIGN * push.share:
                found[crew.reps[code]] = push
        return found

    def _push(self, signed: Table, mine: Mask, at_end: Mask, until_ms: int) -> _Push:
        piled = signed.take(mine & at_end)
        within = self._settings.cooling_off_days * DAY_MS
        taken_back = (piled["cancelled_ms"] > 0) & (piled["cancelled_ms"] - piled["closed_ms"] <= within)
        taken_back &= piled["cancelled_ms"] <= until_ms
        return _Push(
            contracts=int(mine.sum()),
            at_end=tuple(sorted(piled["deal"].tolist())),
            cancelled_ms=tuple(sorted(piled["cancelled_ms"][taken_back].tolist())),
        )

    def _last_days(self, month: Month, rep: str) -> int:
        """Return the begin of the last working days of a month, UTC milliseconds; the rep's own if known."""
        duty = month[DUTY_DAYS]
        mine = duty.take(duty["rep"].where(rep) & duty["expected"])
        days = [date.fromisoformat(day) for day in mine["date"] if day is not None]
        days = [day for day in days if day in month.period]
        if not days:
            every = (month.period.last - timedelta(days=n) for n in range(14))
            days = [day for day in every if day.isoweekday() <= 5]
        first = sorted(days)[-self._settings.period_end_days :][0]
        return milliseconds(datetime.combine(first, time(), month.as_of.tzinfo))

    def _finding(self, month: Month, rep: str, pushes: tuple[_Push, _Push], known_ms: int) -> Finding:
        zone = month.as_of.tzinfo
        known = datetime.fromtimestamp(known_ms / 1000, zone)
        at = datetime.combine(known.date(), time.fromisoformat(self._settings.alerts_at), zone)
        at = min(at if at >= known else at + timedelta(days=1), month.tables.as_of)
        then, now = pushes
        return Finding(
            code=CODE,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=month.name,
            opened_at=at,
            closed_at=at,
            severity=Severity.MEDIUM,
            confidence=0.8,
            rule=CODE,
            version=_VERSION,
            thresholds={
                "period_end_days": self._settings.period_end_days,
                "period_end_share": self._settings.period_end_share,
                "cancelled_share": self._settings.cancelled_share,
                "cooling_off_days": self._settings.cooling_off_days,
                "months": 2,
            },
            evidence=tuple(
                Evidence(
                    kind="deal",
                    ids=push.at_end,
                    facts={
                        "contracts": push.contracts,
                        "at_end": len(push.at_end),
                        # What is taken back after it was known changes nothing any more.
                        "cancelled": sum(at_ms <= known_ms for at_ms in push.cancelled_ms),
                    },
                )
                for push in (then, now)
            ),
            explanation=CODE,
            params={
                "month": month.name,
                "share_pct": round(100 * now.share, 1),
                "share_before_pct": round(100 * then.share, 1),
                "days": self._settings.period_end_days,
                "cancelled": sum(at_ms <= known_ms for at_ms in now.cancelled_ms),
                "at_end": len(now.at_end),
            },
            advice=f"{CODE}.advice",
            readings=("behaviour.period_end_push.pressed", "behaviour.period_end_push.seasonal"),
            audience=(Audience.MANAGER,),
        )
