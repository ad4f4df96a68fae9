"""What the guard adds to one provider call, beside a pluggy hook call of the same work."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy
from figure import Figure, seconds

from fieldhr_core.hooks.guard import Guard
from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.model import Outcome, Ruling, Submission

CALLS = 20_000


class Clears:
    """The cheapest check there is."""

    kinds = ("message",)
    answer: Sequence[Ruling] = ()

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Return what was made ready."""
        return self.answer


class _Spec:
    @pluggy.HookspecMarker("bench")
    def check(self, submissions: object) -> object:
        """Specify the peer's hook."""


class _Impl:
    @pluggy.HookimplMarker("bench")
    def check(self, submissions: object) -> object:
        return submissions


def measure() -> list[Figure]:
    """Call a provider of no family, so that what remains is the guard; then a check, with its contract."""
    provider = Clears()
    guard = Guard()
    bare = _handle(provider, family="bench")
    contracted = _handle(provider, family="checks")
    manager = pluggy.PluginManager("bench")
    manager.add_hookspecs(_Spec)
    manager.register(_Impl())
    hook = manager.hook.check

    def direct() -> None:
        for _ in range(CALLS):
            provider.check(())

    def through(handle: ProviderHandle) -> None:
        for _ in range(CALLS):
            guard.call(handle, "check", ())

    def announced() -> None:
        for _ in range(CALLS):
            hook(submissions=())

    plain_us = seconds(direct) / CALLS * 1e6
    guarded_us = seconds(lambda: through(bare)) / CALLS * 1e6
    checked_us = seconds(lambda: through(contracted)) / CALLS * 1e6
    hook_us = seconds(announced) / CALLS * 1e6

    batch = tuple(_submission(number) for number in range(1000))
    provider.answer = tuple(Ruling(submission=one.id, outcome=Outcome.CLEARED) for one in batch)
    batch_us = seconds(lambda: guard.call(contracted, "check", batch)) * 1e6
    return [
        Figure(
            name="guard, per call",
            value=guarded_us - plain_us,
            unit="us",
            bar=1.0,
            at_most=True,
            peer=f"pluggy hook call: {hook_us - plain_us:.2f}",
            how=f"{CALLS} calls, a plain method call ({plain_us:.2f} us) taken off, no time limit",
        ),
        Figure(name="guard with contract, empty batch", value=checked_us - plain_us, unit="us"),
        Figure(name="guard with contract, per ruling", value=batch_us / len(batch), unit="us", how="batch of 1,000"),
    ]


def _handle(provider: Clears, *, family: str) -> ProviderHandle:
    return ProviderHandle(plugin="bench", family=family, role="", name="clears", tenant="t", provider=provider)


def _submission(number: int) -> Submission:
    from datetime import UTC, datetime

    return Submission(id=str(number), kind="message", value=None, at=datetime(2026, 3, 2, tzinfo=UTC))
