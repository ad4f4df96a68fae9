"""By which keys a name is found: what two writings of one name have in common, whatever else differs.

Keys are made from sounds, so that they survive spelling: trigrams of Latin words, pairs of Mandarin and of Cantonese
syllables, consonants, the characters of a Chinese brand, first letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final

from fieldhr_plugins.screening.matching import Matcher, Name
from fieldhr_plugins.screening.organizations import OrganizationName
from fieldhr_plugins.screening.persons import PersonName
from fieldhr_plugins.screening.sounds import cantonese
from fieldhr_plugins.screening.text import skeleton

__all__ = ["Keys"]

_MOST_WAYS: Final = 6
_COARSE: Final = (
    (re.compile(r"^(?:tsz|tze|sze|sz)$"), "ci"),
    (re.compile(r"^(?:ch|ts|tz|z|j|c)"), "c"),
    (re.compile(r"^sh"), "s"),
    (re.compile(r"^[bp]h?"), "p"),
    (re.compile(r"^[dt]h?"), "t"),
    (re.compile(r"^[gk](?=w)"), "k"),
    (re.compile(r"^[gk]h?"), "k"),
    (re.compile(r"^ng(?=.)"), ""),
    (re.compile(r"^[nl]"), "l"),
    (re.compile(r"ee$"), "i"),
    (re.compile(r"oo"), "u"),
    (re.compile(r"a+h?"), "a"),
    (re.compile(r"ow$"), "au"),
    (re.compile(r"e[ou]n(?=g)"), "eun"),
    (re.compile(r"u[em]"), "u"),
)


def _coarse(syllable: str) -> str:
    for pattern, new in _COARSE:
        syllable = pattern.sub(new, syllable)
    return syllable


class Keys:
    """Keys of names, as a matcher reads them."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._romaniser = matcher.romaniser
        self._cantonese: dict[str, tuple[str, ...]] = {}
        self._ways: dict[str, tuple[frozenset[str], ...]] = {}

    def of(self, name: Name, *, asked: bool = False) -> list[str]:
        """Return the keys of a name; *asked*: as a question, which may name more ways to read it than a stored name."""
        found = self._of_person(name, asked) if isinstance(name, PersonName) else self._of_organization(name, asked)
        return list(dict.fromkeys(found))

    def _of_person(self, name: PersonName, asked: bool) -> Iterator[str]:
        if name.han:
            yield from self._han_person(name)
        if name.words:
            words = [word for word in name.words if word not in name.particles]
            yield "j:" + "".join(name.words)
            yield from self._trigrams(words)
            yield from self._consonants(words, name.bare)
            if name.chinese is not None or (asked and len(words) <= 3):
                yield from self._chinese(words, asked)

    def _han_person(self, name: PersonName) -> Iterator[str]:
        romaniser = self._romaniser
        han = name.han[:12]
        yield "h:" + han
        surname = len(romaniser.surname_of(han))
        readings = [(romaniser.readings(c, surname=place < surname == 1) or (c,))[:2] for place, c in enumerate(han)]
        if len(han) >= 5:
            yield from self._trigrams(["".join(r[0] for r in readings)])
        for (i, a), (_, b) in combinations(enumerate(han[:5]), 2):
            if surname <= i or i == 0:
                yield f"H:{a}{b}"
        yield from _pairs("p:", readings[:5])
        yield from _pairs("c:", [self._cantonese_of(c) for c in han[:5]])
        if len(han) > 1:
            # An English given name may hide everything but the surname and one syllable; single syllables are too many.
            yield "P:" + "".join(sorted(r[0] for r in readings))

    def _cantonese_of(self, character: str) -> tuple[str, ...]:
        found = self._cantonese.get(character)
        if found is None:
            readings = self._romaniser.jyutping(character)
            coarse = dict.fromkeys(_coarse(s) for reading in readings[:1] for s in cantonese(reading))
            found = tuple(coarse)[:4] or (character,)
            self._cantonese[character] = found
        return found

    def _chinese(self, words: Iterable[str], asked: bool) -> Iterator[str]:
        """Pairs of syllables of a Latin name that may be Chinese."""
        mandarin: list[tuple[str, ...]] = []
        coarse: list[tuple[str, ...]] = []
        whole = True
        for word in words:
            ways = self._mandarin(word)
            if ways:
                mandarin += [tuple(sorted(options))[:_MOST_WAYS] for options in ways]
            elif len(word) > 1:
                whole = False
            if asked:
                cut = next(self._romaniser.cut(word, self._romaniser.cantonese_of, 2), ())
                coarse += [(_coarse(syllable),) for syllable in cut]
        if 2 <= len(mandarin) <= 6 or (mandarin and not whole):
            yield from _pairs("p:", mandarin[:6])
        if len(coarse) >= 2:
            yield from _pairs("c:", coarse[:6])

    def _mandarin(self, word: str) -> tuple[frozenset[str], ...]:
        found = self._ways.get(word)
        if found is None:
            romaniser = self._romaniser
            cuts = sorted(romaniser.cut(word, romaniser.all_spellings, 3), key=len)[:3]
            found = ()
            if cuts:
                best = [cut for cut in cuts if len(cut) == len(cuts[0])]
                found = tuple(
                    frozenset(meant for cut in best for meant in romaniser.all_spellings[cut[place]])
                    for place in range(len(cuts[0]))
                )
            if len(self._ways) > 50_000:
                self._ways.clear()
            self._ways[word] = found
        return found

    def _trigrams(self, words: Iterable[str]) -> Iterator[str]:
        for word in words:
            heard = self._matcher.persons.words.sound(word)
            # The whole word: where the other word is mistyped, this one leads there alone.
            yield "w:" + heard
            if 4 <= len(word) <= 8:
                # Two words one slip apart share a key of all letters but one; a slip may change every sound.
                yield "d:" + word
                for place in range(1, len(word)):
                    yield f"d:{word[:place]}{word[place + 1 :]}"
            if len(heard) > 3:
                yield "^" + heard[:3]
                for start in range(len(heard) - 2):
                    yield heard[start : start + 3]

    def _consonants(self, words: Iterable[str], bare: bool) -> Iterator[str]:
        bones = [bone for bone in map(skeleton, words) if len(bone) > 1]
        for bone in bones:
            if len(bone) > 2 or bare:
                yield "s:" + bone
        for a, b in combinations(sorted(set(bones))[:5], 2):
            yield f"S:{a}+{b}"

    def _of_organization(self, name: OrganizationName, asked: bool) -> Iterator[str]:
        organizations = self._matcher.organizations
        for part in (name.han, name.latin):
            if part is None:
                continue
            if not part.core:
                yield "z:" + "+".join((*sorted(part.regions), *sorted(part.trades)))
                yield "z:" + "+".join(sorted(part.trades))
                continue
            for key in organizations.alias_numbers(part.core):
                yield f"a:{key}"
            if part.is_han:
                yield from self._brand(part.core[0])
            else:
                yield from self._trigrams(part.core)
                joined = "".join(part.core)
                yield "j:" + joined
                if len(part.core) > 1:
                    yield from self._trigrams([joined])
                yield from self._consonants(part.core, name.bare)
                if asked or len(part.core) <= 3:
                    yield from self._chinese(part.core, asked)
        if 3 <= len(name.initials) <= 7:
            yield "i:" + name.initials
            yield "i:" + name.initials[:-1]
        if name.latin is not None and len(name.latin.core) == 1 and 3 <= len(name.latin.core[0]) <= 6:
            yield "i:" + name.latin.core[0]

    def _brand(self, brand: str) -> Iterator[str]:
        yield "h:" + brand
        for start in range(len(brand) - 1):
            yield "H:" + brand[start : start + 2]
        spelt = self._romaniser.pinyin(brand)
        yield from self._trigrams([spelt])
        readings = [(self._romaniser.readings(c) or (c,))[:2] for c in brand[:5]]
        yield from _pairs("p:", readings)
        yield from _pairs("c:", [self._cantonese_of(c) for c in brand[:5]])


def _pairs(mark: str, options: list[tuple[str, ...]]) -> Iterator[str]:
    """Keys of every two syllables, in either order, for each way to read them."""
    for one, other in combinations(options, 2):
        for a in one:
            for b in other:
                yield f"{mark}{a}+{b}" if a < b else f"{mark}{b}+{a}"
