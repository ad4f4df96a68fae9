"""The login page of ``fieldhr serve`` in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.model import Principal, Role


@pytest.fixture
def site(tmp_path: Path, serve: Callable[..., Any]) -> tuple[str, str]:
    """Address of a served store, and a token for it."""
    db = tmp_path / "fieldhr.db"
    with FieldHR.open(f"sqlite:///{db}") as hr:
        hr.tenants.create("bank", name="Bank")
        token = hr.tokens.create(Principal(tenant="bank", id="boss", role=Role.MANAGER), lasts=timedelta(days=1))
    return serve(db).url, token


@pytest.mark.req("G4", "E3")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_token_logs_in_by_keyboard_and_the_cookie_is_out_of_reach(
    site: tuple[str, str], browser: Any, violations: Any, stays_home: Any, scheme: str
) -> None:
    url, token = site
    context = browser.new_context(viewport={"width": 320, "height": 640}, color_scheme=scheme, locale="zh-CN")
    outside = stays_home(context, url)
    page = context.new_page()
    page.goto(f"{url}/login?next=/api/session")
    assert page.title() == "登录"
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.keyboard.press("Tab")
    page.keyboard.type("fhr.wrong.token.x")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("此令牌无效").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.type(token)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/api/session")
    assert '"principal":"boss"' in page.content()
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    assert outside == []
    context.close()


@pytest.mark.parametrize("to", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"])
def test_a_login_leads_to_no_other_place(site: tuple[str, str], to: str) -> None:
    import httpx

    url, token = site
    answer = httpx.post(f"{url}/login", params={"next": to}, data={"token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
