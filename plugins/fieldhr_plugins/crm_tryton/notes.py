"""Visits and notes as ``ir.note`` of their parties, each with a mark by which it is found again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from fieldhr_core.model import FollowUp, Problem, Table, instant
from fieldhr_plugins.crm_tryton.doors import ALL, Door
from fieldhr_plugins.crm_tryton.records import Records

__all__ = ["push_notes", "push_visits"]

_CORRECTED: Final = "Corrected. "
_WITHDRAWN: Final = "Withdrawn: "


def push_visits(door: Door, records: Records, visits: Table) -> list[Problem]:
    """Let a party's notes of each rep-day tell these visits.

    Tryton's notes can be added and neither changed nor taken away, so what late positions change is corrected by
    another note. They can be looked for by the record they belong to only, so a party that loses its only visit of a
    day keeps the note of it.
    """
    problems: list[Problem] = []
    names = _names(door, records, {row["rep"] for row in visits.rows()})
    for (rep, day), rows in groupby(visits.rows(), key=lambda row: (row["rep"], row["date"])):
        wanted: dict[int, dict[str, str]] = {}
        for row in rows:
            party = records.there("party", row["customer"] or "")
            if party is None:
                at = f"{rep} {day}"
                problems.append(Problem(code="push.unknown_customer", message="No party of this Tryton.", at=at))
                continue
            mark = f"[fieldhr:visit {rep} {day} {row['start_ms']}]"
            start, end = (instant(row[end]).astimezone(records.zone) for end in ("start_ms", "end_ms"))
            text = f"Visit by {names.get(rep, rep)}, {_span(start, end)}, verified by position.\n{mark}"
            wanted.setdefault(party, {})[mark] = text
        for party, texts in wanted.items():
            _exchange(door, party, f"[fieldhr:visit {rep} {day} ", texts)
    return problems


def push_notes(door: Door, records: Records, notes: Sequence[FollowUp]) -> list[Problem]:
    """Write each note, or a correction of it where it stands already."""
    problems: list[Problem] = []
    names = _names(door, records, {note.rep for note in notes})
    for note in notes:
        party = records.there("party", note.customer)
        if party is None:
            problems.append(Problem(code="push.unknown_customer", message="No party of this Tryton.", at=note.id))
            continue
        mark = f"[fieldhr:note {note.id}]"
        start, end = note.start.astimezone(records.zone), note.end.astimezone(records.zone)
        text = f"{note.kind.capitalize()} by {names.get(note.rep, note.rep)}, {_span(start, end)}:\n{note.text}\n{mark}"
        _exchange(door, party, mark, {mark: text})
    return problems


def _exchange(door: Door, party: int, start: str, wanted: Mapping[str, str]) -> None:
    """Let the newest notes of a party under marks with this start be what is wanted."""
    resource = f"party.party,{party}"
    there: dict[str, dict[str, Any]] = {}
    for row in door.search("ir.note", [["resource", "=", resource]], ("message",), limit=5_000):
        message = row.get("message") or ""
        place = message.rfind(start)
        mark = message[place:].strip() if place >= 0 else ""
        if mark.endswith("]"):
            there[mark] = row  # of several the newest
    for mark, text in wanted.items():
        known = there.pop(mark, None)
        if known is None:
            door.create("ir.note", {"resource": resource, "message": text})
        elif known["message"].removeprefix(_CORRECTED) != text:
            door.create("ir.note", {"resource": resource, "message": f"{_CORRECTED}{text}"})
    for mark, known in there.items():
        if not known["message"].startswith(_WITHDRAWN):
            message = f"{_WITHDRAWN}later positions show no such visit.\n{mark}"
            door.create("ir.note", {"resource": resource, "message": message})


def _names(door: Door, records: Records, reps: set[str]) -> dict[str, str]:
    """Return the names of reps who are employees there."""
    ids = {there: rep for rep in reps if (there := records.there("employee", rep)) is not None}
    if not ids:
        return {}
    rows = door.search("company.employee", [["id", "in", sorted(ids)]], ("rec_name",), limit=len(ids), context=ALL)
    return {ids[row["id"]]: row["rec_name"] for row in rows if row.get("rec_name")}


def _span(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M}"
