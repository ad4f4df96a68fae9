"""What an alert says, made readable: instants as the reader's times, categories as words, customers by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from fieldhr_core.model import Case
from fieldhr_plugins.console.pages import words
from fieldhr_plugins.console.pages.speech import Speech

__all__ = ["customers", "fact", "facts_of", "readings", "told"]

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
#: Ending of a fact's name -> unit.
_UNITS: Final = {
    "_m": "m",
    "_s": "s",
    "_min": "min",
    "_h": "h",
    "_pct": "%",
    "_kmh": "km/h",
    "_ms": "ms",
    "_mps": "m/s",
}
#: From here on seconds say less than minutes and hours.
_MINUTES_FROM_S: Final = 120


def customers(cases: Iterable[Case]) -> set[str]:
    """Return the ids of customers that alerts speak of, so that they can be called by name."""
    found: set[str] = set()
    for case in cases:
        facts = [case.finding.params, *(piece.facts for piece in case.finding.evidence)]
        found |= {v for values in facts for name, v in values.items() if "customer" in name and isinstance(v, str)}
        if case.finding.subject_kind == "customer":
            found.add(case.finding.subject)
    return found


def told(speech: Speech, case: Case, names: Mapping[str, str] | None = None) -> str:
    """Return what an alert says, in the reader's language."""
    finding = case.finding
    return speech.said(finding.explanation or finding.code, _readable(speech, finding.params, names or {}))


def readings(speech: Speech, case: Case, names: Mapping[str, str] | None = None) -> tuple[str, list[str]]:
    """Return what to do next, and the readings that the cause is open to."""
    finding = case.finding
    params = _readable(speech, finding.params, names or {})
    advice = speech.said(finding.advice, params) if finding.advice else ""
    return advice, [speech.said(each, params) for each in finding.readings]


def facts_of(
    speech: Speech, values: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    """Return (name in words, value with unit) of measured facts; lists and objects are left to the record itself."""
    shown = []
    for name, value in values.items():
        if isinstance(value, Mapping) or (isinstance(value, list | tuple) and len(value) > 6):
            continue
        shown.append(fact(speech, name, value, names or {}))
    return shown


def fact(speech: Speech, name: str, value: Any, names: Mapping[str, str]) -> tuple[str, str]:
    """Return one fact: its name in words and its value with its unit."""
    unit = ""
    for ending, word in _UNITS.items():
        if name.endswith(ending) and isinstance(value, int | float) and not isinstance(value, bool):
            name, unit = name.removesuffix(ending), word
            if unit == "s" and value >= _MINUTES_FROM_S:
                return words.fact_name(speech, name.replace("_", " ")), speech.span(value)
            break
    return words.fact_name(speech, name.replace("_", " ")), _value(speech, name, value, names) + (
        f" {unit}" if unit else ""
    )


def _value(speech: Speech, name: str, value: Any, names: Mapping[str, str]) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return speech.t("yes") if value else speech.t("no")
    if isinstance(value, int | float):
        # Coordinates keep the digits they came with.
        return str(value) if name in ("lat", "lon") else speech.number(value, 2)
    if isinstance(value, list | tuple):
        return ", ".join(_value(speech, name, each, names) for each in value)
    return str(_readable(speech, {name: value}, names)[name])


def _readable(speech: Speech, params: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    shown = dict(params)
    for name, value in params.items():
        if not isinstance(value, str):
            continue
        if _INSTANT.fullmatch(value):
            moment = datetime.fromisoformat(value)
            shown[name] = f"{speech.day(moment)} {speech.clock(moment)}"
        elif name == "category":
            shown[name] = speech.said(f"category.{value}")
        elif name == "reason":
            shown[name] = speech.said(f"reason.{value}")
        elif value in names:
            shown[name] = names[value]
    return shown
