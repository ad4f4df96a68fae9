"""A million customers in columns, and the rows T1 to T10 that a trial measures of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldhr_plugins.screening.numbers import identify
from fieldhr_sandbox import packs, speed
from fieldhr_sandbox.crowd import COLUMNS, crowd
from fieldhr_sandbox.geography import districts
from fieldhr_sandbox.report import write_pages
from fieldhr_sandbox.trial import read_report, run_trial


@pytest.mark.req("I1")
def test_customers_in_columns_have_valid_numbers_and_addresses_that_agree() -> None:
    many = crowd(3_000, 21)
    assert len(many) == 3_000 == len(set(many.id))
    for number, is_firm in zip(many.number[:400], many.is_firm[:400], strict=True):
        answer = identify(number, "uscc" if is_firm else "ric")
        # Right in everything but that its area code was never issued.
        assert answer.valid or answer.reason == "number.region", (number, answer)
    by_code = {each.adcode: each for each in districts()}
    for code, address, lat, lon in zip(many.adcode, many.address, many.lat, many.lon, strict=True):
        district = by_code[code]
        assert address.startswith(f"{district.province}{district.city}{district.name}")
        assert abs(lat - district.lat) <= 0.0201
        assert abs(lon - district.lon) <= 0.0201
    assert all(phone.startswith("100") and len(phone) == 11 for phone in many.phone)
    assert 0.3 < many.is_firm.mean() < 0.4
    row = dict(zip(COLUMNS, next(many.rows()), strict=True))
    assert row["kind"] in {"Person", "Organization"}
    assert row["datum"] == "wgs84"


@pytest.mark.req("I1")
def test_the_same_seed_makes_the_same_customers_and_another_one_others() -> None:
    one, again, other = crowd(500, 22), crowd(500, 22), crowd(500, 23)
    assert list(one.rows()) == list(again.rows())
    assert not np.array_equal(one.number, other.number)


def test_a_bar_is_a_most_or_a_least_and_what_was_not_measured_reaches_none() -> None:
    def row(value: float | None, *, at_most: bool = True) -> speed.SpeedRow:
        return speed.SpeedRow(id="T1", what="first screen", value=value, bar=3.0, unit="s", at_most=at_most)

    assert row(3.0).is_met is True
    assert row(3.1).is_met is False
    assert row(2.0, at_most=False).is_met is False
    assert row(None).is_met is None


@pytest.mark.req("I1", "I5")
def test_a_report_shows_how_quick_the_trial_was_and_what_is_only_reckoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = packs.Pack(
        name="few", title="a test", recipe="city-bank", reps=10, days=2, customers_per_rep=20, slice_minutes=540
    )
    monkeypatch.setitem(packs.PACKS, "few", few)
    out = tmp_path / "out"
    run_trial("few", seed=21, out=out)

    def instead(document: dict[str, Any], _: Path) -> Any:
        facts = {"longest": 30, "count": 9}
        yield speed.SpeedRow(id="T7", what="trajectory", value=21.5, bar=100.0, unit="ms", facts=facts)

    for heavy in ("_house", "_many", "_dial", "_same"):
        monkeypatch.setattr(speed, heavy, instead if heavy == "_house" else lambda *_: iter(()))
    rows = {(row.id, row.what): row for row in speed.measure_speed(out)}
    # Ten people say what a day costs, not what a rep-day of a big house does.
    assert rows["T2", "whole tenant"].value is None
    assert rows["T8", "2,000 reps"].how == "unmeasured"
    assert rows["T5", "thirty days"].how == "extrapolated"
    assert rows["T5", "one day"].value == pytest.approx(np.median(read_report(out)["day_seconds"]), abs=0.001)
    assert 3.0 < (rows["T9", "a fix"].value or 0.0) < 9.0
    english, chinese = (path.read_text("utf-8") for path in write_pages(out))
    assert "How quick, how big?" in english
    assert "21.5" in english
    assert "多快，多大？" in chinese
    assert "speed.T" not in english + chinese
