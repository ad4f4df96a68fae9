"""How a receiver knows that a post is ours and fresh."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import Final

__all__ = ["HEADER", "is_genuine", "sign"]

#: Header that carries the signature: ``t=<seconds since 1970>,v1=<hex of HMAC-SHA256>``.
HEADER: Final = "X-Fieldhr-Signature"

_FORM: Final = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(secret: str, body: bytes, at: datetime) -> str:
    """Return the value of :data:`HEADER` for a body sent at an aware instant."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(secret, seconds, body)}"


def is_genuine(secret: str, header: str, body: bytes, now: datetime, tolerance_s: float = 300.0) -> bool:
    """Return whether *header* was made for *body* with *secret*, at most *tolerance_s* from *now* (aware).

    For receivers written in Python. Compare the raw bytes of the body, before any parsing.
    """
    found = _FORM.fullmatch(header)
    if found is None:
        return False
    seconds = int(found[1])
    is_fresh = abs(now.timestamp() - seconds) <= tolerance_s
    return hmac.compare_digest(found[2], _digest(secret, seconds, body)) and is_fresh


def _digest(secret: str, seconds: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()
