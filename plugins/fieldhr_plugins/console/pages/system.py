"""About the system itself: its plugins and what they did wrong, and what the doctor finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldhr_core.errors import AccessError
from fieldhr_core.model import Role
from fieldhr_plugins.console.pages.asking import Answer, Asked
from fieldhr_plugins.console.pages.shell import template

if TYPE_CHECKING:
    from fieldhr_core import FieldHR
    from fieldhr_core.flow.desk import Desk

__all__ = ["doctor", "plugins"]

_RANK = {"fault": 0, "fixed": 1, "skipped": 2, "ok": 3}


def plugins(desk: Desk, asked: Asked) -> Answer:
    """Return the page of plugins: what is there, from where, and what it did wrong since the start."""
    hr = _system(asked, Role.ADMIN, Role.INTEGRATOR, Role.AUDITOR)
    simulated = desk.boards.whose()[3]
    reports = sorted(hr.plugins, key=lambda report: (report.status.value == "active", report.name))
    return Answer(
        title=asked.speech.t("Plugins"),
        sub=asked.speech.n("%(count)s plugin", "%(count)s plugins", len(reports)),
        simulated=simulated,
        body=template("plugins.html.j2", asked, reports=reports, faults=hr.faults),
    )


def doctor(desk: Desk, asked: Asked) -> Answer:
    """Return the page of the doctor: faults first, each with its cause and what to do."""
    hr = _system(asked, Role.ADMIN, Role.INTEGRATOR)
    simulated = desk.boards.whose()[3]
    answers = sorted(hr.examine(), key=lambda answer: (_RANK.get(answer.status, 9), answer.code))
    return Answer(
        title=asked.speech.t("Doctor"),
        sub=asked.speech.t("what is wrong, why, and what to do"),
        simulated=simulated,
        body=template(
            "doctor.html.j2",
            asked,
            faults=[answer for answer in answers if answer.status in ("fault", "fixed")],
            others=[answer for answer in answers if answer.status not in ("fault", "fixed")],
        ),
    )


def _system(asked: Asked, *roles: Role) -> FieldHR:
    if asked.hr is None or asked.principal.role not in roles:
        raise AccessError("This principal may not look at the system.", code="FHR-ACC-003")
    return asked.hr
