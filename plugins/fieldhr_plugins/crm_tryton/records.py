"""Tryton's records to ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from fieldhr_core.errors import ConfigError
from fieldhr_core.intake.cells import BadCellError, amount_minor
from fieldhr_core.model import Address, Attendance, Customer, Deal, Feedback, Person, Problem
from fieldhr_plugins.crm_tryton import TrytonSettings

__all__ = ["FIELDS", "MODELS", "Records", "stamp_of"]

#: Kind -> model.
MODELS: Final[Mapping[str, str]] = {
    "employees": "company.employee",
    "opportunities": "sale.opportunity",
    "sales": "sale.sale",
    "complaints": "sale.complaint",
    "attendance": "attendance.line",
}

_STAMPS: Final = ("create_date", "write_date")
#: Kind -> fields that are read; ``parties`` beside those of :data:`MODELS`.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "parties": (
        *("name", "phone", "mobile", "email", "replaced_by", *_STAMPS),
        *("addresses.full_address", "addresses.sequence", "addresses.country", "addresses.country.code"),
        *("addresses.create_date", "addresses.write_date", "identifiers.type", "identifiers.code"),
    ),
    "employees": ("party", "party.name", "start_date", "end_date", "supervisor", *_STAMPS),
    "opportunities": (
        *("party", "employee", "description", "state", "start_date", "end_date", "amount", "currency"),
        *("currency.code", "conversion_probability", *_STAMPS),
    ),
    "sales": (
        *("party", "origin", "state", "sale_date", "total_amount", "currency", "currency.code", "quoted_by"),
        *("confirmed_by", "number", *_STAMPS),
    ),
    "complaints": ("customer", "date", "state", "origin", *_STAMPS),
    "attendance": ("employee", "at", "type", *_STAMPS),
}

#: State of a complaint -> ours; whatever else there is, is open.
_SETTLED: Final = {"approved": "upheld", "rejected": "rejected", "done": "done", "cancelled": "rejected"}
#: States of opportunities and sales after which nothing is expected any more.
_CLOSED: Final = frozenset({"converted", "won", "lost", "cancelled", "done"})


def stamp_of(row: Mapping[str, Any]) -> datetime | None:
    """Return when a record last changed; ``write_date`` is null until the first change."""
    written: datetime | None = row.get("write_date") or row.get("create_date")
    return written


class Records:
    """Makes records of rows, with the ids and defaults of the settings.

    Raises:
        ConfigError: FHR-CFG-001 for an unknown zone.
    """

    def __init__(self, settings: TrytonSettings) -> None:
        self._settings = settings
        try:
            self.zone = ZoneInfo(settings.zone)
        except (ValueError, OSError, KeyError):
            raise ConfigError(f"There is no zone {settings.zone!r}.", code="FHR-CFG-001") from None

    def ident(self, what: str, id_: Any) -> str:
        """Return our id of a record there."""
        return f"{self._settings.prefix}{what}-{id_}"

    def there(self, what: str, ident: str) -> int | None:
        """Return the id there of one of our ids; ``None`` where it is none of this system's."""
        start = f"{self._settings.prefix}{what}-"
        rest = ident.removeprefix(start)
        return int(rest) if ident.startswith(start) and rest.isascii() and rest.isdigit() else None

    def customer(self, row: Mapping[str, Any], needs: Sequence[Mapping[str, Any]]) -> Customer | Problem:
        """Return a party as a customer; its newest open opportunity says who holds it and what it wants."""
        at = f"party.party {row['id']}"
        name = (row.get("name") or "").strip()
        if not name:
            return Problem(code="customer.no_name", message="The party has no name.", at=at)
        is_open = [need for need in needs if need.get("state") in ("lead", "opportunity")]
        newest = (is_open or [*needs])[-1:]
        owner = next((need["employee"] for need in reversed(newest) if need.get("employee")), None)
        return Customer(
            id=self.ident("party", row["id"]),
            name=name,
            schema=self._settings.default_schema,
            owner=None if owner is None else self.ident("employee", owner),
            need=" ".join((is_open[-1].get("description") or "").split()) if is_open else "",
            addresses=tuple(self._address(address) for address in _in_order(row.get("addresses"))),
            identifiers=_identifiers(row),
            countries=_countries(row),
            source=self._settings.source,
            updated=stamp_of(row),
        )

    def _address(self, row: Mapping[str, Any]) -> Address:
        lines = (row.get("full_address") or "").splitlines()
        return Address(id=str(row["id"]), text=", ".join(line.strip() for line in lines if line.strip()))

    def person(self, row: Mapping[str, Any]) -> Person | Problem:
        """Return an employee."""
        name = ((row.get("party") or {}).get("name") or "").strip() if isinstance(row.get("party"), dict) else ""
        if not name:
            return Problem(
                code="person.no_name", message="The employee has no name.", at=f"company.employee {row['id']}"
            )
        manager = row.get("supervisor")
        return Person(
            id=self.ident("employee", row["id"]),
            name=name,
            role=self._settings.role,
            manager=None if not manager else self.ident("employee", _id(manager)),
            joined=row.get("start_date"),
            left=row.get("end_date"),
        )

    def opportunity(self, row: Mapping[str, Any]) -> Deal | Problem:
        """Return an opportunity as a deal under way."""
        at = f"sale.opportunity {row['id']}"
        opened = row.get("start_date") or row.get("create_date")
        facts = {"kind": "opportunity", "probability": row.get("conversion_probability")}
        return self._deal("opportunity", at, row, row.get("employee"), opened, row.get("end_date"), "amount", facts)

    def sale(self, row: Mapping[str, Any], employees: Mapping[int, int]) -> Deal | Problem:
        """Return a sale as a deal; *employees*: opportunity -> who held it, where the sale came from one."""
        at = f"sale.sale {row['id']}"
        origin = _referred(row.get("origin"), "sale.opportunity")
        employee = employees.get(origin or 0) or _id(row.get("quoted_by")) or _id(row.get("confirmed_by"))
        opened = row.get("sale_date") or row.get("create_date")
        facts: dict[str, Any] = {"kind": "sale", "number": row.get("number")}
        if origin:
            facts["opportunity"] = self.ident("opportunity", origin)
        return self._deal("sale", at, row, employee, opened, None, "total_amount", facts)

    def _deal(
        self,
        what: str,
        at: str,
        row: Mapping[str, Any],
        employee: Any,
        opened: date | None,
        closed: date | None,
        amount: str,
        facts: Mapping[str, Any],
    ) -> Deal | Problem:
        if not row.get("party"):
            return Problem(code="deal.no_customer", message="The record has no party.", at=at)
        if not employee:
            return Problem(code="deal.no_rep", message="The record has no employee.", at=at)
        if opened is None:
            return Problem(code="deal.no_opened", message="The record has no date.", at=at)
        currency = (row.get("currency") or {}).get("code") or "CNY" if isinstance(row.get("currency"), dict) else "CNY"
        state = row.get("state") or ""
        if closed is None and state in _CLOSED:
            closed = stamp_of(row)
        begun, ended = self._instant(opened), None if closed is None else self._instant(closed)
        try:
            minor = None if row.get(amount) is None else amount_minor(str(row[amount]), currency)
        except BadCellError as bad:
            return Problem(code=bad.code, message="The amount cannot be said in the currency's units.", at=at)
        return Deal(
            id=self.ident(what, row["id"]),
            rep=self.ident("employee", _id(employee)),
            customer=self.ident("party", _id(row["party"])),
            product="",
            stage=state,
            opened=begun,
            # A date without a time may end up before the instant it was opened at.
            closed=None if ended is None else max(begun, ended),
            amount_minor=minor,
            currency=currency,
            channel="tryton",
            facts={name: value for name, value in facts.items() if value is not None},
        )

    def complaint(self, row: Mapping[str, Any], reps: Mapping[int, int]) -> Feedback | Problem:
        """Return a complaint; *reps*: sale or party (negative) -> the employee it falls to."""
        at = f"sale.complaint {row['id']}"
        customer, said = _id(row.get("customer")), row.get("date") or row.get("create_date")
        if not customer or said is None:
            return Problem(code="feedback.no_customer", message="The complaint has no customer or date.", at=at)
        sale = _referred(row.get("origin"), "sale.sale") or 0
        rep = reps.get(sale) or reps.get(-customer)
        if not rep:
            return Problem(code="feedback.no_rep", message="Nobody is known to have served the customer.", at=at)
        state = _SETTLED.get(row.get("state") or "", "open")
        begun, settled = self._instant(said), stamp_of(row) if state != "open" else None
        return Feedback(
            id=self.ident("complaint", row["id"]),
            rep=self.ident("employee", rep),
            customer=self.ident("party", customer),
            kind="complaint",
            at=begun,
            state=state,
            settled=None if settled is None else max(begun, settled),
            deal=self.ident("sale", sale) if sale else None,
        )

    def attendance(self, row: Mapping[str, Any]) -> Attendance | Problem:
        """Return a line of the time clock."""
        employee, at, kind = _id(row.get("employee")), row.get("at"), row.get("type")
        if not employee or at is None or kind not in ("in", "out"):
            where = f"attendance.line {row['id']}"
            return Problem(code="attendance.incomplete", message="Employee, time or kind is missing.", at=where)
        return Attendance(
            id=self.ident("attendance", row["id"]), rep=self.ident("employee", employee), kind=kind, time=at
        )

    def _instant(self, value: date) -> datetime:
        if isinstance(value, datetime):
            return value
        return datetime.combine(value, time(), self.zone).astimezone(UTC)


def _id(value: Any) -> int | None:
    """Return the id of a link, whether it was read alone or with fields of the other record."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, int) else None


def _referred(value: Any, model: str) -> int | None:
    """Return the id of a reference to a record of *model* (``"sale.sale,7"``)."""
    if isinstance(value, Mapping):
        return _id(value) if value.get("__name__") == model else None
    if not isinstance(value, str):
        return None
    name, _, id_ = value.partition(",")
    return int(id_) if name == model and id_.isdigit() and int(id_) > 0 else None


def _in_order(rows: Any) -> list[Mapping[str, Any]]:
    return sorted(rows or (), key=lambda row: (row.get("sequence") is None, row.get("sequence") or 0, row["id"]))


def _identifiers(row: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    phone = row.get("mobile") or row.get("phone")
    for kind, value in (("phone", phone), ("email", row.get("email"))):
        if value:
            found[kind] = str(value)
    for identifier in row.get("identifiers") or ():
        kind = {"cn_uscc": "uscc", "cn_ric": "ric"}.get(identifier.get("type") or "", identifier.get("type") or "other")
        if identifier.get("code"):
            found.setdefault(kind, str(identifier["code"]))
    return found


def _countries(row: Mapping[str, Any]) -> tuple[str, ...]:
    codes = [(address.get("country") or {}).get("code") for address in _in_order(row.get("addresses"))]
    return tuple(dict.fromkeys(str(code) for code in codes if code))
