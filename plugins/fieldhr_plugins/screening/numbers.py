"""Chinese identity and registration numbers: is this one possible, and if not, what exactly is wrong with it?

Resident identity numbers follow GB 11643 (18 digits; 15 until 1999), unified social credit codes GB 32100. Nothing
here asks whether a number was issued: a valid one can still belong to nobody.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from operator import mul
from typing import Final

import attrs

__all__ = ["KINDS", "NumberAnswer", "identify", "identity_number", "normal_number", "social_credit_code"]

#: Kinds of number that can be checked.
KINDS: Final = ("ric", "uscc")

_RIC_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RIC_CHECKS: Final = "10X98765432"
#: First two digits of area codes of GB/T 2260: provinces, municipalities and regions; 91-93: residents from abroad.
_PROVINCES: Final = frozenset(
    f"{code}"
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83), (91, 93))
    for code in range(first, last + 1)
)
_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_USCC_OFFICES: Final = frozenset("123456789ANY")
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_EARLIEST_YEAR: Final = 1850

#: Between or around digits, and nothing to do with them.
_SPARE: Final = re.compile(r"[\s\-_.·/'\u2010-\u2015\u2212\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff\u00ad]+")
_WRITTEN: Final = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
#: Other letters and signs that people type for an X.
_AS_X: Final = str.maketrans({"Х": "X", "х": "X", "Χ": "X", "χ": "X", "×": "X", "✕": "X", "✖": "X"})
_LOOKS_LIKE: Final = {"I": "1", "O": "0", "Z": "2", "S": "5", "V": "U"}


@attrs.frozen(kw_only=True)
class NumberAnswer:
    """What can be said about one number.

    Attributes:
        valid: the number can exist.
        normal: digits and capital letters only, a 15-digit identity number in its 18-digit form where it is valid.
        reason: stable code of what is wrong, ``None`` where nothing is: ``empty``, ``length``, ``character``,
            ``birth_date.year``, ``birth_date.month``, ``birth_date.day``, ``birth_date.future``, ``check_digit``.
        position: which character, counted from 1, where one can be blamed.
        message: the reason as a sentence, without the number.
        warnings: what is odd and decides nothing: ``old_form``, ``area_unknown``, ``office_unknown``,
            ``organisation_code``.
        birth_date: from an identity number with a possible date.
    """

    valid: bool
    normal: str
    reason: str | None = None
    position: int | None = None
    message: str = ""
    warnings: tuple[str, ...] = ()
    birth_date: date | None = None


def identify(value: str, kind: str, *, today: date | None = None) -> NumberAnswer:
    """Check one number.

    Args:
        value: as somebody typed it: full width, spaced and hyphenated forms are understood.
        kind: ``ric`` (resident identity number) or ``uscc`` (unified social credit code).
        today: no birth date may be after it; ``None`` asks only whether the date exists.

    Raises:
        ValueError: where *kind* is neither.
    """
    if kind == "ric":
        return identity_number(value, today=today)
    if kind == "uscc":
        return social_credit_code(value)
    raise ValueError(f"There is no kind of number {kind!r}, only {' and '.join(KINDS)}.")


def normal_number(value: str) -> str:
    """Return a number of any kind as it is compared: half width, capital letters, nothing between characters."""
    if value.isascii() and value.isalnum():
        return value.upper()
    while True:
        folded = unicodedata.normalize("NFKC", value).translate(_AS_X).upper()
        normal = _SPARE.sub("", unicodedata.normalize("NFKC", folded))
        if normal == value:
            return normal
        # What stood between two characters may have kept them from uniting.
        value = normal


def identity_number(value: str, *, today: date | None = None) -> NumberAnswer:
    """Check a resident identity number of 18 digits or of the old 15.

    The area code is never a reason: districts are founded, merged and renumbered, and a person may well be older than
    theirs. A first pair of digits that no province ever had is a warning.
    """
    normal = _digits(normal_number(value))
    fault = _length_fault(normal, (18, 15)) or _character_fault(normal)
    if fault is not None:
        return fault
    old = len(normal) == 15
    warnings: tuple[str, ...] = ("old_form",) if old else ()
    if normal[:2] not in _PROVINCES:
        warnings += ("area_unknown",)
    full = _from_old(normal) if old else normal
    born = _birth_date(full[6:14], first=7, short_year=old, today=today)
    if isinstance(born, tuple):
        reason, position, message = born
        return NumberAnswer(
            valid=False, normal=normal, reason=reason, position=position, message=message, warnings=warnings
        )
    expected = _RIC_CHECKS[sum(map(mul, _RIC_WEIGHTS, map(int, full))) % 11]
    if old:
        full += expected
    elif full[17] != expected:
        return NumberAnswer(
            valid=False,
            normal=normal,
            reason="check_digit",
            position=18,
            message="The check digit does not fit the other 17: one of them is wrong, or two are exchanged.",
            warnings=warnings,
            birth_date=born,
        )
    return NumberAnswer(valid=True, normal=full, warnings=warnings, birth_date=born)


def social_credit_code(value: str) -> NumberAnswer:
    """Check a unified social credit code of 18 characters."""
    normal = normal_number(value)
    fault = _length_fault(normal, (18,))
    if fault is not None:
        return fault
    for place, character in enumerate(normal, start=1):
        if character not in _USCC_ALPHABET:
            meant = _LOOKS_LIKE.get(character)
            message = f"Character {place} is not in the alphabet of credit codes: digits, letters without I, O, S, V, Z"
            return NumberAnswer(
                valid=False,
                normal=normal,
                reason="character",
                position=place,
                message=f"{message}; {meant} may be meant." if meant else f"{message}.",
            )
    total = sum(
        weight * _USCC_ALPHABET.index(character) for weight, character in zip(_USCC_WEIGHTS, normal, strict=False)
    )
    warnings: tuple[str, ...] = () if normal[0] in _USCC_OFFICES else ("office_unknown",)
    if not normal[2:8].isdigit():
        warnings += ("area_unknown",)
    if _organisation_check(normal[8:16]) != normal[16]:
        warnings += ("organisation_code",)
    if normal[17] != _USCC_ALPHABET[-total % 31]:
        return NumberAnswer(
            valid=False,
            normal=normal,
            reason="check_digit",
            position=18,
            message="The check character does not fit the other 17: one of them is wrong, or two are exchanged.",
            warnings=warnings,
        )
    return NumberAnswer(valid=True, normal=normal, warnings=warnings)


def _digits(normal: str) -> str:
    """Digits of every script as 0-9."""
    if normal.isascii():
        return normal
    return "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in normal)


def _length_fault(normal: str, lengths: tuple[int, ...]) -> NumberAnswer | None:
    if not normal:
        return NumberAnswer(valid=False, normal="", reason="empty", message="There is no number.")
    if len(normal) in lengths:
        return None
    wanted = " or ".join(str(length) for length in lengths)
    return NumberAnswer(
        valid=False,
        normal=normal,
        reason="length",
        message=f"It has {len(normal)} characters instead of {wanted}.",
    )


def _character_fault(normal: str) -> NumberAnswer | None:
    if _WRITTEN.fullmatch(normal):
        return None
    for place, character in enumerate(normal, start=1):
        if not (character.isascii() and character.isdigit()) and not (character == "X" and place == 18):
            only_last = " An X can stand at position 18 only." if character == "X" else ""
            return NumberAnswer(
                valid=False,
                normal=normal,
                reason="character",
                position=place,
                message=f"Character {place} is no digit.{only_last}",
            )
    return None


def _from_old(normal: str) -> str:
    """Return the first 17 of 18 digits from 15. The numbers 996 to 999 were kept for people born before 1900."""
    century = "18" if normal[12:] in ("996", "997", "998", "999") else "19"
    return normal[:6] + century + normal[6:]


def _birth_date(digits: str, *, first: int, short_year: bool, today: date | None) -> date | tuple[str, int, str]:
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    month_at = first + (2 if short_year else 4)
    if year < _EARLIEST_YEAR and not short_year:
        return "birth_date.year", first, f"The birth year {year} is before {_EARLIEST_YEAR}."
    if not 1 <= month <= 12:
        return "birth_date.month", month_at, f"There is no month {month:02}."
    try:
        born = date(year, month, day)
    except ValueError:
        return "birth_date.day", month_at + 2, f"There is no day {day:02} in {year}-{month:02}."
    if today is not None and born > today:
        return "birth_date.future", first, "The birth date lies in the future."
    return born


def _organisation_check(code: str) -> str:
    """Return the ninth character of an organisation code (GB 11714), which a credit code holds at 9 to 17."""
    total = sum(
        weight * (int(character) if character.isdigit() else ord(character) - 55)
        for weight, character in zip(_ORGANISATION_WEIGHTS, code, strict=True)
    )
    rest = 11 - total % 11
    return "X" if rest == 10 else "0" if rest == 11 else str(rest)
