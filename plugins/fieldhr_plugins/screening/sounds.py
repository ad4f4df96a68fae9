"""How Chinese characters are written in Latin letters: pinyin, Wade-Giles, Tongyong, Cantonese, southern surnames.

Spellings are made from the readings by rule, so the tables hold readings only. A spelling remembers its systems: a
name whose syllables share one is more likely meant than one that mixes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import permutations
from typing import Final

import attrs

from fieldhr_plugins.screening.tables import Tables

__all__ = ["CANTONESE", "PINYIN", "SOUTHERN", "TONGYONG", "WADE", "Aligned", "Romaniser"]

PINYIN: Final = 1
WADE: Final = 2
TONGYONG: Final = 4
CANTONESE: Final = 8
SOUTHERN: Final = 16
_SYSTEMS: Final = (PINYIN, WADE, TONGYONG, CANTONESE, SOUTHERN)

_INITIALS: Final = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcsyw")
_LONGEST_SYLLABLE: Final = 7


@attrs.frozen(kw_only=True)
class Aligned:
    """How Latin words spell a run of Chinese characters.

    Attributes:
        systems: bits of the systems that spell every syllable; 0 where they are mixed.
        initials: how many characters stand as a first letter only.
        extra: how many words spell nothing (an English given name).
    """

    systems: int
    initials: int
    extra: int


class Romaniser:
    """Spellings of characters, and characters behind spellings."""

    def __init__(self, tables: Tables) -> None:
        self._han = tables.han
        persons = tables.persons
        self._spellings: dict[str, dict[str, int]] = {}
        self._surname_spellings: dict[str, dict[str, int]] = {}
        self._is_pinyin: dict[str, bool] = {}
        self.compound_surnames = frozenset(persons["compound_surnames"].split())
        self._common_surnames = persons["common_surnames"].replace("\n", "")
        self._surname_readings: dict[str, tuple[str, ...]] = {}
        for entry in _entries(persons["surname_readings"]):
            character, *readings = entry.split()
            known = self._surname_readings.get(character, ())
            self._surname_readings[character] = (*known, *(r for r in readings if r not in known))
        self._southern: dict[str, tuple[str, ...]] = {}
        for entry in _entries(persons["surname_spellings"]):
            name, *spellings = entry.split()
            self._southern[name] = (*self._southern.get(name, ()), *spellings)
        self.syllables = frozenset(s for readings in self._han.pinyin.values() for s in readings) - {
            "m",
            "n",
            "ng",
            "hm",
        }

    def readings(self, character: str, *, surname: bool = False) -> tuple[str, ...]:
        """Return pinyin readings without tone (ü as v), the likeliest first; empty where none is known."""
        known = self._han.pinyin.get(character, ())
        if surname:
            own = self._surname_readings.get(character, ())
            return (*own, *(r for r in known if r not in own))
        return known

    def jyutping(self, character: str) -> tuple[str, ...]:
        """Return Cantonese readings without tone, the usual one first; empty where none is known."""
        return self._han.jyutping.get(character, ())

    def spellings(self, character: str, *, surname: bool = False) -> dict[str, int]:
        """Return every Latin spelling of a character with the bits of its systems."""
        cache = self._surname_spellings if surname else self._spellings
        found = cache.get(character)
        if found is None:
            found = {}
            for reading in self.readings(character, surname=surname):
                _add(found, pinyin_spellings(reading), PINYIN)
                _add(found, wade_giles(reading), WADE)
                _add(found, tongyong(reading), TONGYONG)
            for reading in self._han.jyutping.get(character, ()):
                _add(found, cantonese(reading), CANTONESE)
            if surname:
                _add(found, self._southern.get(character, ()), SOUTHERN)
            if character.isascii():
                _add(found, (character.lower(),), sum(_SYSTEMS))
            if len(cache) > 20_000:
                cache.clear()
            cache[character] = found
        return found

    def surname_of(self, han: str) -> str:
        """Return the surname at the beginning of a person's name."""
        return han[:2] if len(han) > 2 and han[:2] in self.compound_surnames else han[:1]

    @cached_property
    def surname_syllables(self) -> frozenset[str]:
        """Every spelling of a surname, in any system."""
        found: set[str] = set()
        for character in self._common_surnames:
            found.update(self.spellings(character, surname=True))
        for compound in self.compound_surnames:
            found.update(self._southern.get(compound, ()))
            found.add("".join(self.readings(c)[0] for c in compound if self.readings(c)))
        return frozenset(found)

    @cached_property
    def all_spellings(self) -> dict[str, frozenset[str]]:
        """Every spelling of a common syllable -> pinyin syllables it can stand for."""
        found: dict[str, set[str]] = {}
        for syllable in self.syllables:
            for spelling in (*pinyin_spellings(syllable), *wade_giles(syllable), *tongyong(syllable)):
                found.setdefault(spelling, set()).add(syllable)
        return {spelling: frozenset(meant) for spelling, meant in found.items()}

    @cached_property
    def cantonese_of(self) -> dict[str, frozenset[str]]:
        """Every Cantonese or southern spelling -> pinyin syllables of characters that are spelt so."""
        found: dict[str, set[str]] = {}
        for character, readings in self._han.jyutping.items():
            syllables = self.readings(character)
            # Rare characters would make everything possible.
            if not syllables or not _is_common(character):
                continue
            for spelling in cantonese(readings[0]):
                found.setdefault(spelling, set()).add(syllables[0])
        for name, spellings in self._southern.items():
            if len(name) == 1:
                for spelling in spellings:
                    found.setdefault(spelling, set()).update(self.readings(name, surname=True)[:1])
        return {spelling: frozenset(meant) for spelling, meant in found.items()}

    @cached_property
    def mixed(self) -> dict[str, frozenset[str]]:
        """Every spelling of any system -> pinyin syllables it can stand for."""
        found = dict(self.cantonese_of)
        for spelling, meant in self.all_spellings.items():
            found[spelling] = found.get(spelling, frozenset()) | meant
        return found

    def is_pinyin(self, word: str) -> bool:
        """Whether a word can be cut into pinyin syllables."""
        found = self._is_pinyin.get(word)
        if found is None:
            if len(self._is_pinyin) > 100_000:
                self._is_pinyin.clear()
            found = self._is_pinyin[word] = any(True for _ in self.cut(word, self.pinyin_spelt))
        return found

    @cached_property
    def pinyin_spelt(self) -> frozenset[str]:
        """Every way to type a pinyin syllable."""
        return frozenset(spelling for syllable in self.syllables for spelling in pinyin_spellings(syllable))

    def cut(self, word: str, syllables: Iterable[str] | None = None, most: int = 4) -> Iterator[tuple[str, ...]]:
        """Yield every way to cut a word into at most *most* syllables."""
        known = syllables if isinstance(syllables, (frozenset, dict)) else self.all_spellings
        if not word or len(word) > most * _LONGEST_SYLLABLE:
            return

        def rest(start: int, parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
            if start == len(word):
                yield parts
            elif len(parts) < most:
                for end in range(min(len(word), start + _LONGEST_SYLLABLE), start, -1):
                    if word[start:end] in known:
                        yield from rest(end, (*parts, word[start:end]))

        yield from rest(0, ())

    def pinyin(self, han: str, *, person: bool = False) -> str:
        """Return the likeliest pinyin of a run of characters, joined; characters without one are left as they are."""
        surname = len(self.surname_of(han)) if person else 0
        return "".join((self.readings(c, surname=place < surname == 1) or (c,))[0] for place, c in enumerate(han))

    def sounds_alike(self, one: str, other: str, *, person: bool = False) -> bool:
        """Whether two runs of characters of one length can be read alike in Mandarin."""
        if len(one) != len(other):
            return False
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            if a == b:
                continue
            surname = person and place == 0
            if not set(self.readings(a, surname=surname)) & set(self.readings(b, surname=surname)):
                return False
        return True

    def align(self, han: str, words: tuple[str, ...], *, person: bool) -> Aligned | None:
        """Say how Latin words spell a name in Chinese characters, in any order of words; ``None`` where they do not.

        Args:
            han: simplified characters.
            words: small Latin letters.
            person: a person: the surname may come first or last, given names may be first letters, an English given
                name may stand beside them.
        """
        if not han or not words or len(han) > 12 or len(words) > 8:
            return None
        best: Aligned | None = None
        surname = len(self.surname_of(han)) if person else 0
        turned = {han: surname}
        if person and len(han) > surname:
            turned[han[surname:] + han[:surname]] = -surname
        orders = permutations(words) if person and len(words) <= 4 else (words,)
        for order in orders:
            for characters, surname_at in turned.items():
                found = self._align(characters, order, surname_at, surname, person)
                if found is not None and (best is None or _rank(found) > _rank(best)):
                    best = found
            if best is not None and not best.extra and not best.initials and best.systems:
                break
        return best

    def _align(
        self, characters: str, words: tuple[str, ...], surname_at: int, surname: int, person: bool
    ) -> Aligned | None:
        size = len(characters)
        spelt = []
        for place, character in enumerate(characters):
            is_surname = surname > 0 and (place < surname if surname_at > 0 else place >= size - surname)
            spelt.append((self.spellings(character, surname=is_surname and surname == 1), is_surname))
        compound = characters[:surname] if surname_at > 0 else characters[size - surname :]
        compound_spellings = self._southern.get(compound, ()) if surname == 2 else ()
        compound_at = 0 if surname_at > 0 else size - surname
        best: Aligned | None = None

        def walk(place: int, word: int, offset: int, systems: int, initials: int, extra: int) -> None:
            nonlocal best
            if best is not None and extra > best.extra:
                return
            if word == len(words):
                if place == size:
                    found = Aligned(systems=systems, initials=initials, extra=extra)
                    if best is None or _rank(found) > _rank(best):
                        best = found
                return
            text = words[word]
            if offset == len(text):
                walk(place, word + 1, 0, systems, initials, extra)
                return
            if offset == 0 and person and extra < 2 and len(text) > 2:
                walk(place, word + 1, 0, systems, initials, extra + 1)
            if place >= size:
                return
            options, is_surname = spelt[place]
            left = len(text) - offset
            for end in range(min(left, _LONGEST_SYLLABLE), 0, -1):
                bits = options.get(text[offset : offset + end])
                if bits is not None:
                    walk(place + 1, word, offset + end, systems & bits, initials, extra)
            if compound_spellings and place == compound_at:
                for spelling in compound_spellings:
                    if text.startswith(spelling, offset):
                        walk(
                            place + 2,
                            word,
                            offset + len(spelling),
                            systems & (CANTONESE | SOUTHERN | PINYIN),
                            initials,
                            extra,
                        )
            if person and not is_surname and len(text) <= 3 and _starts(options, text[offset]):
                walk(place + 1, word, offset + 1, systems, initials + 1, extra)

        walk(0, 0, 0, sum(_SYSTEMS), 0, 0)
        return best


def _starts(options: dict[str, int], letter: str) -> bool:
    return any(spelling[0] == letter and bits & (PINYIN | WADE | CANTONESE) for spelling, bits in options.items())


def _rank(found: Aligned) -> tuple[int, int, int]:
    systems = found.systems
    return (-found.extra - found.initials, 2 if systems & PINYIN else 1 if systems else 0, -found.initials)


def _entries(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from (part for part in line.split("|") if part.strip())


def _add(found: dict[str, int], spellings: Iterable[str], system: int) -> None:
    for spelling in spellings:
        found[spelling] = found.get(spelling, 0) | system


def _is_common(character: str) -> bool:
    """Whether a character is one of the 3,755 of level 1 of GB 2312."""
    try:
        code = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and 0xB0 <= code[0] <= 0xD7


def pinyin_spellings(syllable: str) -> tuple[str, ...]:
    """Return how people type a pinyin syllable: ü as v, u, yu or ue."""
    if "v" not in syllable:
        return (syllable,)
    return tuple(dict.fromkeys(syllable.replace("v", new) for new in ("v", "u", "yu", "ue")))


def _parts(syllable: str) -> tuple[str, str]:
    for initial in _INITIALS:
        if syllable.startswith(initial) and initial not in "yw":
            return initial, syllable[len(initial) :]
    return "", syllable


_WADE_INITIALS: Final = {
    "b": "p", "d": "t", "g": "k", "j": "ch", "q": "ch", "x": "hs", "zh": "ch", "r": "j", "z": "ts", "c": "ts",
}  # fmt: skip
_WADE_WHOLE: Final = {
    "zhi": ("chih",), "chi": ("chih",), "shi": ("shih",), "ri": ("jih",), "zi": ("tzu", "tsu"), "ci": ("tzu", "tsu"),
    "si": ("ssu", "szu", "sze"), "er": ("erh",), "you": ("yu", "you"), "ye": ("yeh",),
    "yan": ("yen",), "yi": ("i", "yi"),
    "yong": ("yung",), "ying": ("ying", "ing"), "yin": ("yin", "in"), "e": ("o", "e"), "yue": ("yueh",),
    "ju": ("chu",), "qu": ("chu",), "xu": ("hsu",),
    "ge": ("ko", "ke"), "ke": ("ko", "ke"), "he": ("ho", "he"), "zhe": ("che",), "yu": ("yu",), "yao": ("yao",),
}  # fmt: skip


def wade_giles(syllable: str) -> tuple[str, ...]:
    """Return a pinyin syllable in Wade-Giles, without the apostrophes that nobody writes."""
    whole = _WADE_WHOLE.get(syllable)
    if whole is not None:
        return whole
    initial, final = _parts(syllable)
    start = _WADE_INITIALS.get(initial, initial)
    if final == "ong":
        final = "ung"
    elif final == "iong":
        final = "iung"
    elif final == "ian":
        final = "ien"
    elif final in ("ie", "ue", "ve"):
        final = {"ie": "ieh", "ue": "ueh", "ve": "ueh"}[final]
    elif final == "ui" and initial in ("g", "k"):
        final = "uei"
    elif final == "uo" and initial not in ("g", "k", "h", "sh"):
        final = "o"
    elif final.startswith("v"):
        final = "u" + final[1:]
    elif final == "e" and initial in ("d", "t", "l", "n", "z", "c", "s", "r"):
        final = "e"
    spelt = [start + final]
    if initial in ("j", "q") and final == "ueh":
        spelt.append(start + "ue")
    if initial == "x":
        spelt.append("sh" + final)
    return tuple(dict.fromkeys(spelt))


_TONGYONG_INITIALS: Final = {"zh": "jh", "q": "c", "x": "s"}
_TONGYONG_WHOLE: Final = {
    "zhi": "jhih", "chi": "chih", "shi": "shih", "ri": "rih", "zi": "zih", "ci": "cih", "si": "sih", "feng": "fong",
    "weng": "wong", "wen": "wun", "ju": "jyu", "qu": "cyu", "xu": "syu", "juan": "jyuan", "quan": "cyuan",
    "xuan": "syuan", "jun": "jyun", "qun": "cyun", "xun": "syun", "jue": "jyue", "que": "cyue", "xue": "syue",
    "lv": "lyu", "nv": "nyu", "xiong": "syong", "qiong": "cyong", "jiong": "jyong",
}  # fmt: skip


def tongyong(syllable: str) -> tuple[str, ...]:
    """Return a pinyin syllable in Tongyong, as Taiwanese papers have it."""
    whole = _TONGYONG_WHOLE.get(syllable)
    if whole is not None:
        return (whole,)
    initial, final = _parts(syllable)
    final = {"iu": "iou", "ui": "uei"}.get(final, final)
    return (_TONGYONG_INITIALS.get(initial, initial) + final,)


_CANTONESE_INITIALS: Final = {
    "b": ("p", "b"), "d": ("t", "d"), "g": ("k", "g"), "gw": ("kw", "gw", "kw"), "kw": ("kw",),
    "z": ("ch", "ts", "j", "z", "tz"), "c": ("ch", "ts", "c"), "s": ("s", "sh"), "j": ("y", "j"), "ng": ("ng", ""),
    "l": ("l",), "n": ("n", "l"),
}  # fmt: skip
_CANTONESE_FINALS: Final = {
    "aa": ("a", "ah", "aa"), "aai": ("ai", "aai"), "aau": ("au", "aau", "ao"),
    "aam": ("am", "aam"), "aan": ("an", "aan"),
    "aang": ("ang", "aang"), "aap": ("ap", "aap"), "aat": ("at", "aat"), "aak": ("ak", "aak"), "au": ("au", "ow"),
    "am": ("am", "um"), "an": ("an", "un"), "ang": ("ang", "ung"), "ap": ("ap", "up"), "at": ("at", "ut"),
    "ak": ("ak", "uk"), "e": ("e", "eh"), "ei": ("ei", "ee", "i", "ay"), "eng": ("eng", "ing"), "ek": ("ek", "ik"),
    "i": ("i", "ee"), "in": ("in",), "ou": ("o", "ou"), "oi": ("oi", "oy"), "u": ("u", "oo"), "un": ("un", "oon"),
    "ui": ("ui",), "oe": ("eu", "oe"), "oeng": ("eung", "eong", "oeng"), "oek": ("euk", "eok", "oek"),
    "eoi": ("ui", "eui", "eoi", "oy"), "eon": ("un", "eun", "eon"), "eot": ("ut", "eut", "eot"),
    "yu": ("yu", "u", "ue", "ee"),
    "yun": ("yuen", "uen", "yun", "un"), "yut": ("yuet", "uet", "yut", "ut"),
}  # fmt: skip
_CANTONESE_WHOLE: Final = {
    "zi": ("chi", "tsz", "tze", "tsi", "ji", "zi"), "ci": ("chi", "tsz", "tze", "chee", "ci"),
    "si": ("si", "sze", "see", "shi", "sz"), "ng": ("ng", "eng", "m"), "m": ("m", "ng"),
    "ji": ("yi", "yee", "ji", "ye"), "jyu": ("yu", "yue", "jyu", "ue"), "jyun": ("yuen", "yun", "jyun"),
    "jyut": ("yuet", "yut", "jyut"), "zoeng": ("cheung", "cheong", "tseung", "zoeng", "jeung"),
    "jan": ("yan", "yun", "jan"), "wu": ("wu", "woo"), "fu": ("fu", "foo"), "wing": ("wing",), "ming": ("ming",),
    "zyu": ("chu", "jyu", "chue", "gee", "zyu"), "syu": ("shu", "sue", "syu", "shue"),
    "cyu": ("chu", "chue", "cyu", "tsu"),
}  # fmt: skip


def cantonese(reading: str) -> tuple[str, ...]:
    """Return a Jyutping syllable as it stands in Hong Kong papers, in Yale and in Jyutping itself."""
    whole = _CANTONESE_WHOLE.get(reading)
    if whole is not None:
        return whole
    initial = next(
        (i for i in ("ng", "gw", "kw", *"bpmfdtnlgkhwzcsj") if reading.startswith(i) and len(reading) > len(i)), ""
    )
    final = reading[len(initial) :]
    starts = _CANTONESE_INITIALS.get(initial, (initial,))
    finals = _CANTONESE_FINALS.get(final, (final,))
    if initial == "j" and final.startswith(("i", "yu")):
        # y before i is written once: jing is Ying, not Yying.
        finals = tuple(f.removeprefix("y") if f.startswith("y") else f for f in finals)
    return tuple(dict.fromkeys([reading, *(start + end for start in starts for end in finals)]))
