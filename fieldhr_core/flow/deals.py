"""Deals: sales, loan applications and contracts as the host's records have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.flow.feedback import write_feedback
from fieldhr_core.flow.values import plain
from fieldhr_core.model import DEALS, MET, Coded, Column, Deal, Feedback, Kind, Schema, Table, milliseconds
from fieldhr_core.store.columns import as_columns, put_rows, written_columns
from fieldhr_core.store.freshness import ALL_DATES, touch, versions

if TYPE_CHECKING:
    from datetime import datetime

    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Deals", "deals_table", "first_visits", "write_deals"]

#: Under which a version of all deals is kept.
_KIND: Final = "deals"
#: A visit so long before a deal was opened still led to it; an earlier one belongs to another deal.
_LEAD_MS: Final = 30 * 86_400_000
#: Deals opened so long ago take no visit any more.
_OLD_MS: Final = 400 * 86_400_000
#: Later than any visit: a pair and a time fit one integer.
_FAR_MS: Final = 1 << 43

#: Visits as far as a deal asks for them.
_VISITS: Final = Schema(
    "visits_met",
    "Who met whom, and when.",
    (
        Column("rep", Kind.CODED, "Rep."),
        Column("customer", Kind.TEXT, "Customer."),
        Column("start_ms", Kind.TIME_MS, "Begin."),
    ),
)


class Deals:
    """The desk's room for deals."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, deals: Iterable[Deal] | Table) -> int:
        """Store deals (values, or ``DEALS`` in columns); one whose id is known already is exchanged.

        Returns:
            How many were handed in.

        Raises:
            RecordError: FHR-REC-001 for one that is closed before it was opened, or cancelled before it was closed.
        """
        with self._acting.unit() as unit:
            unit.allow("deals", "write")
            count = write_deals(self._acting, unit, deals, fault=_fault)
            unit.audit("deals.put", "deals", count=count)
        return count

    def put_feedback(self, feedback: Iterable[Feedback]) -> int:
        """Store complaints, praise and ratings; one whose id is known already is exchanged. Return how many.

        Raises:
            RecordError: FHR-REC-001 for a rating outside 0 to 1, or what was settled before it was said.
        """
        feedback = list(feedback)
        with self._acting.unit() as unit:
            unit.allow("deals", "write")
            write_feedback(self._acting, unit, feedback)
            unit.audit("deals.put_feedback", "feedback", count=len(feedback))
        return len(feedback)


def write_deals(
    acting: Acting,
    unit: Unit,
    deals: Iterable[Deal] | Table,
    *,
    fault: Callable[[Mapping[str, Any]], str | None] = lambda _: None,
) -> int:
    """Store deals within a unit; return how many there were. What a source gives is kept as it is."""
    if isinstance(deals, Table):
        rows: Any = written_columns(deals, DEALS, "deal", currency="CNY", facts={})
    else:
        rows = map(_row, deals)
    count = put_rows(unit.connection, acting.tenant, acting.tables.deals, rows, fault)
    with unit.housework():
        touch(unit.connection, acting.tables, acting.tenant, _KIND)
    return count


def _row(deal: Deal) -> dict[str, Any]:
    return {
        "id": deal.id,
        "rep": deal.rep,
        "customer": deal.customer,
        "product": deal.product,
        "stage": deal.stage,
        "opened_ms": milliseconds(deal.opened),
        "closed_ms": _ms(deal.closed),
        "amount_minor": deal.amount_minor,
        "currency": deal.currency,
        "channel": deal.channel,
        "facts": plain(deal.facts),
        "cancelled_ms": _ms(deal.cancelled),
        "met_ms": _ms(deal.met),
    }


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _fault(row: Mapping[str, Any]) -> str | None:
    if row["closed_ms"] is not None and row["closed_ms"] < row["opened_ms"]:
        return "was closed before it was opened"
    if row["cancelled_ms"] is not None and row["cancelled_ms"] < row["opened_ms"]:
        return "was cancelled before it was opened"
    return None


def deals_table(acting: Acting, unit: Unit, until_ms: int) -> Table:
    """Return ``DEALS`` opened up to *until_ms* that this principal may see: an old deal still matters.

    What happened to a deal later is not known then: one that was closed afterwards is open.
    """
    if not acting.is_runtime:
        return _as_of(_read(acting, unit, until_ms), until_ms)
    # Every evening the runtime asks again for deals of which few are new: it keeps them as long as nobody writes any.
    version = versions(unit.connection, acting.tables, acting.tenant, _KIND, "-", "-").get(ALL_DATES, 0)
    kept = acting.house.cached.get((acting.tenant, _KIND))
    if not version or kept is None or kept[0] != version:
        kept = (version, _read(acting, unit, None))
        acting.house.cached[acting.tenant, _KIND] = kept
    known: Table = kept[1]
    opened = int(known["opened_ms"].searchsorted(until_ms, side="right"))
    return _as_of(known.take(slice(0, opened)), until_ms)


def _read(acting: Acting, unit: Unit, until_ms: int | None) -> Table:
    """Return ``DEALS`` this principal may see by opening, up to an instant or all of them."""
    import sqlalchemy as sa

    table = acting.tables.deals
    chosen = [table.c["id" if column.name == "deal" else column.name] for column in DEALS.columns]
    where = [unit.scope(table)]
    if until_ms is not None:
        where.append(table.c.opened_ms <= until_ms)
    statement = sa.select(*chosen).where(*where).order_by(table.c.opened_ms, table.c.id)
    return as_columns(unit.connection, DEALS, statement)


def _as_of(deals: Table, until_ms: int) -> Table:
    """Return the deals as they stood at an instant: their stage is not known where they were closed later."""
    import numpy as np

    later = deals["closed_ms"] > until_ms
    if not later.any() and not (deals["cancelled_ms"] > until_ms).any():
        return deals
    stages = deals["stage"]
    return deals.replace(
        closed_ms=np.where(later, 0, deals["closed_ms"]),
        cancelled_ms=np.where(deals["cancelled_ms"] > until_ms, 0, deals["cancelled_ms"]),
        stage=Coded(np.where(later, len(stages.values), stages.codes).astype("i4"), (*stages.values, "open")),
    )


def first_visits(
    acting: Acting, unit: Unit, deals: Table, until_ms: int, *, known: Sequence[Table] = (), known_from_ms: int = 0
) -> Table:
    """Return ``MET``: for each of ``DEALS`` the first visit that led to it, as far as one is known.

    The host's own word counts; else the first visit to the customer, by positions or by record, from a month before the
    deal was opened until it was closed.

    Args:
        known: visits that were read already (tables with ``rep``, ``customer`` and ``start_ms``), all there are from
            *known_from_ms* on.
    """
    import numpy as np
    import sqlalchemy as sa

    first = deals["met_ms"].copy()
    lacking = np.flatnonzero((first == 0) & (deals["opened_ms"] > until_ms - _OLD_MS))
    if len(lacking):
        since = int(deals["opened_ms"][lacking].min()) - _LEAD_MS
        end = known_from_ms - 1 if known else until_ms
        seen, written = acting.tables.visits, acting.tables.follow_ups
        visits = list(known)
        for table, more in ((seen, ()), (written, (written.c.kind == "visit",))):
            statement = sa.select(table.c.rep, table.c.customer, table.c.start_ms).where(
                unit.scope(table), table.c.start_ms >= since, table.c.start_ms <= end, *more
            )
            visits.append(as_columns(unit.connection, _VISITS, statement))
        closed = deals["closed_ms"][lacking]
        spans = deals["opened_ms"][lacking] - _LEAD_MS, np.where(closed > 0, closed, until_ms)
        first[lacking] = _earliest(visits, deals.take(lacking), *spans)
    is_known = first > 0
    return MET.table(deal=deals["deal"][is_known], at_ms=first[is_known])


def _earliest(visits: Sequence[Table], deals: Table, low: Any, high: Any) -> Any:
    """Return for each deal the first visit of its rep to its customer within its span; 0 where there is none."""
    import numpy as np

    reps = Coded.of([rep for table in (*visits, deals) for rep in table["rep"]]).codes.astype("i8")
    named = Coded.of([name for table in (*visits, deals) for name in table["customer"].tolist()])
    times = np.concatenate([table["start_ms"] for table in visits])
    if not len(times):
        return np.zeros(len(low), dtype="i8")
    # Each pair's visits follow each other in time: the first at or after the beginning is found by bisection.
    pairs = np.unique(reps * len(named.values) + named.codes, return_inverse=True)[1]
    mine, theirs = pairs[: len(times)], pairs[len(times) :]
    order = np.lexsort((times, mine))
    packed = mine[order] * _FAR_MS + times[order]
    place = np.minimum(np.searchsorted(packed, theirs * _FAR_MS + np.maximum(low, 0)), len(times) - 1)
    found = order[place]
    fits = (mine[found] == theirs) & (times[found] >= low) & (times[found] <= high)
    return np.where(fits, times[found], 0)
