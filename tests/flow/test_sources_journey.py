"""Records of another system in a running house: pages, failures, merges, and visits that go back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, PluginError, RecordError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.flow.view import View
from fieldhr_core.hooks import Offer, PluginInfo, Pulled, TakesNotes, hookimpl
from fieldhr_core.model import (
    ATTENDANCE,
    DEALS,
    FEEDBACK,
    Absence,
    AbsenceKind,
    Address,
    Attendance,
    CheckIn,
    Customer,
    Datum,
    Deal,
    Feedback,
    FollowUp,
    Period,
    Person,
    Principal,
    Problem,
    Role,
)
from fieldhr_core.trust.keys import EphemeralKeys

SAID = datetime(2026, 3, 1, 9, tzinfo=UTC)


@attrs.define(eq=False)
class Erp:
    """The other system: pages by cursor, and what was written to it by rep-day and note."""

    source = "erp"
    pages: list[Any] = attrs.field(factory=list)
    days: dict[tuple[str, str], list[dict[str, Any]]] = attrs.field(factory=dict)
    notes: dict[str, FollowUp] = attrs.field(factory=dict)
    calls: list[str] = attrs.field(factory=list)
    broken: bool = False

    def pull(self, cursor: str | None, /) -> Pulled:
        self.calls.append(f"pull {cursor}")
        page = self.pages[int(cursor or 0)]
        if isinstance(page, Exception):
            raise page
        return page

    def push(self, visits: Any, /) -> list[Problem]:
        if self.broken:
            raise ConnectionError("the name of somebody")
        self.calls.append(f"push {len(visits)}")
        for row in visits.rows():
            self.days.setdefault((row["rep"], row["date"]), []).clear()
        for row in visits.rows():
            self.days[row["rep"], row["date"]].append(row)
        return []

    def push_notes(self, notes: Any, /) -> list[Problem]:
        for note in notes:
            self.notes[note.id] = note
        return [
            Problem(code="erp.note_too_long", message="Too long.", at=note.id) for note in notes if len(note.text) > 9
        ]


@pytest.fixture
def erp() -> Erp:
    return Erp()


@pytest.fixture
def hr(clock: FrozenClock, admin: Principal, settle: Any, database_url: str, erp: Erp) -> Iterator[FieldHR]:
    plugin = SimpleNamespace(
        PLUGIN=PluginInfo(name="acme.erp", version="1"),
        fieldhr_register_connectors=hookimpl(lambda context: [Offer("erp", lambda settings: erp)]),
    )
    plugins = ["fieldhr_plugins.places", plugin]
    with FieldHR.open(
        database_url, clock=clock, keys=EphemeralKeys(), strict=True, plugins=plugins, autoload=False
    ) as runtime:
        settle(runtime, admin)
        yield runtime


def customer(id_: str, name: str = "Li", **fields: Any) -> Customer:
    return Customer(id=id_, name=name, owner="r1", source="erp", **fields)


def deal(id_: str, of: str) -> Deal:
    return Deal(id=id_, rep="r1", customer=of, product="loan", stage="lead", opened=SAID)


def tables(hr: FieldHR, admin: Principal, clock: FrozenClock) -> View:
    acting = hr._acting(admin, "operations")
    period = Period((clock.now() - timedelta(days=3)).date(), clock.now().date())
    with acting.unit() as unit:
        view = View(acting, unit, period, clock.now())
        for schema in (DEALS, FEEDBACK, ATTENDANCE):
            view[schema]
        return view


@pytest.mark.req("G3")
def test_a_source_that_fails_halfway_goes_on_from_the_last_page(hr: FieldHR, admin: Principal, erp: Erp) -> None:
    erp.pages = [
        Pulled(customers=[customer("e1")], cursor="1", more=True),
        ConnectionRefusedError("10.0.0.1"),
    ]
    with hr.acting_as(admin, purpose="operations") as desk:
        assert desk.sources.states() == []
        with pytest.raises(PluginError):
            desk.sources.pull("erp")
        (state,) = desk.sources.states()
        assert (state.name, state.state, state.failures) == ("erp", "stale", 1)
        assert state.pulled is not None
        assert "ConnectionRefusedError" in state.reason
        assert "10.0.0.1" not in state.reason
        assert desk.customers.get("e1").name == "Li"

        erp.pages[1] = Pulled(
            customers=[customer("e2"), customer("", "no id")],
            problems=[Problem(code="erp.bad", message="Bad.", at="7")],
            gone=["e1"],
            cursor="1",
        )
        receipt = desk.sources.pull("erp")
        assert (receipt.stored, receipt.reasons) == (1, {"customer.no_id": 1, "erp.bad": 1})
        assert erp.calls == ["pull None", "pull 1", "pull 1"]
        (state,) = desk.sources.states()
        assert (state.state, state.failures, state.reason) == ("fresh", 0, "")
        assert [one.id for one in desk.customers.list()] == ["c1", "e2"]


@pytest.mark.req("G3")
@pytest.mark.scenario("O03")
def test_check_ins_go_on_while_a_source_is_down(hr: FieldHR, admin: Principal, erp: Erp, town: Any) -> None:
    erp.pages = [ConnectionRefusedError()]
    with hr.acting_as(admin, purpose="operations") as desk:
        for _ in range(4):
            with pytest.raises(PluginError):
                desk.customers.pull("erp")
        lat, lon = town.customer
        sent = CheckIn(id="k", rep="r1", customer="c1", time=town.at("08:00"), lat=lat, lon=lon, datum=Datum.WGS84)
        assert desk.visits.check_in([sent])[0].customer_name == "Zhang San"
        assert desk.sources.states()[0].failures == 4
        assert len(erp.calls) == 3, "after three failures in a row the source gets a rest"


def test_a_name_nobody_offers_is_no_source(hr: FieldHR, admin: Principal) -> None:
    with hr.acting_as(admin, purpose="operations") as desk:
        with pytest.raises(PluginError, match="FHR-PLG-015"):
            desk.sources.pull("nobody")
        assert desk.sources.states() == []


def test_a_rep_asks_no_source(hr: FieldHR, erp: Erp) -> None:
    rep = Principal(tenant="bank", id="r1", role=Role.REP, person="r1")
    with hr.acting_as(rep, purpose="visits") as desk:
        for ask in (desk.sources.states, lambda: desk.sources.pull("erp"), lambda: desk.sources.push("erp")):
            with pytest.raises(AccessError):
                ask()
    assert erp.calls == []


@pytest.mark.req("G3")
@pytest.mark.req("B1")
def test_everything_a_source_keeps_comes_in(hr: FieldHR, admin: Principal, erp: Erp, clock: FrozenClock) -> None:
    erp.pages = [
        Pulled(
            customers=[customer("e1")],
            deals=[deal("d1", "e1")],
            people=[Person(id="r9", name="Ru", manager="m1")],
            absences=[Absence(id="a1", rep="r9", kind=AbsenceKind.LEAVE, start=SAID, end=SAID + timedelta(days=1))],
            attendance=[Attendance(id="t1", rep="r9", kind="in", time=SAID)],
            feedback=[
                Feedback(id="f1", rep="r1", customer="e1", kind="complaint", at=SAID),
                Feedback(id="f2", rep="r1", customer="e1", kind="rating", at=SAID, rating=7.0),
            ],
        )
    ]
    with hr.acting_as(admin, purpose="operations") as desk:
        assert desk.sources.pull("erp").reasons == {"feedback.rating_out_of_range": 1}
        assert "r9" in [person.id for person in desk.people.list()]
    seen = tables(hr, admin, clock)
    assert [(row["kind"], row["state"], row["settled_ms"]) for row in seen[FEEDBACK].rows()] == [
        ("complaint", "open", 0)
    ]
    assert [(row["rep"], row["kind"]) for row in seen[ATTENDANCE].rows()] == [("r9", "in")]


@pytest.mark.req("G3")
def test_what_belongs_to_a_merged_customer_follows(
    hr: FieldHR, admin: Principal, erp: Erp, clock: FrozenClock, town: Any
) -> None:
    erp.pages = [
        Pulled(customers=[customer("e1"), customer("e2")], deals=[deal("d1", "e1")], cursor="1"),
        Pulled(merged={"e1": "e2"}, cursor="1"),
    ]
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.sources.pull("erp")
        start = town.at("08:00")
        desk.visits.write(
            [FollowUp(id="n", rep="r1", customer="e1", kind="call", start=start, end=start, written=start)]
        )
        desk.sources.pull("erp")
        assert [one.id for one in desk.customers.list()] == ["c1", "e2"]
    assert tables(hr, admin, clock)[DEALS]["customer"].tolist() == ["e2"]


def test_records_that_cannot_be_are_refused(hr: FieldHR, admin: Principal) -> None:
    with hr.acting_as(admin, purpose="operations") as desk:
        with pytest.raises(RecordError, match="neither"):
            desk.people.put_attendance([Attendance(id="t", rep="r1", kind="lunch", time=SAID)])
        early = Feedback(id="f", rep="r1", customer="c1", kind="complaint", at=SAID, settled=SAID - timedelta(days=1))
        with pytest.raises(RecordError, match=r"settled_before_said"):
            desk.deals.put_feedback([early])
        assert desk.people.put_attendance([Attendance(id="t", rep="r1", kind="out", time=SAID)]) == 1
        assert desk.deals.put_feedback([attrs.evolve(early, settled=SAID)]) == 1


@pytest.mark.req("G3")
def test_visits_go_back_once_and_again_where_late_positions_change_them(
    hr: FieldHR, admin: Principal, erp: Erp, clock: FrozenClock, town: Any
) -> None:
    lat, lon = town.customer
    at_door = Address(id="a", lat=lat, lon=lon, datum=Datum.WGS84)
    erp.pages = [Pulled(customers=[customer("e1", addresses=(at_door,))], cursor="0")]
    with hr.acting_as(admin, purpose="operations") as desk:
        # The town's own customer stands elsewhere: what is not of this source does not go there.
        desk.customers.put([Customer(id="c1", name="Zhang San", owner="r1")])
        desk.sources.pull("erp")
        clock.advance(town.at("18:00"))
        desk.positions.record(town.day(town.stay(town.customer, "14:00", 40)), datum=Datum.WGS84)
        assert desk.sources.push("erp").stored == 1
        assert list(erp.days) == [("r1", "2026-03-02")]
        first = erp.days["r1", "2026-03-02"][0]
        assert first["customer"] == "e1"

        erp.broken = True
        clock.advance(town.at("19:00"))
        desk.positions.record(town.day(town.stay(town.customer, "13:30", 30, seed=2)), datum=Datum.WGS84)
        with pytest.raises(PluginError):
            desk.sources.push("erp")
        (state,) = desk.sources.states()
        assert (state.state, state.reason) == ("stale", "acme.erp raised ConnectionError in push.")

        erp.broken = False
        desk.sources.push("erp")
        (again,) = erp.days["r1", "2026-03-02"]
        assert again["start_ms"] < first["start_ms"]
        assert desk.sources.states()[0].state == "fresh"
        clock.advance(town.at("20:00"))
        desk.sources.push("erp")  # what was resolved in the very millisecond of the last push may come twice
        assert len(erp.days["r1", "2026-03-02"]) == 1
        clock.advance(town.at("21:00"))
        assert desk.sources.push("erp").submitted == 0


@pytest.mark.req("G3")
def test_notes_go_back_with_their_texts_where_asked(
    hr: FieldHR, admin: Principal, erp: Erp, clock: FrozenClock, town: Any
) -> None:
    erp.pages = [Pulled(customers=[customer("e1")], cursor="0")]
    start = town.at("08:00")

    def note(id_: str, of: str, text: str) -> FollowUp:
        return FollowUp(id=id_, rep="r1", customer=of, kind="call", start=start, end=start, written=start, text=text)

    with hr.acting_as(admin, purpose="operations") as desk:
        desk.sources.pull("erp")
        desk.visits.write(
            [note("n1", "e1", "called"), note("n2", "c1", "not theirs"), note("n3", "e1", "far too long")]
        )
        assert desk.sources.push("erp").submitted == 0
        assert erp.notes == {}
        clock.advance(town.at("09:00"))
        desk.visits.write(
            [note("n1", "e1", "called"), note("n2", "c1", "not theirs"), note("n3", "e1", "far too long")]
        )
        receipt = desk.sources.push("erp", notes=True)
    assert (receipt.submitted, receipt.stored, receipt.reasons) == (2, 1, {"erp.note_too_long": 1})
    assert {one.id: one.text for one in erp.notes.values()} == {"n1": "called", "n3": "far too long"}
    assert isinstance(erp, TakesNotes)
