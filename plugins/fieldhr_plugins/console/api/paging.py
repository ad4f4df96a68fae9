"""Long lists in pages: an opaque cursor says where the next one begins."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from litestar.params import Parameter

from fieldhr_core.errors import RecordError

__all__ = ["Cursor", "Limit", "page_of"]

T = TypeVar("T")

Limit = Annotated[int, Parameter(ge=1, le=1_000, description="How many at most.")]
Cursor = Annotated[
    str | None, Parameter(max_length=1_000, description="`next` of the page before; none: the first page.")
]


def page_of(
    items: Sequence[T], key: Callable[[T], Sequence[Any]], cursor: str | None, limit: int
) -> tuple[Sequence[T], str | None]:
    """Return the items after a cursor, at most *limit*, and the cursor of the next page.

    Args:
        items: all there are, ascending by *key*.
        key: JSON values that order the items; no two items have the same.

    Raises:
        RecordError: FHR-API-001 for a cursor that is none of ours.
    """
    after = None if cursor is None else _read(cursor)
    try:
        rest = [item for item in items if after is None or list(key(item)) > after]
    except TypeError as cause:
        raise _unreadable() from cause
    page = rest[:limit]
    more = len(rest) > len(page)
    return page, _written(list(key(page[-1]))) if more else None


def _written(value: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _read(cursor: str) -> list[Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError) as cause:
        raise _unreadable() from cause
    if not isinstance(value, list):
        raise _unreadable()
    return value


def _unreadable() -> RecordError:
    return RecordError("The cursor is none that a page of this list gave.", code="FHR-API-001")
