"""Rows R01-R05: customers who are on a list, who only share a name with somebody on it, and who are met too often."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import attrs

from fieldhr_core.model import Customer
from fieldhr_sandbox import names
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.records import follow_up
from fieldhr_sandbox.scenarios.base import Needs, Site, Unplantable, scenario
from fieldhr_sandbox.watchlist import Listed

_HIT: Final = "aml.hit"
_POSSIBLE: Final = "aml.possible_hit"
_FREQUENT: Final = "risk.frequent_contact"
_DESK: Final = Needs(desk=True)
_WEEK: Final = Needs(days=5, desk=True)

#: (schema, listed name, other listed names, the customer's name, with the listed birth date): written otherwise.
_WRITTEN: Final = (
    ("Person", "沈予澄", (), "Shen Yucheng", False),
    ("Person", "Tao Jiahang", (), "Jiahang Tao", False),
    ("Person", "趙硯龍", (), "赵砚龙", False),
    ("Person", "蒋浩砚", (), "蒋昊砚", True),
    ("Person", "冯若槐", (), "冯若槐", True),
    ("Organization", "鎏铠机械有限公司", (), "鎏铠机械有限责任公司", False),
    ("Organization", "屿宸物流有限公司", ("黛岫食品加工厂",), "黛岫食品加工厂", False),
    ("Person", "陈荷衡", (), "陈 荷 衡", True),
    ("Person", "Chang Hsiao-yun", (), "张晓云", False),
    ("Organization", "玖阙建材（厦门）有限公司", (), "厦门玖阙建材有限公司", False),
    ("Person", "Aleksandr Vorontsov", (), "Alexander Vorontsov", False),
    ("Organization", "Harbour Lantern Trading Limited", (), "Harbour Lantern Trading Ltd.", False),
)


@scenario("R01", "Exact hit", req=["C3"], needs=_DESK)
def _exact_hit(site: Site) -> None:
    born = _born(site)
    number = names.identity_number(site.draw, born)
    name = names.person(site.draw)
    _list(site, "Person", name, birth_date=born.isoformat(), identifiers=(number,))
    _submitted(site, _HIT, "critical", _customer(site, "r01", name, identifiers={"ric": number}, birth_date=born))


@scenario("R02", "Fuzzy hit", req=["C3"], needs=_DESK)
def _fuzzy_hit(site: Site) -> None:
    schema, listed, others, name, dated = _WRITTEN[site.ordinal % len(_WRITTEN)]
    born = _born(site)
    _list(site, schema, listed, aliases=others, birth_date=born.isoformat() if dated else "")
    customer = _customer(site, "r02", name, schema=schema, birth_date=born if dated else None)
    _submitted(site, _POSSIBLE, "high", customer)


@scenario("R03", "Namesakes", req=["C3"], needs=_DESK)
def _namesakes(site: Site) -> None:
    born = _born(site)
    name = names.person(site.draw)
    _list(site, "Person", name, birth_date=born.isoformat(), identifiers=(names.identity_number(site.draw, born),))
    second = clock_s("10:00") + site.draw.below(3600)
    for number in range(20):
        other = born + timedelta(days=site.draw.whole(20, 9000) * (1 if site.draw.chance(0.5) else -1))
        numbers = {"ric": names.identity_number(site.draw, other)} if site.draw.chance(0.5) else {}
        customer = _customer(site, f"r03-{number}", name, identifiers=numbers, birth_date=other)
        site.hand_in("customer", customer, second + 20 * number)
        site.silent((_HIT, _POSSIBLE), subject_kind="customer", subject=customer.id)


@scenario("R04", "A list changes", req=["C3"], needs=_DESK)
def _list_changes(site: Site) -> None:
    _listed_later(site, until_day=None)


@scenario("R04/delisted", "Taken off the list again", req=["C3"], needs=_WEEK)
def _delisted(site: Site) -> None:
    _listed_later(site, until_day=4)


@scenario("R05", "Frequent contact", req=["C4"], needs=_WEEK)
def _frequent_contact(site: Site) -> None:
    customer = _risky(site)
    _talk(site, customer, 0)
    _talk(site, customer, 2)
    written = _talk(site, customer, 4)
    day = site.days_used[4]
    site.expect(
        _FREQUENT,
        "high",
        window=(site.days_used[0], 0, written),
        day=day,
        earliest_s=written - 1300,
        detect_by_s=written + 120,
        subject_kind="customer",
        subject=customer,
        dose={"contacts": 3},
    )


@scenario("R05/recovery", "Contact in a recovery assignment", req=["C4"], needs=_WEEK)
def _recovery(site: Site) -> None:
    customer = _risky(site)
    _talk(site, customer, 0, kind="recovery")
    for number in (1, 2, 4):
        _talk(site, customer, number)
    site.silent((_FREQUENT,), subject_kind="customer", subject=customer, until=site.days_used[4])


@scenario("R05/twice", "Contact twice", req=["C4"], needs=_WEEK)
def _twice(site: Site) -> None:
    customer = _risky(site)
    for number in (0, 3):
        _talk(site, customer, number)
    site.silent((_FREQUENT,), subject_kind="customer", subject=customer, until=site.days_used[4])


def _born(site: Site) -> date:
    return date(1962, 1, 1) + timedelta(days=site.draw.below(13_000))


def _customer(site: Site, tag: str, name: str, **more: Any) -> Customer:
    """Return somebody new whom the rep submits."""
    numbers = {"phone": names.phone(site.draw), **more.pop("identifiers", {})}
    return Customer(
        id=f"c-{site.streams.token('submitted', site.instance, tag)}",
        name=name,
        schema=more.pop("schema", "Person"),
        owner=site.rep.id,
        need=site.draw.pick(site.recipe.needs),
        identifiers=numbers,
        potential=site.draw.pick(("high", "medium", "medium", "low")),
        countries=("cn",),
        source="sandbox",
        **more,
    )


def _list(site: Site, schema: str, name: str, tag: str = "", **more: Any) -> None:
    key = f"l-{site.streams.token('listed', site.instance, tag)}"
    site.world.listed.append(Listed(id=key, schema=schema, name=name, **more))


def _submitted(site: Site, code: str, severity: str, customer: Customer) -> None:
    second = clock_s("09:20") + site.draw.below(7 * 3600)
    site.hand_in("customer", customer, second)
    site.expect(
        code,
        severity,
        window=(site.days_used[0], second, second),
        earliest_s=second,
        detect_by_s=second + 1,
        subject_kind="customer",
        subject=customer.id,
    )


def _listed_later(site: Site, until_day: int | None) -> None:
    """Put five customers on the list in the middle of a day, for good or until another day."""
    second = clock_s("10:30") + site.draw.below(3 * 3600)
    since = site.days.instant(site.days_used[0], second)
    until = None if until_day is None else site.days.instant(site.days_used[until_day], second)
    taken = {number for one in site.world.listed for number in one.identifiers}
    known = [
        customer
        for spot in site.draw.shuffled(site.world.customer_spots())
        if spot.customer is not None and spot.id not in site.world.reserved
        for customer in (site.world.customers[spot.customer],)
        if customer.risk == "normal" and not taken & set(customer.identifiers.values())
    ][:5]
    if len(known) < 5:
        raise Unplantable
    for customer in known:
        number = customer.identifiers.get("ric") or customer.identifiers["uscc"]
        _list(
            site,
            customer.schema,
            customer.name,
            customer.id,
            birth_date="" if customer.birth_date is None else customer.birth_date.isoformat(),
            identifiers=(number,),
            since=since,
            until=until,
        )
        holder = next(rep for rep in site.world.reps if rep.id == customer.owner)
        if until_day is None:
            site.expect(
                _HIT,
                "critical",
                window=(site.days_used[0], second, second),
                earliest_s=second,
                detect_by_s=second + 300,
                subject_kind="customer",
                subject=customer.id,
                rep=holder,
            )
        else:
            end = site.days_used[until_day]
            site.silent((_HIT, _POSSIBLE), subject_kind="customer", subject=customer.id, rep=holder, until=end)


def _risky(site: Site) -> str:
    """Return one of the rep's customers, labelled by the host, whom nobody visits by chance."""
    for spot in site.draw.shuffled(site.rep.customers):
        customer = spot.customer
        if customer is not None and spot.id not in site.world.reserved | site.world.shunned:
            site.world.shunned.add(spot.id)
            site.reserve(spot)
            known = site.world.customers[customer]
            site.world.customers[customer] = attrs.evolve(known, risk=site.draw.pick(("dishonest_debtor", "p2p")))
            return customer
    raise Unplantable


def _talk(site: Site, customer: str, number: int, kind: str = "call") -> int:
    """Write down a talk on one day, and return the second at which it is written."""
    script = site.script(number)
    start = clock_s("13:40") + site.draw.below(3 * 3600)
    span = (start, start + site.draw.whole(120, 900))
    written = span[1] + site.draw.whole(60, 300)
    text = site.draw.pick(("电话回访,资金需求基本稳定。", "电话确认授信进度,客户表示认可。"))

    def write() -> None:
        script.follow_ups.append(
            follow_up(script, site.rep, site.days, site.streams, customer, kind, span, written, text)
        )

    site.after.append(write)
    return written
