"""Scorecards through the desk: who sees which, what may move them, what may not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import attrs
import openpyxl
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, RecordError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import (
    Absence,
    AbsenceKind,
    Audience,
    CaseStep,
    CheckIn,
    Datum,
    Deal,
    Feedback,
    Finding,
    FollowUp,
    Loan,
    Period,
    Person,
    Principal,
    Role,
    Scorecard,
    Severity,
)
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_plugins.scorecards.report import appraisal, rendered

MARCH = Period(date(2026, 3, 2), date(2026, 3, 31))
REPS = tuple(f"s{n}" for n in range(12))
HR = Principal(tenant="bank", id="hr", role=Role.HR_PAYROLL)
MANAGER = Principal(tenant="bank", id="mo", role=Role.MANAGER, person="m1")
OWN = Principal(tenant="bank", id="s3", role=Role.REP, person="s3")
PLUGINS: dict[str, Any] = {
    "plugins": ["fieldhr_plugins.places", "fieldhr_plugins.scorecards"],
    "autoload": False,
}


@pytest.fixture
def clock(town: Any) -> FrozenClock:
    return FrozenClock(town.at("08:00", 1))


@pytest.fixture
def bank(
    clock: FrozenClock, admin: Principal, settle: Callable[..., None], database_url: str, town: Any
) -> Iterator[FieldHR]:
    """Twelve credit managers with a month of loans, deals, visits and ratings; positions are taken of nobody."""
    with FieldHR.open(database_url, clock=clock, keys=EphemeralKeys(), strict=True, **PLUGINS) as hr:
        settle(hr, admin)
        days = [2 + n for n in range(28) if (date(2026, 3, 2) + timedelta(days=n)).weekday() < 5]
        with hr.acting_as(admin, purpose="integration") as desk:
            desk.people.put(
                [Person(id=rep, name=rep, role="credit_manager", manager="m1", team="t", branch="b") for rep in REPS]
            )
            for n, rep in enumerate(REPS):
                desk.loans.put(
                    Loan(
                        id=f"l-{rep}-{k}",
                        rep=rep,
                        customer=f"k{n}-{k}",
                        product="sme",
                        booked=town.at("09:00", 1) - timedelta(days=200 + k),
                        overdue_since=town.at("09:00", 1) if k < n else None,
                        risk="high" if k % 7 == n % 7 else "normal",
                    )
                    for k in range(40)
                )
                desk.deals.put(
                    Deal(
                        id=f"d-{rep}-{k}",
                        rep=rep,
                        customer=f"c{n}-{k}",
                        product="loan",
                        stage="signed" if k % 3 else "lost",
                        opened=town.at("09:00", 1) - timedelta(days=10),
                        closed=town.at("12:00", 2 + k % 27),
                    )
                    for k in range(6 + n)
                )
                desk.deals.put_feedback(
                    Feedback(id=f"b-{rep}-{k}", rep=rep, customer=f"c{n}-{k}", kind="rating", at=town.at("15:00", 3 + k), rating=(50 + 3 * n + k) / 100)
                    for k in range(6)
                )  # fmt: skip
        with hr.acting_as(admin, purpose="integration") as desk:
            visits, calls = [], []
            for n, rep in enumerate(REPS):
                for day in days[: 12 + n % 5]:
                    visits.append(_visit(town, rep, day, f"c{n}-{day}", "10:00", "10:40"))
                    calls.append(_check_in(town, rep, day, f"c{n}-{day}", "10:00"))
            desk.visits.write(visits)
            desk.visits.check_in(calls)
        clock.advance(town.at("23:00", 31) + timedelta(days=3))
        yield hr


def _visit(town: Any, rep: str, day: int, customer: str, start: str, end: str) -> FollowUp:
    return FollowUp(id=f"f-{rep}-{day}-{customer}-{start}", rep=rep, customer=customer, kind="visit", start=town.at(start, day), end=town.at(end, day), written=town.at(end, day))  # fmt: skip


def _check_in(town: Any, rep: str, day: int, customer: str, at: str) -> CheckIn:
    # Where the customer is nobody knows, so the verdict is UNKNOWN: the record counts.
    return CheckIn(id=f"k-{rep}-{day}-{customer}-{at}", rep=rep, customer=customer, time=town.at(at, day), lat=town.customer[0], lon=town.customer[1], datum=Datum.WGS84)  # fmt: skip


def cards(hr: FieldHR, who: Principal = HR, **more: Any) -> dict[str, Scorecard]:
    with hr.acting_as(who, purpose="performance") as desk:
        return {card.subject: card for card in desk.scores.cards(MARCH, **more)}


@pytest.mark.req("B5")
def test_contributions_add_up_and_everybody_sees_what_is_theirs(bank: FieldHR) -> None:
    everybody = cards(bank)
    assert set(REPS) <= set(everybody)
    for card in everybody.values():
        if card.total is not None:
            assert sum(component.contribution for component in card.components) == card.total
            assert sum(component.share for component in card.components) == pytest.approx(100)
            assert card.low is not None
            assert card.high is not None
            assert card.low <= card.total <= card.high
    assert everybody["s0"].missing
    assert "m1" not in everybody
    assert set(cards(bank, MANAGER)) >= set(REPS)
    assert cards(bank, OWN) == {"s3": everybody["s3"]}
    with bank.acting_as(OWN, purpose="performance") as desk, pytest.raises(AccessError, match="FHR-ACC-001"):
        desk.scores.behind(MARCH, "s4", "overdue_rate")


@pytest.mark.req("B5")
@pytest.mark.req("B1")
def test_each_figure_names_the_records_behind_it(bank: FieldHR) -> None:
    card = cards(bank, OWN)["s3"]
    with bank.acting_as(OWN, purpose="performance") as desk:
        for component in card.components:
            behind = desk.scores.behind(MARCH, "s3", component.metric)
            assert len(behind)
            assert behind["of"].sum() == pytest.approx(component.exposure)
            assert behind["counts"].sum() / behind["of"].sum() == pytest.approx(component.value)
        late = desk.scores.behind(MARCH, "s3", "overdue_rate")
        assert late["record"][late["counts"] > 0].tolist() == ["l-s3-0", "l-s3-1", "l-s3-2"]
        with pytest.raises(RecordError, match="FHR-REC-001"):
            desk.scores.behind(MARCH, "s3", "luck")


@pytest.mark.req("B3")
def test_weights_are_versioned_and_others_can_be_tried(bank: FieldHR) -> None:
    before = cards(bank)
    tried = cards(bank, weights={"credit_manager": {"overdue_rate": 1, "sales_per_20_days": 1}})
    card = tried["s11"]
    assert card.what_if
    assert card.weights_version != before["s11"].weights_version
    assert {component.share for component in card.components} == {50.0}
    assert cards(bank) == before
    with bank.acting_as(HR, purpose="performance") as desk:
        version = desk.scores.weighting().version
        assert {card.weights_version for card in before.values()} == {version}
        for wrong in (
            {"nobody": {}},
            {"agent": {"luck": 1}},
            {"agent": {"overdue_rate": -1}},
            {"agent": {"overdue_rate": 0}},
        ):
            with pytest.raises(RecordError, match="FHR-REC-001"):
                desk.scores.cards(MARCH, weights=wrong)
    heavy = {"fieldhr.scorecards": {"weights_label": "2026-Q2", "cards": {"all": {"weights": {"overdue_rate": 100}}}}}
    bank.tenants.configure("bank", heavy)
    after = cards(bank)["s11"]
    assert after.weights_version.startswith("2026-Q2-")
    assert [component.metric for component in after.components] == ["overdue_rate"]


@pytest.mark.req("E6")
@pytest.mark.req("B5")
def test_rights_leave_a_score_exactly_as_it_was(bank: FieldHR, admin: Principal, town: Any) -> None:
    before = cards(bank)
    with bank.acting_as(admin, purpose="operations") as desk:
        desk.people.record_basis("s3", purpose="tracking", basis="consent", notice="v1", at=town.at("00:00", 2))
        desk.people.withdraw_basis("s3", purpose="tracking", at=town.at("12:00", 5))
        desk.people.withdraw_basis("s4", purpose="coaching", at=town.at("12:00", 5))
        away = [
            Absence(id="x1", rep="s5", kind=AbsenceKind.LEAVE, start=town.at("00:00", 9), end=town.at("00:00", 14)),
            Absence(id="x2", rep="s6", kind=AbsenceKind.PRIVATE, start=town.at("09:00", 9), end=town.at("12:00", 9)),
            Absence(id="x3", rep="s7", kind=AbsenceKind.PARENTAL, start=town.at("00:00", 16), end=town.at("00:00", 30)),
        ]
        desk.people.put_absences(away)
    assert cards(bank) == before


@pytest.mark.req("E6")
@pytest.mark.req("C8")
def test_only_what_is_closed_and_upheld_counts(bank: FieldHR, clock: FrozenClock, admin: Principal, town: Any) -> None:
    before = cards(bank)
    with bank.acting_as(admin, purpose="operations") as desk:
        acting = desk.scores._acting.as_house()
    from fieldhr_core.flow.cases import raise_findings

    findings = [
        Finding(code="track.offsite_dwell", subject_kind="rep", subject="s3", rep="s3", instance=f"i{n}", opened_at=town.at("10:00", 5 + n), closed_at=town.at("11:00", 5 + n), severity=Severity.MEDIUM, confidence=0.9, rule="r", version="1", audience=(Audience.MANAGER,))
        for n in range(2)
    ]  # fmt: skip
    with acting.unit() as unit:
        contested, other = raise_findings(acting, unit, findings, origin="test", day="2026-03-05")
    assert cards(bank) == before
    with bank.acting_as(OWN, purpose="performance") as desk:
        desk.alerts.step(contested, CaseStep.CONTEST, note="I was there")
    assert cards(bank) == before

    def decided(state: str, outcome: str) -> dict[str, Scorecard]:
        """As if people had decided and time had closed it; how that comes about is tested with the cases."""
        table = acting.tables.cases
        with acting.unit() as unit:
            changed = {"state": state, "outcome": outcome, "settled_ms": unit.at_ms if state == "closed" else None}
            unit.connection.execute(table.update().where(table.c.id == other).values(**changed))
        clock.advance(clock.now() + timedelta(days=1))
        return cards(bank)

    open_or_lost = (("confirmed", "upheld"), ("contested", "upheld"), ("closed", "dismissed"), ("closed", "expired"))
    assert all(decided(state, outcome) == before for state, outcome in (*open_or_lost, ("withdrawn", "withdrawn")))
    # It was closed after the month: the month's card stands as it was, and the quarter's knows of it.
    assert decided("closed", "upheld") == before
    quarter = Period(MARCH.first, MARCH.last + timedelta(days=20))
    with bank.acting_as(HR, purpose="performance") as desk:
        (line,) = (c for c in _card(desk, quarter, "s3").components if c.metric == "upheld_alerts_per_20_days")
        assert line.value > 0
    decided("confirmed", "upheld")
    with bank.acting_as(HR, purpose="performance") as desk:
        (line,) = (c for c in _card(desk, quarter, "s3").components if c.metric == "upheld_alerts_per_20_days")
        assert line.value == 0


def _card(desk: Any, period: Period, rep: str) -> Scorecard:
    (card,) = desk.scores.cards(period, reps=[rep])
    return card


@pytest.mark.req("B5")
@pytest.mark.scenario("B06")
def test_short_visits_do_not_raise_a_score(bank: FieldHR, admin: Principal, town: Any) -> None:
    before = cards(bank)["s3"]
    with bank.acting_as(admin, purpose="integration") as desk:
        desk.visits.write(
            _visit(town, "s3", day, f"x{n}", f"{11 + n}:00", f"{11 + n}:06") for day in (3, 4, 5, 6) for n in range(6)
        )
    after = cards(bank)["s3"]
    line = {c.metric: c for c in before.components}, {c.metric: c for c in after.components}
    assert line[1]["credited_visits_per_day"].value == line[0]["credited_visits_per_day"].value
    assert after.total == before.total


@pytest.mark.req("B3")
@pytest.mark.req("B4")
def test_rewards_and_trainings_are_suggested_and_nothing_is_applied(bank: FieldHR) -> None:
    made = cards(bank)
    assert any(s.kind == "training" for card in made.values() for s in card.suggestions)
    with bank.acting_as(HR, purpose="performance") as desk:
        assert desk.alerts.list() == []
    assert all(attrs.asdict(s)["kind"] in ("reward", "training") for card in made.values() for s in card.suggestions)


@pytest.mark.req("B1")
@pytest.mark.parametrize("subject", ["", "s3", "team:t", "branch:b"])
def test_a_report_has_charts_first_and_a_table_beside_each(bank: FieldHR, subject: str) -> None:
    with bank.acting_as(MANAGER, purpose="performance") as desk:
        found = appraisal(desk, MARCH, subject)
    page = rendered(found, "html").decode()
    assert 1 <= page.count("<svg") <= page.count("<table")
    assert page.index("<svg") < page.index("<table")
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    if subject == "s3":
        card = found.card
        assert card is not None
        assert f"{card.total / 100:.2f}" in page
        assert sum(round(100 * float(row[15])) for row in _csv(rendered(found, "csv"))) == card.total
    book = openpyxl.load_workbook(io.BytesIO(rendered(found, "xlsx")))
    assert len(book.sheetnames) == 4
    assert json.loads(rendered(found, "json"))["subject"] == subject
    assert "绩效" in rendered(found, "html", "zh-Hans").decode()


def _csv(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))[1:]


@pytest.mark.req("B5")
@pytest.mark.req("E2")
def test_a_rep_gets_their_own_report_and_no_other(bank: FieldHR) -> None:
    with bank.acting_as(OWN, purpose="performance") as desk:
        own = appraisal(desk, MARCH, "s3")
        assert [card.subject for card in own.cards] == ["s3"]
        page = rendered(own, "html").decode()
        assert not any(f">{rep}<" in page for rep in REPS if rep != "s3")
        for other in ("s4", "team:nobody", "m1"):
            with pytest.raises(AccessError, match="FHR-ACC-001"):
                appraisal(desk, MARCH, other)


@pytest.mark.req("B1")
def test_a_report_is_a_pdf_too(bank: FieldHR) -> None:
    pytest.importorskip("weasyprint")
    with bank.acting_as(MANAGER, purpose="performance") as desk:
        assert rendered(appraisal(desk, MARCH, "team:t"), "pdf").startswith(b"%PDF")
