"""``record.copied_notes``: many notes for different customers whose texts are nearly one."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime, time
from difflib import SequenceMatcher
from typing import Final
from zlib import crc32

import attrs

from fieldhr_core.hooks import Remembered, Tables, by_date
from fieldhr_core.model import NOTES, Audience, Evidence, Finding, Severity, Table
from fieldhr_plugins.records import RecordSettings

__all__ = ["CODE", "CopiedNotes", "similarity"]

CODE: Final = "record.copied_notes"
_VERSION: Final = "1"
_JUDGED_AT: Final = "23:00"
_DAY_MS: Final = 86_400_000
#: Bits of the sketch by which most pairs are told apart before they are compared letter by letter.
_BITS: Final = 512
_ALIKE_AT_LEAST: Final = 0.55
_LONGEST: Final = 2_000


@attrs.frozen
class _Note:
    """One note: its text without spaces, punctuation and case, and a sketch of its letter triples."""

    id: str
    customer: str
    written_ms: int
    text: str
    sketch: int


class CopiedNotes:
    """A group of alike notes is one case; its instance is the earliest of them that is in sight."""

    codes: tuple[str, ...] = (CODE,)
    cadence = _JUDGED_AT

    def __init__(self, settings: RecordSettings) -> None:
        self._settings = settings
        self._by_date: Remembered[list[tuple[str, _Note]]] = Remembered(self._of_date)
        # Twice the span, so that the first note of a group stays in sight while the group grows.
        self.days = 2 * settings.copied_within_days + 1

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return the groups that a note of the last day belongs to."""
        begins_ms = _midnight_ms(tables)
        findings = []
        for rep, notes in sorted(self._by_rep(tables).items()):
            told: set[str] = set()
            # The last one first: its group holds the others of the day.
            for note in reversed(notes):
                if note.written_ms < begins_ms or note.id in told:
                    continue
                alike = [each for each in notes if each.written_ms <= note.written_ms and self._is_alike(note, each)]
                group = self._within(alike, note.written_ms)
                if len({each.customer for each in group}) >= self._settings.copied_notes:
                    told |= {each.id for each in group}
                    findings.append(self._finding(tables, rep, group, alike))
        return findings

    def _by_rep(self, tables: Tables) -> dict[str, list[_Note]]:
        found: dict[str, list[_Note]] = {}
        for of_date in self._by_date.of(tables, by_date(tables, NOTES)).values():
            for rep, note in of_date:
                found.setdefault(rep, []).append(note)
        for of_rep in found.values():
            of_rep.sort(key=lambda note: (note.written_ms, note.id))
        return found

    def _of_date(self, _day: str, notes: Table) -> list[tuple[str, _Note]]:
        found = []
        for rep, ident, customer, written_ms, text in zip(
            *notes.lists("rep", "followup", "customer", "written_ms", "text"), strict=True
        ):
            plain = _plain(text)
            if rep is not None and len(plain) >= self._settings.least_text:
                found.append((rep, _Note(ident, customer, written_ms, plain, _sketch(plain))))
        return found

    def _within(self, alike: Sequence[_Note], until_ms: int) -> list[_Note]:
        since = until_ms - self._settings.copied_within_days * _DAY_MS
        return [each for each in alike if since <= each.written_ms <= until_ms]

    def _known_ms(self, alike: Sequence[_Note]) -> int:
        """Return when there were enough of them for the first time."""
        return next(
            each.written_ms
            for each in alike
            if len({one.customer for one in self._within(alike, each.written_ms)}) >= self._settings.copied_notes
        )

    def _is_alike(self, one: _Note, other: _Note) -> bool:
        if one is other:
            return True
        # Of two texts that are 0.9 alike, three letter triples in ten may differ.
        either = (one.sketch | other.sketch).bit_count()
        if (one.sketch & other.sketch).bit_count() < _ALIKE_AT_LEAST * either:
            return False
        return similarity(one.text, other.text) >= self._settings.copied_similarity

    def _finding(self, tables: Tables, rep: str, group: Sequence[_Note], alike: Sequence[_Note]) -> Finding:
        zone = tables.as_of.tzinfo
        day = datetime.fromtimestamp(self._known_ms(alike) / 1000, zone).date()
        at = min(datetime.combine(day, time.fromisoformat(_JUDGED_AT), zone), tables.as_of)
        facts = {"notes": len(group), "customers": len({note.customer for note in group})}
        return Finding(
            code=CODE,
            subject_kind="rep",
            subject=rep,
            rep=rep,
            instance=alike[0].id,
            opened_at=at,
            closed_at=at,
            severity=Severity.LOW,
            confidence=0.8,
            rule=CODE,
            version=_VERSION,
            thresholds={
                "notes": self._settings.copied_notes,
                "days": self._settings.copied_within_days,
                "similarity": self._settings.copied_similarity,
            },
            evidence=(Evidence(kind="followup", ids=tuple(note.id for note in group), facts=facts),),
            explanation=CODE,
            params={**facts, "days": self._settings.copied_within_days},
            advice=f"{CODE}.advice",
            readings=("record.copied_notes.careless", "record.copied_notes.template"),
            audience=(Audience.MANAGER,),
        )


def similarity(one: str, other: str) -> float:
    """Return how much of two texts is equal, 0-1: twice the letters they share in order, by all their letters."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _plain(text: str) -> str:
    normal = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in normal if letter.isalnum())[:_LONGEST]


def _sketch(text: str) -> int:
    bits = 0
    for start in range(len(text) - 2):
        bits |= 1 << (crc32(text[start : start + 3].encode()) % _BITS)
    return bits


def _midnight_ms(tables: Tables) -> int:
    return round(datetime.combine(tables.period.last, time(), tables.as_of.tzinfo).timestamp() * 1000)
