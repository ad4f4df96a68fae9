"""A whole synthetic tenant: a pure function of pack, seed and sandbox version.

Everything that people do and write exists at once; fixes are made when somebody asks for them, a rep-day or many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring
from typing import Any, Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_core.model import Absence, CheckIn, Deal, FollowUp, Message, Outing, Table
from fieldhr_sandbox.answers import AnswerKey, KeyRecord, canonical
from fieldhr_sandbox.background import Memory, fill_day, visit_quota
from fieldhr_sandbox.books import Books, build_books
from fieldhr_sandbox.calendars import Days
from fieldhr_sandbox.catalogue import plantings_of
from fieldhr_sandbox.dialled import (
    Pace,
    anomaly_mix,
    expected_anomalies,
    next_paces,
    parts_of,
    phrases_wanted,
    set_pace,
    share_of,
)
from fieldhr_sandbox.layout import lay_out
from fieldhr_sandbox.marking import Exposure
from fieldhr_sandbox.packs import Pack
from fieldhr_sandbox.planner import Planner
from fieldhr_sandbox.proof import proven_at
from fieldhr_sandbox.recipes import Recipe, recipe
from fieldhr_sandbox.records import write_down
from fieldhr_sandbox.scenarios import Site
from fieldhr_sandbox.script import PARTS, Script
from fieldhr_sandbox.sensors import REFERENCE, STEP_S, Dials, Observed, observe
from fieldhr_sandbox.streams import SANDBOX_VERSION, Streams
from fieldhr_sandbox.talk import converse
from fieldhr_sandbox.truth import LIMIT_S, MERGE_S, Dwell, TrueStay, merged_stays, off_site_dwells
from fieldhr_sandbox.world import Rep, World, build_world

__all__ = ["Tenant", "build"]

#: Innocent stays at places of leisure keep this far below the limit.
_MARGIN_S = 4 * 60
#: An alert that is raised live is due so long after the limit has passed.
_LIVE_S = 120
#: Ordinals of the second part of a turned dial begin here.
_APART = 100_000
#: So often instances are drawn again before a seed is given up.
_DRAWS = 8
#: Rep-days observed side by side.
_AT_ONCE = 64
#: Working days over which nobody innocent may have fewer visits than days.
BUSY_DAYS = 5


@attrs.define(kw_only=True)
class Tenant:
    """What a pack and a seed make.

    Attributes:
        scripts: one a rep and day, by (rep index, day).
        key: the answer key.
        absences: leave, training, meetings.
        withdrawals: (rep id, instant) at which somebody withdraws the consent to be tracked.
        books: loans and deals, where the pack has dials for them.
    """

    pack: Pack
    seed: int
    recipe: Recipe
    days: Days
    streams: Streams
    world: World
    scripts: Mapping[tuple[int, int], Script]
    absences: list[Absence]
    withdrawals: list[tuple[str, datetime]]
    key: AnswerKey
    dials: Dials
    books: Books | None = None

    @property
    def id(self) -> str:
        """Id under which the tenant is created."""
        return f"trial-{self.pack.name}-{self.seed}"

    def day_scripts(self, day: int) -> list[Script]:
        """Return the scripts of one day, by rep."""
        return [self.scripts[rep.index, day] for rep in self.world.reps]

    def fixes(self, scripts: Sequence[Script]) -> Observed:
        """Return the fixes of some rep-days."""
        return observe(scripts, self.world, self.days, self.streams, self.dials, self.scripts)

    def outings(self) -> Iterator[Outing]:
        """Yield every outing."""
        for script in self.scripts.values():
            yield from script.outings

    def check_ins(self) -> Iterator[CheckIn]:
        """Yield every check-in."""
        for script in self.scripts.values():
            yield from script.check_ins

    def follow_ups(self) -> Iterator[FollowUp]:
        """Yield every follow-up."""
        for script in self.scripts.values():
            yield from script.follow_ups

    def messages(self) -> Iterator[Message]:
        """Yield every message."""
        for script in self.scripts.values():
            yield from script.messages

    def deals(self) -> Iterator[Deal]:
        """Yield every deal."""
        for script in self.scripts.values():
            yield from script.deals

    def exposure(self) -> Exposure:
        """Return how many rep-days and manager-days are worked."""
        working = self.days.working()
        belongs = self.groups()
        groups: dict[str, int] = {}
        for rep in self.world.reps:
            worked = sum(self.scripts[rep.index, day].works for day in working)
            for group in belongs[rep.id]:
                groups[group] = groups.get(group, 0) + worked
        return Exposure(
            rep_days=sum(self.scripts[rep.index, day].works for rep in self.world.reps for day in working),
            manager_days=(len(self.world.leaders) - 1) * len(working),
            group_rep_days=groups,
        )

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Return rep -> groups whose rates are compared: by territory, contract, length of service and age.

        The host never says how old anybody is, so age is drawn here and handed to nobody.
        """
        year = timedelta(days=365)
        found: dict[str, tuple[str, ...]] = {}
        for person in self.world.people():
            part_time = person.pattern is not None and person.pattern.contract_share < 1
            new = person.joined is not None and self.days.first - person.joined < year
            found[person.id] = (
                person.territory or "",
                "part time" if part_time else "full time",
                "new" if new else "long-serving",
                "under 35" if self.streams.of("age", len(found)).chance(0.45) else "35 and over",
            )
        return {rep.id: found[rep.id] for rep in self.world.reps}

    def tables(self, fixes: Callable[[int], str] | None = None) -> dict[str, str]:
        """Return the SHA-256 of every exported table: equal for equal (pack, seed, version), on any platform.

        Args:
            fixes: returns the digest of a day's fixes; they are made for it unless given.
        """
        digests = {
            "people": _digest(self.world.people()),
            "customers": _digest(self.world.customers.values()),
            "places": _digest(self.world.places()),
            "absences": _digest(self.absences),
            "outings": _digest(self.outings()),
            "check_ins": _digest(self.check_ins()),
            "follow_ups": _digest(self.follow_ups()),
            "deals": _digest(self.deals()),
            "messages": _digest(self.messages()),
        }
        if self.books is not None:
            digests["loans"], digests["books"] = _digest(self.books.loans.rows()), _digest(self.books.deals.rows())
        inspections = (each for script in self.scripts.values() for each in script.inspections)
        digests["inspections"] = _digest(attrs.asdict(each) | {"picture": None} for each in inspections)
        digests["handed"] = _digest(one for script in self.scripts.values() for one in script.handed)
        digests["listed"] = _digest(self.world.listed)
        whole = hashlib.sha256()
        for day in range(self.days.count):
            one = fixes(day) if fixes is not None else table_digest(self.fixes(self.day_scripts(day)).table)
            whole.update(one.encode())
        digests["fixes"] = whole.hexdigest()
        return digests


def build(pack: Pack, seed: int, *, blind: bool = False, dials: Dials | None = None) -> Tenant:
    """Build a tenant.

    Instances whose dose ordinary phones would leave undecided are drawn again, and the tenant is built once more.

    Args:
        pack: what to build.
        seed: any integer from 0.
        blind: draw severities and times again, from streams nobody has seen.
        dials: what phones are like; the pack's unless given.

    Raises:
        SandboxError: FHR-SBX-001 where a scenario finds no room; FHR-SBX-002 where the finished timelines do not hold
            exactly the dwells that the scenarios announced (a bug of the sandbox: such a key must never be used).
    """
    redrawn: dict[str, int] = {}
    quotas = expected_anomalies(pack)
    paces = tuple(Pace() for _ in parts_of(pack))
    chosen = recipe(pack.recipe)
    if pack.customers_per_rep is not None:
        chosen = attrs.evolve(chosen, customers_per_rep=pack.customers_per_rep)
    streams = Streams(seed, "blind" if blind else "")
    world = build_world(chosen, pack.reps, streams, pack.first)
    for number in range(_DRAWS):
        planned = _plan(pack, chosen, streams, world.copy(), redrawn, quotas, paces)
        wanted = _quotas(pack, _foreseen(planned))
        # What a plan foresees spares living through days in vain; after that, only what was lived through counts.
        if number == 0 and not _are_near(wanted, quotas):
            planned = _plan(pack, chosen, streams, world.copy(), redrawn, quotas := wanted, paces)
        tenant, undecided = _build(pack, seed, planned, dials or pack.dials)
        wanted, kept = anomaly_quotas(tenant), paces
        paces = next_paces(tenant, kept)
        if not undecided and _are_near(wanted, quotas) and paces == kept:
            return tenant
        del tenant
        quotas = wanted
        for instance in undecided:
            redrawn[instance] = redrawn.get(instance, 0) + 1
    raise SandboxError(f"Seed {seed} of {pack.name} stays undecided after {_DRAWS} draws.", code="FHR-SBX-001")


def _plan(
    pack: Pack,
    chosen: Recipe,
    streams: Streams,
    world: World,
    redrawn: Mapping[str, int],
    quotas: Sequence[int],
    paces: Sequence[Pace],
) -> _Planned:
    """Plant everything that takes part of a day, and say how many customers everybody visits on each day."""
    days = Days(first=pack.first, count=pack.days, pattern=chosen.pattern)
    scripts = {
        (rep.index, day): Script(rep=rep.index, day=day, date=days.date(day), works=days.works(day))
        for rep in world.reps
        for day in range(days.count)
    }
    planner = Planner(
        world=world,
        days=days,
        recipe=chosen,
        streams=streams,
        scripts=scripts,
        redrawn=redrawn,
        quiet_from=0 if pack.turn is None else pack.turn.on_day,
        spoken_until=None if pack.turn is None or pack.turn.wording is None else pack.turn.on_day,
    )
    planner.plant(plantings_of(pack), spoken=False)
    for part, (count, (first, last)) in enumerate(zip(quotas, parts_of(pack), strict=True)):
        planner.plant_between(anomaly_mix(count), first, last, _APART * part)
    return _Planned(planner=planner, visits=[_visits(rep, planner, pack, paces) for rep in world.reps])


def _build(pack: Pack, seed: int, planned: _Planned, dials: Dials) -> tuple[Tenant, frozenset[str]]:
    """Build a tenant once; return it and the instances that its phones' fixes would leave undecided."""
    planner = planned.planner
    world, days, chosen, streams, scripts = (
        planner.world,
        planner.days,
        planner.recipe,
        planner.streams,
        planner.scripts,
    )
    for (index, _), script in scripts.items():
        converse(script, world.reps[index], days, streams, chosen.products, pack.threads, world.shunned)
    planner.plant(plantings_of(pack), spoken=True)
    for part, (count, (first, last)) in enumerate(zip(phrases_wanted(pack, planner), parts_of(pack), strict=False)):
        planner.plant_between((("C01", count),), first, last, _APART * (1 + part))
    for rep, visits in zip(world.reps, planned.visits, strict=True):
        _live(rep, planner, visits)
    for step in planner.after:
        step()
    for script in scripts.values():
        script.messages.sort(key=lambda message: (message.time, message.id))
        script.check_ins.sort(key=lambda check_in: (check_in.time, check_in.id))
        script.follow_ups.sort(key=lambda follow_up: (follow_up.written, follow_up.id))
    tenant = Tenant(
        pack=pack,
        seed=seed,
        recipe=chosen,
        days=days,
        streams=streams,
        world=world,
        scripts=scripts,
        absences=planner.absences,
        withdrawals=planner.withdrawals,
        key=AnswerKey(()),
        dials=dials,
        books=None if pack.books is None else build_books(pack.books, streams, world, days, planner.books),
    )
    dwells, undecided = _dwell_records(planner, tenant)
    tenant.key = AnswerKey.of([*planner.records, *dwells])
    return tenant, undecided


def table_digest(table: Table) -> str:
    """Return the SHA-256 of a column table, the same on every platform: numbers as little-endian 64-bit."""
    from fieldhr_core.model import Coded

    digest = hashlib.sha256(f"{table.schema.name}|{len(table)}|{SANDBOX_VERSION}".encode())
    for column in table.schema.columns:
        values = table[column.name]
        if isinstance(values, Coded):
            digest.update(canonical([list(values.values)]))
            values = values.codes
        digest.update(values.astype("<f8" if values.dtype.kind == "f" else "<i8").tobytes())
    return digest.hexdigest()


def _are_near(wanted: Sequence[int], planted: Sequence[int]) -> bool:
    return all(near_quota(now, then) for now, then in zip(wanted, planted, strict=True))


@attrs.frozen(eq=False, kw_only=True)
class _Planned:
    """What is planted, and by rep index and day how many customers are to be visited; nothing lived through yet."""

    planner: Planner
    visits: list[dict[int, int]]


def _visits(rep: Rep, planner: Planner, pack: Pack, paces: Sequence[Pace]) -> dict[int, int]:
    """Return how many customers a rep visits on each day with visits."""
    days, scripts = planner.days, planner.scripts
    mine = (scripts[rep.index, day] for day in days.working())
    working = [script.day for script in mine if script.works and not script.at_home]
    quota: dict[int, int] = {}
    for part, (first, last) in enumerate(parts_of(pack) or ((0, days.count),)):
        here = [day for day in working if first <= day < last]
        weekdays = [days.date(day).isoweekday() for day in here]
        mean = None if pack.turn is None else pack.turn.visits[part]
        quota |= zip(here, visit_quota(planner.recipe, rep.index, weekdays, planner.streams, mean, part), strict=True)
        if pack.turn is not None:
            _make_up_for([scripts[rep.index, day] for day in here], quota)
            set_pace(
                [scripts[rep.index, day] for day in here], paces[part], planner.streams.of("pace", rep.index, part)
            )
    _keep_busy([scripts[rep.index, day] for day in working], quota)
    return quota


def _live(rep: Rep, planner: Planner, visits: Mapping[int, int]) -> None:
    """Fill, lay out and write down every day of one rep."""
    world, streams = planner.world, planner.streams
    memory = Memory(rep, world)
    for day in range(planner.days.count):
        script = planner.scripts[rep.index, day]
        if script.works and not script.at_home:
            fill_day(script, rep, world, planner.recipe, streams, memory, visits[day])
        lay_out(script, rep, streams)
        if script.works:
            write_down(script, rep, world, planner.days, streams)


def _foreseen(planned: _Planned) -> Iterator[tuple[int, int]]:
    """Yield each day with outings and how many there will be.

    Few scenarios add one in the end; of those, the row of which a dial plants many is known here: L06 makes one up.
    """
    for (rep, day), script in planned.planner.scripts.items():
        if not script.works or script.at_home:
            continue
        outings, towards, fixed = 0, set(), 0
        for stop in (stop for part in PARTS for stop in script.parts.get(part, ())):
            if stop.outing_for is not None:
                towards.add(stop.outing_for)
            fixed += stop.instead
            if stop.visit is not None:
                fixed += 1
                if stop.visit.outing:
                    outings += 1
                    towards.discard(stop.visit.customer)
        free = 2 * sum(part not in script.parts for part in ("am", "pm"))
        wanted = planned.visits[rep].get(day, 0) if script.visits is None else script.visits
        made_up = list(script.claimed_by.values()).count("L06")
        yield day, outings + len(towards) + made_up + min(free, max(0, wanted - fixed))


def _keep_busy(scripts: Sequence[Script], quota: dict[int, int]) -> None:
    """Raise quotas so that nobody innocent falls under a visit a day because a scenario took up half of their days.

    Six visits in any five working days in a row; days whose visits a scenario fixed are left alone.
    """
    rooms = [_Room.of(script) for script in scripts]
    counts = [room.made(quota) for room in rooms]
    for start in range(max(1, len(rooms) - BUSY_DAYS + 1)):
        window = range(start, min(start + BUSY_DAYS, len(rooms)))
        if sum(counts[start : start + BUSY_DAYS]) >= len(window) + 1:
            continue
        for place in sorted(window, key=lambda n: (quota[rooms[n].day], rooms[n].day)):
            if sum(counts[start : start + BUSY_DAYS]) >= len(window) + 1:
                break
            room = rooms[place]
            if room.visits is None:
                quota[room.day] = min(room.most, max(quota[room.day], counts[place]) + 2)
                counts[place] = room.made(quota)


@attrs.frozen
class _Room:
    """What a day's plan says of visits: how many it holds, how many it has room for, and how many were asked for."""

    day: int
    visits: int | None
    fixed: int
    instead: int
    most: int

    @classmethod
    def of(cls, script: Script) -> _Room:
        stops = [stop for part in script.parts.values() for stop in part]
        fixed = sum(stop.visit is not None for stop in stops)
        free = sum(part not in script.parts for part in ("am", "pm"))
        return cls(script.day, script.visits, fixed, sum(stop.instead for stop in stops), fixed + 2 * free)

    def made(self, quota: Mapping[int, int]) -> int:
        """Return how many visits come of a day's quota."""
        wanted = quota[self.day] if self.visits is None else self.visits
        return max(self.fixed, min(wanted - self.instead, self.most))


def _make_up_for(scripts: Sequence[Script], quota: dict[int, int]) -> None:
    """Give the visits for which a scenario leaves no room to the emptiest other days of the same rep."""
    rooms = [_Room.of(script) for script in scripts]
    counts = {room.day: room.made(quota) for room in rooms}
    lacking = sum(quota[room.day] for room in rooms) - sum(counts.values())
    while lacking > 0:
        free = [room for room in rooms if room.visits is None and counts[room.day] < room.most]
        if not free:
            return
        room = min(free, key=lambda each: (counts[each.day], each.day))
        while room.made(quota) == counts[room.day]:
            quota[room.day] += 1
        counts[room.day] = room.made(quota)
        lacking -= 1


def anomaly_quotas(tenant: Tenant) -> tuple[int, ...]:
    """Return how many anomalous outings make the dialled share of the outings there are, in each part."""
    return _quotas(tenant.pack, ((script.day, len(script.outings)) for script in tenant.scripts.values()))


def _quotas(pack: Pack, outings: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    if pack.turn is None:
        return ()
    counts = [0, 0]
    for day, count in outings:
        counts[day >= pack.turn.on_day] += count
    return tuple(share_of(rate, count) for rate, count in zip(pack.turn.anomaly_rate, counts, strict=True))


@attrs.frozen(kw_only=True, eq=False)
class _Planted:
    """A dwell that a scenario announced, as it lies on the finished timeline."""

    script: Script
    dwell: Dwell
    site: Site
    evidence: Mapping[str, Any]
    dose: Mapping[str, Any]

    @property
    def within_s(self) -> tuple[int, int]:
        """When it can be known, and when it must be."""
        return self.dwell.over_s - self.dwell.near_s, self.dwell.over_s + _LIVE_S


def near_quota(wanted: int, planted: int) -> bool:
    """Whether a quota is met: to one in two hundred, because what is planted changes how many outings there are."""
    return abs(wanted - planted) <= max(1, wanted // 200)


def _dwell_records(planner: Planner, tenant: Tenant) -> tuple[list[KeyRecord], frozenset[str]]:
    """Return a record a dwell, and the instances whose fixes prove too little, too much, or too late."""
    planted = _planted_dwells(planner, tenant)
    undecided = _settle_phones(planner, tenant, planted)
    seen = {} if tenant.dials == REFERENCE else _fixes_of_each([each.script for each in planted], tenant, tenant.dials)
    records = []
    for each in planted:
        earliest, detect_by = each.within_s
        if seen:
            # A worse phone may be silent when the limit passes: nobody can know it before the next fix.
            proven = _proven(tenant, each.script, each.dwell.stay, seen)
            detect_by = max(detect_by, each.dwell.over_s if proven is None else proven + STEP_S)
        records.append(
            _dwell_record(tenant, each.script, each.dwell, each.site, each.evidence, each.dose, (earliest, detect_by))
        )
    return records, undecided


def _planted_dwells(planner: Planner, tenant: Tenant) -> list[_Planted]:
    """Return the dwells on the finished timelines, which must be those that were announced."""
    announced = dict(planner.dwells)
    found = []
    for (rep, day), script in tenant.scripts.items():
        agreed = frozenset(
            tenant.world.spots[outing.meeting_place].place_key
            for outing in script.outings
            if outing.meeting_place is not None
        )
        for dwell in _dwells(script, tenant, agreed, LIMIT_S):
            site, evidence, dose = announced.pop((rep, day, dwell.stay.spot.place_key), (None, {}, {}))
            if site is None:
                raise _unfaithful(script, dwell, "that no scenario announced")
            found.append(_Planted(script=script, dwell=dwell, site=site, evidence=evidence, dose=dose))
        if not script.claimed_by:
            for dwell in _dwells(script, tenant, agreed, LIMIT_S - _MARGIN_S):
                raise _unfaithful(script, dwell, "too near the limit on an innocent day")
    if announced:
        keys = sorted({site.scenario.key for site, _, _ in announced.values()})
        raise SandboxError(f"Scenarios {keys} announced dwells that did not come about.", code="FHR-SBX-002")
    return found


def _settle_phones(planner: Planner, tenant: Tenant, planted: Sequence[_Planted]) -> frozenset[str]:
    """Draw the errors of phones again where they leave a dwell undecided; return the instances where that is no help.

    A dwell must be proven by a fix between its bounds, and a stay just below the limit must not look longer.
    """
    checks: dict[tuple[int, int], list[tuple[str, Callable[[_Fixes], bool]]]] = {}
    for each in planted:

        def shows(seen: _Fixes, each: _Planted = each) -> bool:
            proven = _proven(tenant, each.script, each.dwell.stay, seen)
            return proven is not None and each.within_s[0] <= proven <= each.within_s[1]

        checks.setdefault((each.script.rep, each.script.day), []).append((each.site.instance, shows))
    for site, place in planner.near_dwells:
        script = site.script()

        def stays_below(seen: _Fixes, script: Script = script, place: str = place) -> bool:
            stays = [stay for stay in merged_stays(script.timeline) if stay.spot.place_key == place]
            return all(_proven(tenant, script, stay, seen) is None for stay in stays)

        checks.setdefault((script.rep, script.day), []).append((site.instance, stays_below))
    left = sorted(checks)
    for _ in range(_DRAWS):
        seen = _fixes_of_each([tenant.scripts[key] for key in left], tenant, REFERENCE)
        left = [key for key in left if not all(holds(seen) for _, holds in checks[key])]
        if not left:
            break
        for key in left:
            tenant.scripts[key].phone.again += 1
    return frozenset(instance for key in left for instance, _ in checks[key])


def _dwell_record(
    tenant: Tenant,
    script: Script,
    dwell: Dwell,
    site: Site,
    evidence: Mapping[str, Any],
    dose: Mapping[str, Any],
    within_s: tuple[int, int],
) -> KeyRecord:
    person, days = tenant.world.reps[script.rep].person, tenant.days
    return KeyRecord(
        scenario=site.scenario.id,
        variant=site.scenario.variant,
        instance=f"{site.instance}d",
        kind="alert",
        subject_kind="rep",
        subject=person.id,
        rep=person.id,
        start=days.instant(script.day, dwell.stay.start_s),
        end=days.instant(script.day, dwell.stay.end_s),
        code="track.offsite_dwell",
        severity="medium",
        earliest=days.instant(script.day, within_s[0]),
        detect_by=days.instant(script.day, within_s[1]),
        evidence=evidence,
        dose=dose,
        group=person.territory,
    )


#: (rep index, day) -> ``REPORTED`` of that rep-day, in order of arrival.
_Fixes = Mapping[tuple[int, int], Table]


def _fixes_of_each(scripts: Sequence[Script], tenant: Tenant, dials: Dials) -> _Fixes:
    """Return the fixes of some rep-days, each as it would be made alone."""
    import numpy as np

    indices = {rep.id: rep.index for rep in tenant.world.reps}
    midnights = np.asarray([tenant.days.midnight_ms(day) for day in range(tenant.days.count)], dtype="i8")
    found: dict[tuple[int, int], Table] = {}
    wanted = list({(script.rep, script.day): script for script in scripts}.values())
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        table = observe(some, tenant.world, tenant.days, tenant.streams, dials, tenant.scripts).table
        rep = np.asarray([indices[value] for value in table["rep"].values], dtype="i8")[table["rep"].codes]
        day = np.searchsorted(midnights, table["time_ms"], side="right") - 1
        key = rep * tenant.days.count + day
        order = np.argsort(key, kind="stable")
        cuts = np.flatnonzero(np.diff(key[order])) + 1
        for rows in np.split(order, cuts):
            if len(rows):
                found[int(rep[rows[0]]), int(day[rows[0]])] = table.take(rows)
    return found


def _proven(tenant: Tenant, script: Script, stay: TrueStay, seen: _Fixes) -> int | None:
    """Return when the fixes of a rep-day prove that *stay* is too long."""
    fixes = seen.get((script.rep, script.day))
    if fixes is None:
        return None
    parts = {each.spot.id: each.spot for each in script.timeline.stays() if each.spot.place_key == stay.spot.place_key}
    return proven_at(
        fixes,
        tenant.days.midnight_ms(script.day),
        tenant.world.frame,
        list(parts.values()),
        (stay.start_s - MERGE_S, stay.end_s + MERGE_S),
        tenant.days.breaks_s if script.breaks is None else script.breaks,
        LIMIT_S,
    )


def _dwells(script: Script, tenant: Tenant, agreed: frozenset[str], limit_s: int) -> list[Dwell]:
    if not script.works:
        return []
    days = tenant.days
    duty = [(days.start_s, days.end_s)]
    for absent_start, absent_end in script.absent:
        duty = [
            part
            for start, end in duty
            for part in ((start, min(end, absent_start)), (max(start, absent_end), end))
            if part[0] < part[1]
        ]
    return off_site_dwells(
        script.timeline,
        duty_s=duty,
        breaks_s=days.breaks_s if script.breaks is None else script.breaks,
        nearest_customer_m=tenant.world.nearest_customer_m,
        agreed=agreed,
        limit_s=limit_s,
    )


def _unfaithful(script: Script, dwell: Dwell, why: str) -> SandboxError:
    return SandboxError(
        f"Rep {script.rep} on day {script.day} dwells {dwell.counted_s} s at a {dwell.stay.spot.category}, {why}.",
        code="FHR-SBX-002",
    )


def _digest(rows: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(_written(row).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _written(value: Any) -> str:
    """Write a value down in one way: the fields of a record by name, times in UTC, numbers as Python prints them."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind in _PLAIN:
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, str):
        return encode_basestring(str(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if kind in _names or attrs.has(kind):
        return "{" + ",".join([f"{name}:{_written(getattr(value, name))}" for name in _fields(kind)]) + "}"
    if isinstance(value, Mapping):
        return "{" + ",".join([f"{name}:{_written(value[name])}" for name in sorted(value)]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([_written(each) for each in value]) + "]"
    return str(value)


#: Numbers and truths, which need no look at what they may be.
_PLAIN: Final = frozenset({int, float, bool})
#: Class of a record -> its fields in the order of their names.
_names: dict[type, tuple[str, ...]] = {}


def _fields(kind: type) -> tuple[str, ...]:
    if kind not in _names:
        _names[kind] = tuple(sorted(field.name for field in attrs.fields(kind)))
    return _names[kind]
