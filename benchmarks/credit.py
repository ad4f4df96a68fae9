"""How well Z'' and a trained scorecard tell failures apart, on public bankruptcy data or on simulated borrowers.

``python benchmarks/run.py credit`` measures on simulated borrowers. ``python benchmarks/credit.py FILE...`` measures on
the Polish bankruptcy data (UCI Machine Learning Repository, data set 365, CC BY 4.0; not shipped with this project):
give ``5year.arff``, failures within one year, or another of its files as downloaded.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from figure import Figure, seconds

from fieldhr_plugins.credit.assessment import assess
from fieldhr_plugins.credit.formulas import Z_WEIGHTS, altman
from fieldhr_plugins.credit.measures import area_under_curve, kolmogorov_smirnov
from fieldhr_plugins.credit.ratios import RATIOS, ratios_of
from fieldhr_plugins.credit.scorecard import Scorecard
from fieldhr_plugins.credit.settings import CreditSettings
from fieldhr_plugins.credit.statement import read_statement
from fieldhr_plugins.credit.training import TrainingOptions, train

SEED = 20260302
FOLDS = 5
#: The attribute whose value and absence know too much (operating profit / financial expenses), and the one whose
#: absence does (growth of sales).
LEAKING = ("attr27",)
TELLING_ABSENCE = ("attr21",)
#: Ratio of Z'' -> attribute of the public data.
PUBLIC = {
    "working_capital_to_assets": "attr3",
    "retained_earnings_to_assets": "attr6",
    "ebit_to_assets": "attr7",
    "equity_to_liabilities": "attr8",
}


def measure() -> list[Figure]:
    """Measure on simulated borrowers, marked out of time."""
    records = _population(3000)
    statements = [read_statement(record) for record in records]
    ratios = [ratios_of(one) for one in statements]
    columns = {r.name: np.array([math.nan if (v := one[r.name]) is None else v for one in ratios]) for r in RATIOS}
    bad = np.array([record["bad"] for record in records])
    when = np.array([one.period_end.toordinal() for one in statements], dtype="f8")
    card = train(columns, bad, when)
    marks, late = card.summary["test"], when >= card.summary["test_from"]
    z = np.array([altman(one).score for one in statements])
    settings, sample = CreditSettings(), records[:1000]
    taken = seconds(lambda: [assess(read_statement(record), [], settings) for record in sample], repeat=3)
    return [
        Figure(
            name="scorecard, simulated borrowers",
            value=marks["area_under_curve"],
            unit="area",
            bar=0.70,
            peer=f"Z'' on the same later borrowers: {area_under_curve(-z[late], bad[late]):.3f}",
            how=f"{marks['cases']} later ones, {marks['bad']} fail; calibration error {marks['calibration_error']}",
        ),
        Figure(
            name="scorecard's Brier score, simulated borrowers",
            value=marks["brier"],
            bar=marks["brier_of_the_base_rate"],
            at_most=True,
            peer=f"the base rate for everybody: {marks['brier_of_the_base_rate']}",
            how="the same later borrowers",
        ),
        Figure(
            name="statements read and assessed",
            value=len(sample) / taken,
            unit="statements/s",
            how="built-in map, one core",
        ),
    ]


def on_public_data(path: Path) -> list[Figure]:
    """Measure on one file of the public data; the scorecard in 5-fold cross-validation."""
    columns, bad = read_arff(path)
    filled = {ratio: np.nan_to_num(columns[name], nan=np.nanmedian(columns[name])) for ratio, name in PUBLIC.items()}
    z = sum(weight * filled[ratio] for ratio, weight in Z_WEIGHTS.items())
    assert isinstance(z, np.ndarray)
    area = area_under_curve(-z, bad)
    figures = [
        Figure(
            name=f"Z'', {path.name}",
            value=area,
            unit="area",
            bar=0.762 if path.name.startswith("5") else None,
            how=f"{len(bad)} firms, {int(bad.sum())} fail; KS {kolmogorov_smirnov(-z, bad):.3f}; unknown as medians",
        )
    ]
    for without, words in (
        ((*LEAKING, *TELLING_ABSENCE), "without the leaking attribute and the one whose absence tells"),
        (LEAKING, "without the leaking attribute, the telling absence forced in"),
    ):
        kept = {name: values for name, values in columns.items() if name not in without}
        said = _cross_validated(kept, bad, force=TELLING_ABSENCE)
        figures.append(
            Figure(
                name=f"scorecard, {path.name}",
                value=area_under_curve(said, bad),
                unit="area",
                bar=0.85 if path.name.startswith("5") else None,
                peer=f"Z'': {area:.3f}",
                how=f"{words}; {len(kept)} columns, {FOLDS}-fold; KS {kolmogorov_smirnov(said, bad):.3f}",
            )
        )
    card = train(columns, bad)
    leaks = ", ".join(f"{leak['name']} ({leak['how']} {leak['area']:.3f})" for leak in card.summary["leaks"])
    test = card.summary["test"]
    figures.append(
        Figure(
            name=f"scorecard as a tenant trains it, {path.name}",
            value=test["area_under_curve"],
            unit="area",
            how=f"every fourth firm marks; left out: {leaks}; Brier {test['brier']} (base rate "
            f"{test['brier_of_the_base_rate']}), calibration error {test['calibration_error']}",
        )
    )
    return figures


def read_arff(path: Path) -> tuple[dict[str, Any], Any]:
    """Return columns and outcomes of one file of the public data; ``?`` is not known."""
    rows: list[list[float]] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            cells = line.strip().split(",")
            if len(cells) == 65:
                rows.append([math.nan if cell.strip() == "?" else float(cell) for cell in cells])
    table = np.array(rows)
    return {f"attr{number + 1}": table[:, number] for number in range(64)}, table[:, 64] == 1


def _cross_validated(columns: dict[str, Any], bad: Any, *, force: tuple[str, ...]) -> Any:
    random = np.random.default_rng(SEED)
    fold = random.integers(0, FOLDS, len(bad))
    said = np.empty(len(bad))
    for number in range(FOLDS):
        rows = fold == number
        # A small share marks inside each fit: what is measured here is the fold that no fit has seen.
        options = TrainingOptions(test_share=0.05, force=force)
        card: Scorecard = train({name: values[~rows] for name, values in columns.items()}, bad[~rows], None, options)
        said[rows] = card.score({name: values[rows] for name, values in columns.items()}).probability
    return said


def _population(firms: int) -> list[dict[str, Any]]:
    path = Path(__file__).resolve().parents[1] / "tests" / "plugins" / "credit_population.py"
    spec = importlib.util.spec_from_file_location("credit_population", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    records: list[dict[str, Any]] = module.population(firms, 6, SEED)
    return records


if __name__ == "__main__":
    for given in sys.argv[1:]:
        for found in on_public_data(Path(given)):
            bar = "" if found.bar is None else f" (bar {found.bar}: {'pass' if found.passes else 'FAIL'})"
            print(f"{found.name}: {found.value:.4f}{bar}; {found.peer + '; ' if found.peer else ''}{found.how}")
