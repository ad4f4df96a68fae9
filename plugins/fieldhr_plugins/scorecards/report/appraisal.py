"""What an appraisal report says, before it is drawn or written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import AccessError
from fieldhr_core.model import Period, Person, Scorecard

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk

__all__ = ["Appraisal", "Words", "shown", "units"]

Row = Mapping[str, Any]


@attrs.frozen(eq=False, kw_only=True)
class Appraisal:
    """One report.

    Attributes:
        subject: rep id, ``team:ID``, ``branch:ID``, or empty for everybody the reader may see.
        title: the rep's name, or the group's id.
        period: what is appraised.
        cards: scorecards of the subject's people, the highest total first.
        names: rep -> name.
        figures: metric -> row of ``METRICS`` of the subject; house: the same of the tenant, where the reader sees it.
        vintages: rows of ``overdue_rate_of_vintage``, oldest first.
        simulated: whether the tenant is synthetic.
    """

    subject: str
    title: str
    period: Period
    cards: Sequence[Scorecard]
    names: Mapping[str, str]
    figures: Mapping[str, Row]
    house: Mapping[str, Row]
    vintages: Sequence[Row]
    simulated: bool

    @property
    def card(self) -> Scorecard | None:
        """The only card, where the subject is one person."""
        is_group = not self.subject or ":" in self.subject
        return None if is_group or not self.cards else self.cards[0]

    @classmethod
    def of(cls, desk: Desk, period: Period, subject: str) -> Appraisal:
        """Ask a desk for everything a report says."""
        people = desk.people.list()
        reps = _members(people, subject)
        if subject and not reps:
            raise AccessError("There is nobody of that name, or it is not yours to see.", code="FHR-ACC-001")
        cards = desk.scores.cards(period, reps=reps)
        rows = [row for row in desk.scores.measure(period).rows() if row["exposure"] > 0]
        names = {person.id: person.name or person.id for person in people}
        tenant = desk.principal.tenant
        wanted = subject or tenant
        return cls(
            subject=subject,
            title=names.get(subject, subject.partition(":")[2] or subject or tenant),
            period=period,
            cards=sorted(cards, key=lambda card: (-(card.total if card.total is not None else -1), card.subject)),
            names=names,
            figures={row["metric"]: row for row in rows if row["subject"] == wanted},
            house={row["metric"]: row for row in rows if row["subject"] == tenant},
            vintages=sorted(
                (row for row in rows if row["metric"] == "overdue_rate_of_vintage"), key=lambda row: row["subject"]
            ),
            simulated=any(card.simulated for card in cards),
        )


def _members(people: Sequence[Person], subject: str) -> set[str]:
    kind, is_group, name = subject.partition(":")
    if not subject:
        return {person.id for person in people}
    if is_group and kind in ("team", "branch"):
        return {person.id for person in people if getattr(person, kind) == name}
    return {person.id for person in people if person.id == subject}


@attrs.frozen(eq=False)
class Words:
    """The report's texts in one language."""

    language: str

    def __call__(self, key: str) -> str:
        """Return a text; one that is missing stands as its key."""
        known = _TEXTS.get(key, {})
        return known.get(self.language) or known.get("en") or key


_TEXTS: Final[Mapping[str, Mapping[str, str]]] = json.loads(
    files("fieldhr_plugins.scorecards.report").joinpath("words.json").read_text("utf-8")
)


def shown(value: float | None, unit: str) -> str:
    """Return a figure with its unit: shares in percent."""
    if value is None or value != value:
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:.1f} d" if unit == "days" else f"{value:.2f}"


def units() -> Mapping[str, str]:
    """Return metric -> unit of everything this plugin measures."""
    from fieldhr_plugins.scorecards import effort, process, results, risk

    scorers = (effort.EffortScorer, process.ProcessScorer, results.ResultScorer, risk.RiskScorer)
    return {metric.name: metric.unit for scorer in scorers for metric in scorer.metrics}
