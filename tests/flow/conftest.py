"""A tiny town: one rep, one customer, one mall, and days made of plain arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import (
    REPORTED,
    Address,
    Coded,
    Customer,
    Datum,
    Outing,
    Person,
    Place,
    PlaceKind,
    Principal,
    Role,
    Table,
    milliseconds,
)
from fieldhr_core.trust.keys import EphemeralKeys

#: These journeys need one plugin; whether the others load is tested elsewhere.
ONLY_PLACES: dict[str, Any] = {"plugins": ["fieldhr_plugins.places"], "autoload": False}
CHINA = timezone(timedelta(hours=8))
CUSTOMER = (31.2300, 121.4700)
MALL = (31.2500, 121.4900)


def at(clock: str, day: int = 2) -> datetime:
    """An instant of March 2026 in Shanghai: Monday is the 2nd."""
    hours, minutes = clock.split(":")
    return datetime(2026, 3, day, int(hours), int(minutes), tzinfo=CHINA)


def stay(
    place: tuple[float, float], start: str, minutes: float, *, day: int = 2, rep: str = "r1", seed: int = 1
) -> Table:
    """Fixes of one rep in one place, one every 30 s, with 5 m of noise."""
    count = int(minutes * 2) + 1
    noise = np.random.default_rng(seed).normal(0, 4e-5, (2, count))
    return REPORTED.table(
        rep=Coded.same(rep, count),
        device=Coded.same(f"phone-{rep}", count),
        time_ms=milliseconds(at(start, day)) + np.arange(count) * 30_000,
        lat=place[0] + noise[0],
        lon=place[1] + noise[1],
        accuracy_m=np.full(count, 8.0),
    )


@pytest.fixture
def town() -> Any:
    """The town's functions and coordinates."""

    class Town:
        customer, mall = CUSTOMER, MALL
        at = staticmethod(at)
        stay = staticmethod(stay)

        @staticmethod
        def day(*parts: Table) -> Table:
            return Table.concat(REPORTED, parts)

    return Town


@pytest.fixture
def admin() -> Principal:
    return Principal(tenant="bank", id="host", role=Role.ADMIN)


@pytest.fixture
def settle() -> Callable[..., None]:
    """Move a rep, a customer, a mall and an outing into a runtime's tenant ``bank``."""

    def into(hr: FieldHR, admin: Principal, **tenant: Any) -> None:
        hr.tenants.create("bank", name="Bank of Nowhere", **tenant)
        with hr.acting_as(admin, purpose="operations") as desk:
            desk.people.put([Person(id="r1", name="An", manager="m1"), Person(id="m1", name="Mo", role="manager")])
            desk.people.record_basis("r1", purpose="tracking", basis="consent", notice="v1", at=at("00:00", 1))
            address = Address(id="a1", lat=CUSTOMER[0], lon=CUSTOMER[1], datum=Datum.WGS84)
            desk.customers.put(
                [Customer(id="c1", name="Zhang San", need="open a futures account", owner="r1", addresses=(address,))]
            )
            desk.places.put(
                [
                    Place(
                        id="p1",
                        kind=PlaceKind.INTEREST,
                        category="mall",
                        lat=MALL[0],
                        lon=MALL[1],
                        datum=Datum.WGS84,
                    )
                ]
            )
            desk.outings.put([Outing(id="o1", rep="r1", customer="c1", start=at("14:00"), end=at("17:00"))])

    return into


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(at("08:00"))


@pytest.fixture
def hr(clock: FrozenClock, admin: Principal, settle: Callable[..., None], database_url: str) -> Iterator[FieldHR]:
    """A runtime on a real database of each kind, with the town in it."""
    with FieldHR.open(database_url, clock=clock, keys=EphemeralKeys(), strict=True, **ONLY_PLACES) as runtime:
        settle(runtime, admin)
        yield runtime
