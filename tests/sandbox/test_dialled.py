"""Dials are met by exact quotas, and turned on the day they are turned."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_sandbox.dialled import anomaly_mix, parts_of
from fieldhr_sandbox.packs import Turn, pack
from fieldhr_sandbox.tenant import Tenant, anomaly_quotas, build

SMALL = attrs.evolve(pack("dials"), reps=20, days=28, turn=Turn(on_day=14))


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    return build(SMALL, 5)


def planted(tenant: Tenant) -> tuple[list[str], list[str]]:
    parts: tuple[list[str], list[str]] = ([], [])
    for record in tenant.key.alerts:
        day = (record.start - tenant.days.instant(0, 0)).days
        parts[day >= 14].append(record.scenario)
    return parts


@pytest.mark.req("I3")
def test_anomalous_outings_are_an_exact_share_of_all_outings(tenant: Tenant) -> None:
    counts = [len(rows) for rows in planted(tenant)]
    outings = [0, 0]
    for script in tenant.scripts.values():
        outings[script.day >= 14] += len(script.outings)
    assert counts[0] / outings[0] == pytest.approx(0.18, abs=0.005)
    assert counts[1] / outings[1] == pytest.approx(0.03, abs=0.005)
    assert all(abs(have - want) <= 1 for have, want in zip(counts, anomaly_quotas(tenant), strict=True))


@pytest.mark.req("I3")
def test_rows_come_in_their_proportion(tenant: Tenant) -> None:
    before, _ = planted(tenant)
    for row, share in (("L01", 0.40), ("L02", 0.25), ("L05", 0.20), ("L06", 0.15)):
        assert before.count(row) / len(before) == pytest.approx(share, abs=0.02)


@pytest.mark.req("I3")
def test_visits_a_day_are_what_is_dialled(tenant: Tenant) -> None:
    for (first, last), wanted in zip(parts_of(SMALL), (2.0, 3.5), strict=True):
        scripts = [script for script in tenant.scripts.values() if first <= script.day < last and script.works]
        visits = sum(stop.visit is not None for script in scripts for stop, *_ in script.laid)
        assert visits / len(scripts) == pytest.approx(wanted, abs=0.05)


@given(st.integers(0, 5000))
def test_the_mix_adds_up(count: int) -> None:
    mix = anomaly_mix(count)
    assert sum(number for _, number in mix) == count
    assert all(abs(number - count * share / 100) <= 1 for (_, number), share in zip(mix, (40, 25, 20, 15), strict=True))
