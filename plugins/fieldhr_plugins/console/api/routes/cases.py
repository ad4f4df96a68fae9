"""Alerts and their cases."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from fieldhr_core.flow.desk import Desk
from fieldhr_core.model import OPEN, TRANSITIONS, Case, CaseState, CaseStep
from fieldhr_plugins.console.api.gate import Asked, at_desk, body_of
from fieldhr_plugins.console.api.once import once
from fieldhr_plugins.console.api.paging import Cursor, Limit, page_of
from fieldhr_plugins.console.api.wire import IdPath, StepIn

__all__ = ["alert", "alerts", "inbox", "options", "replay", "take_step"]


_SHOWN: Final = 100


class CasePage(msgspec.Struct, kw_only=True):
    """A page of cases."""

    items: list[Case]
    next: str | None


class ReplayOut(msgspec.Struct, kw_only=True):
    """Whether an alert came out the same when it was computed again; ``finding`` is null where that was impossible."""

    case: str
    equal: bool
    finding: dict[str, Any] | None


class Options(msgspec.Struct, kw_only=True):
    """Steps that the caller may take with a case now."""

    steps: list[str]


class InboxItem(msgspec.Struct, kw_only=True):
    """An open case as it is told, and the steps that the caller may take with it now."""

    id: str
    code: str
    severity: str
    state: str
    opened_at: datetime
    answer_by: datetime | None
    title: str
    body: str
    steps: list[str]


@get("/alerts", operation_id="listAlerts", tags=["alerts"], summary="Cases, by opening instant")
async def alerts(
    request: Asked,
    code: Annotated[str | None, Parameter(max_length=60)] = None,
    status: Annotated[CaseState | None, Parameter(description="State of the case.")] = None,
    rep: Annotated[str | None, Parameter(max_length=120)] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response[CasePage]:
    """List the cases that the caller may see."""
    found = await at_desk(request, "supervision", lambda desk: desk.alerts.list(code=code, state=status, rep=rep))
    page, after = page_of(found, lambda case: (case.finding.opened_at.isoformat(), case.id), cursor, limit)
    return Response(CasePage(items=list(page), next=after))


@get("/inbox", operation_id="readInbox", tags=["alerts"], summary="Open cases in words, with what the caller may do")
async def inbox(
    request: Asked,
    language: Annotated[str, Parameter(max_length=20, pattern="^[A-Za-z0-9-]+$", description="BCP 47.")] = "en",
) -> list[InboxItem]:
    """List the caller's open cases in words: of a rep, those about themselves; at most the 100 newest."""

    def work(desk: Desk) -> list[InboxItem]:
        found = [case for case in desk.alerts.list() if case.state in OPEN or _may_still_contest(case)]
        items = []
        for case in reversed(found[-_SHOWN:]):
            title, body = desk.said(case, language)
            items.append(
                InboxItem(
                    id=case.id,
                    code=case.finding.code,
                    severity=case.finding.severity.value,
                    state=case.state.value,
                    opened_at=case.finding.opened_at,
                    answer_by=case.answer_by,
                    title=title,
                    body=body,
                    steps=[step.value for step in desk.alerts.options(case.id)],
                )
            )
        return items

    return await at_desk(request, "supervision", work)


def _may_still_contest(case: Case) -> bool:
    return (case.state, CaseStep.CONTEST) in TRANSITIONS


@get("/alerts/{case_id:str}", operation_id="readAlert", tags=["alerts"], summary="One case with its history")
async def alert(request: Asked, case_id: IdPath) -> Case:
    """Return one case."""
    return await at_desk(request, "supervision", lambda desk: desk.alerts.get(case_id))


@get("/alerts/{case_id:str}/options", operation_id="readOptions", tags=["alerts"], summary="What the caller may do")
async def options(request: Asked, case_id: IdPath) -> Options:
    """Return the steps that the caller may take with a case now."""
    steps = await at_desk(request, "supervision", lambda desk: desk.alerts.options(case_id))
    return Options(steps=[step.value for step in steps])


@post(
    "/alerts/{case_id:str}/steps",
    operation_id="takeStep",
    tags=["alerts"],
    status_code=200,
    summary="Explain, contest, decide ...",
    opt={"body": StepIn},
)
async def take_step(request: Asked, case_id: IdPath) -> Response[Case]:
    """Take a case one step on."""
    data = await body_of(request, StepIn)
    return await once(request, "supervision", lambda desk: desk.alerts.step(case_id, data.step, note=data.note))


@get(
    "/alerts/{case_id:str}/replay",
    operation_id="replayAlert",
    tags=["alerts"],
    summary="Compute it again from its evidence",
)
async def replay(request: Asked, case_id: IdPath) -> ReplayOut:
    """Compute an alert again from its evidence, as of when it was last computed."""

    def work(desk: Desk) -> ReplayOut:
        done = desk.alerts.replay(case_id)
        finding = None if done.recomputed is None else msgspec.json.decode(done.recomputed, type=dict[str, Any])
        return ReplayOut(case=case_id, equal=done.equal, finding=finding)

    return await at_desk(request, "supervision", work)
