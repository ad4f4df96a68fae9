"""Rows O: what goes wrong in operation without anybody's fault."""

from __future__ import annotations

import math

import attrs

from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.scenarios.base import Needs, Site, scenario
from fieldhr_sandbox.script import Stop
from fieldhr_sandbox.timeline import Setting

_PM = Needs(parts=frozenset({"pm"}))


@scenario("O01", "Six hours offline, then everything at once", req=["A8"], needs=_PM)
def _late_upload(site: Site) -> None:
    customer = site.customer()
    mall = site.near("mall", customer, 500, 15_000)
    arrive = clock_s("14:40") + site.draw.below(40 * 60)
    site.reachable(mall, arrive)
    stay = site.draw.whole(34, 55) * 60
    stop = Stop(spot=mall, stay_s=stay, arrive_s=arrive, outing_for=customer.customer)
    script = site.set_part("pm", [stop, site.office()])
    script.phone.held_back.append((clock_s("11:20"), clock_s("17:20")))
    site.stay_awake(script, arrive, arrive + stay, arrive + 30 * 60)
    site.expect_dwell(
        mall,
        evidence={"category": "mall", "claimed_customer": customer.customer},
        dose={"stay_s": stay, "late_s": 21600},
    )


@scenario("O02", "Drift in a street of towers", req=["A8"], needs=_PM)
def _drift(site: Site) -> None:
    customer = site.customer()
    tower = attrs.evolve(customer, setting=Setting.INDOOR)
    arrive = clock_s("14:30") + site.draw.below(40 * 60)
    site.reachable(customer, arrive)
    stay = 40 * 60
    script = site.set_part("pm", [attrs.evolve(site.visit(tower, stay), arrive_s=arrive), site.office()])
    for step in range(5):
        second = arrive + 300 + step * 420 + site.draw.below(180)
        script.phone.scattered.append(
            (second, site.draw.between(150, 400) * math.copysign(1, site.draw.uniform() - 0.5))
        )
    site.silent(("*",), dose={"jumps": 5})
