"""What a day leaves in the books: outings planned, check-ins sent, follow-ups written."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fieldhr_core.model import CheckIn, Datum, FollowUp, Outing
from fieldhr_sandbox.calendars import Days, clock_s
from fieldhr_sandbox.script import Script
from fieldhr_sandbox.sensors import NOISE_M
from fieldhr_sandbox.streams import Draw, Streams
from fieldhr_sandbox.timeline import Spot
from fieldhr_sandbox.world import Rep, World

__all__ = ["check_in_at", "follow_up", "note_text", "plan_outing", "write_down"]

_NOTES: Final = (
    "了解了近期订单和回款情况,{a}需求{b}。",
    "核对{a}资料,{b},约定下次见面时间。",
    "与财务沟通{a}用途,{b}。",
    "查看现场和{a},{b},后续补充材料。",
    "介绍{a}流程,客户{b}。",
)
_NOTE_A: Final = ("资金", "授信", "经营", "库存", "结算", "合同", "抵押", "报表", "票据", "设备")
_NOTE_B: Final = (
    "基本稳定",
    "有所增加",
    "待进一步确认",
    "表示认可",
    "暂无变化",
    "需要内部讨论",
    "希望尽快办理",
    "较上月好转",
)
_CALL: Final = ("电话确认{a}进度,客户{b}。", "电话回访,{a}{b}。", "电话约访,{a}事项{b}。")


def write_down(script: Script, rep: Rep, world: World, days: Days, streams: Streams) -> None:
    """Fill the outings, check-ins and follow-ups that follow from the laid-out day."""
    draw = streams.of("records", rep.index, script.day)
    outing_since: dict[str, int] = {}
    for stop, arrive, leave, depart in script.laid:
        if stop.outing_for is not None:
            outing_since.setdefault(stop.outing_for, depart)
        if stop.visit is None:
            continue
        visit = stop.visit
        if visit.outing:
            plan_outing(
                script,
                rep,
                days,
                streams,
                visit.customer,
                outing_since.pop(visit.customer, depart),
                leave,
                visit.meeting_place,
            )
        if visit.check_in:
            at = min(arrive + draw.whole(60, 240), max(arrive + 30, leave - 30))
            script.check_ins.append(check_in_at(script, rep, world, days, streams, draw, visit.customer, stop.spot, at))
        if visit.record:
            written = leave + draw.whole(4 * 60, 35 * 60)
            if written > clock_s("17:57"):
                written = max(leave + 20, min(written, clock_s("17:57")))
            text = note_text(draw)
            script.follow_ups.append(
                follow_up(
                    script,
                    rep,
                    days,
                    streams,
                    visit.customer,
                    "visit",
                    (arrive, leave),
                    written,
                    text,
                    joint_with=visit.joint_with,
                )
            )
    for customer, since in outing_since.items():
        plan_outing(script, rep, days, streams, customer, since, since + 2 * 3600)
    if script.works and script.calls and not script.absent:
        _calls(script, rep, world, days, streams, draw)
    if not script.writes:
        script.follow_ups.clear()


def _calls(script: Script, rep: Rep, world: World, days: Days, streams: Streams, draw: Draw) -> None:
    """Add short telephone records; a day without any visit record gets at least one."""
    count = draw.below(3) if script.follow_ups else draw.whole(1, 2)
    called = [spot.customer for spot in rep.customers if spot.id not in world.shunned]
    for _ in range(count):
        start = draw.pick((clock_s("09:04"), clock_s("13:31"), clock_s("16:20"))) + draw.below(25 * 60)
        customer = draw.pick(called) or ""
        span = (start, start + draw.whole(60, 600))
        written = span[1] + draw.whole(30, 400)
        script.follow_ups.append(
            follow_up(script, rep, days, streams, customer, "call", span, written, _text(draw, _CALL))
        )


def note_text(draw: Draw) -> str:
    """Return what an ordinary visit record says."""
    return _text(draw, _NOTES)


def _text(draw: Draw, patterns: tuple[str, ...]) -> str:
    return draw.pick(patterns).format(a=draw.pick(_NOTE_A), b=draw.pick(_NOTE_B))


def plan_outing(
    script: Script,
    rep: Rep,
    days: Days,
    streams: Streams,
    customer: str,
    start: int,
    end: int,
    meeting: str | None = None,
) -> None:
    """Add an outing to *customer* from *start* to *end*, in steps of five minutes as people plan."""
    number = len(script.outings)
    script.outings.append(
        Outing(
            id=f"o-{streams.token('outing', rep.index, script.day, number)}",
            rep=rep.id,
            customer=customer,
            start=days.instant(script.day, start - start % 300),
            end=days.instant(script.day, end + -end % 300),
            meeting_place=meeting,
        )
    )


def check_in_at(
    script: Script,
    rep: Rep,
    world: World,
    days: Days,
    streams: Streams,
    draw: Draw,
    customer: str,
    spot: Spot,
    second: int,
    *,
    off: tuple[float, float] | None = None,
    accuracy_m: float | None = None,
    device: str | None = None,
) -> CheckIn:
    """Return a check-in for *customer* sent from *spot* with an error that fits the surroundings.

    *off* (metres east and north) and *accuracy_m* replace the drawn error.
    """
    sigma = NOISE_M[spot.setting]
    error = (draw.normal() * sigma, draw.normal() * sigma) if off is None else off
    lat, lon = world.frame.to_degrees(spot.x + error[0], spot.y + error[1])
    accuracy = round(sigma * 1.51 * draw.lognormal(1.0, 0.2), 1) if accuracy_m is None else accuracy_m
    return CheckIn(
        id=f"k-{streams.token('checkin', rep.index, script.day, len(script.check_ins), second)}",
        rep=rep.id,
        customer=customer,
        time=days.instant(script.day, second),
        lat=lat,
        lon=lon,
        datum=Datum.WGS84,
        accuracy_m=accuracy,
        device=rep.device if device is None else device,
        mock=False,
    )


def follow_up(
    script: Script,
    rep: Rep,
    days: Days,
    streams: Streams,
    customer: str,
    kind: str,
    span: tuple[int, int],
    written: int,
    text: str,
    *,
    joint_with: tuple[str, ...] = (),
) -> FollowUp:
    """Return a record of *kind* that claims *span* and was written at second *written*."""
    number = len(script.follow_ups)
    if script.writes_at is not None:
        written = script.writes_at + 97 * number
    received: datetime = days.instant(script.day, written + 2)
    if script.arrives_at is not None:
        received = days.instant(script.arrives_at[0], script.arrives_at[1] + 3 * number)
    return FollowUp(
        id=f"f-{streams.token('followup', rep.index, script.day, number, kind, span[0])}",
        rep=rep.id,
        customer=customer,
        kind=kind,
        start=days.instant(script.day, span[0] - span[0] % 60),
        end=days.instant(script.day, span[1] - span[1] % 60),
        written=days.instant(script.day, written),
        received=received,
        text=text,
        joint_with=joint_with,
    )
