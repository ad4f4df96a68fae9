"""What a store holds, in few bytes: counts, lengths and samples of every table, the same on every database.

Reading and hashing every value in Python takes longer than restoring it, so the database adds up lengths and numbers of
all rows, and rows taken at even steps are hashed in full; small tables are hashed whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.store.rows import canonical_json

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from fieldhr_core.store.tables import StoreTables

__all__ = ["KEPT_APART", "contents", "kept_tables"]

#: Tables that no backup of the data holds.
KEPT_APART: Final = frozenset({"keys"})
#: Tables with no more rows than this are hashed whole.
_WHOLE: Final = 2_000
_SAMPLES: Final = 1_000


#: Whole numbers are added up modulo this; 2^31 - 1 is prime, so that no regular change hides in it.
_PRIME: Final = 2_147_483_647


def kept_tables(tables: StoreTables) -> Iterator[tuple[str, Table]]:
    """Yield the plain name and the table of everything a backup of the data holds."""
    for table in tables.metadata.sorted_tables:
        name = tables.plain_name(table)
        if name not in KEPT_APART:
            yield name, table


def contents(connection: Connection, tables: StoreTables) -> dict[str, dict[str, Any]]:
    """Return for each table ``{"rows": count, "digest": hex}``."""
    return {name: _content(connection, table) for name, table in kept_tables(tables)}


def _content(connection: Connection, table: Table) -> dict[str, Any]:
    import sqlalchemy as sa

    sums = connection.execute(sa.select(sa.func.count(), *(_sum(column) for column in table.columns)))
    totals = [int(total or 0) for total in sums.one()]
    digest = hashlib.sha256(canonical_json(totals))
    for row in _sampled(connection, table, totals[0]):
        digest.update(canonical_json([_plain(value) for value in row]))
    return {"rows": totals[0], "digest": digest.hexdigest()}


def _sum(column: Any) -> Any:
    """Add up what can be added exactly: lengths of texts and bytes, whole numbers, how many are there of the rest."""
    import sqlalchemy as sa

    if isinstance(column.type, (sa.LargeBinary, sa.String)):
        return sa.func.sum(sa.func.length(column))
    if isinstance(column.type, sa.Integer):
        return sa.func.sum(column % _PRIME)  # a plain sum of many large numbers does not fit into 64 bits
    return sa.func.count(column)


def _sampled(connection: Connection, table: Table, rows: int) -> Iterator[Any]:
    import sqlalchemy as sa

    keys = list(table.primary_key.columns)
    if rows <= _WHOLE:
        yield from connection.execute(sa.select(table).order_by(*keys))
        return
    numbered = sa.select(*keys, sa.func.row_number().over(order_by=keys).label("number")).subquery()
    chosen = sa.select(*(numbered.c[key.name] for key in keys)).where(numbered.c.number % (rows // _SAMPLES) == 0)
    for key in connection.execute(chosen.order_by(numbered.c.number)).all():
        where = [column == value for column, value in zip(keys, key, strict=True)]
        yield from connection.execute(sa.select(table).where(*where))


def _plain(value: Any) -> Any:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value
