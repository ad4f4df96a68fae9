"""The tenant's audit chain in the database: appended in the transaction of what it tells about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.store.tables import StoreTables
    from fieldhr_core.trust.vault import Vault

__all__ = ["append"]


def append(
    connection: Connection, tables: StoreTables, tenant: str, events: Sequence[Mapping[str, Any]], vault: Vault
) -> None:
    """Chain events to the tenant's last one and insert them."""
