"""Any past day can be traced: sealed away, it comes out in every form, with unknown time as unknown."""

from __future__ import annotations

import argparse
import io
import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import (
    REPORTED,
    Address,
    Calendar,
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
from fieldhr_plugins.places.commands import day, day_arguments

CHINA = timezone(timedelta(hours=8))
LAT, LON = 31.23, 121.47


def at(hour: int, minute: int = 0, on: int = 2) -> datetime:
    return datetime(2026, 3, on, hour, minute, tzinfo=CHINA)


def stay(lat: float, start: datetime, minutes: int, seed: int) -> Table:
    count = 2 * minutes + 1
    noise = np.random.default_rng(seed).normal(0, 4e-5, (2, count))
    return REPORTED.table(
        rep=Coded.same("r1", count),
        device=Coded.same("phone", count),
        time_ms=milliseconds(start) + np.arange(count) * 30_000,
        lat=lat + noise[0],
        lon=LON + noise[1],
        accuracy_m=np.full(count, 8.0),
    )


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store in which the 2nd of March is sealed; most of that day nothing was heard."""
    url = f"sqlite:///{tmp_path / 'bank.db'}"
    clock = FrozenClock(at(8))
    with FieldHR.open(url, clock=clock) as hr:
        hr.tenants.create("bank", name="Bank", calendar=Calendar(official_until=date(2026, 2, 28)))
        with hr.acting_as(Principal(tenant="bank", id="host", role=Role.ADMIN), purpose="operations") as desk:
            desk.people.put([Person(id="r1", name="An")])
            desk.people.record_basis("r1", purpose="tracking", basis="consent", notice="v1", at=at(0, on=1))
            address = Address(id="a", lat=LAT, lon=LON, datum=Datum.WGS84)
            desk.customers.put([Customer(id="c1", name="Zhang San", owner="r1", addresses=(address,))])
            mall = {"lat": LAT + 0.05, "lon": LON, "datum": Datum.WGS84}
            desk.places.put([Place(id="p1", name="Plaza", kind=PlaceKind.INTEREST, category="mall", **mall)])
            desk.outings.put([Outing(id="o1", rep="r1", customer="c1", start=at(14), end=at(17))])
            clock.advance(at(19))
            parts = [stay(LAT, at(14), 40, 1), stay(LAT + 0.05, at(15, 40), 47, 2)]
            desk.positions.record(Table.concat(REPORTED, parts), datum=Datum.WGS84)
        hr.advance(to=at(9, on=4))
    return url


def traced(url: str, form: str, out: Path, on: str = "2026-03-02", rep: str = "r1") -> bytes:
    parser = argparse.ArgumentParser()
    day_arguments(parser)
    options = ["--rep", rep, "--date", on, "--format", form, "--db", url, "--out", str(out)]
    assert day(parser.parse_args(options), io.StringIO(), io.StringIO()) == 0
    return out.read_bytes()


@pytest.mark.req("A5", "A9")
def test_a_sealed_day_comes_out_in_every_form(store: str, tmp_path: Path) -> None:
    found: dict[str, Any] = {}
    for form in ("json", "html", "csv", "xlsx", "pdf"):
        found[form] = traced(store, form, tmp_path / f"day.{form}")
    record = json.loads(found["json"])
    assert record["totals"]["visits"] == 1
    assert record["totals"]["positions"] == 81 + 95
    assert record["totals"]["away_s"] == pytest.approx(47 * 60, abs=60)
    # Nine hours of duty, lunch included, of which an hour and a half were seen: the rest is unknown and said to be.
    assert record["totals"]["unknown_s"] > 5 * 3600
    assert record["unofficial_after"] == "2026-02-28"
    page = found["html"].decode()
    for text in ("Zhang San", "mall", "Unknown", "Holidays after 2026-02-28 are not announced yet"):
        assert text in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "Zhang San" in found["csv"].decode("utf-8-sig")
    assert found["xlsx"].startswith(b"PK")
    assert found["pdf"].startswith(b"%PDF-")


@pytest.mark.req("A5")
def test_a_day_of_nobody_and_a_day_without_positions(store: str, tmp_path: Path) -> None:
    assert json.loads(traced(store, "json", tmp_path / "x.json", on="2026-03-03"))["totals"]["positions"] == 0
    with pytest.raises(AccessError, match="FHR-ACC-001"):
        traced(store, "json", tmp_path / "x.json", rep="nobody")


@pytest.mark.req("A9")
def test_an_announced_calendar_takes_the_place_of_the_old_one(store: str, tmp_path: Path) -> None:
    with FieldHR.open(store, clock=FrozenClock(at(9, on=4))) as hr:
        hr.tenants.set_calendar("bank", Calendar(official_until=date(2026, 12, 31)))
        with pytest.raises(AccessError, match="FHR-ACC-001"):
            hr.tenants.set_calendar("nobody", Calendar())
    assert json.loads(traced(store, "json", tmp_path / "x.json"))["unofficial_after"] is None
