"""The script of one rep-day: what somebody is going to do, and what they wrote down in the end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import attrs

from fieldhr_core.model import CheckIn, Customer, Deal, FollowUp, Inspection, Message, Outing
from fieldhr_sandbox.timeline import Spot, Timeline

__all__ = ["PARTS", "Handed", "Phone", "Script", "Stop", "Visit"]

#: Parts of a working day, in order.
PARTS = ("am", "noon", "pm")


@attrs.frozen(kw_only=True)
class Visit:
    """What a stop at a customer leaves behind.

    Attributes:
        customer: id of the customer.
        outing, check_in, record: whether there is a plan, a check-in and a visit record.
        meeting_place: id of another agreed place.
        joint_with: colleagues who came along.
    """

    customer: str
    outing: bool = True
    check_in: bool = True
    record: bool = True
    meeting_place: str | None = None
    joint_with: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Stop:
    """Go to *spot* and stay there for *stay_s*; the stop before it lasts until it is time to leave.

    Attributes:
        arrive_s: second of arrival; ``None`` = as soon as the stop before it is over.
        depart_s: instead of *arrive_s*: second of departure from the stop before it.
        pace_mps: fixed speed of the way there; ``None`` = as people walk and drive.
        outing_for: customer whose outing begins when the way to this stop does (and ends with the visit to them, or
            with this part of the day).
        instead: takes the place of a visit in the rep's day.
    """

    spot: Spot
    stay_s: int = 0
    arrive_s: int | None = None
    depart_s: int | None = None
    pace_mps: float | None = None
    visit: Visit | None = None
    outing_for: str | None = None
    instead: bool = False


@attrs.frozen(kw_only=True)
class Handed:
    """What somebody's system puts before the compliance checks, and when: a customer, or a record of some kind.

    Attributes:
        kind: ``customer``, a kind of submission (``sale``, ``statement``, ``loan`` ...), or ``decision``.
        value: the :class:`~fieldhr_core.model.Customer`, or the record; of a decision: ``code`` and ``subject`` of the
            alert that compliance confirms, and the ``reason``.
        context: earlier records that bear on it.
    """

    at: datetime
    kind: str
    value: Customer | Mapping[str, Any]
    context: tuple[Mapping[str, Any], ...] = ()


@attrs.define(kw_only=True)
class Phone:
    """What is special about a phone on one day; spans are seconds after midnight, half open.

    Attributes:
        awake: spans in which no gap may fall (the edges of what is injected).
        off: spans without fixes.
        mock: spans with the mock flag set.
        frozen: spans in which coordinates repeat; ``True`` where the source says ``network`` (a phone at rest).
        scattered: (second, metres) single fixes thrown aside.
        held_back: spans whose fixes arrive at the span's end at the earliest.
        fast_by: (span, seconds) by which the phone's clock is ahead.
        flat: whether the battery dies that day; ``None`` = by chance.
        thrown: (start, end, metres east, metres north) by which the fixes of a span are moved, with a good accuracy.
        replayed_day: day whose coordinates are sent again instead of this one's.
        replay: (metres, seconds): how far each of those is moved at random, and how much later they are sent.
        device: id of another phone.
        rides_with: (rep index, metres east, metres north): the phone is in somebody else's bag all day.
        off_duty: spans in which the phone goes on sending although nobody works.
        again: how often its errors were drawn again, because they left undecided what was planted.
    """

    awake: list[tuple[int, int]] = attrs.field(factory=list)
    off: list[tuple[int, int]] = attrs.field(factory=list)
    mock: list[tuple[int, int]] = attrs.field(factory=list)
    frozen: list[tuple[int, int, bool]] = attrs.field(factory=list)
    scattered: list[tuple[int, float]] = attrs.field(factory=list)
    held_back: list[tuple[int, int]] = attrs.field(factory=list)
    fast_by: list[tuple[int, int, int]] = attrs.field(factory=list)
    flat: bool | None = None
    thrown: list[tuple[int, int, float, float]] = attrs.field(factory=list)
    replayed_day: int | None = None
    replay: tuple[float, int] = (0.0, 0)
    device: str | None = None
    rides_with: tuple[int, float, float] | None = None
    off_duty: list[tuple[int, int]] = attrs.field(factory=list)
    again: int = 0


@attrs.define(kw_only=True)
class Script:
    """One rep on one day.

    Attributes:
        parts: stops per part that are fixed already; the background fills the parts that are not.
        visits: customers visited that day; ``None`` = by the rep's quota.
        writes: whether the rep writes anything down.
        writes_at: second from which everything of the day is written down in one go; ``None`` = after each visit.
        arrives_at: (day, second) from which records of the day reach the host; ``None`` = at once.
        calls: whether telephone records are added.
        absent: spans without work at customers; untracked: those of them in which positions are not taken either.
        breaks: breaks of this day where they are not those of the calendar.
        at_home: the whole day is spent at home.
        pauses: further stops elsewhere, each too short to break a rule.
        idle: stops at places of leisure, each too short to break a rule, wherever there is time for them.
        late_s: so much later than usual the afternoon's visits begin.
        high_share: share of the visits that go to customers of high potential; ``None`` = as it comes.
        deals: what was signed that day.
        inspections: statements analysed and sites photographed that day.
        check_ins ... messages: what was recorded, in the end.
        handed: what was put before the compliance checks.
    """

    rep: int
    day: int
    date: date
    works: bool
    parts: dict[str, list[Stop]] = attrs.field(factory=dict)
    visits: int | None = None
    writes: bool = True
    writes_at: int | None = None
    arrives_at: tuple[int, int] | None = None
    calls: bool = True
    absent: list[tuple[int, int]] = attrs.field(factory=list)
    untracked: list[tuple[int, int]] = attrs.field(factory=list)
    breaks: tuple[tuple[int, int], ...] | None = None
    at_home: bool = False
    pauses: int = 0
    idle: int = 0
    late_s: int = 0
    high_share: float | None = None
    deals: list[Deal] = attrs.field(factory=list)
    inspections: list[Inspection] = attrs.field(factory=list)
    phone: Phone = attrs.field(factory=Phone)
    timeline: Timeline = attrs.field(factory=lambda: Timeline(()))
    laid: list[tuple[Stop, int, int, int]] = attrs.field(factory=list)
    outings: list[Outing] = attrs.field(factory=list)
    check_ins: list[CheckIn] = attrs.field(factory=list)
    follow_ups: list[FollowUp] = attrs.field(factory=list)
    messages: list[Message] = attrs.field(factory=list)
    handed: list[Handed] = attrs.field(factory=list)
    claimed_by: dict[str, str] = attrs.field(factory=dict)
    reworded: set[str] = attrs.field(factory=set)

    def state(self) -> dict[str, Any]:
        """Return what stands in the script now, so that later changes can be taken back."""
        return {name: _copied(getattr(self, name)) for name in _FIELDS}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what was changed since *state*."""
        for name, value in state.items():
            setattr(self, name, value)


_FIELDS = tuple(field.name for field in attrs.fields(Script))


def _copied(value: Any) -> Any:
    """Return a container anew, with the same things in it: a stop is told from another by which one it is."""
    if isinstance(value, Phone):
        return Phone(**{field.name: _copied(getattr(value, field.name)) for field in attrs.fields(Phone)})
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return type(value)(value) if isinstance(value, list | set) else value
