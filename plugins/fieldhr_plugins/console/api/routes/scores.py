"""Scores of a period: metrics with what they rest on."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import Parameter

from fieldhr_core.errors import AccessError, RecordError
from fieldhr_core.flow.desk import Desk
from fieldhr_core.model import Period, Scorecard
from fieldhr_plugins.console.api.gate import Asked, at_desk
from fieldhr_plugins.console.api.wire import IdPath, columns_of, sensible_day

__all__ = ["in_words", "metrics", "scorecards"]

_LONGEST_DAYS = 400

First = Annotated[date, Parameter(description="First local day.")]
Last = Annotated[date, Parameter(description="Last local day, included.")]


class Metrics(msgspec.Struct, kw_only=True):
    """Measured values as columns of one length; a value that cannot be known is null, never 0."""

    first: date
    last: date
    subject: list[str | None]
    metric: list[str | None]
    value: list[float | None]
    exposure: list[float | None]
    low: list[float | None]
    high: list[float | None]


@get("/scores", operation_id="measure", tags=["scores"], summary="Metrics of a period")
async def metrics(request: Asked, first: First, last: Last) -> Metrics:
    """Measure a period for everybody the caller may see."""
    period = _period(first, last)
    table = await at_desk(request, "performance", lambda desk: columns_of(desk.scores.measure(period)))
    return Metrics(first=first, last=last, **table)


@get("/scorecards", operation_id="readScorecards", tags=["scores"], summary="Scorecards of a period, with the reasons")
async def scorecards(
    request: Asked,
    first: First,
    last: Last,
    rep: Annotated[str | None, Parameter(max_length=120, description="Only this one's.")] = None,
) -> Response[list[Scorecard]]:
    """Return the scorecards of everybody the caller may see; contributions add up to the total exactly."""
    period = _period(first, last)
    reps = None if rep is None else [rep]
    cards = await at_desk(request, "performance", lambda desk: desk.scores.cards(period, reps=reps))
    return Response(cards)


class Line(msgspec.Struct, kw_only=True):
    """One line of a scorecard in words; ``contribution`` is hundredths of a point."""

    metric: str
    unit: str
    value: float | None
    weight: float
    contribution: int
    standing: str
    why: str


class Card(msgspec.Struct, kw_only=True):
    """A scorecard in words; ``total``, ``low`` and ``high`` are hundredths of a point, null without evidence."""

    total: int | None
    low: int | None
    high: int | None
    standing: str
    lines: list[Line]
    simulated: bool


@get(
    "/people/{person_id:str}/scorecard",
    operation_id="readOwnScorecard",
    tags=["scores"],
    summary="One person's scorecard in words",
)
async def in_words(
    request: Asked,
    person_id: IdPath,
    first: First,
    last: Last,
    language: Annotated[str, Parameter(max_length=20, pattern="^[A-Za-z0-9-]+$", description="BCP 47.")] = "en",
) -> Card:
    """Return one person's scorecard with the reason of every line in words."""
    period = _period(first, last)

    def work(desk: Desk) -> Card:
        cards = desk.scores.cards(period, reps=[person_id])
        if not cards:
            raise AccessError("There is no scorecard of that person, or it is not yours to see.", code="FHR-ACC-001")
        card = cards[0]
        lines = [
            Line(
                metric=one.metric,
                unit=one.unit,
                value=one.value,
                weight=one.weight,
                contribution=one.contribution,
                standing=one.standing.value,
                why=desk.words(one.reason, language, one.params),
            )
            for one in card.components
        ]
        return Card(
            total=card.total,
            low=card.low,
            high=card.high,
            standing=card.standing.value,
            lines=lines,
            simulated=card.simulated,
        )

    return await at_desk(request, "performance", work)


def _period(first: date, last: date) -> Period:
    sensible_day(first)
    sensible_day(last)
    if not 0 <= (last - first).days < _LONGEST_DAYS:
        raise RecordError(f"A period has 1 to {_LONGEST_DAYS} days.", code="FHR-REC-001")
    return Period(first, last)
