"""K8: nothing but behaviour tells planted records from ordinary ones."""

from __future__ import annotations

import numpy as np
import pytest

from fieldhr_sandbox.leaks import area_under_curve, check_in_features, judged_auc, message_features, pooled
from fieldhr_sandbox.packs import Pack
from fieldhr_sandbox.tenant import Tenant, build

MANY = Pack(
    name="many",
    title="",
    recipe="city-bank",
    reps=20,
    days=7,
    customers_per_rep=26,
    plantings=(("L05", 8), ("C01", 4), ("C03", 4)),
)


@pytest.fixture(scope="module")
def tenants() -> list[Tenant]:
    return [build(MANY, seed) for seed in range(30, 75)]


@pytest.mark.req("I2")
def test_outside_of_records_gives_nothing_away(tenants: list[Tenant], capsys: pytest.CaptureFixture[str]) -> None:
    found = {
        "messages": judged_auc(*pooled(message_features(tenant, "wealth_product") for tenant in tenants)),
        "check-ins": judged_auc(*pooled(check_in_features(tenant) for tenant in tenants)),
    }
    with capsys.disabled():
        print("\nAUC of a metadata-only classifier:", {name: round(value, 3) for name, value in found.items()})
    assert max(found.values()) <= 0.55


def test_the_classifier_would_see_a_leak(tenants: list[Tenant]) -> None:
    """The test can fail: one digit more in planted records is found at once."""
    features, planted = pooled(check_in_features(tenant) for tenant in tenants)
    leaky = features.copy()
    leaky[:, 8] += planted * 0.5
    assert judged_auc(leaky, planted) > 0.6


def test_area_under_curve_of_known_orders() -> None:
    planted = np.array([False, False, True, True])
    assert area_under_curve(np.array([1.0, 2.0, 3.0, 4.0]), planted) == 1.0
    assert area_under_curve(np.array([4.0, 3.0, 2.0, 1.0]), planted) == 0.0
    assert area_under_curve(np.array([1.0, 1.0, 1.0, 1.0]), planted) == 0.5
    assert area_under_curve(np.array([1.0, 3.0, 2.0, 4.0]), planted) == 0.75
