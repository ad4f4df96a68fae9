"""The report's words, and the day made ready with them."""

from __future__ import annotations

import functools
import json
import math
from importlib.resources import files
from typing import TYPE_CHECKING

import attrs

from fieldhr_core.flow import dayview
from fieldhr_core.flow.dayview import Claim, Entry

if TYPE_CHECKING:
    from fieldhr_core.flow.reports import DayReport

__all__ = ["Claim", "DayView", "Entry", "Words"]


@functools.cache
def _catalogue() -> dict[str, dict[str, str]]:
    # What reasons and categories are called, every page may ask; the other words are the report's own.
    sources = (files(__package__) / "words.json", files("fieldhr_plugins.places") / "messages.json")
    return {key: texts for source in sources for key, texts in json.loads(source.read_text("utf-8")).items()}


@attrs.frozen
class Words:
    """The report's words in one language; what is missing there is English, what is missing in English is the key."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of *key* with *values* put in."""
        texts = _catalogue().get(key, {})
        text = texts.get(self.language) or texts.get("en") or key.rpartition(".")[2].replace("_", " ")
        return text.format(**values) if values else text

    def span(self, seconds: float) -> str:
        """Return a duration in hours and minutes, rounded to minutes."""
        minutes = round(seconds / 60)
        if minutes < 60:
            return self("minutes", m=minutes)
        return self("hours", h=minutes // 60, m=f"{minutes % 60:02d}")

    def metres(self, metres: float) -> str:
        """Return a distance; unknown is a dash."""
        if math.isnan(metres):
            return "–"
        if metres >= 1000:
            return f"{metres / 1000:.1f} {self('km')}"
        return f"{metres:.0f} {self('m')}"


@attrs.frozen(eq=False, kw_only=True)
class DayView(dayview.DayView):
    """Everything the renderers need, in the language of the reader."""

    words: Words = Words("en")

    @classmethod
    def of(cls, report: DayReport, words: dayview.Words | str = "en") -> DayView:
        """Prepare *report* for readers of a language."""
        spoken = words if isinstance(words, Words) else Words(str(words))
        day = dayview.DayView.of(report, spoken)
        return cls(words=spoken, **{field.name: getattr(day, field.name) for field in attrs.fields(dayview.DayView)})
