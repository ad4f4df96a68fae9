"""Rows X: ten people who cheat for two weeks, each in a style of their own, with several of the rows L08-B10.

None of them does one thing plainly and all the time: what they do changes from day to day, and between those days they
work as ever. They are marked by whether somebody was told of them at all, not alert by alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from fieldhr_core.model import Inspection
from fieldhr_sandbox.books import RepBook, month_ends
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.pictures import scene, taken_again
from fieldhr_sandbox.records import check_in_at, follow_up, note_text, plan_outing
from fieldhr_sandbox.scenarios.base import ALL_DAY, Needs, Site, Unplantable, scenario
from fieldhr_sandbox.script import Script, Stop, Visit
from fieldhr_sandbox.timeline import Spot
from fieldhr_sandbox.world import Rep

#: Working days in which they work as everybody does, and those in which they cheat.
_BEFORE: Final = 12
_CAMPAIGN: Final = 10
_ALONE: Final = Needs(days=_BEFORE + _CAMPAIGN, whole_rep=True)
_TWO: Final = Needs(days=_BEFORE + _CAMPAIGN, whole_rep=True, reps=2)
_END_OF_DAY: Final = clock_s("23:05")

_REPLAY: Final = "device.replayed_track"
_SHARED: Final = "device.shared"
_EARLY: Final = "record.predates_visit"
_COPIED: Final = "record.copied_notes"
_INFLATED: Final = "score.gaming_suspected"
_UNSUPPORTED: Final = ("visit.unsupported", "visit.backfilled")

_NOTE: Final = "{a}老板本人在场,经营平稳,介绍了结算与融资方案,客户表示会认真考虑,约定{b}再次上门并补充资料。"
_A: Final = ("今天", "上午", "下午", "此次")
_B: Final = ("下周", "月底", "下月", "节后")


@scenario("X01", "At home with an old track on some days, five visits of six minutes on others", needs=_ALONE)
def _homebody(site: Site) -> None:
    at_home, near = sorted(site.draw.sample(range(_CAMPAIGN), 5)), _near(site)
    for number in range(_CAMPAIGN):
        if number in at_home:
            _replay_at_home(site, number, site.draw.below(_BEFORE), jitter_m=0.0, lag_s=0)
        else:
            _pass_by(site, number, near)
    site.campaign((_REPLAY, _INFLATED, _EARLY, *_UNSUPPORTED), first=_BEFORE, style=_said("L09", "B06"))


@scenario("X02", "One phone checks in for two, and the notes are one note", needs=_TWO)
def _pair(site: Site) -> None:
    partner = site.reps[1]
    for number in sorted(site.draw.sample(range(_CAMPAIGN), 3)):
        _check_in_for(site, number, partner)
    site.after.append(lambda: _copy_notes(site, _days(site, range(_CAMPAIGN))))
    codes = (_SHARED, _COPIED, "checkin.mismatch", *_UNSUPPORTED)
    site.campaign(codes, first=_BEFORE, style=_said("L12", "B08"))
    site.campaign(codes, first=_BEFORE, style=_said("L12", "B08"), accomplice=partner)


@scenario("X03", "Mock positions on Fridays only, and notes written before the visit", needs=_ALONE)
def _fridays(site: Site) -> None:
    for script in _days(site, range(_CAMPAIGN)):
        if script.date.isoweekday() == 5:
            _go_and_stay(site, script)
            start = clock_s("14:50") + site.draw.below(900)
            script.phone.mock.append((start, start + site.draw.whole(10, 22) * 60))
    early = [script for script in _days(site, site.draw.sample(range(_CAMPAIGN), 4)) if script.date.isoweekday() != 5]
    site.after.append(lambda: _write_early(site, early))
    site.campaign(("device.mock_location", _EARLY), first=_BEFORE, style=_said("L08", "B09"))


@scenario("X04", "A clock set ahead on some days, made-up visits written in the evening on others", needs=_ALONE)
def _clock_and_pen(site: Site) -> None:
    picked = site.draw.sample(range(_CAMPAIGN), 5)
    for script in _days(site, picked[:2]):
        for part in ALL_DAY:
            script.claimed_by[part] = site.scenario.key
        begin = clock_s("10:00") + site.draw.below(3600)
        script.phone.fast_by.append((begin, begin + site.draw.whole(3, 5) * 3600, site.draw.whole(32, 55) * 60))
    made_up = list(_days(site, picked[2:]))
    for script in made_up:
        script.parts["am"] = []
        script.claimed_by["am"] = site.scenario.key
    customers = [_far(site, site.rep) for _ in range(2 * len(made_up))]
    site.after.append(lambda: _make_up(site, made_up, customers))
    site.campaign(("device.clock_tamper", *_UNSUPPORTED, _EARLY), first=_BEFORE, style=_said("L13", "B09"))


@scenario(
    "X05", "The phone is off on the way now and then, and the note is written before it is on again", needs=_ALONE
)
def _dark(site: Site) -> None:
    start = site.draw.below(_CAMPAIGN - 5)
    dark = [start, start + 2, start + 4]
    for script in _days(site, dark):
        _dark_way(site, script)
    early = list(_days(site, [start + 1, start + 3]))
    site.after.append(lambda: _write_early(site, early))
    site.campaign(("track.gap_pattern", _EARLY, *_UNSUPPORTED), first=_BEFORE, style=_said("L14", "B09"))


@scenario("X06", "Old tracks sent again, some minutes shifted and every position a little moved", needs=_ALONE)
def _jittered(site: Site) -> None:
    for number in sorted(site.draw.sample(range(_CAMPAIGN), 4)):
        lag_s = 30 * site.draw.whole(2, 20)
        _replay_at_home(site, number, site.draw.below(_BEFORE), jitter_m=site.draw.between(4, 15), lag_s=lag_s)
    site.campaign((_REPLAY, *_UNSUPPORTED, _EARLY), first=_BEFORE, style=_said("L09", "B06"))


@scenario("X07", "The phone in a colleague's bag for a week, visits next door, notes copied", needs=_TWO)
def _passenger(site: Site) -> None:
    carrier = site.reps[1]
    start = _BEFORE + site.draw.below(_CAMPAIGN - 5)
    for number in range(start, start + 5):
        mine = site.script(number)
        _stay_at_home(site, mine)
        mine.phone.rides_with = (carrier.index, site.draw.between(-4, 4), site.draw.between(-4, 4))
        for part in ALL_DAY:
            site.script(number, carrier).claimed_by[part] = site.scenario.key
    claimed = [_far(site, site.rep) for _ in range(5)]

    def send() -> None:
        for number, customer in zip(range(start, start + 5), claimed, strict=True):
            laid = [(stop, at, leave) for stop, at, leave, _ in site.script(number, carrier).laid if stop.visit]
            if laid:
                stop, at, leave = laid[0]
                next_door = attrs.evolve(customer, x=stop.spot.x + 60.0, y=stop.spot.y + 20.0)
                site.world.move_customer(next_door)
                _claim(site, site.script(number), next_door, (at, leave), leave + 600, check_in_from=stop.spot)
        _copy_notes(site, _days(site, range(_CAMPAIGN)))

    site.after.append(send)
    codes = ("device.carried_for_another", _COPIED)
    site.campaign(codes, first=_BEFORE, style=_said("L11", "B08"))
    site.campaign(codes, first=_BEFORE, style=_said("L11", "B08"), accomplice=carrier)


@scenario("X08", "Leaps across the country on some days, and one picture for several borrowers", needs=_ALONE)
def _leaps(site: Site) -> None:
    for script in _days(site, site.draw.sample(range(_CAMPAIGN), 2)):
        script.parts["pm"] = []
        script.claimed_by["pm"] = site.scenario.key
        east, north = site.draw.between(45_000, 90_000), site.draw.between(-60_000, 60_000)
        for begin in (clock_s("14:10") + site.draw.below(1200), clock_s("15:40") + site.draw.below(1200)):
            script.phone.thrown.append((begin, begin + 9 * 60, east, north))
            site.stay_awake(script, begin, begin + 540, around_s=300)
    (script,) = _days(site, [site.draw.below(_CAMPAIGN)])
    _use_again(site, script)
    site.campaign(("device.impossible_speed", "record.photo_reused"), first=_BEFORE, style=_said("L10", "B10"))


@scenario("X09", "Five visits of six minutes a day, copied notes, some of them written in advance", needs=_ALONE)
def _paper(site: Site) -> None:
    near = _near(site)
    for number in range(_CAMPAIGN):
        _pass_by(site, number, near)
    early = list(_days(site, site.draw.sample(range(_CAMPAIGN), 2)))

    def write() -> None:
        _copy_notes(site, _days(site, range(_CAMPAIGN)))
        _write_early(site, early)

    site.after.append(write)
    site.campaign((_INFLATED, _COPIED, _EARLY), first=_BEFORE, style=_said("B06", "B08", "B09"))


@scenario(
    "X10", "The phone stands still while its owner does not, and contracts pile up at the month's end", needs=_ALONE
)
def _frozen(site: Site) -> None:
    if site.rep.index in site.books:
        raise Unplantable
    months = tuple(day.replace(day=1) for day in month_ends(site.days))
    site.books[site.rep.index] = RepBook(deals=84, pushes=months[:2], is_all=True)
    for script in _days(site, site.draw.sample(range(_CAMPAIGN), 3)):
        _go_and_stay(site, script)
        begin = clock_s("13:50") + site.draw.below(1800)
        script.phone.frozen.append((begin, begin + site.draw.whole(75, 120) * 60, False))
    site.campaign((_REPLAY, "behaviour.period_end_push", *_UNSUPPORTED), first=_BEFORE, style=_said("L09", "B07"))


def _said(*rows: str) -> str:
    return "+".join(rows)


def _days(site: Site, numbers: Iterable[int]) -> list[Script]:
    """Return the scripts of some days of the campaign, counted from its first one."""
    return [site.script(_BEFORE + number) for number in sorted(numbers)]


def _far(site: Site, rep: Rep) -> Spot:
    """Return a customer who lies away from office and home, whom nothing else happens to."""
    office, home = rep.branch.office, rep.home
    found = [spot for spot in rep.customers if spot.metres_to(office) > 2500 and spot.metres_to(home) > 2500]
    spot = site.reserve(site.draw.pick(site.free(found)))
    site.world.shunned.add(spot.id)
    return spot


def _stay_at_home(site: Site, script: Script) -> None:
    script.at_home = True
    script.visits = 0
    script.phone.flat = False
    for part in ALL_DAY:
        script.parts[part] = []
        script.claimed_by[part] = site.scenario.key


def _replay_at_home(site: Site, number: int, earlier: int, *, jitter_m: float, lag_s: int) -> None:
    """Stay at home while the phone sends an earlier day again, and write down that day's visits once more."""
    script, again = site.script(_BEFORE + number), site.script(earlier)
    _stay_at_home(site, script)
    again.phone.flat = False
    script.phone.replayed_day, script.phone.replay = again.day, (jitter_m, lag_s)

    def claim() -> None:
        for stop, arrive, leave, _ in again.laid:
            if stop.visit is not None:
                span = (arrive + lag_s, leave + lag_s)
                _claim(site, script, stop.spot, span, span[1] + site.draw.whole(240, 1500), check_in_from=stop.spot)

    site.after.append(claim)


def _near(site: Site) -> list[Spot]:
    """Return nine customers near the office whose addresses stand and will."""
    near = sorted(site.free(site.rep.customers), key=lambda spot: spot.metres_to(site.rep.branch.office))[:9]
    if len(near) < 9 or near[-1].metres_to(site.rep.branch.office) > 9_000:
        raise Unplantable
    return [site.reserve(spot) for spot in near]


def _pass_by(site: Site, number: int, near: Sequence[Spot]) -> None:
    """Visit five of those customers, six minutes each."""
    for part, count in (("am", 3), ("pm", 2)):
        stops = [
            Stop(spot=spot, stay_s=site.draw.whole(330, 420), visit=Visit(customer=spot.customer or ""))
            for spot in site.draw.shuffled(near)[:count]
        ]
        site.set_part(part, [*stops, site.office()], _BEFORE + number)


def _go_and_stay(site: Site, script: Script) -> None:
    """Visit somebody some way off in the afternoon."""
    customer = site.reachable(site.customer(low_m=2600), clock_s("14:40"))
    stop = attrs.evolve(site.visit(customer, site.draw.whole(30, 45) * 60), arrive_s=clock_s("14:40"))
    script.parts["pm"] = [stop, site.office()]
    script.claimed_by["pm"] = site.scenario.key
    script.phone.flat = False


def _dark_way(site: Site, script: Script) -> None:
    customer = site.customer(low_m=2600)
    arrive = clock_s("15:05") + site.draw.below(20 * 60)
    script.parts["pm"] = [attrs.evolve(site.visit(customer, 55 * 60), arrive_s=arrive), site.office()]
    script.claimed_by["pm"] = site.scenario.key
    until = arrive + site.draw.whole(4, 10) * 60
    script.phone.off.append((until - site.draw.whole(62, 90) * 60, until))
    script.phone.flat = False


def _check_in_for(site: Site, number: int, partner: Rep) -> None:
    """Check in for a colleague who stays at home, at one of their customers and from one's own phone."""
    one = site.customer(high_m=9_000.0)
    others = [spot for spot in partner.customers if 1500 < spot.metres_to(one) < 8000]
    other = site.reserve(site.draw.pick(site.free(others)))
    mine, theirs = site.script(_BEFORE + number), site.script(_BEFORE + number, partner)
    _stay_at_home(site, theirs)
    arrive = clock_s("14:45") + site.draw.below(900)
    site.reachable(one, arrive)
    first = attrs.evolve(site.visit(one, 20 * 60), arrive_s=arrive)
    mine.parts["pm"] = [first, Stop(spot=other, stay_s=8 * 60), site.office()]
    mine.claimed_by["pm"] = site.scenario.key

    def send() -> None:
        stop = next(laid for laid in mine.laid if laid[0].spot.id == other.id)
        span = (stop[1], stop[1] + site.draw.whole(25, 40) * 60)
        _claim(
            site,
            theirs,
            other,
            span,
            span[1] + 600,
            check_in_from=other,
            rep=partner,
            device=site.rep.device,
        )

    site.after.append(send)


def _claim(
    site: Site,
    script: Script,
    customer: Spot,
    span: tuple[int, int],
    written: int,
    *,
    check_in_from: Spot | None = None,
    rep: Rep | None = None,
    device: str | None = None,
) -> None:
    """Write down a visit that did not take place, with an outing and a check-in from some place."""
    rep, key = rep or site.rep, customer.customer or ""
    plan_outing(script, rep, site.days, site.streams, key, span[0] - 900, span[1])
    if check_in_from is not None:
        at = span[0] + site.draw.whole(60, 240)
        script.check_ins.append(
            check_in_at(
                script,
                rep,
                site.world,
                site.days,
                site.streams,
                site.draw,
                key,
                check_in_from,
                at,
                device=device,
            )
        )
    text = note_text(site.draw)
    script.follow_ups.append(follow_up(script, rep, site.days, site.streams, key, "visit", span, written, text))


def _make_up(site: Site, scripts: Sequence[Script], customers: Sequence[Spot]) -> None:
    """Write two made-up visits of the morning and whatever else the day had after five, within minutes."""
    for number, script in enumerate(scripts):
        begin = clock_s("17:05") + site.draw.below(1500)
        notes = [note for note in script.follow_ups if note.kind == "visit"]
        for place, note in enumerate(notes):
            at = site.days.instant(script.day, begin + 300 + 95 * place)
            script.follow_ups[script.follow_ups.index(note)] = attrs.evolve(note, written=at, received=at)
        spans = ((clock_s("09:40"), clock_s("10:15")), (clock_s("10:50"), clock_s("11:25")))
        for place, span in enumerate(spans):
            _claim(site, script, customers[2 * number + place], span, begin + 110 * place)


def _write_early(site: Site, scripts: Sequence[Script]) -> None:
    """Date the note of an afternoon's visit some two hours before it."""
    for script in scripts:
        noon = site.days.instant(script.day, clock_s("13:00"))
        for place, note in enumerate(script.follow_ups):
            if note.kind == "visit" and note.start is not None and note.start > noon:
                begun = round((note.start - site.days.instant(script.day, 0)).total_seconds())
                at = site.days.instant(script.day, begun - site.draw.whole(95, 140) * 60)
                script.follow_ups[place] = attrs.evolve(note, written=at, received=at)
                break


def _copy_notes(site: Site, scripts: Sequence[Script]) -> None:
    """Give one text to the notes of all visits, hardly changed."""
    for script in scripts:
        for place, note in enumerate(script.follow_ups):
            if note.kind == "visit" and note.rep == site.rep.id:
                text = _NOTE.format(a=site.draw.pick(_A), b=site.draw.pick(_B))
                script.follow_ups[place] = attrs.evolve(note, text=text)


def _use_again(site: Site, script: Script) -> None:
    picture = scene(site.draw)
    second = clock_s("09:40") + site.draw.below(3600)
    for number, spot in enumerate(site.draw.shuffled(site.rep.customers)[:2]):
        crop = 0.0 if number == 0 else site.draw.between(0.02, 0.05)
        script.inspections.append(
            Inspection(
                id=f"i-{site.streams.token('photo', site.instance, f'{number}')}",
                rep=site.rep.id,
                customer=spot.customer or "",
                kind="site_photo",
                at=site.days.instant(script.day, second - 120),
                received=site.days.instant(script.day, second),
                picture=picture if number == 0 else taken_again(picture, crop=crop, quality=site.draw.whole(50, 85)),
            )
        )
        second += 3600 + site.draw.below(3600)
