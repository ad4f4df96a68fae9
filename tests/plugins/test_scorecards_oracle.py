"""Beside another library: survival as lifelines has it, shrinkage and posteriors as scipy's distributions have them."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.model import METRICS, PEOPLE, Coded, Weighting
from fieldhr_plugins.scorecards import CARDS, ScorecardSettings
from fieldhr_plugins.scorecards.composing import CardComposer
from fieldhr_plugins.scorecards.shrinkage import Prior, posterior_above, shrunk_rate
from fieldhr_plugins.scorecards.survival import survival
from fieldhr_plugins.scorecards.weighing import COMPONENTS, chance_below, normal_below


def _bookgen() -> Any:
    path = Path(__file__).with_name("bookgen.py")
    spec = importlib.util.spec_from_file_location("fieldhr_tests_bookgen", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


bookgen = _bookgen()


@pytest.mark.req("B2")
@pytest.mark.parametrize("seed", range(3))
def test_survival_is_that_of_lifelines(seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies, while they are imported
        lifelines = pytest.importorskip("lifelines")
        rng = np.random.default_rng(seed)
        days = np.round(rng.gamma(1.6, 23, 300))
        ended = rng.random(300) < 0.6
        fitted = lifelines.KaplanMeierFitter().fit(days, ended)
        ours = survival(days, ended)
        theirs = fitted.survival_function_at_times(ours.times).to_numpy()
        bounds = fitted.confidence_interval_survival_function_.loc[ours.times].to_numpy()
        median = fitted.median_survival_time_
    assert ours.share == pytest.approx(theirs, abs=1e-12)
    assert ours.low == pytest.approx(bounds[:, 0], abs=1e-9)
    assert ours.high == pytest.approx(bounds[:, 1], abs=1e-9)
    assert ours.median.value == median


@pytest.mark.req("B5")
def test_posteriors_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    trials = rng.integers(0, 200, 100)
    hits = rng.binomial(trials, 0.08)
    prior = Prior(3.1, 51.7)
    a, b = hits + prior.alpha, trials - hits + prior.beta
    assert shrunk_rate(hits, trials, prior) == pytest.approx(stats.beta.mean(a, b), rel=1e-12)
    assert posterior_above(hits, trials, prior, 0.1) == pytest.approx(stats.beta.sf(0.1, a, b), abs=1e-10)
    z = rng.normal(0, 2, 50)
    assert normal_below(z) == pytest.approx(stats.norm.cdf(z), abs=1e-12)
    shape, scale = rng.uniform(4, 200, 50), rng.uniform(0.01, 0.3, 50)
    below = chance_below(shape * scale, np.sqrt(shape) * scale, 1.0)
    assert below == pytest.approx(stats.gamma.cdf(1.0, shape, scale=scale), abs=0.005)


figure = st.one_of(st.none(), st.floats(0, 1, allow_nan=False))


@pytest.mark.req("B5")
@given(
    values=st.lists(st.lists(figure, min_size=6, max_size=6), min_size=1, max_size=12),
    weights=st.lists(st.floats(0, 100, allow_nan=False), min_size=6, max_size=6).filter(lambda w: sum(w) > 1e-6),
    exposure=st.integers(1, 500),
)
def test_contributions_always_add_up(values: list[list[float | None]], weights: list[float], exposure: int) -> None:
    """Whatever is measured of whomever, and whatever counts how much: to the hundredth, within 0 and 100."""
    metrics = sorted(name for name, kind in COMPONENTS.items() if kind.spread == "share")[:6]
    rows = [
        {"subject": f"r{n}", "metric": metric, "value": round(value * exposure) / exposure, "exposure": float(exposure), "low": 0.0, "high": 1.0}
        for n, of_rep in enumerate(values)
        for metric, value in zip(metrics, of_rep, strict=True)
        if value is not None
    ]  # fmt: skip
    people = PEOPLE.table(
        rep=[f"r{n}" for n in range(len(values))],
        role=Coded.same("agent", len(values)),
        manager=Coded.same(None, len(values)),
        team=Coded.same("t", len(values)),
        branch=Coded.same("b", len(values)),
        territory=Coded.same("urban", len(values)),
    )
    from fieldhr_core.model import RoleWeights

    weighting = Weighting.of({"all": RoleWeights(weights=dict(zip(metrics, weights, strict=True)))})
    composer = CardComposer(ScorecardSettings())
    for card in composer.compose(METRICS.from_rows(rows), people, bookgen.PERIOD, weighting):
        parts = [component.contribution for component in card.components]
        assert card.total is None or (sum(parts) == card.total and 0 <= card.total <= 10_000)
        assert all(isinstance(part, int) and part >= 0 for part in parts)
        named = {component.metric for component in card.components} | set(card.missing)
        assert named == {metric for metric, weight in zip(metrics, weights, strict=True) if weight > 0}


def test_the_insurers_card_weighs_repurchase_at_thirty_percent() -> None:
    assert CARDS["agent"].weights["repurchase_rate"] == 30
    assert all(sum(card.weights.values()) == 100 for card in CARDS.values())
