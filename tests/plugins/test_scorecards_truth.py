"""Tenants whose truth is known: what the scores say beside what raw figures would."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldhr_core.model import Scorecard, Table, Weighting
from fieldhr_core.testing import FakeTables
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.composing import CardComposer
from fieldhr_plugins.scorecards.effort import EffortScorer
from fieldhr_plugins.scorecards.results import ResultScorer
from fieldhr_plugins.scorecards.risk import RiskScorer
from fieldhr_plugins.scorecards.weighing import COMPONENTS, weigh

SETTINGS = ScorecardSettings()


def _bookgen() -> Any:
    """The generator beside this file: tests are imported without packages."""
    path = Path(__file__).with_name("bookgen.py")
    spec = importlib.util.spec_from_file_location("fieldhr_tests_bookgen", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


bookgen = _bookgen()
DAY, END_MS, PERIOD, START_MS = bookgen.DAY, bookgen.END_MS, bookgen.PERIOD, bookgen.START_MS
deals, loans, renamed, repurchases = bookgen.deals, bookgen.loans, bookgen.renamed, bookgen.repurchases
reps_of, tenant = bookgen.reps_of, bookgen.tenant


def measured(tables: FakeTables, settings: ScorecardSettings = SETTINGS) -> Table:
    from fieldhr_core.model import METRICS

    scorers = (EffortScorer(settings), ResultScorer(settings), RiskScorer(settings))
    return Table.concat(METRICS, [scorer.score(tables) for scorer in scorers])


def figures(tables: FakeTables, settings: ScorecardSettings = SETTINGS) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["subject"], row["metric"]): row for row in measured(tables, settings).rows()}


def cards(
    tables: FakeTables, settings: ScorecardSettings = SETTINGS, weighting: Weighting | None = None
) -> dict[str, Scorecard]:
    from fieldhr_core.model import PEOPLE

    composer = CardComposer(settings)
    made = composer.compose(measured(tables, settings), tables[PEOPLE], PERIOD, weighting or composer.weighting())
    return {card.subject: card for card in made}


def column(table: Table, metric: str, reps: list[str], name: str) -> Any:
    found = {row["subject"]: row[name] for row in table.rows() if row["metric"] == metric}
    return np.asarray([found.get(rep, np.nan) for rep in reps])


@pytest.mark.req("B4")
@pytest.mark.scenario("S02")
def test_the_shown_overdue_rate_errs_less_than_the_raw_one_and_claims_hold() -> None:
    """24 tenants of 200 reps with 5-120 loans: the full proof is 200 tenants; figures agree within 0.03."""
    rng = np.random.default_rng(2026)
    raw, shown, flagged, right, bare, bare_right = 0.0, 0.0, 0, 0, 0, 0
    reps = reps_of(200)
    for number in range(24):
        mean, strength = ((0.06, 60), (0.05, 45), (0.08, 80), (0.07, 40))[number % 4]
        true = rng.beta(mean * strength, (1 - mean) * strength, 200)
        size = rng.integers(5, 121, 200)
        tables = tenant(loans(rng, size, rng.binomial(size, true), 200), count=200)
        table = RiskScorer(SETTINGS).score(tables)
        value, exposure, low, high = (
            column(table, "overdue_rate", reps, name) for name in ("value", "exposure", "low", "high")
        )
        shrunk = weigh(COMPONENTS["overdue_rate"], value, exposure, low, high).shrunk
        raw, shown = raw + ((value - true) ** 2).sum(), shown + ((shrunk - true) ** 2).sum()
        made = cards(tables)
        poor = np.asarray(
            [c.standing == "poor" for rep in reps for c in made[rep].components if c.metric == "overdue_rate"]
        )
        flagged, right = flagged + poor.sum(), right + (true[poor] > 0.10).sum()
        bare, bare_right = bare + (value > 0.10).sum(), bare_right + (true[value > 0.10] > 0.10).sum()
    ratio, precision = (shown / raw) ** 0.5, right / flagged
    print(
        f"error {ratio:.3f} x raw; over 10 %: precision {precision:.2f} of {flagged} (raw {bare_right / bare:.2f} of {bare})"
    )
    assert ratio <= 0.65
    assert precision >= 0.8
    assert bare_right / bare < 0.6
    assert flagged >= 24


@pytest.mark.req("B2")
@pytest.mark.scenario("S04")
def test_the_median_cycle_counts_open_deals() -> None:
    medians, naive, opens = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        size = 2000
        opened = END_MS - (rng.random(size) * 90 * DAY).astype("i8")
        closes = opened + (rng.gamma(1.6, 30 / 1.2815, size) * DAY).astype("i8")
        closed = np.where(closes < END_MS, closes, 0)
        found = figures(tenant(deals(rng.integers(0, 20, size), 20, opened, closed), count=20))
        row = found["bank", "followup_cycle_days"]
        assert row["low"] <= row["value"] <= row["high"]
        medians.append(row["value"])
        opens.append(found["bank", "followup_open_share"]["value"])
        naive.append(float(np.median((closed - opened)[closed > 0] / DAY)))
    print(f"median {np.mean(medians):.1f} d, closed deals only {np.mean(naive):.1f} d, open {np.mean(opens):.0%}")
    assert all(28 <= median <= 32 for median in medians)
    assert 19 <= np.mean(naive) <= 23
    assert 0.3 < np.mean(opens) < 0.7


def insurer(seed: int, *, star: bool = True) -> FakeTables:
    """40 agents; the first sells four times as much as the others, and 8 % of 160 customers come back."""
    rng = np.random.default_rng(seed)
    count = 40
    matured = rng.integers(80, 160, count)
    again = rng.binomial(matured, np.clip(rng.normal(0.20, 0.03, count), 0.1, 0.4))
    if star:
        matured[0], again[0] = 160, 13
    sold = rng.poisson(10, count)
    sold[0] = 40
    rep = np.repeat(np.arange(count), sold)
    closed = START_MS + (rng.random(len(rep)) * 31 * DAY).astype("i8")
    lost = deals(
        np.repeat(np.arange(count), 12),
        count,
        START_MS - 20 * DAY + np.arange(count * 12),
        START_MS + DAY + np.arange(count * 12),
        stage="lost",
    )
    sales = deals(rep, count, closed - 20 * DAY, closed)
    return tenant(
        repurchases(rng, matured, again, count), renamed(sales, "s"), renamed(lost, "x"), count=count, role="agent"
    )


@pytest.mark.req("B3")
@pytest.mark.scenario("S03")
@pytest.mark.parametrize("seed", range(4))
def test_a_star_whose_customers_do_not_come_back_leaves_the_top_quartile(seed: int) -> None:
    tables = insurer(seed)

    def rank(repurchase: float) -> tuple[float, Scorecard]:
        import attrs

        card = SETTINGS.cards["agent"]
        weights = {**card.weights, "repurchase_rate": repurchase}
        weighting = Weighting.of({**SETTINGS.cards, "agent": attrs.evolve(card, weights=weights)})
        made = cards(tables, weighting=weighting)
        totals = sorted(card.total for card in made.values() if card.total is not None)
        return totals.index(made["r0000"].total) / (len(totals) - 1), made["r0000"]

    without, _ = rank(0)
    place, card = rank(30)
    assert without > 0.75
    assert place < 0.75
    line = next(c for c in card.components if c.metric == "repurchase_rate")
    assert line.standing == "poor"
    assert line.value == pytest.approx(13 / 160)
    assert line.exposure == 160
    assert not any(suggestion.kind == "reward" for suggestion in card.suggestions)
    assert any(suggestion.message == "training.customer_care" for suggestion in card.suggestions)


@pytest.mark.req("B4")
@pytest.mark.scenario("S01")
def test_few_loans_are_not_enough_evidence() -> None:
    rng = np.random.default_rng(5)
    size = np.full(30, 84)
    late = rng.binomial(size, 0.05)
    size[:2], late[:2] = (84, 12), (15, 2)
    made = cards(tenant(loans(rng, size, late, 30), count=30))
    many, few = (next(c for c in made[rep].components if c.metric == "overdue_rate") for rep in ("r0000", "r0001"))
    assert (many.standing, few.standing) == ("poor", "not_enough_evidence")
    assert many.params["probability_above"] >= 0.8
    assert few.value == pytest.approx(2 / 12)
    assert few.usual < few.shrunk < few.value / 1.5
    assert [s.message for s in made["r0000"].suggestions] == ["training.credit_assessment"]
