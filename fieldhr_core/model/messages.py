"""Messages and calls, as they are handed in for a compliance check."""

from __future__ import annotations

from datetime import datetime

import attrs

__all__ = ["Message"]


@attrs.frozen(kw_only=True)
class Message:
    """One utterance of a conversation.

    Attributes:
        thread: conversation it belongs to; messages of one sender in a thread may continue each other.
        speaker: ``rep`` or ``customer``.
        channel: ``chat``, ``email``, ``call`` ...; for a call, ``offset_s`` is the place in the recording and
            ``confidence`` the recogniser's (0-1).
        product: what is being sold, in the host's product classes; a phrase may be lawful for a deposit.
    """

    id: str
    thread: str
    rep: str
    customer: str | None
    speaker: str
    text: str
    time: datetime
    channel: str = "chat"
    language: str = ""
    product: str = ""
    offset_s: float | None = None
    confidence: float | None = None
