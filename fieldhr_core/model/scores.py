"""Metrics and periods: what scorers return, and over which time."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import attrs

from fieldhr_core.model.table import Column, Kind, Schema

__all__ = [
    "BEHIND",
    "METRICS",
    "Component",
    "Metric",
    "Period",
    "RoleWeights",
    "Scorecard",
    "Standing",
    "Suggestion",
    "Weighting",
]


@attrs.frozen
class Period:
    """Whole local days, both ends included."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


@attrs.frozen(kw_only=True)
class Metric:
    """What one metric is: shown beside its figure everywhere.

    ``direction`` is ``up`` where more is better, ``down`` where less is, ``none`` where neither.
    """

    name: str
    unit: str
    direction: str
    doc: str


#: Results of scorers: one row a subject and metric.
METRICS: Final = Schema(
    "metrics",
    "Measured values with their exposure and uncertainty; a value that cannot be known is NaN, never 0.",
    (
        Column("subject", Kind.CODED, "Id of the rep, team, branch or tenant measured."),
        Column("metric", Kind.CODED, "Name of the metric."),
        Column("value", Kind.FLOAT, "The value; NaN = not enough evidence."),
        Column("exposure", Kind.FLOAT, "What it rests on: outings, days, loans ...", low=0),
        Column("low", Kind.FLOAT, "Lower end of the 95 % interval; NaN unknown.", default=float("nan")),
        Column("high", Kind.FLOAT, "Upper end of the 95 % interval; NaN unknown.", default=float("nan")),
    ),
)

#: The records behind one figure.
BEHIND: Final = Schema(
    "behind",
    "Records that one metric of one subject was made of.",
    (
        Column("kind", Kind.CODED, "What the id names: loan, deal, followup, feedback ..."),
        Column("record", Kind.TEXT, "Id."),
        Column("counts", Kind.FLOAT, "What it adds to the numerator."),
        Column("of", Kind.FLOAT, "What it adds to the exposure."),
    ),
)


class Standing(enum.StrEnum):
    """Three states, never two."""

    GOOD = "good"
    POOR = "poor"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


@attrs.frozen(kw_only=True)
class RoleWeights:
    """How much each component counts for one role, in percent; they need not add up to 100.

    Attributes:
        roles: the host's roles it is for; empty: everybody no other entry is for.
        weights: metric -> percent, 0 or more. A metric that is not here does not count.
    """

    roles: tuple[str, ...] = ()
    weights: Mapping[str, float]


@attrs.frozen(kw_only=True)
class Weighting:
    """The weights in force, by name of the scorecard (``credit_manager`` ...).

    ``version`` names them wherever a score is shown: equal weights have an equal version.
    """

    version: str
    cards: Mapping[str, RoleWeights]

    @classmethod
    def of(cls, cards: Mapping[str, RoleWeights], label: str = "") -> Weighting:
        """Name a set of weights by a digest of it, after the tenant's own *label* (``2026-Q2``)."""
        body = {name: [sorted(card.roles), sorted(card.weights.items())] for name, card in cards.items()}
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:8]
        return cls(version=f"{label}-{digest}" if label else digest, cards=dict(cards))

    def card_of(self, role: str) -> str | None:
        """Return the name of the scorecard for a role: the one that names it, else the one for everybody."""
        named = next((name for name, card in self.cards.items() if role in card.roles), None)
        return named or next((name for name, card in self.cards.items() if not card.roles), None)


@attrs.frozen(kw_only=True)
class Component:
    """One line of a scorecard: from what was measured to what it adds to the total.

    Attributes:
        metric, unit, direction: as in :class:`Metric`.
        group: ``process``, ``result`` or ``risk``.
        value, exposure, low, high: as measured; ``None`` unknown.
        shrunk: the value pulled towards the peers' as far as luck could explain it; what is scored.
        usual: what is usual among the peers.
        points: hundredths of a point, 0 to 10000: how good that is beside the peers.
        weight: percent as configured; share: of the total, after components that are missing gave theirs away.
        contribution: hundredths of a point it adds; the contributions of a card add up to its total exactly.
        standing: good, poor, or not enough evidence to say.
        reason: message id with ``params``; improve: message id of what would raise it.
    """

    metric: str
    unit: str
    direction: str
    group: str
    value: float | None
    exposure: float
    low: float | None
    high: float | None
    shrunk: float
    usual: float
    points: int
    weight: float
    share: float
    contribution: int
    standing: Standing
    reason: str
    improve: str = ""
    params: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Suggestion:
    """A reward or a training that somebody may consider. Nothing is ever applied.

    ``kind`` is ``reward`` or ``training``; ``message`` a message id with ``params``; ``because`` the metrics it rests
    on.
    """

    kind: str
    message: str
    because: tuple[str, ...]
    params: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Scorecard:
    """One rep's appraisal of one period: every point traceable to what was measured.

    Attributes:
        subject: id of the rep.
        card: name of the weights used; ``role``, ``peers``: the rep's role, and whom it was compared with.
        period: what was appraised.
        total: hundredths of a point, 0 to 10000, the sum of the contributions; ``None`` without enough evidence for any
            component.
        low, high: hundredths of a point: 95 % interval of the total; ``None`` with it.
        standing: good, poor, or not enough evidence to say.
        components: in the order of the weights.
        missing: metrics with a weight and without evidence; their weight went to the others.
        suggestions: rewards and trainings to consider.
        weights_version: of the :class:`Weighting`; ``what_if`` whether these weights are in force or only tried.
        simulated: whether the tenant is synthetic.
    """

    subject: str
    card: str
    role: str
    peers: str
    period: Period
    total: int | None
    low: int | None
    high: int | None
    standing: Standing
    components: tuple[Component, ...]
    missing: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    weights_version: str
    what_if: bool = False
    simulated: bool = False
