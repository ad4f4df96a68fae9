"""Period journey: the tables of a period to metrics, each with its exposure and interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldhr_core.errors import PluginError
from fieldhr_core.flow import scoping
from fieldhr_core.flow.view import View
from fieldhr_core.model import METRICS, Period, Table
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Scores"]


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
        acting = self._acting.as_house()  # a rep's figures rest on more than a rep may look at
        results = []
        with acting.unit() as unit:
            view = View(acting, unit, period, acting.house.clock.now())
            for _, scorer in acting.providers(unit, "scorers"):
                if isinstance(scorer, PluginError):
                    continue
                try:
                    results.append(acting.house.guard.call(scorer, "score", view))
                except PluginError:
                    continue
            table = Table.concat(METRICS, results).sort("subject", "metric")
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

    def _mine(self, unit: Unit) -> frozenset[str] | None:
        """Return whose figures this principal may see; ``None``: everybody's."""
        if scoping.reaches_everybody(self._acting.principal, "metrics"):
            return None
        return scoping.visible_people(unit.connection, self._acting.tables, self._acting.principal)


def _known(value: float) -> float | None:
    return None if value != value else value
