"""Quality of follow-ups: what records show, and that more, longer or copied writing gains nothing."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core import FieldHR
from fieldhr_core.flow.substance import Substance, substance_of, terms_of
from fieldhr_core.model import (
    CONTACTS,
    DEALS,
    FOLLOW_UPS,
    INSPECTIONS,
    PRESENCE,
    Customer,
    FollowUp,
    Person,
    Principal,
    Role,
)
from fieldhr_core.testing import FakeTables
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.followup import FollowUpScorer

pytestmark = pytest.mark.req("B1")


def _bookgen() -> Any:
    path = Path(__file__).with_name("bookgen.py")
    spec = importlib.util.spec_from_file_location("fieldhr_tests_bookgen", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bookgen = _bookgen()
KEY = b"k" * 32
NEED = "开立期货账户用于套期保值"
GOOD = "客户想开立期货账户, 用于铜材的套期保值, 已约定下周带财务来网点办手续, 需要准备营业执照"
HOUR, DAY = 3_600_000, 86_400_000
START = bookgen.START_MS


def visit(number: int, *, text: str = GOOD, need: str = NEED, day: int = 0, next_day: float = 0, **more: Any) -> Any:
    """A visit of an hour to customer ``c{number}`` on a day of March, and its record."""
    start = START + day * DAY + 10 * HOUR
    shown = substance_of(text, need, KEY)
    row = {"followup": f"f{number}", "rep": "r0000", "customer": f"c{number}", "kind": "visit", "start_ms": start}
    row |= {"end_ms": start + HOUR, "written_ms": start + HOUR, "received_ms": start + HOUR}
    row |= {"next_ms": START + round(next_day * DAY) if next_day else 0, "terms": shown.terms, "sketch": shown.sketch}
    row |= {"need_share": float("nan") if shown.need_share is None else shown.need_share}
    return row | more


def stay(number: int, day: int) -> dict[str, Any]:
    start = START + day * DAY + 10 * HOUR
    row = {"rep": "r0000", "customer": f"c{number}", "kind": "stay", "verdict": "at", "record": f"s{number}/{day}"}
    return row | {"start_ms": start, "end_ms": start + HOUR, "certain_s": 3600.0, "possible_s": 3600.0}


def tables(records: list[dict[str, Any]], *, stays: list[dict[str, Any]] | None = None, **others: Any) -> FakeTables:
    seen = [stay(int(row["customer"][1:]), (row["start_ms"] - START) // DAY) for row in records]
    given = {
        PRESENCE: PRESENCE.from_rows(seen + (stays or [])),
        FOLLOW_UPS: FOLLOW_UPS.from_rows(records),
        CONTACTS: CONTACTS.from_rows(others.get("contacts", [])),
        DEALS: DEALS.from_rows(others.get("deals", [])),
        INSPECTIONS: INSPECTIONS.from_rows(others.get("inspections", [])),
    }
    end = bookgen.END - timedelta(milliseconds=1)
    return FakeTables(bookgen.people(1), *given.values(), period=bookgen.PERIOD, as_of=end)


def figures(given: FakeTables, subject: str = "r0000") -> dict[str, tuple[float, float]]:
    found = FollowUpScorer(ScorecardSettings()).score(given)
    return {row["metric"]: (row["value"], row["exposure"]) for row in found.rows() if row["subject"] == subject}


# -- what a text shows --------------------------------------------------------------------------------------------


def test_a_text_shows_how_much_of_the_need_it_speaks_of() -> None:
    shown = substance_of(GOOD, NEED, KEY)
    assert shown.need_share is not None
    assert shown.need_share > 0.7
    assert shown.terms > 20
    assert substance_of("客户不在, 改天再来", NEED, KEY).need_share == 0
    assert substance_of("Opened a futures account", "open futures account", KEY).need_share == pytest.approx(2 / 3)
    assert substance_of(GOOD, "", KEY).need_share is None
    assert substance_of("", NEED, KEY) == Substance(need_share=0.0, terms=0, sketch=0)


def test_a_fingerprint_knows_a_copy_and_tells_nothing_to_another_tenant() -> None:
    def apart(one: str, other: str) -> int:
        return ((substance_of(one, "", KEY).sketch ^ substance_of(other, "", KEY).sketch) & (1 << 64) - 1).bit_count()

    assert apart(GOOD, GOOD + "。") == 0
    assert apart(GOOD, GOOD.replace("铜材", "铝材")) <= 8
    assert apart(GOOD, "客户询问小微贷款利率, 打算为新厂房购置设备, 下月提供近三年的财务报表和纳税证明") > 15
    assert substance_of(GOOD, "", b"other" * 4).sketch != substance_of(GOOD, "", KEY).sketch


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_has_bounded_figures(text: str, need: str) -> None:
    shown = substance_of(text, need, KEY)
    assert shown.need_share is None or 0 <= shown.need_share <= 1
    assert (shown.need_share is None) == (not terms_of(need))
    assert 0 <= shown.terms <= 2_000
    assert -(1 << 63) <= shown.sketch < 1 << 63


# -- the figures --------------------------------------------------------------------------------------------------


def test_each_part_is_a_share_with_the_records_behind_it() -> None:
    records = [
        visit(1),
        visit(2, text="已拜访"),
        visit(3, text="另一位客户询问黄金定投, 想每月扣款五百元, 已讲明风险", need=""),
    ]
    given = tables(records)
    found = figures(given)
    assert found["need_answered_rate"] == (0.5, 2)
    assert found["own_words_rate"] == (pytest.approx(2 / 3), 3)
    assert "next_step_kept_rate" not in found  # nobody hands in next steps
    rows = list(FollowUpScorer(ScorecardSettings()).behind(given, "r0000", "need_answered_rate").rows())
    assert {row["record"]: row["counts"] for row in rows if row["of"]} == {"f1": 1.0, "f2": 0.0}
    parts = [3 / 3, 1 / 3, 2 / 2]
    assert found["followup_quality"] == (pytest.approx(sum(parts) / 3), 3)


def test_a_next_step_is_kept_by_meeting_or_speaking_when_it_is_due() -> None:
    records = [visit(n, day=1, next_day=8, text="") for n in (1, 2, 3, 4)] + [
        visit(5, text=""),
        visit(6, next_day=29.9),
    ]
    call = {"contact": "x", "rep": "r0000", "customer": "c2", "channel": "phone", "direction": "out"}
    contacts = [
        {**call, "at_ms": START + 7 * DAY, "talk_s": 60.0},
        {**call, "contact": "y", "customer": "c3", "at_ms": START + 7 * DAY, "talk_s": 0.0},  # rang, and nobody spoke
        {**call, "contact": "z", "customer": "c4", "at_ms": START + 3 * DAY, "talk_s": 60.0},  # long before it was due
    ]
    found = figures(tables(records, stays=[stay(1, 9)], contacts=contacts))
    # Kept: c1 by a visit, c2 by a call; c3, c4 not; c5 agreed none; c6 is not due yet; the visit of day 9 has no record.
    assert found["next_step_kept_rate"] == (pytest.approx(2 / 5), 5)


def test_a_refused_consent_changes_nothing() -> None:
    records = [visit(1, day=1, next_day=8), visit(1, day=8, followup="g1"), visit(2, day=2)]
    tracked = tables(records)
    untracked = FakeTables(
        bookgen.people(1),
        PRESENCE.empty(),
        FOLLOW_UPS.from_rows(records),
        *(schema.empty() for schema in (CONTACTS, DEALS, INSPECTIONS)),
        period=tracked.period,
        as_of=tracked.as_of,
    )
    assert figures(tracked) == figures(untracked)


def test_an_inspection_is_complete_with_every_kind_and_a_photo_of_its_own() -> None:
    def looked(ident: str, customer: str, kind: str, fingerprint: str | None = None) -> dict[str, Any]:
        row = {"inspection": ident, "rep": "r0000", "customer": customer, "kind": kind, "fingerprint": fingerprint}
        return row | {"at_ms": START + DAY + int(ident), "received_ms": START + DAY}

    deals = [
        {"deal": f"d{n}", "rep": "r0000", "customer": f"c{n}", "product": "x", "stage": "signed"}
        | {"opened_ms": START, "closed_ms": START + 5 * DAY}
        for n in (1, 2, 3)
    ]
    both = [looked(str(n), f"c{n}", "statement_analysis") for n in (1, 3)]
    photos = [looked("11", "c1", "site_photo", "0f" * 8), looked("12", "c2", "site_photo", "f0" * 8)]
    again = [looked("13", "c3", "site_photo", "0f" * 7 + "0e")]  # the gate of c1 once more
    found = figures(tables([visit(1)], deals=deals, inspections=both + photos + again))
    assert found["inspection_complete_rate"] == (pytest.approx(1 / 3), 3)


# -- gaming it ----------------------------------------------------------------------------------------------------

HONEST = [visit(1), visit(2, text="讨论小微贷款续期, 利率与抵押物评估已说明, 客户要考虑", need="贷款续期", day=2)]


@settings(max_examples=25)
@given(
    filler=st.sampled_from([" ", "\n", "。", "很好", "ok ", "啊", "1"]),
    times=st.integers(1, 900),
    extra=st.integers(0, 12),
)
def test_long_empty_and_repeated_records_do_not_pay(filler: str, times: int, extra: int) -> None:
    before = figures(tables(HONEST))
    # Longer by nothing: what is asked is what a text says, not how long it is.
    padded = [visit(7, text=filler * times, day=4)]
    worse = figures(tables(HONEST + padded))
    for metric in ("need_answered_rate", "own_words_rate", "followup_quality"):
        assert worse[metric][0] < before[metric][0]
    # The same note many times, for other customers on other days: only the first is anybody's own.
    copies = [visit(20 + n, day=5 + n % 4) for n in range(extra)]
    copied = figures(tables(HONEST + copies))
    assert copied["own_words_rate"][0] <= before["own_words_rate"][0]
    assert copied["own_words_rate"][0] * copied["own_words_rate"][1] == pytest.approx(2)
    assert copied["need_answered_rate"][0] <= before["need_answered_rate"][0]
    # A second record of the same visit, and records of visits that were not made.
    more = [
        {**visit(1, text=GOOD + "。" * n), "followup": f"h{n}", "written_ms": START + 12 * HOUR} for n in range(extra)
    ]
    short = [
        {**stay(30 + n, 6), "end_ms": START + 6 * DAY + 10 * HOUR + 60_000, "possible_s": 60.0} for n in range(extra)
    ]
    given = tables(HONEST, stays=short)
    unmade = [visit(30 + n, day=6) for n in range(extra)]
    given = FakeTables(
        *(given[schema] for schema in (PRESENCE, CONTACTS, DEALS, INSPECTIONS)),
        bookgen.people(1),
        FOLLOW_UPS.from_rows([*HONEST, *more, *unmade]),
        period=given.period,
        as_of=given.as_of,
    )
    assert figures(given) == before


# -- end to end ---------------------------------------------------------------------------------------------------


@pytest.mark.req("B6")
def test_from_a_written_record_to_its_figure_without_opening_it(database_url: str) -> None:
    start = datetime(2026, 3, 2, 2, tzinfo=UTC)

    class Clock:
        def now(self) -> datetime:
            return datetime(2026, 3, 31, 12, tzinfo=UTC)

    with FieldHR.open(database_url, clock=Clock(), keys=EphemeralKeys()) as hr:
        hr.tenants.create("bank", name="Bank of Nowhere")
        host = Principal(tenant="bank", id="erp", role=Role.ADMIN)
        with hr.acting_as(host, purpose="integration") as desk:
            desk.people.put([Person(id="ann", name="Ann", role="credit_manager")])
            desk.customers.put([Customer(id="c", name="Zhang San", owner="ann", need=NEED)])
            record = FollowUp(
                id="f",
                rep="ann",
                customer="c",
                kind="visit",
                start=start,
                end=start + timedelta(hours=1),
                written=start + timedelta(hours=1),
                text=GOOD,
                next_step=start + timedelta(days=7),
            )
            desk.visits.write([record])
        with hr.acting_as(host, purpose="performance") as desk:
            found = {
                r["metric"]: r["value"] for r in desk.scores.measure(bookgen.PERIOD).rows() if r["subject"] == "ann"
            }
            behind = list(desk.scores.behind(bookgen.PERIOD, "ann", "need_answered_rate").rows())
            assert not desk.receipts
    assert found["need_answered_rate"] == found["own_words_rate"] == 1.0
    assert found["next_step_kept_rate"] == 0.0  # a week later nobody was there
    assert [row["record"] for row in behind] == ["f"]
