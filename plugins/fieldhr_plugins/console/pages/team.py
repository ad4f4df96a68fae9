"""Team today: what needs a look first, then who is where - by verdict in shape and word, silence as unknown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from fieldhr_core.flow.boards import Member, TeamBoard
from fieldhr_core.paper import charts
from fieldhr_core.paper.markup import Markup, joined
from fieldhr_core.paper.plan import Plan, Stop, projected
from fieldhr_core.paper.strip import Span, ribbon
from fieldhr_plugins.console.pages import telling, words
from fieldhr_plugins.console.pages.asking import Answer, Asked, tiles_of
from fieldhr_plugins.console.pages.shell import template

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.paper.tiles import Tiles

__all__ = ["render"]

#: In this order people are listed and counted: what may want somebody's attention first.
_ORDER: Final = ("away", "unknown", "moving", "at", "off", "absent")
#: Alerts shown before the link to all of them.
_FIRST: Final = 6
#: People to a page of the list: larger teams are narrowed by team, state or name.
_LISTED: Final = 250
_MARGIN_MS: Final = 30 * 60_000


def render(desk: Desk, asked: Asked) -> Answer:
    """Return the page. Query: ``date``, ``team``, ``now`` (one state only) and ``q`` (part of a name)."""
    speech = asked.speech
    wanted = asked.query.get("date", "")
    board = desk.boards.team(_date(wanted))
    open_cases = desk.boards.cases(limit=_FIRST)
    members = _narrowed(board, asked)
    names = {**board.names, **desk.boards.customers(telling.customers(open_cases.cases))}
    teams = sorted({member.team for member in board.members if member.team})
    states = Counter(member.now for member in _narrowed(board, asked, now=""))
    zone = board.zone
    tiles = tiles_of(desk)
    sub = joined(speech.long_day(board.date), " · ", speech.time(board.now_ms, zone), " · ", board.tenant)
    return Answer(
        title=speech.t("Team today"),
        sub=sub,
        simulated=board.simulated,
        pictures_from=tiles.origin if tiles else "",
        body=template(
            "team.html.j2",
            asked,
            board=board,
            figures=_figures(board, asked),
            members=members[:_LISTED],
            hidden=max(0, len(members) - _LISTED),
            cases=open_cases,
            told=lambda case: telling.told(speech, case, names),
            day_of=lambda at: at.astimezone(ZoneInfo(zone)).date().isoformat(),
            states=[(name, states[name]) for name in _ORDER if states[name]],
            teams=teams,
            ribbons={member.id: _ribbon(member, board, asked) for member in members[:_LISTED]},
            where=lambda member: _where(member, board, asked),
            maps=_maps(members, asked, tiles),
            tiles=tiles,
            attention=lambda member: member.cases[0][2] if member.cases else "",
        ),
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _narrowed(board: TeamBoard, asked: Asked, now: str | None = None) -> list[Member]:
    team, text = asked.query.get("team", ""), asked.query.get("q", "").strip().lower()
    state = asked.query.get("now", "") if now is None else now
    kept = [
        member
        for member in board.members
        if (not team or member.team == team)
        and (not state or member.now == state)
        and (not text or text in member.name.lower() or text in member.id.lower())
    ]
    return sorted(kept, key=lambda m: (not m.cases, _ORDER.index(m.now), m.name or m.id))


def _figures(board: TeamBoard, asked: Asked) -> list[tuple[str, str, str, Markup]]:
    """Return the four numbers: (what, number, beside what, trend of the last days)."""
    speech = asked.speech
    people = [member for member in board.members if member.now != "absent"]
    today, before = board.days[-1], board.days[-8:-1]
    worked = [day for day in before if day.visits or day.checkins]
    visits = sum(member.visits for member in board.members)
    planned = sum(member.planned for member in board.members)
    rate = today.mismatches / today.checkins if today.checkins else math.nan
    usual = _mean([day.mismatches / day.checkins for day in worked if day.checkins])
    waiting = [case for member in board.members for case in member.cases]
    urgent = sum(case[2] in ("critical", "high") for case in waiting)
    unknown = sum(member.now == "unknown" for member in board.members)
    on_duty = sum(member.now not in ("off", "absent") for member in board.members)

    def spark(values: Sequence[float], what: str) -> Markup:
        return charts.spark(values, title=speech.t("%(what)s, last %(days)s days", what=what, days=len(board.days)))

    mean = _mean([float(day.visits) for day in worked])
    each = speech.number(visits / len(people), 1) if people else "–"
    return [
        (
            speech.t("Verified visits"),
            speech.number(visits),
            speech.t(
                "%(each)s a head · %(planned)s planned · usually %(usual)s",
                each=each,
                planned=speech.number(planned),
                usual=speech.number(mean),
            ),
            spark(
                [float(d.visits) if d.visits or d.checkins else math.nan for d in board.days],
                speech.t("Verified visits"),
            ),
        ),
        (
            speech.t("Check-ins elsewhere"),
            speech.share(rate, 1),
            speech.t(
                "%(count)s of %(all)s · usually %(usual)s",
                count=speech.number(today.mismatches),
                all=speech.number(today.checkins),
                usual=speech.share(usual, 1),
            ),
            spark(
                [d.mismatches / d.checkins if d.checkins else math.nan for d in board.days],
                speech.t("Check-ins elsewhere"),
            ),
        ),
        (
            speech.t("Open alerts"),
            speech.number(len(waiting)),
            speech.n("%(count)s urgent", "%(count)s urgent", urgent),
            spark([float(sum(d.raised.values())) for d in board.days], speech.t("Alerts raised")),
        ),
        (
            speech.t("Unknown now"),
            speech.number(unknown) if board.tracked else "–",
            speech.t("of %(count)s on duty · never counted as absence", count=speech.number(on_duty)),
            spark([float(d.records) if d.records else math.nan for d in board.days], speech.t("Visit records written")),
        ),
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _where(member: Member, board: TeamBoard, asked: Asked) -> str:
    """Return where somebody is, as far as it is known and anybody's business."""
    speech = asked.speech
    if member.now == "absent":
        return words.absence(speech, member.absence)
    if member.now == "off" or not board.tracked:
        return ""
    if member.last is None:
        return speech.t("nothing heard today") if member.now == "unknown" else ""
    last = member.last
    place = words.place(speech, last.kind, last.category, board.names.get(last.customer, last.customer))
    if member.now in ("at", "away"):
        return place
    return speech.t("last: %(place)s", place=place)


def _ribbon(member: Member, board: TeamBoard, asked: Asked) -> Markup:
    speech = asked.speech
    if not (member.stays or member.day.duty_ms):
        return Markup()
    low = min([a for a, _ in member.day.duty_ms] + [s.start_ms for s in member.stays])
    high = max([b for _, b in member.day.duty_ms] + [s.end_ms for s in member.stays])
    spans = [Span(kind="stay", start_ms=s.start_ms, end_ms=s.end_ms, verdict=s.verdict) for s in member.stays]
    if member.now == "unknown":
        since = member.since_ms or low
        spans.append(Span(kind="gap", start_ms=since, end_ms=board.now_ms))
    at = sum(s.verdict == "at" for s in member.stays)
    away = sum(s.verdict == "away" for s in member.stays)
    unknown = sum(s.verdict == "unknown" for s in member.stays)
    title = speech.t(
        "Stops: %(at)s at known places, %(away)s elsewhere, %(unknown)s unknown", at=at, away=away, unknown=unknown
    )
    return ribbon(spans, low, high, title=title)


def _maps(members: Sequence[Member], asked: Asked, tiles: Tiles | None) -> list[Markup]:
    """Return the map for wide and for narrow screens; nobody is on it whose place is private or not known."""
    speech = asked.speech
    seen = [
        (member, member.last)
        for member in members
        if member.last is not None and member.now in ("at", "away") and math.isfinite(member.last.lat)
    ]
    if not seen:
        return []
    metres = projected([(last.lat, last.lon) for _, last in seen])
    few = len(seen) <= 24
    stops = [
        Stop(
            at=metres(last.lat, last.lon),
            verdict=member.now,
            text="",
            name=(member.name or member.id) if few else "",
            tip=member.name or member.id,
        )
        for member, last in seen
    ]
    title = speech.t("Where %(count)s people are; the list says the same in words.", count=len(seen))
    drawn = []
    for width, height, kind in ((460.0, 420.0, "map page only-wide"), (340.0, 320.0, "map page only-narrow")):
        plan = Plan.of(stops, width=width, height=height, pad=34.0, ground=(tiles, metres) if tiles else None)
        if plan is not None:
            drawn.append(plan.drawn(title=title, metres=speech.metres, north=speech.t("N"), kind=kind))
    return drawn
