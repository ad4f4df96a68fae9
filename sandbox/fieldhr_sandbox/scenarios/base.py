"""How a row of the scenario book becomes something that happens in a tenant.

A scenario is one function that gets a :class:`Site` - a rep, some days, the world - and changes scripts there. What the
product must then do is said with :meth:`Site.expect` and :meth:`Site.silent`, or, for dwells, read off the finished
timeline. A scenario knows the definitions of the scenario book and nothing of any detector.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_core.model import Absence, AbsenceKind, Customer
from fieldhr_sandbox.answers import KeyRecord
from fieldhr_sandbox.books import RepBook
from fieldhr_sandbox.calendars import Days
from fieldhr_sandbox.recipes import Recipe
from fieldhr_sandbox.script import Handed, Script, Stop, Visit
from fieldhr_sandbox.streams import Draw, Streams
from fieldhr_sandbox.timeline import Spot
from fieldhr_sandbox.world import Rep, World

__all__ = ["ALL_DAY", "REGISTRY", "Needs", "Scenario", "Site", "Unplantable", "scenario"]

#: By then everybody is back from lunch.
AFTER_LUNCH_S: Final = 13 * 3600 + 1800
#: Every part of a day.
ALL_DAY: Final = frozenset({"am", "noon", "pm"})


class Unplantable(Exception):  # noqa: N818 - not an error: the planner tries another site
    """A rep or day that does not suit the scenario (no such place near enough)."""


@attrs.frozen(kw_only=True)
class Needs:
    """What a scenario takes up.

    Attributes:
        days: consecutive working days.
        parts: parts of each of them; a thread of messages takes none.
        either: morning or afternoon, as it comes; ``Site.part`` says which.
        whole_rep: nothing else may happen to this rep in the whole trial.
        reps: how many reps of one branch.
        rural: only a rural rep will do.
        after_days: calendar days of the trial that must follow (a weekend counts).
        on_weekday: ISO weekday on which it must begin.
        make_up: it must begin on a make-up working day.
        dates: only these very days will do.
        desk: it takes up nothing of anybody's day: records are handed in.
    """

    days: int = 1
    parts: frozenset[str] = frozenset()
    either: bool = False
    whole_rep: bool = False
    reps: int = 1
    rural: bool = False
    after_days: int = 0
    on_weekday: int | None = None
    make_up: bool = False
    dates: tuple[date, ...] = ()
    desk: bool = False


@attrs.frozen(kw_only=True)
class Scenario:
    """One row of the book, or one silent variant of it."""

    id: str
    variant: str
    title: str
    req: tuple[str, ...]
    needs: Needs
    plant: Callable[[Site], None]

    @property
    def key(self) -> str:
        """``L01`` or ``L01/at-customer``."""
        return f"{self.id}/{self.variant}" if self.variant else self.id


#: Every scenario by key.
REGISTRY: Final[dict[str, Scenario]] = {}


def scenario(
    key: str, title: str, *, req: Sequence[str] = (), needs: Needs | None = None
) -> Callable[[Callable[[Site], None]], Callable[[Site], None]]:
    """Register a function as the scenario *key* (``L01``, or ``L01/at-customer`` for a variant)."""
    row, _, variant = key.partition("/")

    def register(plant: Callable[[Site], None]) -> Callable[[Site], None]:
        REGISTRY[key] = Scenario(
            id=row, variant=variant, title=title, req=tuple(req), needs=needs or Needs(), plant=plant
        )
        return plant

    return register


@attrs.define(kw_only=True)
class Site:
    """Where one instance of a scenario takes place.

    Attributes:
        scenario: the row.
        instance: opaque id of this instance.
        draw: its own stream of random numbers; severities and times come from here.
        reps: the reps concerned, the first one the subject.
        ordinal: how many instances of this row came before.
        days_used: the working days it was given.
        part: the part of the day, where the scenario takes either.
        scripts: scripts of every rep and day, by (rep index, day).
        withdrawals: (rep id, instant) of consents withdrawn.
        after: steps to run when days are laid out and records are written.
        dwells: dwells this instance is going to cause: (rep, day, place key) -> evidence.
        near_dwells: (site, place key) of stays so close below the limit that the fixes must not show more.
        books: what is fixed of the books of reps, by index.
    """

    scenario: Scenario
    instance: str
    ordinal: int
    draw: Draw
    world: World
    days: Days
    recipe: Recipe
    streams: Streams
    reps: tuple[Rep, ...]
    days_used: tuple[int, ...]
    part: str
    scripts: Mapping[tuple[int, int], Script]
    records: list[KeyRecord]
    absences: list[Absence]
    withdrawals: list[tuple[str, datetime]]
    after: list[Callable[[], None]]
    dwells: dict[tuple[int, int, str], tuple[Site, Mapping[str, Any], Mapping[str, Any]]]
    near_dwells: list[tuple[Site, str]]
    books: dict[int, RepBook]
    _recorded: int = attrs.field(default=0, init=False)

    @property
    def rep(self) -> Rep:
        """The rep it is about."""
        return self.reps[0]

    def script(self, number: int = 0, rep: Rep | None = None) -> Script:
        """Return the script of the *number*-th day given (of another rep)."""
        return self.scripts[(rep or self.rep).index, self.days_used[number]]

    def every_script(self, rep: Rep | None = None) -> Iterator[Script]:
        """Yield the scripts of all days of the trial."""
        for day in range(self.days.count):
            yield self.scripts[(rep or self.rep).index, day]

    def keep_pace(self, mean: float, *, before: int) -> None:
        """Let the rep visit *mean* customers a day until a day, whatever a dial asks of everybody.

        What a row plants afterwards is more or less than that, and not than what the dial made of it.
        """
        owed = 0.0
        for script in self.every_script():
            if script.works and script.day < before and script.visits is None:
                owed += mean
                script.visits = min(4, int(owed + self.draw.uniform()))
                owed -= script.visits

    def set_part(self, part: str, stops: list[Stop], number: int = 0, rep: Rep | None = None) -> Script:
        """Fix one part of a day."""
        script = self.script(number, rep)
        script.parts[part] = stops
        script.claimed_by[part] = self.scenario.key
        return script

    def near(
        self,
        category: str,
        to: Spot,
        low_m: float,
        high_m: float,
        *,
        clear_m: float = 250.0,
    ) -> Spot:
        """Return a point of interest between *low_m* and *high_m* from *to*, with no customer within *clear_m*.

        Raises:
            Unplantable: where there is none.
        """
        x, y, world = to.x, to.y, self.world
        found = [
            spot
            for spot in world.of_category(category)
            if low_m <= math.hypot(spot.x - x, spot.y - y) <= high_m and world.nearest_customer_m(spot) > clear_m
        ]
        if not found:
            raise Unplantable
        chosen = self.draw.pick(found)
        self.world.reserved.add(chosen.id)
        return chosen

    def customer(self, *, low_m: float = 0.0, high_m: float = 14_000.0, without: Sequence[Spot] = ()) -> Spot:
        """Return one of the rep's customers between *low_m* and *high_m* from the office.

        Raises:
            Unplantable: where there is none.
        """
        office = self.rep.branch.office
        found = [
            spot for spot in self.rep.customers if low_m <= spot.metres_to(office) <= high_m and spot not in without
        ]
        return self.reserve(self.draw.pick(self.free(found)))

    def free(self, spots: Sequence[Spot]) -> list[Spot]:
        """Return those of *spots* that no scenario relies on; where there are none, those that stand where they stood.

        Raises:
            Unplantable: where there are none either.
        """
        world = self.world
        open_to_all = [spot for spot in spots if spot.id not in world.shunned]
        found = [spot for spot in open_to_all if spot.id not in world.reserved]
        found = found or [spot for spot in open_to_all if spot.id not in world.moved]
        if not found:
            raise Unplantable
        return found

    def reachable(self, spot: Spot, arrive_s: int) -> Spot:
        """Return *spot* if a rep can be there at *arrive_s* after lunch at the office.

        Raises:
            Unplantable: where it is too far.
        """
        straight = spot.metres_to(self.rep.branch.office)
        pace = 6.5 if straight < 12_000 else 10.0 if straight < 35_000 else 17.0
        if arrive_s - 1.3 * straight / pace - 240 < AFTER_LUNCH_S:
            raise Unplantable
        return spot

    def reserve(self, spot: Spot) -> Spot:
        """Keep other scenarios from moving an address."""
        self.world.reserved.add(spot.id)
        return spot

    def new_spot(self, tag: str, like: Spot, east_m: float, north_m: float, **changes: Any) -> Spot:
        """Add a place *east_m* and *north_m* of another one."""
        spot = attrs.evolve(
            like,
            id=f"p-{self.streams.token('spot', self.instance, tag)}",
            x=like.x + east_m,
            y=like.y + north_m,
            customer=None,
            rep=None,
            **changes,
        )
        return self.world.add_spot(spot)

    def hand_in(
        self,
        kind: str,
        value: Customer | Mapping[str, Any],
        second: int,
        number: int = 0,
        *,
        context: Sequence[Mapping[str, Any]] = (),
    ) -> datetime:
        """Put something before the compliance checks on one day, and return when."""
        script = self.script(number)
        at = self.days.instant(script.day, second)
        script.handed.append(Handed(at=at, kind=kind, value=value, context=tuple(context)))
        return at

    def office(self) -> Stop:
        """Return the way back to the desk."""
        return Stop(spot=self.rep.branch.office)

    def visit(self, spot: Spot, stay_s: int, **visit: Any) -> Stop:
        """Return an ordinary visit."""
        assert spot.customer is not None
        return Stop(spot=spot, stay_s=stay_s, visit=Visit(customer=spot.customer, **visit))

    def stay_awake(self, script: Script, *seconds: int, around_s: int = 150) -> None:
        """Let no gap fall within *around_s* of the given instants: the phone was on where it matters."""
        for second in seconds:
            script.phone.awake.append((second - around_s, second + around_s))

    def absent(self, number: int, kind: AbsenceKind, start_s: int, end_s: int, rep: Rep | None = None) -> None:
        """Record an absence (leave, training, meeting) on one day."""
        rep = rep or self.rep
        day = self.days_used[number]
        script = self.scripts[rep.index, day]
        script.absent.append((start_s, end_s))
        self.absences.append(
            Absence(
                id=f"x-{self.streams.token('absence', self.instance, rep.index, day)}",
                rep=rep.id,
                kind=kind,
                start=self.days.instant(day, start_s),
                end=self.days.instant(day, end_s),
            )
        )

    def expect_dwell(
        self, spot: Spot, number: int = 0, *, evidence: Mapping[str, Any], dose: Mapping[str, Any]
    ) -> None:
        """Say that this instance makes an off-site dwell at *spot*; its record is read off the finished timeline."""
        self.dwells[self.rep.index, self.days_used[number], spot.place_key] = (self, evidence, dose)

    def expect(
        self,
        code: str,
        severity: str,
        *,
        window: tuple[int, int, int],
        earliest_s: int,
        detect_by_s: int,
        day: int | None = None,
        subject_kind: str = "rep",
        subject: str | None = None,
        rep: Rep | None = None,
        evidence: Mapping[str, Any] | None = None,
        dose: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a record that demands one alert.

        Args:
            code, severity: of the alert.
            window: (first day, second of it, second of the day of detection) in which it happens.
            earliest_s, detect_by_s: seconds of the day of detection.
            day: the day of detection; the first of ``window`` unless given.
            subject_kind, subject: what it is about; the rep unless given.
            rep: the rep concerned; the site's unless given.
            evidence, dose: see :class:`KeyRecord`.
        """
        rep = rep or self.rep
        on = window[0] if day is None else day
        self.records.append(
            KeyRecord(
                scenario=self.scenario.id,
                variant=self.scenario.variant,
                instance=self._next_instance(),
                kind="alert",
                subject_kind=subject_kind,
                subject=rep.id if subject is None else subject,
                rep=rep.id,
                start=self.days.instant(window[0], window[1]),
                end=self.days.instant(on, window[2]),
                code=code,
                severity=severity,
                earliest=self.days.instant(on, earliest_s),
                detect_by=self.days.instant(on, detect_by_s),
                evidence=dict(evidence or {}),
                dose=dict(dose or {}),
                group=rep.person.territory,
            )
        )

    def silent(
        self,
        must_not: Sequence[str],
        *,
        number: int = 0,
        until: int | None = None,
        rep: Rep | None = None,
        subject_kind: str = "rep",
        subject: str | None = None,
        dose: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a record that demands silence of *must_not* on one day (until the end of another)."""
        rep = rep or self.rep
        day = self.days_used[number]
        self.records.append(
            KeyRecord(
                scenario=self.scenario.id,
                variant=self.scenario.variant,
                instance=self._next_instance(),
                kind="silence",
                subject_kind=subject_kind,
                subject=rep.id if subject is None else subject,
                rep=rep.id,
                start=self.days.instant(day, 0),
                end=self.days.instant(day if until is None else until, 24 * 3600),
                must_not=tuple(must_not),
                dose=dict(dose or {}),
                group=rep.person.territory,
            )
        )

    def campaign(self, any_of: Sequence[str], *, first: int, style: str, accomplice: Rep | None = None) -> None:
        """Add a record of somebody who cheats in several ways, from the *first* of the days given to the last one.

        Args:
            any_of: codes that what they do may rightly raise about them.
            style: the rows it is made of.
            accomplice: who lends a hand; found or not, they are not counted.
        """
        rep = accomplice or self.rep
        start, last = self.days_used[first], self.days_used[-1]
        self.records.append(
            KeyRecord(
                scenario=self.scenario.id,
                variant="accomplice" if accomplice is not None else self.scenario.variant,
                instance=self._next_instance(),
                kind="campaign",
                subject_kind="rep",
                subject=rep.id,
                rep=rep.id,
                start=self.days.instant(start, 0),
                end=self.days.instant(last, self.days.end_s),
                earliest=self.days.instant(start, 0),
                detect_by=self.days.instant(last, 24 * 3600),
                any_of=tuple(any_of),
                dose={"style": style},
                group=rep.person.territory,
            )
        )

    def chance(self, any_of: Sequence[str], *, dose: Mapping[str, Any]) -> None:
        """Add a record of something that is true of the rep and need not show: alerts of *any_of* are right."""
        self.records.append(
            KeyRecord(
                scenario=self.scenario.id,
                variant=self.scenario.variant,
                instance=self._next_instance(),
                kind="chance",
                subject_kind="rep",
                subject=self.rep.id,
                rep=self.rep.id,
                # What the books show of the month before is told on the first days.
                start=self.days.instant(-31, 0),
                end=self.days.instant(self.days.count - 1, 24 * 3600),
                any_of=tuple(any_of),
                dose=dict(dose),
                group=self.rep.person.territory,
            )
        )

    def count(self, counter: str, sent: int) -> None:
        """Add a record that demands that *sent* fixes are refused for the reason *counter*."""
        self.records.append(
            KeyRecord(
                scenario=self.scenario.id,
                variant=self.scenario.variant,
                instance=self._next_instance(),
                kind="counter",
                subject_kind="rep",
                subject=self.rep.id,
                rep=self.rep.id,
                start=self.days.instant(self.days_used[0], 0),
                end=self.days.instant(self.days.count, 0),
                code=counter,
                dose={"sent": sent},
                group=self.rep.person.territory,
            )
        )

    def _next_instance(self) -> str:
        self._recorded += 1
        return f"{self.instance}{self._recorded - 1:02d}"


def by_key(key: str) -> Scenario:
    """Return a scenario by key.

    Raises:
        SandboxError: FHR-SBX-001 where there is none.
    """
    try:
        return REGISTRY[key]
    except KeyError:
        raise SandboxError(f"There is no scenario {key!r}.", code="FHR-SBX-001") from None
