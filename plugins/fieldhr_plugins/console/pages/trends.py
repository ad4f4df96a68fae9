"""How it goes over weeks: visits as a heat calendar, check-ins and alerts as lines, check-in to record as a funnel."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from fieldhr_core.flow.boards import SEVERITIES, DayCount
from fieldhr_core.paper import charts
from fieldhr_core.paper.charts import Line
from fieldhr_core.paper.figure import Cell, Figure
from fieldhr_plugins.console.pages import words
from fieldhr_plugins.console.pages.asking import Answer, Asked
from fieldhr_plugins.console.pages.shell import template

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk

__all__ = ["render"]

_SPANS: Final = {"28": 28, "91": 91, "182": 182}
_Z95: Final = 1.959964


def render(desk: Desk, asked: Asked) -> Answer:
    """Return the page. Query: ``days`` (28, 91, 182)."""
    speech = asked.speech
    _, _, _, simulated = desk.boards.whose()
    last = desk.boards.today()
    count = _SPANS.get(asked.query.get("days", ""), 28)
    days = desk.boards.trends(last - timedelta(days=count - 1), last)
    worked = [day for day in days if day.visits or day.checkins or day.records]
    return Answer(
        title=speech.t("Trends"),
        sub=f"{speech.long_day(days[0].date)} – {speech.long_day(days[-1].date)}",
        simulated=simulated,
        body=template(
            "trends.html.j2",
            asked,
            count=count,
            spans=list(_SPANS),
            empty=not worked,
            figures=[
                _visits(days, asked),
                _line(worked, asked),
                _mismatches(worked, asked),
                _raised(days, asked),
                _funnel(worked, asked),
            ],
        ),
    )


def _visits(days: Sequence[DayCount], asked: Asked) -> tuple[str, Figure]:
    speech = asked.speech
    title = speech.t("Verified visits by day")
    cells = [
        (
            date.fromisoformat(day.date),
            float(day.visits) if _is_worked(day) else math.nan,
            f"{speech.day(day.date)}: {day.visits}",
        )
        for day in days
    ]
    return title, Figure(
        drawing=charts.calendar(cells, title=title, weekdays=speech.weekdays(), width=340),
        head=[speech.t("Day"), Cell(speech.t("Visits"), "num")],
        rows=[[speech.long_day(day.date), speech.number(day.visits)] for day in days],
        summary=speech.t("As a table"),
        note=speech.t("Darker is more; a hollow square is a day without records."),
    )


def _line(days: Sequence[DayCount], asked: Asked) -> tuple[str, Figure]:
    speech = asked.speech
    title = speech.t("Visits seen and visit records written")
    series = [
        Line(name=speech.t("seen"), values=[float(day.visits) for day in days]),
        Line(name=speech.t("written"), values=[float(day.records) for day in days]),
    ]
    return title, Figure(
        drawing=charts.lines(series, [speech.short_day(d.date) for d in days], title=title, shown=speech.number),
        head=[speech.t("Day"), Cell(speech.t("seen"), "num"), Cell(speech.t("written"), "num")],
        rows=[[speech.long_day(d.date), speech.number(d.visits), speech.number(d.records)] for d in days],
        summary=speech.t("As a table"),
    )


def _mismatches(days: Sequence[DayCount], asked: Asked) -> tuple[str, Figure]:
    speech = asked.speech
    title = speech.t("Share of check-ins elsewhere, with its interval")
    shares = [_wilson(day.mismatches, day.checkins) for day in days]
    line = Line(name="", values=[s[0] for s in shares], low=[s[1] for s in shares], high=[s[2] for s in shares])
    return title, Figure(
        drawing=charts.lines([line], [speech.short_day(d.date) for d in days], title=title, shown=speech.share),
        head=[
            speech.t("Day"),
            Cell(speech.t("Elsewhere"), "num"),
            Cell(speech.t("Check-ins"), "num"),
            Cell("95 %", "num"),
        ],
        rows=[
            [
                speech.long_day(day.date),
                speech.number(day.mismatches),
                speech.number(day.checkins),
                f"{speech.share(low, 1)}–{speech.share(high, 1)}" if day.checkins else "–",
            ]
            for day, (_, low, high) in zip(days, shares, strict=True)
        ],
        summary=speech.t("As a table"),
    )


def _raised(days: Sequence[DayCount], asked: Asked) -> tuple[str, Figure]:
    speech = asked.speech
    title = speech.t("Alerts raised by severity")
    total: Counter[str] = Counter()
    for day in days:
        total.update(day.raised)
    rows = [
        (words.severity(speech, name), float(total[name]), speech.number(total[name]))
        for name in SEVERITIES
        if total[name]
    ]
    return title, Figure(
        drawing=charts.bars(rows, title=title, width=460),
        head=[speech.t("Severity"), Cell(speech.t("Alerts"), "num")],
        rows=[[name, text] for name, _, text in rows],
        summary=speech.t("As a table"),
    )


def _funnel(days: Sequence[DayCount], asked: Asked) -> tuple[str, Figure]:
    speech = asked.speech
    title = speech.t("From check-in to visit record")
    counts = [
        (speech.t("Check-ins"), sum(day.checkins for day in days)),
        (speech.t("Verified visits"), sum(day.visits for day in days)),
        (speech.t("Visit records written"), sum(day.records for day in days)),
    ]
    return title, Figure(
        drawing=charts.funnel([(name, float(n), speech.number(n)) for name, n in counts], title=title, width=460),
        head=[speech.t("Step"), Cell(speech.t("Count"), "num")],
        rows=[[name, speech.number(n)] for name, n in counts],
        summary=speech.t("As a table"),
    )


def _is_worked(day: DayCount) -> bool:
    return bool(day.visits or day.checkins or day.records)


def _wilson(part: int, whole: int) -> tuple[float, float, float]:
    if not whole:
        return math.nan, math.nan, math.nan
    share, z2 = part / whole, _Z95 * _Z95
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z95 * math.sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    return share, max(0.0, middle - half), min(1.0, middle + half)
