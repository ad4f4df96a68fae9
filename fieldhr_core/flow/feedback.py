"""What customers said of how they were served, as the host's records have it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fieldhr_core.errors import RecordError
from fieldhr_core.model import FEEDBACK, Coded, Feedback, Table, milliseconds
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["feedback_fault", "feedback_table", "write_feedback"]


def feedback_fault(one: Feedback) -> str | None:
    """Return the dotted reason for which a record cannot be kept; ``None``: it can."""
    if not one.id:
        return "feedback.no_id"
    if one.rating is not None and not 0 <= one.rating <= 1:
        return "feedback.rating_out_of_range"
    if one.settled is not None and one.settled < one.at:
        return "feedback.settled_before_said"
    return None


def write_feedback(acting: Acting, unit: Unit, feedback: Iterable[Feedback]) -> None:
    """Store feedback within a unit.

    Raises:
        RecordError: FHR-REC-001 for a rating outside 0 to 1, or what was settled before it was said.
    """
    feedback = list(feedback)
    for one in feedback:
        fault = feedback_fault(one)
        if fault is not None:
            raise RecordError(f"Feedback {one.id!r} cannot be stored: {fault}.", code="FHR-REC-001")
    put(
        unit.connection,
        acting.tables.feedback,
        [
            {
                "tenant": acting.tenant,
                "id": one.id,
                "rep": one.rep,
                "customer": one.customer,
                "kind": one.kind,
                "state": one.state,
                "at_ms": milliseconds(one.at),
                "settled_ms": None if one.settled is None else milliseconds(one.settled),
                "rating": one.rating,
                "deal": one.deal,
                "about": one.about,
            }
            for one in feedback
        ],
    )


def feedback_table(acting: Acting, unit: Unit, until_ms: int) -> Table:
    """Return ``FEEDBACK`` said up to *until_ms* that this principal may see."""
    import sqlalchemy as sa

    table = acting.tables.feedback
    rows = unit.all(
        sa.select(table).where(unit.scope(table), table.c.at_ms <= until_ms).order_by(table.c.at_ms, table.c.id)
    )
    return FEEDBACK.table(
        feedback=[row.id for row in rows],
        rep=Coded.of(row.rep for row in rows),
        customer=[row.customer for row in rows],
        kind=Coded.of(row.kind for row in rows),
        state=Coded.of(row.state for row in rows),
        at_ms=[row.at_ms for row in rows],
        # What was decided later was open then.
        settled_ms=[0 if row.settled_ms is None or row.settled_ms > until_ms else row.settled_ms for row in rows],
        rating=[float("nan") if row.rating is None else row.rating for row in rows],
        deal=[row.deal for row in rows],
        about=[row.about for row in rows],
    )
