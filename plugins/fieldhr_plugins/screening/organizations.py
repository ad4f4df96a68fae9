"""Names of organizations: region, brand, trade and legal form are told apart, for they weigh differently.

Two firms of one city and one trade share most of their names and nothing else; one firm with and without its city is
one firm. So the brand decides, trade and region can contradict, and legal forms say almost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from fieldhr_plugins.screening.answers import Match, made
from fieldhr_plugins.screening.likeness import ACCEPTED, Words, distance
from fieldhr_plugins.screening.sounds import CANTONESE, PINYIN, TONGYONG, WADE, Romaniser
from fieldhr_plugins.screening.tables import Tables
from fieldhr_plugins.screening.text import HAN, Folder, skeleton

__all__ = ["OrganizationName", "Organizations"]

_NO_NAME: Final = re.compile(r"[\s·•・.,，。、;:：；'\"“”‘’《》<>/\\|_\-—–*&＆+!?！？]+")
_BRACKETED: Final = re.compile(r"[(\[【{〔]([^()\[\]【】{}〔〕]*)[)\]】}〕]")
_AMPERSAND: Final = re.compile(r"\s*[&＆+]\s*")
#: Consonants of "company" and "establishment" in Arabic.
_BARE_FORMS: Final = frozenset({"šrk", "šrkt", "mss", "mwsst", "msst", "ltjr", "tjr"})
#: What pinyin has and other languages hardly do.
_CHINESE_LOOK: Final = re.compile(r"^x|zh|^q(?!u[aeio])|[iu]ang|iao|iong|[zcs]hu[ai]")
_DIGITS: Final = re.compile(r"\d+")
_KANA: Final = re.compile(r"[ぁ-ヺ]")
_HAN_DIGITS: Final = dict(zip("一二三四五六七八九十", map(str, range(1, 11)), strict=True))
_ORDINALS: Final = {
    "first": "1", "1st": "1", "second": "2", "2nd": "2", "third": "3", "3rd": "3", "fourth": "4", "4th": "4",
    "fifth": "5", "5th": "5", "sixth": "6", "seventh": "7", "eighth": "8", "ninth": "9", "tenth": "10", "ii": "2",
    "iii": "3", "iv": "4",
}  # fmt: skip


@attrs.frozen(eq=False, kw_only=True)
class _Part:
    """One writing of a firm's name, Chinese or Latin, taken apart.

    Attributes:
        core: the brand: Chinese characters joined, or Latin words; spelt: the same with articles and the like.
        regions: codes of places; outer: codes of what they lie in.
        trades: codes in order; forms: codes of legal forms; is_group: holding or group.
        branch: what follows the firm's own name, where it is a branch.
        numbers: numbers in the name.
        joined: everything but legal forms and articles, without spaces.
    """

    is_han: bool
    core: tuple[str, ...]
    spelt: tuple[str, ...]
    regions: frozenset[str]
    outer: frozenset[str]
    trades: tuple[str, ...]
    forms: frozenset[str]
    is_group: bool
    branch: str
    numbers: tuple[str, ...]
    joined: str


@attrs.frozen(eq=False, kw_only=True)
class OrganizationName:
    """An organization's name: its Chinese and its Latin writing, as far as it has them."""

    text: str
    han: _Part | None
    latin: _Part | None
    bare: bool
    initials: str


class Organizations:
    """Compares names of organizations."""

    def __init__(self, tables: Tables, folder: Folder, romaniser: Romaniser, words: Words) -> None:
        self._folder = folder
        self._romaniser = romaniser
        own = tables.organizations
        self._read_forms(own)
        self._read_trades(own)
        self._read_regions(own)
        self._forms_written = [tuple(pair.split("=")) for pair in own["forms_written"].split()]
        self._abbreviations = dict(pair.split("=") for pair in own["abbreviations"].split())
        self._small = frozenset(own["small_words"].split())
        self._light = frozenset(own["light_trades"].split())
        self._aliases = self._read_aliases(tables)
        self.words = words

    # --- reading -------------------------------------------------------------------------------------------------

    def read(self, name: str) -> OrganizationName:
        """Take a name apart."""
        text = self._folder.clean(name)
        for written, form in self._forms_written:
            text = text.replace(written, f" {form} ")
        status = _BRACKETED.sub(lambda found: "" if self._is_status(found[1]) else found[0], text)
        has_han = HAN.search(status) is not None
        outside = _BRACKETED.sub(" ", status)
        inside = " ".join(_BRACKETED.findall(status))
        latin_text = status
        han_text = status
        if has_han:
            # "华盛科技 (Huasheng Technology)": each script for itself.
            latin_text = " ".join(
                piece for piece in re.split(r"[\u3400-\u9fff（）()【】\[\]]+", status) if len(piece.strip()) > 1
            )
            if HAN.search(outside) is None:
                han_text = inside
        han = self._read_han(han_text) if has_han else None
        words = self._folder.words(latin_text)
        latin = self._read_latin(words) if words and (not has_han or sum(map(len, words)) > 3) else None
        if han is not None and latin is not None and len(latin.core) and any(c.isascii() for c in "".join(han.core)):
            latin = None if not latin.trades and not latin.forms and len(latin.core) == 1 else latin
        initials = "".join(w[0] for w in words if w not in self._small and w not in self._forms_latin)
        return OrganizationName(
            text=_NO_NAME.sub("", self._folder.simplified(text).casefold()),
            han=han,
            latin=latin,
            bare=self._folder.without_vowels(text),
            initials=initials,
        )

    def _read_han(self, text: str) -> _Part:
        simple = self._folder.simplified(text).casefold()
        branch = ""
        bracketed = [part for part in _BRACKETED.findall(simple) if part]
        partnership = any("合伙" in part for part in bracketed)
        regions: list[str] = []
        rest = _BRACKETED.sub("", simple)
        for part in bracketed:
            found, left = self._take_regions(_NO_NAME.sub("", part))
            if found and not left:
                regions += found
            elif "合伙" not in part and not self._is_status(part):
                rest += _NO_NAME.sub("", part) if HAN.search(part) else ""
        rest = _NO_NAME.sub("", rest)
        for suffix in self._branch_han:
            at = rest.find(suffix)
            if at > 0 and rest.endswith(suffix):
                cut = max(
                    (rest.rfind(form, 0, at) + len(form) for form in ("公司", "银行", "信用社") if form in rest[:at]),
                    default=0,
                )
                if cut > 2 and cut < at + 1:
                    branch, rest = rest[cut:], rest[:cut]
                break
        forms: set[str] = {"partnership"} if partnership else set()
        is_group = False
        again = True
        while again:
            again = False
            for form, code in self._forms_han:
                if rest.endswith(form) and len(rest) - len(form) >= 2:
                    rest, again = rest.removesuffix(form), True
                    forms.add(code)
                    break
                if rest.startswith(form) and len(form) > 3 and len(rest) - len(form) >= 2:
                    # Japanese firms put theirs in front.
                    rest, again = rest.removeprefix(form), True
                    forms.add(code)
                    break
            for word in self._group_han:
                if rest.endswith(word) and len(rest) - len(word) >= 2:
                    rest, again, is_group = rest.removesuffix(word), True, True
                    break
        found, rest = self._take_regions(rest)
        regions = found + regions
        head = rest
        trades: list[str] = []
        again = True
        while again and head:
            again = False
            for word, code in self._trades_han:
                if head.endswith(word):
                    head, again = head.removesuffix(word), True
                    trades.insert(0, code)
                    break
            if not again:
                for word in self._group_han:
                    if head.endswith(word) and len(head) > len(word):
                        head, again, is_group = head.removesuffix(word), True, True
                        break
        if len(head) > 2:
            # Trades in front of a brand of the middle: 投资 in 创业投资华盛 stays a part of it; a region inside goes.
            for region in sorted(self._regions_han, key=len, reverse=True):
                if head.endswith(region) and len(head) - len(region) >= 2 and not regions:
                    head = head.removesuffix(region)
                    regions.append(self._regions_han[region])
                    break
        numbers = tuple(_DIGITS.findall(rest)) + tuple(
            _HAN_DIGITS[digit] for digit in re.findall(r"第([一二三四五六七八九十])", rest)
        )
        return _Part(
            is_han=True,
            core=(head,) if head else (),
            spelt=(head,) if head else (),
            regions=frozenset(regions),
            outer=frozenset(self._outer.get(region, "") for region in regions) - {""},
            trades=tuple(trades),
            forms=frozenset(forms),
            is_group=is_group,
            branch=branch,
            numbers=numbers,
            joined=rest,
        )

    def _take_regions(self, text: str) -> tuple[list[str], str]:
        """Cut names of places from the beginning of a text, as long as something is left that can be a name."""
        found: list[str] = []
        while True:
            for size in range(min(6, len(text)), 1, -1):
                code = self._regions_han.get(text[:size])
                if code is None:
                    continue
                rest = text[size:]
                for suffix in self._region_suffixes:
                    if rest.startswith(suffix):
                        rest = rest.removeprefix(suffix)
                        break
                found.append(code)
                text = rest
                break
            else:
                unknown = re.match(r"([\u4e00-\u9fff]{2,3})(?:市|县|区|镇)(?=[\u4e00-\u9fff]{3})", text)
                if unknown is None:
                    return found, text
                found.append(unknown[1])
                text = text[unknown.end() :]

    def _is_status(self, text: str) -> bool:
        return text.strip() in self._status

    def _read_latin(self, words: list[str]) -> _Part:
        text = " ".join(self._abbreviations.get(word, word) for word in _letters_joined(words))
        padded = f" {text} "
        for phrase, form in self._forms_phrases:
            if phrase in padded:
                padded = padded.replace(phrase, f" {form} ")
        regions: list[str] = []
        for phrase, code in self._regions_phrases:
            if phrase in padded:
                padded = padded.replace(phrase, " ")
                regions.append(code)
        for phrase, word in self._trade_phrases:
            if phrase in padded:
                padded = padded.replace(phrase, f" {word} ")
        core: list[str] = []
        spelt: list[str] = []
        trades: list[str] = []
        forms: set[str] = set()
        numbers: list[str] = []
        is_group, branch = False, ""
        rest = padded.split()[:24]
        for place, word in enumerate(rest):
            if word in self._small and not (len(word) == 1 and len(rest) < 4):
                spelt.append(word)
                continue
            if word in self._forms_latin and (place > 0 or len(rest) > 1):
                forms.add(self._forms_latin[word])
            elif word in self._group_latin:
                is_group = True
            elif word in self._branch_latin:
                branch = "branch"
            elif word in self._regions_latin:
                regions.append(self._regions_latin[word])
            elif word in self._trades_latin:
                trades.append(self._trades_latin[word])
            elif word in _ORDINALS or word.isdigit():
                numbers.append(_ORDINALS.get(word, word.lstrip("0") or "0"))
            else:
                core.append(word)
                spelt.append(word)
        return _Part(
            is_han=False,
            core=tuple(core),
            spelt=tuple(spelt),
            regions=frozenset(regions),
            outer=frozenset(self._outer.get(region, "") for region in regions) - {""},
            trades=tuple(trades),
            forms=frozenset(forms),
            is_group=is_group,
            branch=branch,
            numbers=tuple(numbers),
            joined="".join(w for w in _letters_joined(words) if w not in self._small and w not in self._forms_latin),
        )

    # --- comparing -----------------------------------------------------------------------------------------------

    def match(self, one: OrganizationName, other: OrganizationName) -> Match:
        """Compare two names; the order of the two does not matter."""
        if one.text and one.text == other.text:
            return made(1.0, ["the same name, once width, case and punctuation are put aside"])
        if not (one.han or one.latin) or not (other.han or other.latin):
            return made(0.0, ["no name to compare"])
        if one.han and other.han:
            han = self._with_frame(one.han, other.han, *self._han_cores(one.han, other.han))
            if one.latin is None or other.latin is None:
                return han
            latin = self._latin(one, other)
            # Kana and characters make one name together; two writings of a name stand for each other.
            choose = min if _KANA.search(one.text) and _KANA.search(other.text) else max
            return choose(han, latin, key=lambda match: match.score)
        found = []
        if one.latin and other.latin:
            found.append(self._latin(one, other))
        for a, b in ((one, other), (other, one)):
            if a.han and b.latin and not (a.latin and b.han):
                found.append(self._with_frame(a.han, b.latin, *self._translated(a.han, b.latin)))
        if not found:
            return made(0.0, ["no name to compare"])
        return max(found, key=lambda match: match.score)

    def _han_cores(self, one: _Part, other: _Part) -> tuple[float, str]:
        if not one.core or not other.core:
            return self._without_brand(one, other)
        a, b = one.core[0], other.core[0]
        if a == b:
            return 1.0, "the same brand"
        if self._known_alias(a, b):
            return 0.93, "brands that the table of aliases names as one"
        if len(a) == len(b) and self._romaniser.sounds_alike(a, b):
            all_same = one.regions == other.regions and one.trades == other.trades and bool(one.trades)
            return (0.78 if all_same else 0.62), "brands of other characters that sound the same"
        longest = max(len(a), len(b))
        changed = distance(a, b, 2.0)
        if longest >= 4 and changed <= 1.0:
            return 0.87 if longest > 4 else 0.8, "brands that differ in one character of several"
        same = sum(x == y for x, y in zip(a, b, strict=False))
        return 0.35 * same / longest, "other brands" if not same else "brands that share a character only"

    def _without_brand(self, one: _Part, other: _Part) -> tuple[float, str]:
        """Names made of region and trade alone (a state bank): the whole must agree."""
        if one.core or other.core:
            return 0.25, "only one of the two has a brand"
        if sorted(one.trades) == sorted(other.trades) and one.trades:
            if one.regions == other.regions:
                return 1.0, "the same region and trade, and no brand in either"
            if (not one.regions or not other.regions) and len(one.trades) > 1:
                return 0.92, "the same trades, and no brand in either"
            return 0.3, "the same trade elsewhere, and no brand in either"
        if not one.trades and not other.trades and one.regions and one.regions == other.regions:
            return 0.9, "the same region, and nothing else in either"
        return 0.3, "another trade, and no brand in either"

    def _translated(self, han: _Part, latin: _Part) -> tuple[float, str]:
        """Compare a Chinese brand and a Latin one: spelt out, or translated."""
        if not han.core or not latin.core:
            return self._without_brand(han, latin)
        brand, words = han.core[0], latin.core
        joined = "".join(words)
        if self._known_alias(brand, joined) or self._known_alias(brand, " ".join(words)):
            return 0.95, "brands that the table of aliases names as one"
        if brand.isascii():
            return self._word_cores((brand,), words)
        aligned = self._romaniser.align(brand, words, person=False)
        if aligned is None and words != latin.spelt:
            # De, La, Di and Du are articles elsewhere, and syllables here.
            aligned = self._romaniser.align(brand, latin.spelt, person=False)
        if aligned is not None:
            if aligned.systems & PINYIN:
                return 0.95, "the Latin brand spells the Chinese one: pinyin"
            if aligned.systems & (WADE | TONGYONG):
                return 0.9, "the Latin brand spells the Chinese one: Wade-Giles or Taiwanese spelling"
            if aligned.systems & CANTONESE:
                return 0.91, "the Latin brand spells the Chinese one: Cantonese spelling"
            return 0.8, "the Latin brand spells the Chinese one, in spellings of several systems"
        # Words that one side counts among the trades: 科技 stands in the brand, Technology among the trades.
        spelt = self._romaniser.pinyin(brand)
        if len(spelt) >= 7 and not self._romaniser.is_pinyin(joined) and distance(spelt, joined, 1.0) <= 1.0:
            return 0.87, "pinyin of the brand with one slip of typing"
        english = self._alias_in(brand, words)
        if english:
            return english, "the Latin brand translates the Chinese one"
        return self._spelt_in_part(brand, words)

    def _spelt_in_part(self, brand: str, words: Sequence[str]) -> tuple[float, str]:
        """Compare how two brands begin: what follows may be a trade that no table knows, in both languages."""
        for size in range(len(brand) - 1, 1, -1):
            for count in range(len(words), 0, -1):
                front = tuple(words[:count])
                alias = self._known_alias(brand[:size], "".join(front))
                aligned = None if alias else self._romaniser.align(brand[:size], front, person=False)
                if alias or (aligned is not None and aligned.systems):
                    if count < len(words) and len(brand) - size >= 2:
                        return 0.9, "the Latin brand begins as the Chinese one; both go on"
                    return 0.74, "the Latin brand begins as the Chinese one; only one of them goes on"
        return 0.1, "the Latin brand does not spell the Chinese one"

    def _latin(self, one: OrganizationName, other: OrganizationName) -> Match:
        assert one.latin
        assert other.latin
        a, b = one.latin, other.latin
        if one.bare != other.bare:
            return self._bare(a, b)
        if a.joined and a.joined == b.joined:
            return self._with_frame(a, a, 0.97, "the same words, cut in another way")
        if a.core and b.core:
            chinese = bool(a.regions & self._chinese) and bool(b.regions & self._chinese)
            best = self._with_frame(a, b, *self._word_cores(a.core, b.core, chinese=chinese))
        else:
            best = self._with_frame(a, b, *self._without_brand(a, b))
        acronym = self._acronym(one, other)
        return acronym if acronym is not None and acronym.score > best.score else best

    def _acronym(self, one: OrganizationName, other: OrganizationName) -> Match | None:
        for short, full in ((one, other), (other, one)):
            part = short.latin
            if part is None or len(part.core) != 1 or part.trades or not 3 <= len(part.core[0]) <= 6:
                continue
            if (
                len(full.initials) >= 3
                and full.initials.startswith(part.core[0])
                and len(full.initials) - len(part.core[0]) <= 1
            ):
                return made(0.86, ["one name is the first letters of the other"])
        return None

    def _bare(self, a: _Part, b: _Part) -> Match:
        one = sorted({bone for bone in map(skeleton, a.core) if len(bone) > 1} - _BARE_FORMS)
        other = sorted({bone for bone in map(skeleton, b.core) if len(bone) > 1} - _BARE_FORMS)
        if one and one == other and sum(map(len, one)) >= 4:
            return made(0.88, ["the same consonants; one script writes no vowels"])
        shared = set(one) & set(other)
        share = len(shared) / max(len(one), len(other), 1)
        return made(0.6 * share, ["other consonants" if share < 1 else "few consonants to go by"])

    def _word_cores(self, one: Sequence[str], other: Sequence[str], *, chinese: bool = False) -> tuple[float, str]:
        """Two brands of Latin words."""
        if tuple(one) == tuple(other):
            return 1.0, "the same brand"
        a, b = "".join(one), "".join(other)
        if a == b:
            return 0.97, "the same brand, cut in another way"
        if sorted(one) == sorted(other):
            return 0.95, "the same brand, words in another order"
        if self._known_alias(a, b) or self._known_alias(" ".join(one), " ".join(other)):
            return 0.93, "brands that the table of aliases names as one"
        left_a, left_b = list(one), list(other)
        likenesses = []
        scored = sorted(
            (-self._word_likeness(x, y, chinese=chinese), abs(i - j), x, y)
            for i, x in enumerate(one)
            for j, y in enumerate(other)
        )
        for likeness, _, x, y in scored:
            if -likeness >= ACCEPTED and x in left_a and y in left_b:
                left_a.remove(x)
                left_b.remove(y)
                likenesses.append(-likeness)
        if left_a and left_b:
            joined = self._word_likeness("".join(left_a), "".join(left_b), chinese=chinese)
            if joined >= 0.9:
                likenesses.append(joined)
                left_a, left_b = [], []
        slack = sum(1 - likeness for likeness in likenesses)
        if not left_a and not left_b:
            return 1.0 - 0.9 * slack, "brands that are spelt in another way"
        matched = len(likenesses)
        if not matched:
            whole = self._word_likeness(a, b, chinese=chinese) if min(len(a), len(b)) >= 7 else 0.0
            return (whole, "brands that are spelt in another way") if whole >= 0.85 else (0.0, "other brands")
        if left_a and left_b:
            return 0.75 * matched / (matched + max(len(left_a), len(left_b))), "brands that share some words only"
        more = len(left_a) + len(left_b)
        if matched >= 2:
            return 0.9 - slack - 0.08 * (more - 1), "one brand has more words"
        return 0.67 - slack - 0.1 * (more - 1), "one brand has more words, and one word to go by"

    def _word_likeness(self, one: str, other: str, *, chinese: bool = False) -> float:
        likely = chinese or (_CHINESE_LOOK.search(one) is not None and _CHINESE_LOOK.search(other) is not None)
        if one != other and likely and self._romaniser.is_pinyin(one) and self._romaniser.is_pinyin(other):
            # Brands in pinyin: another syllable is another brand.
            return 0.0
        return self.words.alike(one, other)

    def _with_frame(self, one: _Part, other: _Part, core: float, ground: str) -> Match:
        """Bring region, trade, legal form, branch and numbers into the likeness of two brands."""
        score, grounds = core, [ground]
        if core < 0.5:
            return made(core, grounds)
        mixed = one.is_han != other.is_han
        branded = bool(one.core and other.core)
        if sorted(one.numbers) != sorted(other.numbers) and not mixed:
            if one.numbers and other.numbers:
                return made(min(score, 0.5), [*grounds, "other numbers"])
            score -= 0.15
            grounds.append("a number in one of the two")
        if branded:
            if one.regions and other.regions and not self._regions_agree(one, other):
                score -= 0.35
                grounds.append("other regions")
            elif one.regions != other.regions:
                score -= 0.04
                grounds.append(
                    "a region in one of the two"
                    if not (one.regions and other.regions)
                    else "one region lies in the other"
                )
            score -= self._trade_cost(one, other, grounds, mixed)
        if one.is_group != other.is_group:
            score -= 0.03
            grounds.append("group or holding in one of the two")
        if one.forms != other.forms:
            score -= 0.02 if mixed or not (one.forms and other.forms) else 0.03
            grounds.append("another legal form" if one.forms and other.forms else "a legal form in one of the two")
        if one.branch != other.branch:
            score -= 0.35 if one.branch and other.branch and not mixed else 0.12
            grounds.append("other branches" if one.branch and other.branch else "a branch of the other")
        return made(score, grounds)

    def _trade_cost(self, one: _Part, other: _Part, grounds: list[str], mixed: bool) -> float:
        a, b = set(one.trades), set(other.trades)
        if a == b:
            return 0.0
        only_a, only_b = a - b, b - a
        heavy_a, heavy_b = only_a - self._light, only_b - self._light
        if not a or not b:
            alone = a or b
            grounds.append("a trade in one of the two")
            brand = max(len("".join(one.core)), len("".join(other.core)))
            short = brand <= (2 if one.is_han else 5)
            return (0.1 if alone <= self._light else 0.16) - (0.0 if short else 0.06)
        if only_a and only_b:
            grounds.append("other trades")
            if a & b and not (heavy_a and heavy_b):
                return 0.12
            if mixed and a & b:
                return 0.1
            return 0.32
        grounds.append("one of the two names more trades")
        extra = heavy_a or heavy_b
        return (0.05 if not extra else 0.14 if not mixed else 0.07) + 0.02 * (len(only_a | only_b) - 1)

    def _regions_agree(self, one: _Part, other: _Part) -> bool:
        a, b = one.regions, other.regions
        china = {"china"}
        a, b = a - china or a, b - china or b
        if a & b or a & other.outer or b & one.outer:
            # A city of one must not be another city of the same province.
            cities_a, cities_b = {c for c in a if c in self._outer}, {c for c in b if c in self._outer}
            return not (cities_a and cities_b and not cities_a & cities_b)
        return "china" in one.regions or "china" in other.regions

    # --- tables --------------------------------------------------------------------------------------------------

    def _read_forms(self, own: Mapping[str, str]) -> None:
        pairs = []
        for code, _, words in (line.partition("=") for line in own["forms_han"].strip().splitlines()):
            pairs += [(self._folder.simplified(word), code) for word in words.split()]
        self._forms_han = sorted(pairs, key=lambda pair: -len(pair[0]))
        self._status = frozenset(own["status_han"].split())
        self._group_han = sorted(own["group_han"].split(), key=len, reverse=True)
        self._group_latin = frozenset(own["group_latin"].split())
        self._branch_han = sorted(own["branch_han"].split(), key=len, reverse=True)
        self._branch_latin = frozenset(own["branch_latin"].split())
        self._forms_latin: dict[str, str] = {}
        for code, _, words in (line.partition("=") for line in own["forms_latin"].strip().splitlines()):
            for word in words.split():
                self._forms_latin.setdefault(word, code)
        phrases = (entry.split("=") for line in own["forms_phrases"].strip().splitlines() for entry in line.split("|"))
        self._forms_phrases = sorted(((f" {phrase} ", form) for phrase, form in phrases), key=lambda p: -len(p[0]))

    def _read_trades(self, own: Mapping[str, str]) -> None:
        han, self._trades_latin = [], dict[str, str]()
        for code, _, both in (line.partition("=") for line in own["trades"].strip().splitlines()):
            chinese, _, latin = both.partition("/")
            han += [(word, code) for word in chinese.split()]
            self._trades_latin |= dict.fromkeys(latin.split(), code)
        self._trades_han = sorted(han, key=lambda pair: -len(pair[0]))
        phrases = (e.split("=") for line in own["trade_phrases"].strip().splitlines() for e in line.split("|"))
        self._trade_phrases = sorted(((f" {phrase} ", f"{word}") for phrase, word in phrases), key=lambda p: -len(p[0]))
        self._trades_latin["importexport"] = "import_export"

    def _read_regions(self, own: Mapping[str, str]) -> None:
        self._regions_han: dict[str, str] = {}
        self._regions_latin: dict[str, str] = {}
        phrases: list[tuple[str, str]] = []
        self._outer: dict[str, str] = {}
        chinese: set[str] = set()

        def add(entry: str, outer: str) -> str:
            han, _, latin = entry.partition("=")
            names = [name.replace("_", " ") for name in latin.split(",") if name] or [self._romaniser.pinyin(han)]
            code = "".join(self._folder.words(names[0]))
            self._regions_han[han] = code
            for name in names:
                words = " ".join(self._folder.words(name))
                if " " in words:
                    phrases.append((f" {words} ", code))
                    self._regions_latin.setdefault(words.replace(" ", ""), code)
                elif words not in self._trades_latin:
                    self._regions_latin.setdefault(words, code)
            if outer:
                self._outer[code] = outer
            return code

        for line in own["regions"].strip().splitlines():
            head, _, cities = line.partition(":")
            province = add(head, "")
            for city in cities.split():
                add(city, province)
            if "china" not in chinese:
                chinese.update((province, *(code for code, outer in self._outer.items() if outer == province)))
        # The table lists China's provinces first, then China, then other countries.
        self._chinese = frozenset(chinese)
        phrases.append((" xi an ", "xian"))
        self._regions_phrases = sorted(phrases, key=lambda pair: -len(pair[0]))
        self._region_suffixes = sorted(own["region_suffixes"].split(), key=len, reverse=True)

    def _read_aliases(self, tables: Tables) -> dict[str, frozenset[int]]:
        found: dict[str, set[int]] = {}
        for number, row in enumerate(tables.aliases):
            for cell in row:
                found.setdefault(self._alias_key(cell), set()).add(number)
        return {key: frozenset(numbers) for key, numbers in found.items()}

    def alias_numbers(self, core: Sequence[str]) -> frozenset[int]:
        """Return the lines of the table of aliases that name a brand."""
        return self._aliases.get(self._alias_key("".join(core)), frozenset())

    def _alias_key(self, text: str) -> str:
        cleaned = self._folder.simplified(self._folder.clean(text)).casefold()
        if HAN.search(cleaned):
            return _NO_NAME.sub("", cleaned)
        return "".join(self._folder.words(cleaned))

    def _known_alias(self, one: str, other: str) -> bool:
        first = self._aliases.get(self._alias_key(one))
        return first is not None and bool(first & self._aliases.get(self._alias_key(other), frozenset()))

    def _alias_in(self, brand: str, words: Sequence[str]) -> float:
        """Compare a brand of several words, each of them translated: 蓝天 + 白云 and Blue Sky White Cloud."""
        if len(brand) != 4 or len(words) < 2:
            return 0.0
        for cut in range(1, len(words)):
            if self._known_alias(brand[:2], "".join(words[:cut])) and self._known_alias(
                brand[2:], "".join(words[cut:])
            ):
                return 0.88
        return 0.0


def _letters_joined(words: Sequence[str]) -> list[str]:
    """Return words with runs of single letters as one word: ``I.B.M.`` and ``S. A. S.``."""
    found: list[str] = []
    run = ""
    for word in (*words, ""):
        if len(word) == 1 and word.isalpha() and word != "y":
            run += word
            continue
        if run:
            found.append(run)
            run = ""
        if word:
            found.append(word)
    return found
