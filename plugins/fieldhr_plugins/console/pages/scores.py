"""Scorecards: a total with its interval, each point traceable to what was measured, and weights to try."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import FieldhrError
from fieldhr_core.model import Component, Period, Scorecard, Standing
from fieldhr_core.paper import charts
from fieldhr_core.paper.figure import Cell, Figure
from fieldhr_core.paper.markup import Markup
from fieldhr_plugins.console.pages import words
from fieldhr_plugins.console.pages.asking import Answer, Asked
from fieldhr_plugins.console.pages.shell import template

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk

__all__ = ["card_body", "cards_of", "period_of", "render"]

_SPANS: Final = {"28": 28, "91": 91, "182": 182}
#: Cards in the chart; the table holds all.
_DRAWN: Final = 24


def period_of(desk: Desk, asked: Asked) -> Period:
    """Return the period of the query (``days``), up to yesterday."""
    last = desk.boards.today() - timedelta(days=1)
    return Period(last - timedelta(days=_SPANS.get(asked.query.get("days", ""), 28) - 1), last)


def cards_of(
    desk: Desk,
    period: Period,
    weights: Mapping[str, Mapping[str, float]] | None = None,
    reps: Sequence[str] | None = None,
) -> list[Scorecard]:
    """Return the cards the desk gives."""
    return desk.scores.cards(period, weights=weights, reps=reps)


def render(desk: Desk, asked: Asked) -> Answer:
    """Return the page. Query: ``days``, ``card``, ``rep`` (one person), ``w.METRIC`` (weights to try)."""
    speech = asked.speech
    _, _, _, simulated = desk.boards.whose()
    period = period_of(desk, asked)
    in_force = desk.scores.weighting()
    kinds = sorted(in_force.cards)
    tried = _tried(asked)
    wanted = asked.query.get("card", "")
    problem = ""
    try:
        cards = cards_of(desk, period, {wanted or kinds[0]: tried} if tried and kinds else None)
    except FieldhrError as failure:
        cards, problem = cards_of(desk, period), f"{failure.message} ({failure.code})"
    names = desk.boards.names(card.subject for card in cards)
    rep = asked.query.get("rep", "")
    mine = next((card for card in cards if card.subject == rep), None)
    sub = f"{speech.long_day(period.first)} – {speech.long_day(period.last)}"
    if mine is not None:
        return Answer(
            title=names.get(rep) or rep,
            sub=f"{_card_name(asked, mine.card)} · {sub}",
            simulated=simulated,
            body=template("scorecard.html.j2", asked, back=asked.here(rep=""), body=card_body(asked, mine)),
        )
    present = [kind for kind in kinds if any(card.card == kind for card in cards)]
    shown_kind = wanted if wanted in present else (present[0] if present else "")
    shown = [card for card in cards if card.card == shown_kind]
    ranked = sorted(shown, key=lambda card: (card.total is None, -(card.total or 0), card.subject))
    weights = dict(in_force.cards[shown_kind].weights) if shown_kind else {}
    return Answer(
        title=speech.t("Scorecards"),
        sub=sub,
        simulated=simulated,
        body=template(
            "scores.html.j2",
            asked,
            kinds=[(kind, _card_name(asked, kind), sum(card.card == kind for card in cards)) for kind in present],
            kind=shown_kind,
            spans=list(_SPANS),
            days=asked.query.get("days", "28"),
            cards=ranked,
            names=names,
            weights=[
                (metric, words.metric_name(speech, metric), tried.get(metric, weight), weight)
                for metric, weight in weights.items()
            ],
            version=in_force.version,
            what_if=bool(tried) and not problem,
            problem=problem,
            live=_live(shown),
            figure=_figure(ranked, names, asked),
            points=lambda value: _points(asked, value),
            standing=lambda card: _standing(asked, card.standing),
            best=lambda card: _reasons(asked, card),
        ),
    )


def card_body(asked: Asked, card: Scorecard) -> Markup:
    """Return one card: its total, what adds up to it, and what each line was measured from."""
    speech = asked.speech
    rows = [
        (words.metric_name(speech, each.metric), each.contribution / 100, _points(asked, each.contribution))
        for each in card.components
    ]
    figure = None
    if card.components:
        title = speech.t("What adds up to %(total)s points", total=_points(asked, card.total))
        figure = Figure(
            drawing=charts.bars(rows, title=title, width=520),
            head=[speech.t("Measure"), Cell(speech.t("Points"), "num")],
            rows=[[name, text] for name, _, text in rows],
            summary=speech.t("As a table"),
        )
    web = None
    if len(card.components) >= 3:
        axes = [
            (words.metric_name(speech, each.metric), each.points / 10_000, _points(asked, each.points))
            for each in card.components
        ]
        web = charts.radar(
            axes, title=speech.t("Points of each measure, out of 100; the table says the same"), width=420
        )
    return template(
        "card.html.j2",
        asked,
        card=card,
        figure=figure,
        web=web,
        points=lambda value: _points(asked, value),
        standing=lambda one: _standing(asked, one),
        value=lambda each, number: _value(asked, each, number),
        said=lambda each: _told(asked, each.reason, each.params),
        improve=lambda each: _told(asked, each.improve, each.params),
        suggested=lambda each: speech.said(each.message, each.params),
        peers=" · ".join(words.card_name(speech, part) for part in card.peers.split("/") if part),
        missing=[words.metric_name(speech, name) for name in card.missing],
    )


def _told(asked: Asked, message: str, params: Mapping[str, Any]) -> str:
    """Return what a scorer says, where its plugin brings the words."""
    wording = asked.speech.wording
    return asked.speech.said(message, params) if wording is not None and message in wording.texts else ""


def _tried(asked: Asked) -> dict[str, float]:
    tried = {}
    for name, text in asked.query.items():
        if name.startswith("w."):
            try:
                weight = float(text)
            except ValueError:
                continue
            if math.isfinite(weight):
                tried[name[2:]] = weight
    return tried


def _figure(cards: Sequence[Scorecard], names: Mapping[str, str], asked: Asked) -> Figure | None:
    speech = asked.speech
    known = [card for card in cards if card.total is not None]
    if not known:
        return None
    title = speech.t("Totals with the interval that luck could explain")
    rows = [
        (
            names.get(card.subject) or card.subject,
            (card.total or 0) / 100,
            (card.low if card.low is not None else card.total or 0) / 100,
            (card.high if card.high is not None else card.total or 0) / 100,
            _points(asked, card.total),
        )
        for card in known
    ]
    return Figure(
        drawing=charts.intervals(rows[:_DRAWN], title=title, shown=speech.number, floor=0.0, ceiling=100.0, width=560),
        head=[speech.t("Person"), Cell(speech.t("Total"), "num"), Cell("95 %", "num")],
        rows=[[name, text, f"{speech.number(low, 1)}–{speech.number(high, 1)}"] for name, _, low, high, text in rows],
        summary=speech.t("As a table"),
        note=speech.t("Where bars overlap, the order says little."),
    )


def _live(cards: Sequence[Scorecard]) -> str:
    return json.dumps([[card.subject, [[each.metric, each.points] for each in card.components]] for card in cards])


def _points(asked: Asked, hundredths: int | None) -> str:
    return "–" if hundredths is None else asked.speech.fixed(hundredths / 100)


def _standing(asked: Asked, standing: Standing) -> tuple[str, str]:
    """Return the word for a standing and the verdict whose shape stands beside it."""
    t = asked.speech.t
    return {
        Standing.GOOD: (t("Good"), "at"),
        Standing.POOR: (t("Needs work"), "away"),
    }.get(standing, (t("Not enough evidence"), "unknown"))


def _reasons(asked: Asked, card: Scorecard) -> str:
    """Return the measures that add most and least."""
    speech = asked.speech
    if not card.components:
        return ""
    by = sorted(card.components, key=lambda each: each.points)
    return speech.t(
        "strongest: %(best)s · weakest: %(worst)s",
        best=words.metric_name(speech, by[-1].metric),
        worst=words.metric_name(speech, by[0].metric),
    )


def _value(asked: Asked, each: Component, number: float | None) -> str:
    if number is None:
        return "–"
    if each.unit == "share":
        return asked.speech.share(number, 1)
    return asked.speech.number(number, 2)


def _card_name(asked: Asked, card: str) -> str:
    return words.card_name(asked.speech, card)
