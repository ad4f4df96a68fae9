"""Whereabouts lose precision on time and only once; the trail is witnessed, and a changed one is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, ConfigError
from fieldhr_core.flow import upkeep
from fieldhr_core.model import CaseState, Datum, Principal, Role
from fieldhr_core.trust.audit import FileWitness
from fieldhr_core.trust.retention import gridded

DAY = date(2026, 3, 2)
SECOND = timedelta(seconds=1)


def midnight_after(days: int, office: Any) -> datetime:
    """The instant at which the 2nd of March becomes *days* + 1 days old."""
    start: datetime = office.at("00:00")
    return start + timedelta(days=days + 1)


@pytest.fixture
def old(open_office: Callable[..., FieldHR], database_url: str, office: Any) -> Iterator[FieldHR]:
    """An office with a retention profile, after a day's work."""
    with open_office(database_url) as runtime:
        office.furnish(runtime, settings={"retention": "CN"})
        office.work(runtime)
        yield runtime


def state(hr: FieldHR, office: Any, rep: str = "r1") -> tuple[Any, ...]:
    """(state of the rep-day, fixes, stays, visits, latitude of the check-in)."""
    premises = hr.care.premises
    with hr.acting_as(office.admin, purpose="supervision") as desk:
        day = desk.reports.day(rep, DAY)
    with premises.binding.transaction(write=False) as connection:
        days, visits = premises.tables.rep_days, premises.tables.visits
        how = connection.execute(sa.select(days.c.state).where(days.c.rep == rep)).scalar()
        met = connection.execute(sa.select(sa.func.count()).where(visits.c.rep == rep)).scalar()
    lats = day.checkins["lat"].tolist()
    return how, len(day.fixes), len(day.stays), met, lats[0] if lats else None


@pytest.mark.req("E6")
def test_precision_goes_at_each_edge_and_not_a_second_earlier(old: FieldHR, office: Any) -> None:
    old.advance(midnight_after(7, office) - SECOND)
    how, fixes, stays, met, lat = state(old, office)
    assert (how, fixes, lat) == ("sealed", 80, office.shop[0])
    assert (stays, met) == (1, 1)
    old.advance(midnight_after(7, office))
    how, fixes, stays, met, lat = state(old, office)
    assert how == "grid"
    assert fixes <= 16, "at most one fix a cell and quarter of an hour"
    assert (stays, met) == (1, 1)
    import numpy as np

    assert lat == gridded(np.array([office.shop[0]]), np.array([office.shop[1]]))[0][0] != office.shop[0]
    old.advance(midnight_after(30, office) - SECOND)
    assert state(old, office) == (how, fixes, stays, met, lat)
    old.advance(midnight_after(30, office))
    how, fixes, stays, met, lat = state(old, office)
    assert (how, fixes, stays, met) == ("visits", 0, 0, 1)
    assert lat != lat
    old.advance(midnight_after(60, office) - SECOND)
    assert state(old, office)[3] == 1
    old.advance(midnight_after(60, office))
    assert state(old, office) == ("counts", 0, 0, 0, None)
    with old.care.premises.binding.transaction(write=False) as connection:
        table = old.care.premises.tables.counters
        counts = {
            row.name: row.count
            for row in connection.execute(sa.select(table).where(table.c.subject == "r1", table.c.date == str(DAY)))
        }
    assert counts["kept.visits"] == 1
    assert counts["kept.visit_s"] > 1_000
    assert counts["kept.checkins_at"] == 1


@pytest.mark.req("E6")
def test_taking_precision_again_changes_nothing(old: FieldHR, office: Any) -> None:
    old.advance(midnight_after(7, office) + timedelta(hours=9))
    before = state(old, office)
    for _ in range(2):
        upkeep.decay(old._acting(office.admin, "operations"))
    assert state(old, office) == before


@pytest.mark.req("E6")
def test_a_run_that_died_half_way_is_taken_up(old: FieldHR, office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = upkeep._to_grid, []

    def dies(acting: Any, unit: Any, keys: Any) -> None:
        calls.append(keys)
        real(acting, unit, keys)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(upkeep, "_AT_ONCE", 1)
    monkeypatch.setattr(upkeep, "_to_grid", dies)
    with pytest.raises(KeyboardInterrupt):
        old.advance(midnight_after(7, office))
    assert {state(old, office, rep)[0] for rep in ("r1", "r2")} == {"grid", "sealed"}
    old.advance(midnight_after(7, office) + timedelta(hours=1))
    assert [state(old, office, rep)[0] for rep in ("r1", "r2")] == ["grid", "grid"]


@pytest.mark.req("E6")
def test_without_a_profile_nothing_is_lost(file_hr: FieldHR, office: Any) -> None:
    file_hr.advance(midnight_after(200, office))
    assert state(file_hr, office)[:2] == ("sealed", 80)


@pytest.mark.req("E6")
def test_fixes_too_old_to_be_held_are_refused(old: FieldHR, office: Any) -> None:
    old.advance(midnight_after(7, office))
    before = state(old, office)
    with old.acting_as(office.admin, purpose="operations") as desk:
        late = desk.positions.record(office.track("r1", "16:00", 10, day=2), datum=Datum.WGS84)
        fine = desk.positions.record(office.track("r1", "16:00", 10, day=3), datum=Datum.WGS84)
    assert (late.stored, late.reasons) == (0, {"privacy.past_retention": 20})
    assert fine.stored == 20
    assert state(old, office)[:3] == before[:3]


@pytest.mark.req("E6")
def test_a_late_check_in_is_blurred_the_next_night(old: FieldHR, office: Any) -> None:
    from fieldhr_core.model import CheckIn

    old.advance(midnight_after(8, office))
    with old.acting_as(office.admin, purpose="operations") as desk:
        desk.visits.check_in(
            [
                CheckIn(
                    id="late",
                    rep="r2",
                    customer="c1",
                    lat=office.shop[0],
                    lon=office.shop[1],
                    datum=Datum.WGS84,
                    accuracy_m=9.0,
                    time=office.at("14:20"),
                    device="d",
                )
            ]
        )
    assert state(old, office, "r2")[4] == office.shop[0]
    old.advance(midnight_after(9, office))
    assert state(old, office, "r2")[4] != office.shop[0]


@pytest.mark.req("E6")
def test_a_legal_hold_keeps_what_its_case_rests_on_until_its_date(old: FieldHR, office: Any) -> None:
    from fieldhr_core.flow.cases import raise_findings
    from fieldhr_core.model import Finding, Severity

    acting = old._acting(office.admin, "operations")
    finding = Finding(
        code="track.offsite_dwell",
        subject_kind="rep",
        subject="r1",
        rep="r1",
        instance="x",
        opened_at=office.at("14:30"),
        severity=Severity.LOW,
        confidence=1.0,
        rule="r",
        version="1",
    )
    with acting.unit() as unit:
        (case,) = raise_findings(acting, unit, [finding], origin="test", day=str(DAY))
    with old.acting_as(office.admin, purpose="compliance") as desk:
        hold = desk.retention.hold(case, until=date(2026, 3, 20), reason="a complaint")
        assert desk.retention.holds() == [hold]
        assert desk.alerts.get(case).history[-1].step == "hold"
    old.advance(midnight_after(7, office) + timedelta(days=9))
    assert state(old, office, "r1")[:2] == ("sealed", 80)
    assert state(old, office, "r1")[4] == office.shop[0]
    assert state(old, office, "r2")[0] == "grid"
    old.advance(office.at("00:00", 21))
    assert state(old, office, "r1")[0] == "grid"
    assert state(old, office, "r1")[4] != office.shop[0]
    rep = Principal(tenant="bank", id="u1", role=Role.REP, person="r1")
    with old.acting_as(rep, purpose="visits") as desk, pytest.raises(AccessError, match="FHR-ACC-003"):
        desk.retention.hold(case, until=date(2026, 4, 1), reason="mine")
    with old.acting_as(office.admin, purpose="compliance") as desk:
        desk.retention.hold(case, until=date(2026, 5, 1), reason="again")
        desk.retention.release(case, reason="settled")
        assert desk.retention.holds() == []
        with pytest.raises(AccessError, match="FHR-ACC-001"):
            desk.retention.hold("nothing", until=date(2026, 4, 1), reason="")


def test_unknown_settings_are_refused(file_hr: FieldHR) -> None:
    with pytest.raises(ConfigError, match="CN, EU, FR"):
        file_hr.tenants.configure("bank", {"retention": "XX"})
    with pytest.raises(ConfigError, match="daily, off"):
        file_hr.tenants.configure("bank", {"audit_check": "never"})


# -- the trail -----------------------------------------------------------------------------------------------------


@pytest.fixture
def witness(hr: FieldHR, tmp_path: Path) -> FileWitness:
    hr.tenants.configure("bank", {"witness": str(tmp_path / "witness")})
    return FileWitness(tmp_path / "witness")


@pytest.mark.req("E3")
def test_checkpoints_are_made_while_time_goes_on_and_when_nothing_happens(
    hr: FieldHR, witness: FileWitness, office: Any
) -> None:
    start = hr.clock.now()
    hr.advance(start + timedelta(seconds=1))
    assert len(witness.checkpoints("bank")) == 1
    hr.advance(start + timedelta(seconds=60))
    assert len(witness.checkpoints("bank")) == 1, "not before a minute is over"
    hr.advance(start + timedelta(seconds=61))
    assert len(witness.checkpoints("bank")) == 2
    hr.advance(start + timedelta(hours=3))
    assert len(witness.checkpoints("bank")) == 3
    with hr.acting_as(office.admin, purpose="audit") as desk:
        assert desk.trail.verify().broken is None


@pytest.mark.req("E3")
@pytest.mark.scenario("O07")
@pytest.mark.parametrize("attack", ["change", "delete", "swap", "cut"])
def test_a_changed_trail_is_told_the_next_night(hr: FieldHR, witness: FileWitness, office: Any, attack: str) -> None:
    hr.advance(office.at("21:00"))
    premises = hr.care.premises
    table = premises.tables.audit
    with premises.binding.transaction(write=True) as connection:
        if attack == "change":
            connection.execute(sa.update(table).where(table.c.seq == 3).values(actor="nobody"))
        elif attack == "delete":
            connection.execute(sa.delete(table).where(table.c.seq == 3))
        elif attack == "swap":
            for one, other in ((3, 9_999), (4, 3), (9_999, 4)):
                connection.execute(sa.update(table).where(table.c.seq == one).values(seq=other))
        else:
            connection.execute(sa.delete(table).where(table.c.seq >= 5))
    hr.advance(office.at("02:59", 3))
    with hr.acting_as(office.admin, purpose="operations") as desk:
        assert desk.alerts.list(code="security.audit_broken") == []
    hr.advance(office.at("03:00", 3))
    with hr.acting_as(office.admin, purpose="operations") as desk:
        (case,) = desk.alerts.list(code="security.audit_broken")
        assert case.finding.severity == "high"
        if attack != "cut":
            assert case.finding.params["seq"] == 3
        else:
            assert case.finding.params["reason"] in ("audit.rewritten", "audit.cut")
        assert case.state is CaseState.RAISED
        hr.advance(office.at("03:00", 4))
        assert len(desk.alerts.list(code="security.audit_broken")) == 1, "the same break is told once"


def test_an_unreachable_witness_stops_nothing(hr: FieldHR, office: Any, tmp_path: Path, caplog: Any) -> None:
    hr.tenants.configure("bank", {"witness": str(tmp_path / "no" / "such" / "folder")})
    hr.advance(office.at("22:00"))
    assert "cannot be reached" in caplog.text


def test_drill_is_told(file_hr: FieldHR, office: Any) -> None:
    assert file_hr.drill().digest_equal
    with file_hr.acting_as(office.admin, purpose="operations") as desk:
        (case,) = desk.alerts.list(code="security.restore_drill")
    assert case.finding.severity == "info"
    assert case.finding.params["digest_equal"] is True


def test_audit_verify_takes_a_witness(run_fieldhr: Any, tmp_path: Path, office: Any) -> None:
    with FieldHR.open(f"sqlite:///{tmp_path / 'fieldhr.db'}", **office.plugins) as hr:
        office.furnish(hr, settings={"witness": str(tmp_path / "witness")})
        hr.advance()
    assert run_fieldhr("audit", "verify", "--witness", "witness").returncode == 0
    with FieldHR.open(f"sqlite:///{tmp_path / 'fieldhr.db'}", **office.plugins) as hr:
        table = hr.care.premises.tables.audit
        with hr.care.premises.binding.transaction(write=True) as connection:
            connection.execute(sa.delete(table).where(table.c.seq >= 3))
    done = run_fieldhr("audit", "verify", "--witness", "witness")
    assert done.returncode == 1
    assert "audit.rewritten" in done.stdout or "audit.cut" in done.stdout
