"""The phone page as an ASGI application: a few files, and nothing in them that is anybody's."""

from __future__ import annotations

import hashlib
import html
from typing import TYPE_CHECKING, Final

import attrs

from fieldhr_core.hooks.mounting import problem
from fieldhr_plugins.console.files import PageFile, answer_file, page_files

if TYPE_CHECKING:
    from fieldhr_core.hooks import Site
    from fieldhr_core.hooks.applications import ASGI, Receive, Scope, Send

__all__ = ["FILES", "phone"]

#: Everything the page consists of.
FILES: Final = (
    "index.html",
    "app.js",
    "outbox.js",
    "words.js",
    "views.js",
    "sw.js",
    "style.css",
    "manifest.webmanifest",
    "icon.svg",
    "icon-192.png",
    "icon-512.png",
)


def phone(site: Site) -> ASGI:
    """Return the phone page of a site."""
    files = page_files(__package__, *FILES)
    # One tag for all: a new release of any file makes the service worker fetch every one of them.
    tag = hashlib.sha256("".join(file.tag for file in files.values()).encode()).hexdigest()[:12]
    files["sw.js"] = _filled(files["sw.js"], tag=tag)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
        root = scope["root_path"]
        path = scope["path"].removeprefix(root)
        if scope["method"] not in ("GET", "HEAD"):
            await problem(send, 405, "FHR-API-007", "There is nothing here to send to.", (b"allow", b"GET, HEAD"))
        elif path == "":
            # Everything the page names is beside it: it has to be a folder.
            headers = [(b"location", f"{root}/".encode()), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 307, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        elif path == "/":
            above = root.removesuffix("/phone") if site.login_url.startswith("/") else ""
            login = above + site.login_url
            await answer_file(_filled(files["index.html"], login=html.escape(login)), scope, send)
        elif path[1:] in files:
            await answer_file(files[path[1:]], scope, send)
        else:
            await problem(send, 404, "FHR-ACC-001", "There is nothing at this address.")

    return answer


def _filled(file: PageFile, **values: str) -> PageFile:
    body = file.body
    for name, value in values.items():
        body = body.replace(b"{{" + name.encode() + b"}}", value.encode())
    return attrs.evolve(file, body=body, tag=f'"{hashlib.sha256(body).hexdigest()[:24]}"')
