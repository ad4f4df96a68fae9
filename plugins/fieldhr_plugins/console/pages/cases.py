"""Alerts as cases: the inbox, one case with all it rests on, and every step that may be taken with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from fieldhr_core.errors import FieldhrError
from fieldhr_core.flow.boards import SEVERITIES
from fieldhr_core.model import Case, CaseStep, Role
from fieldhr_plugins.console.pages import telling, words
from fieldhr_plugins.console.pages.asking import Answer, Asked
from fieldhr_plugins.console.pages.shell import template

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk

__all__ = ["act", "inbox", "render"]

_PAGE: Final = 50
_OPEN: Final = ("raised", "acknowledged", "explained", "contested")
_DONE: Final = ("confirmed", "dismissed", "withdrawn", "closed")
#: Steps with a button, in the order in which they are offered.
_STEPS: Final = (
    CaseStep.ACKNOWLEDGE,
    CaseStep.EXPLAIN,
    CaseStep.CONTEST,
    CaseStep.CONFIRM,
    CaseStep.DISMISS,
    CaseStep.WITHDRAW,
)
#: What else can be done with a case that is open.
_MORE: Final = ("hand_over", "snooze", "comment")


def inbox(desk: Desk, asked: Asked) -> Answer:
    """Return the list of alerts. Query: ``severity``, ``code``, ``rep``, ``show`` (``done``, ``mine``) and ``page``."""
    speech, query = asked.speech, asked.query
    _, _, zone, simulated = desk.boards.whose()
    show = query.get("show", "")
    number = max(1, int(query.get("page", "1"))) if query.get("page", "1").isdecimal() else 1
    page = desk.boards.cases(
        states=_DONE if show == "done" else _OPEN,
        severity=query.get("severity", ""),
        code=query.get("code", ""),
        rep=query.get("rep", ""),
        offset=(number - 1) * _PAGE,
        limit=_PAGE,
    )
    cases, total = page.cases, page.total
    if show == "mine":
        cases = tuple(desk.alerts.inbox())
        total = len(cases)
    now = desk.boards.now()
    customers = desk.boards.customers(telling.customers(cases))
    return Answer(
        title=speech.t("Alerts"),
        sub=speech.n("%(count)s case", "%(count)s cases", total),
        simulated=simulated,
        body=template(
            "cases.html.j2",
            asked,
            page=page,
            cases=cases,
            number=number,
            pages=-(-total // _PAGE),
            severities=[(name, page.by_severity[name]) for name in SEVERITIES if page.by_severity.get(name)],
            codes=sorted(page.by_code.items(), key=lambda each: (-each[1], each[0])),
            told=lambda case: telling.told(speech, case, customers),
            zone=zone,
            due=lambda case: _due(asked, case, now),
            day_of=lambda at: at.astimezone(ZoneInfo(zone)).date().isoformat(),
            people=page.names,
        ),
    )


def render(desk: Desk, asked: Asked, case_id: str, *, said: str = "", good: bool = False) -> Answer:
    """Return one case."""
    speech = asked.speech
    case = desk.alerts.get(case_id)
    _, _, zone, simulated = desk.boards.whose()
    who = {case.finding.rep, case.owner, *(event.by for event in case.history)}
    people = desk.boards.names(each for each in who if each)
    names = {**people, **desk.boards.customers(telling.customers([case]))}
    advice, readings = telling.readings(speech, case, names)
    now = desk.boards.now()
    own = asked.principal.person is not None and asked.principal.person == case.finding.rep
    return Answer(
        title=words.alert_name(speech, case.finding.code),
        sub=people.get(case.finding.rep or "", case.finding.rep or ""),
        simulated=simulated,
        body=template(
            "case.html.j2",
            asked,
            case=case,
            finding=case.finding,
            told=telling.told(speech, case, names),
            advice=advice,
            readings=readings,
            facts=lambda values: telling.facts_of(speech, values, names),
            people=people,
            name=lambda each: _name(asked, people, each),
            steps=[step for step in _STEPS if step in desk.alerts.options(case_id)],
            more=_MORE if case.state.value in _OPEN and not own else ("comment",),
            own=own,
            contacts=desk.alerts.contacts(case_id) if not own and asked.principal.role is not Role.AUDITOR else (),
            zone=zone,
            due=_due(asked, case, now),
            day_of=lambda at: at.astimezone(ZoneInfo(zone)).date().isoformat(),
            tomorrow=(now + timedelta(days=1)).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT09:00"),
            desks=("@compliance", "@hr_payroll", "@admin"),
            said=said,
            good=good,
            events=[(event, _step_word(asked, event.step)) for event in case.history],
        ),
    )


def act(desk: Desk, asked: Asked, case_id: str) -> Answer:
    """Take the step of a form; what is refused is said in words above the case, which stays as it was."""
    form = asked.form
    wanted, note = form.get("step", ""), form.get("note", "").strip()
    try:
        if wanted == "hand_over":
            desk.alerts.hand_over(case_id, form.get("to", "").strip(), note=note)
        elif wanted == "snooze":
            desk.alerts.snooze(case_id, _until(desk, form.get("until", "")), note=note)
        elif wanted == "comment":
            desk.alerts.comment(case_id, note)
        else:
            desk.alerts.step(case_id, CaseStep(wanted), note=note)
    except ValueError as failure:
        if not isinstance(failure, FieldhrError):
            return render(desk, asked, case_id, said=asked.speech.t("There is no such step."))
        return render(desk, asked, case_id, said=_refusal(asked, failure))
    except FieldhrError as failure:
        if failure.code == "FHR-ACC-001":
            raise
        return render(desk, asked, case_id, said=_refusal(asked, failure))
    return Answer(location=asked.url("alerts", case_id, done=wanted))


def _refusal(asked: Asked, failure: FieldhrError) -> str:
    t = asked.speech.t
    known = {
        "FHR-ACC-003": t("This step is not yours to take."),
        "FHR-CAS-001": t("The case cannot take this step, or it needs a reason."),
        "FHR-CAS-002": t("The rep must first be told and have time to answer."),
        "FHR-CAS-003": t("The case cannot go there, or it needs a reason."),
    }
    return f"{known.get(failure.code, failure.message)} ({failure.code})"


def _until(desk: Desk, text: str) -> datetime:
    _, _, zone, _ = desk.boards.whose()
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)  # refused in the past
    return local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))


def _due(asked: Asked, case: Case, now: datetime) -> tuple[str, bool]:
    """Return by when somebody must have done something, in words, and whether that is past."""
    speech = asked.speech
    if case.snoozed_until is not None:
        return speech.t(
            "put off until %(time)s", time=f"{speech.day(case.snoozed_until)} {speech.clock(case.snoozed_until)}"
        ), False
    if case.deadline is None or case.state.value not in _OPEN:
        return "", False
    left = (case.deadline - now).total_seconds()
    if left < 0:
        return speech.t("overdue by %(time)s", time=speech.span(-left)), True
    return speech.t("due in %(time)s", time=speech.span(left)), False


def _name(asked: Asked, people: Mapping[str, str], each: str) -> str:
    if each.startswith("@"):
        return words.role(asked.speech, each[1:])
    if each.startswith("fieldhr"):
        return asked.speech.t("the system")
    return people.get(each) or each


def _step_word(asked: Asked, step: str) -> str:
    return words.step(asked.speech, step)
