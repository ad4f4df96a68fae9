"""Marks of published rules beside ours, on the same days and by the same key."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from fieldhr_core.errors import PluginError
from fieldhr_sandbox import packs
from fieldhr_sandbox.comparison import at_most_half, compare
from fieldhr_sandbox.packs import Pack
from fieldhr_sandbox.report import write_pages
from fieldhr_sandbox.tenant import build
from fieldhr_sandbox.trial import read_report, reveal_trial, run_trial

SMALL = Pack(
    name="beside",
    title="a test",
    recipe="city-bank",
    reps=10,
    days=3,
    customers_per_rep=20,
    slice_minutes=540,
    plantings=(("L01", 3), ("L02", 2), ("L01/short", 3)),
    beside=("circle", "classic"),
)


@pytest.mark.req("I2")
def test_each_rule_is_marked_by_the_same_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(packs.PACKS, "beside", SMALL)
    run_trial("beside", seed=3, out=tmp_path / "open")
    comparison = read_report(tmp_path / "open")["comparison"]
    assert [row["rule"] for row in comparison["rows"]] == ["fieldhr", "circle", "classic"]
    assert {row["tp"] + row["fn"] for row in comparison["rows"]} == {5}
    assert all(row["tp"] > 0 for row in comparison["rows"])
    page = write_pages(tmp_path / "open")[0].read_text(encoding="utf-8")
    assert "Beside the rules of others" in page
    run_trial("beside", seed=3, out=tmp_path / "blind", blind=True)
    assert "comparison" not in read_report(tmp_path / "blind")
    assert reveal_trial(tmp_path / "blind").document["comparison"]["rows"]


def test_no_rule_costs_nothing_and_an_unknown_one_is_named() -> None:
    tenant = build(attrs.evolve(SMALL, days=1, plantings=(("L01", 1),)), 2)
    assert compare(tenant, tenant.key, ()) == []
    with pytest.raises(PluginError, match="astrology"):
        compare(tenant, tenant.key, ("astrology",))


@pytest.mark.parametrize(
    ("ours", "theirs", "half"), [(2, [4, 9], True), (3, [9, 5], False), (0, [0], True), (0, [], None)]
)
def test_half_of_every_other_rule(ours: int, theirs: list[int], half: bool | None) -> None:
    rows = [{"rule": "own", "fp": ours}, *({"rule": str(n), "fp": fp} for n, fp in enumerate(theirs))]
    assert at_most_half(rows, "own") is half
