"""R06 and R07: borrowers who weaken, books that do not add up, and everything that looks like them and is not."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.errors import RecordError
from fieldhr_core.hooks import RegistrationContext
from fieldhr_core.model import Audience, Outcome, Ruling, Severity, Submission
from fieldhr_plugins.credit import PLUGIN, fieldhr_register_checks
from fieldhr_plugins.credit.consistency import benford
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.statement import read_statement
from fieldhr_plugins.credit.statement_check import StatementCheck

AT = datetime(2026, 1, 20, 2, 0, tzinfo=UTC)
ENDS = ("2024-12-31", "2025-03-31", "2025-06-30", "2025-09-30", "2025-12-31")


def books(
    borrower: str = "b1",
    end: str = "2025-12-31",
    *,
    debt: float = 0.55,
    current: float = 1.6,
    ocf: float = 0.02,
    cover: float = 4.0,
    income: float = 0.012,
    industry: str = "trade",
    total: int = 20_000_000,
    **more: Any,
) -> dict[str, Any]:
    """A quarter's books that add up, from ratios; flows are shares of the assets."""
    owed = round(total * debt)
    short = round(owed * 0.7)
    liquid = round(short * current)
    interest = round(total * 0.006)
    cash = round(liquid * 0.2)
    flow = round(total * ocf)
    lines = {
        "cash": cash,
        "receivables": round(liquid * 0.4),
        "inventory": round(liquid * 0.3),
        "current_assets": liquid,
        "noncurrent_assets": total - liquid,
        "total_assets": total,
        "current_liabilities": short,
        "noncurrent_liabilities": owed - short,
        "total_liabilities": owed,
        "equity": total - owed,
        "retained_earnings": round((total - owed) * 0.3),
        "revenue": round(total * 0.3),
        "ebit": round(interest * cover),
        "interest_expense": interest,
        "net_income": round(total * income),
        "operating_cash_flow": flow,
        "investing_cash_flow": -50_000,
        "financing_cash_flow": 30_000,
        "opening_cash": cash - flow + 20_000,
    }
    lines.update(more.pop("lines", {}))
    kept = {name: value for name, value in lines.items() if value is not None}
    base = {"id": f"{borrower}/{end}", "borrower": borrower, "period_end": end, "months": 3, "industry": industry}
    return base | {"rep": "rep-1", "lines": kept} | more


def loose(record: dict[str, Any]) -> dict[str, Any]:
    """The same without opening cash: quarters made from ratios do not tie to each other."""
    return record | {"lines": {k: v for k, v in record["lines"].items() if k != "opening_cash"}}


def rule(value: Any, *context: Any, at: datetime = AT, **changed: Any) -> Ruling:
    check = StatementCheck(CreditSettings(**changed))
    (ruling,) = check.check([Submission(id="s1", kind="statement", value=value, at=at, context=context)])
    return ruling


def codes(ruling: Ruling) -> list[str]:
    return [finding.code for finding in ruling.findings]


# --- R06 ---


def weakening(**last: Any) -> list[dict[str, Any]]:
    """Four quarters: debt 55 to 82 %, current ratio 1.6 to 0.7, cash flow negative twice, cover down to 0.6."""
    steps = zip(
        ENDS[1:],
        (0.55, 0.64, 0.73, 0.82),
        (1.6, 1.3, 1.0, 0.7),
        (0.02, 0.01, -0.02, -0.03),
        (4.0, 2.5, 1.2, 0.6),
        (0.012, 0.006, 0.0, -0.01),
        strict=True,
    )
    quarters = [loose(books("weak", end, debt=d, current=c, ocf=o, cover=i, income=n)) for end, d, c, o, i, n in steps]
    quarters[-1] = quarters[-1] | last
    return quarters


@pytest.mark.req("C7")
@pytest.mark.scenario("R06")
def test_a_weakening_borrower_advises_stop_on_import_with_probability_and_five_factors() -> None:
    *earlier, now = weakening()
    ruling = rule(now, *earlier)
    assert ruling.outcome is Outcome.STOP
    (finding,) = ruling.findings
    assert (finding.code, finding.subject_kind, finding.subject) == ("credit.repayment_risk", "borrower", "weak")
    assert (finding.severity, finding.rep, finding.opened_at) == (Severity.HIGH, "rep-1", AT)
    assert finding.advice == "credit.advice.stop_follow_up"
    facts = finding.evidence[0].facts
    assert finding.evidence[0].ids == tuple(one["id"] for one in weakening())
    assert facts["probability"] > 0.10
    assert facts["band"] == "high"
    factors = {factor["name"]: factor for factor in facts["factors"]}
    assert set(factors) == {
        "debt_ratio",
        "current_ratio",
        "operating_cash_flow",
        "interest_cover",
        "return_on_assets",
    }
    assert all(factor["direction"] == "raises" and factor["adverse"] for factor in factors.values())
    assert factors["debt_ratio"]["size"] == pytest.approx(0.27, abs=1e-3)
    assert factors["current_ratio"]["size"] == pytest.approx(0.9, abs=1e-3)
    assert factors["operating_cash_flow"]["value"] == 2
    assert factors["interest_cover"]["value"] == pytest.approx(0.6, abs=1e-3)
    assert all(ground.rule and ground.source for ground in ruling.grounds)


@pytest.mark.scenario("R06")
def test_the_order_of_the_context_and_what_else_is_in_it_change_nothing() -> None:
    *earlier, now = weakening()
    plain = rule(now, *earlier)
    others = [loose(books(f"o{n}", industry="other", total=20_000_000 + 7 * n)) for n in range(9)]
    for seed in range(5):
        context = [*earlier, *others, "nonsense", None, {"id": 3}]
        random.Random(seed).shuffle(context)
        assert rule(now, *context) == plain


@pytest.mark.scenario("R06")
def test_a_weakening_that_goes_on_is_the_same_case() -> None:
    *earlier, now = weakening()
    worse = loose(books("weak", "2026-03-31", debt=0.85, current=0.6, ocf=-0.02, cover=0.3, income=-0.02))
    (first,), (second,) = rule(now, *earlier).findings, rule(worse, *earlier, now, at=AT.replace(month=4)).findings
    assert first.instance == second.instance == "2025-12-31"


@pytest.mark.scenario("R06")
def test_summed_up_quarters_say_the_same_as_single_ones() -> None:
    singles = weakening()
    flows = (
        "revenue",
        "ebit",
        "interest_expense",
        "net_income",
        "operating_cash_flow",
        "investing_cash_flow",
        "financing_cash_flow",
    )
    summed = []
    for count, one in enumerate(singles, start=1):
        lines = dict(one["lines"])
        for name in flows:
            lines[name] = sum(quarter["lines"][name] for quarter in singles[:count])
        summed.append(one | {"months": 3 * count, "lines": lines})
    ruling = rule(summed[-1], *summed[:-1])
    factors = {factor["name"]: factor for factor in ruling.findings[0].evidence[0].facts["factors"]}
    assert factors["operating_cash_flow"]["value"] == 2  # the year's sum hides that the third quarter was negative


@pytest.mark.req("C7")
@pytest.mark.scenario("R06")
def test_what_is_usual_in_an_industry_is_held_against_nobody() -> None:
    quarters = [
        loose(books("lease", end, debt=d, current=c, industry="leasing", cover=1.4, income=0.004))
        for end, d, c in zip(ENDS[1:], (0.70, 0.73, 0.76, 0.78), (0.9, 0.85, 0.8, 0.6), strict=True)
    ]
    peers = [
        loose(
            books(
                f"p{n}", debt=0.78 + 0.01 * n, current=0.62, industry="leasing", cover=1.4, total=30_000_000 + n * 977
            )
        )
        for n in range(5)
    ]
    assert codes(rule(quarters[-1], *quarters[:-1], *peers)) == []
    # Far above its peers it would be another matter; so would one without peers to compare with.
    apart = loose(books("lease", debt=0.93, current=0.3, industry="leasing", cover=0.4, income=-0.03))
    assert codes(rule(apart, *quarters[:-1], *peers)) == ["credit.repayment_risk"]


@pytest.mark.scenario("R06")
def test_fewer_peers_than_make_a_median_say_nothing() -> None:
    *earlier, now = weakening()
    like_it = [
        loose(books(f"p{n}", debt=0.84, current=0.6, cover=0.5, ocf=-0.03, income=-0.02, total=9_000_000 + n))
        for n in range(5)
    ]
    assert codes(rule(now, *earlier, *like_it[:4])) == ["credit.repayment_risk"]
    # Five who fare alike make it usual: three ratios drop out, cash flow alone is no course.
    assert codes(rule(now, *earlier, *like_it)) == []
    strangers = [one | {"industry": "mining"} for one in like_it]
    assert codes(rule(now, *earlier, *strangers)) == ["credit.repayment_risk"]


@pytest.mark.scenario("R06")
@pytest.mark.parametrize("negative", [(0,), (1,), (2,), (3,)])
def test_one_negative_quarter_is_silent(negative: tuple[int, ...]) -> None:
    quarters = [loose(books("b", end, ocf=-0.04 if n in negative else 0.03)) for n, end in enumerate(ENDS[1:])]
    ruling = rule(quarters[-1], *quarters[:-1])
    assert codes(ruling) == []
    assert ruling.outcome is Outcome.CLEARED


@pytest.mark.scenario("R06")
def test_a_season_that_was_negative_a_year_before_is_not_counted() -> None:
    def year(borrower: str, first_year: bool) -> list[dict[str, Any]]:
        ends = ([f"2024-{day}" for day in ("03-31", "06-30", "09-30", "12-31")] if first_year else []) + list(ENDS[1:])
        quarters = []
        for n, end in enumerate(ends):
            place = n % 4
            quarters.append(
                loose(
                    books(
                        borrower,
                        end,
                        ocf=-0.03 if place in (2, 3) else 0.05,
                        debt=0.60 + 0.04 * place,
                        current=1.5 - 0.2 * place,
                        cover=4 - 0.9 * place,
                    )
                )
            )
        return quarters

    last = {"debt": 0.72, "current": 0.9, "cover": 1.3}
    for first_year, expected in ((True, 0), (False, 2)):
        quarters = year("b", first_year)
        now = loose(books("b", ocf=-0.03, **last))
        check = rule(now, *quarters[:-1], weakening_factors=1)
        factors = {f["name"]: f for f in check.findings[0].evidence[0].facts["factors"]}
        assert factors["operating_cash_flow"]["value"] == expected


@pytest.mark.scenario("R06")
def test_three_statements_are_no_course_and_bad_but_steady_is_none() -> None:
    *earlier, now = weakening()
    assert codes(rule(now, *earlier[1:])) == []
    steady = [loose(books("s", end, debt=0.82, current=0.7, ocf=0.01, cover=0.6, income=0.0)) for end in ENDS[1:]]
    ruling = rule(steady[-1], *steady[:-1])
    assert codes(ruling) == []
    assert ruling.outcome is Outcome.REVIEW  # a high probability still wants a person
    recovering = weakening()[::-1]
    turned = [one | {"period_end": end, "id": end} for one, end in zip(recovering, ENDS[1:], strict=True)]
    assert codes(rule(turned[-1], *turned[:-1])) == []


@pytest.mark.scenario("R06")
def test_two_factors_are_a_bad_quarter_three_a_course() -> None:
    quarters = [loose(books("b", end)) for end in ENDS[1:-1]]
    two = loose(books("b", debt=0.75, current=0.9))
    three = loose(books("b", debt=0.75, current=0.9, cover=1.2))
    assert codes(rule(two, *quarters)) == []
    assert codes(rule(three, *quarters)) == ["credit.repayment_risk"]


# --- R07 ---


def off_by(share: float, **more: Any) -> dict[str, Any]:
    sound = books(**more)
    lines = sound["lines"]
    return sound | {"lines": lines | {"equity": lines["equity"] + round(share * lines["total_assets"])}}


@pytest.mark.req("C7")
@pytest.mark.scenario("R07")
@pytest.mark.parametrize("share", [0.03, -0.03, 0.01])
def test_a_balance_sheet_that_is_off_is_found_on_import_with_the_lines(share: float) -> None:
    ruling = rule(off_by(share))
    assert ruling.outcome is Outcome.REVIEW
    (finding,) = ruling.findings
    assert (finding.code, finding.subject_kind, finding.subject) == ("credit.statement_inconsistent", "borrower", "b1")
    assert (finding.severity, finding.opened_at) == (Severity.HIGH, AT)
    assert finding.params["lines"] == "total_assets, total_liabilities, equity"
    (odd,) = finding.evidence[0].facts["inconsistencies"]
    assert odd["code"] == "balance_sheet"
    assert odd["share_of_assets"] == pytest.approx(abs(share), abs=1e-6)
    assert not any(ground.code == "credit.assessment" for ground in ruling.grounds)  # wrong figures get no probability
    assert rule(books()).outcome is Outcome.CLEARED


@pytest.mark.scenario("R07")
@pytest.mark.parametrize(
    "line", ["current_assets", "noncurrent_assets", "current_liabilities", "noncurrent_liabilities"]
)
def test_sums_that_do_not_add_up_are_named(line: str) -> None:
    sound = books()
    ruling = rule(sound | {"lines": sound["lines"] | {line: round(sound["lines"][line] * 1.05)}})
    assert codes(ruling) == ["credit.statement_inconsistent"]
    assert line in ruling.findings[0].params["lines"]


@pytest.mark.scenario("R07")
def test_a_part_larger_than_its_whole_is_named() -> None:
    lines = books()["lines"]
    (finding,) = rule(books(lines={"receivables": lines["current_assets"]})).findings
    assert finding.params["kinds"] == "part_exceeds_whole"
    assert "receivables" in finding.params["lines"]


@pytest.mark.req("C7")
@pytest.mark.scenario("R07")
def test_cash_flow_that_does_not_tie_to_cash_is_named() -> None:
    sound = books()
    lines = sound["lines"]
    (finding,) = rule(
        sound | {"lines": lines | {"operating_cash_flow": lines["operating_cash_flow"] + 400_000}}
    ).findings
    assert finding.params["kinds"] == "cash_flow"
    assert finding.params["lines"].startswith("cash, opening_cash, operating_cash_flow")
    # The exchange rate explains it where it is stated.
    tied = lines | {"opening_cash": lines["opening_cash"] - 400_000, "fx_effect": 400_000}
    assert rule(sound | {"lines": tied}).findings == ()


@pytest.mark.scenario("R07")
def test_opening_cash_that_is_not_what_the_period_before_closed_with() -> None:
    sound = books()
    before = loose(books(end="2025-09-30", lines={"closing_cash": sound["lines"]["opening_cash"]}))
    assert rule(sound, before).findings == ()
    moved = loose(books(end="2025-09-30", lines={"closing_cash": sound["lines"]["opening_cash"] + 900_000}))
    (finding,) = rule(sound, moved).findings
    assert finding.params["kinds"] == "opening_cash"
    assert finding.evidence[0].ids == ("b1/2025-12-31", "b1/2025-09-30")
    far = moved | {"period_end": "2025-06-30"}
    assert rule(sound, far).findings == ()  # not the period before


@pytest.mark.req("C7")
@pytest.mark.scenario("R07")
@given(st.integers(400_000, 900_000_000), st.floats(0.2, 0.8), st.floats(0.7, 2.5))
@settings(max_examples=60, deadline=None)
def test_rounding_to_thousands_is_silent_whether_said_or_not(total: int, debt: float, current: float) -> None:
    exact = books(total=total, debt=debt, current=min(current, 0.95 / (0.7 * debt)))
    rounded = {name: round(value / 1000) for name, value in exact["lines"].items()}
    said = exact | {"unit": "thousand", "lines": rounded}
    unsaid = exact | {"lines": {name: value * 1000 for name, value in rounded.items()}}
    assert rule(said).findings == ()
    assert rule(unsaid).findings == ()
    # Three in a hundred off is no rounding, in thousands neither.
    for one in (said, unsaid):
        lines = one["lines"]
        wrong = one | {"lines": lines | {"equity": lines["equity"] + round(0.03 * lines["total_assets"])}}
        assert codes(rule(wrong)) == ["credit.statement_inconsistent"]


@pytest.mark.scenario("R07")
def test_round_figures_do_not_hide_a_gap() -> None:
    lines = {"total_assets": 1000, "total_liabilities": 600, "equity": 370, "current_assets": 500}
    bare = {"current_liabilities": 300, "retained_earnings": 100, "ebit": 100}
    value = {"id": "x", "borrower": "b", "period_end": "2025-12-31", "lines": lines | bare}
    assert codes(rule(value)) == ["credit.statement_inconsistent"]
    assert codes(rule(value | {"lines": lines | bare | {"equity": 400}})) == []
    # All in hundreds, and one hundred off: as a tenth of the assets it is no rounding.
    assert codes(rule(value | {"lines": lines | bare | {"equity": 300}})) == ["credit.statement_inconsistent"]


def copied(equal: int, of: int = 15) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two borrowers whose statements share *equal* of *of* figures, each adding up closely enough to stay silent alone."""
    names = list(loose(books())["lines"])[:of]
    mine = loose(books(total=20_345_671))["lines"]
    theirs = loose(books(total=31_874_933, debt=0.47, current=1.9))["lines"]
    first = {name: mine[name] for name in names}
    second = {name: (mine if place < equal else theirs)[name] for place, name in enumerate(names)}
    return first, second


def equal_pair(equal: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """As :func:`copied`, on lines that no sum connects, so that nothing else is found."""
    free = (
        "cash",
        "receivables",
        "inventory",
        "revenue",
        "cost_of_sales",
        "ebit",
        "interest_expense",
        "profit_before_tax",
    )
    more = (
        "net_income",
        "depreciation",
        "operating_cash_flow",
        "investing_cash_flow",
        "financing_cash_flow",
        "short_term_debt",
        "long_term_debt",
    )
    names = free + more
    base = {"total_assets": 90_000_017, "total_liabilities": 40_000_003, "equity": 50_000_014}
    base |= {"current_assets": 60_000_001, "current_liabilities": 30_000_007, "retained_earnings": 10_000_019}
    first = {name: 1_000_003 + 7_919 * place for place, name in enumerate(names)}
    second = {name: value if place < equal else value + 13 for place, (name, value) in enumerate(first.items())}
    moved = {name: value + 2_000 for name, value in base.items()} | {"equity": base["equity"]}
    return base | first, moved | second


@pytest.mark.req("C7")
@pytest.mark.scenario("R07")
def test_two_borrowers_with_the_same_figures_are_found_and_named() -> None:
    first, second = (
        {"id": f"s{n}", "borrower": f"b{n}", "period_end": "2025-12-31", "lines": lines}
        for n, lines in enumerate(copied(12))
    )
    ruling = rule(second, first)
    finding = ruling.findings[0]
    odd = {one["code"]: one for one in finding.evidence[0].facts["inconsistencies"]}
    assert odd["copied"]["equal_figures"] == 12
    assert odd["copied"]["figures_in_both"] == 15
    assert odd["copied"]["borrowers"] == ["b0"]
    assert finding.evidence[0].ids == ("s1", "s0")


@pytest.mark.scenario("R07")
@pytest.mark.parametrize(("equal", "found"), [(15, True), (14, False)])
def test_the_share_of_equal_figures_decides(equal: int, found: bool) -> None:
    # 21 figures in both: one of the base is equal, too. 16 are over three in four, 15 are not.
    first, second = equal_pair(equal)
    one = {"id": "s0", "borrower": "b0", "period_end": "2025-12-31", "lines": first}
    other = {"id": "s1", "borrower": "b1", "period_end": "2025-12-31", "lines": second}
    ruling = rule(other, one)
    assert codes(ruling) == (["credit.statement_inconsistent"] if found else [])
    if found:
        assert ruling.findings[0].params["kinds"] == "copied"


@pytest.mark.scenario("R07")
def test_eleven_equal_figures_a_borrowers_own_and_zeros_are_silent() -> None:
    first, second = (
        {"id": f"s{n}", "borrower": f"b{n}", "period_end": "2025-12-31", "lines": lines}
        for n, lines in enumerate(copied(11))
    )
    kinds = [one["code"] for f in rule(second, first).findings for one in f.evidence[0].facts["inconsistencies"]]
    assert "copied" not in kinds
    again = first | {"id": "s9"}
    assert rule(again, first).findings == ()  # the same borrower, sent twice
    with_zeros = dict.fromkeys(
        ("inventory", "receivables", "revenue", "depreciation", "tax", "fx_effect", "cost_of_sales", "short_term_debt"),
        0,
    )
    a, b = (loose(books(f"z{n}", total=20_000_000 + 999_331 * n, lines=with_zeros)) for n in (0, 1))
    assert rule(a, b).findings == ()


@pytest.mark.scenario("R07")
def test_a_copy_in_another_unit_is_the_same_copy() -> None:
    first, second = equal_pair(15)
    one = {"id": "s0", "borrower": "b0", "period_end": "2025-12-31", "lines": first}
    other = {"id": "s1", "borrower": "b1", "period_end": "2024-12-31", "unit": "minor"}
    ruling = rule(other | {"lines": {name: value * 100 for name, value in second.items()}}, one)
    assert codes(ruling) == ["credit.statement_inconsistent"]


def test_first_digits_are_for_information_only() -> None:
    quarters = [loose(books("b", f"{year}-{day}")) for year in range(2015, 2026) for day in ("06-30", "12-31")]
    statements = [read_statement(one) for one in quarters]
    assert benford(statements[:3]) is None
    found = benford(statements)
    assert found is not None
    assert found["is_unusual"] is True  # the same figures over and over
    fixed = {"investing_cash_flow": None, "financing_cash_flow": None}
    grown = [read_statement(loose(books("b", total=round(10**6 * math.exp(0.31 * n)), lines=fixed))) for n in range(40)]
    even = benford(grown)
    assert even is not None
    assert even["is_unusual"] is False
    ruling = rule(quarters[-1], *quarters[:-1])
    assert ruling.outcome is Outcome.CLEARED
    assert [ground.verdict for ground in ruling.grounds if ground.code == "credit.first_digits"] == ["cleared"]


# --- the check as a check ---


@pytest.mark.req("C7")
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (books(lines={"ebit": None}), "ebit"),
        (books(lines={"total_assets": -1}), "total_assets"),
        (books() | {"unit": "dozen"}, "unit"),
        (books(end="2023-06-30"), "period_end"),
        (books(end="2026-03-31"), "period_end"),
    ],
)
def test_unfit_statements_go_to_a_person_with_the_line_named(value: dict[str, Any], reason: str) -> None:
    ruling = rule(value)
    assert ruling.outcome is Outcome.REVIEW
    assert reason in [ground.facts["line"] for ground in ruling.grounds if ground.code == "credit.statement_unfit"]


@pytest.mark.parametrize("value", [None, 5, "books", [], object()])
def test_what_is_no_statement_is_not_cleared(value: Any) -> None:
    ruling = rule(value)
    assert ruling.outcome is Outcome.REVIEW
    assert ruling.grounds


def test_one_bad_statement_does_not_stop_the_others() -> None:
    check = StatementCheck(CreditSettings())
    given_values = [None, books("a"), off_by(0.03), books("c")]
    rulings = check.check([Submission(id=str(n), kind="statement", value=v, at=AT) for n, v in enumerate(given_values)])
    assert [one.outcome.value for one in rulings] == ["review", "cleared", "review", "cleared"]
    assert [one.submission for one in rulings] == ["0", "1", "2", "3"]


def test_a_tenants_own_scorecard_is_used_and_a_broken_one_clears_nothing(tmp_path: Path) -> None:
    from fieldhr_plugins.credit.training import train

    debt = [0.3 + 0.001 * n for n in range(400)]
    bad = [int((n * 7919) % 400 < n * 0.5) for n in range(400)]
    card = train({"debt_ratio": debt}, bad, [float(n % 8) for n in range(400)])
    card.save(tmp_path / "own.json")
    low, high = (
        next(
            ground.facts
            for ground in rule(books(debt=d, current=1.0), model_file=str(tmp_path / "own.json")).grounds
            if ground.code == "credit.assessment"
        )
        for d in (0.35, 0.65)
    )
    assert low["model"] == card.as_json()["sha256"][:12]
    assert [factor["name"] for factor in low["factors"]] == ["debt_ratio"]
    assert low["probability"] < high["probability"]
    (tmp_path / "own.json").write_text("{}", "utf-8")
    with pytest.raises(RecordError):
        rule(books(), model_file=str(tmp_path / "own.json"))


def test_findings_are_json_and_worded_in_both_languages() -> None:
    texts = json.loads((Path(__file__).parents[2] / "plugins/fieldhr_plugins/credit/messages.json").read_text("utf-8"))
    *earlier, now = weakening()
    for finding in (*rule(now, *earlier).findings, *rule(off_by(0.03)).findings):
        json.dumps(
            attrs.asdict(finding, filter=lambda field, _: field.name not in {"opened_at", "closed_at"}), allow_nan=False
        )
        assert finding.audience == (Audience.MANAGER, Audience.COMPLIANCE)
        for name in (finding.explanation, finding.advice, *finding.readings):
            assert set(texts[name]) == {"en", "zh-Hans"}
            for text in texts[name].values():
                text.format(**finding.params)


def test_the_plugin_offers_four_checks_and_its_settings_hold_their_bounds() -> None:
    offers = {offer.name: offer.make(None) for offer in fieldhr_register_checks(context=RegistrationContext())}
    assert {name: check.kinds for name, check in offers.items()} == {
        "credit.statement": ("statement",),
        "credit.applications": ("application",),
        "credit.loans": ("loan",),
        "credit.transfers": ("transfer",),
    }
    assert PLUGIN.settings is CreditSettings
    for wrong in ({"base_rate": 0.0}, {"high_from": 1.5}, {"connected_applications": 1}, {"transfers_days": 0}):
        with pytest.raises(ValueError, match="must be"):
            CreditSettings(**wrong)
