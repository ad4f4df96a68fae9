"""``fieldhr trial open``: a house that lives by its clock, seen as whoever the visitor chooses to be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldhr_core.errors import SandboxError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.runtime import FieldHR
from fieldhr_sandbox.feed import Feeding, opening_instant, principal
from fieldhr_sandbox.openhouse.stage import VIEWERS, Stage, before_and_after
from fieldhr_sandbox.tenant import Tenant

pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    house = Stage.set_up("smoke", 5, tmp_path_factory.mktemp("house"))
    yield house
    house.close()


@pytest.mark.req("I1", "I3")
def test_the_clock_moves_forward_a_day_at_a_time_and_stops_at_the_end(stage: Stage) -> None:
    first, before = stage.today, stage.fixes
    assert before > 0
    assert (stage.advance(1) - first).days == 1
    assert stage.fixes > before
    left = stage.days_left
    stage.advance(left + 5)
    assert stage.days_left == 0
    assert stage.advance(1) == stage.today


def findings(hr: FieldHR, tenant: Tenant) -> list[tuple[object, ...]]:
    with hr.acting_as(principal(tenant), purpose="operations") as desk:
        found = [(case.finding, case.state) for case in desk.alerts.list()]
    return sorted(
        (each.code, each.subject, each.opened_at, str(each.closed_at), state.value, str(sorted(each.params.items())))
        for each, state in found
    )


@pytest.mark.req("I1")
def test_the_first_team_is_there_at_once_and_everybody_in_the_end_as_if_they_had_come_together(
    tmp_path: Path,
) -> None:
    house = Stage.set_up("smoke", 7, tmp_path)
    tenant = house.tenant
    early = findings(house.hr, tenant)
    assert house.is_filling
    manager = house.principal("manager")
    with house.hr.acting_as(manager, purpose="supervision") as desk:
        team = desk.people.list()
    assert 0 < house.fixes <= sum(len(tenant.fixes([script]).table) for script in tenant.day_scripts(0))
    assert {rep.id for rep in tenant.world.reps if rep.person.manager == manager.person} <= {each.id for each in team}
    house.fill_in()
    assert not house.is_filling
    assert house.days_left == tenant.days.count - 1
    house.fill_in()  # once is enough
    first, _ = findings(house.hr, tenant), house.advance(1)
    second = findings(house.hr, tenant)
    house.close()
    house.fill_in()  # a thread that comes too late does nothing

    clock = FrozenClock(opening_instant(tenant))
    with FieldHR.open("sqlite://", clock=clock) as hr:
        feeding = Feeding.begin(
            hr, clock, tenant, lambda day: tenant.fixes(tenant.day_scripts(day)).table, folder=tmp_path
        )
        feeding.hand_in_day()
        assert findings(hr, tenant) == first
        feeding.hand_in_day()
        assert findings(hr, tenant) == second
    assert len(early) <= len(first)


@pytest.mark.req("I1", "E2")
def test_every_viewer_sees_what_their_role_may_see(stage: Stage) -> None:
    seen = {}
    for viewer in VIEWERS:
        principal = stage.principal(viewer)
        purpose = {"compliance": "compliance", "auditor": "audit"}.get(viewer, "supervision")
        with stage.hr.acting_as(principal, purpose=purpose) as desk:
            seen[viewer] = {person.id for person in desk.people.list()}
    assert len(seen["rep"]) < len(seen["manager"]) < len(seen["admin"])


@pytest.mark.req("I3")
def test_a_dial_that_is_moved_is_measured() -> None:
    rows = {(row["metric"], row["part"]): row for row in before_and_after((0.20, 0.05), (2.0, 3.0), 33)}
    rate = [rows["checkin_anomaly_rate", part] for part in ("before", "after")]
    assert rate[0]["measured"] > 0.15 > 0.10 > rate[1]["measured"]
    assert all(row["low"] <= row["dialled"] <= row["high"] for row in rate)


@pytest.mark.parametrize(
    "wrong", [((0.9, 0.1), (2.0, 2.0)), ((0.1, 0.1), (0.0, 2.0)), ((0.1, 0.1), (2.0, float("nan")))]
)
def test_a_dial_out_of_range_says_the_range(wrong: tuple[tuple[float, float], tuple[float, float]]) -> None:
    with pytest.raises(SandboxError, match="out of its range"):
        before_and_after(*wrong, 1)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "fieldhr_core.cli", "trial", "open", "smoke", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ.copy()) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["simulated"] is True
        yield said["trial"]
        process.terminate()
        assert process.wait(20) in (0, -15)


def ask(url: str, form: dict[str, str] | None = None, cookie: str = "", language: str = "en") -> tuple[str, str]:
    data = None if form is None else urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data, {"Accept-Language": language, "Cookie": cookie})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode(), answer.headers.get("set-cookie") or ""


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.req("I1", "I6")
def test_the_page_speaks_both_languages_and_moves_the_clock(address: str) -> None:
    page, _ = ask(address)
    assert "Simulated" in page
    assert "It is the evening of 2026-03-02" in page
    assert "模拟数据" in ask(address, language="zh-CN,zh;q=0.9")[0]
    page, _ = ask(f"{address}/advance", {"token": token_of(page), "days": "1"})
    assert "It is the evening of 2026-03-03" in page


@pytest.mark.req("I1")
def test_a_form_of_somebody_else_moves_nothing(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        ask(f"{address}/advance", {"token": "0" * 64, "days": "1"})
    refused.value.close()


def test_a_viewer_is_chosen_and_nothing_else_can_be_put_into_the_cookie(address: str) -> None:
    page, _ = ask(address)
    opener = urllib.request.build_opener(NoRedirect())
    for viewer, kept in (("rep", True), ("rep\r\nX-Evil: 1", False)):
        body = urllib.parse.urlencode({"token": token_of(page), "viewer": viewer, "next": "//evil.example/"}).encode()
        with pytest.raises(urllib.error.HTTPError) as answer:
            opener.open(urllib.request.Request(f"{address}/viewer", body), timeout=20)
        headers = answer.value.headers
        answer.value.close()
        assert answer.value.code == 303
        assert "evil" not in headers["location"]
        assert headers.get("x-evil") is None
        assert headers["set-cookie"].startswith("fieldhr_viewer=" + ("rep;" if kept else "manager;"))
    assert "Rep (now)" in ask(address, cookie="fieldhr_viewer=rep")[0]
    assert "Manager of a team (now)" in ask(address, cookie="fieldhr_viewer=root")[0]


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@pytest.mark.req("I1")
def test_a_reset_comes_back_on_the_first_day(address: str) -> None:
    page, _ = ask(address)
    ask(f"{address}/reset", {"token": token_of(page)})
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            page, _ = ask(address)
        except (urllib.error.URLError, ConnectionError):
            continue
        if "2026-03-02" in page:
            break
    assert "It is the evening of 2026-03-02" in page
