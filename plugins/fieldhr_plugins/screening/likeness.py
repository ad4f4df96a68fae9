"""How alike two words are: equal, sounding equal, or one slip apart - and the longer they are, the more slips."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from fieldhr_plugins.screening.text import sound

__all__ = ["ACCEPTED", "Words", "distance"]

_EMPTY: Final[Mapping[str, frozenset[int]]] = MappingProxyType({})
#: Words less alike than this are two words.
ACCEPTED: Final = 0.78

#: Letters that spellings confuse, and what that costs.
_CHEAP: Final = {
    frozenset(pair): cost
    for pairs, cost in (
        ("ou ei ea iy ij yj kq kc sc zs vf vb jg gk čš čj šs uy kh hj", 0.5),
        ("ai dt bp jz oa ui sč hg", 0.8),
    )
    for pair in pairs.split()
}
_DROPPED: Final = {"h": 0.5, "e": 0.6, "i": 0.7, "y": 0.6, "u": 0.8}


def distance(one: str, other: str, most: float) -> float:
    """Return what it costs to turn one word into the other, or more than *most* as soon as that is sure.

    Exchanged neighbours cost 0.7; vowels and consonants that spellings confuse cost half; other changes 1.
    """
    if abs(len(one) - len(other)) > most / 0.5:
        return most + 1
    start, end = 0, min(len(one), len(other))
    while start < end and one[start] == other[start]:
        start += 1
    one, other, end = one[start:], other[start:], end - start
    while end and one[-1] == other[-1]:
        one, other, end = one[:-1], other[:-1], end - 1
    before_last: list[float] = []
    last = [0.0]
    for letter in other:
        last.append(last[-1] + _DROPPED.get(letter, 1.0))
    for row, a in enumerate(one, start=1):
        drop = _DROPPED.get(a, 1.0)
        current = [last[0] + drop]
        for column, b in enumerate(other, start=1):
            if a == b:
                cost = last[column - 1]
            else:
                cost = min(
                    last[column - 1] + _CHEAP.get(frozenset((a, b)), 1.0),
                    last[column] + drop,
                    current[column - 1] + _DROPPED.get(b, 1.0),
                )
                if row > 1 and column > 1 and a == other[column - 2] and one[row - 2] == b:
                    cost = min(cost, before_last[column - 2] + 0.7)
            current.append(cost)
        if min(current) > most:
            return most + 1
        before_last, last = last, current
    return last[-1]


class Words:
    """Likeness of single words, remembered."""

    def __init__(
        self, variants: Mapping[str, frozenset[int]] = _EMPTY, nicknames: Mapping[str, frozenset[int]] = _EMPTY
    ) -> None:
        self._sound_of: dict[str, str] = {}
        self._variants = variants
        self._nicknames = nicknames
        self._known: dict[tuple[str, str], float] = {}

    def alike(self, one: str, other: str) -> float:
        """Return 0-1; 1 only for equal words."""
        if one == other:
            return 1.0
        key = (one, other) if one < other else (other, one)
        known = self._known.get(key)
        if known is None:
            if len(self._known) > 100_000:
                self._known.clear()
            known = self._known[key] = self._compare(*key)
        return known

    def _compare(self, one: str, other: str) -> float:
        if one[0].isdigit() or other[0].isdigit():
            return 0.0
        if self._variants.get(one, _NONE) & self._variants.get(other, _NONE):
            return 0.97
        a, b = self.sound(one), self.sound(other)
        shortest = min(len(one), len(other))
        if a == b:
            return 0.96 if shortest > 3 else 0.92
        if self._nicknames.get(one, _NONE) & self._nicknames.get(other, _NONE):
            return 0.86
        if shortest <= 2:
            return 0.0
        if _is_feminine(one, other):
            return _BARELY
        heard = self._by_distance(a, b)
        # A slip of typing may change the sound beyond recognition.
        found = max(heard, self._by_distance(one, other)) if heard < 0.9 else heard
        if not found and 3 <= shortest <= 4 and _is_one_letter_less(one, other):
            return _BARELY
        return found

    def _by_distance(self, a: str, b: str) -> float:
        if a[0] != b[0] and a[-1] != b[-1] and frozenset((a[0], b[0])) not in _CHEAP:
            # A slip at both ends is no slip.
            return 0.0
        letters_a, letters_b = set(a), set(b)
        if len(letters_a & letters_b) < 0.6 * min(len(letters_a), len(letters_b)):
            return 0.0
        longest = max(len(a), len(b), 4)
        most = (1 - ACCEPTED) * longest
        cost = distance(a, b, most)
        if cost > most:
            return 0.0
        if a[:-1] == b[:-1] and {a[-1], b[-1]} == {"a", "o"}:
            cost += 0.6  # Mario is not Maria
        elif a[0] != b[0] and frozenset((a[0], b[0])) not in _CHEAP:
            cost += 0.1
        likeness = 1 - cost / longest
        return likeness if likeness >= ACCEPTED else 0.0

    def sound(self, word: str) -> str:
        """Return how a word sounds, remembered."""
        found = self._sound_of.get(word)
        if found is None:
            if len(self._sound_of) > 100_000:
                self._sound_of.clear()
            found = self._sound_of[word] = sound(word)
        return found


_NONE: Final[frozenset[int]] = frozenset()
#: What is hardly one word: enough for a person to look, where the rest agrees.
_BARELY: Final = 0.79
_FAMILY: Final = ("ov", "ev", "in", "yn", "sky", "skiy", "ski", "oy", "iy")


def _is_one_letter_less(one: str, other: str) -> bool:
    """Whether one of two short words is the other without one letter."""
    short, long = sorted((one, other), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def _is_feminine(one: str, other: str) -> bool:
    """Whether one is the name of a woman and the other of a man: Daniel and Daniela; a family name is one in both."""
    for short, long in ((one, other), (other, one)):
        if long[-1] == "a" and short[-1] not in "aeiouyh" and 0 <= len(long) - len(short) <= 1:
            same = sum(x == y for x, y in zip(short, long, strict=False))
            return same >= len(short) - 2 and not short.endswith(_FAMILY)
    return False
