"""Z'' and O against hand-computed figures, and what the built-in map promises."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_plugins.credit.assessment import assess
from fieldhr_plugins.credit.formulas import Zone, altman, ohlson, wrong_zones, year_before, zone_of
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.statement import Statement, faults_of, read_statement

SOUND = {
    "current_assets": 700,
    "total_assets": 1500,
    "current_liabilities": 400,
    "total_liabilities": 800,
    "equity": 700,
    "retained_earnings": 200,
    "ebit": 150,
    "net_income": 80,
    "operating_cash_flow": 120,
}
SETTINGS = CreditSettings()


def statement(**lines: Any) -> Statement:
    fields = {key: lines.pop(key) for key in ("period_end", "months", "unit") if key in lines}
    kept = {key: value for key, value in (SOUND | lines).items() if value is not None}
    return read_statement({"id": "s", "borrower": "b", "period_end": "2025-12-31", "lines": kept} | fields)


@pytest.mark.req("C7")
def test_z_by_hand() -> None:
    # X1 = 300/1500, X2 = 200/1500, X3 = 150/1500, X4 = 700/800
    # 6.56 * 0.2 = 1.312; 3.26 * 0.13333 = 0.434667; 6.72 * 0.1 = 0.672; 1.05 * 0.875 = 0.91875
    found = altman(statement())
    assert found.score == pytest.approx(3.3374166667, abs=1e-9)
    assert [round(term.amount, 6) for term in found.terms] == [1.312, 0.434667, 0.672, 0.91875]
    assert found.zone is Zone.SAFE
    emerging = altman(statement(), emerging=True)
    assert emerging.score == pytest.approx(6.5874166667, abs=1e-9)
    assert emerging.zone is Zone.SAFE


@pytest.mark.req("C7")
def test_z_of_a_failing_firm_by_hand() -> None:
    # X1 = -0.25, X2 = -0.2, X3 = -0.05, X4 = -0.1: -1.64 - 0.652 - 0.336 - 0.105
    failing = statement(
        total_assets=1000,
        total_liabilities=1000 / 0.9,
        equity=1000 - 1000 / 0.9,
        current_assets=300,
        current_liabilities=550,
        retained_earnings=-200,
        ebit=-50,
    )
    assert altman(failing).score == pytest.approx(-2.733, abs=1e-6)
    assert altman(failing).zone is Zone.DISTRESS


@pytest.mark.parametrize(
    ("score", "emerging", "zone"),
    [
        (1.09, False, Zone.DISTRESS),
        (1.10, False, Zone.GREY),
        (2.60, False, Zone.GREY),
        (2.61, False, Zone.SAFE),
        (4.34, True, Zone.DISTRESS),
        (4.35, True, Zone.GREY),
        (5.85, True, Zone.GREY),
        (5.86, True, Zone.SAFE),
        (1.15, False, Zone.GREY),  # distress by the zones of Z', which are not these
        (2.80, False, Zone.SAFE),  # grey by them
    ],
)
def test_zones(score: float, emerging: bool, zone: Zone) -> None:
    assert zone_of(score, emerging=emerging) is zone


def test_wrong_zones_are_called_wrong() -> None:
    assert wrong_zones(1.10, 2.60) == ""
    assert wrong_zones(4.35, 5.85, emerging=True) == ""
    assert "another formula" in wrong_zones(1.23, 2.90)
    assert "with the constant" in wrong_zones(4.35, 5.85).split(";")[1]
    assert "without the constant" in wrong_zones(1.10, 2.60, emerging=True).split(";")[1]
    assert "not published" in wrong_zones(1.0, 3.0)


@given(st.floats(-50, 50))
def test_the_constant_and_its_zones_belong_together(score: float) -> None:
    # 1.10 + 3.25 = 4.35 and 2.60 + 3.25 = 5.85: the variants never disagree, rounding apart.
    if min(abs(score - 1.10), abs(score - 2.60)) > 1e-6:
        assert zone_of(score) is zone_of(score + 3.25, emerging=True)


@pytest.mark.req("C7")
def test_o_by_hand() -> None:
    # ln(1500 * 1e6 / 650) = ln(2307692.307...) = 14.651763
    # -1.32 - 0.407*14.651763 + 6.03*0.533333 - 1.43*0.2 + 0.0757*(400/700) - 2.37*(80/1500) - 1.83*(120/800)
    #   - 0.521*(80-50)/(80+50)
    before = statement(net_income=50, period_end="2024-12-31", unit="million")
    found = ohlson(statement(unit="million"), before, price_index=650.0)
    size = math.log(1.5e9 / 650)
    expected = -1.32 - 0.407 * size + 3.216 - 0.286 + 0.0432571429 - 0.1264 - 0.2745 - 0.1202307692
    assert size == pytest.approx(14.6518, abs=1e-4)
    assert found.score == pytest.approx(expected, abs=1e-8)
    assert found.score == pytest.approx(-4.8311, abs=1e-3)
    assert found.probability == pytest.approx(1 / (1 + math.exp(4.8311)), abs=1e-4)
    assert found.left_out == ()
    assert not found.is_size_assumed


def test_o_counts_two_losses_and_owing_more_than_it_has() -> None:
    bad = {"total_liabilities": 1600, "equity": -100, "net_income": -60, "operating_cash_flow": -30}
    now, before = statement(**bad), statement(net_income=-20, period_end="2024-12-31")
    terms = {term.name: term.amount for term in ohlson(now, before).terms}
    assert terms["owes_more_than_it_has"] == -1.72
    assert terms["two_losses"] == 0.285
    assert terms["change_of_income"] == pytest.approx(-0.521 * (-40 / 80))
    one_loss = {term.name: term.amount for term in ohlson(now, statement(period_end="2024-12-31")).terms}
    assert one_loss["two_losses"] == 0


def test_o_says_what_is_missing_assumed_and_left_out() -> None:
    none = ohlson(statement(net_income=None, operating_cash_flow=None))
    assert (none.score, none.probability, none.missing) == (None, None, ("net_income", "operating_cash_flow"))
    alone = ohlson(statement())
    assert alone.is_size_assumed
    assert alone.left_out == ("two_losses", "change_of_income")
    # Income and depreciation come before the cash from operations.
    with_depreciation = {term.name: term.value for term in ohlson(statement(depreciation=40)).terms}
    assert with_depreciation["funds_to_liabilities"] == pytest.approx(120 / 800)


def test_the_year_before_is_a_year_before() -> None:
    now = statement()
    year, quarter = statement(period_end="2024-12-31"), statement(period_end="2025-09-30")
    assert year_before(now, [quarter, year, now]) is year
    assert year_before(now, [quarter, now]) is None
    assert year_before(now, [statement(period_end="2024-12-31", months=6)]) is None


@pytest.mark.req("C7")
def test_points_add_up_and_double_every_twenty() -> None:
    found = assess(statement(), [], SETTINGS)
    assert found.base + sum(factor.points for factor in found.factors) == pytest.approx(found.score, abs=1e-9)
    odds = found.probability / (1 - found.probability)
    assert found.score == pytest.approx(600 - 20 / math.log(2) * math.log(50 * odds), abs=1e-6)
    # By hand: -2.195 - 0.2062 * 3.3374 = -2.8832, so 5.30 %.
    assert found.probability == pytest.approx(0.05299, abs=1e-4)
    assert found.model == "altman_z"
    assert "not_trained_on_own_history" in found.remarks


def test_another_base_rate_moves_everybody_alike() -> None:
    plain, rare = assess(statement(), [], SETTINGS), assess(statement(), [], CreditSettings(base_rate=0.01))
    moved = math.log(0.01 / 0.99) - math.log(410 / 5500)
    before, after = (math.log(one.probability / (1 - one.probability)) for one in (plain, rare))
    assert after - before == pytest.approx(moved, abs=1e-9)
    assert [factor.points for factor in rare.factors] == [factor.points for factor in plain.factors]


BETTER = {"retained_earnings": 1, "ebit": 1, "current_liabilities": -1, "current_assets": 1}


@given(st.sampled_from(sorted(BETTER)), st.integers(1, 350))
def test_better_figures_never_raise_the_probability(line: str, change: int) -> None:
    better = statement(**{line: SOUND[line] + BETTER[line] * change})
    assert assess(better, [], SETTINGS).probability <= assess(statement(), [], SETTINGS).probability + 1e-12


@given(st.integers(0, 1499), st.integers(0, 1499))
def test_more_debt_never_lowers_the_probability(one: int, other: int) -> None:
    less, more = (
        assess(statement(total_liabilities=debt, equity=1500 - debt, current_liabilities=0), [], SETTINGS)
        for debt in sorted((one, other))
    )
    assert less.probability <= more.probability + 1e-12


amounts = st.integers(-(10**9), 10**9)


@given(st.integers(1, 10**9), st.integers(0, 10**9), amounts, amounts, st.integers(0, 10**9), st.integers(0, 10**9))
def test_any_fit_statement_gets_a_probability(total: int, owed: int, kept: int, ebit: int, soon: int, due: int) -> None:
    lines = {
        "total_assets": total,
        "total_liabilities": owed,
        "equity": total - owed,
        "retained_earnings": kept,
        "ebit": ebit,
        "current_assets": soon,
        "current_liabilities": due,
    }
    one = statement(**lines)
    assert faults_of(one) == []
    found = assess(one, [], SETTINGS)
    assert 0 < found.probability < 1
    assert found.base + sum(factor.points for factor in found.factors) == pytest.approx(found.score, abs=1e-6)
    assert assess(statement(**lines, unit="thousand"), [], SETTINGS).probability == pytest.approx(found.probability)
