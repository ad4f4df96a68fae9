"""The consolidated list of the United Nations: XML, read without document type, entities or anything from outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from fieldhr_plugins.screening.lists import Entry, Fault
from fieldhr_plugins.screening.numbers import normal_number

__all__ = ["read_un"]

_SUBJECTS: Final = {"INDIVIDUAL": "Person", "ENTITY": "Organization"}
_NAMES: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_DEEPEST: Final = 50

#: (path below the subject, text) of one subject.
_Values = list[tuple[str, str]]


def read_un(content: bytes) -> Iterator[Entry | Fault]:
    """Yield every individual and entity.

    Raises:
        ValueError: where it is no XML, brings a document type of its own, or is nested too deeply.
    """
    subjects: list[tuple[str, _Values]] = []
    path: list[str] = []
    text: list[str] = []
    current: list[_Values] = []
    group = 0

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal group
        tag = tag.rpartition(":")[2]
        path.append(tag)
        if len(path) > _DEEPEST:
            raise ValueError("it is nested too deeply")
        text.clear()
        if tag in _SUBJECTS and not current:
            current.append([])
            subjects.append((_SUBJECTS[tag], current[0]))
        elif current and tag in ("INDIVIDUAL_ALIAS", "ENTITY_ALIAS", "INDIVIDUAL_DATE_OF_BIRTH", "INDIVIDUAL_DOCUMENT"):
            group += 1
            current[0].append((tag, str(group)))

    def end(tag: str) -> None:
        tag = tag.rpartition(":")[2]
        path.pop()
        if current:
            value = " ".join("".join(text).split())
            if value:
                parent = path[-1] if path else ""
                current[0].append((f"{parent}/{tag}" if parent not in _SUBJECTS else tag, value))
            if tag in _SUBJECTS and not any(p in _SUBJECTS for p in path):
                current.clear()
        text.clear()

    def refuse(*_: object) -> None:
        raise ValueError("it brings a document type of its own, which is refused")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as cause:
        raise ValueError(f"the XML breaks in line {cause.lineno}") from cause
    for number, (schema, values) in enumerate(subjects, start=1):
        yield _entry(number, schema, values)


def _entry(number: int, schema: str, values: _Values) -> Entry | Fault:
    from fieldhr_plugins.screening.reading import birth_date_of

    first: dict[str, str] = {}
    for key, value in values:
        first.setdefault(key, value)
    names = [" ".join(first[key] for key in _NAMES if key in first), first.get("NAME_ORIGINAL_SCRIPT", "")]
    weak: list[str] = []
    births: list[str] = []
    numbers: list[str] = []
    countries = [value for key, value in values if key == "NATIONALITY/VALUE"]
    for group in _groups(values):
        alias = group.get("ALIAS_NAME", "")
        if alias:
            # The list's own word for an alias that many share.
            (weak if group.get("QUALITY", "").casefold() == "low" else names).append(alias)
        births += [group[key] for key in ("DATE", "YEAR") if key in group]
        births += _years(group.get("FROM_YEAR", ""), group.get("TO_YEAR", ""))
        if "NUMBER" in group:
            numbers.append(group["NUMBER"])
    kept = tuple(dict.fromkeys(name for name in names if name))
    if not kept and not weak:
        return Fault(place=f"subject {number}", reason="entry.no_name")
    return Entry(
        id=first.get("DATAID") or first.get("REFERENCE_NUMBER") or f"subject {number}",
        schema=schema,
        names=tuple(dict.fromkeys((*kept, *weak))),
        weak=frozenset(weak) - frozenset(kept),
        numbers=tuple(dict.fromkeys(n for n in map(normal_number, numbers) if len(n) >= 4)),
        birth_dates=tuple(dict.fromkeys(filter(None, map(birth_date_of, births)))),
        countries=tuple(dict.fromkeys(country.casefold() for country in countries)),
        note=" ".join(filter(None, (first.get("UN_LIST_TYPE", ""), first.get("REFERENCE_NUMBER", "")))),
    )


def _years(first: str, last: str) -> list[str]:
    """Every year of a span that the list gives instead of a date."""
    if first.isdecimal() and last.isdecimal() and 0 <= int(last) - int(first) <= 30:
        return [str(year) for year in range(int(first), int(last) + 1)]
    return [year for year in (first, last) if year]


def _groups(values: _Values) -> Iterator[dict[str, str]]:
    """Yield what belongs to one alias, birth date or document."""
    group: dict[str, str] = {}
    for key, value in values:
        if "/" not in key:
            if group:
                yield group
            group = {}
            continue
        group[key.rpartition("/")[2]] = value
    if group:
        yield group
