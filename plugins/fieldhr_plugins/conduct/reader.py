"""Reads messages: what phrases they hold, and what each of them means where it stands."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import attrs

from fieldhr_plugins.conduct.lexicon import Entry, Lexicon, Rule
from fieldhr_plugins.conduct.likeness import LIKENESS, Likeness
from fieldhr_plugins.conduct.matcher import Matcher, RawHit
from fieldhr_plugins.conduct.normal import Normal, Normaliser
from fieldhr_plugins.conduct.products import product_classes
from fieldhr_plugins.conduct.scope import Passage, Scope
from fieldhr_plugins.conduct.sounds import Sounds

__all__ = ["CLEAN", "REVIEW", "VIOLATION", "Hit", "Reader", "Utterance"]

VIOLATION: Final = "violation"
REVIEW: Final = "review"
CLEAN: Final = "clean"

#: Longer messages are no single utterance, and the model knows utterances only.
_LONGEST_ALIKE: Final = 200

_KANA: Final = re.compile(r"[ぁ-ヺ]")
_ONLY_JAPANESE: Final = re.compile(r"元本|元金|預金|[込対済銭売価円]")
_HAN: Final = re.compile(r"[㐀-鿿]")
_TRADITIONAL_HINT: Final = re.compile(
    r"[們這個說還沒對錢會來時風險證賺賠點單買賣開關國學實發給讓請與後書長問間體員業務處網電話變帳戶議現為無]"
)
_FILLERS: Final = re.compile(
    r"(?<=[㐀-鿿])(?:嗯+|呃+|额|唔+|哦+|噢|啊+|哎|唉|诶|那个+|就是说|这个这个|怎么说呢|那什么|[a-z0-9#*](?=[㐀-鿿](?:[a-z0-9#*][㐀-鿿])))+(?=[㐀-鿿])"
)
#: Right after two characters, these show that they are somebody's given name.
_NAMED: Final = re.compile(r"先生|女士|小姐|太太")
_LETTERS: Final = re.compile(r"[a-z0-9]+")
_LETTERS_BETWEEN: Final = re.compile(r"(?<![㐀-鿿])[㐀-鿿](?:[a-z0-9]{1,2}[㐀-鿿](?![㐀-鿿])){2,}")


@attrs.frozen(kw_only=True)
class Utterance:
    """One message as the reader sees it; ``confidence`` is a recogniser's (0-1), ``None`` for what was typed."""

    text: str
    speaker: str = "rep"
    language: str = ""
    channel: str = ""
    product: str = ""
    confidence: float | None = None


@attrs.frozen(kw_only=True)
class Hit:
    """A phrase of the lexicon in a message, with its verdict.

    Attributes:
        phrase: as it stands in the message; normal_form: as it was compared.
        spans: (message, start, end) of each message it lies in, offsets into the text as given.
        verdict: ``violation``, ``review``, ``negated``, ``quoted``, ``customer_said`` or ``lawful_product``.
        by_sound: found by pronunciation.
    """

    entry: Entry
    rule: Rule
    phrase: str
    normal_form: str
    spans: tuple[tuple[int, int, int], ...]
    verdict: str
    severity: str
    by_sound: bool = False

    @property
    def category(self) -> str:
        """Code of its category."""
        return self.entry.category.code

    @property
    def level(self) -> int:
        """Level of its category: 4 stops and escalates, 1 is for coaching."""
        return self.entry.category.level

    @property
    def language(self) -> str:
        """Language of the phrase."""
        return self.entry.language


class Reader:
    """Reads messages with one lexicon. Holds no messages.

    Args:
        lexicon: what to look for.
        homophones: also by sound, for the severe categories.
        likeness: ask for a look at Chinese messages that read like a promise without holding a listed phrase.
        lowest_confidence: speech recognised with less only asks for review.
        products: the host's names of products -> classes for which the lexicon knows lawful wordings.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        *,
        homophones: bool = True,
        likeness: bool = True,
        lowest_confidence: float = 0.5,
        products: Sequence[tuple[str, str]] = (),
    ) -> None:
        plain = Normaliser()
        self._matcher = Matcher(lexicon, plain)
        self._normalise = plain.knowing(self._matcher.vocabulary)
        self._scopes = {code: Scope(language, plain) for code, language in lexicon.languages.items()}
        self._sounds = Sounds(lexicon, plain) if homophones else None
        self._likeness = Likeness() if likeness else None
        self._lowest_confidence = lowest_confidence
        self._products = tuple(products)

    def read(self, utterances: Sequence[Utterance], *, joined: bool = True) -> list[Hit]:
        """Return the hits of messages of one sender, in order; with *joined* also those that run over several."""
        hits = [hit for number, utterance in enumerate(utterances) for hit in self._read_one(number, utterance)]
        if joined and len(utterances) > 1:
            hits.extend(self._read_joined(utterances, hits))
            hits.sort(key=lambda hit: hit.spans[0])
        return hits

    def _read_one(self, number: int, utterance: Utterance) -> list[Hit]:
        normal = self._normalise(utterance.text)
        raw = self._find(normal, utterance.language)
        out = self._judge(raw, normal, utterance, ((number, 0, len(utterance.text)),))
        loose = _without_fillers(normal)
        if loose is not None:
            found = self._find(loose, utterance.language)
            out.extend(self._judge(found, loose, utterance, ((number, 0, len(utterance.text)),)))
        return _longest(out) if out else self._alike(number, normal, utterance)

    def _alike(self, number: int, normal: Normal, utterance: Utterance) -> list[Hit]:
        """Ask for a look at a message that only reads like a promise."""
        text = normal.text
        if self._likeness is None or utterance.speaker == "customer" or not 6 <= len(text) <= _LONGEST_ALIKE:
            return []
        if (
            len(_HAN.findall(text)) * 2 < len(text)
            or _KANA.search(text)
            or self._likeness(text) < self._likeness.threshold
        ):
            return []
        if self._scopes[LIKENESS.language].passage(text).is_quoted_at(0):
            return []
        return [
            Hit(
                entry=LIKENESS,
                rule=LIKENESS.category.rules[0],
                phrase=utterance.text,
                normal_form=text,
                spans=((number, 0, len(utterance.text)),),
                verdict=REVIEW,
                severity=str(LIKENESS.category.severity),
            )
        ]

    def _read_joined(self, utterances: Sequence[Utterance], known: Sequence[Hit]) -> list[Hit]:
        pieces: list[tuple[int, int, int]] = []
        text = ""
        for number, utterance in enumerate(utterances):
            if number:
                text += "" if _meets_in_a_word(text, utterance.text) else " "
            pieces.append((number, len(text), len(text) + len(utterance.text)))
            text += utterance.text
        whole = attrs.evolve(utterances[-1], text=text)
        normal = self._normalise(text)
        found = _longest(self._judge(self._find(normal, whole.language), normal, whole, pieces))
        return [hit for hit in found if len(hit.spans) > 1 and not _covered(hit, known) and not _runs_on(hit, known)]

    def _find(self, normal: Normal, language: str) -> list[RawHit]:
        text = normal.text
        hits = self._matcher.find(text)
        if self._sounds is not None:
            # What is written as in the lexicon needs no second reading by its sound.
            starts = [hit.start for hit in hits]
            reached = list(accumulate((hit.end for hit in hits), max))
            for hit in self._sounds.find(text):
                before = bisect_right(starts, hit.start)
                if before == 0 or reached[before - 1] < hit.end:
                    hits.append(hit)
        hits = [hit for hit in hits if hit.end - hit.start != 2 or not _NAMED.match(text, hit.end)]
        if not hits:
            return hits
        kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
        hinted = language.casefold()
        # Characters are shared: kana, a glyph only Japan writes, or the host says which language it is.
        japanese = hinted.startswith("ja") or (kana > 1 and kana * 6 >= han and not hinted.startswith("zh"))
        japanese_too = japanese or (
            not hinted.startswith("zh")
            and (_ONLY_JAPANESE.search(normal.original) is not None or _ONLY_JAPANESE.search(text) is not None)
        )
        return [
            hit
            for hit in hits
            if not (hit.entry.language == "zh" and japanese and _HAN.search(text, hit.start, hit.end))
            and not (hit.entry.language == "ja" and not japanese_too)
        ]

    def _judge(
        self, raw: Sequence[RawHit], normal: Normal, utterance: Utterance, pieces: Sequence[tuple[int, int, int]]
    ) -> list[Hit]:
        """Judge the hits of one text; *pieces* say which part of it is which message."""
        if not raw:
            return []
        passages = {code: scope.passage(normal.text, normal.breaks) for code, scope in self._scopes.items()}
        classes = product_classes(utterance.product, self._products)
        traditional = _TRADITIONAL_HINT.search(utterance.text) is not None
        judged = []
        for hit in raw:
            start, end = normal.span(hit.start, hit.end)
            spans = tuple(
                (number, max(start, opened) - opened, min(end, closed) - opened)
                for number, opened, closed in pieces
                if max(start, opened) < min(end, closed)
            )
            entry = hit.entry
            written = "zh-Hant" if traditional and entry.language == "zh" else entry.language
            judged.append(
                Hit(
                    entry=entry,
                    rule=entry.rule or entry.category.rule_for(written),
                    phrase=utterance.text[start:end],
                    normal_form=hit.sounds_like or normal.text[hit.start : hit.end],
                    spans=spans,
                    verdict=self._verdict(hit, passages[entry.language], utterance, classes),
                    severity=str(entry.severity or entry.category.severity),
                    by_sound=bool(hit.sounds_like),
                )
            )
        return judged

    def _verdict(self, hit: RawHit, passage: Passage, utterance: Utterance, known: frozenset[str] | None) -> str:
        entry, category = hit.entry, hit.entry.category
        if utterance.speaker == "customer" and "customer_said" in category.contexts:
            return "customer_said"
        scope = self._scopes[entry.language]
        dismissed = scope.judge(passage, hit.start, hit.end, right_too=category.right_scope)
        if dismissed is not None and dismissed in category.contexts:
            return dismissed
        if entry.products and "lawful_product" in category.contexts:
            if known is not None and known & set(entry.products) and not passage.names_other_product:
                return "lawful_product"
            if (
                category.lawful_by_name
                and (known is None or known)
                and scope.lawful_as(passage, hit.start, hit.end, entry.products) is not None
            ):
                return "lawful_product"
        if entry.asks_review:
            return REVIEW
        if utterance.confidence is not None and utterance.confidence < self._lowest_confidence:
            return REVIEW
        return VIOLATION


def _meets_in_a_word(before: str, after: str) -> bool:
    """Was a word of Latin letters cut in two? Then its halves are short and bare."""
    return bool(re.search(r"(?:^|\s)[A-Za-z]{1,6}$", before) and re.match(r"[a-z]{1,6}$", after))


def _without_fillers(normal: Normal) -> Normal | None:
    """Return the normal form without hesitations and single letters between characters, where it holds any."""
    text = normal.text
    drop = [found.span() for found in _FILLERS.finditer(text)]
    for run in _LETTERS_BETWEEN.finditer(text):
        drop.extend(found.span() for found in _LETTERS.finditer(text, run.start(), run.end()))
    if not drop:
        return None
    gone = bytearray(len(text))
    for start, end in drop:
        gone[start:end] = b"\x01" * (end - start)
    keep = [at for at in range(len(text)) if not gone[at]]
    places = [normal.span(at, at + 1) for at in keep]
    return Normal(
        normal.original,
        "".join(text[at] for at in keep),
        [start for start, _ in places],
        [end for _, end in places],
    )


def _covered(hit: Hit, others: Sequence[Hit]) -> bool:
    """Tell whether another hit of its category already lies over every part of it."""
    return any(
        hit.category == other.category
        and all(any(n == m and a <= start and end <= b for m, a, b in other.spans) for n, start, end in hit.spans)
        for other in others
    )


def _runs_on(hit: Hit, others: Sequence[Hit]) -> bool:
    """Tell whether an earlier message already was a violation, and this one's words only chanced to come next.

    "... will not lose" and "any problem, call me" make no third promise.
    """
    return any(
        other.verdict == VIOLATION
        and any(n == m and a < end and start < b for n, start, end in hit.spans[:-1] for m, a, b in other.spans)
        for other in others
    )


def _longest(hits: Sequence[Hit]) -> list[Hit]:
    """Of overlapping hits of one category the longest stays; of equals the one that alerts."""
    order = sorted(hits, key=lambda hit: (-_length(hit), hit.verdict != VIOLATION, hit.spans[0]))
    kept: list[Hit] = []
    # By category and message: what is taken already, in order and apart.
    taken: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for hit in order:
        places = [(taken.setdefault((hit.category, number), []), start, end) for number, start, end in hit.spans]
        if any(_overlaps(spans, start, end) for spans, start, end in places):
            continue
        for spans, start, end in places:
            insort(spans, (start, end))
        kept.append(hit)
    return sorted(kept, key=lambda hit: hit.spans[0])


def _length(hit: Hit) -> int:
    return sum(end - start for _, start, end in hit.spans)


def _overlaps(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    at = bisect_left(spans, (start, start))
    return (at < len(spans) and spans[at][0] < end) or (at > 0 and spans[at - 1][1] > start)
