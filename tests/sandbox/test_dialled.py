"""Dials are met by exact quotas, and turned on the day they are turned."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.runtime import FieldHR
from fieldhr_sandbox.books import BookDials
from fieldhr_sandbox.dialled import anomaly_mix, compare_dials, parts_of
from fieldhr_sandbox.feed import feed, opening_instant, principal
from fieldhr_sandbox.packs import Turn, pack
from fieldhr_sandbox.tenant import Tenant, anomaly_quotas, build

SMALL = attrs.evolve(pack("dials"), reps=20, days=28, turn=Turn(on_day=14), books=None)
SPENT = attrs.evolve(
    pack("dials"),
    reps=12,
    days=12,
    threads=(4, 6),
    turn=Turn(on_day=7, wording=(4.0, 1.0), hours=((4.5, 1.2), None)),
    books=BookDials(on_day=7, repurchase=(0.15, 0.28)),
)


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


@pytest.fixture(scope="module")
def measured() -> tuple[Tenant, list[dict[str, Any]]]:
    """A house whose hours, words and books are dialled too, and what the product measured of it."""
    tenant = build(SPENT, 6)
    clock = FrozenClock(opening_instant(tenant))
    with FieldHR.open("sqlite://", clock=clock) as hr:
        feed(hr, clock, tenant, lambda day: tenant.fixes(tenant.day_scripts(day)).table)
        with hr.acting_as(principal(tenant), purpose="operations") as desk:
            return tenant, compare_dials(desk, tenant)


@pytest.mark.req("I3")
def test_hours_are_laid_out_as_they_are_dialled_and_measured_so(measured: tuple[Tenant, list[dict[str, Any]]]) -> None:
    rows = {(row["metric"], row["part"]): row for row in measured[1]}
    for metric, wanted in (("effective_hours_per_day", 4.5), ("nonwork_hours_per_day", 1.2)):
        row = rows[metric, "before"]
        assert row["realised"] == pytest.approx(wanted, abs=0.031)
        assert row["measured"] == pytest.approx(wanted, abs=0.1)
        assert (metric, "after") not in rows


@pytest.mark.req("I3")
def test_violations_are_an_exact_share_of_the_messages(measured: tuple[Tenant, list[dict[str, Any]]]) -> None:
    tenant, rows = measured
    for (first, last), per_thousand, row in zip(
        parts_of(SPENT), (4.0, 1.0), [row for row in rows if row["metric"].startswith("wording")], strict=True
    ):
        messages = sum(len(s.messages) for s in tenant.scripts.values() if first <= s.day < last)
        count = round(per_thousand * messages / 1000)
        assert count > 0
        assert row["realised"] == pytest.approx(1000 * count / messages, abs=1e-4)
        assert row["measured"] == row["realised"]
        assert row["low"] < row["measured"] < row["high"]


@pytest.mark.req("I3")
def test_the_product_measures_every_dial_of_the_books(measured: tuple[Tenant, list[dict[str, Any]]]) -> None:
    rows = [
        row for row in measured[1] if row["metric"].endswith(("_rate", "_share")) and "anomaly" not in row["metric"]
    ]
    assert {row["metric"] for row in rows} == {
        "approval_rate",
        "high_risk_share",
        "new_high_risk_share",
        "overdue_rate",
        "repurchase_rate",
    }
    # What was put in is what is measured; how near a dozen people can come to a dial is another matter.
    assert all(row["measured"] == pytest.approx(row["realised"], abs=0.002) for row in rows)
