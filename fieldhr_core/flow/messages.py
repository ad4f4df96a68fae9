"""Message journey: what is said is checked in the answer. A check that cannot answer clears nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fieldhr_core.flow.rulings import keep_rulings, rule, strictest
from fieldhr_core.flow.shelf import touch
from fieldhr_core.model import (
    MESSAGES,
    Finding,
    Ground,
    Heard,
    Message,
    Outcome,
    Recording,
    Ruling,
    Submission,
    instant,
    milliseconds,
)
from fieldhr_core.store.rows import put, within

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit
    from fieldhr_core.hooks.providers import Recogniser

__all__ = ["Messages", "message_ruled_again"]

#: How many earlier messages of a thread a check is shown.
_CONTEXT = 5


class Messages:
    """The desk's room for messages and calls."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def submit(self, messages: Iterable[Message]) -> list[Ruling]:
        """Check messages, store them sealed, raise what was found, and return one ruling each, in order.

        Where a check raises, hangs or misbehaves, or none is installed, the ruling is REVIEW with the ground
        ``check.failed`` or ``check.none``: not cleared.
        """
        messages = list(messages)
        acting, house = self._acting, self._acting.as_house()
        with acting.unit() as unit:
            unit.allow("messages", "write", *{message.rep for message in messages})
        with house.unit() as unit:
            submissions = _submissions(house, unit, messages)
            each, failed = rule(house, unit, "message", submissions)
        answers = strictest(submissions, each, failed)
        with acting.unit() as unit:
            unit.allow("messages", "write", *{message.rep for message in messages})
            _keep(acting, unit, messages, answers)
            keep_rulings(acting, unit, "message", each)
            unit.audit("messages.submit", "messages", count=len(messages), failed=len(failed))
        return answers

    def hear(self, recordings: Iterable[Recording], recogniser: Recogniser) -> list[Ruling]:
        """Have recordings recognised and what was said checked; return one ruling an utterance, in order.

        An utterance becomes a message of the channel ``call``, with its place in the recording and the recogniser's
        confidence; the audio is not kept. A recording that cannot be recognised, or in which nothing was understood,
        is answered by one ruling about itself, REVIEW with the ground ``speech.failed`` or ``speech.silent``: what
        nobody understood is not cleared.
        """
        answers: list[Ruling] = []
        for recording in recordings:
            messages, ruling = _understood(recording, recogniser)
            answers += self.submit(messages) if ruling is None else [self._unheard(recording, ruling)]
        return answers

    def _unheard(self, recording: Recording, ruling: Ruling) -> Ruling:
        acting = self._acting
        with acting.unit() as unit:
            unit.allow("messages", "write", recording.rep)
            keep_rulings(acting, unit, "recording", {"speech": [ruling]})
            unit.audit("messages.hear", "recordings", recording.id, reason=ruling.grounds[0].code)
        return ruling


def _understood(recording: Recording, recogniser: Recogniser) -> tuple[list[Message], Ruling | None]:
    """Return the messages of a recording, or the ruling on one that could not be understood."""
    try:
        heard = list(recogniser.recognise(recording))
        messages = [_spoken(recording, number, one) for number, one in enumerate(heard)]
    except Exception as fault:  # noqa: BLE001 - a stranger's recogniser is contained like a check
        return [], _not_heard(recording, "speech.failed", getattr(fault, "code", type(fault).__name__))
    return messages, None if messages else _not_heard(recording, "speech.silent", "")


def _spoken(recording: Recording, number: int, heard: Heard) -> Message:
    if not 0 <= heard.confidence <= 1 or not heard.offset_s >= 0:
        raise ValueError("confidence must be 0 to 1, and the offset not negative")
    said_by = heard.speaker or recording.speaker
    return Message(
        id=f"{recording.id}/{number:04d}",
        thread=recording.id,
        rep=recording.rep,
        customer=recording.customer,
        speaker="customer" if said_by == "customer" else "rep",  # nobody unknown clears anything
        text=heard.text,
        time=recording.start + timedelta(seconds=heard.offset_s),
        channel="call",
        language=recording.language,
        product=recording.product,
        offset_s=heard.offset_s,
        confidence=heard.confidence,
    )


def _not_heard(recording: Recording, code: str, fault: str) -> Ruling:
    ground = Ground(
        code=code,
        verdict="review",
        severity="high",
        rule="what nobody understood is not cleared",
        source="fieldhr",
        facts={"fault": fault} if fault else {},
    )
    return Ruling(submission=recording.id, outcome=Outcome.REVIEW, grounds=(ground,), check="speech")


def message_ruled_again(acting: Acting, unit: Unit, case: Any) -> list[Finding] | None:
    """Rule again on the message a case is about, or was found in; ``None`` where it is no longer kept."""
    import sqlalchemy as sa

    table = acting.tables.messages
    rows = unit.all(
        sa.select(table).where(table.c.tenant == acting.tenant, table.c.id.in_([case.subject, case.instance]))
    )
    if not rows:
        return None
    message = _opened(unit, [max(rows, key=lambda row: row.id == case.instance)])[0]
    each, _ = rule(acting, unit, "message", _submissions(acting, unit, [message]))
    return [finding for ruling in each.get(case.origin, ()) for finding in ruling.findings]


def _submissions(acting: Acting, unit: Unit, messages: Sequence[Message]) -> list[Submission]:
    """Put each message beside the ones before it in its thread: stored ones and those of this batch."""
    threads = _earlier(acting, unit, messages)
    submissions = []
    for message in messages:
        before = threads[message.thread]
        known = {earlier.id for earlier in before}
        submissions.append(
            Submission(
                id=message.id,
                kind="message",
                value=message,
                at=message.time,
                context=tuple(earlier for earlier in before if earlier.id != message.id)[-_CONTEXT:],
            )
        )
        if message.id not in known:
            before.append(message)
    return submissions


def _earlier(acting: Acting, unit: Unit, messages: Sequence[Message]) -> dict[str, list[Message]]:
    """Return the last stored messages of each thread before the first one of this batch in it, in order of time."""
    import sqlalchemy as sa

    table = acting.tables.messages
    firsts = {message.thread: message for message in reversed(messages)}
    threads: dict[str, list[Message]] = {thread: [] for thread in firsts}
    known = [
        row.thread
        for chunk in within(firsts)
        for row in unit.all(
            sa.select(table.c.thread)
            .where(table.c.tenant == acting.tenant, table.c.thread.in_(chunk))
            .group_by(table.c.thread)
        )
    ]
    for thread in known:  # most threads of a batch are new
        first = firsts[thread]
        rows = unit.all(
            sa.select(table)
            .where(
                table.c.tenant == acting.tenant,
                table.c.thread == thread,
                table.c.time_ms <= milliseconds(first.time),
                table.c.id != first.id,
            )
            .order_by(table.c.time_ms.desc(), table.c.id.desc())
            .limit(_CONTEXT)
        )
        threads[thread] = _opened(unit, rows[::-1])
    return threads


def _keep(acting: Acting, unit: Unit, messages: Sequence[Message], answers: Sequence[Ruling]) -> None:
    table = acting.tables.messages
    texts = unit.seal(table, "text_sealed", "message", [m.id for m in messages], [m.text.encode() for m in messages])
    put(
        unit.connection,
        table,
        [
            {
                "tenant": acting.tenant,
                "id": message.id,
                "thread": message.thread,
                "rep": message.rep,
                "customer": message.customer,
                "speaker": message.speaker,
                "channel": message.channel,
                "language": message.language,
                "product": message.product,
                "time_ms": milliseconds(message.time),
                "offset_s": message.offset_s,
                "confidence": message.confidence,
                "outcome": answer.outcome.value,
                "text_sealed": text,
            }
            for message, answer, text in zip(messages, answers, texts, strict=True)
        ],
    )
    zone = ZoneInfo(acting.facts(unit).pattern.zone)
    touch(acting, unit, MESSAGES.name, {message.time.astimezone(zone).date().isoformat() for message in messages})


def _opened(unit: Unit, rows: Sequence[Any]) -> list[Message]:
    texts = unit.open(
        unit.acting.tables.messages,
        "text_sealed",
        "message",
        [row.id for row in rows],
        [row.text_sealed for row in rows],
    )
    return [
        Message(
            id=row.id,
            thread=row.thread,
            rep=row.rep,
            customer=row.customer,
            speaker=row.speaker,
            text=text.decode(),
            time=instant(row.time_ms),
            channel=row.channel,
            language=row.language,
            product=row.product,
            offset_s=row.offset_s,
            confidence=row.confidence,
        )
        for row, text in zip(rows, texts, strict=True)
    ]
