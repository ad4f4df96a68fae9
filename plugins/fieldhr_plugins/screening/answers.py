"""What a comparison of two names says."""

from __future__ import annotations

from typing import Final

import attrs

__all__ = ["HIT", "HIT_FROM", "NONE", "POSSIBLE", "POSSIBLE_FROM", "Match", "made"]

HIT: Final = "hit"
POSSIBLE: Final = "possible"
NONE: Final = "none"
#: Scores from which two names are one, and from which a person should look.
HIT_FROM: Final = 0.85
POSSIBLE_FROM: Final = 0.7


@attrs.frozen(kw_only=True)
class Match:
    """How alike two names are.

    Attributes:
        score: 0-1; from 0.85 one name in two writings, from 0.70 worth a look.
        level: ``hit``, ``possible`` or ``none``, as the score says.
        grounds: what agreed and what did not, in words.
    """

    score: float
    level: str
    grounds: tuple[str, ...]


def made(score: float, grounds: tuple[str, ...] | list[str]) -> Match:
    """Return a match with the level that follows from its score."""
    score = round(min(max(score, 0.0), 1.0), 4)
    level = HIT if score >= HIT_FROM else POSSIBLE if score >= POSSIBLE_FROM else NONE
    return Match(score=score, level=level, grounds=tuple(grounds))
