"""Forgetting a person: their keys are destroyed, and with them everything sealed under these keys, wherever it lies.

What is a person's own - name, home, positions, stays, check-in places - is sealed with their own keys. Records of the
business in which they occur (visits, messages to customers, deals, cases) stay under the tenant's keys for as long as
the law asks for proof of it; they name the person by the host's id only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from fieldhr_core.care import keycopy
from fieldhr_core.errors import AccessError
from fieldhr_core.store.freshness import touch
from fieldhr_core.trust.purposes import PER_PERSON, DataClass
from fieldhr_core.trust.vault import KeyRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.care.premises import Premises
    from fieldhr_core.store.tables import StoreTables

__all__ = ["FORGOTTEN", "Forgotten", "erase_again", "forget"]

#: State of the rep-days of a forgotten person: nothing of them is ever resolved again.
FORGOTTEN: Final = "forgotten"
_OWN: Final = sorted({*PER_PERSON, DataClass.CONTACT})


@attrs.frozen(kw_only=True)
class Forgotten:
    """What forgetting did.

    Attributes:
        keys: how many keys were destroyed.
        rows: how many rows were taken out.
        unreached: copies of the keys that could not be replaced; until they are, the person is not forgotten there.
    """

    keys: int
    rows: int
    unreached: tuple[str, ...]


def forget(premises: Premises, tenant: str, person: str) -> Forgotten:
    """Destroy a person's keys and take out what was sealed with them.

    Forgetting somebody twice does no harm. Their id stays in records of the business.

    Raises:
        AccessError: FHR-ACC-001 where there is no such person.
    """
    import sqlalchemy as sa

    people = premises.tables.people
    with premises.binding.transaction(write=True) as connection:
        known = sa.select(people.c.id).where(people.c.tenant == tenant, people.c.id == person)
        if connection.execute(known).first() is None:
            raise AccessError("There is no such person.", code="FHR-ACC-001")
        vault = premises.vault_on(connection)
        destroyed = vault.forget(tenant, person)
        _bury(premises, connection, tenant, person)
        taken_out = _erase(connection, premises.tables, tenant, person)
        for kind in ("days", "checkins"):
            touch(connection, premises.tables, tenant, kind)
        _withdraw(premises, connection, tenant, person)
        premises.note(connection, tenant, "keys.forget", "person", person, keys=destroyed, rows=taken_out)
    premises.cached.clear()
    unreached = keycopy.refresh(premises)
    return Forgotten(keys=destroyed, rows=taken_out, unreached=tuple(str(path) for path in unreached))


def erase_again(connection: Connection, tables: StoreTables) -> int:
    """Take out what a restored backup still holds of people whose keys are destroyed. Return how many they are."""
    import sqlalchemy as sa

    table = tables.keys
    buried = (
        sa.select(table.c.tenant, table.c.person)
        .where(table.c.person.is_not(None))
        .group_by(table.c.tenant, table.c.person)
        .having(sa.func.count(table.c.wrapped) == 0)
    )
    people = connection.execute(buried).all()
    return sum(_erase(connection, tables, tenant, person) > 0 for tenant, person in people)


def _bury(premises: Premises, connection: Connection, tenant: str, person: str) -> None:
    """Leave a mark for every class, so that no key is made for the person when something of theirs comes in late."""
    import os

    from fieldhr_core.store.keys import TableKeyStore

    store = TableKeyStore(connection, premises.tables, premises.now_ms())
    there = {row.data_class for row in store.of_person(tenant, person)}
    for data_class in _OWN:
        if data_class not in there:
            store.save(
                KeyRow(
                    tenant=tenant,
                    id=os.urandom(8).hex(),
                    data_class=data_class,
                    person=person,
                    version=1,
                    suite="aes-256-gcm",
                    wrapped=None,
                    state="destroyed",
                )
            )


def _erase(connection: Connection, tables: StoreTables, tenant: str, person: str) -> int:
    import sqlalchemy as sa

    gone = 0
    for table, column in ((tables.track_parts, "rep"), (tables.places, "subject"), (tables.quarantine, "rep")):
        gone += connection.execute(sa.delete(table).where(table.c.tenant == tenant, table.c[column] == person)).rowcount
    days, people = tables.rep_days, tables.people
    gone += connection.execute(
        sa.update(days)
        .where(days.c.tenant == tenant, days.c.rep == person, days.c.state != FORGOTTEN)
        .values(state=FORGOTTEN, resolved_sealed=None)
    ).rowcount
    connection.execute(sa.update(people).where(people.c.tenant == tenant, people.c.id == person).values(traits={}))
    return gone


def _withdraw(premises: Premises, connection: Connection, tenant: str, person: str) -> None:
    """End every basis: what a forgotten phone goes on sending is refused at the fence."""
    import sqlalchemy as sa

    table, now_ms = premises.tables.bases, premises.now_ms()
    connection.execute(
        sa.update(table)
        .where(
            table.c.tenant == tenant,
            table.c.rep == person,
            sa.or_(table.c.until_ms.is_(None), table.c.until_ms > now_ms),
        )
        .values(until_ms=now_ms)
    )
