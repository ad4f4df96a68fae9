"""The pages as an ASGI application of a site: who is there, forms that are ours, and everything else in ``routes``."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, quote

from fieldhr_core.hooks.applications import ASGI, Receive, Scope, Send, Site
from fieldhr_plugins.console.pages.routes import PREFERENCES, Request, Response, respond

__all__ = ["console"]

#: A form of ours is small.
_FORM_BYTES: Final = 64 * 1024
_FILES: Final = frozenset({"/console.css", "/console.js", "/shadow.css"})


def console(site: Site) -> ASGI:
    """Return the console of a site."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "").rstrip("/")
        path = scope["path"].removeprefix(root) or "/"
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        allowed = ("GET",) if path in _FILES else ("GET", "POST")
        if method not in allowed:
            allow = ", ".join(("HEAD", *allowed))
            await _send(send, scope, Response(status=405, media="text/plain", headers=(("allow", allow),)))
            return
        caller = None if path in _FILES else await site.caller(scope)
        if caller is None and path not in _FILES:
            wanted = quote(
                f"{root}{path}" + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
            )
            where = ((("location", f"{root}{site.login_url}?next={wanted}"),)) if site.login_url else ()
            await _send(send, scope, Response(status=303 if where else 401, media="text/plain", headers=where))
            return
        form = dict(parse_qsl((await _body(receive)).decode("utf-8", "replace"))) if method == "POST" else {}
        from fieldhr_core.model import Principal, Role

        nobody = Principal(tenant="", id="", role=Role.REP)
        request = Request(
            principal=nobody if caller is None else caller.principal,
            purpose="" if caller is None else caller.purpose,
            method=method,
            path=path,
            root=root,
            query=dict(parse_qsl(scope["query_string"].decode("latin-1"))),
            form=form,
            preferences=_cookie(scope, PREFERENCES),
            languages=_header(scope, b"accept-language"),
            token="" if caller is None else site.form_token(caller),
            is_ours=caller is not None and site.is_form_token(caller, form.get("token", "")),
            is_secure=scope.get("scheme") == "https",
            links=[
                (link.titles, f"{root}{link.path}") for link in site.links if link.titles and link.name != "console"
            ],
            logout=f"{root}{site.login_url}/out" if site.login_url else "",
        )
        await _send(send, scope, await site.run(respond, site.hr, request))

    return answer


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= _FORM_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body[:_FORM_BYTES]


async def _send(send: Send, scope: Scope, response: Response) -> None:
    headers = [(b"content-type", response.media.encode()), (b"content-length", str(len(response.body)).encode())]
    headers += [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> str:
    found = next((value for key, value in scope["headers"] if key == name), b"")
    return str(found.decode("latin-1"))


def _cookie(scope: Scope, name: str) -> str:
    try:
        found = SimpleCookie(_header(scope, b"cookie")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value
