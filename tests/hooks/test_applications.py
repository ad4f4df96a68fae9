"""Applications of plugins: mounted together, each contained, with what all of them owe a browser."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, ConfigError, RecordError, StoreError
from fieldhr_core.hooks import Application, Caller, PluginInfo, Site, hookimpl
from fieldhr_core.hooks.mounting import HEADERS
from fieldhr_core.model import Principal, Role
from fieldhr_core.testing import FakeClock
from fieldhr_core.trust.keys import EphemeralKeys

REP = Principal(tenant="bank", id="u1", role=Role.REP, person="r1")


def echo(site: Site, *, raises: BaseException | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Any:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if raises is not None:
            raise raises
        caller = await site.caller(scope)
        who = caller.principal.id if caller else "nobody"
        text = f"{scope['root_path']}|{scope['path']}|{who}|{len(body)}"
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": text.encode()})

    return answer


def plugin(name: str, *applications: Any) -> Any:
    @hookimpl
    def fieldhr_register_applications() -> Any:
        return list(applications)

    return SimpleNamespace(
        PLUGIN=PluginInfo(name=name, version="1.0"), fieldhr_register_applications=fieldhr_register_applications
    )


def one(name: str, path: str, **more: Any) -> Application:
    also = more.pop("also", ())
    return Application(name=name, path=path, also=also, make=lambda site: echo(site, **more))


def ask(app: Any, path: str, method: str = "GET", body: bytes = b"", root: str = "", **headers: str) -> Any:
    """Send one request without a server; return status, headers, body."""
    sent: list[Any] = []
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def run() -> None:
        parts = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return parts.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "root_path": root, "headers": given}
        await app(scope, receive, send)

    asyncio.run(run())
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent[1:]).decode()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def open_with(sqlite_url: str, clock: FakeClock) -> Iterator[Any]:
    opened: list[Any] = []

    def opening(*plugins: Any, **more: Any) -> FieldHR:
        hr = FieldHR.open(sqlite_url, plugins=plugins, autoload=False, keys=EphemeralKeys(), clock=clock, **more)
        opened.append(hr)
        hr.tenants.create("bank", name="Bank")
        return hr

    yield opening
    for hr in opened:
        hr.close()


@pytest.mark.req("G2")
def test_each_request_goes_to_the_longest_path_and_below_a_host_s_root(open_with: Any) -> None:
    hr = open_with(
        plugin("acme.pages", one("root", "/"), one("deep", "/api", also=("/openapi.json",))),
        plugin("acme.phone", one("p", "/phone")),
    )
    app = hr.applications(authenticate=lambda scope: REP)
    assert [link.path for link in app.links] == ["/", "/api", "/phone"]
    assert ask(app, "/api/x")[2] == "/api|/api/x|u1|0"
    assert ask(app, "/apix")[2] == "|/apix|u1|0"
    assert ask(app, "/openapi.json")[2] == "|/openapi.json|u1|0"
    assert ask(app, "/phone")[2] == "/phone|/phone|u1|0"
    # A server may leave the root in the path or take it out.
    for path in ("/host/api/x", "/api/x"):
        assert ask(app, path, root="/host")[2] == "/host/api|/host/api/x|u1|0"
    app.close()


@pytest.mark.req("H1")
def test_a_plugin_whose_applications_fail_is_named_and_the_others_are_mounted(open_with: Any) -> None:
    def broken(site: Site) -> Any:
        raise RuntimeError("no")

    hr = open_with(
        plugin("acme.good", one("good", "/good")),
        plugin("acme.odd", "a string"),
        plugin("acme.path", one("path", "no/slash")),
        plugin("acme.twice", one("other", "/good")),
        plugin("acme.unmade", Application(name="unmade", path="/unmade", make=broken)),
    )
    app = hr.applications(authenticate=lambda scope: None)
    assert [link.name for link in app.links] == ["good"]
    assert {fault.plugin for fault in hr.faults} == {"acme.odd", "acme.path", "acme.twice", "acme.unmade"}
    assert ask(app, "/unmade")[0] == 404
    app.close()


def test_what_an_application_does_not_catch_tells_nothing(open_with: Any, caplog: pytest.LogCaptureFixture) -> None:
    hr = open_with(plugin("acme.bad", one("bad", "/bad", raises=ValueError("secret"))))
    app = hr.applications(authenticate=lambda scope: None)
    status, headers, body = ask(app, "/bad")
    assert (status, "secret" in body) == (500, False)
    assert headers[b"content-type"] == b"application/problem+json"
    assert "acme.bad" in caplog.text
    app.close()


@pytest.mark.req("G3")
def test_every_answer_has_the_headers_unless_the_application_has_its_own(open_with: Any) -> None:
    own = ((b"Content-Security-Policy", b"default-src 'self'"),)
    hr = open_with(plugin("acme.pages", one("plain", "/plain"), one("own", "/own", headers=own)))
    app = hr.applications(authenticate=lambda scope: None)
    _, headers, _ = ask(app, "/plain")
    assert headers == dict(HEADERS)
    assert b"unsafe" not in headers[b"content-security-policy"]
    _, headers, _ = ask(app, "/own")
    assert headers[b"Content-Security-Policy"] == b"default-src 'self'"
    assert b"content-security-policy" not in headers
    app.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"origin": "https://bank.example", "host": "bank.example"}, 200),
        ({"origin": "https://evil.example", "host": "bank.example"}, 403),
        ({"origin": "null", "host": "bank.example"}, 403),
        ({"sec_fetch_site": "cross-site", "authorization": "Bearer x"}, 200),
        ({"sec_fetch_site": "cross-site", "authorization": "Basic x"}, 403),
    ],
)
def test_a_state_change_from_another_site_is_refused(open_with: Any, headers: dict[str, str], status: int) -> None:
    hr = open_with(plugin("acme.pages", one("p", "/p")))
    app = hr.applications(authenticate=lambda scope: REP)
    assert ask(app, "/p", "POST", **headers)[0] == status
    assert ask(app, "/p", "GET", **headers)[0] == 200
    app.close()


def test_a_body_over_the_limit_never_reaches_an_application(open_with: Any) -> None:
    hr = open_with(plugin("acme.pages", one("p", "/p")))
    app = hr.applications(authenticate=lambda scope: REP, max_body_bytes=10)
    assert ask(app, "/p", "POST", b"x" * 10)[0] == 200
    assert ask(app, "/p", "POST", b"x" * 11)[0] == 413
    assert ask(app, "/p", "POST", b"", content_length="11")[0] == 413
    app.close()


@pytest.mark.req("G4")
def test_the_host_says_who_is_there_in_whatever_way_it_knows(open_with: Any) -> None:
    async def later(scope: Any) -> Any:
        return Caller(principal=REP, purpose="visits", session="s")

    def refuses(scope: Any) -> Any:
        raise AccessError("No.", code="FHR-ACC-001")

    hr = open_with(plugin("acme.pages", one("p", "/p")))
    for authenticate, who in (
        (lambda scope: REP, "u1"),
        (later, "u1"),
        (lambda scope: None, "nobody"),
        (refuses, "nobody"),
    ):
        app = hr.applications(authenticate=authenticate)
        assert ask(app, "/p")[2] == f"/p|/p|{who}|0"
        app.close()


def test_a_form_token_holds_for_one_login_of_one_principal(open_with: Any) -> None:
    hr = open_with()
    site = hr.applications(authenticate=lambda scope: REP, secret=b"s" * 32).site
    token = site.form_token(Caller(principal=REP, session="one"))
    assert site.is_form_token(Caller(principal=REP, session="one"), token)
    assert not site.is_form_token(Caller(principal=REP, session="two"), token)
    assert not site.is_form_token(Caller(principal=Principal(tenant="b", id="u1", role=Role.REP), session="one"), token)
    assert not site.is_form_token(Caller(principal=REP, session="one"), "ü")
    again = hr.applications(authenticate=lambda scope: REP, secret=b"s" * 32).site
    other = hr.applications(authenticate=lambda scope: REP).site
    assert again.form_token(Caller(principal=REP, session="one")) == token
    assert other.form_token(Caller(principal=REP, session="one")) != token


def test_requests_cannot_share_a_transaction_of_the_host(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url)
    with (
        engine.connect() as connection,
        FieldHR.open(connection, autoload=False, keys=EphemeralKeys()) as hr,
        pytest.raises(ConfigError, match="transactions of their own"),
    ):
        hr.applications(authenticate=lambda scope: None)
    engine.dispose()


def test_threads_that_write_one_file_queue_and_one_that_never_ends_is_told_of(
    open_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldhr_core.store.binding._PATIENCE_S", 0.05)
    hr = open_with()
    with hr.unsafe_as_system(reason="a test"), pytest.raises(StoreError) as refused:
        hr.tenants.create("other", name="Other")
    assert refused.value.code == "FHR-STO-005"
    hr.tenants.create("other", name="Other")


# -- tokens ------------------------------------------------------------------------------------------------------


@pytest.mark.req("E2")
def test_a_token_stands_for_its_principal_until_it_expires_or_is_taken_back(
    database_url: str, clock: FakeClock
) -> None:
    with FieldHR.open(database_url, autoload=False, keys=EphemeralKeys(), clock=clock) as hr:
        hr.tenants.create("bank", name="Bank")
        token = hr.tokens.create(REP, lasts=timedelta(hours=1), purpose="visits", by="it")
        caller = hr.tokens.caller(token)
        assert caller == Caller(principal=REP, purpose="visits", session=token.split(".")[2])
        (listed,) = hr.tokens.list("bank")
        assert (listed.id, listed.principal, listed.revoked) == (caller.session, REP, None)
        mark, tenant, ident, secret = token.split(".")
        other = base64.urlsafe_b64encode(b"other").decode().rstrip("=")
        for wrong in (
            "",
            "x",
            token[:-1],
            token + "x",
            f"{mark}.{tenant}.{ident}.",
            f"{mark}.{tenant}.{'0' * 16}.{secret}",
            f"{mark}.{other}.{ident}.{secret}",
            f"{mark}.ü.{ident}.{secret}",
            f"{mark}.{tenant}.\0.{secret}",
            "x" * 999,
        ):
            assert hr.tokens.caller(wrong) is None
        clock.advance(3599)
        assert hr.tokens.caller(token) == caller
        clock.advance(1)
        assert hr.tokens.caller(token) is None
        second = hr.tokens.create(REP, lasts=timedelta(hours=1))
        hr.tokens.revoke("bank", second.split(".")[2])
        assert hr.tokens.caller(second) is None
        admin = Principal(tenant="bank", id="a", role=Role.ADMIN)
        with hr.acting_as(admin, purpose="audit") as desk:
            actions = [event.action for event in desk.trail.list()]
        assert actions.count("tokens.create") == 2
        assert actions.count("tokens.revoke") == 1
        with hr.unsafe_as_system(reason="a test") as connection:
            rows = connection.exec_driver_sql("SELECT * FROM fieldhr_tokens").all()
        assert secret not in repr(rows)


def test_a_token_that_makes_no_sense_is_refused(open_with: Any) -> None:
    hr = open_with()
    with pytest.raises(RecordError):
        hr.tokens.create(REP, lasts=timedelta(0))
    with pytest.raises(ConfigError, match="fun"):
        hr.tokens.create(REP, lasts=timedelta(1), purpose="fun")
    with pytest.raises(AccessError):
        hr.tokens.create(Principal(tenant="nowhere", id="u", role=Role.REP), lasts=timedelta(1))
    with pytest.raises(AccessError):
        hr.tokens.revoke("bank", "0")
