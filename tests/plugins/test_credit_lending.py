"""R08 to R10: connected borrowers, evergreening, money between rep and customers - and their honest neighbours."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Audience, Outcome, Ruling, Severity, Submission
from fieldhr_plugins.credit.connected import connected_groups
from fieldhr_plugins.credit.evergreening import evergreening, renewals
from fieldhr_plugins.credit.lending_checks import ApplicationCheck, LoanCheck, TransferCheck
from fieldhr_plugins.credit.records import (
    ACCOUNTS,
    APPLICATIONS,
    LINKS,
    LOANS,
    TRANSFERS,
    as_ms,
    link_value,
    table_of,
)
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.transfers import money_with_customers, passages

T0 = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
SETTINGS = CreditSettings()
CHECKS = {"application": ApplicationCheck, "loan": LoanCheck, "transfer": TransferCheck}


def at(days: float) -> str:
    return (T0 + timedelta(days=days)).isoformat()


def rule(kind: str, value: Any, context: list[Any], *, when: datetime | None = None, **changed: Any) -> Ruling:
    check = CHECKS[kind](CreditSettings(**changed))
    (ruling,) = check.check(
        [Submission(id="s1", kind=kind, value=value, at=when or T0 + timedelta(days=400), context=tuple(context))]
    )
    return ruling


def stream(kind: str, records: list[dict[str, Any]], extra: list[Any] | None = None, **changed: Any) -> list[list[Any]]:
    """Submit records one after the other, each with those before; return the findings of each."""
    return [
        list(rule(kind, one, [*records[:place], *(extra or [])], **changed).findings)
        for place, one in enumerate(records)
    ]


# --- R08 ---


def application(number: int, day: float, rep: str = "rep-1", **links: Any) -> dict[str, Any]:
    return {"application": f"a{number}", "time": at(day), "borrower": f"c{number}", "rep": rep, "links": links}


def ring(days: tuple[float, ...] = (0, 5, 9, 14, 20, 27), **changed: Any) -> list[dict[str, Any]]:
    """Six companies: two by a telephone number, the next by an address, the next by their legal representative ..."""
    links: list[dict[str, Any]] = [
        {"phone": "+86 138 0000 1111"},
        {"phone": "13800001111", "address": "人民路12号3-201室"},
        {"address": "人民路 12号 3-201 室", "legal_representative": "欧阳建国"},
        {"legal_representative": "欧阳建国"},
        {"legal_representative": "欧阳建国", "guarantor": "海天商贸"},
        {"guarantor": ["海天商贸", "别家公司"]},
    ]
    return [
        application(n, day, **changed, **more) for n, (day, more) in enumerate(zip(days, links, strict=True), start=1)
    ]


@pytest.mark.req("C4", "C7")
@pytest.mark.scenario("R08")
def test_a_ring_is_found_at_the_fourth_application_with_its_links() -> None:
    found = stream("application", ring())
    assert [len(findings) for findings in found] == [0, 0, 0, 1, 1, 1]
    finding = found[3][0]
    assert (finding.code, finding.subject_kind, finding.subject, finding.rep) == (
        "credit.connected_borrowers",
        "rep",
        "rep-1",
        "rep-1",
    )
    assert finding.severity is Severity.HIGH
    assert finding.opened_at == T0 + timedelta(days=14)
    assert finding.evidence[0].ids == ("a1", "a2", "a3", "a4")
    assert finding.evidence[1].ids == ("c1", "c2", "c3", "c4")
    shown = {link["kind"]: link for link in finding.evidence[0].facts["links"]}
    assert shown["phone"] == {"kind": "phone", "value": "…1111", "borrowers": ["c1", "c2"]}
    assert shown["address"]["borrowers"] == ["c2", "c3"]
    assert shown["legal_representative"]["borrowers"] == ["c3", "c4"]
    assert rule("application", ring()[3], ring()[:3]).outcome is Outcome.REVIEW


@pytest.mark.scenario("R08")
def test_a_ring_that_grows_stays_one_case() -> None:
    found = stream("application", ring())
    assert {finding.instance for findings in found for finding in findings} == {"a1"}
    assert found[5][0].evidence[1].ids == tuple(f"c{n}" for n in range(1, 7))
    assert {findings[0].opened_at for findings in found[3:]} == {T0 + timedelta(days=14)}


@pytest.mark.req("C4")
@pytest.mark.scenario("R08")
@pytest.mark.parametrize(
    "address",
    [
        "高新区创业路88号",
        "高新区创业路88号科技园",
        "创业路科技园",
        "88 Enterprise Road, North Industrial Park",
        "Enterprise Road",
    ],
)
def test_tenants_of_one_park_who_share_the_street_only_are_silent(address: str) -> None:
    tenants = [
        application(
            n,
            n,
            address=[address, f"{address} {n}号楼{n}0{n}室"] if "路88号科技园" in address else f"{address} {n}0{n}室",
            phone=f"1380000{n}{n}{n}{n}",
            legal_representative=f"法人{n}",
        )
        for n in range(1, 7)
    ]
    assert stream("application", tenants) == [[]] * 6


@pytest.mark.scenario("R08")
def test_a_street_name_and_a_parks_gate_link_nobody_and_a_door_does() -> None:
    assert link_value("address", "创业路") is None
    assert link_value("address", "创业路88号科技园") is None
    assert link_value("address", "创业路88号科技园201室") == "创业路88号科技园201室"
    assert link_value("address", "人民路12号") == "人民路12号"
    assert link_value("address", "12 Peace Street, Unit 4") == link_value("address", "12 peace street unit 4")
    assert link_value("address", "Harbour Tower, 12 Peace Street") is None
    assert link_value("phone", "0086-138-0000-1111") == link_value("phone", "(138) 0000 1111") == "13800001111"
    assert link_value("phone", "12345") is None
    assert link_value("legal_representative", " ") is None
    digest = "sha256:" + "ab" * 32
    assert link_value("address", digest) == link_value("phone", digest.upper()) == digest


@pytest.mark.scenario("R08")
@pytest.mark.parametrize(
    ("records", "why"),
    [
        (ring((0, 11, 22, 33, 44, 55)), "never four within thirty days"),
        ([one | {"rep": f"rep-{n % 2}"} for n, one in enumerate(ring())], "two reps, three each"),
        (ring()[:3], "three"),
        ([one | {"borrower": "c1"} for one in ring()], "one borrower who applies again"),
        ([one | {"links": {}} for one in ring()], "no links"),
    ],
)
def test_near_misses_of_a_ring(records: list[dict[str, Any]], why: str) -> None:
    assert stream("application", records) == [[]] * len(records), why


@pytest.mark.scenario("R08")
@pytest.mark.parametrize(("days", "count"), [((0, 10, 20, 30, 90, 91), 1), ((0, 10, 20, 30.01, 90, 91), 0)])
def test_thirty_days_are_the_limit(days: tuple[float, ...], count: int) -> None:
    assert len(stream("application", ring(days))[3]) == count


@pytest.mark.scenario("R08")
def test_a_value_that_half_the_town_has_and_an_exempt_one_link_nobody() -> None:
    shared = [application(n, n, guarantor="城投担保") for n in range(1, 7)]
    assert [len(found) for found in stream("application", shared)] == [0, 0, 0, 1, 1, 1]
    town = [{"borrower": f"t{n}", "links": {"guarantor": "城投担保"}} for n in range(40)]
    assert stream("application", shared, town) == [[]] * 6
    assert stream("application", shared, exempt_links=("城投担保",)) == [[]] * 6
    accountants = [application(n, n, phone="021-5555-0000") for n in range(1, 7)]
    assert stream("application", accountants, exempt_links=("021 55550000",)) == [[]] * 6


@pytest.mark.scenario("R08")
def test_a_link_may_run_through_somebody_who_did_not_apply() -> None:
    ones = [application(n, n, phone=f"1390000000{n}") for n in range(1, 5)]
    hub = {"borrower": "h", "links": {"phone": [f"1390000000{n}" for n in range(1, 5)]}}
    assert stream("application", ones) == [[]] * 4
    found = stream("application", ones, [hub])
    assert [len(one) for one in found] == [0, 0, 0, 1]
    assert "h" in str(found[3][0].evidence[0].facts["links"])
    assert "h" not in found[3][0].evidence[1].ids


@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_groups_are_what_a_search_through_the_links_finds(rng: random.Random) -> None:
    borrowers = [f"b{n}" for n in range(12)]
    rows = [
        {
            "borrower": rng.choice(borrowers),
            "kind": rng.choice(["phone", "guarantor"]),
            "value": f"1390000000{rng.randrange(9)}",
        }
        for _ in range(rng.randrange(14))
    ]
    applications = [
        {"application": f"a{n}", "time": at(n), "borrower": one, "rep": "r"} for n, one in enumerate(borrowers)
    ]
    rng.shuffle(applications)
    found = connected_groups(table_of(APPLICATIONS, applications), table_of(LINKS, rows), SETTINGS)

    near = {
        one: {
            other["borrower"]
            for mine in rows
            if mine["borrower"] == one
            for other in rows
            if (mine["kind"], mine["value"]) == (other["kind"], other["value"])
        }
        for one in borrowers
    }
    expected, seen = set(), set()
    for one in borrowers:
        if one in seen:
            continue
        reached, front = {one}, [one]
        while front:
            fresh = near[front.pop()] - reached
            reached |= fresh
            front += fresh
        seen |= reached
        if len(reached) >= 4:
            expected.add(frozenset(reached))
    assert {frozenset(group.borrowers) for group in found} == expected


# --- R09 ---


def renewal(number: int, day: float, *, rep: str = "rep-1", gap: float = 2.0, **old: Any) -> list[dict[str, Any]]:
    """An overdue loan, and the new one that pays it *gap* days before it is settled."""
    new = {"loan": f"new{number}", "borrower": f"c{number}", "rep": rep, "paid_out": at(day), "amount_minor": 5_200_000}
    overdue = {
        "loan": f"old{number}",
        "borrower": f"c{number}",
        "rep": rep,
        "paid_out": at(day - 200),
        "amount_minor": 5_000_000,
        "overdue": at(day - 20),
        "settled": at(day + gap),
        "settled_minor": 5_000_000,
    }
    new_changes = old.pop("new", {})
    return [new | new_changes, overdue | old]


def chain(days: tuple[float, ...] = (0, 30, 60), **more: Any) -> list[dict[str, Any]]:
    return [record for n, day in enumerate(days, start=1) for record in renewal(n, day, **more)]


@pytest.mark.req("B4", "C7")
@pytest.mark.scenario("R09")
def test_evergreening_is_found_at_the_third_settlement() -> None:
    found = stream("loan", chain())
    assert [len(findings) for findings in found] == [0, 0, 0, 0, 0, 1]
    (finding,) = found[-1]
    assert (finding.code, finding.subject_kind, finding.subject) == ("credit.evergreening", "rep", "rep-1")
    assert finding.severity is Severity.HIGH
    assert finding.opened_at == T0 + timedelta(days=62)
    assert finding.evidence[0].ids == ("old1", "new1", "old2", "new2", "old3", "new3")
    pair = finding.evidence[0].facts["renewals"][0]
    assert pair == {
        "overdue_loan": "old1",
        "new_loan": "new1",
        "borrower": "c1",
        "overdue_days": 20,
        "hours_between": 48.0,
    }


@pytest.mark.scenario("R09")
def test_a_fourth_renewal_is_the_same_case() -> None:
    found = stream("loan", chain((0, 30, 60, 90)))
    assert [findings[0].instance for findings in found if findings] == ["old1", "old1"]
    assert len(found[-1][0].evidence[0].facts["renewals"]) == 4


@pytest.mark.req("C7")
@pytest.mark.scenario("R09")
@pytest.mark.parametrize(
    ("records", "why"),
    [
        (chain((0, 30)), "twice"),
        (renewal(1, 0) + renewal(2, 30) + renewal(3, 60, is_restructured=True), "one is an approved restructuring"),
        (renewal(1, 0) + renewal(2, 30) + renewal(3, 60, new={"is_restructured": True}), "the new one is"),
        (renewal(1, 0, is_restructured=True), "one approved restructuring"),
        (chain(gap=7.01), "settled after the week"),
        (chain(gap=-0.5), "settled before the new money came"),
        (chain(overdue=-1), "never overdue"),
        (chain(overdue=at(365)), "overdue after the new loan only"),
        (chain(settled=-1), "not settled"),
        (chain(new={"amount_minor": 3_900_000}), "too small to have paid it"),
        (chain(new={"borrower": "somebody-else"}), "another borrower's loan"),
        (chain(new={"rep": "rep-9"}), "brought by another rep"),
        (renewal(1, 0) + renewal(2, 30) + renewal(3, 60, rep="rep-2"), "two reps"),
        (chain((0, 200, 400)), "over more than a year"),
    ],
)
def test_near_misses_of_evergreening(records: list[dict[str, Any]], why: str) -> None:
    assert stream("loan", records) == [[]] * len(records), why


@pytest.mark.scenario("R09")
def test_a_week_to_the_minute_counts() -> None:
    assert len(stream("loan", chain(gap=7.0))[-1]) == 1
    assert len(stream("loan", chain(new={"amount_minor": 4_000_000}))[-1]) == 1


def test_one_new_loan_pays_one_old_one() -> None:
    olds = [one for number in (1, 2, 3) for one in renewal(number, 0, borrower="c1")[1:]]
    new = renewal(1, 0)[0]
    assert len(renewals(table_of(LOANS, [new, *olds]), SETTINGS)) == 1


# --- R10 ---


REP = [{"account": "6222-rep", "kind": "rep", "holder": "rep-1"}]
CUSTOMERS = [{"account": f"6222-c{n}", "kind": "customer", "holder": f"c{n}"} for n in range(1, 5)]
BANK = [{"account": "6222-bank", "kind": "employer", "holder": "bank"}]
ACCOUNTS_OF_ALL = REP + CUSTOMERS + BANK


def transfer(number: int, day: float, *, payer: str = "", payee: str = "6222-rep", **more: Any) -> dict[str, Any]:
    return {
        "transfer": f"t{number}",
        "time": at(day),
        "from_account": payer or f"6222-c{number}",
        "to_account": payee,
        "amount_minor": 800_000,
    } | more


@pytest.mark.req("C4")
@pytest.mark.scenario("R10")
def test_money_with_customers_is_found_at_the_second_and_told_to_compliance_only() -> None:
    made = [transfer(1, 0), transfer(2, 9, payer="6222-rep", payee="6222-c2"), transfer(3, 18)]
    found = stream("transfer", made, ACCOUNTS_OF_ALL)
    assert [len(findings) for findings in found] == [0, 1, 1]
    finding = found[1][0]
    assert (finding.code, finding.subject_kind, finding.subject) == ("conduct.money_with_customer", "rep", "rep-1")
    assert finding.severity is Severity.CRITICAL
    assert finding.audience == (Audience.COMPLIANCE,)
    assert finding.opened_at == T0 + timedelta(days=9)
    assert [one["direction"] for one in finding.evidence[0].facts["transfers"]] == ["to_rep", "to_customer"]
    assert found[1][0].instance == found[2][0].instance == "t1"
    assert "6222" not in json.dumps(attrs.asdict(finding), default=str)  # no account number leaves the check


@pytest.mark.req("C4")
@pytest.mark.scenario("R10")
@pytest.mark.parametrize(
    ("made", "accounts", "why"),
    [
        ([transfer(n, n, payer="6222-bank") for n in (1, 2, 3)], ACCOUNTS_OF_ALL, "wages"),
        (
            [transfer(1, 0), transfer(2, 5)],
            [*REP, *CUSTOMERS[:1], CUSTOMERS[1] | {"relative_of": "rep-1"}],
            "a declared relative",
        ),
        ([transfer(1, 0), transfer(2, 20.01)], ACCOUNTS_OF_ALL, "over more than twenty days"),
        ([transfer(1, 0), transfer(2, 5, payer="6222-c1")], ACCOUNTS_OF_ALL, "one customer twice"),
        ([transfer(1, 0), transfer(2, 5)], CUSTOMERS, "an account nobody declared"),
        ([transfer(1, 0, payer="x"), transfer(2, 5, payer="y")], ACCOUNTS_OF_ALL, "strangers"),
        (
            [transfer(1, 0, payee="6222-c2"), transfer(2, 5, payee="6222-c3")],
            ACCOUNTS_OF_ALL,
            "customers among themselves",
        ),
        (
            [transfer(1, 0), transfer(2, 5, purpose="工资")],
            [*ACCOUNTS_OF_ALL, {"account": "6222-c2x", "kind": "employer", "holder": "c2"}],
            "wages from another account of an employer",
        ),
    ],
)
def test_near_misses_of_money_with_customers(made: list[Any], accounts: list[Any], why: str) -> None:
    assert stream("transfer", made, accounts) == [[]] * len(made), why


@pytest.mark.scenario("R10")
def test_calling_it_wages_and_anothers_relative_hide_nothing() -> None:
    made = [transfer(1, 0, purpose="salary"), transfer(2, 20, purpose="salary")]
    assert len(stream("transfer", made, ACCOUNTS_OF_ALL)[-1]) == 1  # twenty days are still within
    accounts = [*REP, CUSTOMERS[0], CUSTOMERS[1] | {"relative_of": "rep-2"}]
    assert len(stream("transfer", made, accounts)[-1]) == 1
    paid_back = [transfer(1, 0), transfer(2, 5, payer="6222-rep", payee="6222-bank")]
    assert stream("transfer", paid_back, ACCOUNTS_OF_ALL) == [[], []]


def test_two_reps_are_two_cases() -> None:
    second = {"account": "6222-rep2", "kind": "rep", "holder": "rep-2"}
    made = [transfer(1, 0), transfer(2, 1)] + [
        transfer(n + 10, n, payer=f"6222-c{n}", payee="6222-rep2") for n in (3, 4)
    ]
    found = money_with_customers(table_of(TRANSFERS, made), table_of(ACCOUNTS, [*ACCOUNTS_OF_ALL, second]), SETTINGS)
    assert [one.rep for one in found] == ["rep-1", "rep-2"]
    assert found[1].customers == ("c3", "c4")


# --- all three ---


SCENES: dict[str, tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = {
    "ring": ("application", ring(), []),
    "chain": ("loan", chain(), []),
    "money": ("transfer", [transfer(1, 0), transfer(2, 9), transfer(3, 18)], ACCOUNTS_OF_ALL),
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_order_of_the_context_and_repeats_in_it_change_nothing(scene: str) -> None:
    kind, records, extra = SCENES[scene]
    *earlier, last = records
    plain = rule(kind, last, [*earlier, *extra])
    assert plain.findings
    for seed in range(6):
        context = [*earlier, *extra, *earlier, last]
        random.Random(seed).shuffle(context)
        assert rule(kind, last, context) == plain


@pytest.mark.parametrize("scene", SCENES)
def test_what_cannot_be_read_is_not_cleared_and_stops_no_other(scene: str) -> None:
    kind, records, extra = SCENES[scene]
    *earlier, last = records
    check = CHECKS[kind](SETTINGS)
    broken: list[Any] = [
        None,
        5,
        [],
        {},
        {name: value for name, value in last.items() if name not in ("time", "paid_out")},
    ]
    broken += [last | {name: {"no": "text"}} for name in last if name not in ("overdue", "settled")]
    submissions = [
        Submission(id=str(n), kind=kind, value=value, at=T0 + timedelta(days=400), context=(*earlier, *extra))
        for n, value in enumerate([*broken, last])
    ]
    *rulings, good = check.check(submissions)
    for ruling, value in zip(rulings, broken, strict=True):
        assert ruling.outcome is Outcome.REVIEW, value
        assert ruling.grounds[0].code.endswith(".unreadable"), value
    assert good.findings
    # What of the context cannot be read is left out.
    (again,) = check.check([attrs.evolve(submissions[-1], context=(*earlier, *extra, None, {}, {"loan": 3}, "x"))])
    assert again.findings == good.findings


@pytest.mark.parametrize("scene", SCENES)
def test_findings_are_worded_in_both_languages(scene: str) -> None:
    texts = json.loads((Path(__file__).parents[2] / "plugins/fieldhr_plugins/credit/messages.json").read_text("utf-8"))
    kind, records, extra = SCENES[scene]
    ruling = rule(kind, records[-1], [*records[:-1], *extra])
    for finding in ruling.findings:
        for name in (finding.explanation, finding.advice, *finding.readings):
            assert set(texts[name]) == {"en", "zh-Hans"}
            for text in texts[name].values():
                text.format(**finding.params)
    json.dumps([dict(ground.facts) for ground in ruling.grounds], allow_nan=False)


def test_it_is_never_known_before_it_was_handed_in_nor_later_than_it_happened() -> None:
    *earlier, last = ring()[:4]
    early = rule("application", last, earlier, when=T0 + timedelta(days=13))
    assert early.findings[0].opened_at == T0 + timedelta(days=13)
    late = rule("application", last, earlier, when=T0 + timedelta(days=200))
    assert late.findings[0].opened_at == T0 + timedelta(days=14)


def test_empty_tables_hold_nothing() -> None:
    assert connected_groups(APPLICATIONS.empty(), LINKS.empty(), SETTINGS) == []
    assert evergreening(LOANS.empty(), SETTINGS) == []
    assert passages(TRANSFERS.empty(), ACCOUNTS.empty(), SETTINGS) == []


@pytest.mark.parametrize("value", [True, None, "noon", "2026-03-02T10:00:00", 10**20, 1.5])
def test_times_that_are_none_are_named_errors(value: Any) -> None:
    with pytest.raises(RecordError):
        as_ms(value)


def test_times_in_three_forms_are_one() -> None:
    assert as_ms(T0) == as_ms(T0.isoformat()) == as_ms(int(T0.timestamp() * 1000))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["phone", "links", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(st.sampled_from(sorted(SCENES)), st.data())
@settings(max_examples=200, deadline=None)
def test_no_record_makes_a_check_raise(scene: str, data: st.DataObject) -> None:
    kind, records, extra = SCENES[scene]
    changed = records[-1] | data.draw(st.dictionaries(st.sampled_from(sorted(records[-1])), JSON, max_size=3))
    context = [*records[:-1], *extra, data.draw(JSON)]
    ruling = rule(kind, changed, context)
    assert ruling.outcome in (Outcome.CLEARED, Outcome.REVIEW)
    assert (ruling.outcome is Outcome.CLEARED) == (not ruling.grounds)
