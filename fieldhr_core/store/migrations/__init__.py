"""Migrations of our own tables, in a branch and version table of our own.

Each file in ``versions`` changes the schema from one revision to the next and never reads today's definitions: what a
revision did stays what it did. A test brings a database up through all of them and finds the schema of today.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldhr_core.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.store.tables import StoreTables

__all__ = ["migrate"]


def migrate(connection: Connection, tables: StoreTables) -> None:
    """Run every migration that the database has not had, in the caller's transaction.

    Raises:
        StoreError: FHR-STO-002 where the database's revision is not one of ours.
    """
    from importlib.resources import files

    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(files(__name__)))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["tables"] = tables
    try:
        command.upgrade(config, "head")
    except CommandError as cause:
        raise StoreError(
            f"The tables are of another release: {cause}.",
            code="FHR-STO-002",
            hint="Install the release that made them, or a newer one.",
        ) from cause
