"""The scorecard: its parts against references of their own, its promises, and how it fares on a simulated population."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.errors import RecordError
from fieldhr_plugins.credit.binning import Bins, fit_bins
from fieldhr_plugins.credit.formulas import altman
from fieldhr_plugins.credit.measures import area_under_curve, brier, calibration_error, kolmogorov_smirnov
from fieldhr_plugins.credit.ratios import RATIOS, ratios_of
from fieldhr_plugins.credit.regression import fit_isotonic, fit_logistic, probability_of
from fieldhr_plugins.credit.scorecard import FACTOR, Scorecard, points_of, reasons
from fieldhr_plugins.credit.statement import faults_of, read_statement
from fieldhr_plugins.credit.training import TrainingOptions, find_leaks, train


def _population_module() -> ModuleType:
    path = Path(__file__).with_name("credit_population.py")
    spec = importlib.util.spec_from_file_location("fieldhr_tests_credit_population", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


POPULATION = _population_module()


def columns_of(seed: int, firms: int = 1500) -> tuple[dict[str, Any], Any, Any, Any]:
    """Ratios, outcomes, periods and Z'' of a population."""
    records = POPULATION.population(firms, 6, seed)
    statements = [read_statement(record) for record in records]
    assert not any(faults_of(one) for one in statements)
    ratios = [ratios_of(one) for one in statements]
    columns = {
        ratio.name: np.array([math.nan if one[ratio.name] is None else one[ratio.name] for one in ratios])
        for ratio in RATIOS
    }
    bad = np.array([record["bad"] for record in records])
    when = np.array([one.period_end.toordinal() for one in statements], dtype="f8")
    return columns, bad, when, np.array([altman(one).score for one in statements])


@pytest.fixture(scope="module")
def history() -> tuple[dict[str, Any], Any, Any, Any]:
    return columns_of(7)


@pytest.fixture(scope="module")
def card(history: tuple[dict[str, Any], Any, Any, Any]) -> Scorecard:
    columns, bad, when, _ = history
    return train(columns, bad, when)


def small(rows: int = 400, seed: int = 1) -> tuple[dict[str, Any], Any, Any]:
    """Two honest columns and one of noise."""
    random = np.random.default_rng(seed)
    a, b, noise = random.normal(size=(3, rows))
    bad = random.random(rows) < probability_of(-1.6 + 0.9 * a - 0.7 * b)
    return {"a": a, "b": b, "noise": noise}, bad.astype(int), np.repeat(np.arange(8.0), rows // 8)


# --- parts, each against its definition ---


def areas_by_pairs(risk: list[float], bad: list[bool]) -> float:
    pairs = [
        (x, y)
        for x, is_bad in zip(risk, bad, strict=True)
        if is_bad
        for y, other in zip(risk, bad, strict=True)
        if not other
    ]
    return sum(1.0 if x > y else 0.5 if x == y else 0.0 for x, y in pairs) / len(pairs)


cases = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(bad for _, bad in rows) < len(rows)
)


@given(cases)
def test_area_under_curve_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    risk, bad = [float(value) for value, _ in rows], [is_bad for _, is_bad in rows]
    assert area_under_curve(risk, bad) == pytest.approx(areas_by_pairs(risk, bad))


@given(cases)
def test_kolmogorov_smirnov_is_the_widest_gap(rows: list[tuple[int, bool]]) -> None:
    bads, goods = [v for v, bad in rows if bad], [v for v, bad in rows if not bad]
    gaps = [
        abs(sum(v <= cut for v in bads) / len(bads) - sum(v <= cut for v in goods) / len(goods)) for cut in range(-5, 6)
    ]
    assert kolmogorov_smirnov([float(v) for v, _ in rows], [bad for _, bad in rows]) == pytest.approx(max(gaps))


def test_measures_without_both_kinds_are_not_a_number() -> None:
    assert math.isnan(area_under_curve([1.0, 2.0], [True, True]))
    assert math.isnan(kolmogorov_smirnov([1.0], [False]))
    assert math.isnan(brier([], []))
    assert math.isnan(calibration_error([], [])[0])


def test_brier_and_calibration_by_hand() -> None:
    said, bad = [0.1, 0.1, 0.9, 0.9], [0, 1, 1, 1]
    assert brier(said, bad) == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)
    error, table = calibration_error(said, bad, groups=2)
    assert [row["seen"] for row in table] == [0.5, 1.0]
    assert error == pytest.approx((2 * 0.4 + 2 * 0.1) / 4)


def test_weights_of_evidence_by_hand() -> None:
    # 100 low values, 10 of them bad; 100 high ones, 30 of them bad; 50 unknown, 25 bad. Two cases beforehand, 26 % bad.
    values = np.array([1.0] * 100 + [2.0] * 100 + [np.nan] * 50)
    bad = np.array([1] * 10 + [0] * 90 + [1] * 30 + [0] * 70 + [1] * 25 + [0] * 25)
    bins = fit_bins(values, bad, most=2)
    base = 65 / 250

    def weight(goods: int, bads: int) -> float:
        return math.log((goods + 2 * (1 - base)) / (bads + 2 * base)) - math.log((1 - base) / base)

    assert bins.edges.tolist() == [1.0]
    assert bins.weights.tolist() == pytest.approx([weight(90, 10), weight(70, 30)])
    assert bins.missing == pytest.approx(weight(25, 25))
    assert bins.missing < 0  # unknown is a bin of its own, here the worst, and never the middle
    assert bins.cases == (100, 100, 50)
    assert bins.bads == (10, 30, 25)
    assert bins.evidence([0.0, 1.0, 1.5, 9.0, np.nan]).tolist() == pytest.approx(
        [*[weight(90, 10)] * 2, *[weight(70, 30)] * 2, weight(25, 25)]
    )


@given(
    st.lists(st.tuples(st.floats(-10, 10) | st.just(math.nan), st.booleans()), max_size=200),
    st.sampled_from(["monotone", "rising", "falling"]),
    st.integers(1, 20),
)
@settings(max_examples=150, deadline=None)
def test_monotone_bins_never_turn(rows: list[tuple[float, bool]], shape: str, least: int) -> None:
    bins = fit_bins([v for v, _ in rows], [bad for _, bad in rows], least_cases=least, shape=shape)
    assert bins.shape in {"rising", "falling"}
    steps = np.diff(bins.weights)
    # The cases given beforehand pull bins of different sizes differently; the pooled rates themselves never turn.
    rates = np.array(bins.bads[:-1]) / np.maximum(bins.cases[:-1], 1)
    turned = np.diff(rates)
    assert (turned < 0).all() if bins.shape == "rising" else (turned > 0).all()
    assert sum(bins.cases) == len(rows)
    assert len(steps) == len(bins.edges)


def test_logistic_regression_solves_its_equations() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(300, 3))
    bad = random.random(300) < probability_of(-1 + x @ np.array([0.5, -1.0, 0.0]))
    intercept, weights = fit_logistic(x, bad, ridge=2.0)
    gap = probability_of(intercept + x @ weights) - bad
    # At the minimum of the penalised loss its gradient is nothing: sum of gaps, and x gaps + ridge * weights.
    assert gap.sum() == pytest.approx(0, abs=1e-5)
    assert x.T @ gap + 2.0 * weights == pytest.approx(np.zeros(3), abs=1e-5)
    again = fit_logistic(x, bad, ridge=2.0, start=np.array([3.0, 3.0, -3.0]))
    assert again[1] == pytest.approx(weights, abs=1e-5)


def test_logistic_regression_holds_where_classes_separate() -> None:
    x = np.linspace(-1, 1, 60)[:, None]
    intercept, weights = fit_logistic(x, x[:, 0] > 0, ridge=1.0)
    assert math.isfinite(intercept)
    assert 0 < weights[0] < 50


@given(cases)
def test_isotonic_rises_and_keeps_the_mean(rows: list[tuple[int, bool]]) -> None:
    said, bad = np.array([v / 10 for v, _ in rows]), np.array([bad for _, bad in rows])
    fitted = fit_isotonic(said, bad)
    assert (np.diff(fitted.values) >= -1e-12).all()
    assert (np.diff(fitted.points) > 0).all()
    assert fitted.at(said).mean() == pytest.approx(bad.mean())


# --- leaks ---


@pytest.mark.req("C7")
def test_a_column_that_knows_the_outcome_is_left_out_and_reported_unless_forced() -> None:
    columns, bad, when = small()
    random = np.random.default_rng(5)
    columns["collections_calls"] = bad * 3 + random.normal(size=len(bad))
    card = train(columns, bad, when)
    (leak,) = card.summary["leaks"]
    assert (leak["name"], leak["how"], leak["used"]) == ("collections_calls", "alone", False)
    assert leak["area"] > 0.9
    assert "collections_calls" not in card.names
    forced = train(columns, bad, when, TrainingOptions(force=("collections_calls",)))
    assert "collections_calls" in forced.names
    assert forced.summary["leaks"][0]["used"] is True


@pytest.mark.req("C7")
def test_a_column_whose_absence_tells_is_left_out() -> None:
    columns, bad, when = small()
    columns["a"] = np.where((bad == 1) & (np.arange(len(bad)) % 2 == 0), np.nan, columns["a"])
    card = train(columns, bad, when)
    assert [(leak["name"], leak["how"]) for leak in card.summary["leaks"]] == [("a", "absence")]
    assert "a" not in card.names


def test_honest_columns_and_honest_gaps_are_no_leaks() -> None:
    columns, bad, _ = small()
    columns["a"] = np.where(np.arange(len(bad)) % 3 == 0, np.nan, columns["a"])
    assert find_leaks(columns, bad) == []


def test_few_cases_leak_nothing_by_luck() -> None:
    # 4 failures out of 12: an area of 0.81 is not surer than luck.
    bad = np.array([1, 1, 1, 1] + [0] * 8)
    values = np.array([9.0, 8.0, 7.0, 2.0, 6.5, 6.4, 3.0, 2.5, 1.0, 0.5, 0.2, 0.1])
    assert area_under_curve(values, bad) > 0.80
    assert find_leaks({"a": values}, bad) == []


def test_where_half_of_all_columns_tell_the_failures_are_plain() -> None:
    random = np.random.default_rng(2)
    bad = (np.arange(400) % 5 == 0).astype(int)
    columns = {name: bad * 2.5 + random.normal(size=400) for name in ("a", "b", "c")}
    card = train(columns, bad, np.repeat(np.arange(8.0), 50))
    assert [leak["used"] for leak in card.summary["leaks"]] == [True, True, True]
    assert len(card.names) >= 2


# --- the scorecard ---


@pytest.mark.req("C7")
def test_it_is_marked_on_later_periods_only(card: Scorecard, history: tuple[dict[str, Any], Any, Any, Any]) -> None:
    columns, bad, when, _ = history
    late = when >= card.summary["test_from"]
    marks = card.summary["test"]
    assert card.summary["split"] == "out_of_time"
    assert marks["cases"] == late.sum()
    assert marks["bad"] == bad[late].sum()
    assert card.summary["trained_on"]["cases"] == (~late).sum()
    said = card.score({name: values[late] for name, values in columns.items()}).probability
    assert marks["area_under_curve"] == pytest.approx(area_under_curve(said, bad[late]), abs=1e-4)


@pytest.mark.req("C7")
def test_later_outcomes_do_not_change_what_is_learnt(
    history: tuple[dict[str, Any], Any, Any, Any], card: Scorecard
) -> None:
    columns, bad, when, _ = history
    late = when >= card.summary["test_from"]
    turned = train(columns, np.where(late & (np.arange(len(bad)) % 7 == 0), 1 - bad, bad), when)
    before, after = card.as_json(), turned.as_json()
    assert before["ratios"] == after["ratios"]
    assert before["shift"] == after["shift"]
    assert turned.summary["test"] != card.summary["test"]


@pytest.mark.req("C7")
@pytest.mark.slow
@pytest.mark.parametrize("calibration", ["platt", "isotonic"])
def test_on_a_simulated_population_it_ranks_and_its_probabilities_hold(calibration: str) -> None:
    shown = []
    for seed in (11, 12, 13):
        columns, bad, when, z = columns_of(seed, 2500)
        card = train(columns, bad, when, TrainingOptions(calibration=calibration))
        marks = card.summary["test"]
        late = when >= card.summary["test_from"]
        shown.append((marks["area_under_curve"], area_under_curve(-z[late], bad[late])))
        assert marks["brier"] < marks["brier_of_the_base_rate"]
        assert marks["calibration_error"] < 0.015
    ours, theirs = np.mean(shown, axis=0)
    assert ours > 0.72
    # The hidden causes are close to those of Z'', so learning from few failures may cost a little, never much.
    assert ours > theirs - 0.03


@pytest.mark.req("C7")
def test_points_add_up_exactly_and_mean_what_they_say(
    card: Scorecard, history: tuple[dict[str, Any], Any, Any, Any]
) -> None:
    columns, _, _, _ = history
    scored = card.score({name: values[:500] for name, values in columns.items()})
    assert scored.points == pytest.approx(card.base_points + scored.parts.sum(axis=1), abs=1e-9)
    assert scored.points == pytest.approx(points_of(np.log(scored.probability / (1 - scored.probability))), abs=1e-6)
    # 600 points at 50 sound for one failing, 20 more at 100 for one.
    assert points_of(math.log(1 / 50)) == pytest.approx(600)
    assert points_of(math.log(1 / 100)) == pytest.approx(620)
    assert pytest.approx(20 / math.log(2)) == FACTOR
    names = [name for name, _ in reasons(card.names, scored.parts[0])]
    assert len(names) == min(5, len(card.names))
    assert abs(scored.parts[0][card.names.index(names[0])]) == pytest.approx(np.abs(scored.parts[0]).max())


@pytest.mark.req("C7")
def test_it_is_monotone_where_it_promises(card: Scorecard, history: tuple[dict[str, Any], Any, Any, Any]) -> None:
    columns, _, _, _ = history
    assert set(card.monotone) == set(card.names)
    for name, risk in card.monotone.items():
        grid = np.unique(columns[name][~np.isnan(columns[name])])[::25]
        row = {other: np.full(len(grid), np.nanmedian(values)) for other, values in columns.items()}
        said = card.score(row | {name: grid}).probability
        assert (risk * np.diff(said) >= -1e-12).all(), name
        assert said.max() > said.min(), name


def test_free_bins_promise_nothing() -> None:
    columns, bad, when = small()
    assert dict(train(columns, bad, when, TrainingOptions(shape="free")).monotone) == {}


def test_noise_is_dropped_and_named() -> None:
    columns, bad, when = small(1600)
    card = train(columns, bad, when)
    assert "noise" in card.summary["dropped"]
    assert set(card.names) == {"a", "b"}


def test_no_coefficient_counts_evidence_backwards(card: Scorecard) -> None:
    assert all(part.coefficient < 0 for part in card.parts)


@given(st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None)
def test_the_order_of_cases_changes_nothing(random: Any) -> None:
    columns, bad, when = small()
    order = list(range(len(bad)))
    random.shuffle(order)
    shuffled = train({name: values[order] for name, values in columns.items()}, bad[order], when[order])
    assert shuffled.as_json()["sha256"] == train(columns, bad, when).as_json()["sha256"]


def test_without_periods_it_says_that_it_is_not_out_of_time() -> None:
    columns, bad, _ = small()
    card = train(columns, bad)
    assert card.summary["split"] == "every_fourth"
    assert card.summary["test"]["cases"] == pytest.approx(len(bad) / 4, abs=2)


def test_what_is_not_known_takes_the_missing_bin(card: Scorecard) -> None:
    nothing = card.score({card.names[0]: [math.nan]})
    assert nothing.points[0] == pytest.approx(
        card.base_points - FACTOR * card.slope * sum(part.coefficient * part.bins.missing for part in card.parts)
    )


@pytest.mark.parametrize(
    ("columns", "bad", "when"),
    [
        ({"a": [1.0] * 40}, [0] * 40, None),
        ({"a": [1.0] * 40}, [1] * 40, None),
        ({"a": [1.0] * 100}, [0, 1] * 50, [7.0] * 100),
        ({"a": [1.0] * 100}, [0, 1] * 49, None),
        ({"a": [1.0] * 100}, [0, 2] * 50, None),
        ({"a": ["x"] * 100}, [0, 1] * 50, None),
        ({"a": [1.0] * 100}, [0, 1] * 50, [1.0] * 99),
        ({"a": [1.0] * 100}, [0, 1] * 50, [math.nan] * 100),
        ({"a": [1.0] * 100}, [0, 1] * 50, None),
        ({}, [], None),
    ],
)
def test_what_cannot_be_learnt_from_is_a_named_error(columns: Any, bad: Any, when: Any) -> None:
    with pytest.raises(RecordError) as caught:
        train(columns, bad, when)
    assert caught.value.code == "FHR-REC-001"


# --- the model file ---


@pytest.mark.req("C7")
def test_a_model_file_gives_the_same_answers(
    card: Scorecard, history: tuple[dict[str, Any], Any, Any, Any], tmp_path: Path
) -> None:
    columns, _, _, _ = history
    card.save(tmp_path / "model.json")
    again = Scorecard.load(tmp_path / "model.json")
    assert again.as_json() == card.as_json()
    assert (again.score(columns).probability == card.score(columns).probability).all()
    written = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert len(written["sha256"]) == 64
    assert written["summary"]["test"]["calibration"]


def _without_hash(record: dict[str, Any]) -> None:
    del record["sha256"]


def _changed_weight(record: dict[str, Any]) -> None:
    record["ratios"][0]["weights"][0] += 0.01


def _changed_summary(record: dict[str, Any]) -> None:
    record["summary"]["test"]["area_under_curve"] = 0.99


def _other_format(record: dict[str, Any]) -> None:
    record["format"] = "fieldhr.scorecard/2"


@pytest.mark.parametrize("change", [_without_hash, _changed_weight, _changed_summary, _other_format])
def test_a_changed_model_file_is_refused(card: Scorecard, change: Any) -> None:
    record = json.loads(json.dumps(card.as_json()))
    Scorecard.from_json(record)
    change(record)
    with pytest.raises(RecordError) as caught:
        Scorecard.from_json(record)
    assert caught.value.code == "FHR-REC-006"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": "fieldhr.scorecard/1"}', "\x00"])
def test_what_is_no_model_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "m").write_text(text, "utf-8")
    for path in (tmp_path / "m", tmp_path / "absent"):
        with pytest.raises(RecordError) as caught:
            Scorecard.load(path)
        assert caught.value.code == "FHR-REC-006"


def test_misshapen_bins_are_refused() -> None:
    bins = fit_bins(np.arange(100.0), np.arange(100) % 3 == 0)
    record = bins.as_json()
    assert Bins.from_json(record).as_json() == record
    with pytest.raises(ValueError, match="ascend"):
        Bins.from_json(record | {"weights": record["weights"][:-1]})
    with pytest.raises(ValueError, match="ascend"):
        Bins.from_json(record | {"edges": record["edges"][::-1]})


def test_scoring_other_ratios_is_a_named_error(card: Scorecard) -> None:
    for columns in ({}, {"shoe_size": [1.0]}, {card.names[0]: [1.0], card.names[1]: [1.0, 2.0]}):
        with pytest.raises(RecordError):
            card.score(columns)
