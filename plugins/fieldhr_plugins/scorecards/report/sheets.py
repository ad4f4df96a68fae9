"""The appraisal report as JSON, CSV and workbook."""

from __future__ import annotations

import json
from typing import Any

import attrs

from fieldhr_core.flow.values import plain
from fieldhr_core.paper import sheets
from fieldhr_plugins.scorecards.report.appraisal import Appraisal, Words

__all__ = ["as_csv", "as_json", "as_xlsx", "card_line"]

_COMPONENT = ("subject", "name", "card", "total", "metric", "group", "value", "low", "high", "exposure", "shrunk")
_PERSON = ("subject", "name", "card", "total", "low", "high", "standing", "missing", "suggestions", "weights")
_REST = ("usual", "weight_pct", "share_pct", "points", "contribution", "standing", "weights_version", "simulated")


def card_line(card: Any) -> dict[str, Any]:
    """Return a scorecard as JSON values."""
    line: dict[str, Any] = plain(card)
    return line


def as_json(report: Appraisal, language: str = "en") -> bytes:
    """Return the report as one JSON object."""
    del language
    document = plain(attrs.asdict(report, recurse=False) | {"cards": [card_line(card) for card in report.cards]})
    return json.dumps(_finite(document), ensure_ascii=False, indent=1).encode("utf-8")


def as_csv(report: Appraisal, language: str = "en") -> bytes:
    """Return one line a person and component."""
    del language
    return sheets.as_csv([*_COMPONENT, *_REST], _components(report))


def as_xlsx(report: Appraisal, language: str = "en") -> bytes:
    """Return a workbook: people, components, figures, vintages."""
    words = Words(language)
    title = f"{report.title} · {report.period.first} – {report.period.last}"
    title += f" · {words('simulated')}" if report.simulated else ""
    people = [
        [
            card.subject,
            report.names.get(card.subject, ""),
            card.card,
            *(_points(each) for each in (card.total, card.low, card.high)),
            words(card.standing.value),
            ", ".join(words(metric) for metric in card.missing),
            ", ".join(words(each.message) for each in card.suggestions),
            card.weights_version,
        ]
        for card in report.cards
    ]
    figures = [
        [name, words(name), *(_number(row[key]) for key in ("value", "low", "high", "exposure"))]
        for name, row in sorted(report.figures.items())
    ]
    vintages = [
        [row["subject"].partition(":")[2], *(_number(row[key]) for key in ("value", "low", "high", "exposure"))]
        for row in report.vintages
    ]
    low_high = ("value", "low", "high", "exposure")
    return sheets.as_xlsx(
        [
            sheets.Sheet(
                name=words("people"),
                title=title,
                heading=[
                    "subject",
                    "name",
                    "card",
                    "total",
                    "low",
                    "high",
                    "standing",
                    "missing",
                    "suggestions",
                    "weights",
                ],
                rows=people,
            ),
            sheets.Sheet(
                name=words("contributions"), title=title, heading=[*_COMPONENT, *_REST], rows=_components(report)
            ),
            sheets.Sheet(name=words("figures"), title=title, heading=["metric", "name", *low_high], rows=figures),
            sheets.Sheet(name=words("vintages"), title=title, heading=["vintage", *low_high], rows=vintages),
        ]
    )


def _components(report: Appraisal) -> list[list[Any]]:
    return [
        [
            card.subject,
            report.names.get(card.subject, ""),
            card.card,
            _points(card.total),
            each.metric,
            each.group,
            each.value,
            each.low,
            each.high,
            each.exposure,
            each.shrunk,
            each.usual,
            each.weight,
            each.share,
            _points(each.points),
            _points(each.contribution),
            each.standing.value,
            card.weights_version,
            card.simulated,
        ]
        for card in report.cards
        for each in card.components
    ]


def _points(hundredths: int | None) -> float | None:
    return None if hundredths is None else hundredths / 100


def _number(value: float) -> float | None:
    return None if value != value else value


def _finite(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
