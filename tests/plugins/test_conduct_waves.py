"""C09: a word that spreads in a branch is proposed, a person confirms it, and from then on it alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, ConfigError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import (
    MESSAGES,
    PEOPLE,
    Audience,
    Finding,
    Message,
    Outcome,
    Period,
    Person,
    Principal,
    Role,
    Severity,
    milliseconds,
)
from fieldhr_core.testing import FakeTables
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_plugins import conduct
from fieldhr_plugins.conduct.settings import ConductSettings
from fieldhr_plugins.conduct.waves import PhraseWaves

FIRST = date(2026, 3, 2)
USUAL = ("资料已经收到,明天给您答复。", "利率以合同为准。", "周五前我到您公司拜访。", "额度要看审批结果。")
SPREADS = ("这单有铁布衫的。", "给您配了铁布衫。", "咱们带铁布衫,您看呢?", "老客户都要铁布衫。")


def working(count: int) -> list[date]:
    days = (FIRST + timedelta(days=number) for number in range(2 * count))
    return [day for day in days if day.isoweekday() <= 5][:count]


def rows(
    days: list[date], *, branches: int = 3, reps: int = 6, spread: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Two messages a rep and day; ``spread``: who says what instead of the first (branch, days from, texts)."""
    found: list[dict[str, Any]] = []
    for n, day in enumerate(days):
        for branch in range(branches):
            for rep in range(reps):
                texts = [USUAL[(n + rep) % 4], USUAL[(n + rep + 1) % 4]]
                if spread and spread["who"](branch, rep) and n >= spread["since"]:
                    texts[0] = spread["texts"][(n + rep) % len(spread["texts"])]
                for place, text in enumerate(texts):
                    at = datetime(day.year, day.month, day.day, 2 + place, rep, tzinfo=UTC)
                    row = {"message": f"m{n}-{branch}-{rep}-{place}", "rep": f"r{branch}{rep}", "customer": f"c{rep}"}
                    row |= {"speaker": "rep", "channel": "chat", "time_ms": milliseconds(at), "text": text}
                    found.append(row | (spread["more"] if spread and texts[0] == text else {}))
    return found


def spread(
    since: int, *, who: Any = lambda branch, _: branch == 0, texts: Any = SPREADS, **more: Any
) -> dict[str, Any]:
    return {"since": since, "who": who, "texts": texts, "more": more}


def found(
    table: list[dict[str, Any]], days: list[date], *, branches: int = 3, reps: int = 6, **settings: Any
) -> list[Finding]:
    people = [
        {
            "rep": f"r{branch}{rep}",
            "role": "x",
            "manager": None,
            "team": None,
            "branch": f"b{branch}",
            "territory": None,
        }
        for branch in range(branches)
        for rep in range(reps)
    ]
    alerter = PhraseWaves(ConductSettings(**settings))
    told: list[Finding] = []
    for n in range(len(days)):
        evening = datetime(days[n].year, days[n].month, days[n].day, 23, tzinfo=UTC)
        seen = [row for row in table if row["time_ms"] <= milliseconds(evening)]
        tables = FakeTables(
            MESSAGES.from_rows(seen),
            PEOPLE.from_rows(people),
            period=Period(days[n] - timedelta(days=55), days[n]),
            as_of=evening,
        )
        told += alerter.find(tables)
    return told


@pytest.mark.req("C1", "C9")
@pytest.mark.scenario("C09")
def test_a_word_that_spreads_in_a_branch_is_proposed_once() -> None:
    days = working(15)
    (finding,) = found(rows(days, spread=spread(8)), days)
    assert (finding.code, finding.subject_kind, finding.subject, finding.rep) == (
        "conduct.new_phrase",
        "branch",
        "b0",
        None,
    )
    assert finding.params["phrase"] == "铁布衫"
    assert finding.severity is Severity.LOW
    assert finding.audience == (Audience.COMPLIANCE,)
    assert finding.opened_at.date() <= days[12]
    assert finding.proposes == {"setting": "phrases", "add": {"phrase": "铁布衫"}}
    assert len(finding.evidence[0].ids) == finding.params["uses"] >= 8
    assert finding.params["before"] == finding.params["elsewhere"] == 0


@pytest.mark.req("C9")
@pytest.mark.scenario("C09")
def test_a_young_tenant_and_other_scripts_are_read_too() -> None:
    days = working(5)
    assert [each.params["phrase"] for each in found(rows(days, spread=spread(2)), days)] == ["铁布衫"]
    days = working(12)
    said = ("We put it under the iron umbrella.", "Iron umbrella, as I said.", "It has an iron umbrella for you.")
    (finding,) = found(rows(days, spread=spread(7, texts=said)), days)
    assert finding.params["phrase"] == "iron umbrella"
    hidden = tuple(text.replace("铁布衫", "铁.布.衫") for text in SPREADS)
    assert [each.params["phrase"] for each in found(rows(days, spread=spread(7, texts=hidden)), days)] == ["铁布衫"]


@pytest.mark.req("C9")
@pytest.mark.scenario("C09")
@pytest.mark.parametrize(
    "near",
    [
        spread(8, channel="it_support", customer=None),
        spread(8, channel="internal"),
        spread(8, speaker="customer"),
        spread(8, who=lambda branch, rep: (branch, rep) == (0, 0)),
        spread(8, who=lambda *_: True),
        spread(0),
        None,
    ],
    ids=[
        "internal IT",
        "internal channel",
        "customers say it",
        "one rep",
        "every branch",
        "always said",
        "nothing new",
    ],
)
def test_what_is_no_wave(near: dict[str, Any] | None) -> None:
    days = working(15)
    assert found(rows(days, spread=near), days) == []


def test_how_many_uses_it_takes_moves_with_the_setting() -> None:
    days = working(15)
    table = rows(days, spread=spread(13))
    assert len(found(table, days)) == 1
    assert found(table, days, new_phrase_rep_days=20) == []


def test_chance_alone_makes_no_proposal() -> None:
    """Words of a fixed stock fall on branches by chance: none of twenty-five evenings proposes one."""
    import random

    draw = random.Random(7)
    stock = ["".join(draw.choices("春夏秋冬山川湖海风花雪月云雨星光", k=3)) for _ in range(60)]
    days = working(25)
    table = [{**row, "text": row["text"] + draw.choice(stock)} for row in rows(days)]
    assert found(table, days) == []


AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
COMPLIANCE = Principal(tenant="bank", id="eve", role=Role.COMPLIANCE)


@pytest.fixture
def house(database_url: str) -> Iterator[tuple[FieldHR, FrozenClock]]:
    clock = FrozenClock(AT)
    with FieldHR.open(database_url, clock=clock, keys=EphemeralKeys(), plugins=[conduct], autoload=False) as hr:
        hr.tenants.create("bank", name="Bank")
        with hr.acting_as(_admin(), purpose="operations") as desk:
            desk.people.put(
                [Person(id=f"r{b}{n}", name=f"Rep {b}{n}", branch=f"b{b}") for b in range(2) for n in range(4)]
            )
        yield hr, clock


def _admin() -> Principal:
    return Principal(tenant="bank", id="erp", role=Role.ADMIN)


def _live_through(hr: FieldHR, clock: FrozenClock, days: list[date], since: int) -> None:
    """Let the branch b0 say 兜底 from a day on, in what it writes anyway."""
    said = ("这个有兜底的。", "公司给兜底,您看呢?", "都有兜底。", "兜底没问题。")
    for n, day in enumerate(days):
        messages = []
        for branch in range(2):
            for rep in range(4):
                for place in range(3):
                    is_new = branch == 0 and n >= since and place < 2
                    at = datetime(day.year, day.month, day.day, 2 + place, rep, tzinfo=UTC)
                    text = said[(rep + place) % 4] if is_new else USUAL[(rep + place) % 4]
                    messages.append(_message(f"m{n}-{branch}-{rep}-{place}", f"r{branch}{rep}", text, at))
        with hr.acting_as(_admin(), purpose="integration") as desk:
            clock.advance(max(message.time for message in messages))
            desk.messages.submit(messages)
        hr.advance(to=datetime(day.year, day.month, day.day, 15, 30, tzinfo=UTC))


def _message(name: str, rep: str, text: str, at: datetime, **more: Any) -> Message:
    values: dict[str, Any] = {"thread": f"t-{name}", "customer": "c1", "speaker": "rep"}
    return Message(id=name, rep=rep, text=text, time=at, **(values | more))


@pytest.mark.req("C1", "C9")
@pytest.mark.scenario("C09")
def test_a_confirmed_word_alerts_from_then_on(house: tuple[FieldHR, FrozenClock]) -> None:
    hr, clock = house
    quiet = ["principal_guarantee", "return_guarantee", "false_endorsement"]  # so that 兜底 is no phrase of the package
    hr.tenants.configure("bank", {"fieldhr.conduct": {"quiet_categories": quiet, "likeness": False}})
    _live_through(hr, clock, working(9), 4)
    with hr.acting_as(COMPLIANCE, purpose="compliance") as desk:
        (case,) = desk.alerts.list(code="conduct.new_phrase")
        assert (case.finding.subject, case.finding.params["phrase"]) == ("b0", "兜底")
        assert desk.alerts.replay(case.id).equal
        clock.advance(datetime(2026, 3, 13, 1, tzinfo=UTC))
        desk.alerts.acknowledge(case.id)
        desk.alerts.confirm(case.id, "means: the firm pays")
        later = _message("n1", "r13", "放心,我们兜.底", clock.now() + timedelta(hours=1))
        earlier = attrs.evolve(later, id="n0", thread="t0", time=clock.now() - timedelta(hours=1))
        at_work = attrs.evolve(later, id="n2", thread="t2", channel="it_support")
    with hr.acting_as(_admin(), purpose="integration") as desk:
        clock.advance(later.time)
        first, second, third = desk.messages.submit([later, earlier, at_work])
    assert (first.outcome, second.outcome, third.outcome) == (Outcome.STOP, Outcome.CLEARED, Outcome.CLEARED)
    with hr.acting_as(COMPLIANCE, purpose="compliance") as desk:
        (found,) = desk.alerts.list(code="conduct.banned_phrase")
        assert (found.finding.subject, found.finding.severity) == ("n1", Severity.HIGH)
        assert found.finding.params["category"] == "house_phrase"
        # Both come out the same again: the wave although the word is known now, the message after the word has ended.
        assert desk.alerts.replay(case.id).equal
        clock.advance(clock.now() + timedelta(minutes=1))
        desk.alerts.end_addition(case.id, "said to be harmless")
        assert desk.alerts.replay(found.id).equal
        with pytest.raises(ConfigError, match="No addition"):
            desk.alerts.end_addition(case.id, "again")
        clock.advance(clock.now() + timedelta(hours=1))
    with hr.acting_as(_admin(), purpose="integration") as desk:
        (ruling,) = desk.messages.submit([attrs.evolve(later, id="n3", thread="t3", time=clock.now())])
        trail = [event.action for event in desk.trail.events()] if hasattr(desk.trail, "events") else None
    assert ruling.outcome is Outcome.CLEARED
    assert trail is None or {"settings.add", "settings.end"} <= set(trail)


@pytest.mark.req("C9")
def test_a_person_puts_the_proposal_right_and_only_compliance_confirms(house: tuple[FieldHR, FrozenClock]) -> None:
    hr, clock = house
    _live_through(hr, clock, working(8), 4)
    manager = Principal(tenant="bank", id="mo", role=Role.HR_PAYROLL)
    with hr.acting_as(COMPLIANCE, purpose="compliance") as desk:
        (case,) = desk.alerts.list(code="conduct.new_phrase")
        desk.alerts.acknowledge(case.id)
        with pytest.raises(ConfigError):
            desk.alerts.confirm(case.id, "no such field", amend={"word": "x"})
        desk.alerts.confirm(case.id, "wider", amend={"phrase": "铁盖子", "category": "principal_guarantee"})
        clock.advance(clock.now() + timedelta(hours=12))
    with hr.acting_as(manager, purpose="payroll") as desk, pytest.raises(AccessError):
        desk.alerts.end_addition(case.id, "no")
    with hr.acting_as(_admin(), purpose="integration") as desk:
        (ruling,) = desk.messages.submit([_message("n1", "r13", "这款有铁盖子", clock.now())])
    assert any(ground.facts["entry"] == f"own:{case.id}" for ground in ruling.grounds)
