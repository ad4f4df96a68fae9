# Copyright (C) the fieldhr authors. Licensed under the GPL-3.0-or-later, see LICENSE.
"""fieldhr's runtime inside a transaction of Tryton's."""

import contextlib

from trytond.config import config
from trytond.model import ModelStorage
from trytond.transaction import Transaction

from fieldhr_core import FieldHR
from fieldhr_core.model import Principal, Role, WorkPattern
from fieldhr_core.trust.keys import FileKeys

__all__ = ["Module", "desk_of", "opened"]


@contextlib.contextmanager
def host_connection():
    """Yield an SQLAlchemy connection over Tryton's own, that never commits, rolls back or closes it.

    Naive pooling rolls a connection back when it comes to the pool and when it returns there: the host's unfinished
    work would be lost without a word.
    """
    import sqlalchemy as sa

    transaction = Transaction()
    kind = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}[config.get("database", "uri").split(":")[0]]
    engine = sa.create_engine(
        f"{kind}://",
        creator=lambda: transaction.connection,
        poolclass=sa.StaticPool,
        pool_reset_on_return=None,
    )

    def leave_it(*_: object) -> None:
        """Do nothing: it is Tryton's."""

    engine.dialect.do_rollback = engine.dialect.do_commit = engine.dialect.do_close = leave_it
    if kind == "sqlite":
        # What SQLAlchemy sets up on a connection of its own is none of ours to change here.
        engine.dialect.on_connect = lambda: None
    connection = engine.connect()
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def opened(*, migrate: bool = False):
    """Yield a runtime that works in the present transaction."""
    with host_connection() as connection, FieldHR.open(connection, keys=_keys(create=migrate), migrate=migrate) as hr:
        yield hr


@contextlib.contextmanager
def desk_of(hr: FieldHR, company):
    """Yield a company's desk; its tenant is made when it is first needed."""
    tenant = f"tryton-{company.id}"
    if tenant not in hr.tenants.list():
        hr.tenants.create(tenant, name=company.rec_name, pattern=WorkPattern(zone=company.timezone or "UTC"))
    principal = Principal(tenant=tenant, id=f"tryton-user-{Transaction().user}", role=Role.ADMIN)
    with hr.acting_as(principal, purpose="operations") as desk:
        yield desk


def _keys(*, create: bool) -> FileKeys:
    path = config.get("fieldhr", "key_file")
    if not path:
        raise ValueError("The section [fieldhr] of Tryton's configuration names no key_file.")
    return FileKeys(path, create=create)


class Module(ModelStorage):
    """Fieldhr Module."""

    __name__ = "fieldhr.module"

    @classmethod
    def __register__(cls, module_name):
        super().__register__(module_name)
        with opened(migrate=True):
            pass  # our tables, in Tryton's transaction
