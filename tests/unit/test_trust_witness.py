"""A witness that is a server: what it keeps, what it refuses, and what a tenant's trail says against it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.errors import ConfigError, TrustError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import Person, Principal, Role
from fieldhr_core.trust.audit import FileWitness, verify
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_core.trust.witness import HttpWitness, witness_at

pytestmark = pytest.mark.req("E3")
ADMIN = Principal(tenant="bank & sons", id="host", role=Role.ADMIN)


@pytest.fixture
def kept() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def address(kept: list[dict[str, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def answer(self, status: int, raw: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def do_POST(self) -> None:
            record = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            clash = any(one["seq"] == record["seq"] and one["mac"] != record["mac"] for one in kept)
            if not clash:
                kept.append(record)
            self.answer(409 if clash else 201)

        def do_GET(self) -> None:
            tenant = parse_qs(urlsplit(self.path).query)["tenant"][0]
            self.answer(200, json.dumps([one for one in kept if one["tenant"] == tenant]).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/witness"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_trail_is_witnessed_by_a_server_and_a_cut_is_seen(address: str, kept: Any, sqlite_url: str) -> None:
    clock = FrozenClock(datetime(2026, 3, 2, tzinfo=UTC))
    options: dict[str, Any] = {"plugins": [], "autoload": False, "clock": clock, "keys": EphemeralKeys()}
    with FieldHR.open(sqlite_url, **options) as hr:
        hr.tenants.create("bank & sons", name="b", settings={"witness": address})
        with hr.acting_as(ADMIN, purpose="administration") as desk:
            for n in range(5):
                desk.people.put([Person(id=f"p{n}", name="n")])
            hr.advance(clock.now() + timedelta(minutes=2))
            assert kept
            assert desk.trail.verify().broken is None
            last = max(record["seq"] for record in kept)
            with hr._house.binding.transaction(write=True) as connection:
                audit = hr._house.tables.audit
                connection.execute(sa.delete(audit).where(audit.c.seq >= last))
            assert desk.trail.verify().broken is not None


def test_receipts_prove_a_rewritten_trail(sqlite_url: str) -> None:
    from fieldhr_core.model import Customer
    from fieldhr_core.store.audit import chain_key, events_of

    with FieldHR.open(sqlite_url, plugins=[], autoload=False, keys=EphemeralKeys()) as hr:
        hr.tenants.create("bank & sons", name="b")
        rep = Principal(tenant="bank & sons", id="u", role=Role.REP, person="r1")
        with hr.acting_as(ADMIN, purpose="operations") as desk:
            desk.people.put([Person(id="r1", name="n")])
            desk.customers.put([Customer(id="c", name="n", owner="r1", identifiers={"account": "1234"})])
        with hr.acting_as(rep, purpose="customer_care") as desk:
            desk.customers.get("c")
            receipts = desk.receipts
        assert [receipt.tenant for receipt in receipts] == ["bank & sons"]
        house, tables = hr._house, hr._house.tables
        with hr.acting_as(ADMIN, purpose="operations") as desk, desk._acting.unit() as unit, unit.housework():
            key = chain_key(unit.vault, "bank & sons")
            rows = list(events_of(unit.connection, tables, "bank & sons"))
        assert house is not None
        assert verify(rows, key, "bank & sons", receipts=receipts).broken is None
        # With the key somebody chains the trail anew without that one reading.
        from fieldhr_core.trust.audit import link_many, start

        left = [event for event, _ in rows if not event.action.startswith("read.")]
        anew = [event._replace(seq=place) for place, event in enumerate(left, 1)]
        forged = list(zip(anew, link_many(start(key, "bank & sons"), key, anew), strict=True))
        assert verify(forged, key, "bank & sons").broken is None
        found = verify(forged, key, "bank & sons", receipts=receipts).broken
        assert found is not None
        assert found.reason in ("audit.rewritten", "audit.cut")


@pytest.mark.parametrize("answer", [(500, b""), (200, b"<html>"), (200, b'{"a": 1}'), (200, b'[{"tenant": "t"}]')])
def test_an_answer_that_is_none_is_an_error(answer: tuple[int, bytes]) -> None:
    witness = HttpWitness("https://witness.example/", send=lambda *_: answer)
    with pytest.raises((TrustError, OSError)):
        witness.checkpoints("t")


def test_places_of_witnesses(tmp_path: Any) -> None:
    assert isinstance(witness_at(str(tmp_path / "w")), FileWitness)
    assert isinstance(witness_at("https://w.example/x"), HttpWitness)
    for open_line in ("http://w.example/x", "ftp://w.example"):
        with pytest.raises(ConfigError):
            witness_at(open_line)
