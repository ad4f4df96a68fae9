"""The HTTP interface against its own description: whatever is sent, every answer is one that is described."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import msgspec
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.model import Address, Customer, Datum, Person, Principal, Role
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_plugins.console.api.app import description
from fieldhr_plugins.console.serving import applications_for_tokens

schemathesis = pytest.importorskip("schemathesis")

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


@contextlib.contextmanager
def running(app: Any) -> Iterator[str]:
    """Run an application on a free port of this machine, in a thread; yield where."""
    import uvicorn

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    """Applications over a small store, with a token of each role."""
    with FieldHR.open("sqlite://", keys=EphemeralKeys()) as hr:
        hr.tenants.create("bank", name="Bank")
        with hr.acting_as(Principal(tenant="bank", id="host", role=Role.ADMIN), purpose="operations") as desk:
            desk.people.put([Person(id="r1", name="An", manager="m1"), Person(id="m1", name="Mo", role="manager")])
            desk.people.record_basis("r1", purpose="tracking", basis="consent", notice="v1", at=NOW)
            at = Address(id="a1", lat=31.23, lon=121.47, datum=Datum.WGS84)
            desk.customers.put([Customer(id="c1", name="Zhang San", owner="r1", addresses=(at,))])
        tokens = {
            role.value: hr.tokens.create(
                Principal(tenant="bank", id=f"u-{role.value}", role=role, person=person), lasts=timedelta(days=9)
            )
            for role, person in ((Role.REP, "r1"), (Role.MANAGER, "m1"), (Role.ADMIN, None), (Role.INTEGRATOR, None))
        }
        app = applications_for_tokens(hr)
        with running(app) as url:
            yield url, tokens
        app.close()


@schemathesis.serializer("audio/mp4", "audio/ogg", "audio/wav", "audio/webm")
def as_bytes(ctx: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, default=repr).encode()


SCHEMA = schemathesis.openapi.from_dict(json.loads(msgspec.json.encode(description())))
NAMES = ("status_code_conformance", "content_type_conformance", "response_schema_conformance", "not_a_server_error")
CHECKS = [check for check in schemathesis.checks.CHECKS.get_all() if check.__name__ in NAMES]


@pytest.mark.req("G2")
@SCHEMA.parametrize()
@hypothesis.settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
def test_no_request_gets_an_answer_that_is_not_described(case: Any, served: Any) -> None:
    url, tokens = served
    roles = sorted(tokens)
    role = roles[zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode()) % len(roles)]
    response = case.call(base_url=url, headers={"Authorization": f"Bearer {tokens[role]}"})
    assert response.status_code < 500, (response.status_code, response.text)
    case.validate_response(response, checks=CHECKS)
