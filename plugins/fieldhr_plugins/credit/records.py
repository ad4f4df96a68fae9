"""Column tables of lending: what connected borrowers, evergreening and money between rep and customer are read from.

Telephone numbers, addresses, names and account numbers may be sent as keyed digests instead: they are only compared. An
address sent as a digest must be one of the whole address, room included.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Column, Kind, Schema, Table, milliseconds

__all__ = ["ACCOUNTS", "APPLICATIONS", "LINKS", "LINK_KINDS", "LOANS", "TRANSFERS", "as_ms", "link_value", "table_of"]

APPLICATIONS: Final = Schema(
    "credit_applications",
    "Applications for credit, one a row.",
    (
        Column("application", Kind.TEXT, "Id."),
        Column("time_ms", Kind.TIME_MS, "When it was made."),
        Column("borrower", Kind.CODED, "Customer who applies."),
        Column("rep", Kind.CODED, "Rep through whom."),
    ),
)

#: What may link two borrowers.
LINK_KINDS: Final = ("phone", "address", "legal_representative", "shareholder", "guarantor")

LINKS: Final = Schema(
    "credit_links",
    "What is known of a borrower that others may share, one value a row.",
    (
        Column("borrower", Kind.CODED, "Customer."),
        Column("kind", Kind.CODED, f"One of {', '.join(LINK_KINDS)}."),
        Column("value", Kind.TEXT, "As sent, or a keyed digest of it."),
    ),
)

LOANS: Final = Schema(
    "credit_loans",
    "Loans as they stand, one a row.",
    (
        Column("loan", Kind.TEXT, "Id."),
        Column("borrower", Kind.CODED, "Customer who owes."),
        Column("rep", Kind.CODED, "Rep who brought it."),
        Column("paid_out_ms", Kind.TIME_MS, "When the borrower got the money."),
        Column("amount_minor", Kind.INTEGER, "Principal.", low=0),
        Column("overdue_ms", Kind.TIME_MS, "Since when it was overdue; -1 never.", default=-1),
        Column("settled_ms", Kind.TIME_MS, "When it was paid back in full; -1 not yet.", default=-1),
        Column("settled_minor", Kind.INTEGER, "What was paid on that day.", low=0, default=0),
        Column("is_restructured", Kind.BOOLEAN, "An approved restructuring replaced it.", default=False),
    ),
)

TRANSFERS: Final = Schema(
    "credit_transfers",
    "Transfers between accounts, one a row.",
    (
        Column("transfer", Kind.TEXT, "Id."),
        Column("time_ms", Kind.TIME_MS, "When it was booked."),
        Column("from_account", Kind.TEXT, "Account that paid, or a keyed digest."),
        Column("to_account", Kind.TEXT, "Account that was paid, or a keyed digest."),
        Column("amount_minor", Kind.INTEGER, "Amount.", low=0),
        Column("purpose", Kind.CODED, "What it was for, in the host's words.", default=None),
    ),
)

ACCOUNTS: Final = Schema(
    "credit_accounts",
    "Whose an account is: those a rep declared, those of customers and of employers, one a row.",
    (
        Column("account", Kind.TEXT, "Account, or a keyed digest."),
        Column("kind", Kind.CODED, "Whose: rep, customer or employer."),
        Column("holder", Kind.CODED, "Id of the rep or customer."),
        Column(
            "relative_of", Kind.CODED, "Rep who declared this customer as a relative; none otherwise.", default=None
        ),
    ),
)

#: The last instant that Python can name.
_LATEST_MS: Final = 253_402_300_799_000

_DIGEST: Final = re.compile(r"(?:[a-z0-9]+:)?[0-9a-f]{16,128}")
#: Where many firms share a house number, and what tells one of them from another (our own lists).
_MANY_TENANTS: Final = re.compile(
    r"园区|園區|工业园|產業園|产业园|科技园|大厦|大廈|广场|廣場|中心|市场|市場|park|tower|plaza|centre|center|mall|market|building"
)
_DOOR: Final = re.compile(
    r"室|单元|號房|号房|[0-9]房|호|\broom\b|\brm\b|\bunit\b|\bsuite\b|\bste\b|\bflat\b|\bapt\b|[0-9]-[0-9]"
)
_NUMBERS: Final = re.compile(r"[0-9]+")


def link_value(kind: str, value: str) -> str | None:
    """Return the form in which values of one kind are compared; ``None`` where it cannot link anybody.

    A telephone number is its last 11 digits (7 at least). An address links only with a number in it, and with a door
    where many firms share one: everybody in an industrial park has the same street and gate.
    """
    text = unicodedata.normalize("NFKC", value).casefold().strip()
    if _DIGEST.fullmatch(text):
        return text
    if kind == "phone":
        digits = "".join(_NUMBERS.findall(text)).lstrip("0")
        return digits[-11:] if len(digits) >= 7 else None
    if kind == "address" and (not _NUMBERS.search(text) or (_MANY_TENANTS.search(text) and not _DOOR.search(text))):
        return None
    return "".join(ch for ch in text if ch.isalnum()) or None


def table_of(schema: Schema, records: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table from JSON objects; times may be RFC 3339 text, and come out in milliseconds.

    Raises:
        RecordError: FHR-REC-001 that names the column, where a value is missing or of the wrong kind.
    """
    rows = []
    for record in records:
        row = {}
        for column in schema.columns:
            name = column.name
            value = record.get(name)
            if column.kind is Kind.TIME_MS and value is None:
                value = record.get(name.removesuffix("_ms"))
            if value is None and isinstance(column.default, bool | int | str | None):
                value = column.default
            row[name] = _checked(schema, column, value)
        rows.append(row)
    if not rows:
        return schema.empty()
    return schema.table(**{column.name: [row[column.name] for row in rows] for column in schema.columns})


def as_ms(value: object) -> int:
    """Return a time - milliseconds, RFC 3339 text or an aware datetime - as UTC milliseconds.

    Raises:
        RecordError: FHR-REC-001 where it is none of these, FHR-REC-002 where it has no zone.
    """
    if isinstance(value, bool):
        raise RecordError("A time is true or false.", code="FHR-REC-001")
    if isinstance(value, int) and abs(value) <= _LATEST_MS:
        return value
    if isinstance(value, datetime):
        return milliseconds(value)
    if isinstance(value, str):
        try:
            return milliseconds(datetime.fromisoformat(value))
        except ValueError as cause:
            raise RecordError(f"{value[:40]!r} is no time.", code="FHR-REC-001") from cause
    raise RecordError(f"A {type(value).__name__} is no time.", code="FHR-REC-001")


def _checked(schema: Schema, column: Column, value: Any) -> Any:
    if column.kind is Kind.TIME_MS:
        return as_ms(value) if value is not None else _wrong(schema, column, value)
    if column.kind is Kind.INTEGER:
        fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62
        return value if fits else _wrong(schema, column, value)
    if column.kind is Kind.BOOLEAN:
        return value if isinstance(value, bool) else _wrong(schema, column, value)
    if value is None and column.default is None:
        return None
    return value if isinstance(value, str) and value else _wrong(schema, column, value)


def _wrong(schema: Schema, column: Column, value: object) -> Any:
    raise RecordError(
        f"Column {column.name!r} of {schema.name} cannot hold a {type(value).__name__} like this.",
        code="FHR-REC-001",
        column=column.name,
    )
