"""What stands about a hit and changes its meaning: negation, quotation, who speaks, lawful products.

Each language has its own direction: Chinese and English negate to the left of a phrase, Japanese and Korean to its
right.
A negation is only looked for outside the hit, so that words which hold one and promise all the same stay what they are.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from fieldhr_plugins.conduct.lexicon import Language
from fieldhr_plugins.conduct.normal import Normaliser

__all__ = ["Passage", "Scope"]

_ENDS: Final = re.compile(r"[。!?;\n]|\.(?=\s|$)")
_LATIN: Final = re.compile(r"[a-z0-9]")

#: Language: (characters looked at to the left, to the right).
_REACH: Final = {"zh": (12, 8), "en": (48, 40), "ja": (14, 18), "ko": (8, 14), "vi": (40, 40), "th": (18, 24)}
#: Named in a sentence, these make it another matter whatever else the sentence names.
_PLAIN: Final = frozenset({"event", "card_promotion", "business", "customer_firm"})
#: What may come before a cue that must stand first.
_LEAD: Final = "(?:的|些|这个|那个|这|那|我们|我|咱们|咱|公司|它|他们|可|真|也|全|肯定|一定|可是|而且)"
_NO_CUES: Final = re.compile(r"(?!)")


class Scope:
    """The scope rules of one language, compiled from its lists."""

    def __init__(self, language: Language, normaliser: Normaliser) -> None:
        self.code = language.code
        self._left_reach, self._right_reach = _REACH[language.code]
        lists = {name: [normaliser(item).text.strip() for item in items] for name, items in language.scope.items()}

        def cue(name: str, *, anchored: bool = False) -> re.Pattern[str]:
            return _alternatives(lists.get(name, ()), anchored=anchored)

        self._pseudo = cue("pseudo")
        self._negators = cue("negators")
        self._breakers = cue("breakers")
        self._prohibitions = cue("prohibitions")
        self._right = cue("right")
        self._right_pseudo = cue("right_pseudo")
        self._right_after_comma = cue("right_after_comma", anchored=True)
        self._questions = cue("right_questions", anchored=True)
        self._statements = cue("right_statements", anchored=True)
        self._denied_speech = re.compile(
            rf"^(?:\s\w+){{0,2}}?\s*(?:{cue('speech').pattern})(?:\s\w+){{0,2}}?\s(?:{cue('complements').pattern})"
        )
        self._customer = cue("customer_said")
        self._boast = cue("customer_boast")
        self._answers = cue("self_answers")
        self._strong = cue("context_strong")
        self._weak = cue("context_weak")
        self._undoing = cue("undoing")
        self._rhetorical = cue("rhetorical")
        self._unlawful = cue("unlawful_nouns")
        self._strictly_unlawful = cue("other_products")
        self._comparators = _alternatives(lists.get("comparators", ()), ending=True)
        links = _alternatives(lists.get("links", ()))
        self._links = re.compile(rf"(?:{links.pattern}|\s)*+") if lists.get("links") else None
        self._lawful = {
            name.removeprefix("lawful_"): _alternatives(items)
            for name, items in lists.items()
            if name.startswith("lawful_")
        }

    def passage(self, text: str, breaks: frozenset[int] = frozenset()) -> Passage:
        """Return what this language's rules say of a whole normal form, to judge its hits by."""
        return Passage(self, text, breaks)

    def judge(self, passage: Passage, start: int, end: int, *, right_too: bool = True) -> str | None:
        """Return ``negated``, ``quoted``, ``customer_said`` or ``None`` for a hit in a passage.

        ``right_too``: words to its right may take it back as well.
        """
        text = passage.text
        opened = passage.sentence_start(start)
        sentence = text[opened:start]
        clause = sentence[max(sentence.rfind(","), sentence.rfind(":"), sentence.rfind("(")) + 1 :]
        said = self._is_said_by_customer(sentence)
        if said:
            return "customer_said"
        if self._is_negated_left(clause):
            return "negated"
        after = text[end : end + self._right_reach + 16]
        if right_too and self._is_negated_right(after):
            return "negated"
        if self._is_prohibited(sentence):
            return "quoted"
        if self._is_asked(sentence, after):
            return "quoted"
        if passage.is_quoted_at(start):
            return "quoted"
        return None

    def lawful_as(self, passage: Passage, start: int, end: int, products: Sequence[str]) -> str | None:
        """Return the class of product named in the sentence for which the wording is lawful, if it is meant."""
        text = passage.text
        opened = passage.sentence_start(start)
        closing = _ENDS.search(text, end, end + 60)
        closed = min(closing.start() if closing else len(text), end + 60)
        opened = max(opened, start - 60)
        sentence = text[opened:closed]
        # What may be said of a bond may be said of the terms of a loan.
        wanted: list[str] = [*products, "loan"] if "government_bond" in products else [*products]
        for product in wanted:
            nouns = self._lawful.get(product)
            if nouns is None:
                continue
            for noun in nouns.finditer(sentence):
                before = sentence[max(0, noun.start() - 16) : noun.start()]
                if self._comparators.search(before.rstrip()):
                    return None
                rest = sentence[: noun.start()] + "_" + sentence[noun.end() :]
                for other in self._lawful.values():
                    rest = other.sub("_", rest)
                inside = text[start:end]
                rest = rest.replace(inside, "_")
                if product in _PLAIN:
                    return product
                if product == "loan":
                    # Only rates and ways to repay: a promise stays one, whoever lends the money for it.
                    told = any(c.isdigit() for c in inside) or "还本" in inside
                    return None if not told or self._strictly_unlawful.search(rest) else product
                if self._unlawful.search(rest):
                    return None
                return product
        return None

    def finds_other_product(self, text: str) -> bool:
        """Return whether *text* names a product for which no wording is lawful."""
        for nouns in self._lawful.values():
            text = nouns.sub("_", text)
        return bool(self._strictly_unlawful.search(text))

    def quoted_until(self, text: str) -> int:
        """Return up to where *text* counts as quoting a rule: to its end, to a pretext, or 0 where it quotes none."""
        found = self._strong.search(text)
        if found is None:
            if len(set(self._weak.findall(text))) < 3:
                return 0
            found = self._weak.search(text)
        undone = self._undoing.search(text, found.end()) if found else None
        return undone.start() if undone else len(text) + 1

    def _is_negated_left(self, clause: str) -> bool:
        left = clause[-self._left_reach - 12 :]
        if not left.strip():
            return False
        # A mark for each letter, so that distances stay what they are and what was neutral cannot become a word.
        left = self._pseudo.sub(lambda found: "_" * len(found[0]), left)
        # The last negation may stand within a longer word that begins before it: look at every one, nearest first.
        for found in reversed(list(self._negators.finditer(left))):
            gap = left[found.end() :]
            if len(gap) > self._left_reach:
                return False
            # Who cannot say that something is so denies it; the clause said breaks nothing.
            gap = self._denied_speech.sub("", gap)
            if self._breakers.search(gap) and gap.strip():
                continue
            if self._links is not None and len(found[0]) == 1 and not self._links.fullmatch(gap):
                continue
            return True
        return False

    def _is_negated_right(self, after: str) -> bool:
        close = _ENDS.search(after)
        clause = after[: close.start()] if close else after
        comma = clause.find(",")
        near = self._right_pseudo.sub(lambda found: "_" * len(found[0]), clause[: comma if comma >= 0 else len(clause)])
        near = near[: self._right_reach + 8]
        found = self._right.search(near)
        if found and found.start() <= self._right_reach and not self._breakers.search(near[: found.start()]):
            return True
        for mark in re.finditer(r"[,?!]", after[: self._right_reach + 4]):
            rest = after[mark.end() :].lstrip(' "')
            if self._right_after_comma.match(rest):
                return True
        return False

    def _is_prohibited(self, sentence: str) -> bool:
        left = self._pseudo.sub(lambda found: "_" * len(found[0]), sentence[-60:])
        last = None
        for last in self._prohibitions.finditer(left):  # noqa: B007 - the last one counts
            pass
        if last is None:
            return False
        between = left[last.end() :]
        return not self._undoing.search(between) and not re.search(r"但|放心|我们这|咱们这|we |our ", between)

    def _is_said_by_customer(self, sentence: str) -> bool:
        last = None
        for last in self._customer.finditer(sentence[-80:]):  # noqa: B007 - the last one counts
            pass
        if last is None or self._boast.search(sentence):
            return False
        return not self._answers.search(sentence[-80:][last.end() :])

    def _is_asked(self, sentence: str, after: str) -> bool:
        if not self._questions.match(after) or self._statements.match(after):
            return False
        return not self._rhetorical.search(sentence[-24:])


class Passage:
    """A normal form with what one language's rules say of the whole of it; found once, when first asked for."""

    def __init__(self, scope: Scope, text: str, breaks: frozenset[int]) -> None:
        self.text = text
        self.breaks = breaks
        self._scope = scope

    def is_quoted_at(self, start: int) -> bool:
        """Is the text about rules, training, audit or fraud, with nothing before *start* that shows it is a pretext?"""
        return self._quoted_until > start

    def sentence_start(self, place: int) -> int:
        """Return where the sentence begins that holds *place*; sentences are cut at 200 characters."""
        before = bisect_right(self._sentences, place)
        return max(self._sentences[before - 1] if before else 0, place - 200)

    @cached_property
    def _sentences(self) -> list[int]:
        return sorted({*(found.end() for found in _ENDS.finditer(self.text)), *self.breaks})

    @cached_property
    def names_other_product(self) -> bool:
        """Does the text speak of a product for which nothing of this is lawful?"""
        return self._scope.finds_other_product(self.text)

    @cached_property
    def _quoted_until(self) -> int:
        return self._scope.quoted_until(self.text)


def _alternatives(items: Iterable[str], *, anchored: bool = False, ending: bool = False) -> re.Pattern[str]:
    """Any of these; Latin words only whole."""
    words = sorted(dict.fromkeys(item for item in items if item), key=len, reverse=True)
    if not words:
        return _NO_CUES
    latin = [word for word in words if _LATIN.match(word[0])]
    whole = [re.escape(word) for word in latin if not word.endswith("*") and _LATIN.match(word[-1])]
    open_ended = [re.escape(word.rstrip("*")) for word in latin if word.endswith("*") or not _LATIN.match(word[-1])]
    others = [re.escape(word.rstrip("*")) for word in words if not _LATIN.match(word[0])]
    groups = [
        rf"(?<![a-z0-9])(?:{'|'.join(whole)})(?![a-z0-9])" if whole else "",
        rf"(?<![a-z0-9])(?:{'|'.join(open_ended)})" if open_ended else "",
        "|".join(others),
    ]
    pattern = "|".join(group for group in groups if group)
    if ending:
        return re.compile(rf"(?:{pattern})$")
    return re.compile(rf"{_LEAD}{{0,4}}(?:{pattern})" if anchored else pattern)
