"""Providers that raise, hang, exit or answer nonsense are contained and named, and cost next to nothing otherwise."""

from __future__ import annotations

import contextvars
import decimal
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from fieldhr_core.errors import MissingDependencyError, PluginCallError, PluginContractError, PluginError
from fieldhr_core.hooks import Offer, PluginInfo, PluginStatus, hookimpl
from fieldhr_core.hooks.guard import FaultKind, Guard
from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.hooks.loader import Registry

LIMIT_S = 0.2


def handle(work: Callable[..., Any], **fields: Any) -> ProviderHandle:
    """Make a handle on a provider whose one method, ``work``, is not checked."""
    given = {"plugin": "acme.scorer", "family": "test", "role": "", "name": "scorer", "tenant": "t"} | fields
    return ProviderHandle(provider=SimpleNamespace(work=work), **given)


def boom() -> None:
    raise ValueError("Zhang San, 13800000000")


def leave() -> None:
    raise SystemExit(5)


@pytest.fixture
def limited() -> Iterator[Guard]:
    guard = Guard(limit_s=LIMIT_S)
    yield guard
    guard.close()


@pytest.fixture(params=[None, 5.0], ids=["inline", "limited"])
def guard(request: pytest.FixtureRequest) -> Iterator[Guard]:
    guard = Guard(limit_s=request.param)
    yield guard
    guard.close()


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_task_of_nobodys_has_the_limit_of_calls(limited: Guard) -> None:
    assert limited.within_limit(lambda: threading.current_thread().name) == "fieldhr-guard"
    with pytest.raises(TimeoutError, match=r"not done after 0\.2 s"):
        limited.within_limit(lambda: time.sleep(3))
    with pytest.raises(ValueError, match="Zhang"):
        limited.within_limit(boom)
    with pytest.raises(SystemExit):
        limited.within_limit(leave)
    assert Guard().within_limit(threading.current_thread) is threading.current_thread()


# -- containing --------------------------------------------------------------------------------------------------


def test_an_answer_comes_through_and_the_call_is_counted(guard: Guard) -> None:
    one = handle(lambda a, b: a + b)
    assert guard.call(one, "work", 40, 2) == 42
    assert one.calls == 1
    assert one.seconds > 0
    assert guard.faults == ()


@pytest.mark.req("H3")
def test_an_exception_is_named_chained_and_keeps_its_text_to_itself(guard: Guard) -> None:
    with pytest.raises(PluginCallError) as caught:
        guard.call(handle(boom), "work")
    error = caught.value
    assert error.code == "FHR-PLG-010"
    assert error.message == "acme.scorer raised ValueError in work."
    assert error.where["plugin"] == "acme.scorer"
    assert "Zhang" not in str(error)
    assert "Zhang" in str(error.__cause__)


def test_an_error_of_ours_keeps_its_text_and_what_to_do(guard: Guard) -> None:
    def lacking() -> None:
        raise MissingDependencyError("openpyxl", "files")

    with pytest.raises(PluginCallError, match=r"openpyxl is not installed.*fieldhr\[files\]"):
        guard.call(handle(lacking), "work")


def test_a_method_that_is_not_there_is_the_plugins_fault(guard: Guard) -> None:
    with pytest.raises(PluginCallError, match="raised AttributeError in play"):
        guard.call(handle(boom), "play")


@pytest.mark.parametrize("exit_", [SystemExit, KeyboardInterrupt])
def test_inline_an_exit_is_the_callers_and_noted(exit_: type[BaseException]) -> None:
    def go() -> None:
        raise exit_

    guard = Guard()
    with pytest.raises(exit_):
        guard.call(handle(go), "work")
    assert [fault.kind for fault in guard.faults] == ([FaultKind.EXIT] if exit_ is SystemExit else [])


@pytest.mark.req("H3")
def test_with_a_limit_an_exit_is_contained_and_named(limited: Guard) -> None:
    with pytest.raises(
        PluginCallError, match=r"acme\.scorer tried to end the process in work \(SystemExit: 5\)"
    ) as caught:
        limited.call(handle(leave), "work")
    assert caught.value.code == "FHR-PLG-010"
    assert limited.faults[0].kind is FaultKind.EXIT
    assert limited.call(handle(lambda: 1), "work") == 1


@pytest.mark.req("H3")
def test_a_call_that_never_ends_is_cut_near_its_limit_and_the_next_one_works(limited: Guard) -> None:
    release = threading.Event()
    started = time.perf_counter()
    with pytest.raises(PluginCallError, match=r"did not answer work within 0\.2 s") as caught:
        limited.call(handle(lambda: release.wait(60)), "work")
    took = time.perf_counter() - started
    assert caught.value.code == "FHR-PLG-011"
    assert LIMIT_S <= took <= 1.2 * LIMIT_S
    assert limited.faults[0].kind is FaultKind.HUNG
    assert limited.call(handle(lambda: 1), "work") == 1
    release.set()


def test_an_abandoned_thread_ends_when_its_plugin_lets_go(limited: Guard) -> None:
    release = threading.Event()
    before = set(threading.enumerate())
    with pytest.raises(PluginCallError):
        limited.call(handle(lambda: release.wait(60)), "work")
    (held,) = set(threading.enumerate()) - before
    assert held.daemon
    release.set()
    held.join(5)
    assert not held.is_alive()


def test_without_a_limit_no_thread_is_started() -> None:
    before = set(threading.enumerate())
    where = Guard().call(handle(threading.current_thread), "work")
    assert where is threading.current_thread()
    assert set(threading.enumerate()) == before


def test_with_a_limit_one_thread_serves_call_after_call(limited: Guard) -> None:
    one = handle(threading.current_thread)
    assert len({limited.call(one, "work") for _ in range(5)}) == 1
    assert limited.call(one, "work") is not threading.current_thread()


def test_closing_ends_the_idle_threads() -> None:
    guard = Guard(limit_s=5)
    thread = guard.call(handle(threading.current_thread), "work")
    guard.close()
    thread.join(5)
    assert not thread.is_alive()
    assert guard.call(handle(lambda: 1), "work") == 1
    guard.close()


def test_calls_of_several_threads_run_side_by_side(limited: Guard) -> None:
    meeting = threading.Barrier(2, timeout=5)
    answers: list[Any] = []
    guard = Guard(limit_s=5)
    one = handle(meeting.wait)
    threads = [threading.Thread(target=lambda: answers.append(guard.call(one, "work"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0, 1]
    guard.close()


def test_context_of_the_caller_counts_on_the_other_thread(limited: Guard) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    variable.set("set")
    with decimal.localcontext(prec=5):
        assert limited.call(handle(lambda: (variable.get(), decimal.getcontext().prec)), "work") == ("set", 5)


def test_an_interrupt_while_waiting_is_the_callers_and_lets_the_thread_go(limited: Guard) -> None:
    before = set(threading.enumerate())
    release = threading.Event()

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    worker = limited._workers._take()
    worker.start = lambda task: SimpleNamespace(get=interrupted)  # type: ignore[method-assign, assignment, return-value]
    limited._workers._idle.append(worker)
    with pytest.raises(KeyboardInterrupt):
        limited.call(handle(release.wait), "work")
    (thread,) = set(threading.enumerate()) - before
    thread.join(5)
    assert not thread.is_alive()


def test_after_a_fork_new_threads_are_started(limited: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    first = limited.call(handle(threading.current_thread), "work")
    assert limited.call(handle(threading.current_thread), "work") is first
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert limited.call(handle(threading.current_thread), "work") is not first


# -- counting ----------------------------------------------------------------------------------------------------


def test_faults_are_counted_with_their_first_and_last_time(caplog: pytest.LogCaptureFixture) -> None:
    hours = iter(range(24))
    guard = Guard(now=lambda: datetime(2026, 3, 2, next(hours), tzinfo=UTC), break_after=10)
    one = handle(boom)
    for _ in range(3):
        with pytest.raises(PluginCallError):
            guard.call(one, "work")
    (fault,) = guard.faults
    assert (fault.plugin, fault.provider, fault.tenant, fault.kind, fault.count) == (
        "acme.scorer",
        "scorer",
        "t",
        FaultKind.RAISED,
        3,
    )
    assert fault.first == datetime(2026, 3, 2, 0, tzinfo=UTC)
    assert fault.last == datetime(2026, 3, 2, 2, tzinfo=UTC)
    assert one.calls == 3
    # A storm of faults is one line in the log.
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING


def test_three_failures_in_a_row_pause_a_provider_until_the_cool_down() -> None:
    clock = Clock()
    guard = Guard(monotonic=clock, cool_down_s=60)
    answers: list[Any] = [boom, boom, lambda: "fine", boom, boom, boom]
    one = handle(lambda: answers.pop(0)())
    outcomes = []
    for _ in range(6):
        try:
            outcomes.append(guard.call(one, "work"))
        except PluginError as error:
            outcomes.append(error.code)
    assert outcomes == ["FHR-PLG-010", "FHR-PLG-010", "fine", "FHR-PLG-010", "FHR-PLG-010", "FHR-PLG-010"]
    assert guard.paused == (one,)

    answers += [boom, lambda: "fine", boom]
    clock.seconds = 59.9
    with pytest.raises(PluginCallError, match="failed 3 times in a row and is paused") as caught:
        guard.call(one, "work")
    assert caught.value.code == "FHR-PLG-013"
    assert len(answers) == 3

    clock.seconds = 60  # one try, which fails: paused again at once
    with pytest.raises(PluginCallError, match="raised"):
        guard.call(one, "work")
    with pytest.raises(PluginCallError, match="paused"):
        guard.call(one, "work")

    clock.seconds = 120  # one try, which works: back to normal, with all its lives
    assert guard.call(one, "work") == "fine"
    assert guard.paused == ()
    with pytest.raises(PluginCallError, match="raised"):
        guard.call(one, "work")
    assert guard.paused == ()


def test_a_breaker_is_reset_by_hand_and_only_the_one_meant() -> None:
    guard = Guard()
    one, other = handle(boom), handle(boom, plugin="acme.other")
    for each in (one, other):
        for _ in range(3):
            with pytest.raises(PluginCallError):
                guard.call(each, "work")
    assert guard.paused == (one, other)
    guard.reset("acme.scorer")
    assert guard.paused == (other,)
    guard.reset()
    assert guard.paused == ()


def test_a_hang_and_a_wrong_shape_count_for_the_breaker_too(limited: Guard) -> None:
    check = ProviderHandle(
        plugin="acme.check",
        family="checks",
        role="",
        name="c",
        tenant="",
        provider=SimpleNamespace(check=lambda _: [1]),
    )
    for _ in range(2):
        with pytest.raises(PluginContractError):
            limited.call(check, "check", [])
    check.provider.check = lambda _: threading.Event().wait(60)
    with pytest.raises(PluginCallError, match="did not answer"):
        limited.call(check, "check", [])
    assert limited.paused == (check,)


# -- with a registry ---------------------------------------------------------------------------------------------


def registry_with(
    make: Callable[[Any], Any], *, name: str = "acme.scorer", guard: Guard | None = None, settings: type | None = None
) -> Registry:
    @hookimpl
    def fieldhr_register_scorers() -> list[Offer[Any]]:
        return [Offer("s", make)]

    registry = Registry(guard=guard)
    plugin = SimpleNamespace(
        PLUGIN=PluginInfo(name=name, version="1", settings=settings), fieldhr_register_scorers=fieldhr_register_scorers
    )
    registry.load([plugin], autoload=False)
    return registry


def scorer(**members: Any) -> Any:
    return SimpleNamespace(**{"metrics": (), "score": lambda tables: None} | members)


def test_a_provider_is_made_once_a_tenant() -> None:
    made: list[Any] = []
    registry = registry_with(lambda settings: made.append(settings) or scorer())
    first = registry.provider("scorers", "s", tenant="a")
    assert registry.provider("scorers", "s", tenant="a") is first
    assert registry.provider("scorers", "s", tenant="b") is not first
    assert made == [None, None]
    assert first.metrics == ()


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (None, "made nothing without score and metrics"),
        (SimpleNamespace(metrics=()), "a SimpleNamespace without score"),
        (scorer(metrics=["m"]), "states metrics"),
        (scorer(metrics=("m",)), "states metrics"),
    ],
)
def test_what_is_made_must_be_a_provider(made: Any, says: str) -> None:
    registry = registry_with(lambda settings: made)
    with pytest.raises(PluginError, match=says):
        registry.provider("scorers", "s")


def test_a_provider_that_cannot_be_made_is_named() -> None:
    registry = registry_with(lambda settings: boom())
    with pytest.raises(PluginCallError, match=r"acme\.scorer \(s\) raised ValueError in make"):
        registry.provider("scorers", "s")
    assert registry.guard.faults[0].kind is FaultKind.RAISED


@pytest.mark.req("H3")
def test_a_provider_that_can_never_be_made_is_paused_like_one_that_fails() -> None:
    tried: list[int] = []
    registry = registry_with(lambda settings: tried.append(1) or boom())
    for _ in range(5):
        with pytest.raises(PluginCallError):
            registry.provider("scorers", "s")
    assert len(tried) == 3, "whoever hangs while it is made must not be waited for at every call"
    with pytest.raises(PluginCallError) as refused:
        registry.provider("scorers", "s")
    assert refused.value.code == "FHR-PLG-013"
    assert registry.reports[0].status is PluginStatus.PAUSED


def test_other_settings_are_another_try_at_making() -> None:
    @attrs.frozen(kw_only=True)
    class Settings:
        works: bool = False

    registry = registry_with(lambda settings: scorer() if settings.works else boom(), settings=Settings)
    for _ in range(4):
        with pytest.raises(PluginCallError):
            registry.provider("scorers", "s")
    assert registry.provider("scorers", "s", settings={"acme.scorer": {"works": True}}).metrics == ()


def test_a_paused_provider_shows_in_the_reports() -> None:
    registry = registry_with(lambda settings: scorer(score=boom))
    one = registry.provider("scorers", "s")
    for _ in range(3):
        with pytest.raises(PluginError):
            registry.guard.call(one, "score", None)
    assert registry.reports[0].status is PluginStatus.PAUSED
    registry.guard.reset()
    assert registry.reports[0].status is PluginStatus.ACTIVE


def test_a_handle_has_no_other_attributes_than_its_own_and_what_was_stated() -> None:
    one = registry_with(lambda settings: scorer(other=3)).provider("scorers", "s")
    with pytest.raises(AttributeError, match="other"):
        _ = one.other


def listener(name: str, heard: list[Any], hear: Callable[..., Any]) -> Any:
    @hookimpl
    def fieldhr_alerts_raised(cases: Any) -> None:
        hear()
        heard.append((name, cases))

    return SimpleNamespace(PLUGIN=PluginInfo(name=name, version="1"), fieldhr_alerts_raised=fieldhr_alerts_raised)


@pytest.mark.req("H3")
def test_an_event_reaches_everybody_though_one_fails() -> None:
    heard: list[Any] = []
    registry = Registry()
    plugins = [
        listener("acme.b", heard, lambda: None),
        listener("acme.bad", heard, boom),
        listener("acme.a", heard, lambda: None),
    ]
    registry.load(plugins, autoload=False)
    for _ in range(4):
        registry.announce("fieldhr_alerts_raised", tenant="t", cases=("case",))
    assert heard == [("acme.b", ("case",)), ("acme.a", ("case",))] * 4
    (fault,) = registry.guard.faults
    assert (fault.plugin, fault.count) == ("acme.bad", 3)  # the fourth was not even tried
    assert registry.reports[2].status is PluginStatus.PAUSED
    with pytest.raises(PluginError, match="did you mean 'fieldhr_alerts_raised'"):
        registry.announce("fieldhr_alert_raised")


def test_an_unchecked_look_at_an_odd_answer_cannot_break_the_guard() -> None:
    class Odd(list[Any]):
        def __len__(self) -> int:
            raise RuntimeError("odd")

    one = ProviderHandle(
        plugin="acme.odd",
        family="checks",
        role="",
        name="c",
        tenant="",
        provider=SimpleNamespace(check=lambda _: Odd()),
    )
    with pytest.raises(PluginContractError, match="cannot be checked"):
        Guard().call(one, "check", [])
