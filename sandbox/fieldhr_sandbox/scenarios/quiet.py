"""Rows Q: legitimate behaviour that looks wrong. Whatever is raised here is a false alarm."""

from __future__ import annotations

import math

import attrs

from fieldhr_core.model import AbsenceKind
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.scenarios.base import ALL_DAY, Needs, Site, scenario
from fieldhr_sandbox.scenarios.places import mall_beside
from fieldhr_sandbox.script import Stop
from fieldhr_sandbox.timeline import Setting

_AM = Needs(parts=frozenset({"am"}))
_PM = Needs(parts=frozenset({"pm"}))
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
