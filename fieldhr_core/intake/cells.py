"""What single cells mean: numbers, coordinates, dates, money, and what they must not be."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from fieldhr_core.model import Datum

__all__ = ["BadCellError", "amount_minor", "coordinate", "datum", "day", "identifier", "instant", "text"]


class BadCellError(ValueError):
    """A cell does not hold what its column says; the text is a dotted code."""

    @property
    def code(self) -> str:
        """Return the dotted code."""
        return str(self.args[0])


_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]+(.*))?")
_COMPACT_DAY: Final = re.compile(r"(19|20)(\d{2})(\d{2})(\d{2})")
_SHORT_DAY: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T ]+(.*))?")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE)
_ROUNDED: Final = re.compile(r"\d(\.\d+)?e\+?\d+", re.IGNORECASE)

_DATUMS: Final = {
    "wgs84": Datum.WGS84,
    "wgs1984": Datum.WGS84,
    "epsg4326": Datum.WGS84,
    "gps": Datum.WGS84,
    "gcj02": Datum.GCJ02,
    "gcj": Datum.GCJ02,
    "火星": Datum.GCJ02,
    "火星坐标": Datum.GCJ02,
    "火星坐标系": Datum.GCJ02,
    "高德": Datum.GCJ02,
    "amap": Datum.GCJ02,
    "腾讯": Datum.GCJ02,
    "bd09": Datum.BD09,
    "bd09ll": Datum.BD09,
    "百度": Datum.BD09,
    "baidu": Datum.BD09,
}

#: ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS: Final = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
#: Full-width forms of ASCII, and the space that goes with them.
_HALF_WIDTH: Final = {0x3000: " ", **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}}
_CURRENCY_MARKS: Final = re.compile(r"^(?:[A-Z]{3}|[¥￥$€£])\s*|\s*(?:[A-Z]{3}|元|円|원|[¥￥$€£])$")
_SCALES: Final = {"万": 10_000, "億": 100_000_000, "亿": 100_000_000}
#: Degrees with a decimal comma; nobody groups them by thousands.
_COMMA: Final = re.compile(r"[+-]?\d{1,3},\d+")
_GROUPED: Final = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
#: A bank's largest deal stays far below; an identity number in the wrong column does not.
_MOST_MINOR: Final = 10**17


def text(cell: str) -> str:
    """Return a cell's text without white space around it.

    Excel's way of keeping leading zeros (``="00123"``) is undone; any other formula is ``cell.formula``.
    """
    plain = cell.strip()
    if not plain.startswith("="):
        return plain
    if len(plain) >= 3 and plain.startswith('="') and plain.endswith('"') and '"' not in plain[2:-1]:
        return plain[2:-1].strip()
    raise BadCellError("cell.formula")


def identifier(cell: str) -> str:
    """Return a number that names something; one a spreadsheet has rounded (``1.10101E+17``) is refused."""
    plain = text(cell)
    if not plain.isascii():
        # Typed with an input method: the same letters and digits in full width.
        plain = plain.translate(_HALF_WIDTH)
    if _ROUNDED.fullmatch(plain):
        raise BadCellError("identifier.precision_lost")
    return plain


def coordinate(cell: str) -> float | None:
    """Return degrees, ``None`` for an empty cell: ``31.2304``, ``31.2304°N``, ``W 0.1276``."""
    plain = cell.strip()
    if not plain:
        return None
    try:
        # Most cells are plain numbers; NaN and infinity are none.
        value = float(plain)
        if value - value == 0.0 and "_" not in plain:
            return value
    except ValueError:
        pass
    folded = unicodedata.normalize("NFKC", text(cell)).upper().replace("°", "").replace(" ", "")
    sign = -1.0 if folded[:1] in ("S", "W") or folded[-1:] in ("S", "W") else 1.0
    folded = folded.strip("NSEW北东")
    if _COMMA.fullmatch(folded):
        folded = folded.replace(",", ".")
    if not _NUMBER.fullmatch(folded):
        raise BadCellError("address.bad_coordinate")
    value = float(folded)
    if value - value != 0.0:
        raise BadCellError("address.bad_coordinate")
    return sign * value


def datum(cell: str) -> Datum | None:
    """Return the datum a cell names, ``None`` for an empty one."""
    folded = re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", text(cell)).casefold())
    if not folded:
        return None
    try:
        return _DATUMS[folded]
    except KeyError:
        raise BadCellError("address.unknown_datum") from None


def day(cell: str, order: str) -> date | None:
    """Return a calendar day, ``None`` for an empty cell. *order* (``dmy``, ``mdy``) says how 03/04/2026 is meant."""
    found = _day_and_clock(cell, order)
    return None if found is None else found[0]


@lru_cache(maxsize=10_000)
def instant(cell: str, order: str, zone: ZoneInfo) -> datetime | None:
    """Return an aware instant, ``None`` for an empty cell; midnight without a time, in *zone* without an offset."""
    found = _day_and_clock(cell, order)
    if found is None:
        return None
    on, rest = found
    if not rest:
        return datetime.combine(on, time(), zone)
    clock = _CLOCK.fullmatch(rest.strip())
    if clock is None:
        raise BadCellError("date.unreadable")
    hour, minute, second, offset = clock.groups()
    try:
        local = datetime.combine(on, time(int(hour), int(minute), int(second or 0)))
    except ValueError:
        raise BadCellError("date.unreadable") from None
    if offset is None:
        return local.replace(tzinfo=zone)
    return datetime.fromisoformat(f"{local.isoformat()}{'+00:00' if offset in 'Zz' else offset}")


def amount_minor(cell: str, currency: str) -> int | None:
    """Return decimal text as minor units of *currency* (ISO 4217), ``None`` for an empty cell.

    ``12,345.60``, ``￥12345.6`` and ``1.5万`` are understood; ``1.234,56`` is not, because ``1,234`` would have two
    meanings. More decimals than the currency has are ``amount.too_precise``, never rounded.
    """
    plain = unicodedata.normalize("NFKC", text(cell))
    if not plain:
        return None
    sign = -1 if plain.startswith(("-", "(")) else 1
    plain = plain.strip("()").lstrip("+-").strip()
    plain = _CURRENCY_MARKS.sub("", plain).strip()
    scale = _SCALES.get(plain[-1:], 1)
    if scale != 1:
        plain = plain[:-1].strip()
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _NUMBER.fullmatch(plain) or "e" in plain.lower() or not plain.isascii():
        raise BadCellError("amount.unreadable")
    try:
        minor = Decimal(plain) * scale * Decimal(10) ** _EXPONENTS.get(currency, 2)
    except InvalidOperation:
        raise BadCellError("amount.unreadable") from None
    if minor != minor.to_integral_value():
        raise BadCellError("amount.too_precise")
    if minor > _MOST_MINOR:
        raise BadCellError("amount.out_of_range")
    return sign * int(minor)


def _day_and_clock(cell: str, order: str) -> tuple[date, str] | None:
    plain = unicodedata.normalize("NFKC", text(cell))
    if not plain:
        return None
    try:
        found = _DAY.fullmatch(plain)
        if found is not None:
            return date(int(found[1]), int(found[2]), int(found[3])), found[4] or ""
        compact = _COMPACT_DAY.fullmatch(plain)
        if compact is not None:
            return date(int(compact[1] + compact[2]), int(compact[3]), int(compact[4])), ""
        short = _SHORT_DAY.fullmatch(plain)
        if short is not None:
            first, second, year = int(short[1]), int(short[2]), int(short[3])
            if not order and first != second and first <= 12 and second <= 12:
                raise BadCellError("date.ambiguous")
            is_month_first = order == "mdy" or (not order and second > 12)
            month, on = (first, second) if is_month_first else (second, first)
            return date(year, month, on), short[4] or ""
    except BadCellError:
        raise
    except ValueError:
        pass
    # A spreadsheet's number of a day, too: counted from 1900 or from 1904, and the cell does not say which.
    raise BadCellError("date.unreadable")
