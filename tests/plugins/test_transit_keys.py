"""Keys in a transit engine, against a fake server built from the public reference of its HTTP API."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fieldhr_core import FieldHR
from fieldhr_core.errors import ConfigError, TrustError
from fieldhr_core.model import Person, Principal, Role
from fieldhr_plugins.transit_keys import TransitKeys

pytestmark = pytest.mark.req("E1")


class Engine:
    """What the fake remembers."""

    def __init__(self) -> None:
        self.keys = [AESGCM(os.urandom(32))]
        self.token, self.exportable, self.status, self.asked = "s.right", False, 200, 0
        self.garbage: bytes | None = None


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def address(engine: Engine) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def answer(self, status: int, body: Any) -> None:
            raw = engine.garbage or json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def do_GET(self) -> None:
            engine.asked += 1
            if self.headers["X-Vault-Token"] != engine.token:
                return self.answer(403, {"errors": ["permission denied"]})
            if self.path != "/v1/transit/keys/fieldhr":
                return self.answer(404, {"errors": []})
            return self.answer(200, {"data": {"latest_version": len(engine.keys), "exportable": engine.exportable}})

        def do_POST(self) -> None:
            engine.asked += 1
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if engine.status != 200:
                return self.answer(engine.status, {"errors": ["sealed"]})
            if self.headers["X-Vault-Token"] != engine.token:
                return self.answer(403, {"errors": ["permission denied"]})
            bound = base64.b64decode(body["associated_data"])
            if self.path == "/v1/transit/encrypt/fieldhr":
                nonce = os.urandom(12)
                sealed = engine.keys[-1].encrypt(nonce, base64.b64decode(body["plaintext"]), bound)
                text = base64.b64encode(nonce + sealed).decode()
                return self.answer(200, {"data": {"ciphertext": f"vault:v{len(engine.keys)}:{text}"}})
            if self.path == "/v1/transit/decrypt/fieldhr":
                try:
                    _, version, text = body["ciphertext"].split(":")
                    raw = base64.b64decode(text, validate=True)
                    plain = engine.keys[int(version[1:]) - 1].decrypt(raw[:12], raw[12:], bound)
                except (ValueError, IndexError, InvalidTag):
                    return self.answer(400, {"errors": ["cipher: message authentication failed"]})
                return self.answer(200, {"data": {"plaintext": base64.b64encode(plain).decode()}})
            return self.answer(404, {"errors": []})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def keys(address: str) -> TransitKeys:
    return TransitKeys(address, "fieldhr", lambda: "s.right")


def test_what_is_wrapped_opens_in_its_context_only(keys: TransitKeys) -> None:
    wrapped = keys.wrap(b"k" * 32, b"here")
    assert b"k" * 32 not in wrapped
    assert keys.unwrap(wrapped, b"here") == b"k" * 32
    for changed, context in (
        (wrapped, b"there"),
        (wrapped[:-2] + b"A=", b"here"),
        (b"vault:v9:AAAA", b"here"),
        (b"x", b""),
    ):
        with pytest.raises(TrustError) as refused:
            keys.unwrap(changed, context)
        assert refused.value.code == "FHR-TRU-001"


def test_the_engines_rotation_is_seen_and_followed(keys: TransitKeys, engine: Engine) -> None:
    old = keys.wrap(b"k" * 32, b"c")
    assert keys.is_current(old)
    engine.keys.append(AESGCM(os.urandom(32)))
    keys.examine()
    assert not keys.is_current(old)
    assert keys.unwrap(old, b"c") == b"k" * 32
    assert keys.is_current(keys.wrap(b"k" * 32, b"c"))


def test_a_store_works_on_it_and_nothing_of_it_is_kept(keys: TransitKeys, engine: Engine, sqlite_url: str) -> None:
    admin = Principal(tenant="bank", id="host", role=Role.ADMIN)
    options: dict[str, Any] = {"plugins": ["fieldhr_plugins.places"], "autoload": False}
    with FieldHR.open(sqlite_url, keys=keys, **options) as hr:
        hr.tenants.create("bank", name="b")
        with hr.acting_as(admin, purpose="operations") as desk:
            desk.people.put([Person(id="r1", name="An")])
        asked = engine.asked
        with hr.acting_as(admin, purpose="operations") as desk:
            desk.people.list()
        assert engine.asked == asked, "an unwrapped key is not asked for again while it is in use"
        engine.keys.append(AESGCM(os.urandom(32)))
        keys.examine()
        assert hr.care.rewrap() > 0
        assert hr.care.evidence(only=["keys.provider", "keys.rows"]).counts["fail"] == 0
    del engine.keys[0]
    engine.keys.insert(0, AESGCM(os.urandom(32)))  # the old version is gone
    with FieldHR.open(sqlite_url, keys=keys, **options) as hr, hr.acting_as(admin, purpose="operations") as desk:
        assert [person.name for person in desk.people.list()] == ["An"]


@pytest.mark.parametrize("trouble", ["token", "sealed", "gone", "garbage", "exportable", "key"])
def test_what_cannot_be_used_says_why(keys: TransitKeys, engine: Engine, address: str, trouble: str) -> None:
    if trouble == "token":
        engine.token = "s.other"
    elif trouble == "sealed":
        engine.status = 503
    elif trouble == "gone":
        keys = TransitKeys("http://127.0.0.1:9", "fieldhr", lambda: "t")
    elif trouble == "garbage":
        engine.garbage = b"<html>"
    elif trouble == "exportable":
        engine.exportable = True
    elif trouble == "key":
        keys = TransitKeys(address, "other/../fieldhr", lambda: "s.right")
    with pytest.raises(TrustError) as refused:
        keys.examine() if trouble == "exportable" else keys.wrap(b"k" * 32, b"c")
    assert refused.value.code == "FHR-TRU-002"
    assert "s.right" not in str(refused.value)
    assert "k" * 32 not in str(refused.value)


@pytest.mark.parametrize("address_", ["http://vault.example:8200", "ftp://127.0.0.1", "vault.example"])
def test_nothing_goes_over_an_open_line(address_: str) -> None:
    with pytest.raises(ConfigError) as refused:
        TransitKeys(address_, "fieldhr", lambda: "t")
    assert refused.value.code == "FHR-CFG-001"
