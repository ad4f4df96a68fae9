"""People: who they are, what holds for them now, their consent, their private mode, and everything held about them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from fieldhr_core.flow.desk import Desk
from fieldhr_core.flow.standing import Standing
from fieldhr_core.flow.values import plain
from fieldhr_core.model import Person, Receipt
from fieldhr_plugins.console.api.gate import Asked, at_desk, body_of, site_of
from fieldhr_plugins.console.api.once import once
from fieldhr_plugins.console.api.paging import Cursor, Limit, page_of
from fieldhr_plugins.console.api.wire import (
    AbsenceIn,
    BasisIn,
    DayPath,
    IdPath,
    PeopleIn,
    WithdrawIn,
    columns_of,
    sensible_day,
)

__all__ = ["absent", "day", "own_view", "people", "put_people", "record_basis", "standing", "withdraw_basis"]


class PersonOut(msgspec.Struct, kw_only=True):
    """A person as far as the caller may see them."""

    id: str
    name: str
    role: str
    manager: str | None
    team: str
    branch: str
    territory: str
    joined: date | None
    left: date | None
    language: str


class PersonPage(msgspec.Struct, kw_only=True):
    """A page of people."""

    items: list[PersonOut]
    next: str | None


class Span(msgspec.Struct, kw_only=True):
    """From an instant until another."""

    start: datetime
    end: datetime


class StandingOut(msgspec.Struct, kw_only=True):
    """What holds for a person's whereabouts now.

    ``is_tracked``: whether a position taken now would be kept; ``reason`` says why not.
    """

    rep: str
    name: str
    at: datetime
    is_tracked: bool
    reason: str
    duty: list[Span]
    zone: str
    basis: str | None
    notice: str | None
    since: datetime | None
    private_until: datetime | None
    simulated: bool


class BasisOut(msgspec.Struct, kw_only=True):
    """The entry of the ledger that now holds; or, at a withdrawal, none."""

    entry: str | None


class DayOut(msgspec.Struct, kw_only=True):
    """One rep's day as far as it is known; tables are columns of one length, times UTC milliseconds, WGS-84 degrees.

    ``gaps_ms``: spans of duty in which nothing is known.
    """

    rep: str
    rep_name: str
    date: str
    zone: str
    duty_ms: list[list[int]]
    gaps_ms: list[list[int]]
    fixes: dict[str, list[Any]]
    stays: dict[str, list[Any]]
    signals: dict[str, list[Any]]
    outings: dict[str, list[Any]]
    checkins: dict[str, list[Any]]
    follow_ups: dict[str, list[Any]]
    names: dict[str, str]
    cases: list[str]
    simulated: bool


@get("/people", operation_id="listPeople", tags=["people"], summary="People, by id")
async def people(request: Asked, cursor: Cursor = None, limit: Limit = 200) -> PersonPage:
    """List the people that the caller may see."""
    found = await at_desk(request, "supervision", lambda desk: desk.people.list())
    page, after = page_of(found, lambda one: (one.id,), cursor, limit)
    return PersonPage(items=[_shown(one) for one in page], next=after)


@post(
    "/people",
    operation_id="putPeople",
    tags=["people"],
    status_code=200,
    summary="Hand in people",
    opt={"body": PeopleIn},
)
async def put_people(request: Asked) -> Response[Receipt]:
    """Store people; whoever was forgotten stays forgotten."""
    data = await body_of(request, PeopleIn)
    values = data.values()

    def work(desk: Desk) -> Receipt:
        count = desk.people.put(values)
        return Receipt(submitted=count, stored=count)

    return await once(request, "administration", work)


@get("/people/{person_id:str}/standing", operation_id="readStanding", tags=["people"], summary="Duty and consent, now")
async def standing(request: Asked, person_id: IdPath) -> StandingOut:
    """Return what holds for a person's whereabouts now."""
    return _standing(await at_desk(request, "visits", lambda desk: desk.people.standing(person_id)))


@post(
    "/people/{person_id:str}/absences",
    operation_id="putAbsence",
    tags=["people"],
    status_code=200,
    summary="Leave, training, private mode",
    opt={"body": AbsenceIn},
)
async def absent(request: Asked, person_id: IdPath) -> Response[StandingOut]:
    """Store an absence, and return what then holds; one whose id is known already is exchanged."""
    data = await body_of(request, AbsenceIn)
    value = data.value(person_id)

    def work(desk: Desk) -> StandingOut:
        desk.people.put_absences([value])
        return _standing(desk.people.standing(person_id))

    return await once(request, "visits", work)


@post(
    "/people/{person_id:str}/consent",
    operation_id="recordBasis",
    tags=["people"],
    status_code=200,
    summary="Consent, or another basis",
    opt={"body": BasisIn},
)
async def record_basis(request: Asked, person_id: IdPath) -> Response[BasisOut]:
    """Record on what basis a person may be tracked from now on."""
    data = await body_of(request, BasisIn)
    now = site_of(request).hr.clock.now()

    def work(desk: Desk) -> BasisOut:
        entry = desk.people.record_basis(person_id, purpose=data.purpose, basis=data.basis, notice=data.notice, at=now)
        return BasisOut(entry=entry)

    return await once(request, "visits", work)


@post(
    "/people/{person_id:str}/consent/withdraw",
    operation_id="withdrawBasis",
    tags=["people"],
    status_code=200,
    summary="Take consent back",
    opt={"body": WithdrawIn},
)
async def withdraw_basis(request: Asked, person_id: IdPath) -> Response[BasisOut]:
    """Withdraw every basis that holds now."""
    data = await body_of(request, WithdrawIn)
    now = site_of(request).hr.clock.now()

    def work(desk: Desk) -> BasisOut:
        desk.people.withdraw_basis(person_id, purpose=data.purpose, at=now)
        return BasisOut(entry=None)

    return await once(request, "visits", work)


@get(
    "/people/{person_id:str}/own-view",
    operation_id="readOwnView",
    tags=["people"],
    summary="Everything held about a person",
)
async def own_view(request: Asked, person_id: IdPath) -> Response[dict[str, Any]]:
    """Return everything held about a person, what scores rest on, and who looked, when and why."""
    view = await at_desk(request, "subject_access", lambda desk: desk.subject.view(person_id).as_json())
    return Response(view, media_type="application/json")  # type: ignore[arg-type] # JSON already


@get("/days/{rep:str}/{day:date}", operation_id="readDay", tags=["days"], summary="One rep's day")
async def day(
    request: Asked,
    rep: IdPath,
    day: DayPath,
    fixes: Annotated[bool, Parameter(description="Whether to send every fix.")] = True,
) -> DayOut:
    """Return one rep's day; reading it is audited."""
    wanted = sensible_day(day)

    def work(desk: Desk) -> DayOut:
        report = desk.reports.day(rep, wanted)
        return DayOut(
            rep=report.day.rep,
            rep_name=report.rep_name,
            date=report.day.date,
            zone=report.day.zone,
            duty_ms=[list(span) for span in report.day.duty_ms],
            gaps_ms=[list(span) for span in report.gaps_ms],
            fixes=columns_of(report.fixes) if fixes else {},
            stays=columns_of(report.stays),
            signals=columns_of(report.signals),
            outings=columns_of(report.outings),
            checkins=columns_of(report.checkins),
            follow_ups=columns_of(report.follow_ups),
            names=dict(report.names),
            cases=[case.id for case in report.cases],
            simulated=report.simulated,
        )

    return await at_desk(request, "visits", work)


def _shown(one: Person) -> PersonOut:
    return PersonOut(
        id=one.id,
        name=one.name,
        role=one.role,
        manager=one.manager,
        team=one.team,
        branch=one.branch,
        territory=one.territory,
        joined=one.joined,
        left=one.left,
        language=one.language,
    )


def _standing(found: Standing) -> StandingOut:
    return msgspec.convert(
        {**plain(found), "duty": [{"start": plain(a), "end": plain(b)} for a, b in found.duty]}, StandingOut
    )
