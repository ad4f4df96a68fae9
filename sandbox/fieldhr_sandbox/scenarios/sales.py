"""Rows C07 and C08: sales that must not be made, or not without a recording."""

from __future__ import annotations

from typing import Any, Final

from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.scenarios.base import Needs, Site, Unplantable, scenario

_MISMATCH: Final = "conduct.suitability_mismatch"
_UNRECORDED: Final = "conduct.missing_recording"
_DESK: Final = Needs(desk=True)
_TWO_DAYS: Final = Needs(days=2, desk=True)
_DAY_S: Final = 24 * 3600


@scenario("C07", "Wrong product for the customer", req=["C1", "B4"], needs=_DESK)
def _wrong_product(site: Site) -> None:
    _sold(site, "critical", product_risk="R5", customer_risk="C1", customer_age=site.draw.whole(65, 79))


@scenario("C07/waived", "Wrong product, with a signed waiver", req=["C1", "B4"], needs=_DESK)
def _waived(site: Site) -> None:
    _sold(site, "low", product_risk="R4", customer_risk="C2", customer_age=site.draw.whole(40, 60), waiver=True)


@scenario("C07/suitable", "A product within the customer's level", req=["C1", "B4"], needs=_DESK)
def _suitable(site: Site) -> None:
    level = site.draw.whole(2, 5)
    sale = _sale(site, product_risk=f"R{level}", customer_risk="C4", customer_age=site.draw.whole(30, 64))
    site.hand_in("sale", sale, clock_s("09:30") + site.draw.below(7 * 3600))
    site.silent((_MISMATCH,), subject_kind="sale", subject=sale["sale"])


@scenario("C08", "Missing recording", req=["C1"], needs=_TWO_DAYS)
def _missing_recording(site: Site) -> None:
    second = _before_same_hour_tomorrow(site)
    sale = _sale(site, requires_recording=True)
    sale["time"] = site.days.instant(site.days_used[0], second).isoformat()
    site.hand_in("sale", sale, second)
    again = second + site.draw.whole(10, 240)
    site.hand_in("sale", sale, again, 1)
    site.expect(
        _UNRECORDED,
        "high",
        window=(site.days_used[0], second, again),
        day=site.days_used[1],
        earliest_s=second,
        detect_by_s=second + 300,
        subject_kind="sale",
        subject=sale["sale"],
    )


@scenario("C08/recorded", "Recorded in time, and none needed", req=["C1"], needs=_TWO_DAYS)
def _recorded(site: Site) -> None:
    second = _before_same_hour_tomorrow(site)
    sale = _sale(site, requires_recording=site.ordinal % 2 == 0)
    at = site.days.instant(site.days_used[0], second)
    sale["time"] = at.isoformat()
    site.hand_in("sale", sale, second)
    recorded = site.days.instant(site.days_used[0], second + site.draw.whole(600, 7200)).isoformat()
    later = {**sale, "recorded_at": recorded} if sale["requires_recording"] else sale
    site.hand_in("sale", later, second + site.draw.whole(10, 240), 1)
    site.silent((_UNRECORDED,), subject_kind="sale", subject=sale["sale"], until=site.days_used[1])


def _before_same_hour_tomorrow(site: Site) -> int:
    """Return a second of the first day; both days follow each other."""
    if site.days_used[1] != site.days_used[0] + 1:
        raise Unplantable
    return clock_s("10:00") + site.draw.below(5 * 3600)


def _sale(site: Site, **more: Any) -> dict[str, Any]:
    return {
        "sale": f"sl-{site.streams.token('sale', site.instance)}",
        "rep": site.rep.id,
        "customer": str(site.draw.pick(site.rep.customers).customer),
        "product": site.draw.pick(site.recipe.sold),
        **more,
    }


def _sold(site: Site, severity: str, **more: Any) -> None:
    second = clock_s("09:30") + site.draw.below(7 * 3600)
    sale = _sale(site, **more)
    site.hand_in("sale", sale, second)
    site.expect(
        _MISMATCH,
        severity,
        window=(site.days_used[0], second, second),
        earliest_s=second,
        detect_by_s=second + 1,
        subject_kind="sale",
        subject=sale["sale"],
        dose=more,
    )
