"""Answers to requests that may come again: the same key and the same request get the same answer, once and for all."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from fieldhr_core.errors import RecordError
from fieldhr_core.store.rows import insert_new

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting

__all__ = ["Answers"]

#: How long an answer is kept: longer than any phone keeps trying without telling somebody.
_KEPT_MS: Final = 7 * 86_400_000


class Answers:
    """The desk's room for answers already given; a principal finds their own, and nobody else's."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def given(self, key: str, request: bytes) -> bytes | None:
        """Return the answer that was given to this principal's request with this key; ``None``: none yet.

        Raises:
            RecordError: FHR-API-006 where the key came with another request.
        """
        import sqlalchemy as sa

        table, ident = self._acting.tables.answers, self._id(key)
        with self._acting.unit() as unit, unit.housework():
            row = unit.connection.execute(
                sa.select(table).where(table.c.tenant == self._acting.tenant, table.c.id == ident)
            ).first()
            if row is None:
                return None
            if row.request != _digest(request):
                raise RecordError("The idempotency key came with another request.", code="FHR-API-006")
            return unit.open(table, "body_sealed", "contact", [ident], [row.body_sealed])[0]

    def keep(self, key: str, request: bytes, answer: bytes) -> None:
        """Keep an answer; the first one of a key stays. What is older than a week goes."""
        import sqlalchemy as sa

        table, ident = self._acting.tables.answers, self._id(key)
        with self._acting.unit() as unit, unit.housework():
            mine = table.c.tenant == self._acting.tenant
            unit.connection.execute(sa.delete(table).where(mine, table.c.at_ms < unit.at_ms - _KEPT_MS))
            row = {
                "tenant": self._acting.tenant,
                "id": ident,
                "request": _digest(request),
                "at_ms": unit.at_ms,
                "body_sealed": unit.seal(table, "body_sealed", "contact", [ident], [answer])[0],
            }
            insert_new(unit.connection, table, [row], ("tenant", "id"))

    def _id(self, key: str) -> str:
        who = self._acting.principal
        return _digest("\0".join((who.id, who.role.value, who.person or "", key)).encode())


def _digest(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()
