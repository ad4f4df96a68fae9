"""The tables come to the same whether they are made at once or brought up through every migration."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.errors import StoreError
from fieldhr_core.store.binding import bind
from fieldhr_core.store.schema import upgrade
from fieldhr_core.store.tables import SCHEMA_VERSION, StoreTables
from fieldhr_core.trust.keys import EphemeralKeys

pytestmark = pytest.mark.req("G1")


def shape(connection: sa.Connection, schema: str | None = None) -> dict[str, Any]:
    """Columns, keys and indexes of every table, as the database tells them."""
    inspector = sa.inspect(connection)
    return {
        table: {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table, schema=schema)
            ],
            "key": inspector.get_pk_constraint(table, schema=schema)["constrained_columns"],
            "unique": sorted(
                (u["name"], tuple(u["column_names"])) for u in inspector.get_unique_constraints(table, schema=schema)
            ),
            "foreign": sorted(
                (tuple(f["constrained_columns"]), f["referred_table"])
                for f in inspector.get_foreign_keys(table, schema=schema)
            ),
            "indexes": sorted(
                (i["name"], tuple(i["column_names"])) for i in inspector.get_indexes(table, schema=schema)
            ),
        }
        for table in inspector.get_table_names(schema=schema)
    }


def made_at_once(url: str, tables: StoreTables) -> dict[str, Any]:
    with FieldHR.open(url, prefix=tables.prefix, schema=tables.schema, keys=EphemeralKeys(), autoload=False):
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            found = shape(connection, tables.schema)
        engine.dispose()
    return found


def migrated(url: str, tables: StoreTables) -> dict[str, Any]:
    binding = bind(url)
    with binding.transaction(write=True) as connection:
        if tables.schema:
            connection.execute(sa.schema.CreateSchema(tables.schema))
        upgrade(connection, tables)
    with binding.transaction(write=False) as connection:
        assert connection.execute(sa.select(tables.version.c.version_num)).scalar_one() == SCHEMA_VERSION
        found = shape(connection, tables.schema)
    binding.close()
    return found


def test_both_ways_lead_to_the_same_tables_in_sqlite(tmp_path: Any) -> None:
    tables = StoreTables("crm_")
    once = made_at_once(f"sqlite:///{tmp_path / 'once.db'}", tables)
    assert migrated(f"sqlite:///{tmp_path / 'migrated.db'}", tables) == once
    assert len(once) == len(tables.metadata.tables)


@pytest.mark.parametrize("schema", [None, "people"])
def test_both_ways_lead_to_the_same_tables_in_postgresql(postgresql_server: Any, schema: str | None) -> None:
    tables = StoreTables("fieldhr_", schema)
    urls = [postgresql_server.create(), postgresql_server.create()]
    try:
        assert migrated(urls[1], tables) == made_at_once(urls[0], tables)
    finally:
        for url in urls:
            postgresql_server.drop(url)


def test_a_database_of_a_newer_release_is_refused(sqlite_url: str) -> None:
    with FieldHR.open(sqlite_url, autoload=False):
        pass
    engine = sa.create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE fieldhr_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="FHR-STO-002"):
        FieldHR.open(sqlite_url, autoload=False)
    with pytest.raises(StoreError, match="FHR-STO-002"):
        FieldHR.open(sqlite_url, autoload=False, migrate=False)


def test_without_leave_to_migrate_an_empty_database_stays_empty(sqlite_url: str) -> None:
    with pytest.raises(StoreError, match="no tables"):
        FieldHR.open(sqlite_url, autoload=False, migrate=False)
    engine = sa.create_engine(sqlite_url)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()
