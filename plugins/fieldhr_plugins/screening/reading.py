"""Reading lists: the format is looked at, the text decoded, and each record read on its own."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fieldhr_core.errors import RecordError
from fieldhr_plugins.screening.lists import EITHER, Entry, Fault, WatchList, schema_of
from fieldhr_plugins.screening.numbers import normal_number
from fieldhr_plugins.screening.unlist import read_un

__all__ = ["birth_date_of", "format_of", "read_list", "read_list_bytes"]

_LARGEST: Final = 2_000_000_000
#: How much of a file is looked at to know its format.
_LOOK: Final = 4096
_MONTHS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11,
    "dec": 12,
}  # fmt: skip

Item = Entry | Fault


def read_list(path: str, *, file_format: str = "auto", name: str = "", kind: str = "sanctions") -> WatchList:
    """Read one list from a file; for OFAC, ``alt.csv`` beside it too.

    Raises:
        RecordError: FHR-REC-006 where the file cannot be read or is not of the format, or holds no entry at all.
    """
    file = Path(path)
    try:
        if file.stat().st_size > _LARGEST:
            raise _unreadable(path, "it is larger than 2 GB")
        content = file.read_bytes()
        chosen = format_of(content) if file_format == "auto" else file_format
        aliases = b""
        if chosen == "ofac":
            beside = [file.with_name(alt) for alt in ("alt.csv", "ALT.CSV") if file.with_name(alt).is_file()]
            aliases = beside[0].read_bytes() if beside else b""
    except OSError as cause:
        raise _unreadable(path, cause.strerror or str(cause)) from cause
    return read_list_bytes(content, file_format=chosen, name=name or file.name, kind=kind, aliases=aliases)


def read_list_bytes(
    content: bytes,
    *,
    file_format: str = "auto",
    name: str,
    kind: str = "sanctions",
    aliases: bytes = b"",
) -> WatchList:
    """Read one list from its bytes; *aliases* is OFAC's ``alt.csv``.

    Raises:
        RecordError: FHR-REC-006 where it is not of the format, or holds no entry at all.
    """
    chosen = format_of(content) if file_format == "auto" else file_format
    readers: dict[str, Callable[[], Iterable[Item]]] = {
        "opensanctions": lambda: _opensanctions(content),
        "ftm": lambda: _ftm(content),
        "ofac": lambda: _ofac(content, aliases),
        "un": lambda: read_un(content),
        "csv": lambda: _house(content),
    }
    entries: list[Entry] = []
    faults: list[Fault] = []
    try:
        for item in readers[chosen]():
            if isinstance(item, Fault):
                faults.append(item)
            else:
                entries.append(item)
    except (csv.Error, ValueError) as cause:
        if isinstance(cause, RecordError):
            raise
        raise _unreadable(name, f"as {chosen}: {cause}") from cause
    if not entries:
        why = f"it holds no entry of the format {chosen}" + (f" ({faults[0].reason})" if faults else "")
        raise _unreadable(name, why)
    return WatchList.of(entries, name=name, kind=kind, file_format=chosen, faults=faults)


def format_of(content: bytes) -> str:
    """Return the format that a list's beginning shows."""
    head = _text(content[:_LOOK]).lstrip("\ufeff \r\n\t")
    if head.startswith("<"):
        return "un"
    if head.startswith("{"):
        return "ftm"
    first = head.split("\n", 1)[0]
    if "birth_date" in first and "identifiers" in first and "dataset" in first:
        return "opensanctions"
    if re.match(r'\s*"?\d+"?,"', first) and ("-0-" in head):
        return "ofac"
    return "csv"


def birth_date_of(text: str) -> str:
    """Return a date in one of its many writings as ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; empty where it is none."""
    text = unicodedata.normalize("NFKC", text).strip().casefold()
    found = re.fullmatch(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?月?)?年?(?:t.*)?", text)
    if found:
        return _as_date(int(found[1]), int(found[2] or 0), int(found[3] or 0))
    found = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    if found:
        return _as_date(int(found[1]), int(found[2]), int(found[3]))
    found = re.search(r"(?:(\d{1,2})[ -])?([a-z]{3})[a-z]*\.?[ ,-]+(?:(\d{1,2}),? )?(\d{4})", text)
    if found and found[2] in _MONTHS:
        return _as_date(int(found[4]), _MONTHS[found[2]], int(found[1] or found[3] or 0))
    found = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text)
    if found:
        first, second = int(found[1]), int(found[2])
        # 13 can be a day only; where both could be the month, day and month stay open.
        if first > 12 or found[0].count("."):
            return _as_date(int(found[3]), second, first)
        return _as_date(int(found[3]), first, second) if second > 12 else _as_date(int(found[3]), 0, 0)
    found = re.search(r"(?:circa|ca\.?|approximately|about|约)\s*(\d{4})", text)
    return found[1] if found else ""


def _as_date(year: int, month: int, day: int) -> str:
    if not 1800 <= year <= 2100:
        return ""
    if not month:
        return f"{year:04}"
    try:
        date(year, month, day or 1)
    except ValueError:
        return ""
    return f"{year:04}-{month:02}-{day:02}" if day else f"{year:04}-{month:02}"


def _entry(
    place: str,
    id_: str,
    schema: str,
    names: Iterable[str],
    *,
    weak: Iterable[str] = (),
    numbers: Iterable[str] = (),
    births: Iterable[str] = (),
    countries: Iterable[str] = (),
    note: str = "",
) -> Item:
    def clean(values: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for value in (" ".join(v.split()) for v in values) if value))

    kept = clean(names)
    faint = clean(weak)
    if not kept and not faint:
        return Fault(place=place, reason="entry.no_name")
    return Entry(
        id=id_ or place,
        schema=schema,
        names=tuple(dict.fromkeys((*kept, *faint))),
        weak=frozenset(faint) - frozenset(kept),
        numbers=tuple(dict.fromkeys(n for n in map(normal_number, numbers) if len(n) >= 4)),
        birth_dates=tuple(dict.fromkeys(filter(None, map(birth_date_of, births)))),
        countries=tuple(country.casefold() for country in clean(countries)),
        note=note.strip()[:500],
    )


# --- OpenSanctions and FtM ---------------------------------------------------------------------------------------


def _opensanctions(content: bytes) -> Iterator[Item]:
    rows = _dicts(content, ",")
    for number, row in enumerate(rows, start=2):
        if "name" not in row:
            raise ValueError("there is no column 'name'")
        yield _entry(
            f"line {number}",
            row.get("id", ""),
            schema_of(row.get("schema", "")),
            [row["name"], *_cells(row.get("aliases", ""))],
            numbers=_cells(row.get("identifiers", "")),
            births=_cells(row.get("birth_date", "")),
            countries=_cells(row.get("countries", "")),
            note=row.get("sanctions", "") or row.get("dataset", ""),
        )


def _cells(cell: str) -> list[str]:
    """Values of a cell that is itself a line of CSV with semicolons."""
    if not cell:
        return []
    return next(csv.reader([cell.replace("\n", " ").replace("\r", " ")], delimiter=";"), [])


_FTM_NUMBERS: Final = (
    "idNumber", "passportNumber", "taxNumber", "registrationNumber", "uscCode", "innCode", "ogrnCode", "leiCode",
    "swiftBic", "bicCode", "imoNumber", "vatCode", "socialSecurityNumber", "number", "npiCode", "uniqueEntityId",
)  # fmt: skip
_FTM_FIRMS: Final = frozenset({"Organization", "Company", "PublicBody", "Airline", "Asset"})
_FTM_DOCUMENTS: Final = frozenset({"Identification", "Passport"})


def _ftm(content: bytes) -> Iterator[Item]:
    numbers: dict[str, list[str]] = {}
    subjects: list[tuple[str, Mapping[str, Any], Mapping[str, list[str]]]] = []
    for number, line in enumerate(_text(content).split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            entity = json.loads(line)
        except (ValueError, RecursionError):
            yield Fault(place=place, reason="entry.no_json")
            continue
        properties = entity.get("properties") if isinstance(entity, dict) else None
        if not isinstance(properties, dict):
            yield Fault(place=place, reason="entry.no_properties")
            continue
        values: Mapping[str, list[str]] = {key: _texts(value) for key, value in properties.items()}
        schema = str(entity.get("schema", ""))
        if schema in _FTM_DOCUMENTS:
            for holder in values.get("holder", ()):
                numbers.setdefault(holder, []).extend(values.get("number", ()))
        elif schema == "Person" or schema in _FTM_FIRMS or schema == EITHER:
            subjects.append((place, entity, values))
    for place, entity, values in subjects:
        schema = str(entity.get("schema", ""))
        names = [*values.get("name", ())]
        if not names and values.get("lastName"):
            names = [" ".join([*values.get("firstName", [])[:1], values["lastName"][0]])]
        id_ = entity.get("id")
        yield _entry(
            place,
            id_ if isinstance(id_, str) else "",
            "Person" if schema == "Person" else EITHER if schema == EITHER else "Organization",
            [*names, *values.get("alias", ()), *values.get("previousName", ())],
            weak=values.get("weakAlias", ()),
            numbers=[n for key in _FTM_NUMBERS for n in values.get(key, ())] + numbers.get(str(id_), []),
            births=values.get("birthDate", ()),
            countries=[*values.get("nationality", ()), *values.get("country", ()), *values.get("jurisdiction", ())],
            note="; ".join((*values.get("topics", ()), *values.get("program", ()))),
        )


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


# --- OFAC --------------------------------------------------------------------------------------------------------

#: What stands before a number in OFAC's remarks.
_OFAC_NUMBER: Final = re.compile(
    r"(?:Passport|National ID No\.|Registration (?:ID|Number)|Tax ID No\.|Identification Number|ID No\.|SSN|IMO"
    r"|Unified Social Credit Code \(USCC\)|Citizen's Card Number|Company Number|Legal Entity Number|C\.?R\.? No\."
    r"|Cedula No\.|D-U-N-S Number|Business Registration Number|Commercial Registry Number|Organization Code"
    r"|Trade License No\.|Enterprise Number)\s+([A-Z0-9][A-Z0-9./-]*)",
    re.IGNORECASE,
)
_OFAC_COUNTRY: Final = re.compile(r"(?:nationality|citizen)\s+([^;.]+)", re.IGNORECASE)


def _ofac(content: bytes, aliases: bytes) -> Iterator[Item]:
    others: dict[str, tuple[list[str], list[str]]] = {}
    for row in _rows(aliases, ","):
        if len(row) >= 4:
            strong, weak = others.setdefault(row[0].strip(), ([], []))
            (weak if "weak" in " ".join(row[4:]).casefold() else strong).append(_present(row[3]))
    for number, row in enumerate(_rows(content, ","), start=1):
        if len(row) == 1 and row[0].strip("\x1a ") == "":
            continue
        if len(row) < 12:
            yield Fault(place=f"line {number}", reason="entry.columns")
            continue
        id_, name, kind = row[0].strip(), _present(row[1]), _present(row[2]).casefold()
        remarks = _present(row[11])
        schema = {"individual": "Person", "": "Organization"}.get(kind, "Other")
        strong, weak = others.get(id_, ([], []))
        names = [name, *strong]
        if schema == "Person":
            names, weak = [_turned(n) for n in names], [_turned(n) for n in weak]
        yield _entry(
            f"line {number}",
            id_,
            schema,
            names,
            weak=weak,
            numbers=_OFAC_NUMBER.findall(remarks),
            births=re.findall(r"DOB ([^;]+?)(?:;|\.$|\.?$)", remarks),
            countries=[c.split(" of ")[-1].strip() for c in _OFAC_COUNTRY.findall(remarks)],
            note=_present(row[3]),
        )


def _present(cell: str) -> str:
    cell = cell.strip()
    return "" if cell in ("-0-", "-0") else cell


def _turned(name: str) -> str:
    """``LAST, First`` as it is said."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma else name


# --- any CSV with headings ---------------------------------------------------------------------------------------


def _house(content: bytes) -> Iterator[Item]:
    text = _text(content)
    delimiter = _delimiter(text)
    rows = _rows(content, delimiter)
    known = _headings()
    named: dict[str, str] = {}
    fields: list[str] = []
    skipped = 0
    for row in rows:
        fields = [_field(heading, known) for heading in row]
        if "name" in fields or {"first", "last"} <= set(fields):
            break
        skipped += 1
        if skipped > 10:
            break
    if "name" not in fields and not {"first", "last"} <= set(fields):
        raise ValueError("no column is headed as a name (name, 姓名, 名称 ...)")
    for number, row in enumerate(rows, start=skipped + 2):
        if not any(cell.strip() for cell in row):
            continue
        values: dict[str, list[str]] = {}
        for field, cell in zip(fields, row, strict=False):
            if field and cell.strip():
                values.setdefault(field, []).append(cell.strip())
        names = values.get("name", [])
        if not names:
            names = [" ".join([*values.get("first", []), *values.get("last", [])])]
        numbers = [part for cell in values.get("number", ()) for part in _several(cell)]
        yield _entry(
            f"line {number}",
            _own_id(values.get("id", [""])[0], names[0], numbers, named),
            _schema(values, names[0], numbers),
            [*names[:1], *(part for cell in (*names[1:], *values.get("aliases", ())) for part in _several(cell))],
            numbers=numbers,
            births=[part for cell in values.get("birth", ()) for part in _several(cell)],
            countries=[part for cell in values.get("country", ()) for part in _several(cell)],
            note="; ".join(values.get("note", ())),
        )


def _headings() -> dict[str, str]:
    """Read which heading means which field."""
    text = files("fieldhr_plugins.screening").joinpath("tables", "headings.toml").read_text("utf-8")
    table = tomllib.loads(text)["headings"]
    return {heading: field for field, headings in table.items() for heading in headings.split()}


def _field(heading: str, known: Mapping[str, str]) -> str:
    word = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", heading).casefold())
    return known.get(word) or known.get(word.rstrip("0123456789")) or ""


def _own_id(given: str, name: str, numbers: list[str], named: dict[str, str]) -> str:
    """Return the id that a line gives, or one made of what it says, so that lines may move and others come between.

    An id that two names share (a case with two debtors) is told apart too.
    """
    said = hashlib.sha256(
        "\n".join((name, *sorted(map(normal_number, numbers)))).encode("utf-8", "replace")
    ).hexdigest()
    if not given:
        return said[:16] if name.strip() else ""
    return given if named.setdefault(given, name) == name else f"{given}/{said[:16]}"


def _several(cell: str) -> list[str]:
    return [
        part.strip()
        for part in re.split(r"[;；|、\n]|(?<=[\u3400-\u9fff])[,，](?=[\u3400-\u9fff])", cell)
        if part.strip()
    ]


def _schema(values: Mapping[str, list[str]], name: str, numbers: Iterable[str]) -> str:
    said = schema_of(values["schema"][0]) if "schema" in values else EITHER
    if said != EITHER:
        return said
    if "birth" in values or "first" in values:
        return "Person"
    for number in map(normal_number, numbers):
        if re.fullmatch(r"\d{6}(?:18|19|20|\*\*)[\d*]{9}[\dX*]", number):
            return "Person"
        if len(number) == 18 and re.search(r"[A-Y]", number[2:17]):
            return "Organization"
    if re.search(r"公司|集团|银行|厂$|合作社|合伙|中心$|事务所|有限", name):
        return "Organization"
    return EITHER


# --- text --------------------------------------------------------------------------------------------------------


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What is cut at the end of a look at the beginning is still UTF-8.
        if len(content) == _LOOK and _is_cut_utf8(content):
            return content.decode("utf-8-sig", "replace")
        try:
            return content.decode("gb18030")
        except UnicodeDecodeError:
            return content.decode("utf-8-sig", "replace")


def _is_cut_utf8(content: bytes) -> bool:
    for spare in range(1, 4):
        try:
            content[:-spare].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        return True
    return False


def _delimiter(text: str) -> str:
    head = "\n".join(text.split("\n", 5)[:5])
    return max(",;\t|", key=lambda mark: (head.count(mark), -",;\t|".index(mark)))


def _rows(content: bytes, delimiter: str) -> Iterator[list[str]]:
    text = _text(content).replace("\x00", "")
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _dicts(content: bytes, delimiter: str) -> Iterator[dict[str, str]]:
    rows = _rows(content, delimiter)
    header = [heading.strip() for heading in next(rows, [])]
    for row in rows:
        if row:
            yield dict(zip(header, row, strict=False))


def _unreadable(what: str, why: str) -> RecordError:
    return RecordError(
        f"The list {what!r} cannot be read: {why}.",
        code="FHR-REC-006",
        hint="Check the path, and name its format: opensanctions, ftm, ofac, un or csv.",
    )
