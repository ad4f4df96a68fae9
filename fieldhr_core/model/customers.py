"""Customers, where they are, what they need, and what was sold to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import attrs

from fieldhr_core.model.geo import Datum

__all__ = ["Address", "Customer", "Deal", "Feedback"]


@attrs.frozen(kw_only=True)
class Address:
    """One place of a customer. ``lat``/``lon`` may be unknown; where given, the datum is mandatory."""

    id: str
    text: str = ""
    lat: float | None = None
    lon: float | None = None
    datum: Datum | None = None
    radius_m: float = 150.0


@attrs.frozen(kw_only=True)
class Customer:
    """A customer as the host's records have it.

    Attributes:
        schema: ``Person`` or ``Organization``.
        owner: id of the rep who holds the customer.
        need: what they want now, in the host's words ("open a futures account"); shown at check-in.
        identifiers: kind -> number (``ric``, ``uscc``, ``phone`` ...); sealed in the store.
        risk: the host's own label (``normal``, ``high`` ...).
    """

    id: str
    name: str
    schema: str = "Organization"
    owner: str | None = None
    need: str = ""
    addresses: tuple[Address, ...] = ()
    identifiers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    industry: str = ""
    risk: str = "normal"
    potential: str = ""
    birth_date: date | None = None
    countries: tuple[str, ...] = ()
    source: str = "host"
    updated: datetime | None = None


@attrs.frozen(kw_only=True)
class Deal:
    """A sale, loan application or contract. Money is in minor units of ``currency`` (ISO 4217).

    Attributes:
        stage: where it stands, in the host's words.
        closed: when it was signed, approved, refused or lost; ``None`` while it is open.
        cancelled: when the customer took it back after signing (cooling-off); ``None`` not.
        channel: where it came from (``branch``, ``online`` ...).
        met: first visit that led to it, where the host knows it; else the first one that is stored counts.
    """

    id: str
    rep: str
    customer: str
    product: str
    stage: str
    opened: datetime
    closed: datetime | None = None
    amount_minor: int | None = None
    currency: str = "CNY"
    channel: str = ""
    facts: Mapping[str, object] = attrs.field(factory=dict)
    cancelled: datetime | None = None
    met: datetime | None = None


@attrs.frozen(kw_only=True)
class Feedback:
    """What a customer said about how they were served: a complaint, praise, or a rating.

    Attributes:
        rep: whom it is about.
        kind: ``complaint``, ``praise``, ``rating`` ..., or ``confirmation``: the customer says that a visit took place.
        state: ``open``, ``upheld``, ``rejected`` or ``done``; an open complaint is none that was proven.
        settled: when it was decided on; ``None`` while it is open.
        rating: 0 (worst) to 1, where the customer gave one.
        deal: id of the deal it is about.
        about: id of the visit record, outing or check-in that is confirmed, where one is named.
    """

    id: str
    rep: str
    customer: str
    kind: str
    at: datetime
    state: str = "open"
    settled: datetime | None = None
    rating: float | None = None
    deal: str | None = None
    about: str | None = None
