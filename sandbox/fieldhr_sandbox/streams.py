"""Random numbers that depend on names, not on order: one independent stream a (seed, domain, rep, day).

Only raw 64-bit words of numpy's Philox are used, and every distribution is made here from integers, sums and
products: numpy promises the words for ever, but not what its own distributions make of them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["SANDBOX_VERSION", "Draw", "Streams"]

#: Part of every stream's key: a change of what is drawn raises it, and every digest with it.
SANDBOX_VERSION: Final = 1

_UNIT: Final = 2.0**-53
_AHEAD: Final = 24

T = TypeVar("T")


class Draw:
    """One stream, drawn from step by step."""

    __slots__ = ("_bits", "_ready")

    def __init__(self, low: int, high: int) -> None:
        self._bits = np.random.Philox(key=np.array([low, high], dtype="u8"))
        # Words are fetched some at a time, last one first: asking numpy for each costs more than using it.
        self._ready: list[int] = []

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        """Return *count* raw 64-bit words."""
        if not self._ready:
            words: npt.NDArray[np.uint64] = self._bits.random_raw(count)
            return words
        held = [self._ready.pop() for _ in range(min(count, len(self._ready)))]
        return np.concatenate([np.array(held, dtype="u8"), self._bits.random_raw(count - len(held))])

    def _fetched(self) -> list[int]:
        self._ready = self._bits.random_raw(_AHEAD)[::-1].tolist()
        return self._ready

    # A build draws millions of numbers: each kind fetches its words itself, without a call in between.

    def uniform(self) -> float:
        """Return one number in [0, 1)."""
        return ((self._ready or self._fetched()).pop() >> 11) * _UNIT

    def between(self, low: float, high: float) -> float:
        """Return one number in [low, high)."""
        return low + (high - low) * (((self._ready or self._fetched()).pop() >> 11) * _UNIT)

    def below(self, bound: int) -> int:
        """Return one integer in [0, bound)."""
        return int(((self._ready or self._fetched()).pop() >> 11) * _UNIT * bound)

    def whole(self, low: int, high: int) -> int:
        """Return one integer in [low, high], both ends included."""
        return low + int(((self._ready or self._fetched()).pop() >> 11) * _UNIT * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Return true with *probability*."""
        return ((self._ready or self._fetched()).pop() >> 11) * _UNIT < probability

    def normal(self) -> float:
        """Return one number of mean 0 and variance 1: twelve uniforms, so never beyond 6 and equal everywhere."""
        total = 0
        for _ in range(3):
            word = (self._ready or self._fetched()).pop()
            total += (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + (word >> 48)
        return (total - 12 * 32767.5) / 65536.0

    def lognormal(self, median: float, sigma: float) -> float:
        """Return one log-normal number, *sigma* in natural logarithms."""
        return median * math.exp(sigma * self.normal())

    def pick(self, values: Sequence[T]) -> T:
        """Return one of *values*."""
        return values[int(((self._ready or self._fetched()).pop() >> 11) * _UNIT * len(values))]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """Return *values* in a random order."""
        order = np.argsort(self.words(len(values)), kind="stable")
        return [values[index] for index in order.tolist()]

    def sample(self, values: Sequence[T], count: int) -> list[T]:
        """Return *count* different ones of *values*."""
        return self.shuffled(values)[:count]

    def quota(self, total: int, probability: float) -> list[bool]:
        """Return *total* flags of which exactly ``round(total * probability)`` are true, in random order."""
        hits = round(total * probability)
        return self.shuffled([index < hits for index in range(total)])


class Streams:
    """All streams of one seed."""

    def __init__(self, seed: int, salt: str = "") -> None:
        self.seed = seed
        self.salt = salt
        self._domains: dict[str, int] = {}

    def of(self, domain: str, first: int = 0, second: int = 0) -> Draw:
        """Return the stream of one *domain* (what is drawn) and two indices, usually rep and day."""
        low = self._domains.get(domain)
        if low is None:
            text = f"fieldhr-sandbox|{SANDBOX_VERSION}|{self.seed}|{self.salt}|{domain}"
            low = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
            self._domains[domain] = low
        return Draw(low, (first << 32) | second)

    def token(self, *parts: object, length: int = 10) -> str:
        """Return an opaque id that says nothing about order or kind, equal for equal *parts*."""
        text = "|".join(map(str, (self.seed, self.salt, *parts)))
        return hashlib.sha256(text.encode()).hexdigest()[:length]
