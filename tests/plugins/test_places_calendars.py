"""Holidays and make-up days come from libraries, with the date until which they are official."""

from __future__ import annotations

import argparse
import io
import json
import sys
from datetime import date
from typing import Any

import pytest

from fieldhr_core.errors import ConfigError, MissingDependencyError
from fieldhr_core.flow.people import duty_day
from fieldhr_core.model import WorkPattern
from fieldhr_plugins.places.calendars import calendar_of
from fieldhr_plugins.places.commands import calendar, calendar_arguments

pytest.importorskip("chinese_calendar")
pytest.importorskip("holidays")

SPRING = date(2026, 3, 2), date(2026, 5, 30)


def works(country: str, day: str, **how: Any) -> bool:
    on = date.fromisoformat(day)
    found = calendar_of(country, date(on.year, 1, 1), date(on.year, 12, 31), **how)
    return bool(duty_day(WorkPattern(), found, (), "r", on).duty_ms)


@pytest.mark.req("A9")
@pytest.mark.scenario("Q19")
def test_chinas_spring_has_four_free_weekdays_and_a_saturday_that_is_worked() -> None:
    found = calendar_of("CN", *SPRING)
    free = sorted(day.isoformat() for day in found.holidays if day.isoweekday() < 6)
    assert free == ["2026-04-06", "2026-05-01", "2026-05-04", "2026-05-05"]
    assert [day.isoformat() for day in found.workdays] == ["2026-05-09"]
    assert found.official_until == SPRING[1]


@pytest.mark.req("A9")
@pytest.mark.parametrize(
    ("country", "day", "worked", "how"),
    [
        ("CN", "2026-05-09", True, {}),
        ("CN", "2026-05-16", False, {}),
        ("CN", "2026-05-05", False, {}),
        ("SG", "2026-08-10", False, {}),
        ("SG", "2026-08-11", True, {}),
        ("HU", "2025-10-18", True, {}),
        ("HU", "2025-10-11", False, {}),
        ("DE", "2026-06-04", False, {"subdivision": "BY"}),
        ("DE", "2026-06-04", True, {"subdivision": "BE"}),
    ],
)
def test_a_day_is_worked_where_it_is_worked(country: str, day: str, worked: bool, how: dict[str, Any]) -> None:
    assert works(country, day, **how) is worked


@pytest.mark.req("A9")
def test_what_nobody_announced_is_not_official() -> None:
    china = calendar_of("CN", date(2026, 1, 1), date(2031, 12, 31))
    assert china.official_until is not None
    assert china.official_until < date(2031, 12, 31)
    assert max(china.holidays) <= china.official_until
    moon = calendar_of("MY", date(2026, 1, 1), date(2035, 12, 31))
    guessed = [day for day, name in moon.holidays.items() if "estimated" in name]
    assert moon.official_until is not None
    assert guessed
    assert moon.official_until < min(guessed)


def test_a_country_or_a_span_that_is_none_is_named() -> None:
    for country, span in (("XX", SPRING), ("CN", SPRING[::-1])):
        with pytest.raises(ConfigError, match="FHR-CFG-001"):
            calendar_of(country, *span)
    with pytest.raises(ConfigError, match="'Nowhere'"):
        calendar_of("DE", *SPRING, subdivision="Nowhere")


@pytest.mark.parametrize(("country", "module"), [("CN", "chinese_calendar.constants"), ("SG", "holidays")])
def test_a_missing_library_says_what_to_install(country: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match="calendars"):
        calendar_of(country, *SPRING)


def test_the_command_writes_one_line() -> None:
    parser, out = argparse.ArgumentParser(), io.StringIO()
    calendar_arguments(parser)
    args = parser.parse_args(["CN", "--from", "2026-05-01", "--to", "2026-05-31"])
    assert calendar(args, io.StringIO(), out) == 0
    [line] = out.getvalue().splitlines()
    assert json.loads(line)["workdays"] == {"2026-05-09": "Labour Day"}
    assert json.loads(line)["official_until"] == "2026-05-31"
    with pytest.raises(ConfigError, match="YYYY-MM-DD"):
        calendar(parser.parse_args(["CN", "--from", "soon", "--to", "2026-05-31"]), io.StringIO(), out)
