"""What a host writes, and the types that checkers must see in it. Checked, never run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import assert_type

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from fieldhr_core.hooks import PluginReport
from fieldhr_core.model import (
    REPORTED,
    Case,
    CaseStep,
    CheckIn,
    CheckInAnswer,
    Customer,
    Datum,
    Message,
    Period,
    Person,
    Principal,
    Receipt,
    Role,
    Ruling,
    Table,
)
from fieldhr_core.runtime import FieldHR


def morning(engine: Engine, session: Session, at: datetime) -> None:
    """Open runtimes on what a host has, and use a desk."""
    with FieldHR.open(session) as borrowed:
        assert_type(borrowed, FieldHR)
    with FieldHR.open(engine, plugins=["acme.sample"], autoload=False, call_limit_s=2.0) as hr:
        assert_type(hr.plugins, tuple[PluginReport, ...])
        assert_type(hr.clock.now(), datetime)
        assert_type(hr.advance(at), int)
        hr.tenants.create("bank", name="A bank", settings={"fieldhr.places": {"dwell_limit_s": 1200}})
        with hr.acting_as(Principal(tenant="bank", id="u1", role=Role.ADMIN), purpose="operations") as desk:
            desk.people.put([Person(id="ann", name="Ann")])
            assert_type(desk.customers.put([Customer(id="c", name="C")]), Receipt)
            assert_type(desk.positions.record(REPORTED.empty(), datum=Datum.WGS84), Receipt)
            checkin = CheckIn(id="1", rep="ann", customer="c", time=at, lat=31.2, lon=121.5, datum=Datum.GCJ02)
            assert_type(desk.visits.check_in([checkin]), list[CheckInAnswer])
            rulings: Sequence[Ruling] = desk.messages.submit(list[Message]())
            assert_type(desk.alerts.list(), list[Case])
            assert_type(desk.alerts.step("case", CaseStep.ACKNOWLEDGE, note="seen"), Case)
            assert_type(desk.scores.measure(Period(date(2026, 3, 2), date(2026, 3, 8))), Table)
            assert_type(desk.reports.day("ann", date(2026, 3, 2)).stays, Table)
            del rulings


def mistakes(hr: FieldHR) -> None:
    """Write what checkers must refuse: each comment fails the check once the line is accepted."""
    hr.acting_as(Principal(tenant="bank", id="u1", role=Role.ADMIN))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Principal("bank", "u1", Role.ADMIN)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
