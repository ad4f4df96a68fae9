"""The connector ``tryton`` against a real Tryton 8.2: 500 parties in, changes only, trouble survived, visits back."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import attrs
import httpx
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import ConfigError, PluginError, RecordError, SourceError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.hooks import Pulled
from fieldhr_core.intake.web import WebSettings
from fieldhr_core.model import (
    REPORTED,
    STAYS,
    Coded,
    Datum,
    FollowUp,
    Principal,
    Role,
    milliseconds,
)
from fieldhr_core.testing.conformance import ConnectorConformance
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_plugins.crm_tryton import TrytonSettings
from fieldhr_plugins.crm_tryton.connector import TrytonConnector
from fieldhr_plugins.crm_tryton.doors import Door, door_of

pytestmark = [pytest.mark.req("G3"), pytest.mark.slow]

ADMIN = Principal(tenant="bank", id="host", role=Role.ADMIN)
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def settings(erp: Any, **changed: Any) -> TrytonSettings:
    web = WebSettings(url=erp.url, allow_http=True, allowed_hosts=("127.0.0.1",), timeout_s=20, retries=0)
    return TrytonSettings(**{"web": web, "database": "erp", "key": erp.seed["key"], "page_rows": 200, **changed})


def by_password(erp: Any, **changed: Any) -> TrytonSettings:
    return settings(erp, **{"key": "", "user": "fieldhr", "password": "pass-word-12", **changed})


def a_round(connector: TrytonConnector, cursor: str | None) -> tuple[list[Pulled], str]:
    pages = [connector.pull(cursor)]
    while pages[-1].more:
        pages.append(connector.pull(pages[-1].cursor))
    assert pages[-1].cursor is not None
    return pages, pages[-1].cursor


def everything(pages: list[Pulled], name: str) -> list[Any]:
    return [one for page in pages for one in getattr(page, name)]


@pytest.fixture(scope="module")
def client(erp: Any) -> Iterator[Door]:
    """What a user of Tryton's client does, over the client's own protocol."""
    with door_of(by_password(erp)) as door:
        yield door


@pytest.fixture(scope="module")
def start(erp: Any) -> tuple[list[Pulled], str]:
    """The first round over REST, and the cursor after it."""
    return a_round(TrytonConnector(settings(erp)), None)


def test_everything_comes_in_the_first_time(erp: Any, start: Any) -> None:
    pages, _ = start
    customers = everything(pages, "customers")
    assert len(customers) == len({one.id for one in customers}) == 500
    assert max(len(page.customers) for page in pages) == 200
    first = customers[0]
    assert (first.id, first.name) == (f"tryton-party-{erp.seed['parties'][0]}", "Customer 0")
    assert (first.owner, first.need) == (f"tryton-employee-{erp.seed['rep']}", "open a futures account")
    assert [address.text for address in first.addresses] == ["0 Sample Road, Shanghai"]
    assert first.identifiers["phone"].endswith("10000000000")
    deals = everything(pages, "deals")
    assert len([deal for deal in deals if deal.facts["kind"] == "opportunity"]) == 500
    (sale,) = (deal for deal in deals if deal.facts["kind"] == "sale")
    assert (sale.rep, sale.customer, sale.stage) == (first.owner, first.id, "processing")
    # Decimals arrive as objects with a class; a cent lost here would be lost in every score.
    assert {deal.amount_minor for deal in deals if deal is not sale} == {100_050}
    (complaint,) = everything(pages, "feedback")
    assert (complaint.rep, complaint.customer, complaint.deal) == (first.owner, first.id, sale.id)
    people = {one.name: one for one in everything(pages, "people")}
    assert people["An Reps"].manager == people["Mo Leads"].id
    stamps = everything(pages, "attendance")
    assert [(stamp.kind, stamp.time.isoformat()) for stamp in stamps] == [
        ("in", "2026-03-02T01:00:00+00:00"),
        ("out", "2026-03-02T10:00:00+00:00"),
    ]
    assert everything(pages, "problems") == []


def test_both_doors_tell_the_same(erp: Any, start: Any) -> None:
    pages, _ = a_round(TrytonConnector(by_password(erp)), None)
    for name in ("customers", "deals", "people", "attendance", "feedback"):
        assert everything(pages, name) == everything(start[0], name), name


def test_only_changes_come_the_second_time(erp: Any, client: Door, start: Any) -> None:
    connector, cursor = TrytonConnector(settings(erp)), start[1]
    parties, addresses = erp.seed["parties"], erp.seed["addresses"]
    pages, cursor = a_round(connector, cursor)
    names = ("customers", "deals", "people", "attendance", "feedback", "gone", "merged")
    assert [len(everything(pages, name)) for name in names] == [0] * len(names)

    before = client.search("party.party", [["id", "=", parties[5]]], ["write_date"])
    there = client.search("party.address", [["id", "=", addresses[5]]], ["write_date"])
    assert there[0]["write_date"] is None, "never written, only created"
    client.write("party.address", addresses[5], {"city": "Hangzhou"})
    client.write("party.party", parties[6], {"name": "Renamed"})
    client.write("sale.opportunity", erp.seed["opportunities"][7], {"description": "buy a pension"})
    client.write("sale.opportunity", erp.seed["opportunities"][10], {"amount": Decimal("0.10")})
    client.create("party.party", {"name": "New one", "addresses": [["create", [{"city": "Ningbo"}]]]})
    client.write("company.employee", erp.seed["rep"], {"end_date": datetime(2026, 3, 31).date()})  # noqa: DTZ001
    pages, cursor = a_round(connector, cursor)
    changed = {one.name: one for one in everything(pages, "customers")}
    assert sorted(changed) == ["Customer 5", "Customer 7", "New one", "Renamed"]
    assert changed["Customer 5"].addresses[0].text == "5 Sample Road, Hangzhou"
    after = client.search("party.party", [["id", "=", parties[5]]], ["write_date"])
    assert after == before, "a changed address does not touch its party: it has to be looked for itself"
    assert changed["Customer 7"].need == "buy a pension"
    assert changed["New one"].owner is None
    (deal,) = everything(pages, "deals")
    assert (deal.id, deal.amount_minor) == (f"tryton-opportunity-{erp.seed['opportunities'][10]}", 10)
    assert [str(one.left) for one in everything(pages, "people")] == ["2026-03-31"]

    client.write("party.party", parties[8], {"active": False})
    client.delete("party.address", addresses[9])
    pages, cursor = a_round(connector, cursor)
    assert everything(pages, "gone") == [f"tryton-party-{parties[8]}"]
    assert [(one.name, one.addresses) for one in everything(pages, "customers")] == [("Customer 9", ())]

    client.write("party.party", parties[8], {"active": True})
    pages, cursor = a_round(connector, cursor)
    assert [one.name for one in everything(pages, "customers")] == ["Customer 8"]
    assert everything(a_round(connector, cursor)[0], "customers") == []


def test_a_merged_party_is_named_with_the_one_it_went_up_in(erp: Any, start: Any) -> None:
    parties = erp.seed["parties"]
    old, new = parties[20], parties[21]
    connector = TrytonConnector(settings(erp))
    _, cursor = a_round(connector, start[1])
    erp.inside(
        ("write", {"model": "party.party", "ids": [old], "values": {"name": "Customer 21"}}),
        ("replace", {"source": old, "destination": new}),
    )
    pages, _ = a_round(connector, cursor)
    merged = {before: after for page in pages for before, after in page.merged.items()}
    assert merged == {f"tryton-party-{old}": f"tryton-party-{new}"}
    assert everything(pages, "gone") == []


def test_a_round_goes_on_in_another_process_at_any_page_size(erp: Any) -> None:
    pages, cursor = [], None
    for size in (7, 300, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000):
        pages.append(TrytonConnector(settings(erp, page_rows=size)).pull(cursor))
        cursor = pages[-1].cursor
        if not pages[-1].more:
            break
    whole, _ = a_round(TrytonConnector(settings(erp, page_rows=5_000)), None)
    for name in ("customers", "deals", "people", "attendance", "feedback"):
        assert everything(pages, name) == everything(whole, name)


def test_a_server_that_says_gzip_and_sends_none_is_read(erp: Any) -> None:
    # To a client that does not ask for gzip, Tryton packs nothing and says that it did.
    body = b'{"id": 1, "method": "common.server.version", "params": []}'
    request = urllib.request.Request(f"{erp.url}/rpc/", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert answer.read().startswith(b"{")
    session = door_of(by_password(erp))
    with session as door:
        rows = door.search("party.party", [], ["name", "addresses.full_address"], limit=400)
        assert len(rows) == 400
        headers = {"Authorization": door._session, "Accept-Encoding": "identity"}  # type: ignore[attr-defined]
        asked = {"id": 9, "method": "model.party.party.search_read", "params": [[], 0, 400, None, ["name"], {}]}
        with httpx.Client(trust_env=False) as plain, pytest.raises(httpx.DecodingError):
            plain.post(f"{erp.url}/erp/rpc/", json=asked, headers=headers)


def test_bad_credentials_and_too_many_of_them_have_names(erp: Any) -> None:
    with pytest.raises(SourceError, match=r"FHR-SRC-002.*\(401\)"):
        TrytonConnector(settings(erp, key="no-such-key")).pull(None)
    bad = TrytonConnector(by_password(erp, user="nobody", password="wrong"))
    codes = []
    for _ in range(8):
        with pytest.raises(SourceError) as refused:
            bad.pull(None)
        codes.append(refused.value.code)
        if codes[-1] == "FHR-SRC-003":
            break
    assert codes[0] == "FHR-SRC-002"
    assert codes[-1] == "FHR-SRC-003", "too many wrong passwords, and the server asks for patience (429)"


def test_what_is_not_there_has_a_name(erp: Any) -> None:
    with pytest.raises(SourceError, match="FHR-SRC"):
        TrytonConnector(settings(erp, database="other")).pull(None)
    for made in (settings(erp), by_password(erp)):
        with door_of(made) as door, pytest.raises(SourceError, match="FHR-SRC-00"):
            door.search("no.such.model", [], ["id"])
    with pytest.raises(ConfigError, match="no credentials"):
        TrytonConnector(settings(erp, key="")).pull(None)
    with pytest.raises(RecordError, match="none of this connector's"):
        TrytonConnector(settings(erp)).pull("stolen")


def test_without_a_company_records_vanish_and_with_it_they_are_there(erp: Any, client: Door) -> None:
    (guest,) = client.search("res.user", [["login", "=", "fieldhr"]], ["id"])
    erp.inside(("write", {"model": "res.user", "ids": [guest["id"]], "values": {"company": None}}))
    try:
        bare = a_round(TrytonConnector(settings(erp)), None)[0]
        told = a_round(TrytonConnector(settings(erp, company=erp.seed["company"])), None)[0]
        assert len(everything(bare, "attendance")) < 2 or len(everything(bare, "deals")) == len(
            everything(told, "deals")
        )
        assert len(everything(told, "attendance")) == 2
        assert len(everything(told, "deals")) == 501
    finally:
        values = {"company": erp.seed["company"]}
        erp.inside(("write", {"model": "res.user", "ids": [guest["id"]], "values": values}))


@pytest.fixture
def hr(erp: Any, tmp_path: Any) -> Iterator[FieldHR]:
    with FieldHR.open(
        f"sqlite:///{tmp_path / 'house.db'}",
        clock=FrozenClock(NOW),
        keys=EphemeralKeys(),
        strict=True,
        plugins=["fieldhr_plugins.places", "fieldhr_plugins.crm_tryton"],
        autoload=False,
    ) as runtime:
        yield runtime


def plugin_section(made: TrytonSettings) -> dict[str, Any]:
    return {"fieldhr.crm_tryton": {**attrs.asdict(made), "kinds": list(made.kinds), "web": web_section(made)}}


def web_section(made: TrytonSettings) -> dict[str, Any]:
    return {**attrs.asdict(made.web), "allowed_hosts": list(made.web.allowed_hosts)}


def test_a_restart_and_bad_credentials_are_survived_with_a_clear_state(erp: Any, hr: FieldHR) -> None:
    hr.tenants.create("bank", name="Bank of Nowhere", settings=plugin_section(settings(erp, key="revoked")))
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        with pytest.raises(PluginError):
            desk.sources.pull("tryton")
        (state,) = desk.sources.states()
        assert (state.state, state.failures, state.pulled) == ("stale", 1, None)
        assert "FHR-SRC-002" in state.reason
        assert "revoked" not in state.reason
        hr.tenants.configure("bank", plugin_section(settings(erp)))
        assert desk.sources.pull("tryton").stored >= 500
        assert desk.sources.states()[0].state == "fresh"
        known = len(desk.customers.list())

        erp.stop()
        with pytest.raises(PluginError):
            desk.sources.pull("tryton")
        (state,) = desk.sources.states()
        assert (state.state, state.failures) == ("stale", 1)
        assert state.pulled is not None
        assert "FHR-SRC-001" in state.reason
        assert len(desk.customers.list()) == known, "what is known stays in force"
        erp.start()
        assert desk.sources.pull("tryton").submitted == 0
        assert desk.sources.states()[0].reason == ""


@pytest.mark.parametrize(("door", "which"), [("rest", 30), ("rpc", 31)])
def test_visits_and_notes_go_back_and_are_seen_there(
    erp: Any, client: Door, hr: FieldHR, door: str, which: int
) -> None:
    made = settings(erp) if door == "rest" else by_password(erp)
    hr.tenants.create("bank", name="Bank of Nowhere", settings=plugin_section(made))
    there = erp.seed["parties"][which]
    party, rep = f"tryton-party-{there}", f"tryton-employee-{erp.seed['rep']}"
    resource = f"party.party,{there}"

    def notes() -> list[str]:
        rows = client.search("ir.note", [["resource", "=", resource]], ["message"])
        return sorted(row["message"] for row in rows)

    with hr.acting_as(ADMIN, purpose="operations") as desk:
        desk.sources.pull("tryton")
        before = desk.customers.get(party)
        desk.people.record_basis(rep, purpose="tracking", basis="consent", notice="v1", at=NOW - timedelta(days=1))
        # Tryton knows no coordinates; the host does, or a geocoder.
        at = [attrs.evolve(before.addresses[0], lat=31.23, lon=121.47, datum=Datum.WGS84)]
        desk.customers.put([attrs.evolve(before, addresses=tuple(at))])
        hr.clock.advance(NOW + timedelta(hours=1))  # type: ignore[attr-defined]
        desk.positions.record(_stay(rep, NOW + timedelta(minutes=5), 40), datum=Datum.WGS84)
        said = FollowUp(
            id="n-1",
            rep=rep,
            customer=party,
            kind="visit",
            start=NOW + timedelta(minutes=5),
            end=NOW + timedelta(minutes=45),
            written=NOW + timedelta(minutes=50),
            text="Wants the form on Friday.",
        )
        desk.visits.write([said])
        hr.clock.advance(NOW + timedelta(hours=2))  # type: ignore[attr-defined]
        receipt = desk.sources.push("tryton", notes=True)
        assert (receipt.submitted, receipt.stored) == (2, 2)
        visit, note = sorted(notes(), key=lambda text: "[fieldhr:note" in text)
        assert visit.startswith("Visit by An Reps, 2026-03-02 16:05-16:45, verified by position.")
        assert note == f"Visit by An Reps, 2026-03-02 16:05-16:45:\n{said.text}\n[fieldhr:note n-1]"

        # Late positions make the visit longer. Tryton's notes cannot be changed: another one corrects the first.
        hr.clock.advance(NOW + timedelta(hours=3))  # type: ignore[attr-defined]
        desk.positions.record(_stay(rep, NOW + timedelta(minutes=45), 20), datum=Datum.WGS84)
        desk.visits.write([attrs.evolve(said, text="Wants the form on Monday.", received=hr.clock.now())])
        hr.clock.advance(NOW + timedelta(hours=4))  # type: ignore[attr-defined]
        assert desk.sources.push("tryton", notes=True).stored == 2
        corrected = [text for text in notes() if text.startswith("Corrected. ")]
        visit, note = (
            text.removeprefix("Corrected. ") for text in sorted(corrected, key=lambda t: "[fieldhr:note" in t)
        )
        assert len(notes()) == 4
        assert visit.startswith("Visit by An Reps, 2026-03-02 16:05-17:05, verified by position.")
        assert "Monday" in note
        hr.clock.advance(NOW + timedelta(hours=5))  # type: ignore[attr-defined]
        assert desk.sources.push("tryton", notes=True).submitted == 0
        acting = hr._acting(ADMIN, "operations")
        with acting.unit() as unit, unit.housework():  # as if the last push had been cut off
            unit.connection.execute(acting.tables.cursors.update().values(cursor="0").where(_is_push(acting)))
        assert desk.sources.push("tryton", notes=True).stored == 2
        assert len(notes()) == 4, "what stands there already is not written again"


def _is_push(acting: Any) -> Any:
    return acting.tables.cursors.c.source == "tryton back"


def test_visits_to_nobody_of_this_tryton_are_told(erp: Any) -> None:
    row = {
        "rep": "r-1", "date": "2026-03-02", "start_ms": 0, "end_ms": 1, "certain_s": 1.0, "possible_s": 1.0,
        "lat": 31.0, "lon": 121.0, "radius_m": 5.0, "fixes": 2, "accuracy_m": 5.0, "verdict": "at",
        "reason": "visit.at", "confidence": 1.0, "customer": "crm-7",
    }  # fmt: skip
    for made in (settings(erp), by_password(erp)):
        (problem,) = TrytonConnector(made).push(STAYS.from_rows([row]))
        assert problem.code == "push.unknown_customer"


def _stay(rep: str, start: datetime, minutes: int) -> Any:
    count = minutes * 2 + 1
    return REPORTED.table(
        rep=Coded.same(rep, count),
        device=Coded.same("phone", count),
        time_ms=[milliseconds(start) + 30_000 * number for number in range(count)],
        lat=[31.23 + 0.00001 * (number % 3) for number in range(count)],
        lon=[121.47 - 0.00001 * (number % 2) for number in range(count)],
        accuracy_m=[8.0] * count,
    )


class TestTrytonConforms(ConnectorConformance):
    """The kit, with the running Tryton as the sample; what it pushes are visits to nobody there."""

    offer = ("connectors", "", "tryton")
    capabilities: ClassVar[frozenset[str]] = frozenset({"incremental"})

    @pytest.fixture(autouse=True)
    def _erp(self, erp: Any) -> None:
        type(self).erp = erp  # type: ignore[attr-defined]

    def make(self) -> TrytonConnector:
        return TrytonConnector(settings(self.erp))  # type: ignore[attr-defined]

    def make_broken(self) -> TrytonConnector:
        return TrytonConnector(settings(self.erp, key="wrong"))  # type: ignore[attr-defined]
