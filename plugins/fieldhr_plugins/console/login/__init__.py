"""The login page of ``fieldhr serve``: a token goes in, a cookie that no script can read comes out.

A host that has a login of its own hands it over and never shows this page.
"""

from __future__ import annotations

import html
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, quote

from fieldhr_core.hooks.applications import ASGI, Receive, Scope, Send, Site
from fieldhr_core.hooks.mounting import problem
from fieldhr_plugins.console.files import answer_file, page_files
from fieldhr_plugins.console.principals import COOKIE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["login"]

_SHOWN_BYTES: Final = 4_096


def login(*, secure: bool = False) -> Callable[[Site], ASGI]:
    """Return what makes the login page.

    Args:
        secure: whether browsers reach it by HTTPS only.
    """

    def make(site: Site) -> ASGI:
        here = files(__package__)
        page = (here / "page.html").read_text(encoding="utf-8")
        words: dict[str, dict[str, str]] = json.loads((here / "words.json").read_text(encoding="utf-8"))
        style = page_files(__package__, "style.css")["style.css"]

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope["path"].removeprefix(scope["root_path"])
            root = scope["root_path"].removesuffix("/login")
            if path not in ("", "/", "/style.css", "/out"):
                await problem(send, 404, "FHR-ACC-001", "There is nothing at this address.")
                return
            allowed = ("GET", "HEAD") if path == "/style.css" else ("GET", "HEAD", "POST")
            if scope["method"] not in allowed:
                allow = (b"allow", ", ".join(allowed).encode())
                await problem(send, 405, "FHR-API-007", "This is not done here.", allow)
                return
            if path == "/style.css":
                await answer_file(style, scope, send)
                return
            text = words[_language(scope)]
            if path == "/out" and scope["method"] == "POST":
                await _redirect(send, f"{root}/login", _cookie("", 0, root, secure or scope["scheme"] == "https"))
                return
            wanted = _inside(parse_qs(scope["query_string"].decode("latin-1")).get("next", [""])[0])
            if scope["method"] != "POST":
                await _show(send, page, text, root, wanted, "")
                return
            form = parse_qs((await _body(receive)).decode("utf-8", "replace"))
            token = form.get("token", [""])[0].strip()
            caller = await site.run(site.hr.tokens.caller, token)
            if caller is None:
                await _show(send, page, text, root, wanted, text["refused"], status=401)
                return
            is_secure = secure or scope["scheme"] == "https"
            await _redirect(send, wanted or f"{root}/", _cookie(token, 90 * 86_400, root, is_secure))

        return answer

    return make


async def _show(
    send: Send, page: str, text: dict[str, str], root: str, wanted: str, said: str, *, status: int = 200
) -> None:
    values = {**text, "root": root, "next": quote(wanted), "said": said}
    body = page
    for name, value in values.items():
        body = body.replace("{{" + name + "}}", html.escape(value))
    sent = body.encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(sent)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sent})


async def _redirect(send: Send, to: str, cookie: bytes) -> None:
    headers = [(b"location", to.encode()), (b"set-cookie", cookie), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _cookie(token: str, lasts_s: int, root: str, is_secure: bool) -> bytes:
    parts = [f"{COOKIE}={token}", f"Path={root or '/'}", f"Max-Age={lasts_s}", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if is_secure else parts).encode()


def _inside(path: str) -> str:
    """Return a path to go on to, if it is one of this site: no other host, and nothing a browser reads as one."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return path if is_ours and "\\" not in path else ""


def _language(scope: Scope) -> str:
    asked = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return "zh-Hans" if asked[:2].lower() == b"zh" else "en"


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= _SHOWN_BYTES:
        message: Any = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body[:_SHOWN_BYTES]
