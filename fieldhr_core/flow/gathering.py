"""What several threads ask for at one time, done together: one does it for all that wait, and each gets its own answer.

A hundred check-ins in one second are judged beside the same peers and by the same rules; where transactions take turns
anyway, judging them one by one is the same work a hundred times.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

__all__ = ["Gathering"]

I = TypeVar("I")  # noqa: E741 - an item
A = TypeVar("A")


class _Asked(Generic[I, A]):
    """One thread's item, and what became of it."""

    def __init__(self, item: I) -> None:
        self.item = item
        self.answer: A | None = None
        self.is_done = False
        #: Whether it failed in company: it is done again, alone, so that nobody pays for somebody else's fault.
        self.alone = False


class Gathering:
    """Where threads of one runtime meet."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Asked[Any, Any]]] = {}
        self._lock = threading.Lock()
        # Reentrant: what is done may make a plugin ask for more of the same.
        self._turn = threading.RLock()

    def ask(self, key: str, item: I, work: Callable[[Sequence[I]], Sequence[A]]) -> A:
        """Return *work*'s answer to an item; other threads' items of the same key may be in the same call.

        Args:
            work: takes items in the order in which they came and returns one answer each.

        Raises:
            Exception: what *work* raises of this item alone.
        """
        mine: _Asked[I, A] = _Asked(item)
        with self._lock:
            self._waiting.setdefault(key, []).append(mine)
        with self._turn:
            if not mine.is_done and not mine.alone:
                with self._lock:
                    asked = self._waiting.pop(key)
                self._do(asked, work)
            if not mine.is_done:
                mine.answer = work([item])[0]
        return mine.answer  # type: ignore[return-value] # set in either way

    @staticmethod
    def _do(asked: Sequence[_Asked[I, A]], work: Callable[[Sequence[I]], Sequence[A]]) -> None:
        if len(asked) == 1:
            asked[0].alone = True
            return
        try:
            answers = work([one.item for one in asked])
        except Exception:  # noqa: BLE001 - whoever caused it gets it again, alone
            for one in asked:
                one.alone = True
            return
        for one, answer in zip(asked, answers, strict=True):
            one.answer, one.is_done = answer, True
