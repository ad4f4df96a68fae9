"""Scorers, composers of scorecards, and tracers of figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from fieldhr_core.hooks.providers import Tables
from fieldhr_core.model import (
    METRICS,
    PEOPLE,
    Period,
    Scorecard,
    Table,
    Weighting,
)
from fieldhr_core.testing.conformance.base import Conformance, shuffled, sorted_rows
from fieldhr_core.testing.fakes import FakeTables
from fieldhr_core.testing.samples import (
    NINE,
    sample_tables,
)

__all__ = ["ComposerConformance", "ScorerConformance", "TracerConformance"]


class ScorerConformance(Conformance):
    """Scorer: define ``make``."""

    family = "scorers"

    def tables(self) -> FakeTables:
        """Return tables with something to measure; by default an ordinary week of two reps."""
        return sample_tables()

    def test_metrics_are_described(self) -> None:
        """Each has a name of its own, a unit, a direction and a sentence."""
        metrics = self.fresh().provider.metrics
        assert metrics
        assert len({metric.name for metric in metrics}) == len(metrics)
        for metric in metrics:
            assert metric.unit, metric
            assert metric.doc, metric
            assert metric.direction in {"up", "down", "none"}, metric

    def test_nothing_is_known_of_nothing(self) -> None:
        """Without data a value is NaN or left out, never 0."""
        scored = self.score(FakeTables())
        assert all(math.isnan(value) for value in scored["value"].tolist()), list(scored.rows())

    def test_measures_the_sample(self) -> None:
        """Where there is data, at least one value is known."""
        scored = self.score(self.tables())
        assert not all(math.isnan(value) for value in scored["value"].tolist()), list(scored.rows())

    def test_order_of_rows_does_not_matter(self) -> None:
        """Tables have no order that means anything."""
        tables = self.tables()
        mixed = tables.map(shuffled)
        assert sorted_rows(self.score(mixed)) == sorted_rows(self.score(tables))

    def test_same_answer_each_time(self) -> None:
        """The same tables give the same metrics, from a used provider too."""
        handle, tables = self.fresh(), self.tables()
        first = sorted_rows(self.call(handle, "score", tables))
        self.call(handle, "score", FakeTables())
        assert sorted_rows(self.call(handle, "score", tables)) == first

    def score(self, tables: Tables) -> Table:
        """Score with a new provider."""
        scored: Table = self.call(self.fresh(), "score", tables)
        return scored


class ComposerConformance(Conformance):
    """Scorer, role ``compose``: define ``make``."""

    family = "scorers"
    role = "compose"

    def people(self) -> Table:
        """Return ``PEOPLE`` to make scorecards of; by default twelve reps of each role the weights name."""
        cards = self.fresh().provider.weighting().cards.values()
        roles = sorted({role for card in cards for role in card.roles} or {"rep"})
        return PEOPLE.from_rows(
            [
                {"rep": f"{role}-{n}", "role": role, "manager": "m", "team": "t", "branch": "b", "territory": "urban"}
                for role in roles
                for n in range(12)
            ]
        )

    def measured(self, known: Callable[[int, str], bool] = lambda _, __: True) -> Table:
        """Return ``METRICS`` of those people: plausible figures, where *known* says that there are any."""
        rows = []
        for metric in self.fresh().provider.metrics:
            scale = 1.0 if metric.unit == "share" else 20.0
            for n, rep in enumerate(self.people()["rep"].tolist()):
                value = scale * (0.05 + 0.9 * ((7 * n + len(metric.name)) % 11) / 11)
                there = known(n, metric.name)
                rows.append(
                    {
                        "subject": rep,
                        "metric": metric.name,
                        "value": value if there else math.nan,
                        "exposure": 40.0 if there else 0.0,
                        "low": 0.8 * value if there else math.nan,
                        "high": min(1.1 * value, scale) if there else math.nan,
                    }
                )
        return METRICS.from_rows(rows)

    def test_weights_say_which_they_are(self) -> None:
        """They have a version, and weigh what the composer knows."""
        handle = self.fresh()
        weighting: Weighting = self.call(handle, "weighting")
        assert weighting.version
        assert weighting.cards
        known = {metric.name for metric in handle.provider.metrics}
        for card in weighting.cards.values():
            assert set(card.weights) <= known, card

    def test_nothing_known_makes_no_total(self) -> None:
        """Without evidence a card has no total, and every weighted metric is missing."""
        for card in self.cards(METRICS.empty()):
            assert card.total is None
            assert card.missing

    def test_a_missing_component_is_named_and_costs_nothing(self) -> None:
        """Its weight goes to the others: it is never counted as zero."""
        full = {card.subject: card for card in self.cards(self.measured())}
        gap = next(c.metric for card in full.values() for c in card.components if c.weight > 0)
        for card in self.cards(self.measured(lambda n, metric: metric != gap or n != 0)):
            if card.subject == self.people()["rep"][0] and gap in card.missing:
                assert sum(component.share for component in card.components) == pytest.approx(100.0)
                assert card.total is not None

    def test_order_of_rows_does_not_matter(self) -> None:
        """Tables have no order that means anything."""
        measured = self.measured()
        assert _by_subject(self.cards(measured)) == _by_subject(self.cards(shuffled(measured)))

    def cards(self, measured: Table) -> Sequence[Scorecard]:
        """Make the cards with a new composer and the weights in force."""
        handle = self.fresh()
        weighting = self.call(handle, "weighting")
        period = Period(NINE.date(), NINE.date())
        made: Sequence[Scorecard] = self.call(handle, "compose", measured, self.people(), period, weighting)
        return made


class TracerConformance(Conformance):
    """Scorer, role ``trace``: define ``make``."""

    family = "scorers"
    role = "trace"

    def tables(self) -> FakeTables:
        """Return tables with something to trace; by default an ordinary week of two reps."""
        return sample_tables()

    def test_traces_every_metric(self) -> None:
        """Each metric of a known rep has an answer, with each record once."""
        handle, tables = self.fresh(), self.tables()
        for metric in handle.provider.metrics:
            behind: Table = self.call(handle, "behind", tables, tables[PEOPLE]["rep"][0], metric.name)
            keys = list(zip(behind["kind"], behind["record"].tolist(), strict=True))
            assert len(keys) == len(set(keys)), metric.name

    def test_nothing_is_behind_an_unknown_subject(self) -> None:
        """Nobody's figure was made of nothing."""
        handle, tables = self.fresh(), self.tables()
        for metric in handle.provider.metrics:
            assert len(self.call(handle, "behind", tables, "nobody", metric.name)) == 0


def _by_subject(cards: Sequence[Scorecard]) -> dict[str, Scorecard]:
    return {card.subject: card for card in cards}
