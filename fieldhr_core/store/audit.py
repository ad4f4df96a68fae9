"""The tenant's audit chain in the database: appended in the transaction of what it tells about."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldhr_core.trust.audit import Event, Receipt, Witness, link_many, start
from fieldhr_core.trust.witness import witness_at

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.store.tables import StoreTables
    from fieldhr_core.trust.vault import Vault

__all__ = ["append", "chain_key", "checkpoint_key", "events_of", "witness_beside", "witness_file"]


def append(
    connection: Connection, tables: StoreTables, tenant: str, events: Sequence[Mapping[str, Any]], vault: Vault
) -> list[Receipt]:
    """Chain events to the tenant's last one and insert them, in the caller's transaction. Return a receipt for each.

    Args:
        events: columns of :class:`~fieldhr_core.trust.audit.Event` but ``seq``, in the order in which they happened.
    """
    import sqlalchemy as sa

    table, key = tables.audit, chain_key(vault, tenant)
    if connection.dialect.name == "postgresql":
        # One writer a tenant: two that read the same last event would fork the chain. SQLite has one writer anyway.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"{table.fullname}/{tenant}"))))
    last = connection.execute(
        sa.select(table.c.seq, table.c.mac).where(table.c.tenant == tenant).order_by(table.c.seq.desc()).limit(1)
    ).first()
    seq, mac = (last.seq, last.mac) if last else (0, start(key, tenant))
    chained = [Event(seq=seq + place, **event) for place, event in enumerate(events, 1)]
    columns = (*Event._fields, "tenant", "mac")
    macs = link_many(mac, key, chained)
    rows = [dict(zip(columns, (*event, tenant, mac), strict=True)) for event, mac in zip(chained, macs, strict=True)]
    connection.execute(sa.insert(table), rows)
    return [Receipt(tenant=tenant, seq=event.seq, mac=mac) for event, mac in zip(chained, macs, strict=True)]


def events_of(
    connection: Connection, tables: StoreTables, tenant: str, *, after: int = 0
) -> Generator[tuple[Event, bytes], None, None]:
    """Yield the tenant's events with their MACs as they are stored, in order; close it if it is not read to its end.

    Args:
        after: only events with a greater sequence number.
    """
    import sqlalchemy as sa

    table = tables.audit
    columns = [table.c[name] for name in Event._fields]
    statement = sa.select(*columns, table.c.mac).where(table.c.tenant == tenant).order_by(table.c.seq)
    if after:
        statement = statement.where(table.c.seq > after)
    with connection.execute(statement.execution_options(yield_per=10_000)) as rows:
        for row in rows:
            yield Event(*row[:-1]), row[-1]


def checkpoint_key(tenant: str) -> str:
    """Return under which key of ``meta`` the tenant's last checkpoint stands."""
    # Ids of tenants may be longer than such a key.
    return f"checkpoint.{hashlib.sha256(tenant.encode()).hexdigest()[:32]}"


def chain_key(vault: Vault, tenant: str) -> bytes:
    """Return the key of the tenant's chain, which stands in no table."""
    return vault.secret(tenant, "audit", "chain")


def witness_beside(connection: Connection, place: str) -> Witness:
    """Return the witness that a tenant's setting names.

    Raises:
        ConfigError: FHR-CFG-001 for an address that is not protected on its way.
    """
    file = witness_file(connection, place)
    return witness_at(place if file is None else str(file))


def witness_file(connection: Connection, place: str) -> Path | None:
    """Return the file that a tenant's setting ``witness`` names; ``None`` where it is an address.

    A relative path lies beside an SQLite database, so that both can be moved together; otherwise in the working folder.
    """
    if "://" in place:
        return None
    database = connection.engine.url.database
    is_file = connection.dialect.name == "sqlite" and database not in (None, "", ":memory:")
    return Path(str(database)).parent / place if is_file else Path(place)
