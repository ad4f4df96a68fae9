"""Errors as problem documents (RFC 9457): the stable code, what happened, what to do, and nothing about anybody."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from fieldhr_core.errors import CATALOGUE, FieldhrError

__all__ = ["HANDLERS", "PROBLEM", "Problem", "problem_of", "status_of"]

_log = logging.getLogger(__name__)

#: Media type of every answer that is an error.
PROBLEM: Final = "application/problem+json"


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What went wrong.

    ``code`` is stable and listed in the reference of errors; ``detail`` says what happened and what to do next;
    ``errors`` names the fields of the request that cannot be used.
    """

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str = ""
    errors: list[dict[str, str]] = []


#: Code, or the beginning of one -> status. The longest that fits counts.
_STATUS: Final[Mapping[str, int]] = {
    "FHR-ACC-001": 404,
    "FHR-ACC-": 403,
    "FHR-API-001": 400,
    "FHR-API-002": 401,
    "FHR-API-003": 403,
    "FHR-API-004": 413,
    "FHR-API-005": 429,
    "FHR-API-006": 422,
    "FHR-API-007": 405,
    "FHR-CAS-": 409,
    "FHR-CFG-": 422,
    "FHR-REC-": 422,
    "FHR-PLG-015": 404,
    "FHR-PLG-": 503,
    "FHR-STO-": 503,
}


def status_of(code: str) -> int:
    """Return the status of an answer with an error of this code."""
    fitting = [known for known in _STATUS if code.startswith(known)]
    return _STATUS[max(fitting, key=len)] if fitting else 500


def problem_of(error: FieldhrError, *, headers: Mapping[str, str] | None = None) -> Response[Problem]:
    """Return the answer that tells of an error of ours."""
    status = status_of(error.code)
    more = dict(headers or {})
    if status == 503:
        more.setdefault("Retry-After", "5")
    if status == 401:
        more.setdefault("WWW-Authenticate", 'Bearer realm="fieldhr"')
    title = CATALOGUE[error.code][0].rstrip(".")
    detail = f"{error.message} {error.hint}".strip()
    if status >= 500:
        _log.error("A request failed: %s", error)
        detail = CATALOGUE[error.code][1]
    return _answer(Problem(title=title, status=status, code=error.code, detail=detail), more)


def _answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response[Problem]:
    return Response(problem, status_code=problem.status, media_type=PROBLEM, headers=dict(headers or {}))


def _known(_: Request[Any, Any, Any], error: FieldhrError) -> Response[Problem]:
    wait_s = getattr(error, "wait_s", None)
    return problem_of(error, headers={} if wait_s is None else {"Retry-After": str(wait_s)})


def _invalid(_: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    fields = error.extra if isinstance(error.extra, list) else []
    errors = [
        {"field": str(item.get("key", "")), "message": str(item.get("message", ""))}
        for item in fields
        if isinstance(item, dict)
    ]
    return _answer(
        Problem(
            title=CATALOGUE["FHR-API-001"][0].rstrip("."),
            status=400,
            code="FHR-API-001",
            detail="" if errors else "The body or a parameter is not what the description says.",
            errors=errors,
        )
    )


def _http(_: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    status = error.status_code
    code = {401: "FHR-API-002", 403: "FHR-API-003", 404: "FHR-ACC-001", 405: "FHR-API-007", 413: "FHR-API-004"}.get(
        status, "FHR-API-001" if status < 500 else "FHR-API-009"
    )
    if isinstance(error, NotFoundException):
        code = "FHR-ACC-001"
    headers = {key: value for key, value in (error.headers or {}).items() if key.lower() in ("allow", "retry-after")}
    if isinstance(error, MethodNotAllowedException):
        code = "FHR-API-007"
    return _answer(Problem(title=CATALOGUE[code][0].rstrip("."), status=status, code=code), headers)


def _unexpected(_: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    _log.error("A request failed.", exc_info=error)
    return _answer(Problem(title=CATALOGUE["FHR-API-009"][0].rstrip("."), status=500, code="FHR-API-009"))


#: For the application; the most special one counts.
HANDLERS: Final[dict[Any, Any]] = {
    FieldhrError: _known,
    ValidationException: _invalid,
    HTTPException: _http,
    Exception: _unexpected,
}
