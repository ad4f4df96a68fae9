"""Reading untrusted text strictly: JSON, numbers, flags, identities, and query strings.

Strict means: what is not plainly a number is unknown, never a guess. Full-width digits, underscores, ``nan`` and
``Infinity`` are accepted by Python's own ``float`` and are not numbers here; ``true`` is no 1.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter
from typing import Any, Final
from urllib.parse import parse_qsl

__all__ = [
    "UnreadableError",
    "basic_user",
    "extra",
    "flag",
    "identity",
    "number",
    "parameters",
    "read_json",
    "record",
    "text",
]

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")

#: Longest text that can be a number anybody means.
_NUMBER_LENGTH: Final = 64

_IDENTITY_LENGTH: Final = 200
_EXTRA_LENGTH: Final = 500
_EXTRA_ITEMS: Final = 50

#: Characters that no identity and no database text holds: controls and halves of surrogate pairs.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no"})


class UnreadableError(ValueError):
    """A payload that cannot be read at all; ``code`` is the dotted reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read_json(body: bytes) -> tuple[Any, tuple[str, ...]]:
    """Return a JSON value and the keys that stood twice in one object (the last value counts).

    NaN and the infinities, which are no JSON, become a value that is no number, so that one bad field does not cost a
    batch.

    Raises:
        UnreadableError: where it is no JSON, not UTF-8, or nested too deeply.
    """
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items):
            twice.extend(key for key, count in Counter(key for key, _ in items).items() if count > 1)
        return made

    try:
        content = body.decode("utf-8-sig")
        value = json.loads(content, object_pairs_hook=pairs, parse_constant=_no_number, parse_int=_integer)
    except UnicodeDecodeError as cause:
        raise UnreadableError("payload.not_utf8", "The payload is not UTF-8.") from cause
    except RecursionError as cause:
        raise UnreadableError("payload.too_deep", "The payload is nested too deeply.") from cause
    except ValueError as cause:
        raise UnreadableError("payload.not_json", "The payload is not JSON.") from cause
    return value, tuple(dict.fromkeys(twice))


def record(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def number(value: object) -> float | None:
    """Return a finite number, also of text in ASCII digits; ``None`` for anything else, booleans among it."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        stripped = value.strip(" \t\r\n")
        if len(stripped) > _NUMBER_LENGTH or not _NUMBER.fullmatch(stripped):
            return None
        value = float(stripped)
    if isinstance(value, (int, float)):
        try:
            found = float(value)
        except OverflowError:
            return None
        return found if math.isfinite(found) else None
    return None


def flag(value: object) -> bool | None:
    """Return true or false as JSON or as the usual words; ``None`` for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return None


def text(value: object) -> str | None:
    """Return text that can be stored and shown, stripped; ``None`` where there is none."""
    if not isinstance(value, str):
        return None
    stripped = value.strip()
    return stripped if stripped and len(stripped) <= _EXTRA_LENGTH and not _UNSAFE.search(stripped) else None


def identity(*candidates: object) -> str | None:
    """Return the first candidate that can name a device: short text without control characters, or a whole number."""
    for candidate in candidates:
        if isinstance(candidate, int) and not isinstance(candidate, bool):
            if abs(candidate) < 10**_NUMBER_LENGTH:
                return str(candidate)
            continue
        found = text(candidate)
        if found is not None and len(found) <= _IDENTITY_LENGTH:
            return found
    return None


def basic_user(authorization: str | None) -> str | None:
    """Return the user name of an HTTP Basic ``Authorization`` header."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(token.strip(), validate=True).decode("utf-8").partition(":")[0]
    except ValueError:
        return None


def extra(value: object) -> Any:
    """Return what of a payload may be carried along: a scalar or a short list of scalars; else ``None``."""
    if isinstance(value, list):
        kept = [item for item in map(_scalar, value[:_EXTRA_ITEMS]) if item is not None]
        return kept or None
    return _scalar(value)


def parameters(query: str, body: bytes) -> dict[str, str]:
    """Return the parameters of a form body and of a query string; of a repeated one the last counts, the query's most.

    Where a whole address was given as query, its path is left out.

    Raises:
        UnreadableError: where the body is not UTF-8 or has more fields than any app sends.
    """
    path, mark, rest = query.partition("?")
    asked = _fields(rest if mark and "=" not in path else query)
    if not body or (asked and body.lstrip()[:1] in (b"{", b"[", b"")):
        return asked
    try:
        return {**_fields(body.decode("utf-8-sig").strip()), **asked}
    except UnicodeDecodeError as cause:
        if asked:
            return asked
        raise UnreadableError("payload.not_utf8", "The form is not UTF-8.") from cause


def _fields(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=1000))
    except ValueError as cause:
        raise UnreadableError("payload.not_a_form", "The parameters cannot be read.") from cause


def _scalar(value: object) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float)) else None


def _integer(digits: str) -> int | float:
    # Longer ones overflow every database and, from some thousands on, Python's own conversion.
    return int(digits) if len(digits) < 20 else float(digits[:400])


def _no_number(_: str) -> float:
    return math.nan
