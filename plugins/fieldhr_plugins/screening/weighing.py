"""What is known beside names: numbers that decide, birth dates that confirm or rule out, countries that hint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

import attrs

from fieldhr_plugins.screening.answers import HIT, NONE, POSSIBLE, POSSIBLE_FROM
from fieldhr_plugins.screening.lists import Entry
from fieldhr_plugins.screening.numbers import identity_number, normal_number, social_credit_code

__all__ = ["Found", "Subject", "known_numbers", "subject_of", "weigh"]

#: What a name can still score against a proof that it is somebody else.
_RULED_OUT: Final = 0.4


@attrs.frozen(kw_only=True)
class Subject:
    """Who is screened: a customer as far as lists know one.

    Attributes:
        schema: ``Person``, ``Organization`` or ``LegalEntity`` (either).
        names: every name they go by.
        numbers: identity and registration numbers, normalised; not phones or accounts.
        birth_date: ``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD`` or empty; taken from the identity number where it is missing.
        countries: codes or names, in small letters.
    """

    schema: str
    names: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    birth_date: str = ""
    countries: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Found:
    """An entry that is, may be, or only looks like the subject.

    Attributes:
        name: the entry's name that was most alike; name_score: how much (0-1).
        score: after everything else was weighed.
        level: ``hit`` (a number decides), ``possible`` (a person must look), ``none`` (ruled out, with the ground).
    """

    entry: Entry
    list: str
    name: str
    name_score: float
    score: float
    level: str
    grounds: tuple[str, ...]


def subject_of(
    *,
    schema: str,
    names: Iterable[str],
    numbers: Iterable[str] = (),
    birth_date: date | str | None = None,
    countries: Iterable[str] = (),
) -> Subject:
    """Make a subject from raw values; a birth date that is missing is taken from an identity number."""
    kept = known_numbers(numbers)
    born = birth_date.isoformat() if isinstance(birth_date, date) else (birth_date or "")
    if not born:
        born = next((found for found in map(_born, kept) if found), "")
    return Subject(
        schema=schema,
        names=tuple(dict.fromkeys(name for name in names if name.strip())),
        numbers=kept,
        birth_date=born,
        countries=tuple(country.strip().casefold() for country in countries if country.strip()),
    )


def known_numbers(numbers: Iterable[str]) -> tuple[str, ...]:
    """Return numbers as they are compared: normalised, old identity numbers in their long form."""
    found = []
    for number in numbers:
        normal = normal_number(number)
        if len(normal) == 15 and normal.isdecimal():
            answer = identity_number(normal)
            normal = answer.normal if answer.valid else normal
        if len(normal) >= 4:
            found.append(normal)
    return tuple(dict.fromkeys(found))


def weigh(
    subject: Subject, entry: Entry, *, name: str, score: float, grounds: tuple[str, ...], list_name: str
) -> Found | None:
    """Weigh everything that is known about a subject and an entry; ``None`` where nothing speaks for one another."""

    def answer(final: float, level: str, reasons: tuple[str, ...]) -> Found:
        return Found(
            entry=entry,
            list=list_name,
            name=name,
            name_score=score,
            score=round(final, 4),
            level=level,
            grounds=reasons,
        )

    theirs = known_numbers(entry.numbers)
    equal = set(subject.numbers) & set(theirs)
    if equal:
        what = _kind(next(iter(equal)))
        named = "name too" if score >= POSSIBLE_FROM else "though under another name"
        return answer(1.0, HIT, (f"the same {_WORDS[what]}, {named}", *grounds))
    reasons = list(grounds)
    ruled_out = False
    masked = [t for t in theirs if "*" in t]
    agrees = False
    for kind in ("ric", "uscc", "other"):
        mine = [n for n in subject.numbers if _kind(n) == kind]
        other = [n for n in theirs if _kind(n) == kind and "*" not in n]
        hidden = [n for n in masked if _kind(n) == kind]
        if mine and hidden:
            if any(_fits(m, h) for m in mine for h in hidden):
                agrees = True
                reasons.append(f"the visible digits of the {_WORDS[kind]} agree")
            else:
                ruled_out = True
                reasons.append(f"another {_WORDS[kind]}: visible digits differ")
        elif mine and other:
            if kind != "other":
                ruled_out = True
                reasons.append(f"another {_WORDS[kind]}")
            elif any(_shape(m) == _shape(o) for m in mine for o in other):
                score -= 0.2
                reasons.append("another number of the same shape")
    births = entry.birth_dates or tuple(filter(None, map(_born, theirs)))
    born = _compare_births(subject.birth_date, births)
    if born == "same":
        reasons.append("the same birth date")
        score = max(min(score + 0.12, 0.99), 0.86, score)
    elif born == "year":
        reasons.append("the same birth year, as far as it is known")
        score = min(score + 0.03, max(score, 0.97))
    elif born == "near":
        reasons.append(
            "nearly the same birth date: day and month exchanged, or a year apart where only years are known"
        )
        score -= 0.03
    elif born == "other":
        ruled_out = True
        reasons.append("another birth date")
    if agrees:
        score = max(score, min(score + 0.15, 0.99)) if score >= 0.58 else score
    if subject.countries and entry.countries:
        if set(map(_country, subject.countries)) & set(map(_country, entry.countries)):
            reasons.append("the same country")
        else:
            score -= 0.03
            reasons.append("another country")
    if ruled_out and agrees and born != "other":
        ruled_out = False
    if ruled_out:
        return answer(min(score, _RULED_OUT), NONE, tuple(reasons)) if score >= POSSIBLE_FROM else None
    if score < POSSIBLE_FROM:
        return None
    if not subject.numbers and theirs:
        reasons.append("no number of the customer to compare")
    return answer(score, POSSIBLE, tuple(reasons))


_WORDS: Final = {"ric": "identity number", "uscc": "social credit code", "other": "number"}
_RIC: Final = re.compile(r"[\d*]{17}[\dX*]")
_USCC: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY*]{18}")


def _kind(number: str) -> str:
    """Tell what a number is by its shape: nobody says it reliably."""
    if _RIC.fullmatch(number):
        if "*" in number or identity_number(number).valid:
            return "ric"
        return "uscc" if social_credit_code(number).valid else "ric"
    return "uscc" if _USCC.fullmatch(number) else "other"


def _shape(number: str) -> str:
    return "".join("9" if c.isdigit() else "A" for c in number)


def _fits(number: str, masked: str) -> bool:
    return len(number) == len(masked) and all(m in ("*", n) for n, m in zip(number, masked, strict=True))


def _born(number: str) -> str:
    """Return the birth date in an identity number."""
    if not _RIC.fullmatch(number) or "*" in number[6:14]:
        return ""
    masked = "*" in number
    answer = identity_number(number[:6].replace("*", "1") + number[6:] if masked else number)
    if not (masked or answer.valid) and social_credit_code(number).valid:
        return ""
    return answer.birth_date.isoformat() if answer.birth_date is not None else ""


def _compare_births(mine: str, theirs: Iterable[str]) -> str:
    """Return ``same``, ``year``, ``near``, ``other``, or empty where there is nothing to compare."""
    best = ""
    for other in theirs if mine else ():
        found = _compare_birth(mine, other)
        if _ORDER.index(found) > _ORDER.index(best):
            best = found
    return best


_ORDER: Final = ("", "other", "near", "year", "same")


def _compare_birth(mine: str, other: str) -> str:
    if len(mine) == len(other) == 10:
        if mine == other:
            return "same"
        a, b = mine.split("-"), other.split("-")
        return "near" if a[0] == b[0] and a[1] == b[2] and a[2] == b[1] else "other"
    size = min(len(mine), len(other))
    if mine[:size] == other[:size]:
        return "year"
    return "near" if size == 4 and abs(int(mine[:4]) - int(other[:4])) <= 1 else "other"


#: What lists write for the countries they hold most.
_COUNTRIES: Final = {
    name: code
    for code, names in {
        "cn": (
            "china",
            "中国",
            "prc",
            "chn",
            "中国大陆",
        ),
        "hk": (
            "hong kong",
            "香港",
        ),
        "mo": ("macau",),
        "tw": (
            "taiwan",
            "台湾",
        ),
        "ru": (
            "russia",
            "russian federation",
            "rus",
        ),
        "ir": (
            "iran",
            "islamic republic of iran",
        ),
        "us": (
            "united states",
            "usa",
        ),
        "gb": (
            "united kingdom",
            "uk",
        ),
        "de": ("germany",),
        "fr": ("france",),
        "jp": (
            "japan",
            "日本",
        ),
        "kr": (
            "korea",
            "south korea",
        ),
        "kp": (
            "democratic people's republic of korea",
            "north korea",
        ),
        "sy": (
            "syria",
            "syrian arab republic",
        ),
        "iq": ("iraq",),
        "af": ("afghanistan",),
        "pk": ("pakistan",),
        "in": ("india",),
        "sg": ("singapore",),
        "my": ("malaysia",),
        "vn": ("vietnam",),
        "th": ("thailand",),
        "id": ("indonesia",),
    }.items()
    for name in names
}


def _country(text: str) -> str:
    return _COUNTRIES.get(text, text)
