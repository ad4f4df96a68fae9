"""Recordings and what a recogniser heard in them."""

from __future__ import annotations

from datetime import datetime

import attrs

__all__ = ["Heard", "Recording"]


@attrs.frozen(kw_only=True)
class Recording:
    """One recorded call.

    Attributes:
        id: of the call; the thread of its messages.
        start: when it began, aware.
        audio: a WAV file (PCM, 16 bit): its bytes. Never stored; the host keeps the recording.
        speaker: who speaks, where the recording holds one side only: ``rep`` or ``customer``. Empty: both; what is said
            then counts as the rep's unless the recogniser tells the speakers apart.
        product, language: as of a :class:`~fieldhr_core.model.Message`.
    """

    id: str
    rep: str
    customer: str | None
    start: datetime
    audio: bytes = attrs.field(repr=False)
    speaker: str = ""
    product: str = ""
    language: str = ""


@attrs.frozen(kw_only=True)
class Heard:
    """One utterance as a recogniser understood it.

    Attributes:
        offset_s: where in the recording it begins, seconds.
        confidence: how sure the recogniser is of the words, 0-1.
        speaker: ``rep`` or ``customer``, where the recogniser can tell; empty where not.
    """

    text: str
    offset_s: float
    confidence: float
    speaker: str = ""
