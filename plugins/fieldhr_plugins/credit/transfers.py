"""Money between a rep and customers: wages and declared relatives apart, there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from fieldhr_core.model import Table
from fieldhr_plugins.credit.settings import CreditSettings

__all__ = ["Dealings", "Passage", "money_with_customers", "passages"]

_DAY_MS: Final = 86_400_000


@attrs.frozen(kw_only=True)
class Passage:
    """One transfer between a rep and a customer; ``is_to_rep`` says which way."""

    transfer: str
    time_ms: int
    rep: str
    customer: str
    amount_minor: int
    is_to_rep: bool


@attrs.frozen(kw_only=True)
class Dealings:
    """Transfers of one rep with several customers; ``known_ms`` is when the one was booked that made it a case."""

    rep: str
    passages: tuple[Passage, ...]
    known_ms: int

    @property
    def customers(self) -> tuple[str, ...]:
        """The customers, in the order of their first transfer."""
        return tuple(dict.fromkeys(passage.customer for passage in self.passages))


def passages(transfers: Table, accounts: Table, settings: CreditSettings) -> list[Passage]:
    """Return the transfers between a declared account of a rep and an account of a customer, by time.

    Args:
        transfers: ``TRANSFERS``, in any order.
        accounts: ``ACCOUNTS``: who holds what; an account nobody holds is nobody's business.

    Wages are left out: from an employer's account, or with a purpose of ``salary_purposes`` from another account of the
    employer; what a customer who is no employer calls wages stays. So do customers whom the rep declared as relatives
    stay out.
    """
    holders: dict[str, dict[str, str]] = {"rep": {}, "customer": {}, "employer": {}}
    relatives: set[tuple[str, str]] = set()
    for account, kind, holder, relative_of in zip(
        accounts["account"].tolist(), accounts["kind"], accounts["holder"], accounts["relative_of"], strict=True
    ):
        if kind in holders and holder is not None:
            holders[kind][account] = holder
        if relative_of is not None and holder is not None:
            relatives.add((relative_of, holder))
    employers = set(holders["employer"].values())
    found = []
    for row in transfers.rows():
        payer, payee = row["from_account"], row["to_account"]
        for is_to_rep, own, theirs in ((True, payee, payer), (False, payer, payee)):
            rep, customer = holders["rep"].get(own), holders["customer"].get(theirs)
            if rep is None or customer is None or (rep, customer) in relatives:
                continue
            if is_to_rep and (theirs in holders["employer"] or (customer in employers and _is_wages(row, settings))):
                continue
            found.append(
                Passage(
                    transfer=row["transfer"],
                    time_ms=row["time_ms"],
                    rep=rep,
                    customer=customer,
                    amount_minor=row["amount_minor"],
                    is_to_rep=is_to_rep,
                )
            )
    return sorted(found, key=lambda one: (one.time_ms, one.transfer))


def money_with_customers(transfers: Table, accounts: Table, settings: CreditSettings) -> list[Dealings]:
    """Return the reps who exchanged money with so many customers within ``transfers_days``, by rep and time."""
    by_rep: dict[str, list[Passage]] = {}
    for one in passages(transfers, accounts, settings):
        by_rep.setdefault(one.rep, []).append(one)
    found: list[Dealings] = []
    for rep, made in sorted(by_rep.items()):
        found += _dealings(rep, made, settings)
    return found


def _is_wages(row: Mapping[str, Any], settings: CreditSettings) -> bool:
    return (row["purpose"] or "").strip().casefold() in settings.salary_purposes


def _dealings(rep: str, made: Sequence[Passage], settings: CreditSettings) -> list[Dealings]:
    span = settings.transfers_days * _DAY_MS
    found: list[Dealings] = []
    window: list[Passage] = []
    for one in made:
        if found and one.time_ms - found[-1].passages[-1].time_ms <= span:
            found[-1] = attrs.evolve(found[-1], passages=(*found[-1].passages, one))
            continue
        window = [*(earlier for earlier in window if one.time_ms - earlier.time_ms <= span), one]
        if len({passage.customer for passage in window}) >= settings.transfers_customers:
            found.append(Dealings(rep=rep, passages=tuple(window), known_ms=one.time_ms))
            window = []
    return found
