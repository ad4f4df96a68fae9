"""The appraisal report as one page: charts first, a table beside each; no script, no network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from fieldhr_core import paper
from fieldhr_core.model import Scorecard
from fieldhr_core.paper import Cell, Figure, charts
from fieldhr_core.paper.markup import Markup, joined
from fieldhr_plugins.scorecards.report.appraisal import Appraisal, Words, shown, units

__all__ = ["html"]

_NUMBERS: Final = ("value", "exposure", "shrunk", "usual", "weight", "points", "contribution")


def html(report: Appraisal, language: str = "en") -> str:
    """Return the page."""
    words = Words(language)
    card = report.card
    title = words("title.group" if card is None else "title.rep")
    parts: list[object] = [_top(report, words, title)]
    if card is not None:
        parts += [_summary(card, words), _contributions(card, words), *_lists(card, words)]
    elif report.cards:
        parts.append(_people(report, words))
    parts += [*_figures(report, words), *_vintages(report, words)]
    parts.append(Markup(f"<footer><p>{paper.escaped(words('footer'))}</p></footer>"))
    body = joined(Markup("<main>"), *parts, Markup("</main>"))
    return paper.page(
        f"{title} · {report.title} · {report.period.first} – {report.period.last}", body, language=language
    )


def _top(report: Appraisal, words: Words, title: str) -> Markup:
    badge = f'<span class="badge loud">{paper.escaped(words("simulated"))}</span>' if report.simulated else ""
    span = f"{report.period.first} – {report.period.last}"
    return Markup(
        f'<header class="top"><h1>{paper.escaped(title)} · {paper.escaped(report.title)}</h1>'
        f'<span class="lead">{paper.escaped(span)}</span><span class="spacer"></span>{badge}</header>'
    )


def _summary(card: Scorecard, words: Words) -> Markup:
    cells = (
        ("total", _points(card.total)),
        ("interval", f"{_points(card.low)} – {_points(card.high)}"),
        ("standing", words(card.standing.value)),
        ("peers", card.peers.replace("/", " · ").strip(" ·")),
        ("weights", card.weights_version + (f" ({words('what_if')})" if card.what_if else "")),
    )
    inner = "".join(
        f"<div><dt>{paper.escaped(words(key))}</dt><dd>{paper.escaped(value)}</dd></div>" for key, value in cells
    )
    return Markup(f'<dl class="figures five">{inner}</dl>')


def _contributions(card: Scorecard, words: Words) -> Markup:
    rows = [(words(each.metric), each.contribution / 100, _points(each.contribution)) for each in card.components]
    drawing = charts.bars(rows, title=words("contributions"), width=620)
    head = [
        words("component"),
        words("group"),
        *(
            Cell(words(key), "num")
            for key in ("value", "exposure", "shrunk", "usual", "weight", "points", "contribution")
        ),
        words("standing"),
    ]
    table = [
        [
            Cell(words(each.metric), heads_row=True),
            words(each.group),
            joined(shown(each.value, each.unit), _small(_span(each.low, each.high, each.unit))),
            _number(each.exposure),
            shown(each.shrunk, each.unit),
            shown(each.usual, each.unit),
            f"{each.share:.1f} %",
            _points(each.points),
            _points(each.contribution),
            words(each.standing.value),
        ]
        for each in card.components
    ]
    return joined(
        _heading(words("contributions")),
        drawing,
        _note(words("contributions.note")),
        paper.table(head, table, label=words("contributions")),
    )


def _lists(card: Scorecard, words: Words) -> Iterator[Markup]:
    if card.suggestions:
        lines = [f"{words(s.message)} – {', '.join(words(metric) for metric in s.because)}" for s in card.suggestions]
        yield joined(_heading(words("suggestions")), _listed(lines))
    better = [each for each in card.components if each.improve]
    if better:
        lines = [
            f"{words(each.metric)}: {shown(each.shrunk, each.unit)} → {shown(each.usual, each.unit)}"
            for each in sorted(better, key=lambda each: each.points * each.share)[:3]
            if (each.shrunk < each.usual) == (each.direction == "up")
        ]
        if lines:
            yield joined(_heading(words("improve")), _listed(lines))
    if card.missing:
        yield joined(_heading(words("missing")), _listed([words(metric) for metric in card.missing]))


def _people(report: Appraisal, words: Words) -> Markup:
    known = [card for card in report.cards if card.total is not None]
    rows = [
        (
            report.names.get(card.subject, card.subject),
            (card.total or 0) / 100,
            (card.low or 0) / 100,
            (card.high or 0) / 100,
            _points(card.total),
        )
        for card in known
    ]
    drawing = charts.intervals(rows[:40], title=words("people"), shown=lambda value: f"{value:.0f}", ceiling=100.0)
    head = [
        words("person"),
        *(Cell(words(key), "num") for key in ("total", "interval")),
        words("standing"),
        words("missing"),
    ]
    table = [
        [
            Cell(report.names.get(card.subject, card.subject), heads_row=True),
            _points(card.total),
            f"{_points(card.low)} – {_points(card.high)}",
            words(card.standing.value),
            ", ".join(words(metric) for metric in card.missing),
        ]
        for card in report.cards
    ]
    return joined(
        _heading(words("people")),
        drawing,
        _note(words("people.note")),
        paper.table(head, table, label=words("people")),
    )


def _figures(report: Appraisal, words: Words) -> Iterator[Markup]:
    unit_of = units()
    shares = [name for name in report.figures if unit_of.get(name) == "share" and _is_known(report.figures[name])]
    if shares:
        rows = [
            (
                words(name),
                report.figures[name]["value"],
                report.figures[name]["low"],
                report.figures[name]["high"],
                shown(report.figures[name]["value"], "share"),
            )
            for name in shares
        ]
        others = [report.house.get(name, {}).get("value", math.nan) for name in shares]
        is_house = not report.subject
        drawing = charts.intervals(
            rows,
            title=words("figures"),
            shown=lambda value: f"{100 * value:.0f} %",
            others=() if is_house else others,
        )
        yield joined(_heading(words("figures")), drawing, _note(words("figures.note")))
    if report.figures:
        head = [words("component"), *(Cell(words(key), "num") for key in ("value", "interval", "exposure", "house"))]
        table = [
            [
                Cell(words(name), heads_row=True),
                shown(row["value"], unit_of.get(name, "")),
                _span(row["low"], row["high"], unit_of.get(name, "")),
                _number(row["exposure"]),
                shown(report.house.get(name, {}).get("value"), unit_of.get(name, "")),
            ]
            for name, row in sorted(report.figures.items())
        ]
        yield joined(
            *(() if shares else (_heading(words("figures")),)), paper.table(head, table, label=words("figures"))
        )


def _vintages(report: Appraisal, words: Words) -> Iterator[Markup]:
    if not report.vintages:
        return
    rows = [
        (row["subject"].partition(":")[2], row["value"], row["low"], row["high"], shown(row["value"], "share"))
        for row in report.vintages
    ]
    top = max(0.05, *(min(1.0, row[3]) for row in rows))
    drawing = charts.intervals(
        rows, title=words("vintages"), shown=lambda value: f"{100 * value:.0f} %", ceiling=math.ceil(20 * top) / 20
    )
    head = [words("vintage"), *(Cell(words(key), "num") for key in ("value", "interval", "exposure"))]
    table = [
        [Cell(name, heads_row=True), text, _span(low, high, "share"), _number(row["exposure"])]
        for (name, _, low, high, text), row in zip(rows, report.vintages, strict=True)
    ]
    figure = Figure(drawing=drawing, head=head, rows=table, summary=words("table"), note=words("vintages.note"))
    yield joined(_heading(words("vintages")), figure)


def _points(hundredths: int | None) -> str:
    return "–" if hundredths is None else f"{hundredths / 100:.2f}"


def _span(low: float | None, high: float | None, unit: str) -> str:
    return f"{shown(low, unit)} – {shown(high, unit)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2f}"


def _is_known(row: object) -> bool:
    return isinstance(row, dict) and all(row[name] == row[name] for name in ("value", "low", "high"))


def _heading(text: str) -> Markup:
    return Markup(f"<h2>{paper.escaped(text)}</h2>")


def _note(text: str) -> Markup:
    return Markup(f'<p class="note">{paper.escaped(text)}</p>')


def _small(text: str) -> Markup:
    return Markup(f"<small>{paper.escaped(text)}</small>")


def _listed(lines: Sequence[str]) -> Markup:
    return Markup('<ul class="plain">' + "".join(f"<li>{paper.escaped(line)}</li>" for line in lines) + "</ul>")
