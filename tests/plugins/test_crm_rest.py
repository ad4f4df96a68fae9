"""The connector ``rest`` against real HTTP servers on this machine: mapping, paging, trouble, and what it never does.

The servers for Odoo, Frappe and Salesforce are fakes built from their makers' public references; no vendor's own
installation was asked.
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

from fieldhr_core.errors import ConfigError, RecordError, SourceError
from fieldhr_core.hooks import Pulled
from fieldhr_core.intake import web as web_module
from fieldhr_core.intake.paths import Path, cell_of
from fieldhr_core.intake.web import Web, WebSettings
from fieldhr_core.model import Datum
from fieldhr_core.testing.conformance import ConnectorConformance
from fieldhr_plugins.crm_rest import ResourceSettings, RestSettings
from fieldhr_plugins.crm_rest.connector import RestConnector

pytestmark = pytest.mark.req("G3")

Reply = tuple[int, Any, dict[str, str]]


@attrs.define(eq=False)
class Server:
    """A server whose answers a test writes, and what it was asked."""

    answer: Callable[[str, dict[str, str], Any, dict[str, str]], Any] = lambda *_: []
    asked: list[tuple[str, str, dict[str, str], Any]] = attrs.field(factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def web(self, **changed: Any) -> WebSettings:
        given = {"url": self.url, "allow_http": True, "allowed_hosts": ("127.0.0.1",), "timeout_s": 5.0, **changed}
        return WebSettings(**given)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(content) if content else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.asked.append((f"{self.command} {parts.path}", self.path, headers, body))
            found = made.answer(parts.path, query, body, headers)
            status, said, more = found if isinstance(found, tuple) else (200, found, {})
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = handle_any

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setattr(web_module, "_FIRST_PAUSE_S", 0.0)
    yield made
    listening.shutdown()
    listening.server_close()
    thread.join()


MAPPING = {
    "key": "id", "title": "name", "where.street + where.city": "address", "where.geo[1]": "lat",
    "where.geo[0]": "lon", "phones[0].number": "phone", "owner": "owner", "updated": "updated",
}  # fmt: skip


def record(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "key": number,
        "title": f"Customer {number}",
        "where": {"street": f"{number} Road", "city": "Shanghai", "geo": [121.4700001, 31.23]},
        "phones": [{"number": f"10{number:09}"}],
        "owner": {"id": "r-1", "name": "An"},
        "updated": f"2026-03-02T09:{number % 60:02}:00Z",
        **fields,
    }


def settings(server: Server, **resource: Any) -> RestSettings:
    given: dict[str, Any] = {"path": "/api/customers", "items": "data", "mapping": MAPPING, "page_rows": 10, **resource}
    return RestSettings(
        web=server.web(), authorization="Bearer s3cret", customers=ResourceSettings(**given), datum=Datum.WGS84
    )


def a_round(made: RestSettings, cursor: str | None = None) -> tuple[list[Pulled], str]:
    pages = [RestConnector(made).pull(cursor)]
    while pages[-1].more:
        pages.append(RestConnector(made).pull(pages[-1].cursor))
        assert len(pages) < 100
    assert pages[-1].cursor is not None
    return pages, pages[-1].cursor


def all_of(pages: list[Pulled], name: str) -> list[Any]:
    return [one for page in pages for one in getattr(page, name)]


def ids(pages: list[Pulled]) -> list[str]:
    return [one.id for one in all_of(pages, "customers")]


def test_paths_are_mapped_to_fields(server: Server) -> None:
    server.answer = lambda *_: {"data": [record(1)]}
    pages, _ = a_round(settings(server))
    (found,) = all_of(pages, "customers")
    (address,) = found.addresses
    assert (found.id, found.name, found.owner, found.identifiers["phone"]) == ("1", "Customer 1", "r-1", "10000000001")
    assert (address.text, address.lat, address.lon) == ("1 Road, Shanghai", 31.23, 121.4700001)
    assert found.updated.isoformat() == "2026-03-02T09:01:00+00:00"
    headers = server.asked[0][2]
    assert (headers["authorization"], headers["accept-encoding"]) == ("Bearer s3cret", "gzip")


RECORDS = [record(number) for number in range(1, 36)]


def by_offset(_: str, query: dict[str, str], __: Any, ___: Any) -> Any:
    start = int(query["skip"])
    return {"data": RECORDS[start : start + min(int(query["take"]), 7)]}  # fewer than asked for


def by_page(_: str, query: dict[str, str], __: Any, ___: Any) -> Any:
    number = min(int(query["p"]), 4)  # the last page for ever
    return {"data": RECORDS[(number - 1) * 10 : number * 10]}


def by_cursor(_: str, query: dict[str, str], __: Any, ___: Any) -> Any:
    start = int(query.get("after", "0"))
    more = str(start + 10) if start + 10 < len(RECORDS) else None
    return {"data": RECORDS[start : start + 10], "paging": {"next": more}}


def by_link(_: str, query: dict[str, str], __: Any, ___: Any) -> Any:
    start = int(query.get("from", "0"))
    link = f"/api/customers?from={start + 10}" if start + 10 < len(RECORDS) else None
    return {"data": RECORDS[start : start + 10], "next": link}


def by_header(_: str, query: dict[str, str], __: Any, headers: dict[str, str]) -> Reply:
    start = int(query.get("from", "0"))
    link = f'<http://{headers["host"]}/api/customers?from={start + 10}>; rel="next"'
    return 200, {"data": RECORDS[start : start + 10]}, {"Link": link} if start + 10 < len(RECORDS) else {}


PAGINGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "offset": (by_offset, {"paging": "offset", "params": {"skip": "{offset}", "take": "{size}"}}),
    "page": (by_page, {"paging": "page", "params": {"p": "{page}"}}),
    "cursor": (by_cursor, {"paging": "cursor", "next": "paging.next", "params": {"after": "{cursor}"}}),
    "link": (by_link, {"paging": "link", "next": "next"}),
    "header": (by_header, {"paging": "link"}),
}


@pytest.mark.parametrize("how", PAGINGS)
def test_pages_are_followed_to_the_last_and_unchanged_records_stay_away(server: Server, how: str) -> None:
    server.answer, resource = PAGINGS[how]
    made = settings(server, gone="absence", **resource)
    pages, cursor = a_round(made)
    assert sorted(map(int, ids(pages))) == list(range(1, 36))
    pages, cursor = a_round(made, cursor)
    assert (ids(pages), all_of(pages, "gone")) == ([], [])
    RECORDS[4]["title"] = "Renamed"
    gone = RECORDS.pop()
    try:
        pages, _ = a_round(made, cursor)
        assert (ids(pages), all_of(pages, "gone")) == (["5"], ["35"])
    finally:
        RECORDS[4]["title"] = "Customer 5"
        RECORDS.append(gone)


def test_rounds_ask_from_the_last_change_on(server: Server) -> None:
    server.answer = lambda path, query, *_: {"data": [r for r in RECORDS if r["updated"] >= query["since"]]}
    made = settings(server, changed="updated", params={"since": "{since}"}, since="%Y-%m-%dT%H:%M:%SZ")
    _, cursor = a_round(made)
    assert "since=1970-01-01T00" in server.asked[-1][1]
    pages, cursor = a_round(made, cursor)
    assert "since=2026-03-02T09%3A35%3A00Z" in server.asked[-1][1]
    assert ids(pages) == []


def test_tombstones_take_customers_away(server: Server) -> None:
    records = [record(1), record(2)]
    server.answer = lambda *_: {"data": records}
    made = settings(server, deleted="archived")
    _, cursor = a_round(made)
    records[0]["archived"] = True
    assert all_of(a_round(made, cursor)[0], "gone") == ["1"]


def test_an_answer_that_lost_most_customers_takes_nobody_away(server: Server) -> None:
    server.answer = lambda *_: {"data": RECORDS}
    made = settings(server, gone="absence")
    _, cursor = a_round(made)
    server.answer = lambda *_: {"data": RECORDS[:3]}
    with pytest.raises(RecordError, match=r"32 of 35 customers"):
        a_round(made, cursor)


def test_bad_records_have_names_and_places(server: Server) -> None:
    bad = [record(1, title=""), record(2, where={"geo": [500, 31]}), {"title": "no id"}, "no record", record(5)]
    server.answer = lambda *_: {"data": bad}
    pages, _ = a_round(settings(server))
    assert [(problem.code, problem.at) for problem in all_of(pages, "problems")] == [
        ("customer.no_name", "/api/customers 0"),
        ("address.out_of_range", "/api/customers 1"),
        ("customer.no_id", "/api/customers 2"),
        ("customer.no_id", "/api/customers 3"),
    ]
    assert ids(pages) == ["5"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ((401, {}, {}), "FHR-SRC-002"),
        ((403, b"<html>no</html>", {}), "FHR-SRC-002"),
        ((429, {}, {"Retry-After": "3600"}), "FHR-SRC-003"),
        ((500, b"oops", {}), "FHR-SRC-001"),
        ((404, {}, {}), "FHR-SRC-004"),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), "FHR-SRC-004"),
        ((200, b"<html>login</html>", {}), "FHR-SRC-004"),
        ((200, b'{"data": NaN}', {}), "FHR-SRC-004"),
        ((200, {"other": []}, {}), "FHR-SRC-004"),
        ((200, b"not gzip", {"Content-Encoding": "gzip"}), "FHR-SRC-004"),
        ((200, gzip.compress(b'"' + b"x" * (3 << 20) + b'"'), {"Content-Encoding": "gzip"}), "FHR-SRC-004"),
    ],
)
def test_trouble_has_a_code_and_names_no_secret(server: Server, reply: Reply, code: str) -> None:
    server.answer = lambda *_: reply
    made = attrs.evolve(settings(server), web=server.web(max_mb=1, retries=0))
    with pytest.raises(SourceError) as refused:
        RestConnector(made).pull(None)
    assert refused.value.code == code
    assert "s3cret" not in str(refused.value) + repr(made)


def test_what_passes_is_tried_again_and_what_does_not_is_not(server: Server) -> None:
    replies: list[Any] = [(503, {}, {}), (429, {}, {"Retry-After": "0"}), {"data": [record(1)]}]
    server.answer = lambda *_: replies.pop(0)
    assert ids(a_round(settings(server))[0]) == ["1"]
    assert len(server.asked) == 3
    server.asked.clear()
    server.answer = lambda *_: (401, {}, {})
    with pytest.raises(SourceError):
        RestConnector(settings(server)).pull(None)
    assert len(server.asked) == 1


def test_a_server_that_is_down_or_slow_is_told(server: Server) -> None:
    down = attrs.evolve(settings(server), web=server.web(url="http://127.0.0.1:9", retries=1))
    with pytest.raises(SourceError, match="FHR-SRC-001"):
        RestConnector(down).pull(None)
    held = threading.Event()
    server.answer = lambda *_: (held.wait(5) and {}) or {}
    with pytest.raises(SourceError, match=r"FHR-SRC-001.*in time"):
        RestConnector(attrs.evolve(settings(server), web=server.web(timeout_s=0.2, retries=0))).pull(None)
    held.set()


def test_no_address_of_the_inside_is_reached_unless_it_is_named(server: Server) -> None:
    with pytest.raises(SourceError, match="FHR-SRC-005"):
        RestConnector(attrs.evolve(settings(server), web=server.web(allowed_hosts=()))).pull(None)
    assert server.asked == []
    for url, said in (
        (server.url, "not https"),
        ("https://user:pass@example.com", "without a name or password"),
        ("ftp://example.com", "no address"),
        ("https://", "no address"),
        ("https://h:99999/", "no address"),
    ):
        with pytest.raises(ConfigError, match=said):
            RestConnector(attrs.evolve(settings(server), web=WebSettings(url=url)))


def test_a_next_link_to_another_system_is_not_followed(server: Server) -> None:
    server.answer = lambda *_: {"data": [record(1)], "next": "http://169.254.169.254/latest/meta-data"}
    made = settings(server, paging="link", next="next")
    cursor = RestConnector(made).pull(None).cursor
    with pytest.raises(SourceError, match=r"FHR-SRC-005.*another system"):
        RestConnector(made).pull(cursor)


def test_the_address_that_was_looked_up_is_the_one_connected_to(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    answers = iter(["127.0.0.1", "169.254.169.254", "169.254.169.254"])
    real = socket.getaddrinfo

    def lookup(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host == "erp.example":
            return real(next(answers), port, *rest, **more)
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    server.answer = lambda *_: {"data": []}
    named = server.web(url=f"http://erp.example:{server.port}", allowed_hosts=("erp.example",))
    with Web(named) as web:
        web.get("/x")
    assert server.asked[0][2]["host"] == f"erp.example:{server.port}"


def test_settings_that_do_not_fit_say_where(server: Server) -> None:
    for resource, said in (
        ({"mapping": {"key": "id", "x": "nonsense"}}, "no field 'nonsense'"),
        ({"mapping": {"x": "name"}}, "no path is the field 'id'"),
        ({"mapping": {"a..b": "id"}}, "no path into a record"),
        ({"path": ""}, "nothing to fetch"),
    ):
        with pytest.raises(ConfigError, match=said):
            RestConnector(settings(server, **resource))
    with pytest.raises(RecordError, match="none of this connector's"):
        RestConnector(settings(server)).pull("x")


def test_values_as_cells() -> None:
    assert [cell_of(v) for v in (None, False, True, 7.0, [3, "An"], ["a", "", "b"], {"name": "x"}, " a \n b ")] == [
        "", "", "true", "7", "3", "a; b", "x", "a b",
    ]  # fmt: skip
    assert Path("a[1].b").cell({"a": [1, {"b": 0.1}]}) == "0.1"
    assert Path("a[1].b").cell({"a": "text"}) == ""


# -- presets: fakes after the makers' public references ---------------------------------------------------------


def odoo(path: str, _: Any, body: Any, headers: dict[str, str]) -> Any:
    """JSON-2 of Odoo 19: POST /json/2/<model>/<method>, bearer key, ``false`` for nothing, pairs for links."""
    if headers.get("authorization") != "bearer k":
        return 401, {"name": "odoo.exceptions.AccessDenied"}, {}
    partners = [
        {"id": 7, "name": "Li Trading", "street": "1 Road", "street2": False, "zip": "200000", "city": "Shanghai",
         "phone": "+86 100", "email": False, "user_id": [3, "An"], "is_company": True, "industry_id": [2, "Steel"],
         "active": True, "write_date": "2026-03-02 01:00:00"},
    ]  # fmt: skip
    leads = [
        {"id": 9, "name": "Pension plan", "partner_id": [7, "Li Trading"], "user_id": [3, "An"],
         "stage_id": [1, "New"], "expected_revenue": 1000.5, "create_date": "2026-03-01 02:00:00",
         "date_closed": False, "write_date": "2026-03-02 01:00:00"},
    ]  # fmt: skip
    rows = {"/json/2/res.partner/search_read": partners, "/json/2/crm.lead/search_read": leads}[path]
    since = next(value for field, _, value in body["domain"] if field == "write_date")
    assert all(set(body["fields"]) >= set(row) - {"id"} for row in rows)
    return [row for row in rows if row["write_date"] >= since][body["offset"] : body["offset"] + body["limit"]]


def frappe(path: str, query: dict[str, str], _: Any, headers: dict[str, str]) -> Any:
    """Frappe's /api/resource: token key:secret, {"data": [...]}, filters and fields as JSON in the address."""
    if headers.get("authorization") != "token k:s":
        return 403, {"exc_type": "AuthenticationError"}, {}
    customers = [
        {"name": "CUST-7", "customer_name": "Li Trading", "customer_type": "Company", "account_manager": "an@x",
         "industry": "Steel", "primary_address": "1 Road<br>Shanghai", "mobile_no": "100", "email_id": None,
         "disabled": 0, "modified": "2026-03-02 01:00:00.123456"},
        {"name": "CUST-8", "customer_name": "Old", "customer_type": "Partnership", "disabled": 1,
         "modified": "2026-03-02 00:00:00"},
    ]  # fmt: skip
    deals = [
        {"name": "OPP-9", "party_name": "CUST-7", "opportunity_owner": "an@x", "opportunity_type": "Sales",
         "status": "Open", "transaction_date": "2026-03-01", "opportunity_amount": 1000.5, "currency": "CNY",
         "source": "Fair", "modified": "2026-03-02 01:00:00"},
    ]  # fmt: skip
    rows = {"/api/resource/Customer": customers, "/api/resource/Opportunity": deals}[path]
    ((_, field, operator, since), *_) = json.loads(query["filters"])
    assert (field, operator) == ("modified", ">=")
    start, size = int(query["limit_start"]), int(query["limit_page_length"])
    wanted = json.loads(query["fields"])
    return {"data": [{f: r.get(f) for f in wanted} for r in rows if r["modified"] >= since][start : start + size]}


def salesforce(path: str, query: dict[str, str], _: Any, headers: dict[str, str]) -> Any:
    """Salesforce's query resource: SOQL in ``q``, records with attributes, ``nextRecordsUrl`` below the root."""
    if headers.get("authorization") != "Bearer t":
        return 401, [{"errorCode": "INVALID_SESSION_ID"}], {}
    account = {
        "attributes": {"type": "Account", "url": "/x"}, "Id": "001A", "Name": "Li Trading", "OwnerId": "005A",
        "BillingStreet": "1 Road", "BillingPostalCode": "200000", "BillingCity": "Shanghai",
        "BillingCountryCode": "CN", "Phone": "100", "Industry": "Steel", "IsDeleted": False,
        "SystemModstamp": "2026-03-02T01:00:00.000+0000",
    }  # fmt: skip
    if path.endswith("-2000"):
        return {"totalSize": 2, "done": True, "records": [{**account, "Id": "001B", "Name": "Wang"}]}
    if " FROM Account " in query["q"]:
        if "SystemModstamp >= 2026-03-02T01:00:00Z" in query["q"]:
            return {"totalSize": 1, "done": True, "records": [account]}
        assert "SystemModstamp >= 1970-01-01T00:00:00Z" in query["q"]
        more = "/services/data/v60.0/query/01g-2000"
        return {"totalSize": 2, "done": False, "nextRecordsUrl": more, "records": [account]}
    deal = {
        "Id": "006A", "OwnerId": "005A", "AccountId": "001A", "Type": None, "StageName": "Prospecting",
        "CreatedDate": "2026-03-01T02:00:00.000+0000", "CloseDate": "2026-04-01", "IsClosed": False,
        "Amount": 1000.5, "LeadSource": "Web", "SystemModstamp": "2026-03-02T01:00:00.000+0000",
    }  # fmt: skip
    return {"totalSize": 1, "done": True, "records": [deal]}


@pytest.mark.parametrize(
    ("preset", "fake", "authorization", "expected"),
    [
        ("odoo", odoo, "bearer k", ["7"]),
        ("frappe", frappe, "token k:s", ["CUST-7"]),
        ("salesforce", salesforce, "Bearer t", ["001A", "001B"]),
    ],
)
def test_presets_read_what_their_makers_publish(
    server: Server, preset: str, fake: Any, authorization: str, expected: list[str]
) -> None:
    server.answer = fake
    made = RestSettings(web=server.web(), authorization=authorization, preset=preset)
    pages, cursor = a_round(made)
    customers = all_of(pages, "customers")
    assert [one.id for one in customers] == expected
    first = customers[0]
    assert (first.name, first.source, first.industry) == ("Li Trading", preset, "Steel")
    assert first.addresses[0].text.startswith("1 Road")
    (deal,) = all_of(pages, "deals")
    assert (deal.customer, deal.rep, deal.amount_minor) == (first.id, first.owner, 100_050)
    assert deal.opened.isoformat().startswith("2026-03-01")
    assert all_of(pages, "problems") == []
    pages, _ = a_round(made, cursor)
    assert [all_of(pages, name) for name in ("customers", "deals", "gone", "problems")] == [[], [], [], []]
    with pytest.raises(SourceError, match="FHR-SRC-002"):
        RestConnector(attrs.evolve(made, authorization="wrong")).pull(None)


class TestRestConforms(ConnectorConformance):
    """The kit, with a small server."""

    offer = ("connectors", "", "rest")
    capabilities: ClassVar[frozenset[str]] = frozenset({"incremental"})

    @pytest.fixture(autouse=True)
    def _server(self, server: Server) -> None:
        server.answer = by_cursor
        type(self).server = server  # type: ignore[attr-defined]

    def make(self) -> RestConnector:
        return RestConnector(settings(self.server, **PAGINGS["cursor"][1]))  # type: ignore[attr-defined]

    def make_broken(self) -> RestConnector:
        down = self.server.web(url="http://127.0.0.1:9", retries=0)  # type: ignore[attr-defined]
        return RestConnector(attrs.evolve(settings(self.server), web=down))  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", PAGINGS)
def test_a_cursor_holds_no_secret_and_nobody(server: Server, how: str) -> None:
    server.answer, resource = PAGINGS[how]
    cursor = RestConnector(settings(server, **resource)).pull(None).cursor
    assert cursor
    head = base64.urlsafe_b64decode(cursor.partition(".")[0])
    assert b"s3cret" not in head
    assert b"Customer 1" not in head
