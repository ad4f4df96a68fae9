"""Run by Alembic: hands it the caller's connection and our version table. See ``__init__``."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
tables = attributes["tables"]
context.configure(
    connection=attributes["connection"],
    target_metadata=tables.metadata,
    version_table=tables.version.name,
    version_table_schema=tables.schema,
)
with context.begin_transaction():
    context.run_migrations()
