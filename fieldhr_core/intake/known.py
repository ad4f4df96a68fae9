"""What a connector has handed out before, small enough for a cursor: record -> digest of what it said."""

from __future__ import annotations

import array
import base64
import hashlib
import sys
import zlib
from collections.abc import Mapping, Sequence

__all__ = ["digest_of", "packed", "unpacked"]


def digest_of(cells: Sequence[str], salt: bytes) -> int:
    """Return 64 bits that stand for a row as it is read with these settings."""
    joined = "\x1f".join(cells).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8, key=salt).digest(), "big")


def packed(known: Mapping[str, int]) -> str:
    """Return the mapping as text without white space; ids hold no line breaks."""
    values = array.array("Q", known.values())
    if sys.byteorder == "big":
        values.byteswap()
    ids = zlib.compress("\n".join(known).encode(), 1)
    return f"{base64.urlsafe_b64encode(ids).decode()}.{base64.urlsafe_b64encode(values.tobytes()).decode()}"


def unpacked(text: str) -> dict[str, int]:
    """Return what :func:`packed` was given.

    Raises:
        ValueError: it is none of ours.
    """
    try:
        ids, digests = text.split(".")
        keys = zlib.decompress(base64.urlsafe_b64decode(ids)).decode().split("\n")
        values = array.array("Q", base64.urlsafe_b64decode(digests))
    except zlib.error as cause:
        raise ValueError(str(cause)) from cause
    if sys.byteorder == "big":
        values.byteswap()
    return dict(zip(keys, values, strict=True)) if len(values) else {}
