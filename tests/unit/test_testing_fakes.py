"""Fakes and samples of the kit are what they say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import fieldhr_core.testing
from fieldhr_core.hooks.contracts import misfit_of_table
from fieldhr_core.model import CHECKINS, DUTY_DAYS, FIXES, PEOPLE, PLACES, STAYS, distance_m
from fieldhr_core.testing import DayBuilder, FakeClock, FakeTables, rep_days, sample_places, sample_tables
from fieldhr_core.testing.samples import CUSTOMER_AT, MALL_AT


def test_a_clock_moves_only_when_told() -> None:
    clock = FakeClock()
    assert clock.now() == clock.now() == datetime(2026, 3, 2, 1, tzinfo=UTC)
    before = clock.monotonic()
    clock.advance(90.5)
    assert clock.now() == datetime(2026, 3, 2, 1, 1, 30, 500_000, tzinfo=UTC)
    assert clock.monotonic() == before + 90.5


def test_tables_have_rows_for_what_was_given_and_none_otherwise() -> None:
    tables = FakeTables(sample_places())
    assert len(tables[PLACES]) == 5
    assert len(tables[PEOPLE]) == 0
    assert tables[PEOPLE].schema is PEOPLE
    assert tables.tenant == "t-1"
    assert len(tables.map(lambda table: table.take([0]))[PLACES]) == 1


@pytest.mark.parametrize("schema", [CHECKINS, DUTY_DAYS, PEOPLE, PLACES, STAYS])
def test_sample_tables_fit_their_schemas(schema: object) -> None:
    assert misfit_of_table(sample_tables()[schema], schema) is None  # type: ignore[index, arg-type]


def test_a_day_is_told_step_by_step() -> None:
    days = rep_days(DayBuilder().stay(10).silence(30).go(*MALL_AT, 20), DayBuilder("r-2"))
    assert misfit_of_table(days.fixes, FIXES) is None
    assert days.offsets.tolist() == [0, 60, 60]
    assert [day.rep for day in days.days] == ["r-1", "r-2"]
    fixes = list(days.fixes_of(0).rows())
    assert fixes[20]["time_ms"] - fixes[19]["time_ms"] == 30_000 + 30 * 60_000
    assert distance_m(fixes[0]["lat"], fixes[0]["lon"], *CUSTOMER_AT) < 5
    assert distance_m(fixes[-1]["lat"], fixes[-1]["lon"], *MALL_AT) < 5


def test_every_public_name_is_there_and_no_other() -> None:
    for name in fieldhr_core.testing.__all__:
        assert getattr(fieldhr_core.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = fieldhr_core.testing.Nothing  # type: ignore[attr-defined]
