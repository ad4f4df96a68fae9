"""What a case rests on: the positions used and refused, thresholds, what if not; and no doubling by a flapping fence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import REPORTED, Coded, Datum, Principal, Role, milliseconds

MANAGER = Principal(tenant="bank", id="mo@bank", role=Role.MANAGER, person="m1")
REP = Principal(tenant="bank", id="an@bank", role=Role.REP, person="r1")
COMPLIANCE = Principal(tenant="bank", id="co@bank", role=Role.COMPLIANCE)


def track(town: Any, start: str, lat: Any, lon: Any, accuracy: Any) -> Any:
    count = len(lat)
    return REPORTED.table(
        rep=Coded.same("r1", count),
        device=Coded.same("phone-r1", count),
        time_ms=milliseconds(town.at(start)) + np.arange(count) * 30_000,
        lat=lat,
        lon=lon,
        accuracy_m=accuracy,
    )


@pytest.mark.req("C8")
def test_a_bundle_holds_fixes_used_and_refused_thresholds_and_what_if_not(
    hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    clock.advance(town.at("19:00"))
    count = 95
    accuracy = np.where(np.arange(count) % 12 == 5, 400.0, 8.0)
    with hr.acting_as(admin, purpose="operations") as desk:
        here = np.full(count, town.mall[0]), np.full(count, town.mall[1])
        desk.positions.record(track(town, "15:05", *here, accuracy), datum=Datum.WGS84)
        [case] = desk.alerts.list()
    with hr.acting_as(MANAGER, purpose="supervision") as desk:
        bundle = desk.alerts.evidence(case.id)
    assert bundle.rule == "places.offsite_dwell"
    assert bundle.thresholds["dwell_limit_s"] == 1800
    used = [fix for fix in bundle.fixes if fix["used"]]
    refused = [fix for fix in bundle.fixes if not fix["used"]]
    assert (len(used), len(refused)) == (bundle.fixes_used, bundle.fixes_refused)
    assert {fix["refused"] for fix in refused} == {"accuracy"}
    assert bundle.unless["with_s_less"] == pytest.approx(47 * 60 - 1800, abs=60)
    with hr.acting_as(REP, purpose="subject_access") as desk:
        assert desk.alerts.evidence(case.id).fixes == bundle.fixes
    with hr.acting_as(COMPLIANCE, purpose="compliance") as desk:
        assert desk.alerts.evidence(case.id).fixes == ()  # decides on the claim, without the track
    stranger = Principal(tenant="bank", id="x", role=Role.REP, person="r2")
    with hr.acting_as(stranger, purpose="visits") as desk, pytest.raises(AccessError, match="FHR-ACC-001"):
        desk.alerts.evidence(case.id)


@pytest.mark.req("A4", "C6")
def test_500_crossings_of_a_flapping_fence_are_one_alert(
    hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    count = 501
    outside = np.arange(count) % 2 == 1
    # At the edge of a place of 100 m: 72 and 117 m from its middle, in turn.
    lat = town.mall[0] + np.where(outside, 0.00105, 0.00065)
    lon = np.full(count, town.mall[1])
    whole = track(town, "13:40", lat, lon, np.full(count, 8.0))
    with hr.acting_as(admin, purpose="operations") as desk:
        for first in range(0, count, 100):
            part = whole.take(np.arange(first, min(count, first + 100)))
            clock.advance(
                town.at("13:40") + (part["time_ms"][-1] - whole["time_ms"][0]).item() * timedelta(milliseconds=1)
            )
            desk.positions.record(part, datum=Datum.WGS84)
        cases = [case for case in desk.alerts.list() if case.state.value != "withdrawn"]
    assert [case.finding.code for case in cases] == ["track.offsite_dwell"]
