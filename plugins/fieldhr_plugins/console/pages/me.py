"""A person's own view: their day, score and why, what was raised about them, who looked - and all of it to keep."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fieldhr_core.errors import AccessError, FieldhrError
from fieldhr_plugins.console.pages import scores, telling, words
from fieldhr_plugins.console.pages.asking import Answer, Asked
from fieldhr_plugins.console.pages.shell import template

if TYPE_CHECKING:
    from collections.abc import Callable

    from fieldhr_core.flow.desk import Desk

__all__ = ["download", "render"]

_LOOKS: Final = 40
_OPEN: Final = ("raised", "acknowledged", "explained", "contested")


def render(desk: Desk, asked: Asked, at_desk: Callable[[str], Desk]) -> Answer:
    """Return the page of the principal's own person.

    Args:
        at_desk: opens a desk of the same principal for another purpose: each part of the page states its own.
    """
    speech, person = asked.speech, _own(asked)
    _, tenant, zone, simulated = desk.boards.whose()
    cases = desk.alerts.list(rep=person)
    customers = desk.boards.customers(telling.customers(cases))
    seen = at_desk("subject_access").subject.glance(person)
    # What the system did by itself is no look of anybody's.
    looks = [each for each in reversed(seen.looks) if each.actor != asked.principal.id and each.purpose != "operations"]
    by = Counter((look.actor, look.role, look.purpose) for look in looks)
    held = sorted(seen.held.items(), key=lambda each: -each[1])
    today = desk.boards.today()
    return Answer(
        title=speech.t("My view"),
        sub=f"{desk.boards.names([person]).get(person) or person} · {tenant}",
        simulated=simulated,
        body=template(
            "me.html.j2",
            asked,
            person=person,
            today=today.isoformat(),
            cases=sorted(cases, key=lambda case: (case.state.value not in _OPEN, -case.raised_at.timestamp())),
            waiting=sum(case.state.value in _OPEN for case in cases),
            told=lambda case: telling.told(speech, case, customers),
            zone=zone,
            bases=seen.bases,
            looks=looks[:_LOOKS],
            lookers=by.most_common(12),
            held=[(words.held(speech, name), count) for name, count in held],
            card=_card(at_desk("performance"), asked, person),
            purpose=lambda code: words.purpose(speech, code),
            role=lambda code: words.role(speech, code),
            instant=lambda text: speech.time(_parsed(text), zone, dated=True) if text else "",
        ),
    )


def download(desk: Desk, asked: Asked) -> Answer:
    """Return everything held about the person as a ZIP archive."""
    person = _own(asked)
    view = desk.subject.view(person)
    return Answer(download=(f"{person}.zip", "application/zip", view.as_zip()))


def _own(asked: Asked) -> str:
    person = asked.principal.person
    if person is None:
        raise AccessError("This principal is no person of the tenant.", code="FHR-ACC-001")
    return person


def _card(desk: Desk, asked: Asked, person: str) -> object:
    try:
        cards = scores.cards_of(desk, scores.period_of(desk, asked), reps=[person])
    except FieldhrError:
        return None
    return scores.card_body(asked, cards[0]) if cards else None


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text)
