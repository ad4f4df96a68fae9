"""What tests of pages share: ``fieldhr serve`` as a process of its own, the system's Chromium, and axe.

Nothing is downloaded for the browser: it is ``FIELDHR_CHROMIUM``, else the first Chromium or Chrome on the path
(Debian: ``apt-get install chromium fonts-noto-cjk``). Without one the tests are skipped, loudly;
``FIELDHR_REQUIRE_BROWSER=1`` turns that into a failure. axe comes out of npm, with ``FIELDHR_REQUIRE_NODE=1`` likewise.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}


def missing(what: str, variable: str) -> Any:
    """Skip loudly, or fail where the surroundings promised it."""
    reason = f"{what} IS MISSING: the pages were not looked at. {variable}=1 turns this into a failure."
    if os.environ.get(variable) == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def chromium() -> str | None:
    """Return the path of a Chromium of the system."""
    named = os.environ.get("FIELDHR_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome", "chrome"]
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    """Playwright, with nothing opened yet; for one module, because it keeps an event loop running in this thread."""
    if chromium() is None:
        missing("CHROMIUM", "FIELDHR_REQUIRE_BROWSER")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    """One browser for a module; open a context of your own in it."""
    opened = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
    yield opened
    opened.close()


@pytest.fixture
def persistent(playwright: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a browser that keeps its storage: ``persistent()``; close it and call again for a restart."""
    opened: list[Any] = []

    def launch(**more: Any) -> Any:
        options = {"args": list(FLAGS), **PHONE, **more}
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=chromium(), **options
        )
        opened.append(context)
        return context

    yield launch
    for context in opened:
        with contextlib.suppress(Exception):  # closed by the test already
            context.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Source of axe-core, which finds what people with disabilities cannot use."""
    npm = shutil.which("npm")
    if npm is None:
        missing("NPM", "FIELDHR_REQUIRE_NODE")
    folder = tmp_path_factory.mktemp("axe")
    command = [str(npm), "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), "axe-core@4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        missing(f"AXE ({done.stderr[-200:]})", "FIELDHR_REQUIRE_NODE")
    return (folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def violations(axe: str) -> Callable[[Any], list[str]]:
    """Return what axe finds on a page (Playwright's): ``assert violations(page) == []``."""

    def look(page: Any) -> list[str]:
        page.evaluate(axe)
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
        return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]

    return look


@attrs.define
class Served:
    """A running ``fieldhr serve``: where it is, and its process."""

    url: str
    process: subprocess.Popen[str]
    log: list[str]

    def stop(self) -> None:
        """Interrupt it and wait until it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Start ``fieldhr serve`` on a database: ``serve("/path/fieldhr.db").url``. It ends with the test."""
    running: list[Served] = []

    def start(db: str | Path, *arguments: str, port: int = 0, timeout_s: float = 30) -> Served:
        command = [sys.executable, "-m", "fieldhr_core.cli", "serve", "--db", str(db), "--port", str(port), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
        assert process.stdout
        assert process.stderr
        ready, _, _ = select.select([process.stdout], [], [], timeout_s)
        line = process.stdout.readline() if ready else ""
        if not line:
            process.kill()
            pytest.fail(f"fieldhr serve did not start: {process.stderr.read()[-2000:]}")
        served = Served(url=json.loads(line)["url"].rstrip("/"), process=process, log=[])
        threading.Thread(target=_collect, args=(process.stderr, served.log), daemon=True).start()
        running.append(served)
        _await(served)
        return served

    yield start
    for served in running:
        served.stop()


def _collect(stream: Any, into: list[str]) -> None:
    with contextlib.suppress(ValueError):  # closed while we read
        into.extend(stream)


def _await(served: Served) -> None:
    import urllib.error
    import urllib.request

    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{served.url}/login", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
        else:
            return
    pytest.fail("fieldhr serve does not answer.")


@pytest.fixture
def stays_home() -> Callable[[Any, str], list[str]]:
    """Watch a browser context: ``outside = stays_home(context, url)``; the list holds every request that left."""

    def watch(context: Any, url: str) -> list[str]:
        outside: list[str] = []

        def note(request: Any) -> None:
            if not request.url.startswith((f"{url}/", "data:", "blob:")):
                outside.append(request.url)

        context.on("request", note)
        return outside

    return watch
