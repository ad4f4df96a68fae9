"""Metrics and periods: what scorers return, and over which time."""

from __future__ import annotations

from datetime import date
from typing import Final

import attrs

from fieldhr_core.model.table import Column, Kind, Schema

__all__ = ["METRICS", "Metric", "Period"]


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
