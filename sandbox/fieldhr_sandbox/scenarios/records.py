"""Rows B08, B09, B10: notes that are copied or written too early, photos that are used again."""

from __future__ import annotations

from typing import Final

import attrs

from fieldhr_core.model import FollowUp, Inspection
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.pictures import scene, taken_again
from fieldhr_sandbox.scenarios.base import Needs, Site, Unplantable, scenario
from fieldhr_sandbox.script import Script

_WEEK: Final = Needs(days=8, whole_rep=True)
_DESK: Final = Needs(desk=True)
_AFTERNOON: Final = Needs(parts=frozenset({"pm"}))
_COPIED: Final = "record.copied_notes"
_EARLY: Final = "record.predates_visit"
_REUSED: Final = "record.photo_reused"

_COPY: Final = "客户经营情况总体平稳,本次介绍了结算与融资方案,客户表示会认真考虑,约定{when}再次上门拜访并补充相关资料。"
_WHEN: Final = ("下周", "月底", "下月", "节后")
_FORM: Final = "一、经营:{a}。二、需求:{b}。三、风险:{c}。四、下一步:{d}。"
_FILL: Final = (
    "订单充足,三班倒生产,仓库周转快",
    "上游涨价,毛利被压缩,正在换供应商",
    "新开两家门店,装修款占用流动资金",
    "出口单减少,转做国内渠道,账期变长",
    "旺季备货,存货增加,预付款比例提高",
    "设备老化,计划更新,等待补贴政策落地",
    "老板出差,由财务接待,核对了近三月流水",
    "厂房租约到期,正在谈续租,考虑购买",
    "应收账款集中在一家大客户,回款较慢",
    "招工困难,计时工增多,工资支出上升",
    "税务评级提高,可申请信用贷款",
    "合伙人退股,股权变更手续办理中",
)


@scenario("B08", "Copied notes: the same text for nine customers and more", req=["B1", "B6"], needs=_WEEK)
def _copied(site: Site) -> None:
    _within_ten_days(site)
    wanted = site.draw.whole(9, 12)

    def copy() -> None:
        written = _first_notes(site)[:wanted]
        if len(written) < 8:
            raise Unplantable
        for script, place in written:
            note = script.follow_ups[place]
            text = _COPY.format(when=site.draw.pick(_WHEN))
            script.follow_ups[place] = attrs.evolve(note, text=text)
        day = written[7][0].day
        site.expect(
            _COPIED,
            "low",
            window=(written[0][0].day, site.days.start_s, site.days.end_s),
            day=day,
            earliest_s=clock_s("18:00"),
            detect_by_s=clock_s("23:05"),
            dose={"notes": len(written)},
        )

    _visits_a_day(site)
    site.after.append(copy)


@scenario("B08/form", "A form that is filled in differently", req=["B1", "B6"], needs=_WEEK)
def _form(site: Site) -> None:
    _within_ten_days(site)

    def fill() -> None:
        for script, place in _first_notes(site)[:12]:
            a, b, c, d = site.draw.shuffled(_FILL)[:4]
            note = script.follow_ups[place]
            script.follow_ups[place] = attrs.evolve(note, text=_FORM.format(a=a, b=b, c=c, d=d))

    _visits_a_day(site)
    site.after.append(fill)
    site.silent((_COPIED,), until=site.days_used[-1])


@scenario("B09", "A note written two hours before the visit", req=["B6"], needs=_AFTERNOON)
def _early(site: Site) -> None:
    spot = site.customer(high_m=7_000.0)
    script = site.set_part("pm", [site.visit(spot, site.draw.whole(1800, 3000)), site.office()])

    def write_early() -> None:
        place = next(
            n for n, note in enumerate(script.follow_ups) if note.customer == spot.customer and note.kind == "visit"
        )
        note = script.follow_ups[place]
        before = site.draw.whole(100, 140) * 60
        begun = round((note.start - site.days.instant(script.day, 0)).total_seconds())
        at = site.days.instant(script.day, begun - before)
        script.follow_ups[place] = attrs.evolve(note, written=at, received=at)
        site.expect(
            _EARLY,
            "low",
            window=(script.day, begun - before, begun),
            earliest_s=begun,
            detect_by_s=clock_s("23:05"),
            subject_kind="visit",
            subject=note.id,
            dose={"minutes_before": before // 60},
        )

    site.after.append(write_early)


@scenario("B09/preparation", "An agenda, filed as a preparation", req=["B6"], needs=_AFTERNOON)
def _prepared(site: Site) -> None:
    spot = site.customer(high_m=7_000.0)
    script = site.set_part("pm", [site.visit(spot, site.draw.whole(1800, 3000)), site.office()])

    def prepare() -> None:
        visit = next(note for note in script.follow_ups if note.customer == spot.customer and note.kind == "visit")
        begun = round((visit.start - site.days.instant(script.day, 0)).total_seconds())
        at = site.days.instant(script.day, begun - 7200)
        agenda = FollowUp(
            id=f"f-{site.streams.token('agenda', site.instance)}",
            rep=site.rep.id,
            customer=visit.customer,
            kind="preparation",
            start=visit.start,
            end=visit.end,
            written=at,
            received=at,
            text="拜访提纲:了解近期订单与回款,确认授信资料是否齐全,介绍续贷流程。",
        )
        script.follow_ups.append(agenda)
        site.silent((_EARLY,), subject_kind="visit", subject=agenda.id)

    site.after.append(prepare)


@scenario("B10", "One picture for three borrowers", req=["B6"], needs=_DESK)
def _reused(site: Site) -> None:
    script = site.script()
    picture = scene(site.draw)
    customers = site.draw.shuffled(site.rep.customers)[:3]
    second = clock_s("09:40") + site.draw.below(3600)
    at = []
    for number, spot in enumerate(customers):
        crop, quality = (0.0, 88) if number == 0 else (0.05, site.draw.whole(45, 80))
        shown = picture if number == 0 else taken_again(picture, crop=crop, quality=quality)
        _photo(site, script, f"{number}", spot.customer or "", second, shown)
        at.append(second)
        second += 3600 + site.draw.below(3600)
    site.expect(
        _REUSED,
        "high",
        window=(script.day, at[0], at[2]),
        earliest_s=at[1],
        detect_by_s=at[1] + 60,
        dose={"borrowers": 3},
    )


@scenario("B10/same-gate", "Two photos of one borrower's gate", req=["B6"], needs=_DESK)
def _same_gate(site: Site) -> None:
    script = site.script()
    picture = scene(site.draw)
    customer = site.draw.pick(site.rep.customers).customer or ""
    second = clock_s("09:40") + site.draw.below(4 * 3600)
    _photo(site, script, "0", customer, second, picture)
    _photo(site, script, "1", customer, second + 300, taken_again(picture, crop=0.04, quality=70))
    other = next(spot.customer for spot in site.rep.customers if spot.customer != customer)
    _photo(site, script, "2", other or "", second + 5400, scene(site.draw))
    site.silent((_REUSED,))


def _photo(site: Site, script: Script, number: str, customer: str, second: int, picture: bytes) -> None:
    script.inspections.append(
        Inspection(
            id=f"i-{site.streams.token('photo', site.instance, number)}",
            rep=site.rep.id,
            customer=customer,
            kind="site_photo",
            at=site.days.instant(script.day, second - 120),
            received=site.days.instant(script.day, second),
            picture=picture,
        )
    )


def _within_ten_days(site: Site) -> None:
    if site.days_used[-1] - site.days_used[0] > 9:
        raise Unplantable


def _visits_a_day(site: Site) -> None:
    for number in range(len(site.days_used)):
        site.script(number).visits = 2 + number % 2


def _first_notes(site: Site) -> list[tuple[Script, int]]:
    """Return the first visit record for each customer, in order of writing."""
    found: dict[str, tuple[Script, int]] = {}
    notes = [
        (note.written, script, place)
        for script in (site.scripts[site.rep.index, day] for day in site.days_used)
        for place, note in enumerate(script.follow_ups)
        if note.kind == "visit"
    ]
    for _, script, place in sorted(notes, key=lambda one: one[0]):
        found.setdefault(script.follow_ups[place].customer, (script, place))
    return list(found.values())
