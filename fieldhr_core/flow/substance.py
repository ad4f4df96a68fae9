"""What a written record shows of itself while it is at hand: figures that stay when its text is sealed.

Scores never open what people wrote. What they may know of it is worked out when it is written: how much of the
customer's stated need it speaks of, how much it says beside that, and a fingerprint by which texts that are nearly one
are recognised and nothing is read. None of it judges anything.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

import attrs

__all__ = ["Substance", "substance_of", "terms_of"]

#: Signs of a text that are looked at.
_LONGEST: Final = 2_000
#: Letters of a piece that is hashed.
_PIECE: Final = 3
_WORD: Final = re.compile(r"[^\W_]+")
#: Scripts without spaces: their pairs of signs are the terms.
_UNSPACED: Final = re.compile("([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f\U00020000-\U0003ffff]+)")
#: Words so short are joints of a sentence.
_SHORT: Final = 2


@attrs.frozen(kw_only=True)
class Substance:
    """What a text shows.

    Attributes:
        need_share: share of the terms of the stated need that it speaks of, 0-1; ``None`` where no need was stated.
        terms: how many different terms it has beside those.
        sketch: signed 64 bits, keyed by the tenant: alike texts have alike ones; 0 where nothing was written.
    """

    need_share: float | None
    terms: int
    sketch: int


def substance_of(text: str, need: str, key: bytes) -> Substance:
    """Return what a text shows beside a stated need; *key* is the tenant's own."""
    said, asked = terms_of(text), terms_of(need)
    share = len(asked & said) / len(asked) if asked else None
    return Substance(need_share=share, terms=len(said - asked), sketch=_sketch(text, key))


def terms_of(text: str) -> frozenset[str]:
    """Return the different terms of a text: words, and pairs of signs where a script writes no spaces."""
    return frozenset(_terms(_folded(text)))


def _terms(folded: str) -> Iterator[str]:
    for word in _WORD.findall(folded):
        for part in _UNSPACED.split(word):
            if _UNSPACED.fullmatch(part):
                yield from (part[n : n + 2] for n in range(max(len(part) - 1, 1)))
            elif len(part) > _SHORT:
                yield part


def _sketch(text: str, key: bytes) -> int:
    import numpy as np

    letters = "".join(_WORD.findall(_folded(text)))
    if not letters:
        return 0
    pieces = {letters[n : n + _PIECE] for n in range(max(len(letters) - _PIECE + 1, 1))}
    hashes = b"".join(hashlib.blake2b(piece.encode(), digest_size=8, key=key).digest() for piece in pieces)
    votes = np.unpackbits(np.frombuffer(hashes, dtype="u1").reshape(len(pieces), 8), axis=1).sum(axis=0)
    return int.from_bytes(np.packbits(2 * votes > len(pieces)).tobytes(), "big", signed=True) or 1


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
