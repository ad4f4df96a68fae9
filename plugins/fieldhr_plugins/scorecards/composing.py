"""``scorecards``: figures to one card a rep, whose contributions add up to its total exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import Component, Metric, Period, Scorecard, Standing, Suggestion, Table, Weighting
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.shrinkage import posterior_above
from fieldhr_plugins.scorecards.weighing import COMPONENTS, Weighed, normal_below, prior_of, weigh

__all__ = ["CardComposer"]

Floats = npt.NDArray[np.float64]

#: A claim that somebody is good or poor takes this probability.
_SURE: Final = 0.8
#: 80 % of a normal distribution lies below so many standard deviations.
_Z80: Final = 0.8416212335729143
#: With evidence for less than half of the weights, a card says nothing about anybody.
_HALF: Final = 50.0
_FULL: Final = 10_000


class CardComposer:
    """Makes scorecards of metrics; sees nothing but metrics and people."""

    metrics: tuple[Metric, ...] = tuple(kind.metric for kind in COMPONENTS.values())

    def __init__(self, settings: ScorecardSettings) -> None:
        self._settings = settings

    def weighting(self) -> Weighting:
        """Return the weights in force."""
        return Weighting.of(self._settings.cards, self._settings.weights_label)

    def compose(self, measured: Table, people: Table, period: Period, weighting: Weighting, /) -> Sequence[Scorecard]:
        """Return one card a rep for whom there is one, but for leaders of whom nothing was measured."""
        figures = _Figures(measured)
        leaders = {people["manager"].values[code] for code in np.unique(people["manager"].codes).tolist() if code >= 0}
        by_card: dict[str, list[tuple[str, str, str]]] = {}
        for rep, role, territory in zip(people["rep"].tolist(), people["role"], people["territory"], strict=True):
            card = weighting.card_of(role or "")
            if card is not None and (rep not in leaders or figures.knows(rep)):
                by_card.setdefault(card, []).append((rep, role or "", territory or ""))
        cards: list[Scorecard] = []
        for name, members in by_card.items():
            cards += self._cards(name, weighting, sorted(members), figures, period)
        return sorted(cards, key=lambda card: card.subject)

    def _cards(
        self, name: str, weighting: Weighting, members: list[tuple[str, str, str]], figures: _Figures, period: Period
    ) -> list[Scorecard]:
        weights = weighting.cards[name].weights
        peers = self._peers(members)
        components: dict[str, dict[str, tuple[Component, float]]] = {rep: {} for rep, _, _ in members}
        for metric, weight in weights.items():
            if weight <= 0:
                continue
            for group in sorted(set(peers.values())):
                reps = [rep for rep, _, _ in members if peers[rep] == group]
                everybody = reps if group else [rep for rep, _, _ in members]
                for rep, found in self._weighed(metric, weight, everybody, figures).items():
                    if rep in reps:
                        components[rep][metric] = found
        roles = {rep: role for rep, role, _ in members}
        return [
            self._card(rep, roles[rep], peers[rep] or name, name, weighting, components[rep], period)
            for rep, _, _ in members
        ]

    def _peers(self, members: list[tuple[str, str, str]]) -> dict[str, str]:
        """Return rep -> group of peers; empty: everybody on the same card."""
        counts: dict[str, int] = {}
        for _, role, territory in members:
            group = f"{role}/{territory}"
            counts[group] = counts.get(group, 0) + 1
        return {
            rep: f"{role}/{territory}" if counts[f"{role}/{territory}"] >= self._settings.min_peers else ""
            for rep, role, territory in members
        }

    def _weighed(
        self, metric: str, weight: float, reps: list[str], figures: _Figures
    ) -> dict[str, tuple[Component, float]]:
        """Return rep -> (component without its share, doubt about its points) where there is enough evidence."""
        kind = COMPONENTS[metric]
        least = self._settings.min_exposure * kind.grain
        rows = [(rep, figures.of(rep, metric)) for rep in reps]
        known = [(rep, row) for rep, row in rows if row is not None and row[1] >= least]
        if not known:
            return {}
        columns = np.asarray([row for _, row in known], dtype="f8").T
        weighed = weigh(kind, *columns)
        claims = self._against_limit(metric, columns)
        found = {}
        for place, (rep, row) in enumerate(known):
            standing = _standing(weighed, place) if claims is None else claims.standing(place)
            points = round(_FULL * float(weighed.better[place]))
            component = Component(
                metric=metric,
                unit=kind.metric.unit,
                direction=kind.metric.direction,
                group=kind.group,
                value=row[0],
                exposure=row[1],
                low=_known(row[2]),
                high=_known(row[3]),
                shrunk=float(weighed.shrunk[place]),
                usual=weighed.usual,
                points=points,
                weight=weight,
                share=0.0,
                contribution=0,
                standing=standing,
                reason=f"score.{metric}.{standing}",
                improve="" if standing is Standing.GOOD else f"score.{metric}.improve",
                params=self._params(metric, claims, place),
            )
            found[rep] = (component, float(weighed.doubt[place]))
        return found

    def _against_limit(self, metric: str, columns: Floats) -> _Claims | None:
        """Hold true shares against the tenant's limit, where there is one."""
        limit = self._limits().get(metric)
        return None if limit is None else _claims(columns[0], columns[1], limit)

    def _limits(self) -> dict[str, float]:
        return {"overdue_rate": self._settings.overdue_limit, "complaint_rate": self._settings.complaint_limit}

    def _params(self, metric: str, claims: _Claims | None, place: int) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        if claims is not None:
            figures = {"limit": claims.limit, "probability_above": round(float(claims.above[place]), 4)}
        industry = {"repurchase_rate": self._settings.industry_repurchase_rate}.get(metric)
        return figures if industry is None else {**figures, "industry": industry}

    def _card(
        self,
        rep: str,
        role: str,
        peers: str,
        name: str,
        weighting: Weighting,
        found: Mapping[str, tuple[Component, float]],
        period: Period,
    ) -> Scorecard:
        weights = {metric: weight for metric, weight in weighting.cards[name].weights.items() if weight > 0}
        present = sum(weights[metric] for metric in found)
        components: list[Component] = []
        low = high = total = None
        standing = Standing.NOT_ENOUGH_EVIDENCE
        if found:
            shares = {metric: 100.0 * weights[metric] / present for metric in found}
            exact = {metric: shares[metric] * found[metric][0].points / 100.0 for metric in found}
            parts = _apportioned(exact)
            total = sum(parts.values())
            components = [
                attrs.evolve(found[metric][0], share=shares[metric], contribution=parts[metric])
                for metric in weights
                if metric in found
            ]
            doubt = _FULL * math.sqrt(sum((shares[m] / 100.0 * found[m][1]) ** 2 for m in found))
            low = max(0, round(total - 1.96 * doubt))
            high = min(_FULL, round(total + 1.96 * doubt))
            if present >= _HALF / 100.0 * sum(weights.values()):
                middle = _FULL / 2
                standing = (
                    Standing.GOOD
                    if total - _Z80 * doubt > middle
                    else Standing.POOR
                    if total + _Z80 * doubt < middle
                    else Standing.NOT_ENOUGH_EVIDENCE
                )
        return Scorecard(
            subject=rep,
            card=name,
            role=role,
            peers=peers,
            period=period,
            total=total,
            low=low,
            high=high,
            standing=standing,
            components=tuple(components),
            missing=tuple(metric for metric in weights if metric not in found),
            suggestions=self._suggestions(components),
            weights_version=weighting.version,
        )

    def _suggestions(self, components: Sequence[Component]) -> tuple[Suggestion, ...]:
        """Name what somebody may consider: trainings for what is poor, a reward for customers who come back."""
        poor: dict[str, list[str]] = {}
        for component in components:
            if component.standing is Standing.POOR:
                poor.setdefault(COMPONENTS[component.metric].training, []).append(component.metric)
        trainings = [
            Suggestion(kind="training", message=message, because=tuple(metrics)) for message, metrics in poor.items()
        ]
        risky = any(c.group == "risk" and c.standing is Standing.POOR for c in components)
        industry = self._settings.industry_repurchase_rate
        loyal = [
            Suggestion(
                kind="reward",
                message="reward.long_term_value",
                because=(c.metric,),
                params={"rate": round(c.shrunk, 4), "usual": round(c.usual, 4)},
            )
            for c in components
            if c.metric == "repurchase_rate"
            and c.standing is Standing.GOOD
            and not risky
            and (industry is None or c.shrunk > industry)
        ]
        return (*loyal, *trainings)


class _Figures:
    """Metrics by subject."""

    def __init__(self, measured: Table) -> None:
        self._rows: dict[tuple[str, str], tuple[float, float, float, float]] = {}
        self._subjects: set[str] = set()
        columns = (measured[name].tolist() for name in ("value", "exposure", "low", "high"))
        for subject, metric, value, exposure, low, high in zip(
            measured["subject"], measured["metric"], *columns, strict=True
        ):
            if value != value and low == low:
                value = low  # at least so much: half of it is not over yet
            if metric in COMPONENTS and subject is not None and value == value and exposure > 0:
                self._rows[subject, metric] = (value, exposure, low, high)
                self._subjects.add(subject)

    def of(self, subject: str, metric: str) -> tuple[float, float, float, float] | None:
        return self._rows.get((subject, metric))

    def knows(self, subject: str) -> bool:
        return subject in self._subjects


@attrs.frozen(eq=False)
class _Claims:
    """What can be said of shares of something bad against a limit.

    A claim takes a probability, cases of one's own - at least a third of what the peers' likeness weighs - and a raw
    share on the same side: what is usual among others says nothing about anybody by itself.
    """

    limit: float
    above: Floats
    is_above: npt.NDArray[np.bool_]
    has_own: npt.NDArray[np.bool_]

    def standing(self, place: int) -> Standing:
        if self.has_own[place] and self.is_above[place] and self.above[place] >= _SURE:
            return Standing.POOR
        if self.has_own[place] and not self.is_above[place] and self.above[place] <= 1 - _SURE:
            return Standing.GOOD
        return Standing.NOT_ENOUGH_EVIDENCE


def _claims(value: Floats, exposure: Floats, limit: float) -> _Claims:
    hits = np.round(value * exposure)
    prior = prior_of(hits, exposure)
    above = posterior_above(hits, exposure, prior, limit)
    return _Claims(limit, above, value > limit, exposure >= (prior.alpha + prior.beta) / 3)


def _standing(weighed: Weighed, place: int) -> Standing:
    """Judge beside what is usual among the peers."""
    if weighed.error[place] <= 0 or weighed.spread <= 0:
        return Standing.NOT_ENOUGH_EVIDENCE
    away = abs(weighed.shrunk[place] - weighed.usual) / weighed.error[place]
    if float(normal_below(np.asarray([away]))[0]) < _SURE:
        return Standing.NOT_ENOUGH_EVIDENCE
    return Standing.GOOD if weighed.better[place] > 0.5 else Standing.POOR


def _apportioned(exact: Mapping[str, float]) -> dict[str, int]:
    """Round so that the parts add up to the rounded sum: the largest remainders go up."""
    parts = {metric: math.floor(value) for metric, value in exact.items()}
    spare = round(sum(exact.values())) - sum(parts.values())
    by_remainder = sorted(exact, key=lambda metric: (parts[metric] - exact[metric], metric))
    for metric in by_remainder[:spare]:
        parts[metric] += 1
    return parts


def _known(value: float) -> float | None:
    return None if value != value else value
