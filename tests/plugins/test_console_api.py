"""The HTTP interface: the same desk as in Python, for one principal a request, and nothing beyond it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import Address, Customer, Datum, Person, Principal, Role
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_plugins.console.api.gate import Rate, TooFastError
from fieldhr_plugins.console.serving import applications_for_tokens

TEN = datetime(2026, 3, 2, 2, tzinfo=UTC)  # 10:00 in Shanghai
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Town:
    """A store with two tenants, its applications, and a token of everybody."""

    def __init__(self, url: str) -> None:
        self.clock = FrozenClock(TEN - timedelta(days=1))
        self.hr = FieldHR.open(url, keys=EphemeralKeys(), clock=self.clock)
        for tenant in ("bank", "insurer"):
            self.hr.tenants.create(tenant, name=tenant.title())
            host = Principal(tenant=tenant, id="host", role=Role.ADMIN)
            with self.hr.acting_as(host, purpose="operations") as desk:
                desk.people.put(
                    [
                        Person(id="r1", name="An", manager="m1"),
                        Person(id="r2", name="Bo", manager="m1"),
                        Person(id="m1", name="Mo", role="manager"),
                    ]
                )
                desk.people.record_basis("r1", purpose="tracking", basis="consent", notice="v1", at=self.clock.now())
                at = Address(id="a1", lat=31.23, lon=121.47, datum=Datum.WGS84)
                need = "open a futures account"
                desk.customers.put([Customer(id="c1", name="Zhang San", need=need, owner="r1", addresses=(at,))])
        self.clock.advance(TEN)
        self.app = applications_for_tokens(self.hr)
        self.tokens = {
            "rep": self.token(Role.REP, "r1"),
            "other": self.token(Role.REP, "r2"),
            "manager": self.token(Role.MANAGER, "m1"),
            "admin": self.token(Role.ADMIN),
            "auditor": self.token(Role.AUDITOR),
            "integrator": self.token(Role.INTEGRATOR),
            "foreign": self.token(Role.REP, "r1", tenant="insurer"),
            "foreign_admin": self.token(Role.ADMIN, tenant="insurer"),
            "stale": self.token(Role.REP, "r1", hours=1e-6),
        }
        self.clock.advance(TEN + timedelta(seconds=1))

    def token(self, role: Role, person: str | None = None, *, tenant: str = "bank", hours: float = 240) -> str:
        principal = Principal(tenant=tenant, id=f"u-{role}-{person}", role=role, person=person)
        return self.hr.tokens.create(principal, lasts=timedelta(hours=hours))

    def ask(self, who: str | None, method: str, path: str, **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens.get(who, who)}"

        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://bank.example") as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(run())

    def close(self) -> None:
        self.app.close()
        self.hr.close()


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    opened = Town(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def town_anywhere(database_url: str) -> Iterator[Town]:
    opened = Town(database_url)
    yield opened
    opened.close()


def check_in(ident: str = "k1", **more: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "customer": "c1",
        "time": "2026-03-02T10:00:00+08:00",
        "lat": 31.2301,
        "lon": 121.4701,
        "datum": "wgs84",
        "accuracy_m": 8,
        **more,
    }


@pytest.mark.req("A3", "G2")
def test_a_check_in_is_answered_with_customer_need_and_verdict(town_anywhere: Town) -> None:
    answer = town_anywhere.ask("rep", "POST", "/api/check-ins", json=check_in())
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["verdict"], said["customer_name"], said["need"]) == ("at", "Zhang San", "open a futures account")
    assert said["recorded"] == "2026-03-02T02:00:01Z"
    again = town_anywhere.ask("rep", "POST", "/api/check-ins", json=check_in(lat=0.5))
    assert again.json()["verdict"] == "at"
    away = town_anywhere.ask("rep", "POST", "/api/check-ins", json=check_in("k2", lat=31.26))
    assert away.json()["verdict"] == "away"
    (case,) = away.json()["alerts"]
    listed = town_anywhere.ask("manager", "GET", "/api/alerts?code=checkin.mismatch").json()["items"]
    assert [one["id"] for one in listed] == [case]


@pytest.mark.req("E2", "G4")
def test_what_is_not_the_callers_is_answered_like_what_is_not_there(town: Town) -> None:
    town.ask("rep", "POST", "/api/check-ins", json=check_in("k1", lat=31.26))
    (case,) = town.ask("manager", "GET", "/api/alerts").json()["items"]

    def told(who: str, path: str, method: str = "GET", **more: Any) -> tuple[int, str, dict[str, str]]:
        answer = town.ask(who, method, path, **more)
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return answer.status_code, answer.text, headers

    for who in ("other", "foreign", "foreign_admin"):
        assert told(who, f"/api/alerts/{case['id']}") == told(who, "/api/alerts/000000000000000000000000")
        step = {"json": {"step": "explain", "note": "x"}}
        there = told(who, f"/api/alerts/{case['id']}/steps", "POST", **step)
        assert there == told(who, "/api/alerts/000000000000000000000000/steps", "POST", **step)
        assert there[0] == 404
    assert told("other", "/api/customers/c1") == told("other", "/api/customers/nobody")
    assert told("foreign", "/api/days/r2/2026-03-02") == told("foreign", "/api/days/nobody/2026-03-02")
    assert told("other", "/api/days/r1/2026-03-02") == told("other", "/api/days/nobody/2026-03-02")
    assert town.ask("foreign_admin", "GET", "/api/alerts").json()["items"] == []
    assert town.ask("foreign_admin", "GET", "/api/tenant").json()["id"] == "insurer"
    # Whoever is unknown, expired or forged is told the same.
    wrong = [town.ask(who, "GET", "/api/alerts") for who in (None, "stale", "fhr.YmFuaw.0.x", town.tokens["rep"][:-1])]
    assert {(one.status_code, one.text) for one in wrong} == {(401, wrong[0].text)}
    assert wrong[0].json()["code"] == "FHR-API-002"


@pytest.mark.req("E2")
def test_a_role_does_what_its_policy_says_and_no_more(town: Town) -> None:
    for who, method, path, body, status in (
        ("rep", "POST", "/api/check-ins", check_in("x", rep="r2"), 403),
        ("manager", "POST", "/api/check-ins", check_in("x", rep="r1"), 403),
        ("rep", "POST", "/api/people", {"people": [{"id": "r9", "name": "X"}]}, 403),
        ("integrator", "POST", "/api/people", {"people": [{"id": "r9", "name": "X"}]}, 200),
        ("rep", "GET", "/api/trail", None, 403),
        ("auditor", "GET", "/api/trail", None, 200),
        ("rep", "GET", "/api/tokens", None, 403),
        ("manager", "POST", "/api/tokens", {"principal": "x", "role": "admin"}, 403),
        ("rep", "GET", "/api/people/r1/own-view", None, 200),
        ("manager", "GET", "/api/people/r1/own-view", None, 403),
        ("rep", "GET", "/api/plugins", None, 403),
        ("auditor", "GET", "/api/plugins", None, 200),
    ):
        answer = town.ask(who, method, path, **({} if body is None else {"json": body}))
        assert answer.status_code == status, (who, path, answer.text)


@pytest.mark.req("G2")
def test_a_request_with_a_key_is_done_once_and_with_another_body_refused(town_anywhere: Town) -> None:
    town = town_anywhere
    key = {"Idempotency-Key": "one"}
    first = town.ask("rep", "POST", "/api/check-ins", json=check_in("k1"), headers=key)
    town.clock.advance(TEN + timedelta(minutes=5))
    assert town.ask("rep", "POST", "/api/check-ins", json=check_in("k1"), headers=key).content == first.content
    other = town.ask("rep", "POST", "/api/check-ins", json=check_in("k9"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "FHR-API-006")
    # The key is the caller's own.
    assert town.ask("foreign", "POST", "/api/check-ins", json=check_in("k9"), headers=key).status_code == 200
    assert (
        town.ask("rep", "POST", "/api/check-ins", json=check_in(), headers={"Idempotency-Key": "x" * 201}).status_code
        == 400
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        json.dumps(check_in() | {"extra": 1}).encode(),
        json.dumps(check_in() | {"lat": "31.2"}).encode(),
        json.dumps(check_in() | {"lat": 91}).encode(),
        json.dumps(check_in() | {"time": "2026-03-02T10:00:00"}).encode(),
        json.dumps(check_in() | {"id": "a\u0000b"}).encode(),
        json.dumps(check_in() | {"datum": "wgs-84"}).encode(),
        json.dumps(check_in()).replace("31.2301", "NaN").encode(),
        json.dumps(check_in()).replace("31.2301", "1e999").encode(),
        b'{"id": "\xff"}',
    ],
)
def test_bad_input_is_refused_with_a_code_and_never_stored(town: Town, body: bytes) -> None:
    answer = town.ask("rep", "POST", "/api/check-ins", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "FHR-API-001")
    assert answer.headers["content-type"] == "application/problem+json"
    assert town.ask("rep", "GET", "/api/days/r1/2026-03-02").json()["checkins"]["checkin"] == []


@pytest.mark.req("A1")
@pytest.mark.parametrize(
    ("source", "method", "query", "body", "reply"),
    [
        (
            "owntracks",
            "POST",
            "",
            {"_type": "location", "lat": 31.2, "lon": 121.4, "tst": 1772416800, "tid": "a1"},
            b"[]",
        ),
        ("osmand", "GET", "?id=p1&lat=31.2&lon=121.4&timestamp=1772416800", None, b"{}"),
        ("traccar", "POST", "?id=p1&lat=31.2&lon=121.4&timestamp=1772416800", None, b"{}"),
        (
            "overland",
            "POST",
            "",
            {
                "locations": [
                    {
                        "type": "Feature",
                        "geometry": {"type": "Point", "coordinates": [121.4, 31.2]},
                        "properties": {"timestamp": "2026-03-02T02:00:00Z", "device_id": "p1"},
                    }
                ]
            },
            b'{"result": "ok"}',
        ),
        ("gpslogger", "GET", "?lat=31.2&lon=121.4&time=2026-03-02T02:00:00Z&ser=p1", None, b"{}"),
        (
            "mobile",
            "POST",
            "",
            {"device": "p1", "positions": [{"time": "2026-03-02T02:00:00Z", "lat": 31.2, "lon": 121.4}]},
            b'{"result": "ok", "taken": 1, "refused": []}',
        ),
    ],
)
def test_each_app_gets_the_answer_that_clears_its_queue(
    town: Town, source: str, method: str, query: str, body: Any, reply: bytes
) -> None:
    more = {} if body is None else {"json": body}
    answer = town.ask("rep", method, f"/api/positions/{source}{query}", **more)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.content) == json.loads(reply)
    assert len(town.ask("rep", "GET", "/api/days/r1/2026-03-02").json()["fixes"]["lat"]) == 1
    # An app that can be given nothing but an address, or only a password.
    assert town.ask(None, method, f"/api/positions/{source}/{town.tokens['rep']}{query}", **more).status_code == 200
    basic = base64.b64encode(b"phone:" + town.tokens["rep"].encode()).decode()
    assert (
        town.ask(
            None, method, f"/api/positions/{source}{query}", headers={"Authorization": f"Basic {basic}"}, **more
        ).status_code
        == 200
    )
    assert len(town.ask("rep", "GET", "/api/days/r1/2026-03-02").json()["fixes"]["lat"]) == 1
    assert town.ask(None, method, f"/api/positions/{source}/{town.tokens['stale']}{query}", **more).status_code == 401
    assert (
        town.ask("rep", method, f"/api/positions/{source}{query or '?'}&rep=r2".replace("?&", "?"), **more).status_code
        == 403
    )


@pytest.mark.req("G2")
def test_columns_are_taken_in_and_add_up(town: Town) -> None:
    count = 500
    body = {
        "datum": "wgs84",
        "reps": ["r1", "r2", "nobody"],
        "rep": [0] * count + [1, 2],
        "devices": ["p1"],
        "device": [0] * (count + 2),
        "time_ms": [1772416800000 + 1000 * n for n in range(count)] + [1772416800000] * 2,
        "lat": [31.23] * (count + 1) + [None],
        "lon": [121.47] * (count + 2),
        "accuracy_m": [8.0] * (count + 1) + [None],
    }
    receipt = town.ask("integrator", "POST", "/api/positions", json=body).json()
    assert receipt["submitted"] == count + 2
    assert receipt["submitted"] == sum(
        receipt[n] for n in ("stored", "flagged", "deduplicated", "quarantined", "rejected")
    )
    assert receipt["reasons"] == {"position.no_coordinate": 1, "privacy.no_basis": 1}
    for wrong in ({"rep": [7] * (count + 2)}, {"rep": None}, {"lat": [1.0]}, {"reps": ["r1", "r1", "r2"]}):
        answer = town.ask("integrator", "POST", "/api/positions", json=body | wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "FHR-REC-004"), answer.text
    for name in ("time_ms", "mock", "rep", "device", "lat", "accuracy_m"):
        for number in (2**70, -(2**70), 10**400):
            wrong = body | {name: [number] * (count + 2)}
            answer = town.ask("integrator", "POST", "/api/positions", json=wrong)
            assert answer.status_code in (200, 400, 422), (name, number, answer.text)


@pytest.mark.req("E6")
def test_a_rep_sees_consent_duty_and_private_mode_and_can_end_each(town: Town) -> None:
    now = town.ask("rep", "GET", "/api/people/r1/standing").json()
    assert (now["is_tracked"], now["basis"], now["notice"]) == (True, "consent", "v1")
    private = {"id": "p", "kind": "private", "start": "2026-03-02T02:00:00Z", "end": "2026-03-02T04:00:00Z"}
    then = town.ask("rep", "POST", "/api/people/r1/absences", json=private).json()
    assert (then["is_tracked"], then["private_until"]) == (False, "2026-03-02T04:00:00Z")
    then = town.ask("rep", "POST", "/api/people/r1/absences", json=private | {"end": "2026-03-02T02:00:01Z"}).json()
    assert (then["is_tracked"], then["private_until"]) == (True, None)
    assert town.ask("rep", "POST", "/api/people/r1/consent/withdraw", json={}).status_code == 200
    assert town.ask("rep", "GET", "/api/people/r1/standing").json()["reason"] == "privacy.basis_withdrawn"
    assert (
        town.ask("rep", "POST", "/api/people/r1/consent", json={"basis": "consent", "notice": "v2"}).status_code == 200
    )
    town.clock.advance(TEN + timedelta(seconds=5))
    assert town.ask("rep", "GET", "/api/people/r1/standing").json()["notice"] == "v2"
    view = town.ask("rep", "GET", "/api/people/r1/own-view").json()
    assert view["person"] == "r1"
    assert {"facts", "looks"} <= set(view)


@pytest.mark.req("I6")
def test_a_photo_goes_with_a_check_in(town: Town) -> None:
    path = "/api/attachments/a1?record=k1&time=2026-03-02T02:00:00Z"
    headers = {"Content-Type": "image/png"}
    stored = town.ask("rep", "PUT", path, content=PNG, headers=headers)
    assert (stored.status_code, stored.json()["size"]) == (200, len(PNG))
    assert town.ask("rep", "PUT", path, content=PNG, headers=headers).content == stored.content
    assert [one["id"] for one in town.ask("manager", "GET", "/api/attachments?record=k1").json()] == ["a1"]
    opened = town.ask("manager", "GET", "/api/attachments/a1")
    assert (opened.content, opened.headers["content-type"]) == (PNG, "image/png")
    assert "sandbox" in opened.headers["content-security-policy"]
    assert town.ask("other", "GET", "/api/attachments/a1").status_code == 404
    assert town.ask("rep", "PUT", path.replace("a1", "a2"), content=b"<script>", headers=headers).status_code == 422


@pytest.mark.req("E3")
def test_a_state_change_by_cookie_needs_the_form_token(town: Town) -> None:
    cookie = {"Cookie": f"fieldhr_token={town.tokens['rep']}", "Sec-Fetch-Site": "same-origin"}
    session = town.ask(None, "GET", "/api/session", headers=cookie).json()
    refused = town.ask(None, "POST", "/api/check-ins", json=check_in(), headers=cookie)
    assert (refused.status_code, refused.json()["code"]) == (403, "FHR-API-003")
    meant = cookie | {"X-CSRF-Token": session["form_token"]}
    assert town.ask(None, "POST", "/api/check-ins", json=check_in(), headers=meant).status_code == 200
    other = cookie | {"X-CSRF-Token": town.ask("manager", "GET", "/api/session").json()["form_token"]}
    assert town.ask(None, "POST", "/api/check-ins", json=check_in(), headers=other).status_code == 403
    elsewhere = meant | {"Sec-Fetch-Site": "cross-site"}
    assert town.ask(None, "POST", "/api/check-ins", json=check_in(), headers=elsewhere).status_code == 403


def test_tokens_are_made_listed_and_taken_back_by_the_administrator(town: Town) -> None:
    made = town.ask(
        "admin", "POST", "/api/tokens", json={"principal": "u9", "role": "rep", "person": "r1", "days": 1}
    ).json()
    assert town.ask(made["token"], "GET", "/api/session").json()["principal"] == "u9"
    listed = {one["id"]: one for one in town.ask("admin", "GET", "/api/tokens").json()}
    assert listed[made["id"]]["token"] is None
    assert town.ask("foreign_admin", "DELETE", f"/api/tokens/{made['id']}").status_code == 404
    assert town.ask("admin", "DELETE", f"/api/tokens/{made['id']}").status_code == 204
    assert town.ask(made["token"], "GET", "/api/session").status_code == 401


def test_pages_of_a_list_hold_everything_once(town: Town) -> None:
    people = [{"id": f"p{n:02}", "name": f"P {n}"} for n in range(25)]
    town.ask("integrator", "POST", "/api/people", json={"people": people})
    found, cursor, pages = [], "", 0
    while cursor is not None:
        page = town.ask("admin", "GET", f"/api/people?limit=7{cursor and f'&cursor={cursor}'}").json()
        found += [one["id"] for one in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert (found, pages) == (sorted({*(f"p{n:02}" for n in range(25)), "m1", "r1", "r2"}), 4)
    for wrong in (
        "x",
        "W10x",
        base64.urlsafe_b64encode(b'{"a":1}').decode(),
        base64.urlsafe_b64encode(b"[1]").decode(),
    ):
        answer = town.ask("admin", "GET", f"/api/people?cursor={wrong}")
        assert (answer.status_code, answer.json()["code"]) == (400, "FHR-API-001")


def test_a_sender_that_is_too_fast_waits_and_the_others_do_not() -> None:
    now = 0.0
    rate = Rate(per_s=2, burst=3, now=lambda: now)
    for _ in range(3):
        rate.pass_one("a")
    with pytest.raises(TooFastError) as told:
        rate.pass_one("a")
    assert (told.value.code, told.value.wait_s) == ("FHR-API-005", 1)
    rate.pass_one("b")
    now = 0.5
    rate.pass_one("a")
    with pytest.raises(TooFastError):
        rate.pass_one("a")
    now = 100.0
    for _ in range(3):
        rate.pass_one("a")


def test_too_many_requests_say_when_to_come_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldhr_plugins.console.api.app.KNOWN", (1.0, 2.0))
    town.app.close()
    town.app = applications_for_tokens(town.hr)
    answers = [town.ask("rep", "GET", "/api/session") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "FHR-API-005"
    assert int(answers[2].headers["retry-after"]) >= 1
    assert town.ask("manager", "GET", "/api/session").status_code == 200


@pytest.mark.req("G2")
def test_the_interface_runs_inside_a_host_of_either_kind(town: Town) -> None:
    """Mounted below a path of an ASGI host, and of a WSGI host by an adapter."""
    from a2wsgi import ASGIMiddleware

    async def host(scope: Any, receive: Any, send: Any) -> None:
        assert scope["path"].startswith("/field")
        await town.app({**scope, "root_path": "/field"}, receive, send)

    async def by_asgi() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=host), base_url="http://x") as client:
            return await client.get("/field/api/session", headers={"Authorization": f"Bearer {town.tokens['rep']}"})

    assert asyncio.run(by_asgi()).json()["person"] == "r1"
    with httpx.Client(transport=httpx.WSGITransport(app=ASGIMiddleware(town.app)), base_url="http://x") as client:
        answer = client.post(
            "/api/check-ins", json=check_in("w"), headers={"Authorization": f"Bearer {town.tokens['rep']}"}
        )
    assert answer.json()["customer_name"] == "Zhang San"


@pytest.mark.req("E6")
def test_a_rep_reads_their_own_scorecard_in_words_and_nobody_else_s(town: Town) -> None:
    query = "first=2026-03-01&last=2026-03-02"
    cards = town.ask("manager", "GET", f"/api/scorecards?{query}").json()
    assert {card["subject"] for card in cards} <= {"r1", "r2", "m1"}
    mine = town.ask("rep", "GET", f"/api/people/r1/scorecard?{query}&language=zh-Hans")
    if any(card["subject"] == "r1" for card in cards):
        assert mine.status_code == 200, mine.text
        assert {"total", "lines"} <= set(mine.json())
    assert {card["subject"] for card in town.ask("rep", "GET", f"/api/scorecards?{query}").json()} <= {"r1"}
    for path in ("r2", "nobody"):
        answer = town.ask("rep", "GET", f"/api/people/{path}/scorecard?{query}")
        assert (answer.status_code, answer.json()["code"]) == (404, "FHR-ACC-001")
    assert town.ask("rep", "GET", "/api/scores?first=2026-03-02&last=2026-03-01").json()["code"] == "FHR-REC-001"


@pytest.mark.req("E6")
def test_open_cases_come_in_words_with_what_the_caller_may_do(town: Town) -> None:
    town.ask("rep", "POST", "/api/check-ins", json=check_in("k1", lat=31.26))
    (mine,) = town.ask("rep", "GET", "/api/inbox?language=zh-Hans").json()
    assert {"explain", "contest"} <= set(mine["steps"])
    assert mine["body"]
    assert mine["body"] != mine["code"]
    english = town.ask("rep", "GET", "/api/inbox?language=en").json()[0]["body"]
    assert english != mine["body"]
    assert town.ask("other", "GET", "/api/inbox").json() == []
    done = town.ask("rep", "POST", f"/api/alerts/{mine['id']}/steps", json={"step": "contest", "note": "I was there."})
    assert done.json()["state"] == "contested"
    assert "contest" not in town.ask("rep", "GET", "/api/inbox").json()[0]["steps"]


@pytest.mark.req("E7")
def test_the_doctor_answers_the_administrator_and_names_no_other_tenant(town: Town) -> None:
    answers = town.ask("admin", "GET", "/api/doctor").json()
    assert len(answers) > 20
    assert {one["status"] for one in answers} <= {"ok", "fault", "skipped"}
    assert "insurer" not in json.dumps(answers)
    assert town.ask("rep", "GET", "/api/doctor").status_code == 403
