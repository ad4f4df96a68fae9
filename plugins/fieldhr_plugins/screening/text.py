"""Names in one form: width, case, marks, other scripts to Latin letters, and words cut apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

__all__ = ["HAN", "Folder", "skeleton", "sound"]

#: One Chinese character.
HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3007\U00020000-\U0003134f]")

_HAN_RUN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3007\U00020000-\U0003134f]+")
_ARABIC: Final = re.compile(r"[\u0590-\u05ff\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]")
_HANGUL: Final = re.compile(r"[\uac00-\ud7a3]+")
_KANA: Final = re.compile(r"[\u3040-\u30ff]")
_INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u061c\u064b-\u065f\u0640\u0670\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
)
_APOSTROPHES: Final = re.compile(r"['’‘ʼʻ`´ʹ′＇]")
_NO_WORD: Final = re.compile(r"[^0-9a-z]+")
#: The longest name that is looked at; what is longer is cut, so that nobody can make a comparison expensive.
_LONGEST: Final = 300


class Folder:
    """Folds names into one form with the tables of scripts."""

    def __init__(self, scripts: Mapping[str, str], simplify: Mapping[int, str]) -> None:
        self._simplify = simplify
        self._letters: dict[int, str] = {}
        for name in ("cyrillic", "greek", "arabic", "hebrew", "kana", "latin"):
            for pair in scripts[name].split():
                letter, _, latin = pair.partition("=")
                self._letters[ord(letter)] = latin
        self._pairs = [
            tuple(pair.split("=")) for name in ("greek_pairs", "kana_pairs") for pair in scripts[name].split()
        ]
        self._first = [part.strip("-") for part in scripts["hangul_first"].split()]
        self._vowel = scripts["hangul_vowel"].split()
        self._last = [part.strip("-") for part in scripts["hangul_last"].split()]
        self._surnames = dict(pair.split("=") for pair in scripts["hangul_surnames"].split())

    def clean(self, name: str) -> str:
        """Return a name in half width and without invisible characters, as it was otherwise."""
        return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFKC", name[:_LONGEST])).split())

    def simplified(self, text: str) -> str:
        """Return a text with its Chinese characters in simplified form."""
        return text.translate(self._simplify)

    def han_runs(self, text: str) -> list[str]:
        """Return runs of Chinese characters of a cleaned text, simplified."""
        return [self.simplified(run) for run in _HAN_RUN.findall(text)]

    def without_vowels(self, text: str) -> bool:
        """Whether a text is in a script that leaves most vowels out."""
        return _ARABIC.search(text) is not None

    def words(self, text: str) -> list[str]:
        """Return the words of a cleaned text in small Latin letters and digits; Chinese characters are passed over."""
        text = _HAN_RUN.sub(" ", text)
        if text.isascii():
            lower = text.lower()
        else:
            if _ARABIC.search(text):
                text = re.sub(r"(?<!\w)ال(?=\w{2})", "al ", text)
            if _HANGUL.search(text):
                text = _HANGUL.sub(lambda found: self._korean(found[0]), text)
            if _KANA.search(text):
                text = _as_hiragana(text)
            lower = unicodedata.normalize("NFC", text.casefold())
            for pair, latin in self._pairs:
                if pair in lower:
                    lower = lower.replace(pair, latin)
            # Letters with a form of their own first: й is no и with a mark.
            lower = lower.translate(self._letters)
            lower = unicodedata.normalize("NFD", lower).translate(self._letters)
            lower = "".join(c for c in lower if not unicodedata.combining(c)).lower()
        return [word for word in _NO_WORD.split(_APOSTROPHES.sub("", lower)) if word]

    def _korean(self, run: str) -> str:
        syllables = []
        for place, character in enumerate(run):
            code = ord(character) - 0xAC00
            surname = self._surnames.get(character) if place == 0 and 2 <= len(run) <= 4 else None
            syllables.append(
                f"{surname} "
                if surname
                else self._first[code // 588] + self._vowel[code % 588 // 28] + self._last[code % 28]
            )
        return "".join(syllables)


def _as_hiragana(text: str) -> str:
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヴ" else c for c in text)


_SOUNDS: Final = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"ts?ch|tsch", "č"),
        (r"shch|sch|sh|sz", "š"),
        (r"ch(?=[rl])|ck|q[u]?", "k"),
        (r"ch|cz|tx", "č"),
        (r"dzh|dj|zh", "j"),
        (r"kh", "h"),
        (r"gh", "g"),
        (r"ph", "f"),
        (r"th", "t"),
        (r"dh", "d"),
        (r"bh", "b"),
        (r"rh", "r"),
        (r"wh|w", "v"),
        (r"x", "ks"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"tz|ts", "z"),
        (r"(?<=[aeiou])[yji](?=$|[^aeiou])|(?<=[aeiou])[yj](?=i)", "i"),
        (r"ei|ai|ey|ay", "e"),
        (r"ou|oo|ue", "u"),
        (r"yo(?!u)", "e"),
        (r"oe", "o"),
        (r"ae|aa", "a"),
        (r"eo", "o"),
        (r"eu", "u"),
        (r"i[iyj]+|y[iyj]*|ee+|ie(?=$)|ea|ij", "i"),
        (r"(?<=[aeiou])h(?=$|[^aeiou])", ""),
        (r"(.)\1+", r"\1"),
        (r"(?<=[^aeiou])e$", ""),
    )
)
_VOWELS: Final = re.compile(r"[aeiouy]+")


def sound(word: str) -> str:
    """Return how a word of small Latin letters sounds, roughly: spellings of one name in several countries agree."""
    for pattern, new in _SOUNDS:
        word = pattern.sub(new, word)
    return word


_CONSONANTS: Final = str.maketrans(
    {"w": "", "y": "", "v": "", "h": "", "j": "j", "c": "k", "q": "k", "z": "z", "p": "b"}
)


def skeleton(word: str) -> str:
    """Return the consonants of a word, for comparison with scripts that write no vowels."""
    bare = _VOWELS.sub("", sound(word).replace("j", "j").replace("č", "š")).translate(_CONSONANTS)
    return re.sub(r"(.)\1+", r"\1", bare)
