"""The second layer of scope: the database itself holds back what is not the principal's.

The first layer is a condition in every query of ours. This one needs no query to be right: whatever statement runs, it
reaches no other tenant, nothing beyond the principal's role, and no masked column. Both follow from one policy.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from fieldhr_core.errors import ConfigError
from fieldhr_core.store.binding import Binding, EngineBinding
from fieldhr_core.store.wall.rules import HOUSE, Who

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.store.tables import StoreTables
    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["HOUSE", "NoWall", "Wall", "Who", "raised"]


class Wall(Binding, Protocol):
    """A binding whose connections can be limited to what somebody may reach."""

    @property
    def is_up(self) -> bool:
        """Whether the database holds anything back at all."""
        ...

    def scoped(self, who: Who, *, write: bool) -> contextlib.AbstractContextManager[Connection]:
        """Yield a connection in a transaction that reaches what is *who*'s; see :meth:`Binding.transaction`.

        Raises:
            AccessError: FHR-ACC-003 where a statement asked for more and the database said so.
        """
        ...

    def turned(self, connection: Connection, who: Who) -> contextlib.AbstractContextManager[None]:
        """Let a scoped connection work for somebody else for a while: for the runtime itself, in the same tenant."""
        ...

    def entered(self, connection: Connection, who: Who) -> contextlib.AbstractContextManager[None]:
        """Put a connection of :meth:`transaction` behind the wall for a while, within its transaction.

        Raises:
            AccessError: as :meth:`scoped`.
        """
        ...


class NoWall:
    """A binding as it is: the conditions in the queries stand alone."""

    is_up = False

    def __init__(self, inner: Binding) -> None:
        self._inner = inner

    @property
    def owns_transaction(self) -> bool:
        """See :class:`~fieldhr_core.store.binding.Binding`."""
        return self._inner.owns_transaction

    @property
    def dialect(self) -> str:
        """See :class:`~fieldhr_core.store.binding.Binding`."""
        return self._inner.dialect

    @property
    def most_at_once(self) -> int | None:
        """See :class:`~fieldhr_core.store.binding.Binding`."""
        return self._inner.most_at_once

    def transaction(self, *, write: bool) -> contextlib.AbstractContextManager[Connection]:
        """Yield a connection."""
        return self._inner.transaction(write=write)

    def scoped(self, who: Who, *, write: bool) -> contextlib.AbstractContextManager[Connection]:  # noqa: ARG002
        """Yield a connection; it is limited to nothing."""
        return self._inner.transaction(write=write)

    def turned(self, connection: Connection, who: Who) -> contextlib.AbstractContextManager[None]:  # noqa: ARG002
        """Do nothing."""
        return contextlib.nullcontext()

    def entered(self, connection: Connection, who: Who) -> contextlib.AbstractContextManager[None]:  # noqa: ARG002
        """Do nothing."""
        return contextlib.nullcontext()

    def close(self) -> None:
        """Close what is ours."""
        self._inner.close()


def raised(binding: Binding, tables: StoreTables, keys: KeyProvider, *, wanted: bool | None) -> Wall:
    """Return the wall round a binding.

    Args:
        binding: to tables that are there.
        wanted: ``True``: there must be a wall; ``False``: none; ``None``: on an SQLite database of our own, and on
            PostgreSQL where row security is installed.

    Raises:
        ConfigError: FHR-CFG-001 where a wall is wanted on a database that we cannot build one on.
        StoreError: FHR-STO-006 where row security is not as it should be.
    """
    if wanted is False:
        return NoWall(binding)
    if binding.dialect == "sqlite":
        from fieldhr_core.store.wall.sqlite import SqliteWall

        ours = binding.engine if isinstance(binding, EngineBinding) and binding.is_ours else None
        return SqliteWall(binding, tables, ours) if wanted or ours is not None else NoWall(binding)
    if binding.dialect == "postgresql":
        from fieldhr_core.store.wall.postgresql import PostgresWall, is_installed

        if wanted is None:
            with binding.transaction(write=False) as connection:
                wanted = is_installed(connection, tables)
        return PostgresWall(binding, tables, keys) if wanted else NoWall(binding)
    if wanted:
        raise ConfigError(f"There is no wall for {binding.dialect}.", code="FHR-CFG-001")
    return NoWall(binding)
