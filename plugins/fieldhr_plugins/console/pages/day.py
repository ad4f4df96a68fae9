"""A person's day: map, timeline and table say the same; every alert stands beside what it rests on."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from fieldhr_core.flow.dayview import DayView
from fieldhr_core.paper.markup import Markup, escaped
from fieldhr_core.paper.plan import Piece, Plan, Ring, Stop, projected
from fieldhr_core.paper.strip import Span, Strip
from fieldhr_plugins.console.pages import telling, words
from fieldhr_plugins.console.pages.asking import Answer, Asked, tiles_of
from fieldhr_plugins.console.pages.shell import template

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.paper.tiles import Tiles

__all__ = ["render"]

_HOUR_MS: Final = 3_600_000


def render(desk: Desk, asked: Asked, rep: str) -> Answer:
    """Return the page. Query: ``date``; by default the tenant's present day."""
    speech = asked.speech
    _, tenant, zone, simulated = desk.boards.whose()
    day = _date(asked.query.get("date", "")) or desk.boards.today()
    report = desk.reports.day(rep, day)
    view = DayView.of(report, lambda key: _word(asked, key))
    name = view.rep_name or view.rep
    tiles = tiles_of(desk)
    days = {
        "before": asked.url("people", rep, date=(day - timedelta(days=1)).isoformat()),
        "after": asked.url("people", rep, date=(day + timedelta(days=1)).isoformat()),
    }
    duty = ", ".join(f"{speech.clock(a, view.zone)}–{speech.clock(b, view.zone)}" for a, b in view.duty_ms)
    sub = f"{speech.long_day(day)} · " + (speech.t("Duty %(span)s", span=duty) if duty else speech.t("No duty"))
    return Answer(
        title=name,
        sub=Markup(f"{escaped(sub)} · {escaped(view.zone)}"),
        simulated=simulated,
        pictures_from=tiles.origin if tiles else "",
        body=template(
            "day.html.j2",
            asked,
            view=view,
            day=day,
            days=days,
            tenant=tenant,
            zone=zone,
            cases=report.cases,
            told=lambda case: telling.told(speech, case, report.names),
            readings=lambda case: telling.readings(speech, case, report.names),
            facts=lambda values: telling.facts_of(speech, values, report.names),
            strips=_strips(view, asked),
            maps=_maps(view, asked, tiles),
            tiles=tiles,
            claim=lambda claim: _claim(asked, claim),
            signs={"supported": "at", "none": "away", "unknown": "unknown"},
            kinds={"gap": speech.t("Nothing known"), "move": speech.t("On the move")},
            known=math.isfinite,
        ),
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _word(asked: Asked, key: str) -> str:
    own = {"private_place": "private", "office": "office", "no_place": ""}
    if key in own:
        return words.place(asked.speech, own[key], "", "")
    return asked.speech.said(key)


def _claim(asked: Asked, claim: object) -> str:
    t = asked.speech.t
    outcome = claim.outcome  # type: ignore[attr-defined] # a Claim
    if outcome == "supported":
        return t("At the customer for %(time)s", time=asked.speech.span(claim.seen_s))  # type: ignore[attr-defined]
    return t("No stop there; tracking on") if outcome == "none" else t("Cannot be told; silence")


def _strips(view: DayView, asked: Asked) -> list[Markup]:
    """Return the timeline for wide and for narrow screens."""
    bounds = [*view.duty_ms, *((entry.start_ms, entry.end_ms) for entry in view.entries)]
    if not bounds:
        return []
    speech = asked.speech
    low, high = min(a for a, _ in bounds), max(b for _, b in bounds)
    minute = int(view.clock(low)[3:]) * 60_000 + low % 60_000
    marks = range(low - minute + (_HOUR_MS if minute else 0), high + 1, _HOUR_MS)
    instants = [
        (row["time_ms"], f"{speech.t('Check-in')} {row['customer']} {view.clock(row['time_ms'])}")
        for row in view.checkins
        if low <= row["time_ms"] <= high
    ]
    drawn = []
    for width, kind in ((1200.0, "only-wide"), (340.0, "only-narrow")):
        strip = Strip(
            width=width,
            low_ms=low,
            high_ms=high,
            spans=tuple(_spans(view, asked)),
            instants=tuple(instants),
            hours=tuple((ms, speech.clock(ms)) for ms in marks),
        )
        svg = strip.drawn(
            title=speech.t("The day as a strip of time; the table of stops says the same."), rest=speech.t("Break")
        )
        drawn.append(Markup(f'<div class="{kind}">{svg}</div>'))
    return drawn


def _spans(view: DayView, asked: Asked) -> list[Span]:
    t = asked.speech.t
    spans = [Span(kind="break", start_ms=a, end_ms=b) for a, b in view.breaks_ms]
    for claim in view.claims:
        tip = f"{t('Claimed')}: {claim.customer} {view.clock(claim.start_ms)}–{view.clock(claim.end_ms)}"
        spans.append(Span(kind="claim", start_ms=claim.start_ms, end_ms=claim.end_ms, tip=tip))
    for entry in view.entries:
        if entry.kind != "gap":
            tip = f"{entry.number} {entry.place} {view.clock(entry.start_ms)}–{view.clock(entry.end_ms)}"
            spans.append(
                Span(
                    kind=entry.kind,
                    start_ms=entry.start_ms,
                    end_ms=entry.end_ms,
                    verdict=entry.verdict,
                    number=entry.number,
                    tip=tip if entry.kind == "stay" else "",
                )
            )
    for a, b in view.gaps_ms:
        spans.append(
            Span(kind="gap", start_ms=a, end_ms=b, tip=f"{t('Nothing known')} {view.clock(a)}–{view.clock(b)}")
        )
    return spans


def _maps(view: DayView, asked: Asked, tiles: Tiles | None) -> list[Markup]:
    speech = asked.speech
    stays = [stay for stay in view.stays if math.isfinite(stay.lat)]
    points = [(stay.lat, stay.lon) for stay in stays]
    points += [(a, b) for lat, lon, _ in view.pieces for a, b in zip(lat, lon, strict=True)]
    if not points:
        return []
    metres = projected(points)
    rings = [Ring(at=metres(r["lat"], r["lon"]), radius_m=r["radius_m"], name=r["name"]) for r in view.rings]
    pieces = [
        Piece(points=[metres(a, b) for a, b in zip(lat, lon, strict=True)], known=known)
        for lat, lon, known in view.pieces
    ]
    title = speech.t(
        "Track of the day with %(count)s numbered stops; the table says the same in words.", count=len(view.stays)
    )
    drawn = []
    for width, height, kind in ((600.0, 460.0, "map page only-wide"), (340.0, 340.0, "map page only-narrow")):
        stops = [
            Stop(
                at=metres(stay.lat, stay.lon),
                verdict=stay.verdict,
                text=str(stay.number),
                name=f"{stay.place} · {speech.span(stay.seconds)}" if width > 500 else "",
            )
            for stay in stays
        ]
        pad, ground = 54.0 if width > 500 else 30.0, (tiles, metres) if tiles else None
        plan = Plan.of(stops, rings, pieces, width=width, height=height, pad=pad, ground=ground)
        if plan is not None:
            drawn.append(plan.drawn(title=title, metres=speech.metres, north=speech.t("N"), kind=kind))
    return drawn
