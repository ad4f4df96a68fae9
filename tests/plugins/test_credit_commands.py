"""``fieldhr credit score`` and ``fieldhr credit train``: JSON Lines in and out."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldhr_core.cli import main
from fieldhr_core.errors import FieldhrError

SOUND = {
    "cash": 120,
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


def record(number: str = "s1", **more: Any) -> dict[str, Any]:
    base = {"id": number, "borrower": "b1", "period_end": "2025-12-31", "unit": "thousand", "lines": dict(SOUND)}
    return base | more


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], records: list[Any]
) -> tuple[int, list[dict[str, Any]]]:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in records) + "\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    status = main(["credit", *words])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.req("C7")
def test_a_statement_gets_probability_band_score_zone_and_factors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, (found,) = run(monkeypatch, capsys, ["score"], [record()])
    assert status == 0
    assert found["id"] == "s1"
    assert found["z"] == 3.3374
    assert found["zone"] == "safe"
    assert found["probability"] == pytest.approx(0.053, abs=1e-3)
    assert found["band"] == "low"
    assert {tuple(sorted(factor)) for factor in found["factors"]} == {("direction", "name", "points", "value")}
    assert found["score"] == pytest.approx(found["base"] + sum(f["points"] for f in found["factors"]), abs=0.05)
    assert {(f["direction"], f["points"] < 0) for f in found["factors"]} <= {("raises", True), ("lowers", False)}
    assert found["inconsistencies"] == []
    assert found["ohlson"]["probability"] > 0


@pytest.mark.req("C7")
def test_lines_answer_in_order_and_a_bad_one_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [
        record("good"),
        record("off", lines=SOUND | {"equity": 655}),
        record("no-ebit", lines={k: v for k, v in SOUND.items() if k != "ebit"}),
        "{",
        "[1]",
        record("negative", lines=SOUND | {"total_assets": -1}),
        record("unit", unit="dozen"),
        record("peers", peers="many"),
        record("earlier", earlier=[3]),
        {"id": "ratios", "ratios": {"a": 1}},
        record("last"),
    ]
    status, found = run(monkeypatch, capsys, ["score"], records)
    assert status == 0
    assert [one.get("id") for one in found] == [
        "good", "off", "no-ebit", None, None, "negative", "unit", "peers", "earlier", "ratios", "last",
    ]  # fmt: skip
    assert ["error" in one for one in found] == [False, False, *[True] * 8, False]
    off = found[1]
    assert off["probability"] is off["band"] is off["score"] is None
    assert off["refused"] == ["total_assets", "total_liabilities", "equity"]
    assert off["inconsistencies"][0]["share_of_assets"] == 0.03
    assert "ebit" in found[2]["error"]["message"]
    assert "total_assets" in found[5]["error"]["message"]
    assert "unit" in found[6]["error"]["message"]
    assert "--model" in found[9]["error"]["message"]


@pytest.mark.req("C7")
def test_a_weaker_borrower_scores_lower_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = SOUND | {
        "current_liabilities": 900,
        "total_liabilities": 1400,
        "equity": 100,
        "retained_earnings": -300,
        "ebit": -60,
    }
    _, (sound, bad) = run(monkeypatch, capsys, ["score"], [record(), record("s2", lines=weak)])
    assert bad["probability"] > sound["probability"]
    assert bad["score"] < sound["score"]
    assert (bad["band"], bad["zone"]) == ("high", "distress")
    assert bad["factors"][0]["direction"] == "raises"


def test_the_unit_and_a_missing_date_change_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = {"id": "s1", **SOUND}
    _, found = run(monkeypatch, capsys, ["score"], [record(), record(unit="one"), record(unit="minor"), flat])
    first = found[0]
    assert all(one["probability"] == first["probability"] and one["factors"] == first["factors"] for one in found)


def test_a_stale_statement_is_refused_where_a_day_is_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, (fresh,) = run(monkeypatch, capsys, ["score", "--as-of", "2026-03-01"], [record()])
    assert "error" not in fresh
    _, (stale,) = run(monkeypatch, capsys, ["score", "--as-of", "2028-03-01"], [record()])
    assert "period ended" in stale["error"]["message"]
    _, (undated,) = run(monkeypatch, capsys, ["score", "--as-of", "2026-03-01"], [{"id": "x", **SOUND}])
    assert "period_end" in undated["error"]["message"]
    assert run(monkeypatch, capsys, ["score", "--as-of", "tomorrow"], [record()])[0] == 2


@pytest.mark.scenario("R06")
def test_earlier_statements_show_the_course_and_peers_what_is_usual(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def quarter(end: str, debt: float, current: float, ebit: int, **more: Any) -> dict[str, Any]:
        owed = round(10_000 * debt)
        lines = {
            "total_assets": 10_000,
            "total_liabilities": owed,
            "equity": 10_000 - owed,
            "current_liabilities": 4_000,
            "current_assets": round(4_000 * current),
            "retained_earnings": 500,
            "ebit": ebit,
            "interest_expense": 100,
        }
        return {"id": end, "period_end": end, "months": 3, "industry": "trade", "lines": lines} | more

    ends = ("2025-03-31", "2025-06-30", "2025-09-30")
    earlier = [
        quarter(end, d, c, e)
        for end, d, c, e in zip(ends, (0.55, 0.6, 0.7), (1.6, 1.3, 1.0), (400, 300, 200), strict=True)
    ]
    now = quarter("2025-12-31", 0.82, 0.7, 60, borrower="b1")
    peers = [quarter("2025-12-31", 0.85, 0.6, 50, borrower=f"p{n}", id=f"p{n}") for n in range(5)]
    # Five peers with the same books would be copies of each other, not of the borrower.
    _, (alone, among) = run(
        monkeypatch, capsys, ["score"], [now | {"earlier": earlier[::-1]}, now | {"earlier": earlier, "peers": peers}]
    )
    assert alone["course"]["is_weakening"] is True
    assert alone["advice"] == "stop"
    assert {f["name"] for f in alone["course"]["factors"] if f["adverse"]} == {
        "debt_ratio",
        "current_ratio",
        "interest_cover",
    }
    assert among["course"]["is_weakening"] is False
    assert among["advice"] == "none"


def history(cases: int = 1200) -> list[dict[str, Any]]:
    random = np.random.default_rng(4)
    records = []
    for number in range(cases):
        debt = float(random.beta(3, 2)) * 0.98
        margin = float(random.normal(0.05, 0.06))
        bad = random.random() < 1 / (1 + np.exp(-(-6.5 + 8 * debt - 20 * margin)))
        lines = {
            "total_assets": 1_000_000,
            "total_liabilities": round(1_000_000 * debt),
            "equity": 1_000_000 - round(1_000_000 * debt),
            "current_assets": 500_000,
            "current_liabilities": round(500_000 * float(random.uniform(0.5, 1.5))),
            "retained_earnings": 50_000,
            "ebit": round(1_000_000 * margin),
        }
        records.append(
            {
                "id": number,
                "borrower": f"b{number}",
                "period_end": f"20{16 + number % 8}-12-31",
                "bad": int(bad),
                "lines": lines,
            }
        )
    return records


@pytest.mark.req("C7")
def test_a_tenant_trains_on_its_own_history_and_scores_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = str(tmp_path / "model.json")
    unfit = [{"id": "x", "bad": 1}, {"id": "y", "lines": SOUND}, "{", record(bad=3)]
    status, (summary,) = run(monkeypatch, capsys, ["train", "--out", model], [*history(), *unfit])
    assert status == 0
    assert summary["split"] == "out_of_time"
    assert summary["test"]["area_under_curve"] > 0.75
    assert summary["test"]["brier"] < summary["test"]["brier_of_the_base_rate"]
    assert sum(summary["skipped"].values()) == 4
    assert json.loads(Path(model).read_text("utf-8"))["sha256"] == summary["sha256"]
    weak = record("w", lines=SOUND | {"total_liabilities": 1400, "equity": 100, "ebit": -100})
    _, (sound, bad) = run(monkeypatch, capsys, ["score", "--model", model], [record(), weak])
    assert bad["probability"] > 2 * sound["probability"]
    assert bad["model"] == summary["sha256"][:12]
    assert bad["score"] == pytest.approx(bad["base"] + sum(f["points"] for f in bad["factors"]), abs=0.1)
    assert {f["name"] for f in bad["factors"]} == set(summary["ratios"])
    _, (unknown,) = run(monkeypatch, capsys, ["score", "--model", model], [{"id": 1, "ratios": {"debt_ratio": None}}])
    assert unknown["probability"] > 0


@pytest.mark.req("C7")
def test_ratios_of_ones_own_making_train_and_score_and_a_leak_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    random = np.random.default_rng(8)
    cases = []
    for number in range(800):
        x, y = random.normal(size=2)
        bad = int(random.random() < 1 / (1 + np.exp(1.8 - 1.2 * x + 0.5 * y)))
        ratios = {"x": x, "y": y, "late_days": 30 * bad + 5 * float(random.normal()), "z": None}
        cases.append({"bad": bool(bad), "period": number % 6, "ratios": ratios})
    model = str(tmp_path / "model.json")
    _, (summary,) = run(monkeypatch, capsys, ["train", "--out", model, "--calibration", "isotonic"], cases)
    assert [leak["name"] for leak in summary["leaks"]] == ["late_days"]
    assert set(summary["ratios"]) == {"x", "y"}
    _, (forced,) = run(monkeypatch, capsys, ["train", "--out", model, "--force", "late_days"], cases)
    assert "late_days" in forced["ratios"]
    _, (low, high, wrong) = run(
        monkeypatch,
        capsys,
        ["score", "--model", model],
        [{"id": i, "ratios": {"late_days": v, "x": 0.0, "y": 0.0}} for i, v in enumerate((0.0, 30.0, "many"))],
    )
    assert low["probability"] < high["probability"]
    assert "late_days" in wrong["error"]["message"]


@pytest.mark.parametrize(
    "cases",
    [
        [],
        [{"bad": 1, "ratios": {"a": 1.0}}] * 5,
        [{"bad": n % 2, "ratios": {"a": 1.0}, **({"period": n} if n % 3 else {})} for n in range(100)],
    ],
)
def test_too_little_history_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, cases: list[Any]
) -> None:
    assert run(monkeypatch, capsys, ["train", "--out", str(tmp_path / "m")], cases)[0] == 2
    assert not (tmp_path / "m").exists()


def test_a_model_that_cannot_be_read_or_written_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, capsys, ["score", "--model", str(tmp_path / "none")], [record()])[0] == 2
    assert run(monkeypatch, capsys, ["train", "--out", str(tmp_path)], history(600))[0] == 2
    for words in (["train", "--out", "x", "--test-share", "2"], ["score", "--base-rate", "7"]):
        status, _ = run(monkeypatch, capsys, words, history(600))
        assert status == 2


def test_errors_are_ours() -> None:
    from fieldhr_plugins.credit.commands import answer
    from fieldhr_plugins.credit.settings import CreditSettings

    for value in ({}, {"lines": None}, {"id": {"a": 1}}, {"ratios": []}, {"lines": {"ebit": {}}}):
        with pytest.raises(FieldhrError):
            answer(value, CreditSettings())
