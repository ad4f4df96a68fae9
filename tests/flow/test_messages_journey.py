"""Messages: answered at once, stored sealed, and never cleared by a check that could not look."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.hooks import Offer, PluginInfo, hookimpl
from fieldhr_core.model import Finding, Message, Outcome, Principal, Ruling, Severity, Submission
from fieldhr_core.trust.keys import EphemeralKeys


class Listener:
    """A check that stops at one word and remembers what it was shown."""

    kinds = ("message",)

    def __init__(self) -> None:
        self.seen: list[Submission] = []

    def check(self, submissions: Sequence[Submission], /) -> list[Ruling]:
        self.seen += submissions
        return [self._rule(submission) for submission in submissions]

    def _rule(self, submission: Submission) -> Ruling:
        message = submission.value
        if "moon" not in message.text:
            return Ruling(submission=submission.id, outcome=Outcome.CLEARED)
        finding = Finding(
            code="test.moon",
            subject_kind="message",
            subject=message.id,
            rep=message.rep,
            instance=message.id,
            opened_at=message.time,
            severity=Severity.HIGH,
            confidence=0.9,
            rule="no moons",
            version="1",
        )
        return Ruling(submission=submission.id, outcome=Outcome.STOP, findings=(finding,))


class Broken:
    kinds = ("message",)

    def check(self, submissions: Sequence[Submission], /) -> list[Ruling]:
        raise RuntimeError("out of order")


class Miscounting:
    kinds = ("message",)

    def check(self, submissions: Sequence[Submission], /) -> list[Ruling]:
        return []


def plugin(name: str, check: Any) -> Any:
    @hookimpl
    def fieldhr_register_checks(context: Any) -> list[Offer[Any]]:
        return [Offer(name.replace(".", "_"), lambda settings: check)]

    return SimpleNamespace(PLUGIN=PluginInfo(name=name, version="1"), fieldhr_register_checks=fieldhr_register_checks)


def say(town: Any, ident: str, text: str, clock: str = "10:00") -> Message:
    return Message(id=ident, thread="t", rep="r1", customer="c1", speaker="rep", text=text, time=town.at(clock))


def submit(
    url: str, admin: Principal, settle: Any, town: Any, checks: list[Any], messages: list[Message], **tenant: Any
):
    clock = FrozenClock(town.at("08:00"))
    with FieldHR.open(url, clock=clock, keys=EphemeralKeys(), plugins=checks, autoload=False) as hr:
        settle(hr, admin, **tenant)
        clock.advance(town.at("19:00"))
        with hr.acting_as(admin, purpose="operations") as desk:
            rulings = [ruling for message in messages for ruling in desk.messages.submit([message])]
            return rulings, desk.alerts.list(), hr.faults


@pytest.mark.req("C1")
def test_a_message_is_answered_stored_sealed_and_raised(
    database_url: str, admin: Principal, settle: Any, town: Any
) -> None:
    listener = Listener()
    messages = [say(town, "m1", "Hello"), say(town, "m2", "I promise you the moon", "10:01")]
    rulings, cases, _ = submit(database_url, admin, settle, town, [plugin("test.listener", listener)], messages)
    assert [ruling.outcome for ruling in rulings] == [Outcome.CLEARED, Outcome.STOP]
    assert [case.finding.subject for case in cases] == ["m2"]
    assert [earlier.id for earlier in listener.seen[1].context] == ["m1"], "a check sees what was said before"
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        stored = connection.execute(sa.text("SELECT text_sealed FROM fieldhr_messages")).scalars().all()
    engine.dispose()
    assert len(stored) == 2
    assert not any(b"moon" in bytes(text) for text in stored)


@pytest.mark.req("H3", "C1")
@pytest.mark.parametrize("faulty", [Broken(), Miscounting()], ids=["raises", "miscounts"])
def test_a_check_that_fails_clears_nothing_and_hides_nothing(
    faulty: Any, sqlite_url: str, admin: Principal, settle: Any, town: Any
) -> None:
    checks = [plugin("test.faulty", faulty), plugin("test.listener", Listener())]
    messages = [say(town, "m1", "Hello"), say(town, "m2", "the moon", "10:01")]
    rulings, cases, faults = submit(sqlite_url, admin, settle, town, checks, messages)
    assert [ruling.outcome for ruling in rulings] == [Outcome.REVIEW, Outcome.STOP]
    assert {ground.code for ruling in rulings for ground in ruling.grounds} == {"check.failed"}
    assert [case.finding.code for case in cases] == ["test.moon"], "the other check still finds"
    assert [(fault.plugin, fault.count) for fault in faults] == [("test.faulty", 2)]


def test_without_a_check_or_without_one_that_is_relied_on_nothing_is_cleared(
    tmp_path: Any, admin: Principal, settle: Any, town: Any
) -> None:
    hello = [say(town, "m1", "Hello")]
    [ruling], _, _ = submit(f"sqlite:///{tmp_path / 'a.db'}", admin, settle, town, [], hello)
    assert (ruling.outcome, ruling.grounds[0].code) == (Outcome.REVIEW, "check.none")
    relied = {"required_checks": {"message": ["conduct.phrases"]}}
    [ruling], _, _ = submit(
        f"sqlite:///{tmp_path / 'b.db'}",
        admin,
        settle,
        town,
        [plugin("test.listener", Listener())],
        hello,
        settings=relied,
    )
    assert ruling.outcome is Outcome.REVIEW
    assert ruling.grounds[0].facts == {"checks": ["conduct.phrases: not installed"]}
