"""Period journey: the tables of a period to metrics, each with its exposure and interval, and metrics to scorecards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import PluginError, RecordError
from fieldhr_core.flow import scoping
from fieldhr_core.flow.view import View
from fieldhr_core.model import BEHIND, METRICS, PEOPLE, Period, Role, Scorecard, Table, Weighting
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit
    from fieldhr_core.hooks.handle import ProviderHandle

__all__ = ["Scores"]

#: Composer where the tenant's setting ``composer`` names none.
_COMPOSER: Final = "scorecards"


class Scores:
    """The desk's room for scores."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def measure(self, period: Period) -> Table:
        """Return ``METRICS`` of a period for everybody this principal may see, and keep them.

        A scorer that fails leaves its metrics out - never zero - and is named in its report.
        """
        with self._acting.unit() as unit:
            unit.allow("metrics", "read")
            mine = self._mine(unit)
            unit.audit("scores.read", "metrics", f"{period.first}..{period.last}")
        acting = self._acting.as_house()  # a rep's figures rest on more than a rep may look at
        with acting.unit() as unit:
            view = _view(acting, unit, period)
            table = _measured(acting, unit, view, None)
            put(
                unit.connection,
                acting.tables.metrics,
                [
                    {
                        "tenant": acting.tenant,
                        "subject": row["subject"],
                        "metric": row["metric"],
                        "first": period.first.isoformat(),
                        "last": period.last.isoformat(),
                        "value": _known(row["value"]),
                        "exposure": row["exposure"],
                        "low": _known(row["low"]),
                        "high": _known(row["high"]),
                        "computed_ms": unit.at_ms,
                    }
                    for row in table.rows()
                ],
            )
            unit.audit("scores.measure", "metrics", f"{period.first}..{period.last}", count=len(table))
        return table if mine is None else table.take([subject in mine for subject in table["subject"]])

    def cards(
        self,
        period: Period,
        *,
        weights: Mapping[str, Mapping[str, float]] | None = None,
        reps: Iterable[str] | None = None,
    ) -> list[Scorecard]:
        """Return the scorecards of a period of everybody this principal may see, by rep. Nothing is stored.

        A rep sees their own card and nobody else's. Each is composed beside the card's peers, whoever asks.

        Args:
            weights: scorecard name -> metric -> percent, to be tried instead of those in force; cards that are not
                named keep theirs.
            reps: only these.

        Raises:
            RecordError: FHR-REC-001 for weights of an unknown card or metric, negative ones, or none above 0.
            PluginError: the composer failed, or there is none.
        """
        with self._acting.unit() as unit:
            unit.allow("metrics", "read")
            mine = self._mine(unit)
            unit.audit("scores.cards", "metrics", f"{period.first}..{period.last}", what_if=weights is not None)
        cards = self._composed(period, weights)
        wanted = None if reps is None else set(reps)
        return [
            card
            for card in cards
            if (mine is None or card.subject in mine) and (wanted is None or card.subject in wanted)
        ]

    def weighting(self) -> Weighting:
        """Return the weights in force: everybody may know by what they are appraised."""
        with self._acting.unit() as unit:
            composer = _composer(self._acting, unit)
            found: Weighting = self._acting.house.guard.call(composer, "weighting")
        return found

    def behind(self, period: Period, subject: str, metric: str) -> Table:
        """Return ``BEHIND``: the records that one figure of somebody this principal may see was made of.

        Raises:
            AccessError: FHR-ACC-001 where there is no such subject for this principal.
            RecordError: FHR-REC-001 where nobody can trace that metric.
        """
        with self._acting.unit() as unit:
            unit.allow("metrics", "read")
            mine = self._mine(unit)
            if mine is not None and subject not in mine:
                raise self._acting.not_found()
            unit.audit("scores.behind", "person", subject, metric=metric)
        acting = self._acting.as_house()
        with acting.unit() as unit:
            view = _view(acting, unit, period)
            for _, tracer in acting.providers(unit, "scorers", role="trace"):
                if not isinstance(tracer, PluginError) and metric in {each.name for each in tracer.metrics}:
                    found: Table = acting.house.guard.call(tracer, "behind", view, subject, metric)
                    return found.sort("kind", "record") if len(found) else BEHIND.empty()
        raise RecordError(f"Nobody can say which records are behind {metric!r}.", code="FHR-REC-001")

    def _composed(self, period: Period, weights: Mapping[str, Mapping[str, float]] | None) -> list[Scorecard]:
        acting = self._acting.as_house()
        with acting.unit() as unit:
            view = _view(acting, unit, period)
            composer = _composer(acting, unit)
            in_force: Weighting = acting.house.guard.call(composer, "weighting")
            metrics = {metric.name for metric in composer.metrics}
            tried = in_force if weights is None else _tried(in_force, weights, metrics)
            needed = {name for card in tried.cards.values() for name, weight in card.weights.items() if weight > 0}
            measured = _measured(acting, unit, view, needed)
            made = acting.house.guard.call(composer, "compose", measured, view[PEOPLE], period, tried)
            simulated = acting.facts(unit).simulated
        return sorted(
            (attrs.evolve(card, what_if=weights is not None, simulated=simulated) for card in made),
            key=lambda card: card.subject,
        )

    def _mine(self, unit: Unit) -> frozenset[str] | None:
        """Return whose figures this principal may see; ``None``: everybody's.

        A manager also sees those of the teams and branches all of whose people are theirs.
        """
        if scoping.reaches_everybody(self._acting.principal, "metrics"):
            return None
        mine = scoping.visible_people(unit.connection, self._acting.tables, self._acting.principal)
        if self._acting.principal.role is not Role.MANAGER:
            return mine
        with unit.housework():  # who else is in a group is not shown, only whether anybody is
            return mine | _groups_within(unit, mine)


def _groups_within(unit: Unit, people: frozenset[str]) -> frozenset[str]:
    """Return ``team:ID`` and ``branch:ID`` of groups that hold nobody but *people*."""
    import sqlalchemy as sa

    table = unit.acting.tables.people
    rows = unit.all(sa.select(table.c.id, table.c.team, table.c.branch).where(table.c.tenant == unit.acting.tenant))
    every: dict[str, bool] = {}
    for row in rows:
        for kind, name in (("team", row.team), ("branch", row.branch)):
            if name:
                every[f"{kind}:{name}"] = every.get(f"{kind}:{name}", True) and row.id in people
    return frozenset(name for name, is_within in every.items() if is_within)


def _view(acting: Acting, unit: Unit, period: Period) -> View:
    """Return the tables of a period as of its end (its present, where it is not over): the same ones ever after."""
    zone = ZoneInfo(acting.facts(unit).pattern.zone)
    end = datetime.combine(period.last + timedelta(days=1), datetime.min.time(), zone) - timedelta(milliseconds=1)
    return View(acting, unit, period, min(acting.house.clock.now().astimezone(zone), end))


def _measured(acting: Acting, unit: Unit, view: View, needed: set[str] | None) -> Table:
    """Ask every scorer that measures something needed (``None``: every scorer)."""
    results = []
    for _, scorer in acting.providers(unit, "scorers"):
        if isinstance(scorer, PluginError):
            continue
        if needed is not None and needed.isdisjoint(metric.name for metric in scorer.metrics):
            continue
        try:
            results.append(acting.house.guard.call(scorer, "score", view))
        except PluginError:
            continue
    return Table.concat(METRICS, results).sort("subject", "metric")


def _composer(acting: Acting, unit: Unit) -> ProviderHandle:
    name = acting.facts(unit).settings.get("composer", _COMPOSER)
    return acting.provider(unit, "scorers", name, role="compose")


def _tried(in_force: Weighting, weights: Mapping[str, Mapping[str, float]], metrics: set[str]) -> Weighting:
    cards = dict(in_force.cards)
    for name, given in weights.items():
        if name not in cards:
            raise _refused(f"There is no scorecard {name!r}", in_force.cards)
        for metric, weight in given.items():
            if metric not in metrics:
                raise _refused(f"No scorecard can weigh {metric!r}", metrics)
            if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < float("inf"):
                raise RecordError(f"The weight of {metric!r} cannot be {weight!r}.", code="FHR-REC-001")
        if not any(weight > 0 for weight in given.values()):
            raise RecordError(f"No weight of {name!r} is above 0.", code="FHR-REC-001")
        cards[name] = attrs.evolve(cards[name], weights={metric: float(weight) for metric, weight in given.items()})
    return Weighting.of(cards, "what-if")


def _refused(what: str, known: Iterable[str]) -> RecordError:
    return RecordError(f"{what}; there are {', '.join(sorted(known))}.", code="FHR-REC-001")


def _known(value: float) -> float | None:
    return None if value != value else value
