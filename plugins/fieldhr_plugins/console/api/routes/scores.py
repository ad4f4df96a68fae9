"""Scores of a period: metrics with what they rest on."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Period
from fieldhr_plugins.console.api.gate import Asked, at_desk
from fieldhr_plugins.console.api.wire import columns_of, sensible_day

__all__ = ["metrics"]

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
    sensible_day(first), sensible_day(last)
    if not 0 <= (last - first).days < _LONGEST_DAYS:
        raise RecordError(f"A period has 1 to {_LONGEST_DAYS} days.", code="FHR-REC-001")
    table = await at_desk(request, "performance", lambda desk: columns_of(desk.scores.measure(Period(first, last))))
    return Metrics(first=first, last=last, **table)
