"""Positions in: every one accounted for, order and repeats without effect, late ones heard."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldhr_core import FieldHR
from fieldhr_core.errors import RecordError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.flow.values import plain
from fieldhr_core.model import REPORTED, STAYS, Address, CaseState, Coded, Customer, Datum, Outing, Principal, Table
from fieldhr_core.model.datums import from_wgs84
from fieldhr_core.store.packing import pack
from fieldhr_core.trust.keys import EphemeralKeys

#: These journeys need one plugin; whether the others load is tested elsewhere.
ONLY_PLACES: dict[str, Any] = {"plugins": ["fieldhr_plugins.places"], "autoload": False}
SOMETIME = 1_772_420_000_000  # 2026-03-02 10:53:20 in Shanghai


@pytest.fixture
def bank(hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any) -> Any:
    clock.advance(town.at("19:00"))
    with hr.acting_as(admin, purpose="operations") as desk:
        yield desk


def report_bytes(desk: Any) -> bytes:
    """Everything a day's report says, as bytes; when a case was raised is not part of it."""
    report = desk.reports.day("r1", date(2026, 3, 2))
    cases = [plain(case.finding) for case in report.cases]
    return pack(report.stays) + pack(report.signals) + pack(report.fixes) + repr((report.gaps_ms, cases)).encode()


@pytest.mark.req("A1", "A2", "A4")
def test_a_day_in_a_customers_place_and_a_mall(bank: Any, town: Any) -> None:
    receipt = bank.positions.record(
        town.day(town.stay(town.customer, "14:00", 40), town.stay(town.mall, "15:05", 47)), datum=Datum.WGS84
    )
    assert receipt.stored == receipt.submitted == 81 + 95
    report = bank.reports.day("r1", date(2026, 3, 2))
    assert list(report.stays["verdict"]) == ["at", "away"]
    assert report.stays["customer"].tolist() == ["c1", None]
    [case] = bank.alerts.list()
    assert case.finding.code == "track.offsite_dwell"
    assert town.at("15:35") < case.finding.opened_at <= town.at("15:37")
    assert bank.alerts.replay(case.id).equal


@pytest.mark.req("A8")
def test_order_repeats_and_portions_change_nothing(admin: Principal, settle: Any, town: Any, sqlite_url: str) -> None:
    whole = town.day(town.stay(town.customer, "14:00", 40), town.stay(town.mall, "15:05", 47, seed=2))
    rng = np.random.default_rng(7)
    shuffled = whole.take(rng.permutation(len(whole)))
    doubled = Table.concat(REPORTED, [shuffled, whole.take(rng.integers(0, len(whole), 60))])
    portions = [shuffled.take(slice(n, n + 23)) for n in range(0, len(whole), 23)]
    seen = []
    for number, batches in enumerate([[whole], [shuffled], [doubled], portions, [*portions, whole]]):
        clock = FrozenClock(town.at("08:00"))
        url = sqlite_url.replace(".db", f"{number}.db")
        with FieldHR.open(url, clock=clock, keys=EphemeralKeys(), strict=True, **ONLY_PLACES) as hr:
            settle(hr, admin)
            clock.advance(town.at("19:00"))
            with hr.acting_as(admin, purpose="operations") as desk:
                receipts = [desk.positions.record(batch, datum=Datum.WGS84) for batch in batches]
                assert sum(receipt.stored for receipt in receipts) == len(whole)
                assert all(receipt.adds_up for receipt in receipts)
                seen.append(report_bytes(desk))
    assert seen == [seen[0]] * len(seen)


@pytest.mark.req("A8")
def test_visits_that_begin_at_one_instant_are_one_visit(
    admin: Principal, settle: Any, town: Any, clock: FrozenClock, database_url: str
) -> None:
    """Two phones of one rep at two customers' at once: the circle rule enters and leaves both at the same instant."""
    plugins = ["fieldhr_plugins.places", "fieldhr_plugins.baselines"]
    with FieldHR.open(
        database_url, clock=clock, keys=EphemeralKeys(), strict=True, plugins=plugins, autoload=False
    ) as hr:
        settle(hr, admin, settings={"resolver": "circle"})
        clock.advance(town.at("19:00"))
        first = town.stay(town.customer, "14:00", 10)
        second = town.stay((31.2600, 121.4700), "14:00", 10).replace(device=Coded.same("phone-2", len(first)))
        with hr.acting_as(admin, purpose="operations") as desk:
            address = Address(id="a2", lat=31.2600, lon=121.4700, datum=Datum.WGS84)
            desk.customers.put([Customer(id="c2", name="Li Si", owner="r1", addresses=(address,))])
            assert desk.positions.record(town.day(first, second), datum=Datum.WGS84).stored == 42
            stays = desk.reports.day("r1", date(2026, 3, 2)).stays
            assert len(set(stays["start_ms"].tolist())) < len(stays)


def test_a_late_record_withdraws_what_it_disproves(bank: Any, town: Any) -> None:
    bank.positions.record(town.stay(town.mall, "15:05", 47), datum=Datum.WGS84)
    [case] = bank.alerts.list()
    assert case.state is CaseState.RAISED
    # The record of the meeting arrives late: rep and customer had agreed to meet in the mall.
    bank.outings.put(
        [Outing(id="o1", rep="r1", customer="c1", start=town.at("14:00"), end=town.at("17:00"), meeting_place="p1")]
    )
    [case] = bank.alerts.list()
    assert case.state is CaseState.WITHDRAWN
    assert case.history[-1].note == "later data no longer supports it"


@pytest.mark.req("E6")
@pytest.mark.scenario("L18")
def test_what_is_off_duty_or_without_basis_is_counted_and_kept_nowhere(bank: Any, town: Any, hr: FieldHR) -> None:
    evening = bank.positions.record(town.stay(town.mall, "20:30", 10), datum=Datum.WGS84)
    assert evening.rejected == evening.submitted == 21
    assert evening.reasons == {"privacy.off_duty": 21}
    sunday = bank.positions.record(town.stay(town.mall, "10:00", 10, day=1), datum=Datum.WGS84)
    assert sunday.reasons == {"privacy.off_duty": 21}
    stranger = bank.positions.record(town.stay(town.mall, "10:00", 1, rep="m1"), datum=Datum.WGS84)
    assert stranger.reasons == {"privacy.no_basis": 3}
    bank.people.withdraw_basis("r1", purpose="tracking", at=town.at("11:00"))
    withdrawn = bank.positions.record(town.stay(town.customer, "10:59", 2), datum=Datum.WGS84)
    assert (withdrawn.stored, withdrawn.reasons) == (2, {"privacy.basis_withdrawn": 3})
    assert len(bank.reports.day("r1", date(2026, 3, 2)).fixes) == 2


@pytest.mark.req("A2")
def test_one_place_in_three_datums_is_one_place(bank: Any, town: Any) -> None:
    for number, datum in enumerate(Datum):
        table = town.stay(town.customer, f"1{number}:00" if number else "09:30", 10)
        lat, lon = from_wgs84(table["lat"], table["lon"], datum)
        bank.positions.record(table.replace(lat=lat, lon=lon), datum=datum)
    stays = bank.reports.day("r1", date(2026, 3, 2)).stays
    assert set(stays["customer"].tolist()) == {"c1"}


def test_bad_positions_are_named_and_the_good_ones_kept(bank: Any) -> None:
    nan = float("nan")
    table = REPORTED.table(
        rep=Coded.of(["r1", "r1", "r1", "r1", "r1", "r1", "nobody", None]),
        time_ms=[SOMETIME, SOMETIME, SOMETIME, 0, SOMETIME + 10**12, SOMETIME, SOMETIME, SOMETIME],
        lat=[31.2, nan, 0.0, 31.2, 31.2, 121.4, 31.2, 31.2],
        lon=[121.4, 121.4, 0.0, 121.4, 121.4, 31.2, 121.4, 121.4],
    )
    receipt = bank.positions.record(table, datum=Datum.WGS84)
    assert receipt.adds_up
    assert (receipt.stored, receipt.quarantined, receipt.rejected) == (1, 1, 6)
    assert receipt.reasons == {
        "position.no_coordinate": 1,
        "position.null_island": 1,
        "position.impossible_time": 2,
        "position.swapped_suspected": 1,
        "position.unknown_rep": 2,
    }


def test_positions_in_another_shape_are_refused(bank: Any) -> None:
    with pytest.raises(RecordError, match="FHR-REC-004"):
        bank.positions.record(STAYS.empty(), datum=Datum.WGS84)
    with pytest.raises(ValueError, match="wgs85"):
        bank.positions.record(REPORTED.empty(), datum="wgs85")
    assert bank.positions.record(REPORTED.empty(), datum=Datum.WGS84).submitted == 0


@pytest.mark.req("A8")
def test_a_receipt_always_adds_up(admin: Principal, settle: Any, town: Any, sqlite_url: str) -> None:
    numbers = st.one_of(st.floats(-400, 400), st.sampled_from([float("nan"), float("inf"), 0.0, -1.0]))
    row = st.tuples(
        st.sampled_from(["r1", "m1", "nobody", None]),
        st.one_of(st.integers(SOMETIME - 10**8, SOMETIME + 10**8), st.sampled_from([0, -5, 2**62])),
        numbers,
        numbers,
        st.one_of(numbers.filter(lambda x: not x < 0)),
    )
    clock = FrozenClock(town.at("08:00"))
    with FieldHR.open(sqlite_url, clock=clock, keys=EphemeralKeys(), strict=True, **ONLY_PLACES) as hr:
        settle(hr, admin)
        clock.advance(town.at("19:00"))

        @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(row, max_size=12), st.sampled_from(list(Datum)))
        def account(rows: list[Any], datum: Datum) -> None:
            table = REPORTED.table(
                rep=Coded.of(r[0] for r in rows),
                time_ms=[r[1] for r in rows],
                lat=[r[2] for r in rows],
                lon=[r[3] for r in rows],
                accuracy_m=[r[4] for r in rows],
            )
            with hr.acting_as(admin, purpose="operations") as desk:
                receipt = desk.positions.record(table, datum=datum)
                assert receipt.adds_up, receipt
                again = desk.positions.record(table, datum=datum)
                assert again.stored + again.flagged == 0, "a replay adds no row"
                assert again.deduplicated == receipt.stored + receipt.flagged + receipt.deduplicated

        account()


def test_receipts_add() -> None:
    from fieldhr_core.model import Receipt

    one = Receipt(submitted=2, stored=1, rejected=1, reasons={"a": 1})
    assert (one + one) == Receipt(submitted=4, stored=2, rejected=2, reasons={"a": 2})
    assert not attrs.evolve(one, stored=2).adds_up


@pytest.mark.req("E6")
def test_refused_fixes_of_many_reps_are_counted_for_each_and_added_up(hr: FieldHR, admin: Principal, town: Any) -> None:
    from fieldhr_core.model import Person

    with hr.acting_as(admin, purpose="operations") as desk:
        desk.people.put([Person(id=f"n{n}", name=f"Somebody {n}") for n in range(3)])
        night = [town.stay(town.customer, "22:00", 5 + n, rep=f"n{n}") for n in range(3)]
        for _ in range(2):
            receipt = desk.positions.record(Table.concat(REPORTED, night), datum=Datum.WGS84)
            assert receipt.reasons == {"privacy.off_duty": 11 + 13 + 15}
        desk.positions.record(town.stay(town.customer, "14:00", 1, rep="n0"), datum=Datum.WGS84)
    with hr.unsafe_as_system(reason="a test looks at the counters") as connection:
        counters = hr._open_house().tables.counters
        rows = connection.execute(counters.select().where(counters.c.name.like("privacy.%"))).mappings()
        found = {(row["name"], row["subject"]): row["count"] for row in rows}
    assert found == {
        ("privacy.dropped_off_duty", "n0"): 22,
        ("privacy.dropped_off_duty", "n1"): 26,
        ("privacy.dropped_off_duty", "n2"): 30,
        ("privacy.dropped_no_basis", "n0"): 3,
    }
