"""Rotation of the data keys while everybody goes on working: new keys first, then every value sealed anew at leisure.

Old keys go on opening, so nothing is ever unreadable. What was done is written down in ``jobs`` with each step, so that
a run that was cut off goes on where it stopped; each value is exchanged only if it is still the one that was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.care import keycopy
from fieldhr_core.store.rows import put
from fieldhr_core.store.sealed import SEALED, SealedColumn, key_ids
from fieldhr_core.trust.purposes import DataClass
from fieldhr_core.trust.vault import KeyRow, key_id

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from fieldhr_core.care.premises import Premises

__all__ = ["ROTATION", "Rotated", "rewrap", "rotate"]

#: First word of the jobs in which a rotation notes how far it is; while there are any, one is under way.
ROTATION: Final = "keys.rotate"
_KEYS_AT_ONCE: Final = 200


@attrs.frozen(kw_only=True)
class Rotated:
    """What a rotation did, counting from when it was last taken up.

    Attributes:
        keys: new keys.
        values: values sealed anew.
        retired: old keys destroyed.
        unreached: copies of the keys that could not be replaced.
    """

    keys: int
    values: int
    retired: int
    unreached: tuple[Path, ...]


def rotate(premises: Premises, tenant: str, *, batch: int = 500, retire: bool = False) -> Rotated:
    """Give every scope of a tenant a new key and seal everything with it; take up a rotation that was cut off.

    Args:
        batch: values sealed anew in one transaction; other writers wait no longer than for one.
        retire: destroy the old keys at the end. Backups made before then open no more.
    """
    made = sum(iter(lambda: _new_keys(premises, tenant), 0))
    sealed = 0
    while due := _due(premises, tenant):
        sealed += sum(_reseal(premises, tenant, column, batch) for column in due)
    with premises.binding.transaction(write=True) as connection:
        old = [row.id for row in _keys(premises, connection, tenant) if row.state == "retired"]
        gone = premises.vault_on(connection).retire(tenant, old) if retire else 0
        _forget_progress(premises, connection, tenant)
        premises.note(connection, tenant, "keys.rotate", "keys", "", keys=made, values=sealed, retired=gone)
    return Rotated(keys=made, values=sealed, retired=gone, unreached=tuple(keycopy.refresh(premises)))


def rewrap(premises: Premises) -> int:
    """Wrap every data key anew that is not wrapped with the provider's current key. Return how many were."""
    count = 0
    with premises.binding.transaction(write=True) as connection:
        for tenant in premises.tenants(connection):
            wrapped = premises.vault_on(connection).rewrap(tenant)
            premises.note(connection, tenant, "keys.rewrap", "keys", "", keys=wrapped)
            count += wrapped
    keycopy.refresh(premises)
    return count


def _new_keys(premises: Premises, tenant: str) -> int:
    """Rotate scopes that this rotation has not rotated yet, some at once. Return how many; 0 when all are."""
    with premises.binding.transaction(write=True) as connection:
        active = {_scope(row): row for row in _keys(premises, connection, tenant) if row.state == "active"}
        done = _progress(premises, connection, tenant)
        due = [row for scope, row in sorted(active.items()) if scope not in done][:_KEYS_AT_ONCE]
        vault = premises.vault_on(connection)
        for row in due:
            vault.rotate(tenant, row.data_class, person=row.person)
        marks = [{"tenant": tenant, "job": _scope(row), "done_ms": premises.now_ms()} for row in due]
        put(connection, premises.tables.jobs, marks)
    return len(due)


def _due(premises: Premises, tenant: str) -> list[SealedColumn]:
    """Return the columns in which something is still sealed with a retired key."""
    with premises.binding.transaction(write=False) as connection:
        retired = {row.id for row in _keys(premises, connection, tenant) if row.state == "retired"}
        found = {column for column, ident in key_ids(connection, premises.tables, tenant) if ident in retired}
    return [column for column in SEALED if column in found]


def _reseal(premises: Premises, tenant: str, column: SealedColumn, batch: int) -> int:
    """Go through a column once, in the order of its primary key. Return how many values were sealed anew."""
    count, after = 0, None
    while True:
        with premises.binding.transaction(write=True) as connection:
            rows = _page(premises, connection, tenant, column, after, batch)
            if not rows:
                return count
            count += _exchange(premises, connection, tenant, column, rows)
        after = _position(premises, column, rows[-1])


def _page(
    premises: Premises, connection: Connection, tenant: str, column: SealedColumn, after: Any, batch: int
) -> Sequence[Any]:
    import sqlalchemy as sa

    table = getattr(premises.tables, column.table)
    keys = list(table.primary_key.columns)
    names = {*(key.name for key in keys), *column.row, column.column, *([column.person] if column.person else [])}
    where = [table.c.tenant == tenant, table.c[column.column].is_not(None)]
    if after is not None:
        where.append(sa.tuple_(*keys) > sa.tuple_(*(sa.literal(v, k.type) for k, v in zip(keys, after, strict=True))))
    statement = sa.select(*(table.c[name] for name in sorted(names))).where(*where).order_by(*keys).limit(batch)
    return connection.execute(statement).all()


def _exchange(
    premises: Premises, connection: Connection, tenant: str, column: SealedColumn, rows: Sequence[Any]
) -> int:
    import sqlalchemy as sa

    keys = {row.id: row for row in _keys(premises, connection, tenant)}
    due: dict[str | None, list[Any]] = {}
    for row in rows:
        key = keys.get(key_id(getattr(row, column.column)))
        if key is not None and key.state == "retired":  # with a destroyed one it stays what it is: unreadable
            due.setdefault(key.person, []).append(row)
    vault, table = premises.vault_on(connection), getattr(premises.tables, column.table)
    places = list(table.primary_key.columns)
    statement = (
        sa.update(table)
        .where(
            *(place == sa.bindparam(f"at_{place.name}") for place in places),
            table.c[column.column] == sa.bindparam("old"),
        )
        .values({column.column: sa.bindparam("new")})
    )
    changes = [
        {**{f"at_{p.name}": getattr(row, p.name) for p in places}, "old": getattr(row, column.column), "new": new}
        for person, mine in due.items()
        for row, new in zip(mine, _sealed_anew(vault, tenant, column, mine, person), strict=True)
    ]
    if changes:
        connection.execute(statement, changes)
    return len(changes)


def _sealed_anew(
    vault: Any, tenant: str, column: SealedColumn, rows: Sequence[Any], person: str | None
) -> Iterator[bytes]:
    old = [getattr(row, column.column) for row in rows]
    ids = [column.row_id(row) for row in rows]
    anew = vault.reseal_many(tenant, column.data_class, column.table, column.column, ids, old, person=person)
    for before, after in zip(old, anew, strict=True):
        yield before if after is None else after


def _position(premises: Premises, column: SealedColumn, row: Any) -> tuple[Any, ...]:
    table = getattr(premises.tables, column.table)
    return tuple(getattr(row, key.name) for key in table.primary_key.columns)


def _keys(premises: Premises, connection: Connection, tenant: str) -> list[KeyRow]:
    from fieldhr_core.store.keys import TableKeyStore

    rows = TableKeyStore(connection, premises.tables, premises.now_ms()).of_tenant(tenant)
    # The chain's secret rests on its first key for ever; no value is sealed with it.
    return [row for row in rows if row.data_class != DataClass.AUDIT]


def _scope(row: KeyRow) -> str:
    return f"{ROTATION} {row.data_class} {row.person or ''}"


def _progress(premises: Premises, connection: Connection, tenant: str) -> set[str]:
    import sqlalchemy as sa

    table = premises.tables.jobs
    ours = sa.select(table.c.job).where(table.c.tenant == tenant, table.c.job.startswith(f"{ROTATION} "))
    return set(connection.execute(ours).scalars())


def _forget_progress(premises: Premises, connection: Connection, tenant: str) -> None:
    import sqlalchemy as sa

    table = premises.tables.jobs
    connection.execute(sa.delete(table).where(table.c.tenant == tenant, table.c.job.startswith(f"{ROTATION} ")))
