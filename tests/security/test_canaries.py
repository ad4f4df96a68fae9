"""Two hundred marked values go in; none is found in the clear in any file, log line or error that comes of it."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import CheckIn, Customer, Datum, FollowUp, Message, Person, Place, PlaceKind, Principal, Role
from fieldhr_core.trust.keys import FileKeys

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
ADMIN = Principal(tenant="bank", id="host", role=Role.ADMIN)


def canary(kind: str, number: int) -> str:
    return f"canary-{kind}-{number:03d}-客户"


def hand_in(hr: FieldHR) -> list[str]:
    """Hand in forty of each kind; return all of them."""
    hr.tenants.create("bank", name="Bank of Nowhere")
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        desk.people.put([Person(id=f"r{n}", name=canary("name", n)) for n in range(40)])
        desk.customers.put(
            [
                Customer(
                    id=f"c{n}",
                    name=canary("customer", n),
                    need=canary("need", n),
                    owner=f"r{n}",
                    identifiers={"account": canary("account", n)},
                )
                for n in range(40)
            ]
        )
        times = {"start": NOW, "end": NOW + timedelta(minutes=30), "written": NOW + timedelta(hours=1)}
        desk.visits.write(
            [
                FollowUp(id=f"f{n}", rep=f"r{n}", customer=f"c{n}", kind="call", text=canary("note", n), **times)
                for n in range(20)
            ]
        )
        desk.messages.submit(
            [
                Message(
                    id=f"g{n}",
                    thread=f"t{n}",
                    rep=f"r{n}",
                    customer=f"c{n}",
                    speaker="rep",
                    text=canary("said", n),
                    time=NOW,
                )
                for n in range(20)
            ]
        )
        desk.places.put(
            [Place(id=f"p{n}", kind=PlaceKind.HOME, lat=31.0 + n / 1000, lon=121.0, datum=Datum.WGS84, subject=f"r{n}", private=True)
             for n in range(5)]
        )  # fmt: skip
        here = {"lat": 31.234567, "lon": 121.456789, "datum": Datum.WGS84, "accuracy_m": 9.0, "time": NOW}
        desk.visits.check_in([CheckIn(id=f"k{n}", rep=f"r{n}", customer=f"c{n}", device="d", **here) for n in range(5)])
    counts = {"name": 40, "customer": 40, "need": 40, "account": 40, "note": 20, "said": 20}
    return [canary(kind, n) for kind, count in counts.items() for n in range(count)]


def provoke(hr: FieldHR) -> list[str]:
    """Return the whole tracebacks, causes included, of calls with marked content that fail."""
    nothing: Any = None
    calls = [
        lambda desk: desk.people.put([Person(id=nothing, name=canary("name", 0))]),
        lambda desk: desk.people.put([Person(id="r0", name=canary("name", 0), language=nothing)]),
        lambda desk: desk.customers.put([Customer(id="c0", name=canary("customer", 0), industry=nothing)]),
        lambda desk: desk.customers.get(canary("need", 0)),
        lambda desk: desk.messages.submit(
            [Message(id="g0", thread="t", rep=nothing, customer=None, speaker="rep", text=canary("said", 0), time=NOW)]
        ),
    ]
    said = []
    for call in calls:
        with hr.acting_as(ADMIN, purpose="operations") as desk:
            try:
                call(desk)
            except Exception as failure:  # noqa: BLE001 - whatever it is, its text is looked at
                lines = traceback.TracebackException.from_exception(failure)
                # Without source lines: those are this test's own.
                said.append("".join(part for part in _messages(lines)))
    assert len(said) >= 4
    return said


def _messages(trace: traceback.TracebackException | None) -> list[str]:
    if trace is None:
        return []
    return [*_messages(trace.__cause__), *_messages(trace.__context__), *trace.format_exception_only()]


@pytest.mark.req("E1")
def test_no_marked_value_is_found_in_the_clear(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keys = FileKeys(tmp_path / "kek", create=True)
    url = f"sqlite:///{tmp_path / 'f.db'}"
    with FieldHR.open(url, keys=keys, clock=FrozenClock(NOW), plugins=["fieldhr_plugins.places"], autoload=False) as hr:
        canaries = hand_in(hr)
        assert len(canaries) == 200
        errors = provoke(hr)
        hr.care.backup(tmp_path / "backup", tmp_path / "keycopy")
        hr.care.rotate("bank")
        hr.advance(NOW + timedelta(days=1))
        evidence = hr.care.evidence(only=["audit.chain", "sealed.form", "sealed.clear"])
        assert evidence.counts["fail"] == 0
        files = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with hr.acting_as(ADMIN, purpose="operations") as desk:
            assert {person.name for person in desk.people.list()} == {canary("name", n) for n in range(40)}
    assert {"f.db", "f.db-wal", "backup", "keycopy", "kek"} <= set(files), "the log is looked at while it is full"
    texts = {
        **files,
        "log": caplog.text.encode(),
        "evidence": evidence.as_json(),
    }
    texts["errors"] = "\n".join(errors).encode()
    found = [
        (name, mark)
        for name, content in texts.items()
        for mark in canaries
        for form in (mark.encode(), mark.encode("utf-16-le"), mark.encode("unicode_escape"))
        if form in content
    ]
    assert found == []
    assert canary("name", 1).encode() in canary("name", 1).encode() * 2, "the search itself can find"
