"""Answers to requests that may come again: the same key and the same request get the same answer, once and for all."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.store.rows import insert_new

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        with self._acting.unit(write=False) as unit, unit.housework():
            row = unit.connection.execute(
                sa.select(table).where(table.c.tenant == self._acting.tenant, table.c.id == ident)
            ).first()
            if row is None:
                return None
            if row.request != _digest(request):
                raise RecordError("The idempotency key came with another request.", code="FHR-API-006")
            return unit.open(table, "body_sealed", "contact", [ident], [row.body_sealed])[0]

    def keep(self, key: str, request: bytes, answer: bytes) -> bytes:
        """Keep an answer and return the one that stands: the first one of a key. What is older than a week goes.

        Raises:
            RecordError: FHR-API-006 where the key came with another request at the same moment.
        """
        given = _Given(id=self._id(key), request=_digest(request), answer=answer)
        house = self._acting.house
        stands = house.gathering.ask(
            f"answers of {self._acting.tenant}", given, partial(_keep_together, self._acting.as_house())
        )
        if stands.request != given.request:
            raise RecordError("The idempotency key came with another request.", code="FHR-API-006")
        return stands.answer

    def _id(self, key: str) -> str:
        who = self._acting.principal
        return _digest("\0".join((who.id, who.role.value, who.person or "", key)).encode())


@attrs.frozen(kw_only=True)
class _Given:
    """An answer and what it answers: the ids of a key and of a request."""

    id: str
    request: str
    answer: bytes


def _keep_together(house: Acting, given: Sequence[_Given]) -> list[_Given]:
    """Keep answers of one caller or of several in one transaction; return what stands for each."""
    import sqlalchemy as sa

    table = house.tables.answers
    with house.unit() as unit, unit.housework():
        mine = table.c.tenant == house.tenant
        unit.connection.execute(sa.delete(table).where(mine, table.c.at_ms < unit.at_ms - _KEPT_MS))
        first = {one.id: one for one in reversed(given)}
        sealed = unit.seal(table, "body_sealed", "contact", list(first), [one.answer for one in first.values()])
        rows = [
            {"tenant": house.tenant, "id": one.id, "request": one.request, "at_ms": unit.at_ms, "body_sealed": body}
            for one, body in zip(first.values(), sealed, strict=True)
        ]
        insert_new(unit.connection, table, rows, ("tenant", "id"))
        ours = dict(zip(first, sealed, strict=True))
        for row in unit.all(sa.select(table).where(mine, table.c.id.in_(list(first)))):
            if row.body_sealed != ours[row.id]:
                answer = unit.open(table, "body_sealed", "contact", [row.id], [row.body_sealed])[0]
                first[row.id] = _Given(id=row.id, request=row.request, answer=answer)
        return [first[one.id] for one in given]


def _digest(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()
