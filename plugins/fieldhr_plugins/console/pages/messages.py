"""What was said to customers and did not pass: the words in question marked, with rule and source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.flow.boards import Checked
from fieldhr_core.paper import charts
from fieldhr_core.paper.figure import Cell, Figure
from fieldhr_core.paper.markup import Markup, escaped
from fieldhr_plugins.console.pages.asking import Answer, Asked
from fieldhr_plugins.console.pages.shell import template

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk

__all__ = ["render"]

_PAGE: Final = 50
_OUTCOMES: Final = {"": ("stop", "review"), "stop": ("stop",), "review": ("review",), "cleared": ("cleared",)}


def render(desk: Desk, asked: Asked) -> Answer:
    """Return the page. Query: ``outcome`` and ``page``."""
    speech = asked.speech
    _, _, zone, simulated = desk.boards.whose()
    wanted = asked.query.get("outcome", "")
    page = asked.query.get("page", "1")
    number = max(1, int(page)) if page.isdecimal() else 1
    shown = desk.boards.checked(
        outcomes=_OUTCOMES.get(wanted, _OUTCOMES[""]), offset=(number - 1) * _PAGE, limit=_PAGE + 1
    )
    today = desk.boards.today()
    days = desk.boards.trends(today.replace(day=1), today)
    said: Counter[str] = Counter()
    for day in days:
        said.update(day.messages)
    names = {"stop": speech.t("Stopped"), "review": speech.t("To review"), "cleared": speech.t("Cleared")}
    whole = sum(said.values())
    steps = [
        (speech.t("Messages this month"), float(whole), speech.number(whole)),
        (
            names["review"] + " + " + names["stop"],
            float(said["review"] + said["stop"]),
            speech.number(said["review"] + said["stop"]),
        ),
        (names["stop"], float(said["stop"]), speech.number(said["stop"])),
    ]
    return Answer(
        title=speech.t("Messages"),
        sub=speech.t("what checks did not clear"),
        simulated=simulated,
        body=template(
            "messages.html.j2",
            asked,
            shown=shown[:_PAGE],
            number=number,
            more=len(shown) > _PAGE,
            names=names,
            counts=said,
            zone=zone,
            marked=_marked,
            grounds=lambda each: _grounds(asked, each),
            figure=Figure(
                drawing=charts.funnel(steps, title=speech.t("From all messages to those that were stopped")),
                head=[speech.t("Step"), Cell(speech.t("Messages"), "num")],
                rows=[[name, text] for name, _, text in steps],
                summary=speech.t("As a table"),
            ),
        ),
    )


def _marked(checked: Checked) -> Markup:
    """Return the text with the spans in question marked."""
    text = checked.message.text
    spans = sorted(
        (span["start"], span["end"])
        for ground in checked.grounds
        for span in ground.get("facts", {}).get("spans", ())
        if ground.get("verdict") in ("violation", "review")
        and span.get("message", checked.message.id) == checked.message.id
    )
    out, at = [], 0
    for start, end in spans:
        if start < at:
            continue
        out += [escaped(text[at:start]), f"<mark>{escaped(text[start:end])}</mark>"]
        at = end
    return Markup("".join([*out, escaped(text[at:])]))


def _grounds(asked: Asked, checked: Checked) -> list[tuple[str, Mapping[str, Any]]]:
    """Return what speaks against a message, in words, once each."""
    found: dict[str, Mapping[str, Any]] = {}
    for ground in checked.grounds:
        if ground.get("verdict") in ("violation", "review"):
            text = asked.speech.said(ground["code"], ground.get("facts", {}) | {"source": ground.get("source", "")})
            found.setdefault(text, ground)
    return list(found.items())
