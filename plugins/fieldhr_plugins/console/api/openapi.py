"""The description of the interface: what Litestar knows of the routes, and what holds for all of them."""

from __future__ import annotations

import importlib.metadata
import typing
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Tag

__all__ = ["CONFIG", "described"]

_ABOUT: Final = """
The desk of fieldhr over HTTP: the same calls, limits and answers as in Python.

Every request acts as one principal: a bearer token, a token as the password of basic authentication, or the cookie of
the login page or of the host. What is not the principal's is answered like what is not there.
State changes that a cookie authenticates carry the session's `form_token` in `X-CSRF-Token`.
Errors are problem documents (RFC 9457) with a stable `code`. Times are RFC 3339 with a zone, UTC on the way out.
With `Idempotency-Key` a request that comes again within a week gets the answer it got; with another body it is refused.
"""


def _version() -> str:
    try:
        return importlib.metadata.version("fieldhr")
    except importlib.metadata.PackageNotFoundError:
        return "0"


CONFIG: Final = OpenAPIConfig(
    title="fieldhr",
    version=_version(),
    description=_ABOUT.strip(),
    tags=[
        Tag(name="session", description="Who is there."),
        Tag(name="positions", description="Where phones were."),
        Tag(name="visits", description="Check-ins, outings, follow-ups and what goes with them."),
        Tag(name="customers", description="Who is visited."),
        Tag(name="messages", description="What is said, checked in the answer."),
        Tag(name="submissions", description="Sales, statements, applications, loans and transfers, checked."),
        Tag(name="alerts", description="Findings as cases, until a person decides."),
        Tag(name="people", description="Who works here, and what they may know."),
        Tag(name="days", description="One rep, one day."),
        Tag(name="scores", description="Metrics with what they rest on."),
        Tag(name="running", description="For administrators and auditors."),
    ],
    use_handler_docstrings=True,
)

#: Status -> what it says, for every operation.
_ALWAYS: Final = {
    "400": "The request could not be understood (FHR-API-001).",
    "401": "Nobody known sent it (FHR-API-002).",
    "403": "The principal may not do this (FHR-ACC-002, FHR-ACC-003), or it was not meant (FHR-API-003).",
    "404": "Not found, or not the principal's to see (FHR-ACC-001).",
    "422": "It was understood and cannot be done as it stands.",
    "429": "Too many requests (FHR-API-005).",
    "503": "The store or a plugin cannot answer now; try again later.",
}
_OF_CHANGES: Final = {
    "409": "The record is in a state that does not allow it (FHR-CAS-001).",
    "413": "The body is too large (FHR-API-004).",
}
_PAYLOAD_OF_APP: Final = {"receivePositions", "receivePositionsWithKey"}


def described(application: Litestar) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the interface."""
    document: dict[str, Any] = application.openapi_schema.to_schema()
    document["servers"] = [{"url": "/"}]
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "fieldhr tokens create"},
        "password": {"type": "http", "scheme": "basic", "description": "A token as the password; any name."},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "fieldhr_token"},
    }
    document["security"] = [{"token": []}, {"password": []}, {"cookie": []}]
    components["schemas"] = {**components.get("schemas", {}), **_schemas(application), "Problem": _problem()}
    document["paths"] = {f"/api{path}": item for path, item in document["paths"].items()}
    bodies = _bodies(application)
    for item in document["paths"].values():
        for method, operation in item.items():
            _complete(method, operation, bodies.get(operation["operationId"]))
    document["webhooks"] = {"notice": _notice()}
    return document


def _schemas(application: Litestar) -> dict[str, Any]:
    """Return the schemas of everything that goes over the wire, by whatever reads and writes it: they cannot differ."""
    wire: list[Any] = []
    for route in application.routes:
        for handler in getattr(route, "route_handlers", ()):
            if not handler.fn.__module__.startswith("fieldhr_"):
                continue
            hints = typing.get_type_hints(handler.fn)
            answer = hints.get("return")
            wire += [*typing.get_args(answer), answer, handler.opt.get("body")]
    known = [kind for kind in wire if kind not in (None, Any, type(None)) and _is_ours(kind)]
    _, found = msgspec.json.schema_components(known, ref_template="#/components/schemas/{name}")
    for name, schema in found.items():
        if "properties" not in schema:
            continue
        if not name.endswith("In"):
            # What has a default may be left out on the way in; on the way out everything is said.
            schema["required"] = list(schema["properties"])
            continue
        for field in schema["properties"].values():
            # Makers of clients take a field with a default for one that is always there.
            default = field.pop("default", None)
            if default:
                field["description"] = f"{default} where it is left out."
    return dict(found)


def _is_ours(kind: Any) -> bool:
    plain = typing.get_args(kind)[0] if typing.get_origin(kind) is list else kind
    return isinstance(plain, type) and plain.__module__.startswith("fieldhr_")


def _bodies(application: Litestar) -> dict[str, str]:
    """Return the name of what each operation takes."""
    handlers = (handler for route in application.routes for handler in getattr(route, "route_handlers", ()))
    return {handler.operation_id: handler.opt["body"].__name__ for handler in handlers if "body" in handler.opt}


def _complete(method: str, operation: dict[str, Any], body: str | None) -> None:
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    is_change = method in ("post", "put", "delete")
    responses = operation["responses"]
    for status, text in (_ALWAYS | _OF_CHANGES if is_change else _ALWAYS).items():
        responses[status] = {
            "description": text,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if status in ("429", "503"):
            responses[status]["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
            }
    name = operation["operationId"].removesuffix("Get").removesuffix("Post")
    if name in _PAYLOAD_OF_APP:
        if method == "post":
            operation["requestBody"] = {
                "description": "What the app sends, as it is.",
                "content": {"*/*": {"schema": {}}},
                "required": False,
            }
        responses["200"]["content"] = {"application/json": {"schema": {}}}
        responses["200"]["description"] = "What makes this app clear its queue."
    if name == "putAttachment":
        operation["requestBody"] = {
            "content": {media: {"schema": {}} for media in _media()},
            "required": True,
        }
    if name == "openAttachment":
        responses["200"]["content"] = {media: {"schema": {}} for media in _media()}
    if name == "receivePositionsWithKey":
        operation["security"] = []
    if is_change and "requestBody" in operation and name not in _PAYLOAD_OF_APP and name != "createToken":
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Names this request, so that it is done once however often it is sent.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
            }
        )


def _media() -> list[str]:
    from fieldhr_core.flow.attachments import MEDIA

    return list(MEDIA)


def _problem() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["title", "status", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "pattern": "^FHR-[A-Z]{3}-[0-9]{3}$", "description": "Stable."},
            "detail": {"type": "string", "description": "What happened, and what to do next."},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                },
            },
        },
    }


def _notice() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "post": {
            "operationId": "receiveNotice",
            "tags": ["alerts"],
            "summary": "A notice about a case, as the channel `webhook` posts it",
            "description": "Signed over the raw body. Answer 2xx once it is kept; the same key is the same notice.",
            "parameters": [
                {"name": "Idempotency-Key", "in": "header", "required": True, "schema": text},
                {
                    "name": "X-Fieldhr-Signature",
                    "in": "header",
                    "required": False,
                    "description": "`t=<seconds>,v1=<hex HMAC-SHA256 of t.body>`, where the tenant has set a secret.",
                    "schema": {"type": "string", "pattern": "^t=[0-9]{1,12},v1=[0-9a-f]{64}$"},
                },
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["id", "case", "code", "severity", "to", "language", "title", "body", "facts"],
                            "properties": {
                                **dict.fromkeys(("id", "case", "code", "to", "language", "title", "body"), text),
                                "severity": {"enum": ["info", "low", "medium", "high", "critical"]},
                                "facts": {"type": "object"},
                            },
                        }
                    }
                },
            },
            "responses": {
                "2XX": {"description": "Kept."},
                "408": {"description": "Try again."},
                "429": {"description": "Try again."},
                "4XX": {"description": "Refused for good."},
                "5XX": {"description": "Try again."},
            },
        }
    }
