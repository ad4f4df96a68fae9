"""Any column table to bytes and back: what a rep-day was resolved to, sealed as one value.

A header in JSON names the columns, their types and the values of coded ones; the columns follow, raw little-endian,
compressed together. Tracks have a tighter codec of their own (:mod:`fieldhr_core.store.trackblock`).
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import StoreError
from fieldhr_core.model import Coded, Kind, Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["pack", "unpack"]

_MAGIC: Final = b"FHT1"
_WIDTHS: Final[dict[Kind, str]] = {
    Kind.TIME_MS: "<i8",
    Kind.FLOAT: "<f8",
    Kind.INTEGER: "<i8",
    Kind.BOOLEAN: "|b1",
    Kind.TRISTATE: "<i1",
    Kind.CODED: "<i4",
}


def pack(table: Table) -> bytes:
    """Return the table as bytes; equal tables give equal bytes."""
    import numpy as np

    header: dict[str, Any] = {"schema": table.schema.name, "rows": len(table), "coded": {}, "text": {}}
    body = []
    for column in table.schema.columns:
        values = table[column.name]
        if column.kind is Kind.TEXT:
            header["text"][column.name] = values.tolist()
        elif isinstance(values, Coded):
            header["coded"][column.name] = list(values.values)
            body.append(np.ascontiguousarray(values.codes, dtype="<i4").tobytes())
        else:
            body.append(np.ascontiguousarray(values, dtype=_WIDTHS[column.kind]).tobytes())
    head = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return _MAGIC + zlib.compress(len(head).to_bytes(4, "big") + head + b"".join(body), 3)


def unpack(schema: Schema, packed: bytes) -> Table:
    """Return the table that was packed.

    Raises:
        StoreError: FHR-STO-003 where the bytes are not a table of this schema.
    """
    if packed[:4] != _MAGIC:
        raise _damaged(schema)
    try:
        raw = zlib.decompress(packed[4:])
        size = int.from_bytes(raw[:4], "big")
        header = json.loads(raw[4 : 4 + size])
        columns = _columns(schema, header, raw, 4 + size)
    except (zlib.error, ValueError, KeyError) as cause:
        raise _damaged(schema) from cause
    if header["schema"] != schema.name:
        raise _damaged(schema)
    return schema.table(**columns)


def _columns(schema: Schema, header: dict[str, Any], raw: bytes, at: int) -> dict[str, Any]:
    import numpy as np

    columns: dict[str, Any] = {}
    rows = header["rows"]
    for column in schema.columns:
        if column.kind is Kind.TEXT:
            columns[column.name] = header["text"][column.name]
            continue
        dtype = np.dtype(_WIDTHS[column.kind])
        values: npt.NDArray[np.generic] = np.frombuffer(raw, dtype, rows, at)
        at += rows * dtype.itemsize
        is_coded = column.kind is Kind.CODED
        columns[column.name] = Coded(values, tuple(header["coded"][column.name])) if is_coded else values
    return columns


def _damaged(schema: Schema) -> StoreError:
    return StoreError(f"A stored table of {schema.name!r} cannot be read.", code="FHR-STO-003", schema=schema.name)
