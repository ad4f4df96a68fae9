"""A tenant's own source of map tiles: that one host is asked, it is named, and no other page opens up for it."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import struct
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.hooks.mounting import POLICY
from fieldhr_plugins.console.pages.routes import Request, respond


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"fieldhr_tests_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


console_team = _load("console_team")
MANAGER, TENANT = console_team.MANAGER, console_team.TENANT


@contextmanager
def served(application: Any) -> Iterator[str]:
    import uvicorn

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(15)


def png() -> bytes:
    """One grey pixel."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xb0")) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def hr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldHR]:
    with console_team.open_team(tmp_path_factory.mktemp("tiles") / "team.db", 12) as runtime:
        yield runtime


@pytest.fixture
def settings(hr: FieldHR) -> Iterator[Any]:
    """Set the tenant's pages; afterwards they are as they were."""
    with hr._acting(console_team.ADMIN, "operations").unit(write=False) as unit:
        before = dict(unit.acting.facts(unit).settings)
    yield lambda **own: hr.tenants.configure(TENANT, {**before, "fieldhr.console": own})
    hr.tenants.configure(TENANT, before)


def policy_of(hr: FieldHR, path: str) -> str:
    answer = respond(hr, Request(principal=MANAGER, path=path))
    assert answer.status == 200
    return dict(answer.headers).get("content-security-policy", POLICY)


@pytest.mark.req("E6")
def test_only_pages_with_a_map_open_up_and_only_for_pictures_of_that_host(hr: FieldHR, settings: Any) -> None:
    assert policy_of(hr, "/") == POLICY
    settings(tiles_url="https://tiles.bank.example/{z}/{x}/{y}.png", tiles_attribution="Ground <Ltd>")
    wanted = POLICY.replace("img-src 'self'", "img-src 'self' https://tiles.bank.example")
    assert (policy_of(hr, "/"), policy_of(hr, "/people/r004")) == (wanted, wanted)
    assert policy_of(hr, "/alerts") == POLICY
    body = respond(hr, Request(principal=MANAGER, path="/people/r004")).body.decode()
    assert "Base map: Ground &lt;Ltd&gt;" in body
    assert body.count("https://tiles.bank.example/") == body.count('<image class="tile"') > 0
    settings(tiles_url="/tiles/{z}/{x}/{y}.png", tiles_attribution="Ours")
    assert policy_of(hr, "/") == POLICY


@pytest.mark.req("E6", "I6")
def test_the_browser_asks_that_host_and_no_other(hr: FieldHR, settings: Any, browser: Any) -> None:
    asked: list[str] = []

    async def tiles(scope: Any, _receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        names = {name for name, _ in scope["headers"]}
        assert not names & {b"referer", b"cookie"}, "the source learns the ground, and not who looks from where"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"image/png")]})
        await send({"type": "http.response.body", "body": png()})

    site = hr.applications(authenticate=lambda _scope: MANAGER)
    with served(tiles) as source, served(tiles) as other, served(site) as url:
        for ready in (False, True):
            if ready:
                settings(tiles_url=source + "/{z}/{x}/{y}.png", tiles_attribution="Ground Ltd")
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            outside: list[str] = []
            faults: list[str] = []
            page.on("request", lambda r, seen=outside: None if r.url.startswith(url) else seen.append(r.url))
            page.on("console", lambda said, seen=faults: seen.append(said.text) if said.type == "error" else None)
            page.goto(url + "/people/r004", wait_until="networkidle")
            assert bool(outside) is ready
            assert all(address.startswith(source) for address in outside)
            assert faults == []
            # Whatever got into the page, no third host could be asked.
            page.evaluate(
                "u => new Promise(done => { const i = new Image(); i.onload = i.onerror = done; i.src = u })",
                other + "/1/1/1.png",
            )
            context.close()
    site.close()
    assert asked
    assert "/1/1/1.png" not in asked
    assert all(path.count("/") == 3 for path in asked)
