"""``fieldhr conduct check``: messages as JSON Lines in, verdicts with findings out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Final, TextIO

from fieldhr_core.cli.lines import run_lines
from fieldhr_core.errors import RecordError
from fieldhr_plugins.conduct.check import reader_of
from fieldhr_plugins.conduct.reader import CLEAN, REVIEW, VIOLATION, Hit, Reader, Utterance
from fieldhr_plugins.conduct.settings import ConductSettings

__all__ = ["answer", "check_messages"]

_CUSTOMER: Final = frozenset({"customer", "client", "客户"})
_MOST_MESSAGES: Final = 1000


def check_messages(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Answer each message line; returns 0, for findings are data."""
    reader = reader_of(ConductSettings(lexicon_file=args.lexicon or ""))
    return run_lines(args.file, stdin, stdout, lambda record: answer(record, reader))


def answer(record: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """Return verdict and findings of one record.

    A record holds ``text``, or ``messages``: texts or objects with ``text`` and their own ``speaker``, sent one after
    the other. Spans are offsets into the text as given; with ``messages`` a finding also says in which message
    (``message``, from 0) and, where it runs over several, all its ``spans``.

    Raises:
        RecordError: FHR-REC-001 where a field is missing or has the wrong type.
    """
    utterances = _utterances(record)
    findings: list[tuple[Hit, tuple[tuple[int, int, int], ...]]] = []
    # Only messages of one speaker continue each other.
    for speaker in dict.fromkeys(utterance.speaker for utterance in utterances):
        numbers = [number for number, utterance in enumerate(utterances) if utterance.speaker == speaker]
        findings.extend(
            (hit, tuple((numbers[number], start, end) for number, start, end in hit.spans))
            for hit in reader.read([utterances[number] for number in numbers])
        )
    findings.sort(key=lambda found: found[1])
    verdicts = {hit.verdict for hit, _ in findings}
    return {
        "id": record.get("id"),
        "verdict": VIOLATION if VIOLATION in verdicts else REVIEW if REVIEW in verdicts else CLEAN,
        "findings": [_finding(hit, spans, threaded="messages" in record) for hit, spans in findings],
    }


def _finding(hit: Hit, spans: tuple[tuple[int, int, int], ...], *, threaded: bool) -> dict[str, Any]:
    message, start, end = spans[0]
    finding: dict[str, Any] = {
        "category": hit.category,
        "severity": hit.severity,
        "phrase": hit.phrase,
        "normal_form": hit.normal_form,
        "start": start,
        "end": end,
        "verdict": hit.verdict,
        "rule": hit.rule.rule,
        "source": hit.rule.source,
        "verified": hit.rule.verified,
        "level": hit.level,
        "language": hit.language,
        "entry": hit.entry.id,
    }
    if threaded:
        finding["message"] = message
        finding["spans"] = [{"message": number, "start": begin, "end": close} for number, begin, close in spans]
    return finding


def _utterances(record: Mapping[str, Any]) -> list[Utterance]:
    messages = record.get("messages")
    if messages is None:
        if "text" not in record:
            raise _wrong("text or messages", "is missing")
        return [_utterance({}, record, record["text"], "text")]
    if not isinstance(messages, list) or len(messages) > _MOST_MESSAGES:
        raise _wrong("messages", f"must be a list of at most {_MOST_MESSAGES} texts or objects")
    made = []
    for number, message in enumerate(messages):
        if isinstance(message, dict):
            made.append(_utterance(message, record, message.get("text"), f"messages[{number}].text"))
        else:
            made.append(_utterance({}, record, message, f"messages[{number}]"))
    return made


def _utterance(own: Mapping[str, Any], record: Mapping[str, Any], text: object, where: str) -> Utterance:
    if not isinstance(text, str):
        raise _wrong(where, "must be text")

    def word(name: str) -> str:
        value = own.get(name, record.get(name))
        if value is None:
            return ""
        if not isinstance(value, str):
            raise _wrong(name, "must be text")
        return value

    # Whoever is not said to be the customer is judged as the rep: an unknown name must not clear anything.
    speaker = "customer" if word("speaker").strip().casefold() in _CUSTOMER else "rep"
    confidence = own.get("confidence", record.get("confidence"))
    if confidence is not None and (isinstance(confidence, bool) or not isinstance(confidence, int | float)):
        raise _wrong("confidence", "must be a number from 0 to 1")
    return Utterance(
        text=text,
        speaker=speaker,
        language=word("lang"),
        channel=word("channel"),
        product=word("product"),
        confidence=None if confidence is None else float(confidence),
    )


def _wrong(field: str, what: str) -> RecordError:
    return RecordError(
        f"Field {field!r} {what}.", code="FHR-REC-001", hint="See the record of conduct check in the reference."
    )
