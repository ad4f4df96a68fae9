"""The host's books beside deals: loans, contacts, and what reps inspected.

Each room takes values, or a column table where there are a million of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from fieldhr_core.flow.judging import run_alerters
from fieldhr_core.flow.people import local_days
from fieldhr_core.flow.pictures import fingerprint_of
from fieldhr_core.model import (
    CONTACTS,
    LOANS,
    Contact,
    Inspection,
    Loan,
    Table,
    instant,
    milliseconds,
)
from fieldhr_core.store.columns import put_rows, written_columns
from fieldhr_core.store.rows import within

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Table as SqlTable

    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Contacts", "Inspections", "Loans"]

T = TypeVar("T")


class Loans:
    """The desk's room for loans."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, loans: Iterable[Loan] | Table) -> int:
        """Store loans (values, or ``LOANS`` in columns); one whose id is known already is exchanged.

        Returns:
            How many were handed in.

        Raises:
            RecordError: FHR-REC-001 for one that is cured or closed before it began.
        """
        acting = self._acting
        rows = written_columns(loans, LOANS, "loan", currency="CNY") if isinstance(loans, Table) else map(_loan, loans)
        with acting.unit() as unit:
            unit.allow("deals", "write")
            count = put_rows(unit.connection, acting.tenant, acting.tables.loans, rows, _fault_of_loan)
            unit.audit("loans.put", "loans", count=count)
        return count


class Contacts:
    """The desk's room for calls, message threads and enquiries."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, contacts: Iterable[Contact] | Table) -> int:
        """Store contacts (values, or ``CONTACTS`` in columns); one whose id is known already is exchanged.

        Returns:
            How many were handed in.

        Raises:
            RecordError: FHR-REC-001 for one that is answered before it came in, or with a negative length.
        """
        acting = self._acting
        if isinstance(contacts, Table):
            rows: Iterable[dict[str, Any]] = written_columns(contacts, CONTACTS, "contact")
            reps = set(contacts["rep"].values)
        else:
            contacts = list(contacts)
            rows, reps = map(_contact, contacts), {contact.rep for contact in contacts}
        with acting.unit() as unit:
            unit.allow("follow_ups", "write", *reps)
            count = put_rows(unit.connection, acting.tenant, acting.tables.contacts, rows, _fault_of_contact)
            unit.audit("contacts.put", "contacts", count=count)
        return count


class Inspections:
    """The desk's room for statements analysed and sites photographed."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, inspections: Iterable[Inspection]) -> int:
        """Store inspection records; one whose id is known already is exchanged. A picture is looked at and not kept.

        Live alerters see them in the same call.

        Returns:
            How many were handed in.

        Raises:
            RecordError: FHR-REC-006 for a picture that cannot be read, FHR-REC-007 for an unknown rep.
            MissingDependencyError: FHR-CFG-010 for a picture where Pillow is not installed.
        """
        acting, table = self._acting, self._acting.tables.inspections
        records = list(inspections)
        with acting.unit() as unit:
            unit.allow("follow_ups", "write", *{record.rep for record in records})
            received = [(record.rep, record.received or instant(unit.at_ms)) for record in records]
            days = local_days(acting, unit, received)
            put_rows(unit.connection, acting.tenant, table, _sealed(unit, table, records, _inspection), lambda _: None)
            unit.audit("inspections.put", "inspections", count=len(records))
        house = acting.as_house()
        with house.unit() as unit:
            run_alerters(house, unit, "live", sorted(set(days)))
        return len(records)


def _sealed(
    unit: Unit, table: SqlTable, values: Iterable[T], row_of: Callable[[Unit, T], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of values with their texts sealed, portion by portion."""
    for chunk in within(values):
        texts: list[Any] = [getattr(value, "text").encode() for value in chunk]  # noqa: B009 - any record with a text
        ids: list[Any] = [getattr(value, "id") for value in chunk]  # noqa: B009
        sealed = unit.seal(table, "text_sealed", "message", ids, texts)
        for value, text, body in zip(chunk, texts, sealed, strict=True):
            yield {**row_of(unit, value), "text_sealed": body if text else None}


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _loan(loan: Loan) -> dict[str, Any]:
    return {
        "id": loan.id,
        "rep": loan.rep,
        "customer": loan.customer,
        "product": loan.product,
        "booked_ms": milliseconds(loan.booked),
        "amount_minor": loan.amount_minor,
        "currency": loan.currency,
        "due_ms": _ms(loan.due),
        "overdue_ms": _ms(loan.overdue_since),
        "cured_ms": _ms(loan.overdue_until),
        "closed_ms": _ms(loan.closed),
        "state": loan.state,
        "risk": loan.risk,
    }


def _fault_of_loan(row: Mapping[str, Any]) -> str | None:
    overdue, cured, closed = row["overdue_ms"], row["cured_ms"], row["closed_ms"]
    if cured is not None and (overdue is None or cured < overdue):
        return "was cured before it was overdue"
    if closed is not None and closed < row["booked_ms"]:
        return "was closed before it was booked"
    return None


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.id,
        "rep": contact.rep,
        "customer": contact.customer,
        "channel": contact.channel,
        "direction": contact.direction,
        "at_ms": milliseconds(contact.at),
        "answered_ms": _ms(contact.answered),
        "talk_s": contact.talk_s,
    }


def _fault_of_contact(row: Mapping[str, Any]) -> str | None:
    if row["direction"] not in ("in", "out"):
        return f"has the direction {row['direction']!r}; there are in and out"
    if row["answered_ms"] is not None and row["answered_ms"] < row["at_ms"]:
        return "was answered before it came in"
    return None if row["talk_s"] >= 0 else "has a negative length"


def _inspection(unit: Unit, record: Inspection) -> dict[str, Any]:
    seen = record.fingerprint or (fingerprint_of(record.picture) if record.picture is not None else None)
    return {
        "id": record.id,
        "rep": record.rep,
        "customer": record.customer,
        "kind": record.kind,
        "at_ms": milliseconds(record.at),
        "received_ms": milliseconds(record.received) if record.received else unit.at_ms,
        "fingerprint": seen,
    }
