"""The reference of packs names what there is; the report page is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldhr_sandbox import charts
from fieldhr_sandbox.packs import PACKS
from fieldhr_sandbox.scenarios import REGISTRY

PACKS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "packs.md"


def test_reference_names_every_pack_and_scenario_and_no_other() -> None:
    rows = [
        line.split("|")[1].strip(" `")
        for line in PACKS_PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    named = {row for row in rows if not row.startswith(("report", "trial.db", "key.sealed"))}
    assert named == set(PACKS) | set(REGISTRY)


def test_every_planting_names_a_scenario() -> None:
    for pack in PACKS.values():
        assert {key for key, _ in pack.plantings} <= set(REGISTRY)


def test_drawings_have_a_text_and_escape_what_they_are_given() -> None:
    drawn = [
        charts.intervals([("<b>", 0.9, 0.7, 1.0, "90 %")], 0.6),
        charts.timeline(
            [("<i>", [(0.5, state, "<u>") for state in ("found", "missed", "false", "quiet")])], [("Mon", True)]
        ),
        charts.delays([("x", [0.0, 30.0, 500.0])]),
        charts.track(
            {
                "fixes": [[0, 0, 0, 5], [30, 10, 10, 5], [600, 500, 0, 5], [630, 510, 0, 9]],
                "stays": [{"x": 0, "y": 0, "about": True}],
            }
        ),
    ]
    for svg in drawn:
        assert svg.startswith("<svg")
        assert "<title>" in svg
        assert "aria-label" in svg
        for raw in ("<b>", "<i>", "<u>"):
            assert raw not in svg
    # A hole of ten minutes is a hole in the line.
    assert drawn[3].count("<polyline") == 2


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "0 s"), (119, "119 s"), (300, "5 min"), (7200, "2.0 h")])
def test_lengths_of_time_read_well(seconds: float, text: str) -> None:
    assert f">{text}<" in charts.delays([("x", [seconds])])
