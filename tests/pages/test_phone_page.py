"""The phone page in a real browser: one tap, no signal, a killed browser, and every event stored once."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import httpx
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.model import Address, Customer, Datum, Person, Principal, Role, WorkPattern

SHOP = (31.2304, 121.4737)
AWAY = (31.2704, 121.4737)
#: Works always, so that the hour at which the tests run does not matter.
ALWAYS = {"weekdays": (1, 2, 3, 4, 5, 6, 7), "breaks": ()}
pytestmark = [pytest.mark.req("I6"), pytest.mark.slow]


@attrs.define
class Store:
    """A served store with one rep, and what is in it."""

    db: Path
    url: str
    token: str
    admin: str

    def day(self) -> dict[str, Any]:
        date = datetime.now(ZoneInfo("Asia/Shanghai")).date()
        answer = httpx.get(f"{self.url}/api/days/r1/{date}", headers={"Authorization": f"Bearer {self.admin}"})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def attachments(self, record: str) -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{self.url}/api/attachments?record={record}", headers={"Authorization": f"Bearer {self.admin}"}
        )
        return list(answer.json())


@pytest.fixture
def store(tmp_path: Path, serve: Callable[..., Any]) -> Store:
    db = tmp_path / "fieldhr.db"
    now = datetime.now(UTC)
    with FieldHR.open(f"sqlite:///{db}") as hr:
        hr.tenants.create("bank", name="Bank", pattern=WorkPattern(start=time(0), end=time(0), **ALWAYS))
        with hr.acting_as(Principal(tenant="bank", id="host", role=Role.ADMIN), purpose="operations") as desk:
            desk.people.put([Person(id="r1", name="An", manager="m1"), Person(id="m1", name="Mo", role="manager")])
            desk.people.record_basis("r1", purpose="tracking", basis="consent", notice="v1", at=now - timedelta(days=9))
            at = Address(id="a1", lat=SHOP[0], lon=SHOP[1], datum=Datum.WGS84)
            far = Address(id="a2", lat=AWAY[0] + 0.05, lon=AWAY[1], datum=Datum.WGS84)
            desk.customers.put(
                [
                    Customer(id="c1", name="张三", need="开立期货账户", owner="r1", addresses=(at,)),
                    Customer(id="c2", name="李四", need="续保", owner="r1", addresses=(far,)),
                ]
            )
        rep = Principal(tenant="bank", id="u1", role=Role.REP, person="r1")
        token = hr.tokens.create(rep, lasts=timedelta(days=1))
        admin = hr.tokens.create(Principal(tenant="bank", id="a", role=Role.ADMIN), lasts=timedelta(days=1))
    return Store(db=db, url=serve(db).url, token=token, admin=admin)


def ready(page: Any) -> None:
    """Wait until the page has loaded and heard of the server, if there is one."""
    page.locator("body[data-ready=all]").wait_for(state="attached", timeout=20_000)


def cookie(store: Store) -> dict[str, Any]:
    """What the login page sets."""
    return {"name": "fieldhr_token", "value": store.token, "url": store.url, "httpOnly": True, "sameSite": "Strict"}


def come_in(context: Any, store: Store, *, at: tuple[float, float] = SHOP) -> Any:
    """Open the page as the rep who stands somewhere."""
    context.add_cookies([cookie(store)])
    context.grant_permissions(["geolocation"], origin=store.url)
    context.set_geolocation({"latitude": at[0], "longitude": at[1], "accuracy": 10})
    page = context.new_page()
    page.goto(f"{store.url}/phone")
    ready(page)
    return page


@pytest.fixture
def phone(browser: Any, store: Store) -> Any:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="zh-CN"
    )
    yield context
    context.close()


@pytest.mark.req("A3", "A1")
def test_one_tap_checks_in_and_names_customer_and_need(phone: Any, store: Store, stays_home: Any) -> None:
    outside = stays_home(phone, store.url)
    page = come_in(phone, store)
    page.get_by_text("上班时间：位置会被保存。同意依据：consent，告知书 v1。").wait_for()
    page.get_by_role("button", name="打卡").tap()
    page.get_by_text("位于客户处").wait_for()
    card = page.locator("#answer").inner_text()
    assert "张三" in card
    assert "开立期货账户" in card
    assert "服务器已于" in card
    page.get_by_text("已全部上传").wait_for()
    day = store.day()
    assert (day["checkins"]["customer"], day["checkins"]["verdict"]) == (["c1"], ["at"])
    # Two more taps write the follow-up.
    page.get_by_role("button", name="已见面").tap()
    page.get_by_role("button", name="保存").tap()
    page.get_by_text("跟进记录已保存").wait_for()
    page.get_by_text("已全部上传").wait_for()
    assert store.day()["follow_ups"]["customer"] == ["c1"]
    page.get_by_text("我的一天").tap()
    page.locator("#day-body p, #day-body table").first.wait_for()
    assert outside == []


def test_where_the_phone_was_before_does_not_count(phone: Any, store: Store) -> None:
    page = come_in(phone, store)
    page.get_by_role("button", name="打卡").tap()
    page.get_by_text("位于客户处").wait_for()
    phone.set_geolocation({"latitude": AWAY[0], "longitude": AWAY[1], "accuracy": 10})
    page.get_by_role("button", name="打卡").tap()
    # Nobody lives here: the page asks, and the answer is the server's.
    page.get_by_role("button", name=re.compile("张三")).tap()
    page.get_by_text("不在客户地址").wait_for()
    # The case is there to be answered, and contested.
    page.locator("#alerts-count").get_by_text("(1)").wait_for()
    page.locator("#alerts > summary").tap()
    page.get_by_label("您的说明").fill("客户改约在对面咖啡馆")
    page.get_by_role("button", name="说明", exact=True).tap()
    page.get_by_text("已保存；作出任何决定前都会有人阅读。").wait_for()
    page.get_by_text("已全部上传").wait_for()
    headers = {"Authorization": f"Bearer {store.admin}"}
    (case,) = httpx.get(f"{store.url}/api/alerts?code=checkin.mismatch", headers=headers).json()["items"]
    assert case["state"] == "explained"


@pytest.mark.req("A8")
def test_an_hour_without_signal_and_a_killed_browser_lose_and_double_nothing(
    persistent: Callable[..., Any], store: Store
) -> None:
    more = {"locale": "zh-CN", "permissions": ["geolocation", "microphone"]}
    context = persistent(**more)
    page = come_in(context, store)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    ready(page)
    context.set_offline(True)
    page.clock.install(time=datetime.now(UTC))
    page.get_by_role("button", name="打卡").tap()
    page.get_by_text("已于").wait_for()
    assert "张三" in page.locator("#answer").inner_text()
    page.locator("#photo").set_input_files({"name": "p.png", "mimeType": "image/png", "buffer": picture()})
    page.get_by_text("照片已保存").wait_for()
    page.get_by_role("button", name="录音").tap()
    page.wait_for_timeout(400)
    page.get_by_role("button", name="停止录音").tap()
    page.get_by_text("录音已保存").wait_for()
    page.get_by_role("button", name="已见面").tap()
    page.get_by_role("button", name="保存").tap()
    page.get_by_text("待上传 4").first.wait_for()
    # An hour later, still without a signal, the page opens from the phone alone.
    page.clock.fast_forward("01:00:00")
    page.reload()
    page.get_by_text("待上传 4").first.wait_for()
    page.get_by_role("button", name="打卡").tap()
    page.get_by_text("待上传 5").first.wait_for()
    assert store.day()["checkins"]["checkin"] == []
    kill(context)
    context = persistent(**more)
    # Logged in again: a killed browser may have forgotten its cookie, and nothing else.
    context.add_cookies([cookie(store)])
    page = context.new_page()
    page.goto(f"{store.url}/phone/")
    page.get_by_text("已全部上传").wait_for(timeout=20_000)
    day = store.day()
    assert day["checkins"]["customer"] == ["c1", "c1"]
    assert len(set(day["checkins"]["checkin"])) == 2
    assert len(day["follow_ups"]["followup"]) == 1
    kept = [one for checkin in day["checkins"]["checkin"] for one in store.attachments(checkin)]
    assert sorted(one["media"].split("/")[0] for one in kept) == ["audio", "image"]
    assert all(one["size"] > 100 for one in kept)
    # Once more, all of it: nothing doubles.
    page.reload()
    page.get_by_text("已全部上传").wait_for()
    assert store.day()["checkins"]["checkin"] == day["checkins"]["checkin"]


def kill(context: Any) -> None:
    """End the browser at once, as a phone does that needs the memory: every process of it that we started."""
    mine = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and is_ours(entry)]
    assert mine
    for process in mine:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    with contextlib.suppress(Exception):  # it is gone already
        context.close()


def is_ours(entry: Path) -> bool:
    """Whether a process descends from this test run and works on the profile of a test."""
    try:
        if "/profile" not in (entry / "cmdline").read_bytes().decode("utf-8", "replace"):
            return False
        current = int(entry.name)
        while current > 1:
            current = int(Path(f"/proc/{current}/stat").read_text().rpartition(")")[2].split()[1])
            if current == os.getpid():
                return True
    except (OSError, ValueError):
        return False
    return False


def picture() -> bytes:
    """A small picture, made here: 8 x 8, grey."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes([n * 20]) * 24 for n in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_cut_off_answer_is_asked_for_again_and_stored_once(phone: Any, store: Store) -> None:
    page = come_in(phone, store)
    dropped: list[str] = []

    def lose(route: Any) -> None:
        if dropped:
            route.continue_()
            return
        route.fetch()  # it arrives and is stored ...
        dropped.append(route.request.url)
        route.abort()  # ... and the answer is lost on the way back

    phone.route("**/api/check-ins", lose)
    page.get_by_role("button", name="打卡").tap()
    while not dropped:
        page.wait_for_timeout(20)
    page.get_by_text("待上传 1").first.wait_for()
    assert len(store.day()["checkins"]["checkin"]) == 1
    page.evaluate("dispatchEvent(new Event('online'))")
    page.get_by_text("位于客户处").wait_for()
    page.get_by_text("已全部上传").wait_for()
    assert len(store.day()["checkins"]["checkin"]) == 1


@pytest.mark.req("A8")
def test_the_browser_s_own_sync_sends_what_waits_with_no_page_open(phone: Any, store: Store) -> None:
    page = come_in(phone, store)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.set_offline(True)
    page.get_by_role("button", name="打卡").tap()
    page.get_by_text("待上传 1").first.wait_for()
    page.close()
    phone.set_offline(False)
    elsewhere = phone.new_page()  # of the same host, and outside of what the worker serves
    elsewhere.goto(f"{store.url}/login")
    assert store.day()["checkins"]["checkin"] == [], "nobody sent it yet"
    devtools = phone.new_cdp_session(elsewhere)
    known: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: known.extend(
            one["registrationId"] for one in said["registrations"] if one["scopeURL"].endswith("/phone/")
        ),
    )
    devtools.send("ServiceWorker.enable")
    while not known:
        elsewhere.wait_for_timeout(20)
    fired = {"origin": store.url, "registrationId": known[-1], "lastChance": False}
    devtools.send("ServiceWorker.dispatchSyncEvent", {**fired, "tag": "somebody-else-s"})
    elsewhere.wait_for_timeout(300)
    assert store.day()["checkins"]["checkin"] == [], "another tag is none of ours"
    for _ in range(2):  # the browser may ask twice
        devtools.send("ServiceWorker.dispatchSyncEvent", {**fired, "tag": "fieldhr-outbox"})
    for _ in range(200):
        if store.day()["checkins"]["checkin"]:
            break
        elsewhere.wait_for_timeout(50)
    assert store.day()["checkins"]["customer"] == ["c1"]
    # The page, opened again, has nothing left to send.
    page = phone.new_page()
    page.goto(f"{store.url}/phone/")
    page.get_by_text("已全部上传").wait_for(timeout=20_000)
    assert store.day()["checkins"]["customer"] == ["c1"]


@pytest.mark.req("A8")
def test_the_next_tap_takes_along_what_waits(phone: Any, store: Store) -> None:
    page = come_in(phone, store)
    phone.route("**/api/check-ins", lambda route: route.abort())
    page.get_by_role("button", name="打卡").tap()
    page.get_by_text("待上传 1").first.wait_for()
    phone.unroute("**/api/check-ins")
    assert store.day()["checkins"]["checkin"] == []
    page.get_by_role("button", name="打卡").tap()
    page.get_by_text("已全部上传").wait_for()
    assert store.day()["checkins"]["customer"] == ["c1", "c1"]


@pytest.mark.req("E6")
def test_consent_and_private_mode_are_a_tap_away_and_always_shown(phone: Any, store: Store) -> None:
    page = come_in(phone, store)
    page.get_by_role("button", name="私人模式 1 小时").tap()
    page.get_by_text(re.compile("私人模式至 .*：不保存位置")).wait_for()
    page.get_by_role("button", name="结束私人模式").tap()
    page.get_by_text("上班时间：位置会被保存").wait_for()
    page.get_by_role("button", name="撤回同意").tap()
    page.get_by_text("同意已撤回：不保存位置").wait_for()
    page.get_by_role("button", name="同意定位").tap()
    page.get_by_text("上班时间：位置会被保存").wait_for()
    # Without a signal it is still said, with the instant it was known.
    phone.set_offline(True)
    page.get_by_text("无信号").wait_for()
    assert "位置会被保存" in page.locator("#standing-said").inner_text()


def test_refused_and_missing_positions_and_a_wrong_clock_are_explained(browser: Any, store: Store) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    context.add_cookies([{"name": "fieldhr_token", "value": store.token, "url": store.url}])
    page = context.new_page()
    page.clock.install(time=datetime.now(UTC) + timedelta(minutes=7))
    page.goto(f"{store.url}/phone")
    ready(page)
    page.get_by_text("The clock of this phone is 7 min fast.").wait_for()
    page.get_by_role("button", name="Check in").click()
    page.get_by_text("This page may not know where you are. Allow it").wait_for()
    context.grant_permissions(["geolocation"], origin=store.url)
    context.set_geolocation(None)
    page.reload()
    ready(page)
    page.get_by_role("button", name="Check in").click()
    page.get_by_text("The phone does not know where it is.").wait_for(timeout=20_000)
    context.close()


def test_whoever_has_no_token_is_sent_to_the_login_and_back(browser: Any, store: Store) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{store.url}/phone")
    page.get_by_role("link", name="请登录").click()
    page.get_by_label("访问令牌").fill(store.token)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"{store.url}/phone/")
    page.get_by_text("上班时间：位置会被保存").wait_for()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_everybody_can_use_it(
    browser: Any, store: Store, violations: Any, scheme: str, language: str, checkout: Path
) -> None:
    """No finding of axe, 320 px without sideways scrolling, targets of 44 px, the keyboard alone."""
    context = browser.new_context(
        viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True, color_scheme=scheme, locale=language
    )
    page = come_in(context, store, at=AWAY)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.locator("#score-body > *").first.wait_for()
    page.locator("#check-in").focus()
    page.keyboard.press("Enter")
    page.locator("#choices button").first.wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.locator("#choices button").last.focus()
    page.keyboard.press("Space")
    page.locator("#answer .bad").wait_for()
    page.locator("#alerts-body article").wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    small = page.evaluate(
        """[...document.querySelectorAll('button, summary, label.button, textarea, a')]
           .filter(one => one.checkVisibility() && (one.offsetHeight < 44 || one.offsetWidth < 44))
           .map(one => one.outerHTML.slice(0, 80))"""
    )
    assert small == []
    # Everything that can be tapped is reached by Tab, and shows that it is.
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"check-in", "private", "consent", "language", "photo", "voice", "own-view"} <= reached
    context.close()


def test_both_languages_have_every_word_and_the_page_asks_for_no_other(checkout: Path) -> None:
    folder = checkout / "plugins/fieldhr_plugins/console/phone"
    text = (folder / "words.js").read_text(encoding="utf-8")
    english, _, chinese = text.partition("let language")[0].partition('"zh-Hans": {')
    pattern = re.compile(r'^    "?([\w.-]+)"?: "(.*)",$', re.MULTILINE)
    en, zh = dict(pattern.findall(english)), dict(pattern.findall(chinese))
    assert list(en) == list(zh)
    for key, words in en.items():
        assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", zh[key])), key
    asked = set()
    for name in ("app.js", "views.js"):
        asked |= set(re.findall(r'say\("([\w.-]+)"', (folder / name).read_text(encoding="utf-8")))
    asked |= set(re.findall(r'data-text="(\w+)"', (folder / "index.html").read_text(encoding="utf-8")))
    assert asked <= set(en)


@pytest.mark.req("E3")
def test_the_page_is_small_static_and_strict(store: Store) -> None:
    import gzip

    page = httpx.get(f"{store.url}/phone/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    total = 0
    for name in ("", "app.js", "outbox.js", "words.js", "views.js", "sw.js", "style.css", "manifest.webmanifest"):
        answer = httpx.get(f"{store.url}/phone/{name}")
        assert answer.status_code == 200
        total += len(gzip.compress(answer.content))
        again = httpx.get(f"{store.url}/phone/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert total <= 25_000
    assert httpx.get(f"{store.url}/phone").headers["location"] == "/phone/"
    assert httpx.post(f"{store.url}/phone/").status_code == 405
