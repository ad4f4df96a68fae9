"""Statements: read in any unit, made whole by arithmetic only, refused with the line named."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.errors import RecordError
from fieldhr_plugins.credit.lines import LINES, line_named
from fieldhr_plugins.credit.ratios import RATIOS, ratios_of
from fieldhr_plugins.credit.statement import NEEDED, UNITS, faults_of, read_statement, refuse, series_of

LINES_OF_A_SOUND_FIRM = {
    "cash": 120,
    "receivables": 300,
    "inventory": 280,
    "current_assets": 700,
    "total_assets": 1500,
    "current_liabilities": 400,
    "total_liabilities": 800,
    "equity": 700,
    "retained_earnings": 200,
    "revenue": 2000,
    "ebit": 150,
    "interest_expense": 40,
    "net_income": 80,
    "operating_cash_flow": 120,
}


def record(**more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"id": "s1", "borrower": "b1", "period_end": "2025-12-31", "lines": LINES_OF_A_SOUND_FIRM}
    return base | more


def with_lines(**lines: Any) -> dict[str, Any]:
    """The sound firm with some lines changed; ``None`` takes one out."""
    return record(lines={k: v for k, v in (LINES_OF_A_SOUND_FIRM | lines).items() if v is not None})


def refused(given_record: dict[str, Any]) -> RecordError:
    try:
        statement = read_statement(given_record)
    except RecordError as fault:
        return fault
    with pytest.raises(RecordError) as caught:
        refuse(faults_of(statement), statement.id)
    return caught.value


@pytest.mark.req("C7")
def test_figures_are_exact_in_whole_units_whatever_unit_they_came_in() -> None:
    in_thousands = read_statement(record(unit="thousand"))
    assert in_thousands.lines["total_assets"] == Decimal(1_500_000)
    assert in_thousands.step == Decimal(10_000)  # all figures are multiples of ten thousands
    odd = read_statement(with_lines(cash="1,234.56"))
    assert odd.lines["cash"] == Decimal("1234.56")
    assert odd.step == Decimal("0.01")


def test_names_of_lines_in_english_and_chinese() -> None:
    assert line_named("Total assets") == "total_assets"
    assert line_named("资产总计") == "total_assets"
    assert line_named("Non-current  Assets") == "noncurrent_assets"
    assert line_named("Shareholders' equity") == "equity"
    assert line_named("goodwill") is None
    names = [name for line in LINES for name in (line.name, *line.others)]
    assert len(names) == len(set(names))
    chinese = read_statement(
        {
            "period_end": "2025-12-31",
            "unit": "万元",
            "资产总计": "1,500",
            "负债合计": 800,
            "流动资产合计": 700,
            "流动负债合计": 400,
            "未分配利润": "(20)",
            "利润总额": 110,
            "利息费用": 40,
        }
    )
    assert faults_of(chinese) == []
    assert chinese.lines["retained_earnings"] == Decimal(-200_000)


def test_what_follows_is_derived_and_nothing_else() -> None:
    statement = read_statement(with_lines(equity=None, ebit=None, profit_before_tax=110))
    assert statement.lines["equity"] == 700
    assert statement.lines["ebit"] == 150
    assert {"equity", "ebit"} <= set(statement.derived)
    assert "tax" in statement.derived  # 110 before tax, 80 after
    without = read_statement(with_lines(ebit=None))
    assert "ebit" not in without.lines


@pytest.mark.req("C7")
@pytest.mark.parametrize("line", ["current_assets", "current_liabilities", "retained_earnings", "ebit"])
def test_a_missing_line_is_named(line: str) -> None:
    fault = refused(with_lines(**{line: None}))
    assert fault.code == "FHR-REC-001"
    assert fault.where["lines"] == (line,)
    assert line in fault.message


@pytest.mark.req("C7")
@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (with_lines(total_assets=0), "total_assets"),
        (with_lines(total_assets=-5), "total_assets"),
        (with_lines(cash=-1), "cash"),
        (with_lines(current_liabilities=-1), "current_liabilities"),
        (with_lines(ebit="much"), "ebit"),
        (with_lines(ebit=True), "ebit"),
        (with_lines(ebit=[1]), "ebit"),
        (with_lines(ebit="(5"), "ebit"),
        (with_lines(ebit=1e30), "ebit"),
        (record(unit="dozen"), "unit"),
        (record(currency="yuan"), "currency"),
        (record(months=5), "months"),
        (record(months=True), "months"),
        (record(period_end="yesterday"), "period_end"),
        (record(period_end=None), "period_end"),
        (record(lines=[1, 2]), "lines"),
        (record(total_assets=1400), "total_assets"),
    ],
)
def test_an_unfit_statement_is_refused_with_the_line_named(changed: dict[str, Any], line: str) -> None:
    fault = refused(changed)
    assert line in fault.where["lines"]  # type: ignore[operator]
    assert line in fault.message


def test_every_fault_is_named_at_once() -> None:
    fault = refused(record(unit="dozen", months=5, period_end="never"))
    assert set(fault.where["lines"]) == {"unit", "months", "period_end"}  # type: ignore[call-overload]


def test_the_same_line_twice_with_one_figure_is_fine() -> None:
    assert faults_of(read_statement(record(total_assets=1500))) == []


@pytest.mark.req("C7")
def test_stale_and_future_statements_are_unfit_and_the_limit_is_not() -> None:
    statement = read_statement(record())
    day = statement.period_end.toordinal()
    assert faults_of(statement, as_of=date.fromordinal(day + 550)) == []
    (stale,) = faults_of(statement, as_of=date.fromordinal(day + 551))
    assert (stale.reason, stale.line) == ("statement.stale", "period_end")
    assert faults_of(statement, as_of=statement.period_end) == []
    (early,) = faults_of(statement, as_of=date.fromordinal(day - 1))
    assert early.reason == "statement.in_future"


def test_a_series_is_one_borrowers_statements_in_order_whatever_order_they_came_in() -> None:
    quarters = [read_statement(record(id=f"q{n}", period_end=f"2025-{3 * n:02d}-28", months=3)) for n in (1, 2, 3, 4)]
    other = read_statement(record(id="x", borrower="b2"))
    for order in (quarters, quarters[::-1], [quarters[2], other, quarters[0], quarters[3], quarters[1]]):
        assert [one.id for one in series_of(order, "b1")] == ["q1", "q2", "q3", "q4"]


def test_ratios_by_hand() -> None:
    ratios = ratios_of(read_statement(record()))
    expected = {
        "debt_ratio": 800 / 1500,
        "current_ratio": 1.75,
        "quick_ratio": 420 / 400,
        "cash_ratio": 0.3,
        "working_capital_to_assets": 0.2,
        "retained_earnings_to_assets": 200 / 1500,
        "ebit_to_assets": 0.1,
        "equity_to_liabilities": 0.875,
        "return_on_assets": 80 / 1500,
        "interest_cover": 3.75,
        "operating_cash_to_liabilities": 0.15,
        "operating_cash_to_revenue": 0.06,
        "net_margin": 0.04,
        "asset_turnover": 2000 / 1500,
        "receivable_days": 54.75,
        "inventory_days": 51.1,
    }
    assert set(expected) == set(ratios) == {ratio.name for ratio in RATIOS}
    assert ratios == pytest.approx(expected)


def test_flows_are_put_on_a_year_and_stocks_are_not() -> None:
    year, quarter = ratios_of(read_statement(record())), ratios_of(read_statement(record(months=3)))
    assert quarter["ebit_to_assets"] == pytest.approx(4 * (year["ebit_to_assets"] or 0))
    assert quarter["receivable_days"] == pytest.approx((year["receivable_days"] or 0) / 4)
    assert quarter["interest_cover"] == year["interest_cover"]
    assert quarter["debt_ratio"] == year["debt_ratio"]


def test_nothing_owed_is_endless_and_nothing_over_nothing_is_unknown() -> None:
    free = ratios_of(read_statement(with_lines(total_liabilities=0, current_liabilities=0, equity=1500)))
    assert free["equity_to_liabilities"] == 1e6
    assert free["debt_ratio"] == 0
    assert ratios_of(read_statement(with_lines(interest_expense=0)))["interest_cover"] is None
    assert ratios_of(read_statement(with_lines(interest_expense=-4)))["interest_cover"] is None
    assert ratios_of(read_statement(with_lines(revenue=0, net_income=0)))["net_margin"] is None
    assert ratios_of(read_statement(with_lines(revenue=None)))["net_margin"] is None


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(["CNY", "JPY", "EUR"]))
def test_neither_unit_nor_currency_changes_a_ratio(unit: str, currency: str) -> None:
    plain = ratios_of(read_statement(record()))
    assert ratios_of(read_statement(record(unit=unit, currency=currency))) == pytest.approx(plain, rel=1e-12)


@given(st.permutations(list(LINES_OF_A_SOUND_FIRM.items())))
@settings(max_examples=20)
def test_the_order_of_lines_changes_nothing(items: list[tuple[str, int]]) -> None:
    assert dict(read_statement(record(lines=dict(items))).lines) == dict(read_statement(record()).lines)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([*NEEDED, "id", "borrower", "period_end", "months", "unit", "currency", "lines", "industry"])


@given(st.dictionaries(FIELDS, JSON, max_size=6), st.dictionaries(st.sampled_from(NEEDED), JSON, max_size=4))
@settings(max_examples=300, deadline=None)
def test_bad_input_is_a_named_error_and_never_another(fields: dict[str, Any], lines: dict[str, Any]) -> None:
    for given_record in (fields, with_lines(**lines), record() | fields):
        try:
            statement = read_statement(given_record)
        except RecordError as fault:
            named = fault.where["lines"]
        else:
            named = [statement.id]
            if not faults_of(statement):
                json.dumps(ratios_of(statement), allow_nan=False)
        assert named
