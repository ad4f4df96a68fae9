"""Evergreening: a new loan pays the overdue one, so that nothing ever looks overdue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from fieldhr_core.model import Table
from fieldhr_plugins.credit.settings import CreditSettings

__all__ = ["Chain", "Renewal", "evergreening", "renewals"]

_DAY_MS: Final = 86_400_000


@attrs.frozen(kw_only=True)
class Renewal:
    """One overdue loan that was settled right after its borrower got a new one through the same rep.

    ``paid_out_ms`` is of the new loan, ``time_ms`` of the settlement: when it could be known.
    """

    rep: str
    borrower: str
    old: str
    new: str
    paid_out_ms: int
    time_ms: int
    overdue_days: int


@attrs.frozen(kw_only=True)
class Chain:
    """So many renewals of one rep that they are a habit; ``known_ms`` is when the last one needed was settled."""

    rep: str
    renewals: tuple[Renewal, ...]
    known_ms: int


def renewals(loans: Table, settings: CreditSettings) -> list[Renewal]:
    """Return every renewal in ``LOANS``, by time.

    A loan counts as renewed where it was overdue when a new one was paid out to the same borrower through the same rep,
    was settled within ``evergreening_days`` after that, and the new one covers what was settled. An approved
    restructuring is none. Each loan is renewed by one other at most, and renews one at most: the nearest in time.
    """
    rows = sorted(loans.rows(), key=lambda row: (row["settled_ms"], row["loan"]))
    fresh = sorted(loans.rows(), key=lambda row: (row["paid_out_ms"], row["loan"]))
    used: set[str] = set()
    found = []
    for old in rows:
        if old["settled_ms"] < 0 or old["overdue_ms"] < 0 or old["is_restructured"]:
            continue
        since = old["settled_ms"] - settings.evergreening_days * _DAY_MS
        for new in reversed(fresh):
            if not since <= new["paid_out_ms"] <= old["settled_ms"]:
                continue
            fits = (
                new["loan"] != old["loan"]
                and new["loan"] not in used
                and new["borrower"] == old["borrower"]
                and new["rep"] == old["rep"]
                and old["rep"] is not None
                and not new["is_restructured"]
                and old["overdue_ms"] <= new["paid_out_ms"]
                and old["paid_out_ms"] < new["paid_out_ms"]
                and new["amount_minor"] >= settings.evergreening_cover * old["settled_minor"]
            )
            if fits:
                used.add(new["loan"])
                found.append(
                    Renewal(
                        rep=old["rep"],
                        borrower=old["borrower"],
                        old=old["loan"],
                        new=new["loan"],
                        paid_out_ms=new["paid_out_ms"],
                        time_ms=old["settled_ms"],
                        overdue_days=(new["paid_out_ms"] - old["overdue_ms"]) // _DAY_MS,
                    )
                )
                break
    return found


def evergreening(loans: Table, settings: CreditSettings) -> list[Chain]:
    """Return the reps with so many renewals within the window, each with its renewals so far; by rep and time.

    Renewals that follow within the window of the last one belong to the same chain.
    """
    by_rep: dict[str, list[Renewal]] = {}
    for one in renewals(loans, settings):
        by_rep.setdefault(one.rep, []).append(one)
    found = []
    for rep, made in sorted(by_rep.items()):
        found += _chains(rep, made, settings)
    return found


def _chains(rep: str, made: Sequence[Renewal], settings: CreditSettings) -> list[Chain]:
    span = settings.evergreening_window_days * _DAY_MS
    found: list[Chain] = []
    window: list[Renewal] = []
    for one in made:
        if found and one.time_ms - found[-1].renewals[-1].time_ms <= span:
            found[-1] = attrs.evolve(found[-1], renewals=(*found[-1].renewals, one))
            continue
        window = [*(earlier for earlier in window if one.time_ms - earlier.time_ms <= span), one]
        if len(window) >= settings.evergreening_times:
            found.append(Chain(rep=rep, renewals=tuple(window), known_ms=one.time_ms))
            window = []
    return found
