"""Check-ins: the answer's verdict and reason, and the finding about one sent from elsewhere."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.model import CHECKINS, PLACES, POINTS, Period, Schema, Table, distance_m
from fieldhr_plugins.places.checkins import CheckinMismatch
from fieldhr_plugins.places.nearby import PointGrid
from fieldhr_plugins.places.resolver import StayResolver
from fieldhr_plugins.places.verdicts import CHECKIN_REASONS

METRES = 111_195.08
NAN = float("nan")
PLACES_KNOWN = PLACES.from_rows(
    [
        {"place": "A/1", "kind": "customer", "subject": "A", "lat": 31.2, "lon": 121.4, "radius_m": 150.0},
        {"place": "A/2", "kind": "customer", "subject": "A", "lat": 31.3, "lon": 121.4, "radius_m": 150.0},
        {"place": "B/1", "kind": "customer", "subject": "B", "lat": 31.25, "lon": 121.4, "radius_m": 150.0},
        {"place": "C/1", "kind": "customer", "subject": "C", "lat": NAN, "lon": NAN, "radius_m": 150.0},
    ]
)


@attrs.frozen(eq=False)
class Held:
    held: dict[str, Table]
    as_of: datetime = datetime(2026, 3, 2, 13, tzinfo=UTC)
    tenant: str = "bank"
    period: Period = attrs.field(factory=lambda: Period(date(2026, 3, 2), date(2026, 3, 2)))

    def __getitem__(self, schema: Schema) -> Table:
        return self.held.get(schema.name, schema.empty())


def judge(customer: str, north_m: float, accuracy_m: float, lat: float | None = None) -> dict[str, Any]:
    point = {
        "rep": "r1",
        "customer": customer,
        "time_ms": 0,
        "lat": 31.2 + north_m / METRES if lat is None else lat,
        "lon": 121.4,
        "accuracy_m": accuracy_m,
    }
    (row,) = StayResolver().judge(POINTS.from_rows([point]), PLACES_KNOWN).rows()
    return row


@pytest.mark.req("A3", "A7")
@pytest.mark.scenario("L05")
@pytest.mark.parametrize(
    ("customer", "north_m", "accuracy_m", "verdict", "reason"),
    [
        ("A", 100, 10, "at", "checkin.within_radius"),
        ("A", 149, NAN, "at", "checkin.within_radius"),
        ("A", 220, 90, "at", "checkin.accuracy_overlaps"),
        ("A", 220, 60, "away", "checkin.beyond_radius"),
        ("A", 2300, 12, "away", "checkin.beyond_radius"),
        ("A", 5559, 12, "away", "checkin.at_other_customer"),
        ("A", 220, 400, "unknown", "checkin.accuracy_too_poor"),
        ("A", 300, NAN, "unknown", "checkin.accuracy_unknown"),
        ("A", 500, NAN, "away", "checkin.beyond_radius"),
        ("A", NAN, 10, "unknown", "checkin.no_position"),
        ("C", 0, 10, "unknown", "checkin.no_coordinates"),
        ("D", 0, 10, "unknown", "checkin.unknown_customer"),
    ],
)
def test_every_reason(customer: str, north_m: float, accuracy_m: float, verdict: str, reason: str) -> None:
    row = judge(customer, north_m, accuracy_m)
    assert (row["verdict"], row["reason"]) == (verdict, reason)
    assert reason in CHECKIN_REASONS


def test_the_nearest_of_several_addresses_counts() -> None:
    row = judge("A", 0.1 * METRES + 30, 10)
    assert (row["place"], row["verdict"]) == ("A/2", "at")
    assert row["distance_m"] == pytest.approx(30, abs=0.2)


def test_no_points_no_rows() -> None:
    assert len(StayResolver().judge(POINTS.empty(), PLACES_KNOWN)) == 0
    assert (
        StayResolver().judge(
            POINTS.from_rows([{"rep": "r", "customer": "A", "time_ms": 0, "lat": 1.0, "lon": 1.0}]), PLACES.empty()
        )["reason"][0]
        == "checkin.unknown_customer"
    )


@pytest.mark.scenario("L05")
def test_a_check_in_elsewhere_is_a_finding_and_others_are_not() -> None:
    base = {
        "rep": "r1",
        "customer": "A",
        "time_ms": 1772413200000,
        "lat": 31.22,
        "lon": 121.4,
        "accuracy_m": 12.0,
        "device": "d",
    }
    rows = [
        {**base, "checkin": "c1", "verdict": "away", "reason": "checkin.beyond_radius", "distance_m": 2300.0},
        {**base, "checkin": "c2", "verdict": "unknown", "reason": "checkin.accuracy_too_poor", "distance_m": 2300.0},
        {**base, "checkin": "c3", "verdict": "at", "reason": "checkin.within_radius", "distance_m": 20.0},
    ]
    (finding,) = CheckinMismatch().find(Held({"checkins": CHECKINS.from_rows(rows)}))
    assert (finding.code, finding.instance, finding.subject) == ("checkin.mismatch", "c1", "r1")
    assert finding.opened_at == datetime.fromtimestamp(1772413200, UTC)
    assert finding.evidence[0].facts["distance_m"] == 2300
    assert finding.evidence[0].facts["accuracy_m"] == 12.0
    assert finding.evidence[0].facts["would_not_have_fired"] == {"with_customer_radius_m": 2288}


coordinates = st.one_of(
    st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    st.tuples(st.floats(89.99, 90), st.floats(-180, 180)),
    st.tuples(st.floats(-0.01, 0.01), st.one_of(st.floats(179.99, 180), st.floats(-180, -179.99))),
    st.tuples(st.floats(31.19, 31.21), st.floats(121.39, 121.41)),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(coordinates, min_size=1, max_size=30), st.lists(coordinates, min_size=1, max_size=10), st.floats(10, 900)
)
def test_the_grid_equals_brute_force(
    points: list[tuple[float, float]], queries: list[tuple[float, float]], radius: float
) -> None:
    lat, lon = (np.array(c) for c in zip(*points, strict=True))
    qlat, qlon = (np.array(c) for c in zip(*queries, strict=True))
    query, point, distance = PointGrid(lat, lon, 900.0).within(qlat, qlon, radius)
    got = {(q, p): d for q, p, d in zip(query.tolist(), point.tolist(), distance.tolist(), strict=True)}
    for q, (a, b) in enumerate(queries):
        for p, (c, d) in enumerate(points):
            exact = distance_m(a, b, c, d)
            if abs(exact - radius) > 0.1:
                assert ((q, p) in got) == (exact <= radius)
            if (q, p) in got:
                assert math.isclose(got[q, p], exact, abs_tol=0.1)
