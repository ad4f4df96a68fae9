"""A person sees everything held about them and who looked; nobody else does without the purpose for it."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError
from fieldhr_core.flow.people import FORGOTTEN_NAME
from fieldhr_core.model import Audience, Finding, Principal, Role, Severity
from fieldhr_core.trust.scope import TABLES

REP = Principal(tenant="bank", id="u1", role=Role.REP, person="r1")
HR = Principal(tenant="bank", id="hr", role=Role.HR_PAYROLL)


def raised(hr: FieldHR, office: Any, instance: str, audience: tuple[Audience, ...]) -> None:
    from fieldhr_core.flow.cases import raise_findings

    acting = hr._acting(office.admin, "operations")
    finding = Finding(
        code="conduct.test",
        subject_kind="rep",
        subject="r1",
        rep="r1",
        instance=instance,
        opened_at=office.at("14:30"),
        severity=Severity.LOW,
        confidence=1.0,
        rule="r",
        version="1",
        audience=audience,
    )
    with acting.unit() as unit:
        raise_findings(acting, unit, [finding], origin="test")


@pytest.mark.req("E6")
def test_rep_sees_every_stored_row_about_them(hr: FieldHR, office: Any) -> None:
    raised(hr, office, "told", (Audience.REP, Audience.MANAGER))
    raised(hr, office, "secret", (Audience.COMPLIANCE,))
    with hr.acting_as(office.admin, purpose="performance") as desk:
        from fieldhr_core.model import Period

        desk.scores.measure(Period(office.at("00:00").date(), office.at("00:00").date()))
    with hr.acting_as(REP, purpose="visits") as desk:
        view = desk.subject.view("r1")
    premises = hr.care.premises
    with premises.binding.transaction(write=False) as connection:
        for name, rule in TABLES.items():
            if rule.person is None or name in ("keys", "audit", "cases"):
                continue
            table = getattr(premises.tables, name)
            count = sa.select(sa.func.count()).where(table.c.tenant == "bank", table.c[rule.person] == "r1")
            assert len(view.facts[name]) == connection.execute(count).scalar(), name
    assert view.facts["people"][0]["name"] == "An Canary-Name-1"
    assert view.facts["places"][0]["body"]["lat"] == office.home[0]
    assert len(view.facts["track_parts"][0]["body"]) == 80
    assert view.facts["rep_days"][0]["resolved"]["stays"][0]["customer"] == "c1"
    assert view.facts["checkins"][0]["body"]["lat"] == office.shop[0]
    assert view.facts["messages"][0]["text"] == "Canary-Message"
    assert view.facts["follow_ups"][0]["text"] == "Canary-Note"
    assert [case["instance"] for case in view.facts["cases"]] == ["told"], "what must not be told is not shown"
    assert "Canary-Name-2" not in view.as_json().decode(), "nothing of anybody else's"


@pytest.mark.req("E6")
def test_it_says_who_looked_when_and_why(hr: FieldHR, office: Any) -> None:
    hr.clock.advance(hr.clock.now() + timedelta(minutes=1))  # type: ignore[attr-defined]
    manager = Principal(tenant="bank", id="boss", role=Role.MANAGER, person="m1")
    with hr.acting_as(manager, purpose="supervision") as desk:
        desk.reports.day("r1", office.at("14:00").date())
        looked = hr.clock.now()
    with hr.acting_as(REP, purpose="visits") as desk:
        looks = desk.subject.view("r1").looks
    mine = [look for look in looks if look.actor == "boss"]
    assert {(look.role, look.purpose, look.at) for look in mine} == {("manager", "supervision", looked)}
    assert {"read.whereabouts", "reports.day"} <= {look.action for look in mine}
    with hr.acting_as(HR, purpose="subject_access") as desk:
        looks = desk.subject.view("r1").looks
    assert ("u1", "read.subject") in {(look.actor, look.action) for look in looks}


@pytest.mark.req("E6")
def test_only_the_person_and_hr_with_that_purpose(hr: FieldHR, office: Any) -> None:
    refused = [
        (Principal(tenant="bank", id="u2", role=Role.REP, person="r2"), "visits"),
        (Principal(tenant="bank", id="u2", role=Role.REP, person="r2"), "subject_access"),
        (Principal(tenant="bank", id="boss", role=Role.MANAGER, person="m1"), "subject_access"),
        (Principal(tenant="bank", id="c", role=Role.COMPLIANCE), "subject_access"),
        (Principal(tenant="bank", id="a", role=Role.AUDITOR), "subject_access"),
        (HR, "payroll"),
        (office.admin, "operations"),
    ]
    for principal, purpose in refused:
        with hr.acting_as(principal, purpose=purpose) as desk, pytest.raises(AccessError, match="FHR-ACC-003"):
            desk.subject.view("r1")
    with hr.acting_as(HR, purpose="subject_access") as desk:
        assert desk.subject.view("r1").person == "r1"
        with pytest.raises(AccessError, match="FHR-ACC-001"):
            desk.subject.view("nobody")


@pytest.mark.req("E6")
def test_export_is_json_and_zip_with_the_same_content(file_hr: FieldHR) -> None:
    with file_hr.acting_as(REP, purpose="visits") as desk:
        view = desk.subject.view("r1")
    whole = json.loads(view.as_json())
    with zipfile.ZipFile(io.BytesIO(view.as_zip())) as archive:
        parts = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    assert parts.pop("who_looked.json") == whole["looks"]
    assert {name.removesuffix(".json"): rows for name, rows in parts.items()} == whole["facts"]
    assert view.as_zip() == view.as_zip()


@pytest.mark.req("E6")
def test_forgotten_person_is_shown_as_such(hr: FieldHR) -> None:
    hr.care.forget("bank", "r1")
    with hr.acting_as(HR, purpose="subject_access") as desk:
        view = desk.subject.view("r1")
    assert view.facts["people"][0]["name"] == FORGOTTEN_NAME
    assert view.facts["places"] == view.facts["track_parts"] == []
    assert "31.4321" not in view.as_json().decode()
