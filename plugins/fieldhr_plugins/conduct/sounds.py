"""Phrases by their sound: homophones, pinyin, first letters. Only for the severe categories, and guarded.

A text becomes a row of syllables: one for a Chinese character, one or more for Latin letters that are pinyin, a first
letter for a single one. Syllables are compared without tone and without the differences that many speakers do not make
(zh/z, ch/c, sh/s, and -ng/-n). Because so much sounds alike, a phrase counts only where enough of it is written as it
should be, and never where it cuts an ordinary word.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from fieldhr_plugins.conduct.lexicon import Entry, Lexicon
from fieldhr_plugins.conduct.matcher import RawHit, is_cut
from fieldhr_plugins.conduct.normal import Normaliser

__all__ = ["Sounds"]

_LATIN_RUN: Final = re.compile(r"[a-z]{1,24}(?![a-z])")
_HAN: Final = re.compile(r"[㐀-鿿]")
_CACHED: Final = 4096
#: Right after two characters that only sound like a phrase, these show a given name.
_TITLE: Final = re.compile(r"先生|女士|小姐|太太|老师|经理|主任|行长|处长|局长|院长|同志|医生|律师|总(?![是会能有])")


@attrs.frozen(eq=False)
class _Token:
    """One syllable of a text: its sound, the character if it is one, its place; a first letter has no full sound."""

    sound: str
    character: str
    start: int
    end: int
    is_initial: bool = False


@attrs.frozen(eq=False)
class _Target:
    entry: Entry
    characters: str
    sounds: tuple[str, ...]


class Sounds:
    """Phrases of the severe categories, ready to be sought by sound in normal forms."""

    def __init__(self, lexicon: Lexicon, normaliser: Normaliser) -> None:
        self._sound_of = {character: _blunt(name) for character, name in normaliser.syllable_of.items()}
        self._syllables = frozenset(normaliser.syllable_of.values())
        self._cache: dict[str, tuple[str, ...]] = {}
        chinese = lexicon.languages["zh"]
        scope = {name: [normaliser(item).text for item in items] for name, items in chinese.scope.items()}
        wanted = {*scope.get("short_sounds", ()), *scope.get("long_sounds", ())}
        # By the first letters of the first two syllables: single letters may stand for those.
        self._by_letters: dict[str, list[_Target]] = {}
        self._by_initials: dict[str, _Target] = {}
        written = set(wanted)
        known: dict[str, Entry] = {}
        for entry in chinese.entries:
            if not entry.category.homophones or entry.asks_review:
                continue
            for phrase in entry.phrases:
                if len(phrase) == 1:
                    for word in phrase[0].words:
                        known.setdefault(normaliser(word).text, entry)
        for word in known:
            if len(word) >= 4 or word in wanted:
                written.add(word)
        for word in written:
            entry_of = known.get(word) or _holding(word, known)
            if entry_of is None or not 2 <= len(word) <= 8 or not all(c in self._sound_of for c in word):
                continue
            target = _Target(entry_of, word, tuple(self._sound_of[c] for c in word))
            self._by_letters.setdefault(target.sounds[0][0] + target.sounds[1][0], []).append(target)
        for letters in scope.get("initials", ()):
            for word, entry in known.items():
                if all(c in self._sound_of for c in word) and _letters(word, normaliser) == letters:
                    self._by_initials.setdefault(letters, _Target(entry, word, ()))
        guards = dict.fromkeys([*(normaliser(g).text for g in chinese.guards), *scope.get("sound_guards", ())])
        self._guards: dict[str, list[str]] = {}
        for guard in guards:
            if len(guard) > 1:
                self._guards.setdefault(guard[:2], []).append(guard)

    def find(self, text: str) -> list[RawHit]:
        """Return hits by sound in a normal form; what is written exactly as in the lexicon is left to the matcher."""
        runs = self._runs(text)
        hits: list[RawHit] = []
        guards: list[tuple[int, int]] | None = None
        for run in runs:
            for at in range(len(run) - 1):
                targets = self._by_letters.get(run[at].sound[0] + run[at + 1].sound[0])
                if targets is None:
                    continue
                fitting = [target for target in targets if self._fits(run, at, target)]
                if not fitting:
                    continue
                # Of phrases that sound alike, the one that is written most alike is meant.
                fitting.sort(key=lambda target: (-len(target.characters), -_alike(run, at, target), target.characters))
                for target in fitting[:1]:
                    if guards is None:
                        guards = self._guarded(text)
                    start, end = run[at].start, run[at + len(target.characters) - 1].end
                    if len(target.characters) == 2 and _TITLE.match(text, end):
                        continue
                    if not is_cut(start, end, guards) and not self._holds_word(run, at, target, guards):
                        hits.append(RawHit(target.entry, start, end, target.characters))
        if self._by_initials:
            for found in _LATIN_RUN.finditer(text):
                target_of = self._by_initials.get(found[0])
                if target_of is not None and _stands_alone(text, found.start(), found.end()):
                    hits.append(RawHit(target_of.entry, found.start(), found.end(), target_of.characters))
        return hits

    def _fits(self, run: list[_Token], at: int, target: _Target) -> bool:
        size = len(target.characters)
        if at + size > len(run):
            return False
        same = latin = initials = 0
        for token, character, sound in zip(run[at : at + size], target.characters, target.sounds, strict=True):
            if token.is_initial:
                if token.sound != sound[0]:
                    return False
                initials += 1
            elif token.sound != sound:
                return False
            elif token.character == character:
                same += 1
            elif not token.character:
                latin += 1
        if same == size:
            return False
        if initials:
            return initials * 2 <= size and size >= 3 and same + latin >= 1 and same + latin + initials == size
        if size == 2:
            return same == 1 or latin == 2
        if size == 3:
            return same + latin >= 1
        return same + latin >= 1 or size >= 5

    def _runs(self, text: str) -> list[list[_Token]]:
        """Syllables that follow each other, with nothing but spaces between those of Latin letters."""
        has_han = _HAN.search(text) is not None
        runs: list[list[_Token]] = [[]]
        at = 0
        sound_of = self._sound_of
        while at < len(text):
            character = text[at]
            sound = sound_of.get(character)
            if sound is not None:
                runs[-1].append(_Token(sound, character, at, at + 1))
                at += 1
                continue
            if "a" <= character <= "z":
                found = _LATIN_RUN.match(text, at)
                if found is None:
                    while at < len(text) and "a" <= text[at] <= "z":
                        at += 1
                    runs.append([])
                    continue
                tokens = self._latin(found[0], at, has_han)
                if tokens:
                    runs[-1].extend(tokens)
                else:
                    runs.append([])
                at = found.end()
                continue
            if not (character in " -'_·" and runs[-1]):
                runs.append([])
            at += 1
        return [run for run in runs if len(run) > 1]

    def _latin(self, word: str, start: int, has_han: bool) -> list[_Token]:
        if len(word) == 1:
            return [_Token(word, "", start, start + 1, True)] if has_han else []
        tokens = []
        for syllable in self._split(word):
            tokens.append(_Token(_blunt(syllable), "", start, start + len(syllable)))
            start += len(syllable)
        return tokens

    def _split(self, word: str) -> tuple[str, ...]:
        """Pinyin syllables of a word, as few as can be; none where it is no pinyin."""
        known = self._cache.get(word)
        if known is not None:
            return known
        best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
        for end in range(1, len(word) + 1):
            for size in range(min(6, end), 0, -1):
                before, syllable = best[end - size], word[end - size : end]
                if before is None or syllable not in self._syllables:
                    continue
                current = best[end]
                if current is None or len(before) + 1 < len(current):
                    best[end] = (*before, syllable)
        found = best[-1] or ()
        if len(self._cache) >= _CACHED:
            self._cache.clear()
        self._cache[word] = found
        return found

    def _guarded(self, text: str) -> list[tuple[int, int]]:
        return [
            (at, at + len(guard))
            for at in range(len(text) - 1)
            for guard in self._guards.get(text[at : at + 2], ())
            if text.startswith(guard, at)
        ]

    def _holds_word(self, run: list[_Token], at: int, target: _Target, guards: list[tuple[int, int]]) -> bool:
        """Are the characters that are written otherwise part of an ordinary word? Longer phrases outweigh one."""
        if len(target.characters) > 3:
            return False
        other = [
            token
            for token, character in zip(run[at:], target.characters, strict=False)
            if token.character and token.character != character
        ]
        return any(start <= token.start and token.end <= end for start, end in guards for token in other)


def _alike(run: list[_Token], at: int, target: _Target) -> int:
    return sum(token.character == character for token, character in zip(run[at:], target.characters, strict=False))


def _blunt(syllable: str) -> str:
    """Return a syllable without the differences that many do not make."""
    for sharp, dull in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if syllable.startswith(sharp):
            syllable = dull + syllable[2:]
    if syllable.endswith("ng") and len(syllable) > 2 and syllable[-3] in "aei":
        syllable = syllable[:-1]
    return syllable


def _letters(word: str, normaliser: Normaliser) -> str:
    return "".join(normaliser.syllable_of[character][0] for character in word)


def _holding(word: str, known: dict[str, Entry]) -> Entry | None:
    """Return the entry of a phrase that this one holds or is held by."""
    for other, entry in known.items():
        if len(other) > 1 and (other in word or (word in other and len(word) > 1)):
            return entry
    return None


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum())
