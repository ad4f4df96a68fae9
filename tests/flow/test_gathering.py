"""What threads ask for together is done together, and each gets its own answer or its own error."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from fieldhr_core.flow.gathering import Gathering


def test_whoever_waits_while_one_works_is_served_in_one_call() -> None:
    gathering, calls = Gathering(), list[int]()
    is_working, may_go_on = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[int]:
        calls.append(len(items))
        is_working.set()
        may_go_on.wait(10)
        return [item * 2 for item in items]

    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(gathering.ask, "t", 0, work)
        is_working.wait(10)
        others = [threads.submit(gathering.ask, "t", n, work) for n in range(1, 9)]
        while len(gathering._waiting.get("t", ())) < 8:
            pass
        may_go_on.set()
        assert first.result(10) == 0
        assert [other.result(10) for other in others] == [n * 2 for n in range(1, 9)]
    assert calls == [1, 8]


def test_one_that_fails_fails_alone() -> None:
    gathering = Gathering()
    is_working, may_go_on = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[int]:
        is_working.set()
        may_go_on.wait(10)
        if 3 in items:
            raise ValueError("three")
        return [-item for item in items]

    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(gathering.ask, "t", 0, work)
        is_working.wait(10)
        others = [threads.submit(gathering.ask, "t", n, work) for n in range(1, 6)]
        while len(gathering._waiting.get("t", ())) < 5:
            pass
        may_go_on.set()
        first.result(10)
        for n, other in enumerate(others, start=1):
            if n == 3:
                with pytest.raises(ValueError, match="three"):
                    other.result(10)
            else:
                assert other.result(10) == -n


def test_work_may_ask_for_more_of_the_same() -> None:
    gathering = Gathering()

    def work(items: Sequence[int]) -> list[int]:
        return [item if item == 0 else 1 + gathering.ask("t", item - 1, work) for item in items]

    assert gathering.ask("t", 3, work) == 3
