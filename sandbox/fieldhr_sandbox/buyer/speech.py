"""The words of the report in two languages: English stands in the code, its translation in ``words/``."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

import attrs

__all__ = ["LANGUAGES", "Speech"]

#: What a report can be written in.
LANGUAGES: Final = ("en", "zh-Hans")


@attrs.frozen
class Speech:
    """Says a sentence of the report in a language; one that has no translation is said in English."""

    language: str

    def __call__(self, text: str, **facts: object) -> str:
        """Return *text*, or what stands for it, with its facts."""
        said = _words(self.language).get(text) or _words("en").get(text, text)
        return said.format(**facts) if facts else said


@cache
def _words(language: str) -> dict[str, str]:
    text = files("fieldhr_sandbox").joinpath(f"words/{language}.json").read_text("utf-8")
    found: dict[str, str] = json.loads(text)
    return found
