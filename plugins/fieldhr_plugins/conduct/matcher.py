"""Finds every phrase of a lexicon in a normal form, in one walk over it.

Words of all phrases stand in buckets by their first two characters; a walk over the text notes where each class of
words occurs, and phrases of several parts are then put together from those notes. Gaps are bounded, so work grows with
the length of the text and nothing else.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import attrs

from fieldhr_plugins.conduct.lexicon import Entry, Lexicon, Part
from fieldhr_plugins.conduct.normal import Normaliser

__all__ = ["Matcher", "RawHit", "is_cut"]

_WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_DIGITS: Final = frozenset("0123456789")
_STOPS: Final = frozenset("。!?;\n")

_HAN_NUMBER: Final = "零一二三四五六七八九十百千两半几"
_PERCENT: Final = re.compile(
    rf"(?:[0-9][0-9.]*+|[{_HAN_NUMBER}]++(?:点[{_HAN_NUMBER}]++)?)"
    r"(?: ?%|个?百分点|个点|点(?![一-鿿]?[钟半])|厘|分利| ?percent| per cent| pct"
    r"| phan tram|퍼센트|프로|パーセント|割|เปอร์เซ็นต์)"
    rf"|百分之[0-9{_HAN_NUMBER}]++"
)
_AMOUNT: Final = re.compile(
    r"(?:[$¥€£] ?[0-9][0-9,.]*+ ?k?"
    r"|[0-9][0-9,.]*+ ?(?:万|元|块|k\b|w\b|yuan|usd|dollars|円|원|만원|dong|trieu|baht|บาท|grand)"
    rf"|[{_HAN_NUMBER}]++(?:万|元|块|千))"
)
_SPECIAL: Final = {"{#percent}": _PERCENT, "{#amount}": _AMOUNT}
_NUMERIC: Final = frozenset("0123456789" + _HAN_NUMBER)


@attrs.frozen(eq=False)
class RawHit:
    """A phrase found, before anything about it was judged; offsets in the normal form.

    ``sounds_like`` is the phrase meant where it was found by its sound.
    """

    entry: Entry
    start: int
    end: int
    sounds_like: str = ""


@attrs.frozen(eq=False)
class _Pattern:
    entry: Entry
    classes: tuple[int, ...]
    parts: tuple[Part, ...]
    blockers: tuple[str, ...]
    needs: frozenset[int]


class Matcher:
    """Phrases of a lexicon, ready to be sought."""

    def __init__(self, lexicon: Lexicon, normaliser: Normaliser) -> None:
        self._classes: dict[tuple[str, ...], int] = {}
        #: First two characters -> lengths, longest first -> words of that length -> whether more letters may follow,
        #: whether its end may stand before a letter, and the classes it is in.
        self._pairs: dict[str, tuple[tuple[int, dict[str, list[tuple[bool, bool, tuple[int, ...]]]]], ...]] = {}
        self._singles: dict[str, tuple[int, ...]] = {}
        self._special: dict[str, list[int]] = {}
        self._alone: dict[int, list[Entry]] = {}
        self._first: dict[int, list[_Pattern]] = {}
        self._guard = 0
        literals: dict[str, set[int]] = {}
        guards = tuple(dict.fromkeys(g for language in lexicon.languages.values() for g in language.guards))
        self._note(0, guards, literals, normaliser)
        for language in lexicon.languages.values():
            blockers = tuple(normaliser(word).text for word in language.scope.get("gap_blockers", ()))
            for entry in language.entries:
                for phrase in entry.phrases:
                    classes = tuple(self._class(part.words, literals, normaliser) for part in phrase)
                    if len(classes) == 1:
                        self._alone.setdefault(classes[0], []).append(entry)
                    else:
                        pattern = _Pattern(entry, classes, phrase, blockers, frozenset(classes[1:]))
                        self._first.setdefault(classes[0], []).append(pattern)
        sized: dict[str, dict[int, dict[str, list[tuple[bool, bool, tuple[int, ...]]]]]] = {}
        for literal, found in literals.items():
            ids = tuple(sorted(found))
            open_end = literal.endswith("*")
            plain = literal.rstrip("*")
            if len(plain) == 1:
                self._singles[plain] = (*self._singles.get(plain, ()), *ids)
            elif plain:
                lengths = sized.setdefault(plain[:2], {})
                free_end = open_end or plain[-1] not in _WORD
                lengths.setdefault(len(plain), {}).setdefault(plain, []).append((open_end, free_end, ids))
        for pair, lengths in sized.items():
            self._pairs[pair] = tuple(sorted(lengths.items(), reverse=True))
        self.vocabulary = frozenset(
            word for literal in literals for word in re.findall(r"[a-z]+", literal) if len(word) >= 4
        )

    def _class(self, words: tuple[str, ...], literals: dict[str, set[int]], normaliser: Normaliser) -> int:
        known = self._classes.get(words)
        if known is not None:
            return known
        number = len(self._classes) + 1
        self._classes[words] = number
        self._note(number, words, literals, normaliser)
        return number

    def _note(self, number: int, words: Sequence[str], literals: dict[str, set[int]], normaliser: Normaliser) -> None:
        for word in words:
            if word in _SPECIAL:
                self._special.setdefault(word, []).append(number)
                continue
            open_end = word.endswith("*")
            plain = normaliser(word.rstrip("*")).text.strip()
            if plain:
                literals.setdefault(plain + "*" if open_end else plain, set()).add(number)
            together = plain.replace(" ", "")
            if " " in plain and len(together) >= 8 and together.isascii() and together.isalpha():
                literals.setdefault(together, set()).add(number)

    def find(self, text: str) -> list[RawHit]:
        """Return every phrase found in a normal form, guarded, in order of place."""
        places = self._places(text)
        if not places:
            return []
        guards = places.pop(self._guard, [])
        hits: list[RawHit] = []
        found = places.keys()
        for number, spans in places.items():
            for entry in self._alone.get(number, ()):
                hits.extend(RawHit(entry, start, end) for start, end in spans if not is_cut(start, end, guards))
            for pattern in self._first.get(number, ()):
                if pattern.needs <= found:
                    self._assemble(text, pattern, places, guards, hits)
        hits.sort(key=lambda hit: (hit.start, -hit.end))
        return hits

    def guards(self, text: str) -> list[tuple[int, int]]:
        """Return where ordinary words stand that no hit may cut."""
        return self._places(text).get(self._guard, [])

    def _places(self, text: str) -> dict[int, list[tuple[int, int]]]:
        places: dict[int, list[tuple[int, int]]] = {}
        buckets, singles = self._pairs, self._singles
        length = len(text)
        before_in_word = False
        for at in range(length):
            character = text[at]
            in_word = character in _WORD
            # A digit may follow a letter; a letter that follows one is the middle of a word.
            if in_word and before_in_word and (character not in _DIGITS or text[at - 1] in _DIGITS):
                continue
            after_letter, before_in_word = before_in_word, in_word
            bucket = buckets.get(text[at : at + 2])
            if bucket is not None:
                for size, words in bucket:
                    known = words.get(text[at : at + size])
                    if known is None:
                        continue
                    for open_end, free_end, ids in known:
                        end = at + size
                        if open_end:
                            while end < length and text[end] in _WORD:
                                end += 1
                        elif not free_end and end < length and text[end] in _WORD:
                            continue
                        for number in ids:
                            places.setdefault(number, []).append((at, end))
            if character in singles:
                if in_word and (after_letter or (at + 1 < length and text[at + 1] in _WORD)):
                    continue
                for number in singles[character]:
                    places.setdefault(number, []).append((at, at + 1))
        if self._special and not _NUMERIC.isdisjoint(text):
            for name, numbers in self._special.items():
                for found in _SPECIAL[name].finditer(text):
                    for number in numbers:
                        places.setdefault(number, []).append(found.span())
        return places

    def _assemble(
        self,
        text: str,
        pattern: _Pattern,
        places: dict[int, list[tuple[int, int]]],
        guards: list[tuple[int, int]],
        hits: list[RawHit],
    ) -> None:
        last = -1
        for start, end in places[pattern.classes[0]]:
            if start < last or is_cut(start, end, guards):
                continue
            reached = self._reach(text, pattern, 1, end, places, guards)
            if reached is not None:
                hits.append(RawHit(pattern.entry, start, reached))
                last = reached

    def _reach(
        self,
        text: str,
        pattern: _Pattern,
        number: int,
        end: int,
        places: dict[int, list[tuple[int, int]]],
        guards: list[tuple[int, int]],
    ) -> int | None:
        part = pattern.parts[number]
        spans = places[pattern.classes[number]]
        best: int | None = None
        for index in range(bisect_left(spans, (end, 0)), len(spans)):
            start, stop = spans[index]
            if start - end > part.gap or (best is not None and start > best):
                break
            if is_cut(start, stop, guards) or not _is_open(text[end:start], part, pattern.blockers):
                continue
            reached = (
                stop
                if number + 1 == len(pattern.classes)
                else self._reach(text, pattern, number + 1, stop, places, guards)
            )
            if reached is not None and (best is None or reached > best):
                best = reached
        return best


def is_cut(start: int, end: int, guards: list[tuple[int, int]]) -> bool:
    """Tell whether a span cuts an ordinary word, or lies within a longer one."""
    at = bisect_left(guards, (start - 16, 0))
    while at < len(guards) and guards[at][0] < end:
        guard_start, guard_end = guards[at]
        if guard_end > start and not (start <= guard_start and guard_end <= end):
            return True
        at += 1
    return False


def _is_open(gap: str, part: Part, blockers: tuple[str, ...]) -> bool:
    """Tell whether these characters may stand between two parts."""
    if not gap or gap == " ":
        return True
    if not _STOPS.isdisjoint(gap):
        return False
    if not part.over_comma and ("," in gap or ". " in gap):
        return False
    return part.over_negation or not any(blocker in gap for blocker in blockers)
