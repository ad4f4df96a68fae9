"""What care works on: a database of ours with its keys, seen from below the journeys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.errors import TrustError
from fieldhr_core.model import milliseconds
from fieldhr_core.store.audit import append
from fieldhr_core.store.keys import TableKeyStore
from fieldhr_core.store.rows import canonical_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.store.binding import Binding
    from fieldhr_core.store.tables import StoreTables
    from fieldhr_core.trust.keys import KeyProvider
    from fieldhr_core.trust.vault import Vault

__all__ = ["Premises"]


@attrs.frozen(kw_only=True, eq=False)
class Premises:
    """A store as care sees it.

    Attributes:
        binding, tables: where the tables are.
        vault: shares the runtime's unwrapped keys.
        keys: wraps the data keys, and the keys of backups.
        now: where the present comes from.
        actor: who is noted in the audit trail.
        cached: what the runtime holds of its tenants in memory; emptied where somebody must be forgotten.
        stage: a runtime on a binding as of an instant, with this one's plugins and keys, for the checks of
            :mod:`fieldhr_core.care.evidence`; ``None`` where there is no runtime round the store.
    """

    binding: Binding
    tables: StoreTables
    vault: Vault
    keys: KeyProvider
    now: Callable[[], datetime]
    actor: str = "fieldhr.care"
    cached: MutableMapping[Any, Any] = attrs.field(factory=dict)
    stage: Callable[[Any, datetime], Any] | None = None

    def now_ms(self) -> int:
        """Return the present in UTC milliseconds."""
        return milliseconds(self.now())

    def vault_on(self, connection: Connection) -> Vault:
        """Return a vault for one transaction that opens no value: care looks after values, it does not read them."""
        return self.vault.within(TableKeyStore(connection, self.tables, self.now_ms()), audit=_refuse)

    def note(
        self, connection: Connection, tenant: str, action: str, kind: str, thing: str = "", **detail: object
    ) -> None:
        """Append an event to a tenant's audit chain, in the caller's transaction."""
        event: Mapping[str, Any] = {
            "at_ms": self.now_ms(),
            "actor": self.actor,
            "role": "admin",
            "purpose": "operations",
            "action": action,
            "object_kind": kind,
            "object": thing,
            "detail": canonical_json(detail).decode(),
        }
        append(connection, self.tables, tenant, [event], self.vault_on(connection))

    def tenants(self, connection: Connection) -> list[str]:
        """Return the ids of all tenants, ordered."""
        import sqlalchemy as sa

        table = self.tables.tenants
        return list(connection.execute(sa.select(table.c.id).order_by(table.c.id)).scalars())


def _refuse(_reading: object) -> None:
    raise TrustError("Care does not open sealed values.", code="FHR-TRU-001")
