"""The console in a real browser: nobody is shut out, nothing leaves the host, and what it looks like goes into the docs.

``FIELDHR_SCREENSHOTS=1`` writes the pictures of ``docs/images`` anew.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.model import Principal, Role
from fieldhr_plugins.console.pages import speech


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"fieldhr_tests_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


console_team = _load("console_team")
TENANT = console_team.TENANT
PEOPLE = {
    "manager": console_team.MANAGER,
    "admin": console_team.ADMIN,
    "rep": Principal(tenant=TENANT, id="u.r004", role=Role.REP, person="r004"),
}
IMAGES = Path(__file__).parents[2] / "docs" / "images"
#: Name -> who looks, and where. ``CASE`` stands for the case of a long stop.
PAGES = {
    "team": ("manager", "/"),
    "person-day": ("manager", "/people/r004"),
    "alerts": ("manager", "/alerts"),
    "case": ("manager", "/alerts/CASE"),
    "scores": ("manager", "/scores"),
    "messages": ("manager", "/messages"),
    "trends": ("manager", "/trends"),
    "trust": ("admin", "/trust?prove=1"),
    "plugins": ("admin", "/plugins"),
    "doctor": ("admin", "/doctor"),
    "my-view": ("rep", "/me"),
}


def _authenticate(scope: Any) -> Principal | None:
    """A host that knows its people by a cookie, as hosts do."""
    cookies = SimpleCookie(dict(scope["headers"]).get(b"cookie", b"").decode())
    return PEOPLE.get(cookies["who"].value) if "who" in cookies else None


@pytest.fixture(scope="module")
def hr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldHR]:
    with console_team.open_team(tmp_path_factory.mktemp("seen") / "seen.db", 40, history=15) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def url(hr: FieldHR) -> Iterator[str]:
    import uvicorn

    applications = hr.applications(authenticate=_authenticate)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(applications, log_config=None, access_log=False, lifespan="on", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(15)


@pytest.fixture(scope="module")
def case(hr: FieldHR) -> str:
    with hr.acting_as(console_team.ADMIN, purpose="supervision") as desk:
        return next(
            c.id for c in desk.alerts.list() if c.finding.code == "track.offsite_dwell" and c.finding.rep == "r004"
        )


@pytest.fixture
def visit(browser: Any, url: str, case: str) -> Iterator[Callable[..., Any]]:
    """Open a page as somebody: ``visit("team", width=320, color_scheme="dark")``; its context is ``page.context``."""
    contexts: list[Any] = []

    def go(name: str, *, width: int = 1280, height: int = 900, language: str = "en", **more: Any) -> Any:
        person, path = PAGES[name]
        context = browser.new_context(viewport={"width": width, "height": height}, locale=language, **more)
        contexts.append(context)
        context.add_cookies([{"name": "who", "value": person, "url": url}])
        context.outside = []
        context.on("request", lambda r: None if r.url.startswith((url, "data:")) else context.outside.append(r.url))
        page = context.new_page()
        page.faults = []
        page.on("console", lambda said: page.faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda fault: page.faults.append(str(fault)))
        answer = page.goto(url + path.replace("CASE", case), wait_until="load")
        assert answer.status == 200, answer.text()[:500]
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.mark.req("I6")
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_light_and_in_dark_and_nothing_leaves_the_host(
    name: str, visit: Callable[..., Any], violations: Callable[[Any], list[str]]
) -> None:
    for scheme, language in (("light", "en"), ("dark", "zh-Hans")):
        page = visit(name, color_scheme=scheme, language=language)
        assert violations(page) == [], scheme
        assert page.context.outside == []
        assert page.faults == []


@pytest.mark.req("I6")
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_no_page_scrolls_sideways_on_320_pixels(language: str, visit: Callable[..., Any]) -> None:
    for name in PAGES:
        page = visit(name, width=320, height=640, language=language)
        wide = page.evaluate("document.documentElement.scrollWidth")
        over = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') &&"
            " e.getBoundingClientRect().right > 321).map(e => e.outerHTML.slice(0, 90)).slice(0, 3)"
        )
        assert wide <= 320, f"{name}: {wide} {over}"
        # What can be hit is at least 24 pixels high (WCAG 2.2, 2.5.8); links within sentences are excepted.
        small = page.evaluate(
            "[...document.querySelectorAll('button, select, input:not([type=hidden]), .button, nav a, .chips a')]"
            ".filter(e => e.checkVisibility()).filter(e => e.getBoundingClientRect().height < 24)"
            ".map(e => e.outerHTML.slice(0, 80))"
        )
        assert small == [], name
        page.context.close()


class _Longer:
    """Texts half as long again, as German and Russian may be."""

    def gettext(self, message: str) -> str:
        return f"{message}{' ouça' * round(len(message) / 8)}"

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(one if count == 1 else many)


@pytest.mark.req("F4")
def test_longer_languages_fit(visit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "_catalogue", lambda _language: _Longer())
    for name in PAGES:
        page = visit(name, width=320, height=640)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        page.context.close()


@pytest.mark.req("I6")
@pytest.mark.parametrize("name", PAGES)
def test_everything_can_be_reached_with_the_keyboard_and_is_seen_to_be(name: str, visit: Callable[..., Any]) -> None:
    page = visit(name)
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    page.evaluate(
        "window.wanted = new Set([...document.querySelectorAll('a[href], button, input:not([type=hidden]), select,"
        ' textarea, summary, [tabindex="0"]\')].filter(e => e.checkVisibility()))'
    )
    count = page.evaluate("window.wanted.size")
    seen, unseen = set(), []
    for _ in range(count + 6):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "(() => { const e = document.activeElement; if (!e || e === document.body) return null;"
            " window.wanted.delete(e); const s = getComputedStyle(e);"
            " return [e.outerHTML.slice(0, 100), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]; })()"
        )
        if at is None:
            break
        seen.add(at[0])
        if not at[1]:
            unseen.append(at[0])
    assert page.evaluate("[...window.wanted].map(e => e.outerHTML.slice(0, 90))") == []
    assert unseen == []
    page.keyboard.press("Control+Home")


@pytest.mark.req("C8", "I6")
def test_from_an_alert_to_its_evidence_is_one_step_and_a_decision_needs_no_mouse(visit: Callable[..., Any]) -> None:
    page = visit("team")
    page.get_by_role("link", name="Long stop away from customers").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts/*")
    assert page.get_by_role("heading", name="What it rests on").is_visible()
    page.get_by_label("What you say").focus()
    page.keyboard.type("We talk tomorrow")
    page.get_by_role("button", name="Take on").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Done: Take on.").wait_for()
    assert page.get_by_text("We talk tomorrow").is_visible()
    assert page.faults == []


def test_the_pages_work_without_scripts(visit: Callable[..., Any]) -> None:
    page = visit("team", java_script_enabled=False)
    page.get_by_label("Name").fill("陈")
    page.get_by_role("button", name="Show").click()
    rows = page.locator("#who tbody tr")
    assert 0 < rows.count() < 40
    page.get_by_label("Look", exact=True).select_option("dark")
    page.get_by_role("button", name="Apply").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert "q=" in page.url


def test_with_scripts_the_list_narrows_while_typing_and_preferences_hold_at_once(visit: Callable[..., Any]) -> None:
    page = visit("team")
    page.get_by_label("Name").type("陈")
    shown = page.locator("#who tbody tr:visible").count()
    assert 0 < shown < 40
    assert page.get_by_role("status").first.inner_text().startswith(f"{shown} /")
    page.get_by_label("Language").select_option("zh-Hans")
    page.get_by_role("heading", name="团队今日").wait_for()
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.get_by_label("外观").select_option("dark")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    assert page.faults == []


@pytest.mark.req("B5")
def test_weights_that_are_tried_live_give_the_totals_the_server_gives(visit: Callable[..., Any]) -> None:
    page = visit("scores")
    sliders = page.locator("input[type=range]")
    assert sliders.count() > 1, "the team of this test has measured people and weights to move"
    sliders.nth(0).evaluate("e => { e.value = 100; e.dispatchEvent(new Event('input', {bubbles: true})) }")
    for place in range(1, sliders.count()):
        sliders.nth(place).evaluate("e => { e.value = 7; e.dispatchEvent(new Event('input', {bubbles: true})) }")
    totals = (
        "Object.fromEntries([...document.querySelectorAll('[data-total]')].map(e => [e.dataset.total, e.textContent]))"
    )
    live = page.evaluate(totals)
    page.get_by_role("button", name="Try these weights").click()
    page.get_by_text("Tried weights.").wait_for()
    served = page.evaluate(totals)
    assert {who for who, total in served.items() if total != "–"} <= set(live)
    for who, total in served.items():
        if total != "–":
            assert abs(float(total) - float(live[who])) <= 0.11, who


@pytest.mark.req("G4")
def test_in_a_hostile_page_a_shadow_tree_keeps_its_looks_and_takes_the_hosts_colour(
    hr: FieldHR, url: str, browser: Any
) -> None:
    from fieldhr_plugins.console.pages.routes import embedded

    tree = embedded(hr, console_team.MANAGER, "/alerts", root=url)
    host = (
        "<!doctype html><style>*{color:red!important;font-size:9px!important} table,h1{display:none}"
        f"main{{--fieldhr-way:#7a0060}}</style><main>{tree}</main>"
    )
    context = browser.new_context()
    page = context.new_page()
    page.route("**/erp", lambda route: route.fulfill(body=host, content_type="text/html; charset=utf-8"))
    page.goto(f"{url}/erp")
    heading = page.get_by_role("heading", name="Alerts")
    heading.wait_for()
    assert heading.evaluate("e => getComputedStyle(e).fontSize") == "24px"
    assert heading.evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
    link = page.locator("tbody th a").first
    assert link.evaluate("e => getComputedStyle(e).color") == "rgb(122, 0, 96)"
    context.close()


def test_without_a_login_nothing_is_shown(url: str, browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    for path in ("/", "/alerts", "/me/data.zip"):
        assert page.request.get(f"{url}{path}", max_redirects=0).status == 401
    files = page.request.get(f"{url}/console.css")
    assert files.status == 200
    assert "immutable" in files.headers["cache-control"]
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_pictures_for_the_docs(name: str, visit: Callable[..., Any], tmp_path: Path) -> None:
    """Every page on a desktop in light, and on a phone in dark; small enough to live in the docs."""
    write = os.environ.get("FIELDHR_SCREENSHOTS") == "1"
    for kind, options in {
        "desktop": {"width": 1280, "height": 1000, "color_scheme": "light"},
        "phone": {"width": 390, "height": 844, "color_scheme": "dark", "language": "zh-Hans"},
    }.items():
        page = visit(name, **options)
        path = (IMAGES if write else tmp_path) / f"console-{name}-{kind}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path)
        _shrunk(path)
        assert path.stat().st_size < 150_000
        assert (IMAGES / path.name).is_file(), "FIELDHR_SCREENSHOTS=1 pytest tests/pages/test_console_browser.py"


def _shrunk(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(96, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
