"""A small office to look after: two reps with positions, visits, messages and a customer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import (
    REPORTED,
    Address,
    CheckIn,
    Coded,
    Customer,
    Datum,
    FollowUp,
    Message,
    Outing,
    Person,
    Place,
    PlaceKind,
    Principal,
    Role,
    Table,
    milliseconds,
)
from fieldhr_core.trust.keys import FileKeys, KeyProvider

ONLY_PLACES: dict[str, Any] = {"plugins": ["fieldhr_plugins.places"], "autoload": False}
CHINA = timezone(timedelta(hours=8))
ADMIN = Principal(tenant="bank", id="host", role=Role.ADMIN)
SHOP = (31.23, 121.47)
HOME = (31.4321, 121.6543)


def at(clock: str, day: int = 2) -> datetime:
    """An instant of March 2026 in Shanghai: Monday is the 2nd."""
    hours, minutes = clock.split(":")
    return datetime(2026, 3, day, int(hours), int(minutes), tzinfo=CHINA)


def track(rep: str, start: str, minutes: int, *, day: int = 2, place: tuple[float, float] = SHOP) -> Table:
    """Fixes of one rep round one place, one every 30 s."""
    count = minutes * 2
    noise = np.random.default_rng(day).normal(0, 4e-5, (2, count))
    return REPORTED.table(
        rep=Coded.same(rep, count),
        device=Coded.same(f"phone-{rep}", count),
        time_ms=milliseconds(at(start, day)) + np.arange(count) * 30_000,
        lat=place[0] + noise[0],
        lon=place[1] + noise[1],
        accuracy_m=np.full(count, 8.0),
    )


def furnish(hr: FieldHR, **tenant: Any) -> None:
    """Put the office into a runtime as the tenant ``bank``."""
    hr.tenants.create("bank", name="Bank of Nowhere", **tenant)
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        desk.people.put(
            [
                Person(id="r1", name="An Canary-Name-1", manager="m1", traits={"years": 3}),
                Person(id="r2", name="Bo Canary-Name-2", manager="m1"),
                Person(id="m1", name="Mo Canary-Name-3", role="manager"),
            ]
        )
        for rep in ("r1", "r2"):
            desk.people.record_basis(rep, purpose="tracking", basis="consent", notice="v1", at=at("00:00", 1))
        address = Address(id="a1", lat=SHOP[0], lon=SHOP[1], datum=Datum.WGS84)
        desk.customers.put(
            [
                Customer(
                    id="c1",
                    name="Zhang Canary-Customer",
                    need="a loan",
                    owner="r1",
                    identifiers={"ric": "11010519491231002X"},
                    addresses=(address,),
                )
            ]
        )
        desk.places.put(
            [
                Place(
                    id="h1",
                    kind=PlaceKind.HOME,
                    lat=HOME[0],
                    lon=HOME[1],
                    datum=Datum.WGS84,
                    subject="r1",
                    private=True,
                )
            ]
        )
        desk.outings.put([Outing(id="o1", rep="r1", customer="c1", start=at("14:00"), end=at("15:00"))])


def work(hr: FieldHR, *, day: int = 2) -> None:
    """Let both reps work a day."""
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        for rep in ("r1", "r2"):
            desk.positions.record(track(rep, "14:00", 40, day=day), datum=Datum.WGS84)
        desk.visits.check_in(
            [
                CheckIn(
                    id=f"k{day}",
                    rep="r1",
                    customer="c1",
                    lat=SHOP[0],
                    lon=SHOP[1],
                    datum=Datum.WGS84,
                    accuracy_m=10.0,
                    time=at("14:10", day),
                    device="phone-r1",
                )
            ]
        )
        desk.visits.write(
            [
                FollowUp(
                    id=f"f{day}",
                    rep="r1",
                    customer="c1",
                    kind="visit",
                    start=at("14:00", day),
                    end=at("14:40", day),
                    written=at("15:00", day),
                    text="Canary-Note",
                )
            ]
        )
        desk.messages.submit(
            [
                Message(
                    id=f"g{day}",
                    thread="t1",
                    rep="r1",
                    customer="c1",
                    speaker="rep",
                    text="Canary-Message",
                    time=at("15:05", day),
                )
            ]
        )


@pytest.fixture
def office() -> Any:
    """The functions and values of this file."""
    return SimpleNamespace(
        at=at, track=track, furnish=furnish, work=work, admin=ADMIN, shop=SHOP, home=HOME, plugins=ONLY_PLACES
    )


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(at("20:00"))


@pytest.fixture
def keys(tmp_path: Path) -> KeyProvider:
    return FileKeys(tmp_path / "kek", create=True)


@pytest.fixture
def open_office(clock: FrozenClock, keys: KeyProvider) -> Callable[..., FieldHR]:
    """Open a runtime on a database URL."""

    def opened(url: str, **more: Any) -> FieldHR:
        return FieldHR.open(url, **{"clock": clock, "keys": keys, "strict": True, **ONLY_PLACES, **more})

    return opened


@pytest.fixture
def hr(open_office: Callable[..., FieldHR], database_url: str) -> Iterator[FieldHR]:
    """A runtime on a database of each kind, after a day's work."""
    with open_office(database_url) as runtime:
        furnish(runtime)
        work(runtime)
        yield runtime


@pytest.fixture
def file_hr(open_office: Callable[..., FieldHR], sqlite_url: str) -> Iterator[FieldHR]:
    """A runtime on a SQLite file, after a day's work."""
    with open_office(sqlite_url) as runtime:
        furnish(runtime)
        work(runtime)
        yield runtime
