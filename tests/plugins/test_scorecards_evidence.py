"""Follow-up cycles with open deals, and rates of few cases: against published figures and plain recounts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_plugins.scorecards.shrinkage import (
    Prior,
    Standing,
    fit_prior,
    posterior_above,
    shrunk_rate,
    standing,
)
from fieldhr_plugins.scorecards.survival import survival

#: Weeks in remission of 21 patients (Freireich and others, Blood 21, 1963); negative: still in remission when last seen.
REMISSION = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]


@pytest.mark.req("B2")
def test_kaplan_meier_gives_the_published_table():
    found = survival(np.abs(REMISSION), np.asarray(REMISSION) > 0)
    # The table as printed in textbooks: time, at risk, ended, share, standard error (Greenwood).
    table = [
        (6, 21, 3, 0.8571, 0.0764),
        (7, 17, 1, 0.8067, 0.0869),
        (10, 15, 1, 0.7529, 0.0963),
        (13, 12, 1, 0.6902, 0.1068),
        (16, 11, 1, 0.6275, 0.1141),
        (22, 7, 1, 0.5378, 0.1282),
        (23, 6, 1, 0.4482, 0.1346),
    ]
    assert found.times.tolist() == [row[0] for row in table]
    assert found.at_risk.tolist() == [row[1] for row in table]
    assert found.ended.tolist() == [row[2] for row in table]
    assert found.share == pytest.approx([row[3] for row in table], abs=5e-5)
    assert found.censored == 12
    for share, error, low, high in zip(found.share, [row[4] for row in table], found.low, found.high, strict=True):
        half = 1.959964 * error / abs(share * math.log(share))
        assert low == pytest.approx(share ** math.exp(half), abs=2e-4)
        assert high == pytest.approx(share ** math.exp(-half), abs=2e-4)
    assert found.median.value == 23
    assert (found.median.low, found.median.high) == (13, math.inf)


@pytest.mark.req("B2")
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_without_open_deals_the_share_is_the_plain_one(durations):
    found = survival(durations, [True] * len(durations))
    for time, share in zip(found.times, found.share, strict=True):
        assert share == pytest.approx(sum(one > time for one in durations) / len(durations))
    assert found.median.value == sorted(durations)[(len(durations) + 1) // 2 - 1]


@pytest.mark.req("B2")
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=40), st.randoms())
def test_the_curve_falls_within_its_interval_in_any_order(rows, order):
    shuffled = list(rows)
    order.shuffle(shuffled)
    one, other = (survival([t for t, _ in some], [e for _, e in some]) for some in (rows, shuffled))
    assert one.share.tolist() == other.share.tolist()
    assert np.all(np.diff(one.share) <= 0)
    assert np.all((one.low <= one.share + 1e-12) & (one.share <= one.high + 1e-12))
    assert np.all((one.low >= 0) & (one.high <= 1))


@pytest.mark.req("B2")
@pytest.mark.scenario("S04")
def test_the_true_median_is_seen_through_a_window_of_ninety_days():
    rng = np.random.default_rng(4)
    begun = rng.uniform(0, 90, 4_000)
    takes = rng.exponential(30 / math.log(2), 4_000)
    left = 90 - begun
    found = survival(np.minimum(takes, left), takes <= left)
    assert 28 <= found.median.value <= 32
    assert found.median.low <= 30 <= found.median.high
    assert found.median.high - found.median.low < 4
    assert np.median(takes[takes <= left]) < 24


@pytest.mark.req("B2")
def test_no_deals_have_no_median_and_impossible_durations_are_refused():
    assert survival([], []).median.value == math.inf
    assert survival([5, 6], [False, False]).median.value == math.inf
    for durations, ended in (([-1.0], [True]), ([math.nan], [True]), ([1.0], [True, False])):
        with pytest.raises(ValueError, match="durations"):
            survival(durations, ended)


@pytest.mark.req("B5")
def test_the_prior_finds_the_distribution_that_made_the_data():
    rng = np.random.default_rng(1)
    n = rng.integers(20, 200, 20_000)
    k = rng.binomial(n, rng.beta(4, 46, 20_000))
    prior = fit_prior(k, n)
    assert prior is not None
    assert prior.alpha / (prior.alpha + prior.beta) == pytest.approx(0.08, abs=0.001)
    assert prior.alpha + prior.beta == pytest.approx(50, rel=0.05)


@pytest.mark.req("B5")
def test_two_subjects_by_hand():
    # w = 1/2 each, mean 0.3, between 0.04, luck 0.05, truth 0.45: correlation (0.04/0.21 - 0.05) / 0.45.
    prior = fit_prior([1, 5], [10, 10])
    correlation = (0.04 / 0.21 - 0.05) / 0.45
    assert prior is not None
    assert prior.alpha + prior.beta == pytest.approx((1 - correlation) / correlation)
    assert prior.alpha / (prior.alpha + prior.beta) == pytest.approx(0.3)


@pytest.mark.req("B5")
def test_where_only_luck_differs_everybody_gets_the_pooled_rate():
    prior = fit_prior([10, 10, 10], [100, 100, 100])
    assert prior is not None
    assert shrunk_rate([0, 5], [5, 5], prior) == pytest.approx([0.1, 0.1], abs=1e-4)
    assert fit_prior([1], [10]) is None
    assert fit_prior([0, 0], [10, 10]) is None
    assert fit_prior([0, 3], [0, 10]) is None


@pytest.mark.req("B5")
@pytest.mark.scenario("S02")
def test_shrunk_rates_are_far_closer_to_the_truth_than_raw_ones():
    rng = np.random.default_rng(2)
    ratios, flagged, right = [], 0, 0
    for _ in range(60):
        n = rng.integers(5, 121, 200)
        truth = rng.beta(3, 47, 200)
        k = rng.binomial(n, truth)
        prior = fit_prior(k, n)
        assert prior is not None
        raw, shrunk = (np.sqrt(np.mean((rate - truth) ** 2)) for rate in (k / n, shrunk_rate(k, n, prior)))
        ratios.append(shrunk / raw)
        poor = np.asarray(standing(k, n, prior, 0.10)) == Standing.POOR
        flagged += int(poor.sum())
        right += int((poor & (truth > 0.10)).sum())
    assert np.mean(ratios) <= 0.65
    assert right / flagged >= 0.8


@pytest.mark.req("B4", "B5")
@pytest.mark.scenario("S01")
def test_fifteen_of_eighty_four_is_poor_and_two_of_twelve_is_not_known():
    prior = Prior(3.0, 47.0)
    assert standing([15, 2, 0, 1], [84, 12, 0, 200], prior, 0.10) == [
        Standing.POOR,
        Standing.NOT_ENOUGH_EVIDENCE,
        Standing.NOT_ENOUGH_EVIDENCE,
        Standing.GOOD,
    ]
    assert posterior_above([15], [84], prior, 0.10)[0] >= 0.8
    # Where nearly everybody is above the limit, somebody without a loan still is not.
    for usual in (Prior(30.0, 70.0), Prior(1.0, 99.0)):
        assert standing([0], [0], usual, 0.10) == [Standing.NOT_ENOUGH_EVIDENCE]


@pytest.mark.req("B5")
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.001, 0.999))
def test_the_posterior_equals_the_binomial_sum_for_whole_numbers(a, b, limit):
    # P(beta(a, b) > x) = P(at most a - 1 of a + b - 1 trials succeed), for whole a and b.
    n = a + b - 1
    expected = sum(math.comb(n, i) * limit**i * (1 - limit) ** (n - i) for i in range(a))
    found = posterior_above([a - 1], [a + b - 2], Prior(1.0, 1.0), limit)[0]
    assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.req("B5")
def test_impossible_counts_are_refused():
    for hits, trials in (([3], [2]), ([-1], [2]), ([1, 2], [3])):
        with pytest.raises(ValueError, match="hits"):
            shrunk_rate(hits, trials, Prior(1, 1))
    assert posterior_above([1], [2], Prior(1, 1), 0.0)[0] == 1.0
    assert posterior_above([1], [2], Prior(1, 1), 1.0)[0] == 0.0
