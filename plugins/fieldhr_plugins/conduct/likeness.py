"""How much a message reads like a promise or a way round a rule, where no listed phrase is in it. Only asks for a look.

A logistic regression over runs of one to three characters, trained on the ``train`` half of the labelled messages in
``tests/data/conduct`` (Chinese only: there are too few in other languages). Its weights are a table in the package.
"""

from __future__ import annotations

import json
import math
from importlib.resources import files
from typing import Final

from fieldhr_core.model import Severity
from fieldhr_plugins.conduct.lexicon import Category, Entry, Rule

__all__ = ["LIKENESS", "Likeness", "runs"]

_CATEGORY: Final = Category(
    code="possible_promise",
    title="Reads like a promise or an evasion, without a listed phrase",
    level=1,
    severity=Severity.LOW,
    rules=(
        Rule(
            jurisdiction="*",
            rule="No rule is named: a person decides whether one applies",
            source="character model of fieldhr.conduct",
        ),
    ),
)

#: What a message is found as.
LIKENESS: Final = Entry(
    id="zh/possible_promise/likeness",
    language="zh",
    category=_CATEGORY,
    written="",
    phrases=(),
    asks_review=True,
)


def runs(text: str) -> set[str]:
    """Return the runs of one to three characters of a normal form, its two ends marked."""
    marked = f"^{text}$"
    return {marked[at : at + size] for size in (1, 2, 3) for at in range(len(marked) - size + 1)}


class Likeness:
    """The model, ready to be asked."""

    def __init__(self) -> None:
        table = json.loads(files(__package__).joinpath("tables/likeness.json").read_text("utf-8"))
        self._weights: dict[str, float] = table["weights"]
        self._bias: float = table["bias"]
        #: From which likeness on a person should look.
        self.threshold: float = table["threshold"]

    def __call__(self, text: str) -> float:
        """Return the likeness of a normal form, 0-1."""
        found = runs(text)
        total = sum(self._weights.get(run, 0.0) for run in found) / math.sqrt(len(found)) + self._bias
        return 1 / (1 + math.exp(-total)) if total > -60 else 0.0
