"""Deals: sales, loans and contracts as the host's records have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fieldhr_core.flow.feedback import write_feedback
from fieldhr_core.flow.values import plain
from fieldhr_core.model import DEALS, Coded, Deal, Feedback, Table, milliseconds
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Deals", "deals_table", "write_deals"]


class Deals:
    """The desk's room for deals."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, deals: Iterable[Deal]) -> int:
        """Store deals; one whose id is known already is exchanged. Return how many were handed in."""
        deals = list(deals)
        with self._acting.unit() as unit:
            unit.allow("deals", "write")
            write_deals(self._acting, unit, deals)
            unit.audit("deals.put", "deals", count=len(deals))
        return len(deals)

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


def write_deals(acting: Acting, unit: Unit, deals: Iterable[Deal]) -> None:
    """Store deals within a unit."""
    put(
        unit.connection,
        acting.tables.deals,
        [
            {
                "tenant": acting.tenant,
                "id": deal.id,
                "rep": deal.rep,
                "customer": deal.customer,
                "product": deal.product,
                "stage": deal.stage,
                "opened_ms": milliseconds(deal.opened),
                "closed_ms": None if deal.closed is None else milliseconds(deal.closed),
                "amount_minor": deal.amount_minor,
                "currency": deal.currency,
                "channel": deal.channel,
                "facts": plain(deal.facts),
            }
            for deal in deals
        ],
    )


def deals_table(acting: Acting, unit: Unit, until_ms: int) -> Table:
    """Return ``DEALS`` opened up to *until_ms* that this principal may see: an old deal still matters."""
    import sqlalchemy as sa

    table = acting.tables.deals
    rows = unit.all(
        sa.select(table).where(unit.scope(table), table.c.opened_ms <= until_ms).order_by(table.c.opened_ms, table.c.id)
    )
    return DEALS.table(
        deal=[row.id for row in rows],
        rep=Coded.of(row.rep for row in rows),
        customer=[row.customer for row in rows],
        product=Coded.of(row.product for row in rows),
        stage=Coded.of(row.stage for row in rows),
        opened_ms=[row.opened_ms for row in rows],
        closed_ms=[row.closed_ms or 0 for row in rows],
        amount_minor=[row.amount_minor or 0 for row in rows],
    )
