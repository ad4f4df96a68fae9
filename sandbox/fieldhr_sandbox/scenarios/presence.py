"""Rows L that take days or a whole tenant: phones carried by others, wrong addresses, short days, privacy."""

from __future__ import annotations

import math

import attrs

from fieldhr_core.model import AbsenceKind, Datum
from fieldhr_core.model.datums import from_wgs84
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.records import check_in_at, follow_up, plan_outing
from fieldhr_sandbox.scenarios.base import AFTER_LUNCH_S, ALL_DAY, Needs, Site, Unplantable, scenario
from fieldhr_sandbox.scenarios.places import whole_day_leave
from fieldhr_sandbox.script import Script
from fieldhr_sandbox.timeline import Setting, Spot
from fieldhr_sandbox.world import Rep

_WEEK = Needs(days=5, whole_rep=True)
_PAIR = Needs(days=5, whole_rep=True, reps=2)
_DAY_END = clock_s("23:05")


@scenario("L11", "Two phones, one bag, for a week", req=["A7"], needs=_PAIR)
def _carried_for_another(site: Site) -> None:
    carrier, absent = site.reps
    for number in range(5):
        _leave_phone_with(site, number, carrier, absent)
    nearby = _own_customers(site, absent, 5)

    def send() -> None:
        for number, customer in enumerate(nearby):
            mine = site.script(number, absent)
            visits = [
                (stop, arrive, leave) for stop, arrive, leave, _ in site.script(number, carrier).laid if stop.visit
            ]
            if not visits:
                continue
            stop, arrive, leave = visits[0]
            # A customer of the other rep in the building next door: two names, one bag.
            moved = attrs.evolve(customer, x=stop.spot.x + 50.0, y=stop.spot.y + 25.0, setting=stop.spot.setting)
            site.world.move_customer(moved)
            _claim_visit(site, mine, absent, moved, stop.spot, arrive, leave, ())

    site.after.append(send)
    for rep in site.reps:
        site.expect(
            "device.carried_for_another",
            "high",
            window=(site.days_used[0], clock_s("09:00"), clock_s("18:00")),
            day=site.days_used[4],
            earliest_s=clock_s("13:00"),
            detect_by_s=_DAY_END,
            rep=rep,
            dose={"days": 5},
        )


@scenario("L11/joint", "Two reps in one car, visiting together and saying so", req=["A7"], needs=_PAIR)
def _joint_visits(site: Site) -> None:
    driver, companion = site.reps
    for number in range(5):
        _leave_phone_with(site, number, driver, companion)

    def send() -> None:
        for number in range(5):
            mine = site.script(number, companion)
            for stop, arrive, leave, _ in site.script(number, driver).laid:
                if stop.visit is not None:
                    _claim_visit(site, mine, companion, stop.spot, stop.spot, arrive, leave, (driver.id,))

    site.after.append(send)
    for rep in site.reps:
        site.silent(("*",), until=site.days_used[4], rep=rep)


@scenario(
    "L15", "The customer's address is wrong in the records", req=["A3", "A8"], needs=Needs(days=4, whole_rep=True)
)
def _wrong_address(site: Site) -> None:
    customer = site.reachable(site.customer(), clock_s("14:30"))
    _misplace(site, customer)
    for number in range(4):
        stop = attrs.evolve(site.visit(customer, site.draw.whole(25, 45) * 60), arrive_s=clock_s("14:30"))
        site.set_part("pm", [stop, site.office()], number)
        site.script(number).visits = 3

    def expect() -> None:
        for number in range(4):
            script = site.script(number)
            at = _check_in_second(site, script, customer.customer or "")
            site.expect(
                "checkin.mismatch",
                "medium",
                window=(script.day, at, at),
                earliest_s=at,
                detect_by_s=at + 1,
                evidence={"customer": customer.customer},
            )
        site.expect(
            "crm.address_suspect",
            "info",
            window=(script.day, at, at),
            earliest_s=at,
            detect_by_s=at + 120,
            subject_kind="customer",
            subject=customer.customer,
        )

    site.after.append(expect)


@scenario(
    "L15/spread", "Three check-ins for a customer, spread over 2 km", req=["A3"], needs=Needs(days=3, whole_rep=True)
)
def _spread_check_ins(site: Site) -> None:
    customer = site.reserve(site.customer())
    site.world.shunned.add(customer.id)
    turn = site.draw.between(0, 2 * math.pi)

    def send() -> None:
        for number in range(3):
            script = site.script(number)
            reach = 700.0 + 650.0 * number
            where = attrs.evolve(customer, x=customer.x + reach * math.cos(turn), y=customer.y + reach * math.sin(turn))
            at = clock_s("16:45") + site.draw.below(1800)
            check_in = check_in_at(
                script, site.rep, site.world, site.days, site.streams, site.draw, customer.customer or "", where, at
            )
            script.check_ins.append(check_in)
            site.expect("checkin.mismatch", "medium", window=(script.day, at, at), earliest_s=at, detect_by_s=at + 1)

    site.after.append(send)
    site.silent(("crm.address_suspect",), until=site.days_used[2], subject_kind="customer", subject=customer.customer)


@scenario("L16", "A source delivers GCJ-02 labelled WGS-84", req=["A2"], needs=Needs(whole_rep=True))
def _wrong_datum(site: Site) -> None:
    world = site.world

    def shift() -> None:
        for key, customer in world.customers.items():
            address = customer.addresses[0]
            assert address.lat is not None
            assert address.lon is not None
            lat, lon = from_wgs84(address.lat, address.lon, Datum.GCJ02)
            world.customers[key] = attrs.evolve(customer, addresses=(attrs.evolve(address, lat=lat, lon=lon),))
        sent = sorted(check_in.time for script in site.scripts.values() for check_in in script.check_ins)
        last = sent[min(len(sent), 50) - 1]
        seconds = (last - site.days.instant(0, 0)).total_seconds()
        day = int(seconds // 86400)
        site.expect(
            "quality.datum_shift",
            "high",
            window=(0, site.days.start_s, int(seconds - 86400 * day)),
            day=day,
            earliest_s=-86400 * day + site.days.start_s,
            detect_by_s=_DAY_END,
            subject_kind="source",
            subject="sandbox",
        )
        site.silent(("track.offsite_dwell", "checkin.mismatch", "visit.unsupported"), until=site.days.count - 1)

    site.after.append(shift)


@scenario("L17", "Late to the first customer, early from the last, on four days of five", req=["A6"], needs=_WEEK)
def _short_day(site: Site) -> None:
    for number in range(4):
        _short(site, number)
    for script in site.every_script():
        if script.works and script.day < site.days_used[0]:
            # The week before begins early: what is found must be the days planted here.
            visit = attrs.evolve(site.visit(site.customer(high_m=9000), 30 * 60), arrive_s=clock_s("09:50"))
            script.parts["am"] = [visit, site.office()]
    last = site.script(4)
    site.expect(
        "behaviour.short_day",
        "low",
        window=(site.days_used[0], clock_s("09:00"), clock_s("18:00")),
        day=last.day,
        earliest_s=clock_s("18:00"),
        detect_by_s=_DAY_END,
        dose={"days": 4},
    )


@scenario("L17/half-leave", "The same, with two half days of leave", req=["A6"], needs=_WEEK)
def _short_day_on_leave(site: Site) -> None:
    for number in range(4):
        _short(site, number)
    for number in (0, 1):
        span = (site.days.start_s, clock_s("11:00"))
        site.absent(number, AbsenceKind.LEAVE, *span)
        site.script(number).untracked.append(span)
    site.silent(("behaviour.short_day",), until=site.days_used[4])


@scenario(
    "L18",
    "The phone goes on sending in the evening, on a free day and on leave",
    req=["E6"],
    needs=Needs(days=2, whole_rep=True),
)
def _sent_off_duty(site: Site) -> None:
    start = clock_s("20:30") + site.draw.below(20 * 60)
    whole_day_leave(site, 0)
    spans = {site.days_used[0]: (clock_s("10:00"), clock_s("11:00")), site.days_used[1]: (start, start + 30 * 60)}
    free = next((s.day for s in site.every_script() if s.day > site.days_used[1] and not site.days.works(s.day)), None)
    if free is not None:
        spans[free] = (clock_s("10:00"), clock_s("10:30"))
    for day, span in spans.items():
        site.scripts[site.rep.index, day].phone.off_duty.append(span)
    on_leave = spans.pop(site.days_used[0])
    site.count("privacy.leave", (on_leave[1] - on_leave[0]) // 30)
    site.count("privacy.off_duty", sum((end - begin) // 30 for begin, end in spans.values()))
    site.silent(("*",), until=max(spans))


@scenario("L19", "Consent withdrawn, and the app goes on sending", req=["E6"], needs=Needs(days=3, whole_rep=True))
def _consent_withdrawn(site: Site) -> None:
    script = site.script(0)
    at = clock_s("10:30") + site.draw.below(4 * 3600)
    site.withdrawals.append((site.rep.id, site.days.instant(script.day, at)))
    for number in range(3):
        site.script(number).phone.flat = False
    site.expect(
        "privacy.consent_withdrawn",
        "info",
        window=(script.day, at, at),
        earliest_s=at,
        detect_by_s=at + 7200,
    )
    site.silent(
        ("track.gap_pattern", "visit.unsupported", "behaviour.low_visits", "behaviour.short_day"),
        until=site.days.count - 1,
    )


def _leave_phone_with(site: Site, number: int, carrier: Rep, absent: Rep) -> None:
    """Spend a day at home while the phone travels in somebody else's bag."""
    script = site.script(number, absent)
    script.at_home = True
    script.visits = 0
    script.phone.rides_with = (carrier.index, site.draw.between(-4, 4), site.draw.between(-4, 4))
    for who in (carrier, absent):
        for part in ALL_DAY:
            site.script(number, who).claimed_by[part] = site.scenario.key
    for part in ALL_DAY:
        script.parts[part] = []


def _own_customers(site: Site, rep: Rep, count: int) -> list[Spot]:
    found = [spot for spot in rep.customers if spot.id not in site.world.reserved]
    if len(found) < count:
        raise Unplantable
    chosen = site.draw.sample(found, count)
    for spot in chosen:
        site.reserve(spot)
        site.world.shunned.add(spot.id)
    return chosen


def _claim_visit(
    site: Site, script: Script, rep: Rep, customer: Spot, where: Spot, arrive: int, leave: int, joint: tuple[str, ...]
) -> None:
    """Write down a visit as its rep would: an outing, a check-in sent from *where* and a record."""
    key = customer.customer or ""
    plan_outing(script, rep, site.days, site.streams, key, arrive - 900, leave)
    at = arrive + site.draw.whole(60, 240)
    script.check_ins.append(check_in_at(script, rep, site.world, site.days, site.streams, site.draw, key, where, at))
    record = follow_up(
        script,
        rep,
        site.days,
        site.streams,
        key,
        "visit",
        (arrive, leave),
        leave + 600,
        "了解经营情况。",
        joint_with=joint,
    )
    script.follow_ups.append(record)


def _misplace(site: Site, customer: Spot) -> None:
    turn, reach = site.draw.between(0, 2 * math.pi), site.draw.between(900, 1600)
    site.world.misplace_customer(customer, customer.x + reach * math.cos(turn), customer.y + reach * math.sin(turn))
    site.world.shunned.add(customer.id)


def _check_in_second(site: Site, script: Script, customer: str) -> int:
    (sent,) = [check_in for check_in in script.check_ins if check_in.customer == customer]
    return int((sent.time - site.days.instant(script.day, 0)).total_seconds())


def _short(site: Site, number: int) -> None:
    """First customer after 11:00, last before 15:30."""
    first, second = site.customer(high_m=9000), site.customer(high_m=9000)
    arrive = clock_s("11:08") + site.draw.below(600)
    site.set_part("am", [attrs.evolve(site.visit(first, 28 * 60), arrive_s=arrive), site.office()], number)
    site.set_part("noon", [], number)
    later = max(AFTER_LUNCH_S + 40 * 60, clock_s("14:20")) + site.draw.below(600)
    inside = attrs.evolve(second, setting=Setting.OPEN)
    # Where the phone is silent, a later customer cannot be ruled out.
    site.script(number).phone.flat = False
    site.set_part("pm", [attrs.evolve(site.visit(inside, 30 * 60), arrive_s=later), site.office()], number)
