"""Lists of persons and organizations: entries, and versions that evidence can name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

__all__ = ["EITHER", "OTHER", "Entry", "Fault", "WatchList", "schema_of", "told_apart"]

#: A legal entity that may be a person or a firm; and what is neither (a vessel, a wallet).
EITHER: Final = "LegalEntity"
OTHER: Final = "Other"

_PERSONS: Final = frozenset({"person", "individual", "natural person", "个人", "自然人", "被执行人"})
_ORGANIZATIONS: Final = frozenset(
    {
        "organization",
        "organisation",
        "company",
        "entity",
        "publicbody",
        "airline",
        "bank",
        "企业",
        "公司",
        "单位",
        "机构",
        "法人",
        "组织",
    }
)


@attrs.frozen(kw_only=True)
class Entry:
    """One person or organization on a list.

    Attributes:
        id: the list's own id of it.
        schema: ``Person``, ``Organization``, ``LegalEntity`` (either) or ``Other`` (neither: found by number only).
        names: the main name first, then every other; weak: names of these that the list itself calls weak.
        numbers: identity, registration and passport numbers, normalised; an asterisk stands for a hidden character.
        birth_dates: ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``.
        countries: two-letter codes or names, in small letters.
        note: programme or reason, as the list has it.
    """

    id: str
    schema: str
    names: tuple[str, ...]
    weak: frozenset[str] = frozenset()
    numbers: tuple[str, ...] = ()
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    note: str = ""


@attrs.frozen(kw_only=True)
class Fault:
    """A record of a list that could not be read: which, and why (``entry.no_name`` ...)."""

    place: str
    reason: str


@attrs.frozen(eq=False, kw_only=True)
class WatchList:
    """One version of a list.

    Attributes:
        name: what evidence calls it; kind: ``sanctions``, ``dishonest_debtor``, ``house`` ...
        format: what it was read as.
        digest: SHA-256 over the entries, whatever their order: two files that say the same have one digest.
        faults: records that could not be read.
    """

    name: str
    kind: str
    format: str
    entries: tuple[Entry, ...]
    digest: str
    faults: tuple[Fault, ...] = ()

    @classmethod
    def of(
        cls,
        entries: Iterable[Entry],
        *,
        name: str,
        kind: str = "sanctions",
        file_format: str = "memory",
        faults: Iterable[Fault] = (),
    ) -> WatchList:
        """Make a version of a list; entries of one id become one, with the names and numbers of all."""
        by_id: dict[str, Entry] = {}
        for entry in entries:
            before = by_id.get(entry.id)
            by_id[entry.id] = entry if before is None else _united(before, entry)
        kept = tuple(by_id.values())
        total = hashlib.sha256()
        for line in sorted(_canonical(entry) for entry in kept):
            total.update(line)
        return cls(
            name=name, kind=kind, format=file_format, entries=kept, digest=total.hexdigest(), faults=tuple(faults)
        )

    def changed_since(self, before: WatchList | None) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
        """Return entries that are new or changed, and those of *before* that are gone or were otherwise."""
        old: Mapping[str, Entry] = {} if before is None else {entry.id: entry for entry in before.entries}
        new = {entry.id: entry for entry in self.entries}
        come = tuple(entry for entry in self.entries if old.get(entry.id) != entry)
        gone = tuple(entry for id_, entry in old.items() if new.get(id_) != entry)
        return come, gone


def told_apart(lists: Iterable[WatchList]) -> list[WatchList]:
    """Return lists with names of their own: the second of one name becomes ``name (2)``."""
    seen: dict[str, int] = {}
    found = []
    for one in lists:
        seen[one.name] = seen.get(one.name, 0) + 1
        found.append(one if seen[one.name] == 1 else attrs.evolve(one, name=f"{one.name} ({seen[one.name]})"))
    return found


def schema_of(text: str) -> str:
    """Return the schema that a word of a list means."""
    word = text.strip().casefold()
    if word in _PERSONS:
        return "Person"
    if word in _ORGANIZATIONS:
        return "Organization"
    return (
        OTHER
        if word in {"vessel", "airplane", "aircraft", "cryptowallet", "security", "address", "vehicle"}
        else EITHER
    )


def _united(one: Entry, other: Entry) -> Entry:
    def both(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*a, *b)))

    return attrs.evolve(
        one,
        schema=one.schema if one.schema != EITHER else other.schema,
        names=both(one.names, other.names),
        weak=one.weak | other.weak,
        numbers=both(one.numbers, other.numbers),
        birth_dates=both(one.birth_dates, other.birth_dates),
        countries=both(one.countries, other.countries),
        note=one.note or other.note,
    )


def _canonical(entry: Entry) -> bytes:
    parts = [
        entry.id,
        entry.schema,
        list(entry.names),
        sorted(entry.weak),
        sorted(entry.numbers),
        sorted(entry.birth_dates),
        sorted(entry.countries),
        entry.note,
    ]
    return json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
