"""Text files of strangers: which encoding they are in."""

from __future__ import annotations

import codecs
from typing import Final

from fieldhr_plugins.phones.values import UnreadableError

__all__ = ["decoded_text"]

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded_text(body: bytes) -> str:
    """Return the text of a file in UTF-8, UTF-16 or GB18030, with or without mark; line ends as they are.

    Raises:
        UnreadableError: ``file.unknown_encoding``.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _decode(body, encoding)
    head = body[:4000]
    if len(head) >= 4 and head.count(0) >= len(head) // 3:
        # UTF-16 without its mark: nearly every second byte of ASCII is zero.
        return _decode(body, "utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode(body, "gb18030")


def _decode(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as cause:
        raise UnreadableError("file.unknown_encoding", "The file is neither UTF-8, UTF-16 nor GB18030.") from cause
