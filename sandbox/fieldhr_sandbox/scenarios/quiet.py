"""Rows Q: legitimate behaviour that looks wrong. Whatever is raised here is a false alarm."""

from __future__ import annotations

import math
from datetime import date, time, timedelta

import attrs

from fieldhr_core.model import AbsenceKind, WorkPattern
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.records import follow_up
from fieldhr_sandbox.scenarios.base import ALL_DAY, Needs, Site, Unplantable, scenario
from fieldhr_sandbox.scenarios.places import mall_beside, whole_day_leave
from fieldhr_sandbox.script import Stop
from fieldhr_sandbox.timeline import Setting

_AM = Needs(parts=frozenset({"am"}))
_PM = Needs(parts=frozenset({"pm"}))
_WEEK = Needs(days=5, whole_rep=True)
_ANY = ("*",)


@scenario("Q01", "Lunch with a customer in a restaurant", needs=Needs(parts=frozenset({"am", "noon"})))
def _lunch_with_customer(site: Site) -> None:
    customer = site.customer()
    place = site.near("restaurant", customer, 400, 12_000)
    stay = site.draw.whole(70, 100) * 60
    visit = site.visit(customer, stay, check_in=False, meeting_place=place.id)
    site.set_part("am", [])
    site.set_part("noon", [attrs.evolve(visit, spot=place, arrive_s=clock_s("11:20")), site.office()])
    site.silent(_ANY)


@scenario("Q02", "A customer whose shop is in a mall", needs=_AM)
def _shop_in_mall(site: Site) -> None:
    customer = site.customer()
    mall_beside(site, customer, 45.0)
    inside = attrs.evolve(customer, setting=Setting.INDOOR)
    stay = site.draw.whole(40, 65) * 60
    site.set_part("am", [attrs.evolve(site.visit(inside, stay), arrive_s=clock_s("10:15")), site.office()])
    site.silent(_ANY)


@scenario("Q03", "Waiting in a cafe at the customer's door", needs=_AM)
def _waiting_next_door(site: Site) -> None:
    customer = site.customer()
    turn = site.draw.between(0, 2 * math.pi)
    like = site.world.of_category("cafe")[0]
    cafe = site.new_spot(
        "cafe",
        customer,
        40 * math.cos(turn),
        40 * math.sin(turn),
        kind="interest",
        category="cafe",
        estate=f"cafe-{site.instance}",
        setting=Setting.INDOOR,
        name=like.name,
        radius_m=60.0,
    )
    stop = Stop(spot=cafe, stay_s=40 * 60, arrive_s=clock_s("10:00"), outing_for=customer.customer)
    site.set_part("am", [stop, site.visit(customer, 30 * 60), site.office()])
    site.silent(_ANY)


@scenario("Q04", "Petrol station, repair or charging for 35 minutes", needs=_PM)
def _refuelling(site: Site) -> None:
    customer = site.customer()
    place = site.near(site.draw.pick(("fuel", "charging", "car_repair")), customer, 500, 12_000)
    site.reachable(place, clock_s("14:40"))
    stop = Stop(spot=place, stay_s=35 * 60, arrive_s=clock_s("14:40"), outing_for=customer.customer)
    site.set_part("pm", [stop, site.visit(customer, 25 * 60), site.office()])
    site.silent(_ANY)


@scenario("Q05", "Fifty minutes in a traffic jam", needs=_PM)
def _traffic_jam(site: Site) -> None:
    customer = site.customer(low_m=3000, high_m=6000)
    pace = customer.metres_to(site.rep.branch.office) / 2800
    stop = attrs.evolve(site.visit(customer, 30 * 60), depart_s=clock_s("13:50"), pace_mps=pace)
    site.set_part("pm", [stop, site.office()])
    site.silent(_ANY)


@scenario("Q06", "At the doctor's, with two hours of leave", needs=_PM)
def _doctor(site: Site) -> None:
    place = site.reachable(site.near("hospital", site.rep.branch.office, 0, 30_000, clear_m=160), clock_s("14:30"))
    script = site.set_part("pm", [Stop(spot=place, stay_s=70 * 60, arrive_s=clock_s("14:30")), site.office()])
    site.absent(0, AbsenceKind.LEAVE, clock_s("14:00"), clock_s("16:00"))
    script.untracked.append((clock_s("14:00"), clock_s("16:00")))
    site.silent(_ANY)


@scenario("Q07", "A training day in a hotel", needs=Needs(parts=ALL_DAY))
def _training_day(site: Site) -> None:
    hotel = site.near("hotel", site.rep.branch.office, 0, 30_000, clear_m=160)
    script = site.set_part("am", [Stop(spot=hotel, stay_s=7 * 3600, depart_s=clock_s("09:00"))])
    site.set_part("noon", [])
    site.set_part("pm", [])
    script.visits = 0
    site.absent(0, AbsenceKind.TRAINING, site.days.start_s, site.days.end_s)
    site.silent(_ANY)


@scenario("Q08", "A meeting of the branch in a hotel", needs=Needs(parts=frozenset({"pm"}), reps=3))
def _branch_meeting(site: Site) -> None:
    hotel = site.near("hotel", site.rep.branch.office, 0, 30_000, clear_m=160)
    for rep in site.reps:
        site.set_part("pm", [Stop(spot=hotel, stay_s=140 * 60, arrive_s=clock_s("14:30")), site.office()], rep=rep)
        site.absent(0, AbsenceKind.MEETING, clock_s("14:00"), clock_s("17:30"), rep=rep)
        site.silent(_ANY, rep=rep)


@scenario("Q09", "Drives of 90 minutes in the country", needs=Needs(parts=ALL_DAY, rural=True))
def _long_drives(site: Site) -> None:
    customer = site.customer(high_m=1e9)
    office = site.rep.branch.office
    turn = site.draw.between(0, 2 * math.pi)
    reach = site.draw.between(66_000, 74_000)
    x, y = site.world.lattice.take(office.x + reach * math.cos(turn), office.y + reach * math.sin(turn), 0.0, 0.0)
    moved = attrs.evolve(customer, x=x, y=y, setting=Setting.OPEN)
    site.world.move_customer(moved)
    pace = reach / 5000
    site.set_part(
        "am",
        [
            attrs.evolve(site.visit(moved, 45 * 60), depart_s=clock_s("09:12"), pace_mps=pace),
            attrs.evolve(site.office(), pace_mps=pace),
        ],
    )
    site.set_part("noon", [])
    site.script().visits = 1
    site.silent(_ANY)


@scenario("Q12", "On a train", needs=Needs(parts=ALL_DAY))
def _train_ride(site: Site) -> None:
    office = site.rep.branch.office
    customer = site.customer(high_m=1e9)
    turn = site.draw.between(0, 2 * math.pi)
    x, y = site.world.lattice.take(office.x + 92_000 * math.cos(turn), office.y + 92_000 * math.sin(turn), 0.0, 0.0)
    moved = attrs.evolve(customer, x=x, y=y, setting=Setting.INDOOR)
    site.world.move_customer(moved)
    site.set_part("am", [attrs.evolve(site.visit(moved, 60 * 60), depart_s=clock_s("09:30"), pace_mps=66.0)])
    site.set_part("noon", [])
    site.set_part("pm", [attrs.evolve(site.office(), depart_s=clock_s("14:00"), pace_mps=66.0)])
    site.script().visits = 1
    site.silent(_ANY)


@scenario("Q13", "A new phone", needs=Needs(parts=ALL_DAY))
def _new_phone(site: Site) -> None:
    script = site.script()
    for part in ALL_DAY:
        script.claimed_by[part] = site.scenario.key
    script.phone.device = f"d-{site.streams.token('new-device', site.instance, length=12)}"
    site.silent(_ANY)


@scenario("Q15", "A customer in a basement: no fix for 70 minutes", needs=_PM)
def _basement(site: Site) -> None:
    customer = site.customer()
    arrive = clock_s("14:30")
    script = site.set_part("pm", [attrs.evolve(site.visit(customer, 74 * 60), arrive_s=arrive), site.office()])
    script.phone.off.append((arrive + 90, arrive + 72 * 60))
    site.silent(_ANY)


@scenario("Q10", "A part-time rep", needs=_WEEK)
def _part_timer(site: Site) -> None:
    worked = {site.days.date(site.days_used[number]).isoweekday() for number in (0, 2, 4)}
    pattern = attrs.evolve(site.days.pattern, weekdays=tuple(sorted(worked)), contract_share=0.6)
    site.world.change_person(site.rep, pattern=pattern)
    for script in site.every_script():
        make_up = script.date in site.days.calendar.workdays
        script.works = script.works and (make_up or script.date.isoweekday() in worked)
    site.silent(_ANY, until=site.days_used[4])


@scenario("Q11", "A new rep in the first days", needs=_WEEK)
def _new_rep(site: Site) -> None:
    joined = site.days.date(site.days_used[0]) - timedelta(days=5)
    site.world.change_person(site.rep, joined=joined)
    for script in site.every_script():
        # Nobody works before they are there: what their phone sent then would rightly be refused.
        script.works = script.works and script.date >= joined
    for number, visits in enumerate(site.draw.shuffled((1, 0, 1, 0, 1))):
        site.script(number).visits = visits
    site.silent(_ANY, until=site.days_used[4])


@scenario("Q14", "Thirty customers at one office address", needs=_AM)
def _shared_address(site: Site) -> None:
    customer = site.reachable(site.customer(), clock_s("14:15"))
    neighbours = [
        spot
        for rep in site.world.reps
        if rep.branch is site.rep.branch
        for spot in rep.customers
        if spot.id not in site.world.reserved
    ]
    for spot in site.draw.sample(neighbours, 29):
        site.reserve(spot)
        x, y = customer.x + site.draw.between(-12, 12), customer.y + site.draw.between(-12, 12)
        site.world.move_customer(attrs.evolve(spot, x=x, y=y, setting=Setting.INDOOR))
    inside = attrs.evolve(customer, setting=Setting.INDOOR)
    stay = site.draw.whole(40, 60) * 60
    site.set_part("am", [attrs.evolve(site.visit(inside, stay), arrive_s=clock_s("10:10")), site.office()])
    site.silent(_ANY)


@scenario("Q16", "A rep with a hearing impairment, who writes instead of phoning", needs=_WEEK)
def _writes_instead(site: Site) -> None:
    for number in range(5):
        site.script(number).calls = False

    def write() -> None:
        for number in range(5):
            script = site.script(number)
            for _ in range(site.draw.whole(2, 4)):
                start = clock_s("09:05") + site.draw.below(8 * 3600)
                customer = site.draw.pick(site.rep.customers).customer or ""
                span = (start, start + site.draw.whole(60, 600))
                record = follow_up(
                    script, site.rep, site.days, site.streams, customer, "message", span, span[1] + 60, "已发材料清单。"
                )
                script.follow_ups.append(record)

    site.after.append(write)
    site.silent(_ANY, until=site.days_used[4])


@scenario("Q17", "Protected breaks of an expectant or nursing rep", needs=Needs(days=2, parts=frozenset({"am"})))
def _protected_breaks(site: Site) -> None:
    place = site.near("cafe", site.rep.branch.office, 1300, 9000, clear_m=160)
    for number in range(2):
        start = clock_s("10:15") + site.draw.below(15 * 60)
        span = (start, start + 45 * 60)
        script = site.set_part("am", [Stop(spot=place, stay_s=45 * 60, arrive_s=start), site.office()], number)
        site.absent(number, AbsenceKind.PRIVATE, *span)
        script.untracked.append(span)
    site.silent(_ANY, until=site.days_used[1])


@scenario("Q18", "Back from four weeks' absence", needs=Needs(days=4, whole_rep=True))
def _return(site: Site) -> None:
    first = site.script()
    for script in site.every_script():
        if script.day < first.day and script.works:
            raise Unplantable
    whole_day_leave(site, 0)
    site.absent(0, AbsenceKind.LEAVE, -27 * 86_400, site.days.start_s)
    for number, visits in ((1, 0), (2, 1), (3, 1)):
        site.script(number).visits = visits
    site.silent(_ANY, until=site.days_used[3])


@scenario("Q19", "A Saturday that is worked", needs=Needs(parts=ALL_DAY, make_up=True))
def _make_up_day(site: Site) -> None:
    for part in ALL_DAY:
        site.script().claimed_by[part] = site.scenario.key
    site.silent(_ANY)


@scenario(
    "Q20",
    "Abroad, over the night in which the clocks change",
    needs=Needs(days=2, whole_rep=True, dates=(date(2026, 4, 3), date(2026, 4, 7))),
)
def _clocks_change(site: Site) -> None:
    """In Sydney summer time ends on 2026-04-05: until then its noon is 09:00 in Shanghai, afterwards 10:00."""
    site.world.change_person(
        site.rep,
        pattern=WorkPattern(zone="Australia/Sydney", start=time(12), end=time(21), breaks=((time(15), time(16, 30)),)),
    )
    change = date(2026, 4, 5)
    early, late = site.customer(high_m=6000), site.customer(high_m=6000)
    for script in site.every_script():
        if script.date < change:
            continue
        script.untracked.append((site.days.start_s, site.days.start_s + 3600))
        script.breaks = ((clock_s("13:00"), clock_s("14:30")),)
        script.parts["am"] = []
        script.visits = 2
        if script.day != site.days_used[1]:
            script.parts["noon"] = []
        if script.day > site.days_used[1]:
            # The working day ends an hour later by the clock here, and is worked to its end.
            script.parts["pm"] = [
                attrs.evolve(site.visit(early, 30 * 60), arrive_s=clock_s("15:10")),
                attrs.evolve(site.visit(late, 35 * 60), arrive_s=clock_s("16:50")),
                site.office(),
            ]
    place = site.near("restaurant", site.rep.branch.office, 1300, 6000)
    for number, arrive in ((0, "12:05"), (1, "13:05")):
        stops = [Stop(spot=place, stay_s=70 * 60, arrive_s=clock_s(arrive)), site.office()]
        site.set_part("noon", stops, number)
        site.set_part("pm", [], number)
        site.script(number).visits = 2 - 2 * number
        site.silent(_ANY, number=number)
