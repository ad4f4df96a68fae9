"""Files that belong to a page: read once from the package, answered with their type and a tag of their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import attrs

from fieldhr_core.hooks.applications import Scope, Send

__all__ = ["PageFile", "answer_file", "page_files"]

_TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
}


@attrs.frozen(kw_only=True)
class PageFile:
    """One file of a package as it is sent."""

    body: bytes
    media: str
    tag: str


def page_files(package: str, *names: str) -> dict[str, PageFile]:
    """Return files of a package by name."""
    found = {}
    for name in names:
        body = (files(package) / name).read_bytes()
        found[name] = PageFile(
            body=body, media=_TYPES[name.rpartition(".")[2]], tag=f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        )
    return found


async def answer_file(file: PageFile, scope: Scope, send: Send, *more: tuple[bytes, bytes]) -> None:
    """Send a file; where the browser has it already, only say so."""
    asked = {value for name, value in scope["headers"] if name == b"if-none-match"}
    is_known = file.tag.encode() in asked
    headers = [
        (b"content-type", file.media.encode()),
        (b"etag", file.tag.encode()),
        (b"cache-control", b"no-cache"),  # may be kept, and is asked about each time
        *more,
    ]
    body = b"" if is_known or scope["method"] == "HEAD" else file.body
    if not is_known:
        headers.append((b"content-length", str(len(file.body)).encode()))
    await send({"type": "http.response.start", "status": 304 if is_known else 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
