"""Screening again when a list changes: only what changed is looked at, so that all customers can be at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from fieldhr_core.model import Customer
from fieldhr_plugins.screening.answers import HIT, NONE
from fieldhr_plugins.screening.check import subject_of_customer
from fieldhr_plugins.screening.index import Index
from fieldhr_plugins.screening.lists import WatchList
from fieldhr_plugins.screening.weighing import Found

__all__ = ["Change", "rescreen"]


@attrs.frozen(kw_only=True)
class Change:
    """What a new version of the lists means for one customer and one entry.

    Attributes:
        before, after: what was found with the old version and with the new one; ``None`` for nothing, one of the two
            is always there.
    """

    customer: Customer
    before: Found | None
    after: Found | None

    @property
    def is_new(self) -> bool:
        """Something to be told: a match there was not, or a possible one that is a hit now."""
        return self.after is not None and (self.before is None or (self.after.level == HIT != self.before.level))

    @property
    def is_over(self) -> bool:
        """A match that the lists no longer bear out: the entry is gone, or says something else now."""
        return self.after is None


def rescreen(
    customers: Iterable[Customer], old: Index | None, new: Index, *, review_from: float = 0.85
) -> Sequence[Change]:
    """Return what changes for each customer between two versions of the lists.

    A pure function. Only entries that came, went or say something else are searched, so its cost follows the change
    and the number of customers, not the size of the lists.

    Args:
        customers: every customer of the tenant.
        old: the lists before; ``None`` screens against all of *new*.
        new: the lists now.
        review_from: possible matches below it count for nothing.
    """
    come: list[WatchList] = []
    gone: list[WatchList] = []
    before = {} if old is None else {one.name: one for one in old.lists}
    for one in new.lists:
        added, removed = one.changed_since(before.pop(one.name, None))
        come.append(attrs.evolve(one, entries=added))
        gone.append(attrs.evolve(one, entries=removed))
    gone += before.values()
    with_come, with_gone = Index(come, new.matcher), Index(gone, new.matcher)
    changes = []
    for customer in customers:
        subject = subject_of_customer(customer)
        was = _counting(with_gone.search(subject), review_from) if len(with_gone) else {}
        now = _counting(with_come.search(subject), review_from) if len(with_come) else {}
        for key in dict.fromkeys((*now, *was)):
            earlier, later = was.get(key), now.get(key)
            if earlier is None or later is None or earlier.level != later.level:
                changes.append(Change(customer=customer, before=earlier, after=later))
    return changes


def _counting(found: Iterable[Found], review_from: float) -> dict[tuple[str, str], Found]:
    return {
        (one.list, one.entry.id): one
        for one in found
        if one.level == HIT or (one.level != NONE and one.score >= review_from)
    }
