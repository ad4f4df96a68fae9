"""Rows L: places and presence."""

from __future__ import annotations

import math

import attrs

from fieldhr_core.model import AbsenceKind
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.records import check_in_at, follow_up, plan_outing
from fieldhr_sandbox.scenarios.base import ALL_DAY, Needs, Site, Unplantable, scenario
from fieldhr_sandbox.script import Script, Stop
from fieldhr_sandbox.sensors import tick_seconds
from fieldhr_sandbox.timeline import Setting, Spot

_AM = Needs(parts=frozenset({"am"}))
_PM = Needs(parts=frozenset({"pm"}))
_DWELL = ("track.offsite_dwell",)
_DAY_END = (clock_s("18:00"), clock_s("23:05"))


def _dwell(site: Site, part: str, spot: Spot, customer: Spot, arrive: int, stay: int) -> None:
    """Stay at *spot* during an outing claimed for *customer*; go there afterwards where there is time."""
    if part == "pm":
        site.reachable(spot, arrive)
    stops = [Stop(spot=spot, stay_s=stay, arrive_s=arrive, outing_for=customer.customer)]
    left = (clock_s("11:50") if part == "am" else clock_s("17:20")) - arrive - stay
    if left > 70 * 60:
        stops.append(site.visit(customer, site.draw.whole(20, 30) * 60))
    stops.append(site.office())
    script = site.set_part(part, stops)
    site.stay_awake(script, arrive, arrive + stay, arrive + 30 * 60)
    if stay > 30 * 60:
        site.expect_dwell(
            spot,
            evidence={"category": spot.category, "claimed_customer": customer.customer},
            dose={"stay_s": stay, "distance_m": round(spot.metres_to(customer))},
        )
    else:
        site.silent(_DWELL, dose={"stay_s": stay})


def _beyond(site: Site, low_min: int, high_min: int) -> int:
    """Return a length in seconds, skewed towards the short ones as such stops are."""
    return int(60 * (low_min + (high_min - low_min) * site.draw.uniform() ** 2))


@scenario("L01", "Mall stop during an outing", req=["A4"], needs=_PM)
def _mall_stop(site: Site) -> None:
    customer = site.customer()
    mall = site.near("mall", customer, 500, 15_000)
    _dwell(site, "pm", mall, customer, clock_s("14:35") + site.draw.below(65 * 60), _beyond(site, 32, 110))


@scenario("L01/short", "Mall stop below the limit", req=["A4"], needs=_PM)
def _short_mall_stop(site: Site) -> None:
    customer = site.customer()
    mall = site.near("mall", customer, 500, 15_000)
    _dwell(site, "pm", mall, customer, clock_s("14:35") + site.draw.below(65 * 60), site.draw.whole(20 * 60, 28 * 60))


@scenario("L01/at-customer", "The mall is the customer's address", req=["A4"], needs=_PM)
def _customer_is_the_mall(site: Site) -> None:
    customer = site.reachable(site.customer(), clock_s("14:30"))
    mall_beside(site, customer, 0.0)
    stay = _beyond(site, 32, 75)
    inside = attrs.evolve(customer, setting=Setting.INDOOR)
    script = site.set_part("pm", [_arriving(site.visit(inside, stay), clock_s("14:30")), site.office()])
    script.phone.flat = False
    site.silent(_DWELL, dose={"stay_s": stay})


@scenario("L01/near-customer", "The mall is within 150 m of the customer", req=["A4"], needs=_PM)
def _mall_near_customer(site: Site) -> None:
    customer = site.reachable(site.customer(), clock_s("14:45"))
    reach = site.draw.between(60, 120)
    mall = mall_beside(site, customer, reach)
    stay = _beyond(site, 32, 60)
    stop = Stop(spot=mall, stay_s=stay, arrive_s=clock_s("14:45"), outing_for=customer.customer)
    site.set_part("pm", [stop, site.visit(customer, 20 * 60), site.office()])
    site.silent(_DWELL, dose={"stay_s": stay, "distance_m": round(reach)})


@scenario("L01/across", "A visit across the street from a mall", req=["A4"], needs=_PM)
def _mall_across(site: Site) -> None:
    customer = site.reachable(site.customer(), clock_s("14:40"))
    reach = site.draw.between(160, 200)
    mall_beside(site, customer, reach)
    stay = _beyond(site, 35, 60)
    site.set_part("pm", [_arriving(site.visit(customer, stay), clock_s("14:40")), site.office()])
    site.silent(_DWELL, dose={"stay_s": stay, "distance_m": round(reach)})


@scenario("L01/loop", "Canvassing on foot round a mall, again and again past its door", req=["A4"], needs=_PM)
def _canvassing(site: Site) -> None:
    customer = site.customer()
    mall = site.reachable(site.near("mall", customer, 500, 15_000), clock_s("14:30"))
    arrive = clock_s("14:30") + site.draw.below(30 * 60)
    radius, doors = site.draw.between(170, 230), 16
    stops: list[Stop] = []
    for number in range(2 * doors):
        turn = 2 * math.pi * number / doors
        door = attrs.evolve(
            mall,
            id=f"door-{site.instance}-{number}",
            kind="open",
            category="",
            estate="",
            # The round touches the mall at one point only.
            x=mall.x + radius * (1 - math.cos(turn)),
            y=mall.y + radius * math.sin(turn),
            setting=Setting.STREET,
        )
        stops.append(Stop(spot=door, stay_s=site.draw.whole(20, 50), arrive_s=None if stops else arrive))
    stops[0] = attrs.evolve(stops[0], outing_for=customer.customer)
    site.set_part("pm", [*stops, site.office()])
    site.silent(_DWELL, dose={"rounds": 2})


@scenario("L04/dark", "Two short stops at one mall, the phone off between them", req=["A4", "A8"], needs=_PM)
def _dark_between(site: Site) -> None:
    customer = site.customer()
    mall = site.reachable(site.near("mall", customer, 500, 15_000), clock_s("14:30"))
    arrive = clock_s("14:30") + site.draw.below(20 * 60)
    away = site.draw.whole(22, 40) * 60
    far = attrs.evolve(mall, id=f"roadside-{site.instance}", kind="open", category="", estate="", x=mall.x + 1500)
    back = arrive + 14 * 60 + away + 10 * 60
    stops = [
        Stop(spot=mall, stay_s=14 * 60, arrive_s=arrive, outing_for=customer.customer),
        Stop(spot=far, stay_s=away - 8 * 60),
        Stop(spot=mall, stay_s=13 * 60, arrive_s=back),
        site.office(),
    ]
    script = site.set_part("pm", stops)
    script.phone.off.append((arrive + 13 * 60, back + 60))
    script.phone.flat = False
    site.silent((*_DWELL, "track.gap_pattern"), dose={"dark_s": back - arrive - 12 * 60})


@scenario("L02", "Restaurant outside lunch", req=["A4"], needs=_AM)
def _restaurant(site: Site) -> None:
    customer = site.customer()
    place = _far_restaurant(site, customer)
    _dwell(site, "am", place, customer, clock_s("10:02") + site.draw.below(30 * 60), _beyond(site, 32, 75))


@scenario(
    "L02/lunch", "75 minutes in a restaurant within lunch", req=["A4"], needs=Needs(parts=frozenset({"am", "noon"}))
)
def _long_lunch(site: Site) -> None:
    place = _far_restaurant(site, site.rep.branch.office, 3000)
    site.set_part("am", [])
    site.set_part("noon", [Stop(spot=place, stay_s=75 * 60, arrive_s=clock_s("12:05")), site.office()])
    site.silent(_DWELL, dose={"stay_s": 75 * 60})


@scenario(
    "L02/early-lunch",
    "11:45-12:25 in a restaurant counts 15 minutes",
    req=["A4"],
    needs=Needs(parts=frozenset({"am", "noon"})),
)
def _early_lunch(site: Site) -> None:
    place = _far_restaurant(site, site.rep.branch.office, 3000)
    site.set_part("am", [])
    site.set_part("noon", [Stop(spot=place, stay_s=40 * 60, arrive_s=clock_s("11:45")), site.office()])
    site.silent(_DWELL, dose={"stay_s": 40 * 60})


@scenario("L03", "30:30 at a mall", req=["A4"], needs=_PM)
def _just_over(site: Site) -> None:
    _exact(site, 30 * 60 + 30)


@scenario("L03/exact", "30:00 at a mall", req=["A4"], needs=_PM)
def _exactly(site: Site) -> None:
    _exact(site, 30 * 60)


@scenario("L03/under", "29:30 at a mall", req=["A4"], needs=_PM)
def _just_under(site: Site) -> None:
    _exact(site, 29 * 60 + 30)


@scenario("L04", "One stop, split by minutes in the car park", req=["A4"], needs=_PM)
def _split_stop(site: Site) -> None:
    customer = site.customer()
    mall = site.reachable(site.near("mall", customer, 500, 15_000), clock_s("14:30"))
    parking = site.new_spot("parking", mall, 105, 75, kind="open", category="", setting=Setting.OPEN)
    arrive = clock_s("14:30") + site.draw.below(50 * 60)
    first, second = site.draw.whole(17, 22) * 60, site.draw.whole(15, 20) * 60
    stops = [
        Stop(spot=mall, stay_s=first, arrive_s=arrive, outing_for=customer.customer),
        Stop(spot=parking, stay_s=site.draw.whole(130, 180)),
        Stop(spot=mall, stay_s=second),
        site.visit(customer, 20 * 60),
        site.office(),
    ]
    script = site.set_part("pm", stops)
    site.stay_awake(script, arrive, arrive + first + 180, arrive + 30 * 60, arrive + first + second + 360)
    site.expect_dwell(
        mall,
        evidence={"category": "mall", "claimed_customer": customer.customer},
        dose={"first_s": first, "second_s": second},
    )


@scenario("L04/two-malls", "Two malls, 18 and 16 minutes", req=["A4"], needs=_PM)
def _two_malls(site: Site) -> None:
    customer = site.customer()
    one = site.reachable(site.near("mall", customer, 500, 15_000), clock_s("14:40"))
    other = site.near("mall", one, 3000, 25_000)
    stops = [
        Stop(spot=one, stay_s=18 * 60, arrive_s=clock_s("14:40"), outing_for=customer.customer),
        Stop(spot=other, stay_s=16 * 60),
        site.office(),
    ]
    site.set_part("pm", stops)
    site.silent(_DWELL)


@scenario("L05", "Check-in from elsewhere", req=["A3", "A7"], needs=Needs(either=True))
def _check_in_away(site: Site) -> None:
    customer = site.customer()
    reach = min(14_000.0, max(600.0, site.draw.lognormal(2300, 0.7)))
    turn = site.draw.between(0, 2 * math.pi)
    roadside = attrs.evolve(
        customer,
        id=f"roadside-{site.instance}",
        kind="open",
        customer=None,
        x=customer.x + reach * math.cos(turn),
        y=customer.y + reach * math.sin(turn),
    )
    arrive = _any_time(site, roadside)
    stop = Stop(
        spot=roadside, stay_s=site.draw.whole(6, 13) * 60, arrive_s=arrive, outing_for=customer.customer, instead=True
    )
    script = site.set_part(site.part, [stop, site.office()])
    # As many check-ins as the day of any check-in has: whoever picks one at random picks a busy day more often.
    script.visits = site.draw.pick((1, *(2,) * 6, *(3,) * 3))
    at = arrive + site.draw.whole(60, 240)

    def send() -> None:
        script.check_ins.append(
            check_in_at(
                script, site.rep, site.world, site.days, site.streams, site.draw, customer.customer or "", roadside, at
            )
        )

    site.after.append(send)
    site.expect(
        "checkin.mismatch",
        "medium",
        window=(script.day, at, at),
        earliest_s=at,
        detect_by_s=at + 1,
        evidence={"customer": customer.customer},
        dose={"distance_m": round(reach)},
    )


@scenario("L05/doubt", "Check-in at 220 m with an accuracy of 90 m", req=["A3", "A8"], needs=Needs(either=True))
def _check_in_in_doubt(site: Site) -> None:
    customer = site.customer()
    arrive = _any_time(site, customer)
    stop = _arriving(site.visit(customer, site.draw.whole(25, 45) * 60, check_in=False), arrive)
    script = site.set_part(site.part, [stop, site.office()])
    turn = site.draw.between(0, 2 * math.pi)
    off, at = (220 * math.cos(turn), 220 * math.sin(turn)), arrive + site.draw.whole(60, 240)

    def send() -> None:
        script.check_ins.append(
            check_in_at(
                script,
                site.rep,
                site.world,
                site.days,
                site.streams,
                site.draw,
                customer.customer or "",
                customer,
                at,
                off=off,
                accuracy_m=90.0,
            )
        )

    site.after.append(send)
    site.silent(("checkin.mismatch",), dose={"distance_m": 220, "accuracy_m": 90})


@scenario("L06", "Outing planned and visit recorded, without a visit", req=["A3", "B1"], needs=_AM)
def _phantom_visit(site: Site) -> None:
    _phantom(site, planned=True)


@scenario("L06/unplanned", "Visit record without a visit and without a plan", req=["A3", "B1"], needs=_AM)
def _unplanned_phantom_visit(site: Site) -> None:
    _phantom(site, planned=False)


def _phantom(site: Site, *, planned: bool) -> None:
    script = site.set_part("am", [])
    _no_customer_near_the_morning(site, script)
    customer = _far_customer(site)
    start = clock_s("10:00") + 60 * site.draw.below(30)
    span = (start, start + site.draw.whole(25, 50) * 60)
    site.stay_awake(script, span[0], span[1])

    def write() -> None:
        if planned:
            plan_outing(script, site.rep, site.days, site.streams, customer.customer or "", *span)
        record = follow_up(
            script,
            site.rep,
            site.days,
            site.streams,
            customer.customer or "",
            "visit",
            span,
            span[1] + site.draw.whole(300, 1800),
            "到访客户,了解经营情况,后续跟进。",
        )
        script.follow_ups.append(record)
        site.expect(
            "visit.unsupported",
            "medium",
            window=(script.day, span[0], span[1]),
            # Known as soon as nobody came near until an hour after the claimed end.
            earliest_s=span[1] - span[1] % 60 + 3600,
            detect_by_s=_DAY_END[1],
            subject_kind="visit",
            subject=record.id,
            evidence={"customer": customer.customer},
        )

    site.after.append(write)


@scenario("L06/no-fixes", "Visit record while the phone was off", req=["A3", "A8"], needs=_AM)
def _unverifiable_visit(site: Site) -> None:
    script = site.set_part("am", [])
    customer = _far_customer(site)
    script.phone.off.append((clock_s("08:50"), clock_s("11:52")))
    span = (clock_s("10:05"), clock_s("10:45"))

    def write() -> None:
        script.follow_ups.append(
            follow_up(
                script,
                site.rep,
                site.days,
                site.streams,
                customer.customer or "",
                "visit",
                span,
                clock_s("11:05"),
                "拜访客户,沟通续贷材料。",
            )
        )

    site.after.append(write)
    site.silent(("visit.unsupported", "track.gap_pattern"))


@scenario("L07", "Visit records written in one go, two of them made up", req=["B1", "A7"], needs=Needs(parts=ALL_DAY))
def _backfill(site: Site) -> None:
    real = site.customer(high_m=9000)
    made_up = [_far_customer(site, real)]
    made_up.append(_far_customer(site, real, made_up[0]))
    site.set_part("noon", [])
    script = site.set_part("am", [])
    arrive = clock_s("14:50")
    site.set_part("pm", [_arriving(site.visit(real, 40 * 60, record=False), arrive), site.office()])
    spans = [(clock_s("09:40"), clock_s("10:15")), (clock_s("10:50"), clock_s("11:25")), (arrive, arrive + 40 * 60)]
    site.stay_awake(script, *(second for span in spans for second in span))
    begin = clock_s("17:05") + site.draw.below(30 * 60)

    def write() -> None:
        # A second record for the visit that did take place makes four in all.
        claims = [*zip(made_up, spans, strict=False), (real, spans[2]), (real, (arrive + 60, arrive + 35 * 60))]
        for customer, span in claims[:2]:
            plan_outing(script, site.rep, site.days, site.streams, customer.customer or "", *span)
        for number, (customer, span) in enumerate(claims):
            script.follow_ups.append(
                follow_up(
                    script,
                    site.rep,
                    site.days,
                    site.streams,
                    customer.customer or "",
                    "visit",
                    span,
                    begin + 110 * number,
                    "拜访客户,沟通授信需求。",
                )
            )

    site.after.append(write)
    site.expect(
        "visit.backfilled",
        "medium",
        window=(script.day, begin, begin + 500),
        earliest_s=begin,
        detect_by_s=_DAY_END[1],
    )


@scenario("L07/supported", "Visit records written in one go, all of them true", req=["B1"], needs=Needs(parts=ALL_DAY))
def _true_backfill(site: Site) -> None:
    script = site.script()
    for part in ALL_DAY:
        script.claimed_by[part] = site.scenario.key
    script.visits = 4
    script.calls = False
    script.writes_at = clock_s("17:44")
    site.silent(("visit.backfilled", "visit.unsupported"))


@scenario("L08", "Mock position flag", req=["A7"], needs=_PM)
def _mock_position(site: Site) -> None:
    customer = site.customer()
    arrive = clock_s("14:20") + site.draw.below(40 * 60)
    minutes = site.draw.whole(10, 70)
    script = site.set_part("pm", [_arriving(site.visit(customer, max(30, minutes + 8) * 60), arrive), site.office()])
    start = arrive + 240
    script.phone.mock.append((start, start + minutes * 60))
    site.stay_awake(script, start, start + minutes * 60)
    site.expect(
        "device.mock_location",
        "high",
        window=(script.day, start, start + minutes * 60),
        earliest_s=start,
        detect_by_s=start + minutes * 60 + 120,
        dose={"mock_s": minutes * 60},
    )


@scenario("L09", "Coordinates stand still while the phone moves", req=["A7"], needs=_PM)
def _frozen_track(site: Site) -> None:
    start = clock_s("14:05") + site.draw.below(30 * 60)
    end = start + site.draw.whole(80, 120) * 60
    away = site.customer(low_m=3000)
    somewhere = attrs.evolve(away, id=f"roadside-{site.instance}", kind="open", customer=None, x=away.x + 420)
    script = site.set_part(
        "pm",
        [
            Stop(spot=somewhere, stay_s=600, depart_s=start + 300),
            Stop(spot=site.rep.branch.office, stay_s=60),
            Stop(spot=attrs.evolve(somewhere, id=f"roadside2-{site.instance}", y=away.y + 500), stay_s=600),
            site.office(),
        ],
    )
    script.phone.frozen.append((start, end, False))
    script.phone.awake.append((start - 120, end + 120))
    script.phone.flat = False
    site.expect(
        "device.replayed_track",
        "high",
        window=(script.day, start, end),
        earliest_s=start,
        detect_by_s=_DAY_END[1],
        dose={"frozen_s": end - start},
    )


@scenario("L09/replay", "Yesterday's track sent again", req=["A7"], needs=Needs(days=2, parts=ALL_DAY))
def _replayed_track(site: Site) -> None:
    first, second = site.script(0), site.script(1)
    for part in ALL_DAY:
        first.claimed_by[part] = site.scenario.key
    first.phone.flat = False
    second.phone.flat = False
    for part in ALL_DAY:
        site.set_part(part, [], 1)
    second.visits = 0
    second.phone.replayed_day = first.day
    site.expect(
        "device.replayed_track",
        "high",
        window=(second.day, clock_s("09:00"), clock_s("18:00")),
        earliest_s=clock_s("09:00"),
        detect_by_s=_DAY_END[1],
        evidence={"day": first.date.isoformat()},
    )


@scenario("L09/at-rest", "A phone that lies indoors on Wi-Fi", req=["A7"], needs=_PM)
def _phone_at_rest(site: Site) -> None:
    start = clock_s("14:00") + site.draw.below(30 * 60)
    script = site.set_part("pm", [])
    script.phone.frozen.append((start, start + 100 * 60, True))
    script.phone.awake.append((start, start + 100 * 60))
    site.silent(("device.replayed_track",))


@scenario("L10", "Impossible speed, twice", req=["A7"], needs=_PM)
def _impossible_speed(site: Site) -> None:
    script = site.set_part("pm", [])
    turn = site.draw.between(0, 2 * math.pi)
    reach = site.draw.between(58_000, 90_000)
    first = clock_s("14:10") + site.draw.below(40 * 60)
    second = first + site.draw.whole(60, 90) * 60
    for start in (first, second):
        script.phone.thrown.append((start, start + 9 * 60, reach * math.cos(turn), reach * math.sin(turn)))
        site.stay_awake(script, start, start + 540, around_s=300)
    site.expect(
        "device.impossible_speed",
        "medium",
        window=(script.day, first, second + 540),
        earliest_s=first,
        detect_by_s=second + 540 + 150,
        dose={"distance_m": round(reach)},
    )


@scenario("L10/drift", "One fix far off that comes back", req=["A7", "A8"], needs=_PM)
def _one_outlier(site: Site) -> None:
    script = site.set_part("pm", [])
    script.phone.scattered.append((clock_s("14:40") + site.draw.below(3600), site.draw.between(9_000, 40_000)))
    site.silent(("device.impossible_speed",))


@scenario("L12", "One phone, two accounts", req=["A7"], needs=Needs(parts=frozenset({"pm"}), reps=2))
def _shared_phone(site: Site) -> None:
    first, second = site.reps
    one = site.customer()
    office = second.branch.office
    others = [
        spot
        for spot in second.customers
        if 2000 < spot.metres_to(one) < 9000 and spot.metres_to(office) < 14_000 and spot.id not in site.world.reserved
    ]
    if not others:
        raise Unplantable
    other = site.reserve(site.draw.pick(others))
    arrive = clock_s("14:50") + site.draw.below(40 * 60)
    at = arrive + 120
    site.set_part("pm", [_arriving(site.visit(one, 30 * 60, check_in=False), arrive), site.office()])
    site.set_part(
        "pm", [_arriving(site.visit(other, 30 * 60, check_in=False), arrive + 200), site.office()], rep=second
    )
    for rep, spot, when in ((first, one, at), (second, other, at + 360)):
        _send_later(site, site.script(rep=rep), rep.index, spot, when, first.device)
        site.expect(
            "device.shared",
            "high",
            window=(site.days_used[0], at, at + 360),
            earliest_s=at,
            detect_by_s=at + 480,
            rep=rep,
            evidence={"device": first.device},
        )


def _send_later(site: Site, script: Script, rep: int, spot: Spot, when: int, device: str) -> None:
    def send() -> None:
        script.check_ins.append(
            check_in_at(
                script,
                site.world.reps[rep],
                site.world,
                site.days,
                site.streams,
                site.draw,
                spot.customer or "",
                spot,
                when,
                device=device,
            )
        )

    site.after.append(send)


@scenario("L13", "Clock set 47 minutes ahead", req=["A7"], needs=Needs(parts=ALL_DAY))
def _clock_ahead(site: Site) -> None:
    script = site.script()
    for part in ALL_DAY:
        script.claimed_by[part] = site.scenario.key
    ahead = site.draw.whole(35, 60) * 60
    start = clock_s("10:00") + site.draw.below(3600)
    end = clock_s("16:00")
    script.phone.fast_by.append((start, end, ahead))
    site.stay_awake(script, start)
    site.expect(
        "device.clock_tamper",
        "medium",
        window=(script.day, start, end),
        earliest_s=start,
        detect_by_s=start + ahead + 300,
        dose={"ahead_s": ahead},
    )


@scenario("L13/slow", "A clock that is always 90 seconds off", req=["A7", "A8"], needs=Needs(parts=ALL_DAY))
def _constant_skew(site: Site) -> None:
    script = site.script()
    for part in ALL_DAY:
        script.claimed_by[part] = site.scenario.key
    script.phone.fast_by.append((0, clock_s("24:00"), -90))
    # What this clock dates before the day begins would be refused, and is another row's matter.
    script.phone.off.append((site.days.start_s, site.days.start_s + 90))
    site.silent(("device.clock_tamper",))


@scenario(
    "L14",
    "Tracking switched off on three days",
    req=["A7", "A8"],
    needs=Needs(days=3, parts=frozenset({"pm"}), whole_rep=True),
)
def _gap_pattern(site: Site) -> None:
    for number in range(3):
        _dark_way(site, number)
    last = site.script(2)
    site.expect(
        "track.gap_pattern",
        "medium",
        window=(site.days_used[0], clock_s("13:30"), clock_s("18:00")),
        day=last.day,
        earliest_s=clock_s("14:00"),
        detect_by_s=_DAY_END[1],
    )


@scenario("L14/once", "Tracking off once", req=["A8"], needs=_PM)
def _one_gap(site: Site) -> None:
    _dark_way(site, 0)
    site.silent(("track.gap_pattern",))


@scenario("L20", "A private place", req=["E6", "A4"], needs=_PM)
def _private_place(site: Site) -> None:
    category = site.draw.pick(("hospital", "worship", "court"))
    customer = site.customer()
    place = site.reachable(site.near(category, customer, 300, 30_000, clear_m=160), clock_s("14:50"))
    stop = Stop(spot=place, stay_s=50 * 60, arrive_s=clock_s("14:50"), outing_for=customer.customer)
    site.set_part("pm", [stop, site.office()])
    site.silent(("*",))


@scenario("L20/home", "The rep's home", req=["E6", "A4"], needs=_PM)
def _own_home(site: Site) -> None:
    site.reachable(site.rep.home, clock_s("14:50"))
    stop = Stop(spot=site.rep.home, stay_s=50 * 60, arrive_s=clock_s("14:50"))
    site.set_part("pm", [stop, site.office()])
    site.silent(("*",))


def _exact(site: Site, length: int) -> None:
    """Arrive with one fix and leave with another that is exactly *length* seconds later.

    The fixes before and after lie on the way, more than 100 m off, so what the phone saw spans *length* and no more.
    """
    customer = site.customer()
    mall = site.reachable(site.near("mall", customer, 500, 15_000), clock_s("14:40"))
    ticks = tick_seconds(site.rep.index, site.days_used[0], site.days, site.streams).tolist()
    known = set(ticks)
    fitting = [t for t in ticks if clock_s("14:40") <= t <= clock_s("15:40") and t + length in known]
    if not fitting:
        raise Unplantable
    arrive = site.draw.pick(fitting)
    script = site.set_part(
        "pm",
        [
            Stop(spot=mall, stay_s=length, arrive_s=arrive, pace_mps=8.3, outing_for=customer.customer),
            attrs.evolve(site.office(), pace_mps=8.3),
        ],
    )
    script.phone.awake.append((arrive - 200, arrive + length + 200))
    dose = {"stay_s": length}
    if length > 30 * 60:
        site.expect_dwell(mall, evidence={"category": "mall", "claimed_customer": customer.customer}, dose=dose)
    else:
        site.silent(_DWELL, dose=dose)
        site.near_dwells.append((site, mall.place_key))


def _dark_way(site: Site, number: int) -> None:
    """Be without fixes on the way from the office to a customer more than 2 km away, with a charged battery."""
    customer = site.customer(low_m=2600)
    arrive = clock_s("15:05") + site.draw.below(20 * 60)
    script = site.set_part("pm", [_arriving(site.visit(customer, 60 * 60), arrive), site.office()], number)
    until = arrive + site.draw.whole(4, 10) * 60
    script.phone.off.append((until - site.draw.whole(62, 95) * 60, until))
    script.phone.flat = False
    site.stay_awake(script, until + 200)


def mall_beside(site: Site, customer: Spot, reach_m: float) -> Spot:
    """Build a mall *reach_m* from a customer's address."""
    turn = site.draw.between(0, 2 * math.pi)
    like = site.draw.pick(site.world.of_category("mall"))
    return site.new_spot(
        "mall",
        customer,
        reach_m * math.cos(turn),
        reach_m * math.sin(turn),
        kind="interest",
        category="mall",
        estate=f"mall-{site.instance}",
        setting=Setting.INDOOR,
        name=like.name,
        radius_m=100.0,
    )


def _any_time(site: Site, spot: Spot) -> int:
    """Return a second of arrival in the site's part of the day."""
    if site.part == "pm":
        arrive = clock_s("14:35") + site.draw.below(80 * 60)
        site.reachable(spot, arrive)
        return arrive
    arrive = clock_s("10:05") + site.draw.below(45 * 60)
    site.reachable(spot, arrive + clock_s("04:05"))
    return arrive


def _arriving(stop: Stop, second: int) -> Stop:
    return attrs.evolve(stop, arrive_s=second)


def _far_restaurant(site: Site, near: Spot, high_m: float = 15_000) -> Spot:
    """Return a restaurant that nobody of the branch has lunch at (those lie within 1,200 m of the office)."""
    for _ in range(12):
        place = site.near("restaurant", near, 500, high_m)
        if place.metres_to(site.rep.branch.office) > 1300:
            return place
    raise Unplantable


def _far_customer(site: Site, *without: Spot) -> Spot:
    """Return a customer well away from office, home and the way between them, whom nobody goes to otherwise.

    A visit there later that day would make the record one that was written before the visit: a rule of its own.
    """
    office, home = site.rep.branch.office, site.rep.home
    found = [
        spot
        for spot in site.rep.customers
        if spot not in without
        and spot.metres_to(office) > 2500
        and spot.metres_to(home) > 2500
        and _off_the_way(spot, office, home) > 2000
    ]
    chosen = site.reserve(site.draw.pick(site.free(found)))
    site.world.shunned.add(chosen.id)
    return chosen


def _off_the_way(spot: Spot, one: Spot, other: Spot) -> float:
    length = max(1.0, one.metres_to(other)) ** 2
    share = ((spot.x - one.x) * (other.x - one.x) + (spot.y - one.y) * (other.y - one.y)) / length
    share = min(1.0, max(0.0, share))
    return math.hypot(spot.x - one.x - share * (other.x - one.x), spot.y - one.y - share * (other.y - one.y))


def _no_customer_near_the_morning(site: Site, script: Script) -> None:
    """Keep the phone on all morning, so that nobody can say it was off."""
    script.phone.flat = False
    site.stay_awake(script, clock_s("09:30"), clock_s("11:30"))


def whole_day_leave(site: Site, number: int) -> None:
    """Take one day off."""
    script = site.script(number)
    script.at_home = True
    script.visits = 0
    script.calls = False
    for part in ALL_DAY:
        script.parts[part] = []
        script.claimed_by[part] = site.scenario.key
    site.absent(number, AbsenceKind.LEAVE, site.days.start_s, site.days.end_s)
    script.untracked.append((site.days.start_s, site.days.end_s))
