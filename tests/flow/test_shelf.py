"""What the runtime keeps of a tenant's dates is what the database holds, whatever happened in between."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import attrs
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.flow.acting import Acting
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.flow.shelf import touch
from fieldhr_core.flow.view import View
from fieldhr_core.model import (
    CHECKINS,
    DEALS,
    DUTY_DAYS,
    FOLLOW_UPS,
    NOTES,
    OUTINGS,
    PEOPLE,
    PRESENCE,
    SIGNALS,
    STAYS,
    Absence,
    AbsenceKind,
    Calendar,
    CheckIn,
    Datum,
    Deal,
    FollowUp,
    Outing,
    Period,
    Person,
    Principal,
    Schema,
)

SCHEMAS = (STAYS, SIGNALS, OUTINGS, CHECKINS, FOLLOW_UPS, NOTES, PRESENCE, PEOPLE, DUTY_DAYS)
PERIODS = (Period(date(2026, 3, 1), date(2026, 3, 4)), Period(date(2026, 3, 2), date(2026, 3, 2)))


@pytest.fixture
def runtime(hr: FieldHR, admin: Principal) -> Acting:
    house = hr._house
    assert house is not None
    return Acting(house, admin, "operations", is_runtime=True)


def rows(acting: Acting, schema: Schema, period: Period, as_of: Any, **more: Any) -> list[dict[str, Any]]:
    with acting.unit() as unit:
        table = View(acting, unit, period, as_of, **more)[schema]
        return [{name: repr(value) for name, value in row.items()} for row in table.rows()]


def same(runtime: Acting, as_of: Any) -> bool:
    """Whether shelf and database agree, and there is something to agree about."""
    directly = attrs.evolve(runtime, is_runtime=False)
    seen = 0
    for period in PERIODS:
        for schema in SCHEMAS:
            found = rows(runtime, schema, period, as_of)
            assert found == rows(directly, schema, period, as_of), (schema.name, period)
            seen += len(found)
    return seen > 0


def test_the_shelf_is_what_the_database_holds(
    hr: FieldHR, runtime: Acting, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    clock.advance(town.at("19:00"))
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.people.put([Person(id="r2", name="Bo", manager="m1")])
        desk.people.record_basis("r2", purpose="tracking", basis="consent", notice="v1", at=town.at("00:00", 1))
        desk.outings.put([Outing(id="o2", rep="r2", customer="c1", start=town.at("20:00"), end=town.at("02:00", 3))])
        desk.positions.record(town.stay(town.mall, "14:00", 40), datum=Datum.WGS84)
        assert same(runtime, clock.now())

        # More of the same day, another rep's, and records on both sides of midnight.
        desk.positions.record(town.stay(town.customer, "15:00", 40), datum=Datum.WGS84)
        desk.positions.record(town.stay(town.customer, "14:00", 30, rep="r2"), datum=Datum.WGS84)
        note = FollowUp(
            id="f1", rep="r1", customer="c1", kind="visit", start=town.at("15:00"), end=town.at("15:40"),
            written=town.at("18:00"), text="met the owner",
        )  # fmt: skip
        desk.visits.write([note])
        where = {"lat": town.customer[0], "lon": town.customer[1], "datum": Datum.WGS84, "accuracy_m": 10.0}
        desk.visits.check_in([CheckIn(id="i1", rep="r1", customer="c1", time=town.at("15:05"), **where)])
        assert same(runtime, clock.now())
        assert same(runtime, town.at("15:00")), "nothing later than the judgement"

        # What is exchanged may come to stand on another date.
        desk.visits.write([attrs.evolve(note, written=note.written + timedelta(days=1))])
        desk.outings.put([Outing(id="o2", rep="r2", customer="c1", start=town.at("09:00", 4), end=town.at("10:00", 4))])
        assert same(runtime, town.at("23:00", 4))

        # Who works here, and when.
        desk.people.put([Person(id="r2", name="Bo", manager="m1", branch="b2", joined=date(2026, 3, 3))])
        away = Absence(id="a1", rep="r1", kind=AbsenceKind.LEAVE, start=town.at("09:00", 3), end=town.at("18:00", 3))
        desk.people.put_absences([away])
        assert same(runtime, town.at("23:00", 4))
    hr.tenants.set_calendar(runtime.tenant, Calendar(holidays={date(2026, 3, 4): "rest"}))
    assert same(runtime, town.at("23:00", 4))


def test_what_a_date_did_not_change_is_the_same_object(
    hr: FieldHR, runtime: Acting, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    def stays() -> dict[str, Any]:
        with runtime.unit() as unit:
            return View(runtime, unit, PERIODS[0], clock.now()).by_date(STAYS)

    with hr.acting_as(admin, purpose="operations") as desk:
        for day in (2, 3):
            clock.advance(town.at("19:00", day))
            desk.positions.record(town.stay(town.mall, "14:00", 40, day=day), datum=Datum.WGS84)
        before = stays()
        assert sorted(before) == ["2026-03-02", "2026-03-03"]
        desk.positions.record(town.stay(town.mall, "15:00", 40, day=3), datum=Datum.WGS84)
        after = stays()
    assert after["2026-03-02"] is before["2026-03-02"]
    assert after["2026-03-03"] is not before["2026-03-03"]


def test_a_transaction_that_was_undone_leaves_nothing_on_the_shelf(
    hr: FieldHR, runtime: Acting, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    clock.advance(town.at("19:00"))
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.positions.record(town.stay(town.mall, "14:00", 40), datum=Datum.WGS84)

    def undone() -> None:
        with runtime.unit() as unit:
            table = runtime.tables.rep_days
            unit.connection.execute(table.update().values(resolved_sealed=None))
            touch(runtime, unit, "days", ["2026-03-02"])
            assert not len(View(runtime, unit, PERIODS[0], clock.now())[STAYS])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    assert same(runtime, clock.now())


@pytest.mark.req("E6")
def test_nobody_forgotten_stays_on_the_shelf(
    hr: FieldHR, runtime: Acting, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    clock.advance(town.at("19:00"))
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.positions.record(town.stay(town.mall, "14:00", 40), datum=Datum.WGS84)
    assert rows(runtime, STAYS, PERIODS[0], clock.now())
    hr.care.forget("bank", "r1")
    assert not runtime.house.cached
    assert not rows(runtime, STAYS, PERIODS[0], clock.now())


def test_deals_are_read_again_when_somebody_writes_some(
    hr: FieldHR, runtime: Acting, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    def ids(acting: Acting, as_of: Any) -> list[str]:
        with acting.unit() as unit:
            table = View(acting, unit, PERIODS[0], as_of)[DEALS]
            return [f"{row['deal']} {row['stage']}" for row in table.rows()]

    directly = attrs.evolve(runtime, is_runtime=False)
    clock.advance(town.at("19:00", 4))
    with hr.acting_as(admin, purpose="operations") as desk:
        for number, day in ((1, 2), (2, 3), (1, 3)):
            deal = Deal(
                id=f"d{number}", rep="r1", customer="c1", product="loan", stage="open", opened=town.at("10:00", day)
            )
            desk.deals.put([deal])
            for moment in (town.at("12:00", 2), clock.now()):
                assert ids(runtime, moment) == ids(directly, moment)
    assert len(ids(runtime, clock.now())) == 2
