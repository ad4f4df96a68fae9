"""What the host's books say beside deals: loans, contacts, and what reps inspected."""

from __future__ import annotations

from datetime import datetime

import attrs

__all__ = ["Contact", "Inspection", "Loan"]


@attrs.frozen(kw_only=True)
class Loan:
    """One loan on the book of the rep who answers for it. Its month of booking is its vintage.

    Attributes:
        rep: who answers for it; a loan handed over is handed in again with the new one.
        booked: when it was paid out.
        due: when the next, or the last, payment is due; ``None`` not said.
        overdue_since, overdue_until: the latest spell of being overdue; without an end it lasts.
        closed: when it was repaid, sold or written off; ``None`` still on the book.
        state: the host's word for how it ended or stands (``paid``, ``written_off``, ``restructured`` ...).
        risk: ``high`` where the host rates it so; any other word is not.
    """

    id: str
    rep: str
    customer: str
    product: str
    booked: datetime
    amount_minor: int | None = None
    currency: str = "CNY"
    due: datetime | None = None
    overdue_since: datetime | None = None
    overdue_until: datetime | None = None
    closed: datetime | None = None
    state: str = ""
    risk: str = "normal"


@attrs.frozen(kw_only=True)
class Contact:
    """One call, message thread or enquiry between a rep and a customer: how long they talked, how soon it was answered.

    Attributes:
        direction: ``in`` where the customer began, ``out`` where the rep did.
        at: when it began, or came in.
        answered: when the rep answered an incoming one; ``None`` not yet, or not to be answered.
        talk_s: seconds they talked; 0 for what was written.
    """

    id: str
    rep: str
    customer: str
    channel: str
    direction: str
    at: datetime
    answered: datetime | None = None
    talk_s: float = 0.0


@attrs.frozen(kw_only=True)
class Inspection:
    """One piece of looking closely: a statement analysed, a site photographed.

    Attributes:
        kind: ``statement_analysis``, ``site_photo``, ``collateral`` or the host's word.
        at: when it was done; ``received``: when it reached the host.
        picture: bytes of a photo (JPEG, PNG, WebP ...). Only its fingerprint is kept, the picture never.
        fingerprint: what the picture looks like, from :func:`fieldhr_core.flow.pictures.fingerprint_of`; made of
            *picture* where it is not given.
        text: what was found; sealed in the store.
    """

    id: str
    rep: str
    customer: str
    kind: str
    at: datetime
    received: datetime | None = None
    picture: bytes | None = attrs.field(default=None, repr=False)
    fingerprint: str = ""
    text: str = attrs.field(default="", repr=False)
