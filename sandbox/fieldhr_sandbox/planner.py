"""Finds a rep and days for every instance of every scenario that a pack asks for, by seed and without collisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_core.model import Absence
from fieldhr_sandbox.answers import KeyRecord
from fieldhr_sandbox.books import RepBook
from fieldhr_sandbox.calendars import Days
from fieldhr_sandbox.recipes import Recipe
from fieldhr_sandbox.scenarios import Scenario, Site, Unplantable, by_key
from fieldhr_sandbox.script import Script
from fieldhr_sandbox.streams import Draw, Streams
from fieldhr_sandbox.world import Rep, World

__all__ = ["Planner"]

_Candidate = tuple[tuple[Rep, ...], tuple[int, ...], frozenset[str]]


@attrs.define(kw_only=True)
class Planner:
    """Plants scenarios one after the other, the demanding ones first.

    Attributes:
        redrawn: instance -> how often it must be drawn again.
        quiet_from: first day on which quiet rows are planted: where a dial leaves little room before it is turned.
        spoken_until: day before which what is said is planted: where a dial leaves little room after it is turned.
        near_dwells: (site, place key) of stays just below the limit of a dwell.
    """

    world: World
    days: Days
    recipe: Recipe
    streams: Streams
    scripts: Mapping[tuple[int, int], Script]
    records: list[KeyRecord] = attrs.field(factory=list)
    absences: list[Absence] = attrs.field(factory=list)
    withdrawals: list[tuple[str, datetime]] = attrs.field(factory=list)
    after: list[Any] = attrs.field(factory=list)
    dwells: dict[tuple[int, int, str], Any] = attrs.field(factory=dict)
    near_dwells: list[tuple[Site, str]] = attrs.field(factory=list)
    books: dict[int, RepBook] = attrs.field(factory=dict)
    redrawn: Mapping[str, int] = attrs.field(factory=dict)
    quiet_from: int = 0
    spoken_until: int | None = None
    _span: tuple[int, int] | None = attrs.field(default=None, init=False)
    _kept: set[int] = attrs.field(factory=set)
    _touched: set[int] = attrs.field(factory=set)
    #: How many messages of a script can take the words of one message, or of two in a row; and what was counted.
    _counted: dict[tuple[tuple[int, int], bool], tuple[tuple[int, int, bool], int]] = attrs.field(factory=dict)

    def plant(self, plantings: Sequence[tuple[str, int]], *, spoken: bool) -> None:
        """Plant those of *plantings* that need no part of a day (*spoken*), or all the others.

        Raises:
            SandboxError: FHR-SBX-001 where the tenant is too small for them.
        """
        wanted = [(by_key(key), count) for key, count in plantings]
        chosen = [(row, count) for row, count in wanted if _is_spoken(row) == spoken]
        for row, count in sorted(chosen, key=lambda pair: _demand(pair[0], pair[1], len(self.world.reps))):
            is_late = row.id.startswith("Q") and not row.needs.whole_rep
            self._span = (self.quiet_from, self.days.count) if is_late else None
            if spoken and not row.variant and self.spoken_until is not None:
                self._span = (0, self.spoken_until)
            for ordinal in range(count):
                self._plant_one(row, ordinal)
        self._span = None

    def plant_between(self, plantings: Sequence[tuple[str, int]], first: int, last: int, after: int) -> None:
        """Plant on the days from *first* to before *last*; *after* instances of each row went before.

        Raises:
            SandboxError: FHR-SBX-001 where those days are too few.
        """
        self._span = (first, last)
        for key, count in plantings:
            for ordinal in range(after, after + count):
                self._plant_one(by_key(key), ordinal)
        self._span = None

    def _plant_one(self, row: Scenario, ordinal: int) -> None:
        instance = self.streams.token("instance", row.key, ordinal)
        draw = self.streams.of(f"site-{row.key}", ordinal, self.redrawn.get(instance, 0))
        sites = self._saying(row, draw) if _is_spoken(row) else self._candidates(row, draw)
        for reps, days, parts in sites:
            site = Site(
                scenario=row,
                instance=instance,
                ordinal=ordinal,
                draw=draw,
                world=self.world,
                days=self.days,
                recipe=self.recipe,
                streams=self.streams,
                reps=reps,
                days_used=days,
                part=min(parts, default=""),
                scripts=self.scripts,
                records=self.records,
                absences=self.absences,
                withdrawals=self.withdrawals,
                after=self.after,
                dwells=self.dwells,
                near_dwells=self.near_dwells,
                books=self.books,
            )
            undo = self._undoing(row, reps, days)
            try:
                row.plant(site)
            except Unplantable:
                undo()
                continue
            self._claim(row, reps, days, parts)
            return
        raise SandboxError(
            f"Found no room for instance {ordinal + 1} of {row.key}: {len(self.world.reps)} reps and {self.days.count} "
            "days are too few.",
            code="FHR-SBX-001",
        )

    def _undoing(self, row: Scenario, reps: Sequence[Rep], days: Sequence[int]) -> Callable[[], None]:
        """Return what takes back all that a row may have done before it found that it does not fit here."""
        reserved, changed = set(self.world.reserved), dict(self.world.changed)
        lists: tuple[list[Any], ...] = (self.records, self.absences, self.withdrawals, self.after, self.near_dwells)
        lengths = [len(each) for each in lists]
        dwells, books = dict(self.dwells), dict(self.books)
        touched = range(self.days.count) if row.needs.whole_rep else days
        scripts = [
            (script, script.state()) for rep in reps for day in touched for script in (self.scripts[rep.index, day],)
        ]

        def undo() -> None:
            kept: tuple[tuple[dict[Any, Any], dict[Any, Any]], ...] = (
                (self.world.changed, changed),
                (self.dwells, dwells),
                (self.books, books),
            )
            for one, old in kept:
                one.clear()
                one.update(old)
            self.world.reserved.clear()
            self.world.reserved.update(reserved)
            for each, length in zip(lists, lengths, strict=True):
                del each[length:]
            for script, state in scripts:
                script.restore(state)

        return undo

    def _saying(self, row: Scenario, draw: Draw) -> Iterator[_Candidate]:
        """Yield the rep and day of every message that could be reworded, each message as likely as any other."""
        first, last = self._span or (0, self.days.count)
        in_pairs = row.id == "C02"
        places: list[tuple[int, int]] = []
        for key, script in self.scripts.items():
            made_of = (len(script.messages), len(script.reworded), script.works and not script.absent)
            known = self._counted.get((key, in_pairs))
            if known is None or known[0] != made_of:
                known = self._counted[key, in_pairs] = (made_of, _sayable(row, script) if made_of[2] else 0)
            if known[1] and first <= key[1] < last:
                places += [key] * known[1]
        for rep, day in draw.shuffled(places):
            if _sayable(row, self.scripts[rep, day]):
                yield (self.world.reps[rep],), (day,), frozenset()

    def _candidates(self, row: Scenario, draw: Draw) -> Iterator[_Candidate]:
        first, last = self._span or (0, self.days.count)
        working = [day for day in self.days.working() if first <= day < last]
        needs = row.needs
        order = draw.shuffled(range(len(self.world.reps)))
        if needs.whole_rep and not needs.rural:
            # Few work in the country, and some rows can be planted nowhere else.
            order.sort(key=lambda index: self.world.reps[index].person.territory == "rural")
        salt = draw.below(1 << 30)
        options = [needs.parts]
        if needs.either:
            options = [frozenset({part}) for part in draw.shuffled(("am", "pm"))]
        for index in order:
            reps = self._reps_from(index, needs.reps)
            if reps is None or (needs.rural and reps[0].person.territory != "rural"):
                continue
            if not all(all(self.scripts[rep.index, day].works for day in working) for rep in reps):
                continue
            starts = len(working) - needs.days + 1
            for step in range(max(0, starts)):
                start = (step + salt + index) % starts
                days = tuple(working[start : start + needs.days])
                if days[-1] + needs.after_days >= self.days.count:
                    continue
                if needs.on_weekday is not None and self.days.date(days[0]).isoweekday() != needs.on_weekday:
                    continue
                if needs.make_up and self.days.date(days[0]) not in self.days.calendar.workdays:
                    continue
                if needs.dates and tuple(map(self.days.date, days)) != needs.dates:
                    continue
                for parts in options:
                    if all(self._is_free(row, parts, rep, days) for rep in reps):
                        yield reps, days, parts

    def _reps_from(self, index: int, count: int) -> tuple[Rep, ...] | None:
        """Return *count* neighbours of one branch, beginning with *index*."""
        first = self.world.reps[index]
        reps = self.world.reps[index : index + count]
        return reps if len(reps) == count and all(rep.branch is first.branch for rep in reps) else None

    def _is_free(self, row: Scenario, parts: frozenset[str], rep: Rep, days: Sequence[int]) -> bool:
        if row.needs.desk:
            return rep.index not in self._kept
        scripts = [self.scripts[rep.index, day] for day in days]
        if rep.index in self._kept or (row.needs.whole_rep and rep.index in self._touched):
            return False
        # Half a day of something special is enough: the other half stays ordinary, or somebody innocent would be left
        # without the visits of the week.
        busy = any(part != "noon" for script in scripts for part in script.claimed_by)
        return not busy and not any(parts & set(script.claimed_by) for script in scripts)

    def _claim(self, row: Scenario, reps: Sequence[Rep], days: Sequence[int], parts: frozenset[str]) -> None:
        for rep in reps:
            if not _is_spoken(row) and not row.needs.desk:
                self._touched.add(rep.index)
            if row.needs.whole_rep:
                self._kept.add(rep.index)
            for day in days:
                for part in parts:
                    self.scripts[rep.index, day].claimed_by.setdefault(part, row.key)


def _is_spoken(row: Scenario) -> bool:
    needs = row.needs
    return not needs.parts and not needs.either and not needs.whole_rep and not needs.desk


def _sayable(row: Scenario, script: Script) -> int:
    """Return how many messages of a day can take a row's words (two messages in a row where they are two)."""
    pairs = zip(script.messages, script.messages[1:], strict=False)
    return sum(
        message.speaker == "rep"
        and message.product == "wealth_product"
        and message.id not in script.reworded
        and (row.id != "C02" or after.speaker == "rep")
        for message, after in pairs
    )


def _demand(row: Scenario, count: int, reps: int) -> tuple[bool, bool, int, bool, int, int, str]:
    needs = row.needs
    # What takes up a few days of very many people comes after what takes up few people wholly; else neighbours of one
    # branch who are all free are the first to run out.
    is_bulk = not needs.whole_rep and count > reps // 10
    return (is_bulk, not needs.rural, -needs.reps, not needs.whole_rep, -needs.days, -len(needs.parts), row.key)
