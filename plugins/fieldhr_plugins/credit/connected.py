"""Connected borrowers: applicants who share more than a street, all brought by one rep within a month."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from fieldhr_core.model import Table
from fieldhr_plugins.credit.records import link_value
from fieldhr_plugins.credit.settings import CreditSettings

__all__ = ["Group", "Link", "connected_groups"]

_DAY_MS: Final = 86_400_000


@attrs.frozen
class Link:
    """One value that several borrowers share; ``shown`` is what may be printed of it."""

    kind: str
    shown: str
    borrowers: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"kind": self.kind, "value": self.shown, "borrowers": list(self.borrowers)}


@attrs.frozen(kw_only=True)
class Group:
    """Connected applicants of one rep.

    Attributes:
        first: application with which it began: the group's name while it grows.
        applications, borrowers: all of it so far, by time of application.
        known_ms: when the application was made that made it a case.
        links: what connects them; a link may run through somebody who did not apply.
    """

    rep: str
    first: str
    applications: tuple[str, ...]
    borrowers: tuple[str, ...]
    known_ms: int
    last_ms: int
    links: tuple[Link, ...]


def connected_groups(applications: Table, links: Table, settings: CreditSettings) -> list[Group]:
    """Return every group of connected applicants, by rep and time.

    Args:
        applications: ``APPLICATIONS``, in any order.
        links: ``LINKS`` of everybody who is known, not of applicants only.

    A value that more than ``common_value`` borrowers share, or that is exempt, connects nobody.
    """
    shared = _shared_values(links, settings)
    leader = _leaders(value.borrowers for value in shared)
    by_rep: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
    rows = zip(
        applications["time_ms"].tolist(),
        applications["application"].tolist(),
        applications["borrower"],
        applications["rep"],
        strict=True,
    )
    for time_ms, application, borrower, rep in rows:
        if borrower is not None and rep is not None and borrower in leader:
            by_rep.setdefault((rep, leader[borrower]), []).append((time_ms, application, borrower))
    found = []
    for (rep, _), made in sorted(by_rep.items()):
        found += _groups_of(rep, sorted(set(made)), shared, leader, settings)
    return found


def _groups_of(
    rep: str,
    made: Sequence[tuple[int, str, str]],
    shared: Sequence[Link],
    leader: dict[str, str],
    settings: CreditSettings,
) -> list[Group]:
    span = settings.connected_days * _DAY_MS
    window: deque[tuple[int, str, str]] = deque()
    found: list[Group] = []
    held: list[tuple[int, str, str]] = []
    known_ms = 0
    for one in made:
        window.append(one)
        while one[0] - window[0][0] > span:
            window.popleft()
        if held and one[0] - held[-1][0] <= span:
            held.append(one)
            continue
        if held:
            found.append(_group(rep, held, known_ms, shared, leader))
            held = []
        if len({borrower for _, _, borrower in window}) >= settings.connected_applications:
            held, known_ms = list(window), one[0]
    if held:
        found.append(_group(rep, held, known_ms, shared, leader))
    return found


def _group(
    rep: str,
    held: Sequence[tuple[int, str, str]],
    known_ms: int,
    shared: Sequence[Link],
    leader: dict[str, str],
) -> Group:
    borrowers = tuple(dict.fromkeys(borrower for _, _, borrower in held))
    component = leader[borrowers[0]]
    return Group(
        rep=rep,
        first=held[0][1],
        applications=tuple(application for _, application, _ in held),
        borrowers=borrowers,
        known_ms=known_ms,
        last_ms=held[-1][0],
        links=tuple(link for link in shared if leader[link.borrowers[0]] == component),
    )


def _shared_values(links: Table, settings: CreditSettings) -> list[Link]:
    exempt = {
        value
        for given in settings.exempt_links
        for kind in ("phone", "address", "")
        if (value := link_value(kind, given))
    }
    held: dict[tuple[str, str], set[str]] = {}
    for borrower, kind, given in zip(links["borrower"], links["kind"], links["value"].tolist(), strict=True):
        value = None if borrower is None or kind is None else link_value(kind, given)
        if borrower is not None and kind is not None and value is not None and value not in exempt:
            held.setdefault((kind, value), set()).add(borrower)
    return [
        Link(kind, _shown(value), tuple(sorted(borrowers)))
        for (kind, value), borrowers in sorted(held.items())
        if 1 < len(borrowers) <= settings.common_value
    ]


def _shown(value: str) -> str:
    """Return what tells two values apart for a reader, and no more: these are people's numbers and names."""
    return f"…{value[-4:]}" if len(value) > 6 else f"{value[:1]}…"


def _leaders(groups: Iterable[Sequence[str]]) -> dict[str, str]:
    """Return for everybody in a group the smallest member of all groups that hang together (union-find)."""
    parent: dict[str, str] = {}

    def root(member: str) -> str:
        while parent.setdefault(member, member) != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for group in groups:
        for member in group:
            one, other = sorted((root(group[0]), root(member)))
            parent[other] = one
    return {member: root(member) for member in list(parent)}
