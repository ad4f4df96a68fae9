"""Alerters at work: asked over the days that changed, their findings raised, what they no longer find withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fieldhr_core.errors import PluginError
from fieldhr_core.flow.cases import Standing, raise_findings
from fieldhr_core.flow.view import View
from fieldhr_core.model import Period, instant

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit
    from fieldhr_core.hooks.handle import ProviderHandle

__all__ = ["run_alerters", "view_for"]


def run_alerters(
    acting: Acting, unit: Unit, cadence: str, keys: Sequence[tuple[str, str]], *, as_of_ms: int | None = None
) -> list[str]:
    """Run every alerter of a cadence over (rep, date) pairs, date by date. Return the ids of new cases.

    The rep ``""`` stands for everybody: an alerter then sees the whole tenant, peers included.

    Args:
        as_of_ms: instant of judgement, UTC milliseconds; the unit's present where it is not given. A scheduled job
            that is late still judges as of the instant it was due.

    An alerter that fails is named in its report; the others run, and nothing of its own is withdrawn.
    """
    as_of_ms = unit.at_ms if as_of_ms is None else as_of_ms
    raised: list[str] = []
    by_date: dict[str, list[str]] = {}
    for rep, day in keys:
        by_date.setdefault(day, []).append(rep)
    alerters = [
        (offer, alerter)
        for offer, alerter in acting.providers(unit, "alerters", role="find")
        if not isinstance(alerter, PluginError) and alerter.cadence == cadence
    ]
    standing = {
        day: Standing(acting, unit, [offer for offer, _ in alerters], day, reps, days=max(a.days for _, a in alerters))
        for day, reps in by_date.items()
        if alerters
    }
    for offer, alerter in alerters:
        for day, reps in sorted(by_date.items()):
            view = view_for(acting, unit, alerter, date.fromisoformat(day), as_of_ms, None if "" in reps else reps)
            try:
                findings = acting.house.guard.call(alerter, "find", view)
            except PluginError:
                continue
            raised += raise_findings(acting, unit, findings, origin=offer, day=day, as_of_ms=as_of_ms)
            standing[day].withdraw_missing(offer, view, findings)
    return raised


def view_for(
    acting: Acting,
    unit: Unit,
    alerter: ProviderHandle,
    day: date,
    as_of_ms: int,
    reps: Sequence[str] | None,
    *,
    again: bool = False,
) -> View:
    """Return the tables an alerter is shown: as many local days up to *day* as it needs, as of an instant.

    Args:
        again: whether something is computed again that was computed at that instant.
    """
    zone = ZoneInfo(acting.facts(unit).pattern.zone)
    period = Period(day - timedelta(days=alerter.days - 1), day)
    view = View(acting, unit, period, instant(as_of_ms).astimezone(zone), reps, alerter.stated.get("peers", ""))
    view.again = again
    return view
