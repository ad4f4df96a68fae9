"""The compliance check ``conduct.phrases``: messages to rulings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Audience, Evidence, Finding, Ground, Message, Outcome, Ruling, Severity, Submission
from fieldhr_plugins.conduct.lexicon import Lexicon, load, with_file
from fieldhr_plugins.conduct.own import phrases_at, version_of, with_own
from fieldhr_plugins.conduct.reader import REVIEW, VIOLATION, Hit, Reader, Utterance
from fieldhr_plugins.conduct.settings import ConductSettings, OwnPhrase

__all__ = ["PhraseCheck", "lexicon_of", "reader_of"]

_NAME: Final = "conduct.phrases"
_VERSION: Final = "1"
_BANNED: Final = "conduct.banned_phrase"
_OFF_BOOK: Final = "conduct.off_book_sale"
_OFF_CHANNEL: Final = "off_channel"
_ORDER: Final = list(Severity)
_READERS: Final = 3


def lexicon_of(settings: ConductSettings) -> Lexicon:
    """Return the package's lexicon with the tenant's own phrases and without the quiet categories."""
    lexicon = load()
    if settings.lexicon_file:
        lexicon = with_file(lexicon, settings.lexicon_file)
    quiet = set(settings.quiet_categories)
    if not quiet:
        return lexicon
    languages = {
        code: attrs.evolve(
            language, entries=tuple(entry for entry in language.entries if entry.category.code not in quiet)
        )
        for code, language in lexicon.languages.items()
    }
    return attrs.evolve(lexicon, languages=languages)


def reader_of(settings: ConductSettings, own: Sequence[OwnPhrase] = ()) -> Reader:
    """Return a reader for a tenant's settings, with those of its own phrases that hold."""
    lexicon = lexicon_of(settings)
    return Reader(
        with_own(lexicon, own) if own else lexicon,
        homophones=settings.homophones,
        likeness=settings.likeness,
        lowest_confidence=settings.lowest_confidence,
        products=settings.product_classes,
    )


class PhraseCheck:
    """Finds forbidden wording in messages; the lexicon is read at the first message."""

    def __init__(self, settings: ConductSettings) -> None:
        self._settings = settings
        #: By the own phrases in force; a tenant's list changes seldom.
        self._readers: dict[tuple[OwnPhrase, ...], Reader] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """It looks at messages."""
        return ("message",)

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Return one ruling a message: stop on a violation, review where a person must look, else cleared.

        Earlier messages of the same sender in ``context`` are read together with the message; only what reaches into
        the message itself counts.

        Raises:
            RecordError: FHR-REC-001 where a submission is no message; nothing of the batch is cleared then.
        """
        return [self._rule(submission) for submission in submissions]

    def _reader(self, own: tuple[OwnPhrase, ...]) -> Reader:
        reader = self._readers.get(own)
        if reader is None:
            for old in list(self._readers)[: max(0, len(self._readers) + 1 - _READERS)]:
                del self._readers[old]
            reader = self._readers[own] = reader_of(self._settings, own)
        return reader

    def _rule(self, submission: Submission) -> Ruling:
        message = submission.value
        if not isinstance(message, Message):
            raise RecordError(
                f"A submission of kind {submission.kind!r} holds a {type(message).__name__} instead of a Message.",
                code="FHR-REC-001",
            )
        run = [*self._run_before(message, submission.context), message]
        last = len(run) - 1
        own = phrases_at(self._settings.phrases, message.time) if self._settings.phrases else ()
        is_internal = message.channel in self._settings.internal_channels
        reader = self._reader(() if is_internal else own)
        hits = [
            hit
            for hit in reader.read([_utterance(one) for one in run])
            if any(number == last for number, _, _ in hit.spans)
        ]
        violations = [hit for hit in hits if hit.verdict == VIOLATION]
        if any(hit.level >= 3 for hit in violations):
            outcome = Outcome.STOP
        elif violations or any(hit.verdict == REVIEW for hit in hits):
            outcome = Outcome.REVIEW
        else:
            outcome = Outcome.CLEARED
        return Ruling(
            submission=submission.id,
            outcome=outcome,
            grounds=tuple(_ground(hit, run) for hit in hits),
            findings=tuple(self._findings(submission, message, run, violations)),
            check=_NAME,
            version=_VERSION if not own else f"{_VERSION}+{version_of(own)}",
        )

    def _run_before(self, message: Message, context: Sequence[Any]) -> list[Message]:
        """Earlier messages of the same sender that this one goes on, oldest first."""
        earlier: list[Message] = []
        follows = message
        for other in reversed(context):
            if len(earlier) + 1 >= self._settings.join_at_most:
                break
            if not isinstance(other, Message) or other.thread != message.thread or other.id == message.id:
                continue
            if follows.time - other.time > timedelta(seconds=self._settings.join_within_s):
                break
            if other.speaker == message.speaker and other.rep == message.rep:
                earlier.append(other)
                follows = other
        return earlier[::-1]

    def _findings(
        self, submission: Submission, message: Message, run: Sequence[Message], violations: Sequence[Hit]
    ) -> list[Finding]:
        off_book = [hit for hit in violations if hit.category == _OFF_CHANNEL]
        banned = [hit for hit in violations if hit.category != _OFF_CHANNEL]
        findings = []
        if banned:
            findings.append(self._finding(submission, message, run, banned, off_book=False))
        if off_book:
            findings.append(self._finding(submission, message, run, off_book, off_book=True))
        return findings

    def _finding(
        self,
        submission: Submission,
        message: Message,
        run: Sequence[Message],
        hits: Sequence[Hit],
        *,
        off_book: bool,
    ) -> Finding:
        worst = max(hits, key=lambda hit: (_ORDER.index(Severity(hit.severity)), hit.level))
        spoken = message.confidence is not None or message.offset_s is not None
        kind, subject = ("call", message.thread) if spoken else ("message", message.id)
        if off_book:
            kind, subject = "rep", message.rep
        before = [
            other.id for other in submission.context if isinstance(other, Message) and other.thread == message.thread
        ]
        facts: dict[str, Any] = {
            "category": worst.category,
            "phrase": worst.phrase,
            "normal_form": worst.normal_form,
            "rule": worst.rule.rule,
            "source": worst.rule.source,
            "verified": worst.rule.verified,
        }
        if message.offset_s is not None:
            facts["offset_s"] = message.offset_s
        confidence = 0.8 if worst.by_sound else 0.95
        if message.confidence is not None:
            confidence = min(confidence, message.confidence, 0.8)
            facts["recogniser_confidence"] = message.confidence
        return Finding(
            code=_OFF_BOOK if off_book else _BANNED,
            subject_kind=kind,
            subject=subject,
            rep=message.rep,
            instance=message.id,
            opened_at=submission.at,
            closed_at=submission.at,
            severity=Severity.CRITICAL if off_book else Severity(worst.severity),
            confidence=confidence,
            rule=worst.entry.id,
            version=_VERSION,
            thresholds={
                "lowest_confidence": self._settings.lowest_confidence,
                "join_within_s": self._settings.join_within_s,
            },
            evidence=(
                Evidence(
                    kind="message",
                    ids=tuple(dict.fromkeys(run[number].id for hit in hits for number, _, _ in hit.spans)),
                    facts={"hits": [_facts(hit, run) for hit in hits]},
                ),
                *((Evidence(kind="context", ids=tuple(before[-2:])),) if before else ()),
            ),
            explanation="conduct.off_book_sale" if off_book else f"conduct.{worst.category}",
            params=facts,
            advice="conduct.advice.stop_and_escalate" if worst.level >= 4 else "conduct.advice.correct_and_coach",
            audience=(Audience.COMPLIANCE,) if off_book else (Audience.COMPLIANCE, Audience.MANAGER),
        )


def _utterance(message: Message) -> Utterance:
    return Utterance(
        text=message.text,
        speaker=message.speaker,
        language=message.language,
        channel=message.channel,
        product=message.product,
        confidence=message.confidence,
    )


def _facts(hit: Hit, run: Sequence[Message]) -> dict[str, Any]:
    return {
        "category": hit.category,
        "level": hit.level,
        "phrase": hit.phrase,
        "normal_form": hit.normal_form,
        "spans": [{"message": run[number].id, "start": start, "end": end} for number, start, end in hit.spans],
        "rule": hit.rule.rule,
        "source": hit.rule.source,
        "verified": hit.rule.verified,
        "jurisdictions": list(hit.entry.jurisdictions),
        "entry": hit.entry.id,
        "by_sound": hit.by_sound,
    }


def _ground(hit: Hit, run: Sequence[Message]) -> Ground:
    return Ground(
        code=f"conduct.{hit.category}",
        verdict=hit.verdict,
        severity=hit.severity,
        rule=hit.rule.rule,
        source=hit.rule.source,
        facts=_facts(hit, run),
    )
