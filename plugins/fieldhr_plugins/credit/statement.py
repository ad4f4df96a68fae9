"""A borrower's financial statement: read, made whole where arithmetic allows, and refused where it is unfit.

Figures are exact decimals in whole units of the currency, whatever unit they came in, so that neither the unit nor the
currency changes a ratio. A refusal is a :class:`Fault` that names its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_plugins.credit.lines import BY_NAME, line_named

__all__ = ["NEEDED", "UNITS", "Fault", "Statement", "faults_of", "read_statement", "refuse", "series_of"]

#: Names of units -> whole units of currency. A minor unit is a hundredth (currencies without one are sent as ``one``).
UNITS: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        "minor": Decimal("0.01"),
        "one": Decimal(1),
        "thousand": Decimal(1_000),
        "ten_thousand": Decimal(10_000),
        "million": Decimal(1_000_000),
        "hundred_million": Decimal(100_000_000),
    }
)

_UNIT_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name: name for name in UNITS},
        "1": "one",
        "1000": "thousand",
        "10000": "ten_thousand",
        "1000000": "million",
        "unit": "one",
        "units": "one",
        "yuan": "one",
        "thousands": "thousand",
        "millions": "million",
        "cent": "minor",
        "cents": "minor",
        "fen": "minor",
        "分": "minor",
        "元": "one",
        "千元": "thousand",
        "万元": "ten_thousand",
        "百万元": "million",
        "亿元": "hundred_million",
    }
)

#: Without these nothing can be said.
NEEDED: Final[tuple[str, ...]] = (
    "total_assets",
    "total_liabilities",
    "equity",
    "current_assets",
    "current_liabilities",
    "retained_earnings",
    "ebit",
)

_MOST: Final = Decimal(10) ** 18
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_NUMBER: Final = re.compile(r"\(?[-+−]?[0-9]{1,24}(?:\.[0-9]{1,12})?\)?")
_MONTHS: Final = frozenset({1, 2, 3, 4, 6, 9, 12})


@attrs.frozen
class Fault:
    """Why a statement, or one line of it, is not fit to be scored: a dotted reason, the line, and one sentence."""

    reason: str
    line: str
    text: str


def _frozen(lines: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    return MappingProxyType(dict(lines))


@attrs.frozen(kw_only=True)
class Statement:
    """One statement of one borrower.

    Attributes:
        period_end: last day covered; stocks stand at its end.
        months: how many months the flows cover; ratios put them on a year.
        currency: ISO 4217.
        lines: name -> figure in whole units of the currency; only what was stated or follows from it.
        derived: names of lines that were not stated but follow from others.
        unknown: names of lines that were sent and are none of ours.
        step: smallest unit in which the figures are given, in whole units (1000 for a statement in thousands).
        industry: the host's class of the borrower's business, for comparison with peers.
        rep: who holds the borrower, where known.
    """

    id: str
    borrower: str
    period_end: date
    months: int = 12
    currency: str = "CNY"
    lines: Mapping[str, Decimal] = attrs.field(converter=_frozen)
    derived: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    step: Decimal = Decimal(1)
    industry: str = ""
    rep: str | None = None

    def get(self, name: str) -> float | None:
        """Return a line as it stands, or ``None`` where it is not known."""
        value = self.lines.get(name)
        return None if value is None else float(value)

    def a_year(self, name: str) -> float | None:
        """Return a flow put on twelve months, a stock as it stands."""
        value = self.get(name)
        return value if value is None or not BY_NAME[name].is_flow else value * 12 / self.months


def read_statement(record: Mapping[str, Any]) -> Statement:
    """Read a statement from a JSON object.

    Args:
        record: ``borrower``, ``period_end`` (a day), ``months`` (12), ``currency`` (CNY), ``unit`` (``one``; see
            :data:`UNITS`), ``lines`` (name -> number, or text such as ``"1,234.50"`` or ``"(12)"``; null: not known),
            ``industry``, ``rep``. Lines may stand beside the other fields, too.

    Raises:
        RecordError: FHR-REC-001, with every fault in ``where["faults"]``, where a field cannot be read. Whether the
            figures are fit to be scored is another question: :func:`faults_of`.
    """
    faults: list[Fault] = []
    unit = _unit(record, faults)
    months = record.get("months", 12)
    if isinstance(months, bool) or not isinstance(months, int) or months not in _MONTHS:
        faults.append(Fault("statement.months", "months", f"months must be one of {sorted(_MONTHS)}"))
        months = 12
    currency = record.get("currency", "CNY")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        faults.append(Fault("statement.currency", "currency", "currency must be a code of ISO 4217 such as CNY"))
    end = _day(record.get("period_end"))
    if end is None:
        faults.append(Fault("statement.period_end", "period_end", "period_end must be a day such as 2025-12-31"))
    stated, unknown = _figures(record, faults)
    refuse(faults, str(record.get("id", "")))
    whole = {name: value * unit for name, value in stated.items()}
    lines = _derived(whole)
    return Statement(
        id=_word(record, "id"),
        borrower=_word(record, "borrower"),
        period_end=end or date.min,
        months=months,
        currency=currency,
        lines=lines,
        derived=tuple(name for name in lines if name not in whole),
        unknown=tuple(unknown),
        step=_step(stated.values()) * unit,
        industry=_word(record, "industry"),
        rep=_word(record, "rep") or None,
    )


def faults_of(statement: Statement, *, as_of: date | None = None, stale_after_days: int = 550) -> list[Fault]:
    """Return what makes a statement unfit to be scored, line by line; nothing where it is fit.

    Args:
        as_of: the day of judgement; ``None`` leaves out whether the statement is stale.
        stale_after_days: a period that ended more days before *as_of* is stale.
    """
    faults = [
        Fault("statement.line_missing", name, f"{name} is missing and does not follow from other lines")
        for name in NEEDED
        if name not in statement.lines
    ]
    total = statement.lines.get("total_assets")
    if total is not None and total <= 0:
        faults.append(Fault("statement.not_positive", "total_assets", "total_assets must be above zero"))
    for name, value in statement.lines.items():
        if BY_NAME[name].at_least_zero and value < 0 and name not in statement.derived:
            faults.append(Fault("statement.negative", name, f"{name} cannot be negative"))
    if as_of is not None:
        age = (as_of - statement.period_end).days
        if age > stale_after_days:
            text = f"the period ended {age} days ago; at most {stale_after_days} are allowed"
            faults.append(Fault("statement.stale", "period_end", text))
        elif age < 0:
            faults.append(Fault("statement.in_future", "period_end", "the period has not ended yet"))
    return faults


def refuse(faults: Sequence[Fault], name: str) -> None:
    """Raise where there are faults.

    Raises:
        RecordError: FHR-REC-001 that names every line.
    """
    if not faults:
        return
    raise RecordError(
        f"Statement {name!r} is unfit: {'; '.join(fault.text for fault in faults)}.",
        code="FHR-REC-001",
        hint="Correct the lines named; see the reference of credit.",
        faults=tuple(faults),
        lines=tuple(fault.line for fault in faults),
    )


def series_of(statements: Iterable[Statement], borrower: str) -> list[Statement]:
    """Return one borrower's statements by the end of their periods, in whatever order they came.

    Where a period was sent twice, the later one in the input counts.
    """
    by_period = {(one.period_end, one.months): one for one in statements if one.borrower == borrower}
    return [by_period[key] for key in sorted(by_period)]


def _unit(record: Mapping[str, Any], faults: list[Fault]) -> Decimal:
    given = record.get("unit", "one")
    name = None if isinstance(given, bool) else _UNIT_NAMES.get(str(given).strip().casefold())
    if name is None:
        faults.append(Fault("statement.unit", "unit", f"unit must be one of {', '.join(UNITS)}"))
        return Decimal(1)
    return UNITS[name]


def _figures(record: Mapping[str, Any], faults: list[Fault]) -> tuple[dict[str, Decimal], list[str]]:
    beside = {name: value for name, value in record.items() if isinstance(name, str) and line_named(name)}
    nested = record.get("lines", {})
    if not isinstance(nested, Mapping):
        faults.append(Fault("statement.lines", "lines", "lines must be an object of names and numbers"))
        nested = {}
    stated: dict[str, Decimal] = {}
    unknown: list[str] = []
    for given, value in [*beside.items(), *nested.items()]:
        name = line_named(str(given))
        if name is None:
            unknown.append(str(given)[:80])
            continue
        if value is None:
            continue
        number = _number(value)
        if number is None:
            faults.append(Fault("statement.not_a_number", name, f"{name} is not a number"))
        elif name in stated and stated[name] != number:
            faults.append(Fault("statement.line_twice", name, f"{name} is stated twice with different figures"))
        else:
            stated[name] = number
    return stated, unknown


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip().replace(",", "").replace("，", "").replace(" ", "")
        if not _NUMBER.fullmatch(text):
            return None
        negative = text.startswith("(") and text.endswith(")")
        if not negative and ("(" in text or ")" in text):
            return None
        number = Decimal(text.strip("()").replace("−", "-"))
        number = -number if negative else number
    elif isinstance(value, int | float | Decimal):
        try:
            number = Decimal(str(value))
        except (InvalidOperation, ValueError):
            return None
    else:
        return None
    return number if number.is_finite() and abs(number) < _MOST else None


def _derived(stated: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Add what follows from the stated lines alone; nothing is guessed."""
    lines = dict(stated)
    for whole, parts in _SUMS:
        known = [part for part in parts if part in lines]
        if whole not in lines and len(known) == len(parts):
            lines[whole] = sum((lines[part] for part in parts), Decimal(0))
        elif whole in lines and len(known) == len(parts) - 1:
            (absent,) = (part for part in parts if part not in lines)
            lines[absent] = lines[whole] - sum((lines[part] for part in known), Decimal(0))
    if "ebit" not in lines and {"profit_before_tax", "interest_expense"} <= lines.keys():
        lines["ebit"] = lines["profit_before_tax"] + lines["interest_expense"]
    return lines


#: whole = sum of parts. Repeated at the end, for what the first pass made known.
_SUMS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("total_assets", ("current_assets", "noncurrent_assets")),
    ("total_liabilities", ("current_liabilities", "noncurrent_liabilities")),
    ("total_assets", ("total_liabilities", "equity")),
    ("total_liabilities", ("current_liabilities", "noncurrent_liabilities")),
    ("profit_before_tax", ("net_income", "tax")),
)


def _step(figures: Iterable[Decimal]) -> Decimal:
    """Return the power of ten in which all figures are whole: what they were rounded to, at least a hundredth."""
    power = 12
    for figure in figures:
        if figure == 0:
            continue
        power = min(power, int(figure.normalize().as_tuple().exponent))
    # Nobody rounds to more than a million; many zeros in few figures are chance.
    return Decimal(10) ** max(min(power, 6), -2)


def _word(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return "" if value is None else str(value)[:200]


def _day(value: object) -> date | None:
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip()[:10])
        except ValueError:
            return None
    return None
