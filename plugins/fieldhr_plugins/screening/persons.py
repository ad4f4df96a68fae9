"""Names of people: two writings of one name, or two names?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from fieldhr_plugins.screening.answers import Match, made
from fieldhr_plugins.screening.likeness import ACCEPTED, Words, distance
from fieldhr_plugins.screening.sounds import CANTONESE, PINYIN, SOUTHERN, TONGYONG, WADE, Romaniser
from fieldhr_plugins.screening.tables import Tables
from fieldhr_plugins.screening.text import Folder, skeleton

__all__ = ["PersonName", "Persons"]

_SEPARATED_HAN: Final = re.compile(r"[·•・‧∙⋅.．\-]")
_SPACED_HAN: Final = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_BRACKETED: Final = re.compile(r"[(（\[【]([^()（）\[\]【】]*)[)）\]】]")
#: Ends a patronymic in Latin letters: of whom somebody is the child.
_PATRONYMIC: Final = re.compile(r"(?:ov|ev|yev|[iy])(?:i?ch|na|ich|ych)$|(?:ogly|oglu|kyzy|qizi|uulu)$")
_BRACKETS: Final = re.compile(r"[()\[\]{}<>（）【】《》]")


@attrs.frozen(eq=False, kw_only=True)
class PersonName:
    """A person's name, taken apart.

    Attributes:
        text: the cleaned name in one case.
        han: its Chinese characters, simplified, joined; han_parts: as they were separated.
        words: its Latin words without titles.
        particles: words of these that weigh little.
        suffix: generation (``jr``, ``iii``).
        bare: whether the words come from a script without vowels.
        chinese: the ways to cut each word into syllables, where the words can be a Chinese name.
        others: the name without what stands in brackets, and what stands in them.
    """

    text: str
    han: str
    han_parts: tuple[str, ...]
    words: tuple[str, ...]
    particles: frozenset[str]
    suffix: str
    bare: bool
    chinese: tuple[frozenset[tuple[str, ...]], ...] | None
    others: tuple[PersonName, ...] = ()


class Persons:
    """Compares names of people."""

    def __init__(self, tables: Tables, folder: Folder, romaniser: Romaniser) -> None:
        self._folder = folder
        self._romaniser = romaniser
        own = tables.persons
        self._titles = frozenset(own["titles"].split())
        self._particles = frozenset(own["particles"].split())
        self._suffixes = frozenset(own["suffixes"].split())
        self._han_titles = tuple(own["han_titles"].split())
        self._korean_surnames = groups(own["korean_surnames"])
        self.words = Words(groups(own["variants"]), groups(own["nicknames"]))

    def read(self, name: str) -> PersonName:
        """Take a name apart."""
        whole = self._read(name)
        outside, inside = _BRACKETED.sub(" ", name), " ".join(_BRACKETED.findall(name))
        if not inside or not self._folder.clean(outside):
            return whole
        parts = [self._read(part) for part in (outside, inside)]
        return attrs.evolve(whole, others=tuple(part for part in parts if len(part.han) > 1 or len(part.words) > 1))

    def _read(self, name: str) -> PersonName:
        text = self._folder.clean(name)
        bare_text = _BRACKETS.sub(" ", text)
        runs = self._folder.han_runs(bare_text)
        words = self._folder.words(bare_text)
        together = "".join(runs)
        if all(len(run) == 1 for run in runs) or (len(together) <= 4 and not _SEPARATED_HAN.search(bare_text)):
            runs = [together] if together else []
        for title in self._han_titles:
            if runs and runs[-1].endswith(title) and len(runs[-1]) - len(title) >= 2:
                runs[-1] = runs[-1].removesuffix(title)
        bare = self._folder.without_vowels(text)
        # Without vowels, a name can look like a title.
        kept = words if bare else [word for word in words if word not in self._titles]
        kept = kept if len(kept) > 1 or (kept and len(words) == 1) else words
        suffix = next((word for word in kept if word in self._suffixes and len(kept) > 2), "")
        if suffix:
            kept.remove(suffix)
        kept = _servants(kept[:12])
        particles = frozenset(word for word in kept if word in self._particles and len(kept) > 2)
        return PersonName(
            text=text.casefold(),
            han="".join(runs),
            han_parts=tuple(runs),
            words=tuple(kept),
            particles=particles,
            suffix=suffix,
            bare=bare,
            chinese=self._as_chinese(tuple(kept)),
        )

    def match(self, one: PersonName, other: PersonName) -> Match:
        """Compare two names; the order of the two does not matter."""
        if not one.others and not other.others:
            return self._match(one, other)
        found = [self._match(a, b) for a in (one, *one.others) for b in (other, *other.others)]
        return max(found, key=lambda match: (match.score, match.grounds))

    def _match(self, one: PersonName, other: PersonName) -> Match:
        if not (one.han or one.words) or not (other.han or other.words):
            same = bool(one.text) and one.text == other.text
            return made(1.0 if same else 0.0, ["the same signs" if same else "no name to compare"])
        if one.text == other.text:
            return made(1.0, ["the same name, letter for letter"])
        if one.han and other.han:
            return self._han_to_han(one, other)
        found = []
        if one.words and other.words:
            found.append(self._latin_to_latin(one, other))
        if one.han and other.words:
            found.append(self._han_to_latin(one, other))
        if other.han and one.words:
            found.append(self._han_to_latin(other, one))
        return max(found, key=lambda match: match.score)

    def _han_to_han(self, one: PersonName, other: PersonName) -> Match:
        a, b = one.han, other.han
        if a == b:
            return made(0.99, ["the same characters, once width, spacing and traditional forms are put aside"])
        if len(one.han_parts) > 1 and sorted(one.han_parts) == sorted(other.han_parts):
            return made(0.97, ["the same characters, parts in another order"])
        if len(a) == len(b) and len(a) <= 3 and len(a) > 1 and a[1:] + a[:1] == b and _are_turned(one, other):
            return made(0.9, ["the same characters, given name first"])
        if len(a) == len(b) and self._romaniser.sounds_alike(a, b, person=True):
            return made(0.8, ["other characters that sound the same in Mandarin: only a person can tell"])
        longest = max(len(a), len(b))
        if longest >= 5:
            changed = distance(a, b, 3)
            sounded = distance(self._romaniser.pinyin(a), self._romaniser.pinyin(b), 4)
            share = max(1 - changed / longest, 1 - sounded / max(1, 2.4 * longest))
            if share >= 0.72:
                return made(min(0.93, 0.3 + 0.75 * share), [f"a foreign name in Chinese characters, {share:.0%} alike"])
        same = sum(x == y for x, y in zip(a, b, strict=False))
        if longest - same == 1 and len(a) == len(b) and longest > 2:
            return made(0.6, [f"one of {longest} characters is another"])
        score = 0.6 * same / longest if a[:1] == b[:1] else 0.4 * same / longest
        return made(score, [f"other characters: {same} of {longest} the same"])

    def _han_to_latin(self, han: PersonName, latin: PersonName) -> Match:
        romaniser = self._romaniser
        words = tuple(word for word in latin.words)
        aligned = romaniser.align(han.han, words, person=True)
        if aligned is None and len(han.han_parts) > 1:
            aligned = romaniser.align(han.han, words, person=False)
        if aligned is not None:
            systems = aligned.systems
            given = len(han.han) - len(romaniser.surname_of(han.han))
            if systems & PINYIN:
                score, how = 0.94, "pinyin"
            elif systems & (WADE | TONGYONG):
                score, how = 0.92, "Wade-Giles or Taiwanese spelling"
            elif systems & CANTONESE:
                score, how = 0.91, "Cantonese spelling"
            elif systems & SOUTHERN or len(han.han) > 2:
                score, how = 0.87, "spellings of several systems"
            else:
                score, how = 0.86, "spellings of several systems"
            grounds = [f"the Latin name spells the characters: {how}"]
            if aligned.initials:
                score = min(score, 0.88) - (0.03 if given > aligned.initials else 0.0) - (0.03 if given == 1 else 0.0)
                grounds.append("given names as first letters only")
            if aligned.extra:
                score -= 0.04 * aligned.extra
                grounds.append("with another given name beside them")
            return made(score, grounds)
        if self._mistyped(han.han, words):
            return made(0.87, ["pinyin of the characters with one slip of typing"])
        return made(0.1, ["the Latin name does not spell the characters"])

    def _mistyped(self, han: str, words: tuple[str, ...]) -> bool:
        """One wrong letter in pinyin - only where the wrong word is no pinyin, for otherwise it is another name."""
        if not 2 <= len(han) <= 4 or not words or all(self._romaniser.is_pinyin(word) for word in words):
            return False
        surname = self._romaniser.surname_of(han)
        first = self._romaniser.pinyin(surname, person=True)
        given = self._romaniser.pinyin(han[len(surname) :])
        joined = {"".join(words), "".join(words[1:] + words[:1]), "".join(words[-1:] + words[:-1])}
        return any(
            len(spelt) >= 7 and spelt[0] == written[0] and distance(spelt, written, 1.0) <= 1.0
            for spelt in (first + given, given + first)
            for written in joined
            if written
        )

    def _as_chinese(self, words: tuple[str, ...]) -> tuple[frozenset[tuple[str, ...]], ...] | None:
        """Syllables of each word, where the whole can be a Chinese name in Latin letters; else ``None``."""
        romaniser = self._romaniser
        if not 1 <= len(words) <= 4 or sum(map(len, words)) > 24:
            return None
        if not any(word in romaniser.surname_syllables for word in words) and len(words) > 1:
            return None
        cut = []
        for word in words:
            ways = set(romaniser.cut(word, romaniser.all_spellings, 3 if len(words) == 1 else 2))
            if not ways:
                ways = set(romaniser.cut(word, romaniser.cantonese_of, 2))
            if not ways:
                return None
            cut.append(frozenset(ways))
        return tuple(cut) if len(words) > 1 else None

    def _latin_to_latin(self, one: PersonName, other: PersonName) -> Match:
        found = self._words_to_words(one, other)
        if one.suffix and other.suffix and one.suffix != other.suffix:
            return made(min(found.score - 0.2, 0.69), [*found.grounds, "another generation"])
        return found

    def _words_to_words(self, one: PersonName, other: PersonName) -> Match:
        if "".join(one.words) == "".join(other.words) and len(one.words) == len(other.words):
            return made(0.99, ["the same words, once case, marks and punctuation are put aside"])
        if sorted(one.words) == sorted(other.words):
            return made(0.98, ["the same words in another order"])
        if one.chinese is not None and other.chinese is not None:
            return self._chinese_to_chinese(one, other)
        if one.bare or other.bare:
            return self._bare(one, other)
        aligned = self._aligned(one, other)
        korean = self._korean(one, other) if aligned.score < 0.9 else None
        return aligned if korean is None or korean.score <= aligned.score else korean

    def _chinese_to_chinese(self, one: PersonName, other: PersonName) -> Match:
        """Two Latin spellings of Chinese names: every syllable counts, nothing is a slip of typing."""
        turns_a = _turns(one.words)
        turns_b = _turns(other.words)
        if turns_a & turns_b:
            return made(0.97, ["the same syllables, cut or ordered in another way"])
        loose_a, loose_b = (
            {turn.replace("lyu", "lv").replace("nyu", "nv") for turn in turns} for turns in (turns_a, turns_b)
        )
        flat = {turn.replace("lv", "lu").replace("nv", "nu").replace("lue", "lve") for turn in loose_a} & {
            turn.replace("lv", "lu").replace("nv", "nu").replace("lue", "lve") for turn in loose_b
        }
        if loose_a & loose_b or flat:
            return made(0.93, ["the same syllables, ü written in another way"])
        initials = self._initials(one, other)
        if initials is not None:
            return initials
        for spelt_a, spelt_b in _orders(one.words, other.words):
            kind = self._same_syllables(spelt_a, spelt_b)
            if kind:
                score = {"Wade-Giles": 0.88, "Cantonese": 0.86}.get(kind, 0.85)
                return made(score, [f"the same syllables, one of the two in {kind}"])
        extra = self._extra(one, other) or self._korean(one, other)
        if extra is not None:
            return extra
        same = len(set(one.words) & set(other.words))
        return made(0.5 * same / max(len(one.words), len(other.words)), ["other syllables, as for two Chinese names"])

    def _same_syllables(self, one: str, other: str) -> str:
        romaniser = self._romaniser
        for table, kind in (
            (romaniser.all_spellings, "Wade-Giles"),
            (romaniser.cantonese_of, "Cantonese"),
            (romaniser.mixed, "spellings of several systems"),
        ):
            for first, second in ((one, other), (other, one)):
                if not romaniser.is_pinyin(second):
                    continue
                meant = list(romaniser.cut(second, romaniser.pinyin_spelt, 4))
                for way in romaniser.cut(first, table, 4):
                    for pinyin in meant:
                        if len(way) == len(pinyin) >= (3 if table is romaniser.mixed else 2) and all(
                            _as_v(p) & table[w] for w, p in zip(way, pinyin, strict=True)
                        ):
                            return kind
        return ""

    def _initials(self, one: PersonName, other: PersonName) -> Match | None:
        """``Wang X M`` and ``Wang Xiaoming``."""
        for short, full in ((one, other), (other, one)):
            letters = [word for word in short.words if len(word) == 1]
            rest = [word for word in short.words if len(word) > 1]
            if not letters and len(rest) > 1 and len(rest[-1]) <= 2 and not self._romaniser.is_pinyin(rest[-1]):
                letters, rest = list(rest[-1]), rest[:-1]
            if not letters or not rest or not all(word in full.words for word in rest):
                continue
            given = "".join(word for word in full.words if word not in rest)
            for way in self._romaniser.cut(given, None, 3):
                if [syllable[0] for syllable in way] == letters:
                    return made(0.86, ["the same surname, given names as first letters only"])
        return None

    def _extra(self, one: PersonName, other: PersonName) -> Match | None:
        """``David Wang Xiaoming`` and ``Wang Xiaoming``."""
        a, b = set(one.words), set(other.words)
        small, large = (one, other) if len(a) < len(b) else (other, one)
        if len(small.words) >= 2 and set(small.words) < set(large.words):
            return made(0.88, ["all words of one name are in the other"])
        return None

    def _korean(self, one: PersonName, other: PersonName) -> Match | None:
        """Two Latin spellings of a Korean name: a Korean surname on both sides, and syllables that sound the same."""
        for a in one.words:
            for b in other.words:
                surnames = self._korean_surnames.get(a, _NO_GROUPS) & self._korean_surnames.get(b, _NO_GROUPS)
                if not surnames:
                    continue
                rest_a = "".join(_korean_sound(word) for word in _without(one.words, a))
                rest_b = "".join(_korean_sound(word) for word in _without(other.words, b))
                if rest_a and rest_a == rest_b:
                    return made(0.9, ["one Korean name in two romanisations"])
        return None

    def _bare(self, one: PersonName, other: PersonName) -> Match:
        """One side has no vowels: consonants decide."""
        a = [s for s in (skeleton(word) for word in one.words if word not in self._particles) if s]
        b = [s for s in (skeleton(word) for word in other.words if word not in self._particles) if s]
        if not a or not b:
            return made(0.0, ["no consonants to compare"])
        if sorted(a) == sorted(b) and sum(map(len, a)) >= 4:
            return made(0.92 if len(a) > 1 else 0.86, ["the same consonants; one script writes no vowels"])
        if "".join(a) == "".join(b) and sum(map(len, a)) >= 4:
            return made(0.89, ["the same consonants, cut in another way; one script writes no vowels"])
        joined_a, joined_b = "".join(a), "".join(b)
        longest = max(len(joined_a), len(joined_b))
        cost = distance(joined_a, joined_b, 2.0)
        if longest >= 6 and cost <= 1.0:
            return made(0.86, ["nearly the same consonants; one script writes no vowels"])
        small, large = sorted((a, b), key=len)
        if len(small) >= 2 and _is_within(small, large):
            return made(0.86, ["the consonants of one name are in the other; one script writes no vowels"])
        shared = len(set(a) & set(b))
        return made(0.5 * shared / max(len(a), len(b)), ["other consonants"])

    def _aligned(self, one: PersonName, other: PersonName) -> Match:
        """Pair the words of two names, whatever their order, and add up what differs."""
        a, b = list(one.words), list(other.words)
        pairs, a, b = self._joined_pairs(a, b)
        pairs += self._pairs(a, b)
        used_a = {x for x, _, _ in pairs if x >= 0}
        used_b = {y for _, y, _ in pairs if y >= 0}
        left_a = [w for n, w in enumerate(a) if n not in used_a]
        left_b = [w for n, w in enumerate(b) if n not in used_b]
        initials = self._paired_initials(left_a, left_b)
        grounds = []
        full = [likeness for _, _, likeness in pairs]
        heavy_a = [w for w in left_a if w not in one.particles]
        heavy_b = [w for w in left_b if w not in other.particles]
        matched = len(full)
        size = max(matched + initials + max(len(heavy_a), len(heavy_b)), 1)
        if not matched:
            return made(0.0, ["no word agrees"])
        slack = 0.85 if matched + initials <= 2 else 0.7 if matched + initials == 3 else 0.6
        score = 1.0 - slack * sum(1 - likeness for likeness in full)
        weak = sum(likeness < 1 for likeness in full)
        if weak:
            grounds.append(
                "one word is spelt in another way" if weak == 1 else f"{weak} words are spelt in another way"
            )
        same = matched - weak
        if same:
            grounds.insert(0, "one word is the same" if same == 1 else f"{same} words are the same")
        if initials:
            score -= 0.13 if matched < 2 else 0.03 * initials
            grounds.append("a first letter stands for a name")
        if heavy_a and heavy_b:
            share = (matched + initials) / size
            score = min(score, 0.95) * share - 0.08
            grounds.append("each has a word that the other has not")
        elif heavy_a or heavy_b:
            more = len(heavy_a) or len(heavy_b)
            if matched + initials < 2:
                score = min(score, 0.9) * 0.62
                grounds.append("only one word to go by")
            else:
                extra = heavy_a or heavy_b
                is_patronymic = more == 1 and _PATRONYMIC.search(extra[0]) is not None
                score -= 0.03 if is_patronymic else min(0.05 + 0.03 * (more - 1), 0.2)
                if min(len(one.words), len(other.words)) == 2 and weak and not is_patronymic:
                    score -= 0.03
                grounds.append("one name is longer" if more == 1 else f"one name is {more} words longer")
        elif matched + initials == 1 and weak:
            score -= 0.1
        light = len(left_a) + len(left_b) - len(heavy_a) - len(heavy_b)
        score -= 0.01 * min(light, 3)
        return made(score, grounds)

    def _joined_pairs(self, a: list[str], b: list[str]) -> tuple[list[tuple[int, int, float]], list[str], list[str]]:
        """Words that one side writes as two: ``Abdul Rahman`` and ``Abdulrahman``. They come back joined."""
        for one, other in ((a, b), (b, a)):
            for word in list(other):
                if len(word) < 6 or word in one:
                    continue
                for place in range(len(one) - 1):
                    for span in (2, 3):
                        parts = one[place : place + span]
                        if len(parts) < span or parts[0][0] != word[0] or any(part in other for part in parts):
                            continue
                        joined = "".join(parts)
                        if abs(len(joined) - len(word)) <= 2 and self.words.alike(joined, word) >= 0.88:
                            one[place : place + span] = ["".join(parts)]
                            break
        return [], a, b

    def _pairs(self, a: list[str], b: list[str]) -> list[tuple[int, int, float]]:
        scored = []
        for x, word in enumerate(a):
            for y, against in enumerate(b):
                if (len(word) == 1) != (len(against) == 1):
                    continue
                likeness = self.words.alike(word, against)
                if likeness >= ACCEPTED:
                    scored.append((-likeness, abs(x - y), x, y))
        scored.sort()
        used_a: set[int] = set()
        used_b: set[int] = set()
        pairs = []
        for likeness, _, x, y in scored:
            if x not in used_a and y not in used_b:
                used_a.add(x)
                used_b.add(y)
                pairs.append((x, y, -likeness))
        return pairs

    def _paired_initials(self, left_a: list[str], left_b: list[str]) -> int:
        count = 0
        for one, other in ((left_a, left_b), (left_b, left_a)):
            for letter in [word for word in one if len(word) == 1]:
                full = next((word for word in other if len(word) > 1 and word[0] == letter), None)
                if full is not None:
                    one.remove(letter)
                    other.remove(full)
                    count += 1
        return count


def groups(text: str) -> dict[str, frozenset[int]]:
    """Read lines of words that belong together: word -> numbers of its lines."""
    found: dict[str, set[int]] = {}
    for number, line in enumerate(text.strip().splitlines()):
        for word in line.split():
            found.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


_SERVANT: Final = frozenset(
    {"abd", "abdul", "abdel", "abdal", "abdur", "abdus", "abdun", "abdoul", "abdol", "abdoel", "bd"}
)
_OF: Final = frozenset({"al", "el", "ul", "ur", "ar", "as", "an", "er", "us"})
_SERVANT_JOINED: Final = re.compile(
    r"^abd(?:ou|oe|[aeuo])(?:r(?=r)|s(?=s)|n(?=n)|z(?=z)|l|l-)(?=[^aeiou]|lah|aziz|ahad)"
)


_FAITH: Final = frozenset({"din", "deen", "dine", "ddin", "ddine", "uddin", "eddin", "eddine", "aldin", "eldin"})
_OF_FAITH: Final = frozenset({"al", "el", "ul", "ud", "ad", "ed", "id", "ol"})
_FAITH_JOINED: Final = re.compile(r"^(\w{3,}?)(?:[aeou]l|[aeou]d|[aeou])?d(?:in|een|ine)$")


def _servants(words: list[str]) -> list[str]:
    """Write names with "servant of" or "of the faith" in one way: Abd al-Rahman, Abdurrahman; Siraj al-Din."""
    found: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        if word in _SERVANT and place + 1 < len(words):
            place += 2 if words[place + 1] in _OF and place + 2 < len(words) else 1
            word = "abdul" + words[place]
        elif not word.startswith("abdul"):
            word = _SERVANT_JOINED.sub("abdul", word)
        if place + 1 < len(words) and words[place + 1] in _FAITH:
            place += 1
            word += "uddin"
        elif place + 2 < len(words) and words[place + 1] in _OF_FAITH and words[place + 2] in _FAITH:
            place += 2
            word += "uddin"
        else:
            word = _FAITH_JOINED.sub(r"\1uddin", word)
        found.append(word)
        place += 1
    return found


_KOREAN: Final = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"sh(?=[aeiou])", "s"),
        (r"ch|jj", "j"),
        (r"kk|g(?=[aeiouyw])|^g", "k"),
        (r"tt|d(?=[aeiouyw])", "t"),
        (r"pp|b(?=[aeiouyw])", "p"),
        (r"r(?=[aeiouyw])", "l"),
        (r"(?:eo|eu|ou|oo|o|u)(?=[nmlkrgtp](?![aeiouyw])|ng)", "u"),
        (r"oo|wu|woo", "u"),
        (r"ee|ui", "i"),
        (r"ae", "e"),
    )
)


def _korean_sound(word: str) -> str:
    for pattern, new in _KOREAN:
        word = pattern.sub(new, word)
    return word


_NO_GROUPS: Final[frozenset[int]] = frozenset()


def _without(words: tuple[str, ...], word: str) -> list[str]:
    rest = list(words)
    rest.remove(word)
    return rest


def _are_turned(one: PersonName, other: PersonName) -> bool:
    """Whether one of the two separates surname and given name, so that their order can be another."""
    return len(one.han_parts) > 1 or len(other.han_parts) > 1


def _turns(words: tuple[str, ...]) -> frozenset[str]:
    """Return the words joined, beginning at each of them."""
    return frozenset("".join(words[place:] + words[:place]) for place in range(len(words)))


def _orders(one: tuple[str, ...], other: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    for a in sorted(_turns(one)):
        for b in sorted(_turns(other)):
            yield a, b


_V: Final[Mapping[str, frozenset[str]]] = {
    "lu": frozenset({"lu", "lv"}), "nu": frozenset({"nu", "nv"}), "lyu": frozenset({"lv"}), "nyu": frozenset({"nv"}),
    "lue": frozenset({"lve", "lv"}), "nue": frozenset({"nve", "nv"}),
}  # fmt: skip


def _as_v(syllable: str) -> frozenset[str]:
    return _V.get(syllable) or frozenset({syllable})


def _is_within(small: list[str], large: list[str]) -> bool:
    rest = list(large)
    for item in small:
        if item not in rest:
            return False
        rest.remove(item)
    return True
