"""The one door through which every provider is called: it times, checks, contains and names.

The guard only tells. What follows from a failure is the caller's policy: a scorer's metric is missing, an alerter is
skipped, a compliance check clears nothing.

Without a time limit a call runs on the caller's thread, because a host that did not ask for threads gets none. With a
limit it runs on a daemon thread of this guard; a call that does not come back in time is abandoned together with its
thread (Python cannot end one), and a fresh thread takes its place.
"""

from __future__ import annotations

import contextvars
import enum
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import attrs

from fieldhr_core.errors import FieldhrError, PluginCallError, PluginContractError
from fieldhr_core.hooks.contracts import CONTRACTS, Contract
from fieldhr_core.hooks.handle import ProviderHandle

__all__ = ["BREAK_AFTER", "COOL_DOWN_S", "Fault", "FaultKind", "Guard"]

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

#: Failures in a row after which a provider is paused.
BREAK_AFTER: Final = 3
#: Seconds after which a paused provider gets one more try.
COOL_DOWN_S: Final = 300.0


class FaultKind(enum.StrEnum):
    """How a provider failed."""

    RAISED = "raised"
    HUNG = "hung"
    SHAPE = "shape"
    EXIT = "exit"


@attrs.frozen(kw_only=True)
class Fault:
    """How often one provider failed in one way, for reports and ``fieldhr doctor``.

    Attributes:
        plugin, family, role, provider, tenant: which provider, made for whom.
        kind: raised, hung, shape (an answer its contract does not allow) or exit (it tried to end the process).
        first, last: instants of the first and the last time, aware; ``None`` where the guard was given no clock.
        count: how often.
        detail: the last one in a sentence, without the text of foreign exceptions (they may hold personal data).
    """

    plugin: str
    family: str
    role: str
    provider: str
    tenant: str
    kind: FaultKind
    first: datetime | None
    last: datetime | None
    count: int
    detail: str


class Guard:
    """Calls providers for one runtime.

    Args:
        limit_s: seconds a call may take; ``None`` calls on the caller's thread without a limit.
        monotonic: seconds on a clock that never goes back; for breakers and their cool-down.
        now: the runtime's clock, for the instants in faults.
        break_after: failures in a row that open a breaker.
        cool_down_s: seconds until a paused provider gets one more try.
    """

    def __init__(
        self,
        *,
        limit_s: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] | None = None,
        break_after: int = BREAK_AFTER,
        cool_down_s: float = COOL_DOWN_S,
    ) -> None:
        self.limit_s = limit_s
        self._monotonic = monotonic
        self._now = now
        self._break_after = break_after
        self._cool_down_s = cool_down_s
        self._lock = threading.Lock()
        self._faults: dict[tuple[str, str, str, str, str, FaultKind], Fault] = {}
        self._paused: list[ProviderHandle] = []
        self._workers = _Workers()

    def call(self, handle: ProviderHandle, method: str, *args: Any) -> Any:
        """Call one method of a provider and return its checked answer.

        Raises:
            PluginCallError: FHR-PLG-010 it raised (the cause is chained), FHR-PLG-011 it did not answer in time,
                FHR-PLG-013 it is paused.
            PluginContractError: FHR-PLG-012 its answer is not what its contract says.
        """
        if handle.paused_at is not None:
            self._let_pass(handle)
        started = time.perf_counter()
        try:
            if self.limit_s is None:
                answer = getattr(handle.provider, method)(*args)
            else:
                answer = self._workers.run(partial(_call, handle.provider, method, args), self.limit_s)
        except Exception as cause:
            handle.seconds += time.perf_counter() - started
            raise self._failed(handle, method, cause) from cause
        except (SystemExit, KeyboardInterrupt) as exit_:
            # On the caller's own thread these are the caller's: noted, never swallowed.
            if isinstance(exit_, SystemExit):
                self._note(handle, FaultKind.EXIT, f"{handle.title} tried to end the process in {method}.")
            raise
        handle.seconds += time.perf_counter() - started
        handle.calls += 1
        contract = CONTRACTS.get((handle.family, handle.role, method))
        if contract is not None:
            wrong = _ask(contract, handle.provider, args, answer)
            if wrong:
                raise self._misbehaved(handle, method, wrong)
        if handle.failures_in_a_row:
            handle.failures_in_a_row = 0
        return answer

    def within_limit(self, task: Callable[[], _T]) -> _T:
        """Run a task that is no provider's yet (an import, a registration) under the limit of calls, if there is one.

        Raises:
            TimeoutError: it was not done in time; whatever it does is left to a thread that ends with the process.
            BaseException: whatever *task* raises.
        """
        if self.limit_s is None:
            return task()
        try:
            done: _T = self._workers.run(task, self.limit_s)
        except _HungError:
            raise TimeoutError(f"not done after {self.limit_s:g} s") from None
        except _ExitError as left:
            raise left.__cause__ or left from None
        return done

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every fault so far, by plugin, provider and kind."""
        with self._lock:
            return tuple(self._faults[key] for key in sorted(self._faults))

    @property
    def paused(self) -> tuple[ProviderHandle, ...]:
        """Providers whose breaker is open."""
        with self._lock:
            return tuple(handle for handle in self._paused if handle.paused_at is not None)

    def reset(self, plugin: str | None = None) -> None:
        """Close the breakers of one plugin, or all of them."""
        with self._lock:
            for handle in self._paused:
                if plugin is None or handle.plugin == plugin:
                    handle.paused_at = None
                    handle.failures_in_a_row = 0
            self._paused = [handle for handle in self._paused if handle.paused_at is not None]

    def close(self) -> None:
        """End the idle threads. A thread that a plugin still holds ends with the process."""
        self._workers.close()

    def _let_pass(self, handle: ProviderHandle) -> None:
        """Refuse a paused provider; after the cool-down let one call through, which decides."""
        waited = self._monotonic() - (handle.paused_at or 0.0)
        if waited < self._cool_down_s:
            raise PluginCallError(
                f"{handle.title} failed {handle.failures_in_a_row} times in a row and is paused.",
                code="FHR-PLG-013",
                hint=f"Wait {self._cool_down_s - waited:.0f} s, or reset its breaker.",
                **_where(handle),
            )
        handle.paused_at = None
        handle.failures_in_a_row = self._break_after - 1

    def _failed(self, handle: ProviderHandle, method: str, cause: Exception) -> PluginCallError:
        code, hint = "FHR-PLG-010", f"See the cause; run: fieldhr plugins test {handle.plugin}"
        if isinstance(cause, _HungError):
            kind, code, hint = FaultKind.HUNG, "FHR-PLG-011", ""
            text = f"{handle.title} did not answer {method} within {self.limit_s:g} s."
        elif isinstance(cause, _ExitError):
            kind = FaultKind.EXIT
            text = f"{handle.title} tried to end the process in {method} ({cause})."
        elif isinstance(cause, FieldhrError):
            # Our own texts hold no personal data and say what to do.
            kind, hint = FaultKind.RAISED, cause.hint
            text = f"{handle.title} raised {cause.code} in {method}: {cause.message}"
        else:
            kind = FaultKind.RAISED
            text = f"{handle.title} raised {type(cause).__name__} in {method}."
        handle.calls += 1
        self._note(handle, kind, text)
        self._count_failure(handle)
        return PluginCallError(text, code=code, hint=hint, **_where(handle), method=method, kind=kind.value)

    def _misbehaved(self, handle: ProviderHandle, method: str, wrong: str) -> PluginContractError:
        text = f"{handle.title} {wrong}."
        self._note(handle, FaultKind.SHAPE, text)
        self._count_failure(handle)
        hint = f"Run: fieldhr plugins test {handle.plugin}"
        return PluginContractError(text, code="FHR-PLG-012", hint=hint, **_where(handle), method=method)

    def _note(self, handle: ProviderHandle, kind: FaultKind, detail: str) -> None:
        now = self._now() if self._now is not None else None
        key = (handle.plugin, handle.family, handle.role, handle.name, handle.tenant, kind)
        with self._lock:
            known = self._faults.get(key)
            if known is not None:
                self._faults[key] = attrs.evolve(known, last=now, count=known.count + 1, detail=detail)
                return
            self._faults[key] = Fault(
                plugin=handle.plugin,
                family=handle.family,
                role=handle.role,
                provider=handle.name,
                tenant=handle.tenant,
                kind=kind,
                first=now,
                last=now,
                count=1,
                detail=detail,
            )
        _log.warning("%s The next ones of this kind are only counted.", detail)

    def _count_failure(self, handle: ProviderHandle) -> None:
        with self._lock:
            handle.failures_in_a_row += 1
            if handle.failures_in_a_row < self._break_after or handle.paused_at is not None:
                return
            handle.paused_at = self._monotonic()
            self._paused = [other for other in self._paused if other.paused_at is not None and other is not handle]
            self._paused.append(handle)
        _log.warning("%s failed %d times in a row and is paused.", handle.title, handle.failures_in_a_row)


def _call(provider: Any, method: str, args: Sequence[Any]) -> Any:
    return getattr(provider, method)(*args)


def _ask(contract: Contract, provider: Any, args: Sequence[Any], answer: Any) -> str | None:
    try:
        return contract(provider, args, answer)
    except Exception as cause:  # noqa: BLE001 - an answer so odd that looking at it raises is a wrong answer
        return f"returned an answer that cannot be checked ({type(cause).__name__} while looking at it)"


def _where(handle: ProviderHandle) -> dict[str, object]:
    return {"plugin": handle.plugin, "provider": handle.name, "tenant": handle.tenant}


class _HungError(Exception):
    """A call did not come back in time."""


class _ExitError(Exception):
    """A call on a thread of ours tried to end the process."""


class _Worker:
    """One daemon thread that does one task after another until it is dismissed."""

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[tuple[bool, Any]]] | None]
        self._inbox = queue.SimpleQueue()
        threading.Thread(target=self._work, name="fieldhr-guard", daemon=True).start()

    def start(self, task: Callable[[], Any]) -> queue.SimpleQueue[tuple[bool, Any]]:
        outbox: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        self._inbox.put((task, outbox))
        return outbox

    def dismiss(self) -> None:
        self._inbox.put(None)

    def _work(self) -> None:
        while (job := self._inbox.get()) is not None:
            task, outbox = job
            try:
                outbox.put((True, task()))
            except BaseException as cause:  # noqa: BLE001 - SystemExit too: this thread outlives its tasks
                outbox.put((False, cause))
            del job, task, outbox


class _Workers:
    """Threads of one guard, started when first needed and used again."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._process = os.getpid()

    def run(self, task: Callable[[], Any], limit_s: float) -> Any:
        worker = self._take()
        # The caller's context variables (decimal context, tracing) count in the call as they do inline.
        outbox = worker.start(partial(contextvars.copy_context().run, task))
        try:
            succeeded, answer = outbox.get(timeout=limit_s)
        except queue.Empty:
            worker.dismiss()
            raise _HungError from None
        except BaseException:
            worker.dismiss()
            raise
        self._idle.append(worker)
        if succeeded:
            return answer
        if isinstance(answer, Exception):
            raise answer
        raise _ExitError(f"{type(answer).__name__}: {answer}") from answer

    def close(self) -> None:
        while self._idle:
            self._idle.pop().dismiss()

    def _take(self) -> _Worker:
        if self._process != os.getpid():
            # A fork takes no threads along.
            self._idle, self._process = [], os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return _Worker()
