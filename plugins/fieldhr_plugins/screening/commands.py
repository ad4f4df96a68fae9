"""``fieldhr screening match``, ``search`` and ``identify``: JSON Lines in, JSON Lines out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date
from typing import Any, TextIO

from fieldhr_core.cli.lines import run_lines
from fieldhr_core.errors import RecordError
from fieldhr_core.flow.clock import SystemClock
from fieldhr_plugins.screening.answers import NONE
from fieldhr_plugins.screening.index import Index
from fieldhr_plugins.screening.lists import EITHER, told_apart
from fieldhr_plugins.screening.matching import ORGANIZATION, PERSON, Matcher
from fieldhr_plugins.screening.numbers import KINDS, identify
from fieldhr_plugins.screening.reading import birth_date_of, read_list
from fieldhr_plugins.screening.weighing import subject_of

__all__ = ["identified", "identify_numbers", "match_names", "matched", "search_lists", "searched"]


def match_names(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Answer each pair of names; returns 0."""
    matcher = Matcher(args.aliases or "")
    return run_lines(args.file, stdin, stdout, lambda record: matched(record, matcher))


def search_lists(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Search each customer in the lists; returns 0. A list that cannot be read ends the command before any answer."""
    matcher = Matcher(args.aliases or "")
    index = Index(told_apart(read_list(path, file_format=args.list_format) for path in args.list), matcher)
    return run_lines(args.file, stdin, stdout, lambda record: searched(record, index))


def identify_numbers(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Check each number; returns 0."""
    today = SystemClock().now().date()
    return run_lines(args.file, stdin, stdout, lambda record: identified(record, today))


def matched(record: Mapping[str, Any], matcher: Matcher) -> dict[str, Any]:
    """Return score, level and grounds of one pair.

    Raises:
        RecordError: FHR-REC-001 where a field is missing or has the wrong type.
    """
    schema = _schema(record)
    match = matcher.match(_text(record, "name1"), _text(record, "name2"), PERSON if schema == PERSON else ORGANIZATION)
    return {"id": record.get("id"), "score": match.score, "level": match.level, "grounds": list(match.grounds)}


def searched(record: Mapping[str, Any], index: Index) -> dict[str, Any]:
    """Return the entries that match one customer, and those that only look like it (``cleared``), with the ground.

    Raises:
        RecordError: FHR-REC-001 where a field is missing or has the wrong type.
    """
    born = record.get("birth_date")
    if born is not None and not isinstance(born, str):
        raise _wrong("birth_date", "must be text")
    if born and not birth_date_of(born):
        raise _wrong("birth_date", "is no date")
    name = _text(record, "name")
    found = index.search(
        subject_of(
            schema=_schema(record),
            names=(name, *_texts(record, "aliases")),
            numbers=_texts(record, "identifiers"),
            birth_date=birth_date_of(born) if born else None,
            countries=_texts(record, "countries"),
        )
    )
    rows = [
        {
            "entry": one.entry.id,
            "name": one.name,
            "score": one.score,
            "level": one.level,
            "grounds": list(one.grounds),
            "list": one.list,
            "version": index.versions[one.list],
        }
        for one in found
    ]
    return {
        "id": record.get("id"),
        "matches": [row for row in rows if row["level"] != NONE],
        "cleared": [row for row in rows if row["level"] == NONE],
    }


def identified(record: Mapping[str, Any], today: date) -> dict[str, Any]:
    """Return whether one number can be, its normal form, and what is wrong with it.

    Raises:
        RecordError: FHR-REC-001 where a field is missing or has the wrong type, or the kind is unknown.
    """
    kind = record.get("kind")
    if kind not in KINDS:
        raise _wrong("kind", f"must be {' or '.join(KINDS)}")
    answer = identify(_text(record, "value"), str(kind), today=today)
    said = {
        "valid": answer.valid,
        "normal": answer.normal,
        "reason": answer.reason,
        "position": answer.position,
        "message": answer.message,
        "warnings": list(answer.warnings),
    }
    return {"id": record["id"], **said} if "id" in record else said


def _schema(record: Mapping[str, Any]) -> str:
    schema = record.get("schema", PERSON)
    if schema in (PERSON, ORGANIZATION, EITHER):
        return str(schema)
    if schema == "Company":
        return ORGANIZATION
    raise _wrong("schema", "must be Person, Organization or LegalEntity")


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise _wrong(name, "must be text" if name in record else "is missing")
    return value


def _texts(record: Mapping[str, Any], name: str) -> list[str]:
    value = record.get(name)
    if value is None:
        return []
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(name, "must be a list of texts")
    return value


def _wrong(field: str, what: str) -> RecordError:
    return RecordError(
        f"Field {field!r} {what}.", code="FHR-REC-001", hint="See the records of screening in the reference."
    )
