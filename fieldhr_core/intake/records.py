"""Rows to customers and deals. A row becomes a whole record or a named problem, never half of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fieldhr_core.errors import ConfigError
from fieldhr_core.intake.cells import (
    BadCellError,
    amount_minor,
    coordinate,
    datum,
    day,
    identifier,
    instant,
    text,
)
from fieldhr_core.model import Address, Customer, Datum, Deal

__all__ = ["MESSAGES", "CustomerRows", "DealRows", "Reading", "RowReader", "zone_of"]

R_co = TypeVar("R_co", covariant=True)

#: Dotted code -> what it means and what to do; kept in problems.
MESSAGES: Final[Mapping[str, str]] = {
    "address.bad_coordinate": "The coordinate is no number of degrees.",
    "address.bad_radius": "The radius is no number of metres above 0.",
    "address.half_a_coordinate": "Only one of latitude and longitude is there.",
    "address.no_datum": "The coordinate has no datum; say wgs84, gcj02 or bd09.",
    "address.out_of_range": "The coordinate is outside the globe, or 0, 0.",
    "address.swapped": "Latitude and longitude look exchanged; map the columns the other way round.",
    "address.unknown_datum": "The datum is none of wgs84, gcj02, bd09.",
    "amount.out_of_range": "The amount is too large to be one; is it the right column?",
    "amount.too_precise": "The amount has more decimals than its currency.",
    "amount.unknown_currency": "The currency is no ISO 4217 code.",
    "amount.unreadable": "The amount is no decimal number such as 12,345.60.",
    "cell.control_character": "The id holds a line break or control character.",
    "cell.formula": "A cell holds a formula instead of its value; export values.",
    "customer.duplicate_id": "The id stood in an earlier row, which counts.",
    "customer.no_id": "The customer has no id.",
    "customer.no_name": "The customer has no name.",
    "customer.unknown_type": "The type is neither a person's nor an organization's.",
    "date.ambiguous": "Day and month cannot be told apart; set date_order.",
    "date.unreadable": "The date is none; write 2026-03-31, and format a column of day numbers as dates.",
    "deal.closed_before_opened": "The deal was closed before it was opened.",
    "deal.duplicate_id": "The id stood in an earlier row, which counts.",
    "deal.no_customer": "The deal has no customer.",
    "deal.no_id": "The deal has no id.",
    "deal.no_opened": "The deal has no date of opening.",
    "deal.no_rep": "The deal has no rep.",
    "identifier.precision_lost": "A spreadsheet has rounded the number; format the column as text and export again.",
}


_IDENTIFIERS: Final = ("phone", "email", "ric", "uscc")
_PERSON: Final = frozenset({"person", "individual", "private", "retail", "个人", "对私", "自然人", "零售"})
_ORGANIZATION: Final = frozenset(
    {
        "organization",
        "organisation",
        "company",
        "corporate",
        "business",
        "enterprise",
        "partnership",
        "企业",
        "对公",
        "公司",
        "机构",
        "法人",
    }
)
_DEFAULT_RADIUS_M: Final = 150.0


class Reading(Protocol):
    """How cells are read, as a connector's settings say it."""

    @property
    def datum(self) -> Datum | None:
        """Of coordinates where no column says it; never guessed."""
        ...

    @property
    def zone(self) -> str:
        """IANA zone of times without one."""
        ...

    @property
    def date_order(self) -> str:
        """How ``03/04/2026`` is meant: ``dmy``, ``mdy``, or empty: such dates are problems."""
        ...

    @property
    def currency(self) -> str:
        """ISO 4217, where no column says it."""
        ...

    @property
    def default_schema(self) -> str:
        """``Person`` or ``Organization``, where nothing tells."""
        ...

    @property
    def source(self) -> str:
        """Written into every customer."""
        ...


class RowReader(Protocol[R_co]):
    """Makes records of rows."""

    def identity(self, row: Sequence[str]) -> str:
        """Return the record's id."""
        ...

    def read(self, row: Sequence[str]) -> R_co:
        """Return the record."""
        ...


def zone_of(settings: Reading) -> ZoneInfo:
    """Return the zone of times without one.

    Raises:
        ConfigError: FHR-CFG-001 for an unknown zone.
    """
    try:
        return ZoneInfo(settings.zone)
    except (ZoneInfoNotFoundError, ValueError) as cause:
        raise ConfigError(f"There is no time zone {settings.zone!r}.", code="FHR-CFG-001", setting="zone") from cause


class CustomerRows:
    """Reads customers out of rows.

    Args:
        columns: field -> index of its column.
        settings: datum, zone, date order and defaults.
    """

    def __init__(self, columns: Mapping[str, int], settings: Reading) -> None:
        self._columns = dict(columns)
        self._settings = settings
        self._zone = zone_of(settings)
        self._identifiers = [(kind, columns[kind]) for kind in _IDENTIFIERS if kind in columns]

    def identity(self, row: Sequence[str]) -> str:
        """Return the customer's id; empty where the row has none."""
        return _identity(row, self._columns.get("id", -1))

    def read(self, row: Sequence[str]) -> Customer:
        """Return the customer of a row.

        Raises:
            BadCellError: with the dotted code of what is wrong.
        """
        ident = self.identity(row)
        if not ident:
            raise BadCellError("customer.no_id")
        name = self._text(row, "name")
        if not name:
            raise BadCellError("customer.no_name")
        identifiers = {}
        for kind, index in self._identifiers:
            number = identifier(row[index]) if index < len(row) else ""
            if number:
                identifiers[kind] = number
        birth_date = self._day(row, "birth_date")
        return Customer(
            id=ident,
            name=name,
            schema=self._schema(row, identifiers, birth_date),
            owner=self._identifier(row, "owner") or None,
            need=self._text(row, "need"),
            addresses=self._addresses(row),
            identifiers=identifiers,
            industry=self._text(row, "industry"),
            risk=self._text(row, "risk") or "normal",
            potential=self._text(row, "potential"),
            birth_date=birth_date,
            countries=_listed(self._text(row, "countries")),
            source=self._settings.source,
            updated=self._instant(row, "updated"),
        )

    def _schema(self, row: Sequence[str], identifiers: Mapping[str, str], birth_date: date | None) -> str:
        said = self._text(row, "schema").casefold()
        if said:
            if said in _PERSON:
                return "Person"
            if said in _ORGANIZATION:
                return "Organization"
            raise BadCellError("customer.unknown_type")
        if "uscc" in identifiers:
            return "Organization"
        if "ric" in identifiers or birth_date is not None:
            return "Person"
        return self._settings.default_schema

    def _addresses(self, row: Sequence[str]) -> tuple[Address, ...]:
        written = self._text(row, "address")
        lat, lon = self._coordinates(row)
        if lat is None or lon is None:
            return (Address(id="main", text=written),) if written else ()
        found = (datum(self._cell(row, "datum")) if "datum" in self._columns else None) or self._settings.datum
        if found is None:
            raise BadCellError("address.no_datum")
        return (Address(id="main", text=written, lat=lat, lon=lon, datum=Datum(found), radius_m=self._radius_m(row)),)

    def _coordinates(self, row: Sequence[str]) -> tuple[float | None, float | None]:
        columns = self._columns
        if "lat" in columns or "lon" in columns:
            lat, lon = coordinate(self._cell(row, "lat")), coordinate(self._cell(row, "lon"))
        elif "lat_lon" in columns:
            lat, lon = _pair(self._cell(row, "lat_lon"))
        elif "lon_lat" in columns:
            lon, lat = _pair(self._cell(row, "lon_lat"))
        else:
            return None, None
        if lat is None and lon is None:
            return None, None
        if lat is None or lon is None:
            raise BadCellError("address.half_a_coordinate")
        if -90 <= lat <= 90 and -180 <= lon <= 180 and (lat or lon):
            return lat, lon
        if 90 < abs(lat) <= 180 and abs(lon) <= 90:
            raise BadCellError("address.swapped")
        raise BadCellError("address.out_of_range")

    def _radius_m(self, row: Sequence[str]) -> float:
        if "radius_m" not in self._columns:
            return _DEFAULT_RADIUS_M
        try:
            radius = coordinate(self._cell(row, "radius_m"))
        except BadCellError:
            raise BadCellError("address.bad_radius") from None
        if radius is not None and not 0 < radius <= 100_000:
            raise BadCellError("address.bad_radius")
        return _DEFAULT_RADIUS_M if radius is None else radius

    def _cell(self, row: Sequence[str], field: str) -> str:
        index = self._columns.get(field, -1)
        return row[index] if 0 <= index < len(row) else ""

    def _text(self, row: Sequence[str], field: str) -> str:
        index = self._columns.get(field)
        if index is None or index >= len(row):
            return ""
        plain = row[index].strip()
        return plain if plain[:1] != "=" else text(plain)

    def _identifier(self, row: Sequence[str], field: str) -> str:
        index = self._columns.get(field, -1)
        return identifier(row[index]) if 0 <= index < len(row) else ""

    def _day(self, row: Sequence[str], field: str) -> date | None:
        return day(self._cell(row, field), self._settings.date_order) if field in self._columns else None

    def _instant(self, row: Sequence[str], field: str) -> datetime | None:
        if field not in self._columns:
            return None
        return instant(self._cell(row, field), self._settings.date_order, self._zone)


class DealRows:
    """Reads deals out of rows; arguments as of :class:`CustomerRows`."""

    def __init__(self, columns: Mapping[str, int], settings: Reading) -> None:
        self._columns = dict(columns)
        self._settings = settings
        self._zone = zone_of(settings)

    def identity(self, row: Sequence[str]) -> str:
        """Return the deal's id; empty where the row has none."""
        return _identity(row, self._columns.get("id", -1))

    def read(self, row: Sequence[str]) -> Deal:
        """Return the deal of a row.

        Raises:
            BadCellError: with the dotted code of what is wrong.
        """
        ident, rep, customer = (self._get(row, field, identifier) for field in ("id", "rep", "customer"))
        for field, value in (("id", ident), ("rep", rep), ("customer", customer)):
            if not value:
                raise BadCellError(f"deal.no_{field}")
        opened = self._instant(row, "opened")
        if opened is None:
            raise BadCellError("deal.no_opened")
        closed = self._instant(row, "closed")
        if closed is not None and closed < opened:
            raise BadCellError("deal.closed_before_opened")
        currency = (self._get(row, "currency", text) or self._settings.currency).upper()
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            raise BadCellError("amount.unknown_currency")
        return Deal(
            id=ident,
            rep=rep,
            customer=customer,
            product=self._get(row, "product", text),
            stage=self._get(row, "stage", text),
            opened=opened,
            closed=closed,
            amount_minor=amount_minor(self._get(row, "amount", str), currency),
            currency=currency,
            channel=self._get(row, "channel", text),
        )

    def _get(self, row: Sequence[str], field: str, how: Callable[[str], str]) -> str:
        index = self._columns.get(field, -1)
        return how(row[index]) if 0 <= index < len(row) else ""

    def _instant(self, row: Sequence[str], field: str) -> datetime | None:
        return instant(self._get(row, field, str), self._settings.date_order, self._zone)


def _identity(row: Sequence[str], index: int) -> str:
    ident = identifier(row[index]) if 0 <= index < len(row) else ""
    if not ident.isprintable() and any(ord(sign) < 32 for sign in ident):
        raise BadCellError("cell.control_character")
    return ident


def _pair(cell: str) -> tuple[float | None, float | None]:
    plain = text(cell).strip("()（）[]")
    if not plain:
        return None, None
    parts = [part for part in plain.replace("，", ",").replace(";", ",").replace(",", " ").split() if part]
    if len(parts) != 2:
        raise BadCellError("address.bad_coordinate")
    return coordinate(parts[0]), coordinate(parts[1])


def _listed(cell: str) -> tuple[str, ...]:
    if not cell:
        return ()
    return tuple(part for part in (piece.strip() for piece in cell.replace("；", ";").split(";")) if part)
