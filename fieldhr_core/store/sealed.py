"""Where sealed values stand: every column, the class of its keys, and what names its row when it is sealed.

Whoever goes over all sealed values - rotation, a person's own view, the doctor - reads them by this list; a test holds
it against the tables and against what the journeys seal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.trust.purposes import DataClass

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from fieldhr_core.store.tables import StoreTables

__all__ = ["KEY_ID", "SEALED", "SealedColumn", "key_ids"]

#: Bytes of a sealed value that name its key: where they start (from 1, as SQL counts) and how many there are.
KEY_ID: Final = (3, 8)


@attrs.frozen(kw_only=True)
class SealedColumn:
    """One column of sealed values.

    Attributes:
        table, column: plain names, without prefix.
        data_class: of the keys.
        row: columns that name the row, joined with ``/``.
        person: column with the person whose key seals; ``None``, or null in a row: the tenant's.
    """

    table: str
    column: str
    data_class: DataClass
    row: tuple[str, ...]
    person: str | None = None

    def row_id(self, row: Any) -> str:
        """Return what names a row of a select that holds the columns of :attr:`row`."""
        return "/".join(str(getattr(row, name)) for name in self.row)

    def key_of(self, tables: StoreTables) -> ColumnElement[Any]:
        """Return the id of the key as an expression: 8 bytes."""
        import sqlalchemy as sa

        return sa.func.substr(getattr(tables, self.table).c[self.column], *KEY_ID)


SEALED: Final = (
    SealedColumn(table="people", column="name_sealed", data_class=DataClass.CONTACT, row=("id",), person="id"),
    SealedColumn(table="people", column="contact_sealed", data_class=DataClass.CONTACT, row=("id",), person="id"),
    SealedColumn(table="places", column="body_sealed", data_class=DataClass.CONTACT, row=("id",), person="subject"),
    SealedColumn(table="customers", column="body_sealed", data_class=DataClass.CONTACT, row=("id",)),
    SealedColumn(table="customers", column="identity_sealed", data_class=DataClass.IDENTITY, row=("id",)),
    SealedColumn(table="addresses", column="body_sealed", data_class=DataClass.CONTACT, row=("customer", "id")),
    SealedColumn(
        table="rep_days",
        column="resolved_sealed",
        data_class=DataClass.WHEREABOUTS,
        row=("rep", "date"),
        person="rep",
    ),
    SealedColumn(
        table="track_parts",
        column="body_sealed",
        data_class=DataClass.WHEREABOUTS,
        row=("rep", "date", "part"),
        person="rep",
    ),
    SealedColumn(table="checkins", column="body_sealed", data_class=DataClass.WHEREABOUTS, row=("id",), person="rep"),
    SealedColumn(table="follow_ups", column="text_sealed", data_class=DataClass.MESSAGE, row=("id",)),
    SealedColumn(table="inspections", column="text_sealed", data_class=DataClass.MESSAGE, row=("id",)),
    SealedColumn(table="attachments", column="body_sealed", data_class=DataClass.MESSAGE, row=("id",)),
    SealedColumn(table="messages", column="text_sealed", data_class=DataClass.MESSAGE, row=("id",)),
    SealedColumn(
        table="rulings", column="grounds_sealed", data_class=DataClass.MESSAGE, row=("kind", "submission", "check")
    ),
    SealedColumn(table="cases", column="body_sealed", data_class=DataClass.CASE, row=("id",)),
    SealedColumn(table="case_events", column="body_sealed", data_class=DataClass.CASE, row=("case", "seq")),
    SealedColumn(table="outbox", column="body_sealed", data_class=DataClass.MESSAGE, row=("id",)),
    SealedColumn(table="answers", column="body_sealed", data_class=DataClass.CONTACT, row=("id",)),
    SealedColumn(table="quarantine", column="body_sealed", data_class=DataClass.WHEREABOUTS, row=("id",), person="rep"),
)


def key_ids(connection: Connection, tables: StoreTables, tenant: str) -> Iterator[tuple[SealedColumn, str]]:
    """Yield each column with each id of a key that something in it is sealed with."""
    import sqlalchemy as sa

    for sealed in SEALED:
        table = getattr(tables, sealed.table)
        column = table.c[sealed.column]
        statement = sa.select(sealed.key_of(tables)).where(table.c.tenant == tenant, column.is_not(None)).distinct()
        for ident in connection.execute(statement).scalars():
            yield sealed, bytes(ident).hex()
