"""The normal form of a text, with a map back: what is compared, and where each of its characters stood.

Width, case, traditional and variant characters, diacritics, zero-width and combining marks, separators and emoji
between characters, spaced-out letters, characters split into their components, and digits in place of letters all
end in one form. Phrases of the lexicon go through the same door, so both sides always agree.

Every step walks the text once; nothing here backtracks.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from importlib.resources import files
from typing import Final

import attrs

__all__ = ["Normal", "Normaliser"]


@attrs.frozen(eq=False)
class Normal:
    """A normal form and where it came from.

    Attributes:
        original: the text as it was given.
        text: the normal form.
        starts, ends: for each character of the normal form, where in *original* what it stands for starts and ends;
            ``None`` where the two texts agree character by character.
        breaks: places in the normal form before which a mark that may end a clause was taken out.
    """

    original: str
    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None
    breaks: frozenset[int] = frozenset()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original for a non-empty span of the normal form."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def place(self, offset: int) -> int:
        """Return the first place of the normal form at or after an offset of the original."""
        if self.starts is None:
            return min(offset, len(self.text))
        found = bisect_right(self.starts, offset - 1)
        return min(found, len(self.text))


# Characters that are written without spaces, so that a space or a mark between two of them says nothing.
_DENSE: Final = "㐀-鿿豈-﫿〇ぁ-ゖァ-ヺー가-힣ก-ฺเ-๎"
# Marks that end a clause or a list item: taken out only inside a run of single characters.
_CLAUSE: Final = ".,;:!?。、；：！？\n\r"

_SOFT_RUN: Final = re.compile(
    rf"(?<=[{_DENSE}%])[^\w{re.escape(_CLAUSE)}\u0e00-\u0e7f]++(?=[{_DENSE}])|(?<=[{_DENSE}])_++(?=[{_DENSE}])"
)
_SINGLES: Final = re.compile(
    rf"(?<![{_DENSE}])[{_DENSE}](?:[{re.escape(_CLAUSE)} ]{{1,3}}[{_DENSE}](?![{_DENSE}])){{2,}}"
    rf"|(?<=[{_DENSE}])\.{{1,3}}(?=[{_DENSE}])"
)
_IN_SINGLES: Final = re.compile(rf"[{re.escape(_CLAUSE)} ]+")
_SPACED_LETTERS: Final = re.compile(r"(?<![a-z0-9@$])[a-z0-9@$](?:[^\w\n,;:!?]{1,3}[a-z0-9@$](?![a-z0-9@$])){2,}")
_BETWEEN_LETTERS: Final = re.compile(r"[^a-z0-9@$]+")
_WORDS_WITH_DIGITS: Final = re.compile(
    r"(?<![a-z0-9@$])(?:[a-z@$][a-z]*+[0-9@$!|](?=[a-z])[a-z0-9@$]*+|[0-9](?=[a-z]{3})[a-z0-9@$]++|[a-z]++[0-9]{1,2}(?![a-z0-9%@$!|]))"
)
_LETTERS_IN_NUMBERS: Final = re.compile(r"(?<=[0-9])[ol]++(?=[0-9%])")
_CUT_WORDS: Final = re.compile(r"(?<![a-z])[a-z]{1,12}(?:[-*._~^+·•=][a-z]{1,12})+(?![a-z])")
_HYPHEN: Final = re.compile(r"(?<=[a-z0-9])-(?=[a-z])")
_EMPHASIS: Final = re.compile(r'[*_"~`]')
_SPARE: Final = re.compile(r'[*_"~`]++(?=[a-z0-9 ])|(?<=[a-z0-9])[*_"~`]++|(?<=[^ ] ) ++(?=[a-z0-9])')
_INVISIBLE_CATEGORIES: Final = frozenset({"Cf", "Cc", "Cs", "Co", "Cn", "Me"})
_LEET: Final = {
    "0": "o",
    "1": "i",
    "3": "e",
    "4": "a",
    "5": "s",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "i",
    "|": "l",
}

# Components that start a split character and hardly ever stand alone.
_HEADS: Final = frozenset("イキ丩丷亠亻刂囗宀廾彳忄扌氵禾糸纟艹讠貝贝車辶釒钅阝雨")

# Marks and letters that unite with the character before them: voiced kana, Korean vowels and finals.
_JOINING: Final = frozenset("\u3099\u309a") | frozenset(map(chr, range(0x1100, 0x1200)))


class _Fold(dict[int, str]):
    """Character to its folded form, filled when a character is first seen: width, case, variants, diacritics."""

    def __init__(self, table: dict[str, str]) -> None:
        super().__init__()
        self.table = table
        self.uneven: set[str] = set()

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = self._fold(character)
        if len(folded) != 1 or folded in _JOINING:
            self.uneven.add(character)
        self[code] = folded
        return folded

    def _fold(self, character: str) -> str:
        if character in self.table:
            return self.table[character]
        if character in "\n\t":
            return character
        if 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF:
            return ""
        if 0x1F1E6 <= ord(character) <= 0x1F1FF:  # regional indicators: letters in flags
            return " "
        parts = unicodedata.normalize("NFKC", character).casefold()
        if character in "\u3099\u309a":
            return character
        out = []
        for part in parts:
            part = self.table.get(part, part)
            if part in "\u3099\u309a":
                out.append(part)
                continue
            if len(part) == 1 and ord(part) >= 0x80 and not 0x0E00 <= ord(part) <= 0x0E7F:
                category = unicodedata.category(part)
                if category in _INVISIBLE_CATEGORIES or (category == "Mn" and not 0x3040 <= ord(part) <= 0x30FF):
                    continue
                if category.startswith("Z"):
                    part = " "
                elif ord(part) < 0x250 or 0x1E00 <= ord(part) <= 0x1FFF or 0x370 <= ord(part) <= 0x52F:
                    base = [c for c in unicodedata.normalize("NFD", part) if unicodedata.category(c) != "Mn"]
                    part = "".join(self.table.get(c, c) for c in base)
            elif len(part) == 1 and part < " ":
                continue
            out.append(part)
        return "".join(out)


class Normaliser:
    """Brings texts into their normal form. Holds tables only; safe to share.

    Args:
        words: Latin words of the lexicon; a word that was cut or written with digits is mended only into one of them.
    """

    def __init__(self, words: Collection[str] = ()) -> None:
        han = json.loads(files(__package__).joinpath("tables/han.json").read_text("utf-8"))
        glyphs = json.loads(files(__package__).joinpath("tables/glyphs.json").read_text("utf-8"))
        table = dict(zip(han["traditional"], han["simplified"], strict=True))
        table.update(glyphs["variants"])
        self._fold = _Fold(table)
        self._words = frozenset(words)
        split: dict[str, str] = glyphs["split"]
        self._split = re.compile("|".join(map(re.escape, sorted(split, key=len, reverse=True))))
        self._split_to = split
        self.syllable_of = {
            character: name for name, characters in han["syllables"].items() for character in characters
        }

    def knowing(self, words: Iterable[str]) -> Normaliser:
        """Return a normaliser that mends into these words too."""
        other = Normaliser.__new__(Normaliser)
        other.__dict__.update(self.__dict__)
        other._words = self._words | frozenset(words)
        return other

    def __call__(self, original: str) -> Normal:
        """Return the normal form of *original*; never raises, whatever the text holds."""
        text = original.translate(self._fold)
        starts: list[int] | None = None
        ends: list[int] | None = None
        if self._fold.uneven and not self._fold.uneven.isdisjoint(original):
            text, starts, ends = self._fold_unevenly(original)
        breaks: set[int] = set()
        steps = (
            self._unite_letters,
            self._squeeze,
            self._unite_singles,
            self._join_components,
            self._mend_words,
            self._plain_spaces,
        )
        for step in steps:
            edits = step(text)
            if edits:
                text, starts, ends, breaks = _apply(text, starts, ends, breaks, edits)
        if "-" in text:
            text = _HYPHEN.sub(" ", text)
        return Normal(original, text, starts, ends, frozenset(breaks))

    def _fold_unevenly(self, original: str) -> tuple[str, list[int], list[int]]:
        out: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        for at, character in enumerate(original):
            folded = self._fold[ord(character)]
            if not folded:
                continue
            if out and folded[0] in _JOINING:
                composed = unicodedata.normalize("NFC", out[-1] + folded[0])
                if len(composed) == 1:
                    out[-1], ends[-1] = composed, at + 1
                    folded = folded[1:]
            for part in folded:
                out.append(part)
                starts.append(at)
                ends.append(at + 1)
        return "".join(out), starts, ends

    def _unite_letters(self, text: str) -> list[tuple[int, int, str]]:
        """Make words of ``r i s k`` and ``g.u.a.r``."""
        edits: list[tuple[int, int, str]] = []
        for run in _SPACED_LETTERS.finditer(text):
            if not any(c.isalpha() for c in run[0]):
                continue
            gaps = list(_BETWEEN_LETTERS.finditer(text, run.start(), run.end()))
            marked = sum(bool(gap[0].strip()) for gap in gaps)
            if 0 < marked * 2 < len(gaps):
                # r i s k - f r e e: spaces part the letters, and the few marks part words.
                edits.extend((gap.start(), gap.end(), " " if gap[0].strip() else "") for gap in gaps)
                continue
            # Where letters are parted by marks or one space, a lone space or a wider one parts words.
            word_gap = " " if marked else None
            for gap in gaps:
                if gap[0] == word_gap or (word_gap is None and len(gap[0]) > 1):
                    continue
                edits.append((gap.start(), gap.end(), ""))
        return edits

    def _squeeze(self, text: str) -> list[tuple[int, int, str]]:
        """Take out marks, spaces and emoji between characters that are written without spaces."""
        return [(gap.start(), gap.end(), "") for gap in _SOFT_RUN.finditer(text)]

    def _unite_singles(self, text: str) -> list[tuple[int, int, str]]:
        """Take out clause marks inside a run of single characters."""
        return [
            (gap.start(), gap.end(), "")
            for run in _SINGLES.finditer(text)
            for gap in _IN_SINGLES.finditer(text, run.start(), run.end())
        ]

    def _join_components(self, text: str) -> list[tuple[int, int, str]]:
        if _HEADS.isdisjoint(text):
            return []
        return [(found.start(), found.end(), self._split_to[found[0]]) for found in self._split.finditer(text)]

    def _mend_words(self, text: str) -> list[tuple[int, int, str]]:
        """Mend digits and signs in place of letters, and words cut by a mark, into words of the lexicon."""
        edits: list[tuple[int, int, str]] = []
        for found in _WORDS_WITH_DIGITS.finditer(text):
            plain = "".join(_LEET.get(c, c) for c in found[0])
            for word in (plain, "".join("l" if c in "1!" else _LEET.get(c, c) for c in found[0])):
                if word in self._words:
                    edits.append((found.start(), found.end(), word))
                    break
        taken = {start for start, _, _ in edits}
        for found in _CUT_WORDS.finditer(text):
            pieces = re.findall(r"[a-z]+", found[0])
            joined = "".join(pieces)
            # Whole words with a hyphen between them are left alone.
            cut = any(piece not in self._words for piece in pieces)
            if cut and joined in self._words and found.start() not in taken:
                edits.append((found.start(), found.end(), joined))
        edits.extend(
            (found.start(), found.end(), "".join("0" if c == "o" else "1" for c in found[0]))
            for found in _LETTERS_IN_NUMBERS.finditer(text)
        )
        edits.sort()
        return [edit for number, edit in enumerate(edits) if number == 0 or edit[0] >= edits[number - 1][1]]

    def _plain_spaces(self, text: str) -> list[tuple[int, int, str]]:
        """Leave one space between Latin words, and no marks of emphasis."""
        if "  " not in text and _EMPHASIS.search(text) is None:
            return []
        return [(found.start(), found.end(), "") for found in _SPARE.finditer(text)]


def _apply(
    text: str,
    starts: list[int] | None,
    ends: list[int] | None,
    breaks: set[int],
    edits: Sequence[tuple[int, int, str]],
) -> tuple[str, list[int], list[int], set[int]]:
    """Replace spans, ascending and apart, and carry the map and the breaks along."""
    old_starts = starts if starts is not None else range(len(text))
    old_ends = ends if ends is not None else range(1, len(text) + 1)
    out: list[str] = []
    new_starts: list[int] = []
    new_ends: list[int] = []
    moved: list[tuple[int, int]] = []
    new_breaks: set[int] = set()
    length = 0
    before = 0
    for start, end, new in edits:
        out.append(text[before:start])
        new_starts.extend(old_starts[before:start])
        new_ends.extend(old_ends[before:start])
        length += start - before
        moved.append((start, length))
        if new:
            out.append(new)
            if len(new) == end - start:
                new_starts.extend(old_starts[start:end])
                new_ends.extend(old_ends[start:end])
            else:
                new_starts.extend([old_starts[start]] * len(new))
                new_ends.extend([old_ends[end - 1]] * len(new))
            length += len(new)
        elif any(c in _CLAUSE for c in text[start:end]):
            new_breaks.add(length)
        before = end
    out.append(text[before:])
    new_starts.extend(old_starts[before:])
    new_ends.extend(old_ends[before:])
    for place in breaks:
        last = bisect_right(moved, (place, len(text) + 1)) - 1
        new_breaks.add(place if last < 0 else place - edits[last][1] + moved[last][1] + len(edits[last][2]))
    return "".join(out), new_starts, new_ends, new_breaks
