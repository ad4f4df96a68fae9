"""The data keys, kept apart from the data: one file, always the newest, so that a destroyed one is nowhere any more.

Backups of the data are many and lie about for years; whoever is forgotten must be forgotten in them too. So they hold
no keys, and the keys are copied to a single file that each backup, each rotation and each forgetting replaces.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldhr_core.care.stream import opened, read_header, write
from fieldhr_core.errors import FieldhrError, TrustError
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.care.premises import Premises
    from fieldhr_core.store.tables import StoreTables
    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["keep", "known_copies", "load", "read", "refresh", "rows_of"]

_PLACES = "care.key_copies"


def rows_of(connection: Connection, tables: StoreTables) -> list[dict[str, Any]]:
    """Return every row of the table of keys, destroyed ones too."""
    import sqlalchemy as sa

    table = tables.keys
    return [dict(row) for row in connection.execute(sa.select(table).order_by(table.c.tenant, table.c.id)).mappings()]


def keep(path: Path, keys: KeyProvider, rows: Sequence[Mapping[str, Any]], header: Mapping[str, Any]) -> None:
    """Write the keys to *path*, in place of what is there.

    Raises:
        StoreError: FHR-STO-005 where it cannot be written; then the old file stands.
    """
    lines = (json.dumps({**row, "wrapped": _text(row["wrapped"])}).encode() + b"\n" for row in rows)
    write(path, keys, {**header, "kind": "keys"}, lines)


def read(path: Path, keys: KeyProvider) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return header and rows of a copy.

    Raises:
        TrustError: FHR-TRU-004 where it is damaged, no copy of keys, or was made with another key.
        StoreError: FHR-STO-001 where there is none.
    """
    header = read_header(path)
    if header.get("kind") != "keys":
        raise TrustError(f"The file {path.name} holds no keys.", code="FHR-TRU-004", hint="Give the copy of the keys.")
    rows = [json.loads(line) for line in b"".join(opened(path, keys)).splitlines()]
    for row in rows:
        row["wrapped"] = None if row["wrapped"] is None else base64.b64decode(row["wrapped"])
    return header, rows


def load(connection: Connection, tables: StoreTables, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put the keys into the table of keys."""
    put(connection, tables.keys, rows)


def known_copies(connection: Connection, tables: StoreTables) -> list[Path]:
    """Return where copies of the keys were written."""
    import sqlalchemy as sa

    table = tables.meta
    text = connection.execute(sa.select(table.c.value).where(table.c.key == _PLACES)).scalar()
    return [Path(place) for place in json.loads(text or "[]")]


def remember(connection: Connection, tables: StoreTables, path: Path) -> None:
    """Note where a copy was written, so that it is kept up to date."""
    places = sorted({*(str(place) for place in known_copies(connection, tables)), str(path.resolve())})
    put(connection, tables.meta, [{"key": _PLACES, "value": json.dumps(places)}])


def refresh(premises: Premises) -> list[Path]:
    """Write every known copy anew; return those that could not be reached and still hold the old keys."""
    from fieldhr_core.care.backup import header_of

    with premises.binding.transaction(write=False) as connection:
        places = known_copies(connection, premises.tables)
        rows = rows_of(connection, premises.tables)
        header = header_of(premises, connection)
    return list(_unreached(places, premises, rows, header))


def _unreached(
    places: Iterable[Path], premises: Premises, rows: Sequence[Mapping[str, Any]], header: Mapping[str, Any]
) -> Iterable[Path]:
    for place in places:
        try:
            keep(place, premises.keys, rows, header)
        except FieldhrError:
            yield place


def _text(wrapped: bytes | None) -> str | None:
    return None if wrapped is None else base64.b64encode(wrapped).decode()
