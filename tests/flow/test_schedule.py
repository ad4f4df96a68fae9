"""Time moves forward, each job runs once at its own instant, and an interrupted run is taken up again."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.errors import RecordError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.hooks import Offer, PluginInfo, hookimpl
from fieldhr_core.model import Datum, Principal, milliseconds
from fieldhr_core.trust.keys import EphemeralKeys


class Diary:
    """An alerter of the evening that writes down when it was asked; it can be told to die."""

    codes: tuple[str, ...] = ()
    cadence = "18:05"
    days = 3

    def __init__(self) -> None:
        self.asked: list[tuple[datetime, str, str]] = []
        self.dies_at: datetime | None = None

    def find(self, tables: Any, /) -> tuple[()]:
        if tables.as_of == self.dies_at:
            raise KeyboardInterrupt
        self.asked.append((tables.as_of, tables.period.first.isoformat(), tables.period.last.isoformat()))
        return ()


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def runtime(diary: Diary, clock: FrozenClock, admin: Principal, settle: Any, sqlite_url: str) -> Any:
    @hookimpl
    def fieldhr_register_alerters(context: Any) -> list[Offer[Any]]:
        return [Offer("diary", lambda settings: diary, role="find")]

    keeper = SimpleNamespace(
        PLUGIN=PluginInfo(name="test.diary", version="1"), fieldhr_register_alerters=fieldhr_register_alerters
    )
    plugins = [keeper, "fieldhr_plugins.places"]
    with FieldHR.open(sqlite_url, clock=clock, keys=EphemeralKeys(), plugins=plugins, autoload=False) as hr:
        settle(hr, admin)
        yield hr


@pytest.mark.req("I3")
def test_each_evening_runs_once_at_its_own_instant(runtime: FieldHR, diary: Diary, town: Any) -> None:
    runtime.advance(town.at("18:04"))
    assert diary.asked == []
    runtime.advance(town.at("18:05"))
    runtime.advance(town.at("18:05"))
    assert diary.asked == [(town.at("18:05"), "2026-02-28", "2026-03-02")]
    runtime.advance(town.at("12:00", day=5))
    assert [asked[2] for asked in diary.asked] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert runtime.clock.now() == town.at("12:00", day=5)


def test_an_interrupted_advance_goes_on_where_it_stopped(runtime: FieldHR, diary: Diary, town: Any) -> None:
    diary.dies_at = town.at("18:05", day=4)
    with pytest.raises(KeyboardInterrupt):
        runtime.advance(town.at("19:00", day=6))
    diary.dies_at = None
    runtime.advance(town.at("19:00", day=6))
    assert [asked[2] for asked in diary.asked] == [f"2026-03-0{day}" for day in (2, 3, 4, 5, 6)]


def test_a_frozen_clock_never_goes_back(runtime: FieldHR, town: Any) -> None:
    with pytest.raises(RecordError, match="FHR-REC-001"):
        runtime.clock.advance(town.at("07:00"))  # type: ignore[attr-defined]


def test_past_days_are_sealed_into_one_block(runtime: FieldHR, admin: Principal, town: Any, sqlite_url: str) -> None:
    whole = town.stay(town.customer, "14:00", 40)
    runtime.advance(town.at("19:00"))
    with runtime.acting_as(admin, purpose="operations") as desk:
        for start in range(0, len(whole), 20):
            desk.positions.record(whole.take(slice(start, start + 20)), datum=Datum.WGS84)
        before = desk.reports.day("r1", town.at("14:00").date())
    assert parts(sqlite_url) == ["resolved"] * 5
    runtime.advance(town.at("03:00", day=3))
    assert parts(sqlite_url) == ["sealed"]
    with runtime.acting_as(admin, purpose="operations") as desk:
        after = desk.reports.day("r1", town.at("14:00").date())
        assert after.fixes["time_ms"].tolist() == before.fixes["time_ms"].tolist()
        late = town.stay(town.customer, "15:00", 10)
        assert desk.positions.record(late, datum=Datum.WGS84).stored == len(late), "a sealed day still takes late fixes"
    assert milliseconds(town.at("15:10")) in desk.reports.day("r1", town.at("14:00").date()).fixes["time_ms"]


def parts(url: str) -> list[str]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        states = connection.execute(
            sa.text("SELECT d.state FROM fieldhr_track_parts p JOIN fieldhr_rep_days d USING (tenant, rep, date)")
        ).scalars()
        found = list(states)
    engine.dispose()
    return found
