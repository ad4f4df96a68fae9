"""Who somebody is where no host says it: a token, as a bearer, as a password, or in a cookie of the login page."""

from __future__ import annotations

import base64
import binascii
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final

from fieldhr_core.hooks import Caller
from fieldhr_core.hooks.applications import Scope

if TYPE_CHECKING:
    from fieldhr_core import FieldHR

__all__ = ["COOKIE", "is_by_cookie", "token_caller", "token_of"]

#: Name of the cookie that the login page sets.
COOKIE: Final = "fieldhr_token"


def token_caller(hr: FieldHR, scope: Scope) -> Caller | None:
    """Return whom the token of a request stands for; ``None`` without a valid one."""
    token = token_of(scope)
    return None if token is None else hr.tokens.caller(token)


def token_of(scope: Scope) -> str | None:
    """Return the token a request shows: a bearer, the password of basic authentication, or the cookie."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    said = headers.get(b"authorization", b"").decode("latin-1")
    scheme, _, value = said.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        return _password(value.strip())
    return _cookie(headers.get(b"cookie", b"").decode("latin-1"))


def is_by_cookie(scope: Scope) -> bool:
    """Whether a browser may have added the credentials by itself: then a state change needs a form token.

    We never ask a browser for a password, so what comes in the header was put there on purpose.
    """
    return not any(name == b"authorization" for name, _ in scope["headers"])


def _password(encoded: str) -> str | None:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text.partition(":")[2]


def _cookie(header: str) -> str | None:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else str(found.value)
