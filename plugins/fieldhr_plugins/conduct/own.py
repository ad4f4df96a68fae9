"""A tenant's own phrases: added by a person, each from an instant on, never taken out but ended.

What was said is read with the phrases that held when it was said, so a ruling can be made again as it was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from fieldhr_core.errors import ConfigError
from fieldhr_core.model import Severity
from fieldhr_plugins.conduct.lexicon import Category, Lexicon, Rule, with_phrases
from fieldhr_plugins.conduct.settings import HOUSE, OwnPhrase

__all__ = ["phrases_at", "version_of", "with_own"]


def phrases_at(phrases: Iterable[OwnPhrase], at: datetime) -> tuple[OwnPhrase, ...]:
    """Return the phrases that are in force at an instant."""
    return tuple(phrase for phrase in phrases if phrase.holds_at(at))


def version_of(phrases: Sequence[OwnPhrase]) -> str:
    """Return which list this is: ``0`` without own phrases, else how many, and a digest of what they say."""
    if not phrases:
        return "0"
    said = "\n".join(f"{one.phrase}\t{one.category}\t{one.severity}" for one in phrases)
    return f"{len(phrases)}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def with_own(lexicon: Lexicon, phrases: Sequence[OwnPhrase]) -> Lexicon:
    """Return *lexicon* with a tenant's own phrases.

    Raises:
        ConfigError: FHR-CFG-001 for a category that there is none of, or a phrase that cannot be read.
    """
    categories: Mapping[str, Category] = {HOUSE: _HOUSE_CATEGORY, **lexicon.categories}
    for one in phrases:
        if one.category not in categories:
            raise ConfigError(
                f"There is no category {one.category!r} of wording.",
                code="FHR-CFG-001",
                hint=f"Give one of: {', '.join(sorted(categories))}.",
                path="plugins.fieldhr.conduct.phrases",
            )
    rows = [(one.phrase, one.category, one.severity, f"own:{one.case or one.phrase}") for one in phrases]
    return with_phrases(lexicon, rows, categories)


_HOUSE_CATEGORY: Final = Category(
    code=HOUSE,
    title="Words that compliance has put on the house's own list",
    level=3,
    severity=Severity.HIGH,
    rules=(Rule(jurisdiction="*", rule="the house's own list of phrases", source="confirmed by compliance"),),
)
