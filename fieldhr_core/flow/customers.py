"""Customer journey: taken in, checked in the answer, sealed; or fetched from another system page by page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.flow.cases import withdraw_cleared
from fieldhr_core.flow.pins import Pin, body_of, held, history, is_held, pins_of, put_pin, without_pin
from fieldhr_core.flow.places import address_bodies, is_on_earth, places_version, touch_places
from fieldhr_core.flow.rulings import is_checked, keep_rulings, rule, strictest
from fieldhr_core.flow.values import plain
from fieldhr_core.model import (
    CUSTOMERS,
    Address,
    Coded,
    Customer,
    Datum,
    Finding,
    Receipt,
    Ruling,
    Submission,
    Table,
    instant,
    milliseconds,
)
from fieldhr_core.store.rows import add, canonical_json, put, within
from fieldhr_core.trust.purposes import opens

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

#: What a role that sees customers masked gets in place of their names and numbers.
_MASKED: Final[dict[str, Any]] = {"name": "", "need": "", "birth_date": None, "countries": ()}

__all__ = ["Customers", "customer_ruled_again", "known_customers", "sifted", "take_in"]


class Customers:
    """The desk's room for customers."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def put(self, customers: Iterable[Customer]) -> Receipt:
        """Store customers with their addresses; one whose id is known already is exchanged.

        Returns:
            A receipt; a customer without id or name, or with a coordinate without datum or out of range, is rejected by
            reason (``customer.no_id``, ``customer.no_name``, ``address.no_datum``, ``address.out_of_range``).
        """
        good, reasons = sifted(customers)
        take_in(self._acting, good)
        rejected = sum(reasons.values())
        return Receipt(submitted=len(good) + rejected, stored=len(good), rejected=rejected, reasons=reasons)

    def submit(self, customers: Iterable[Customer]) -> Sequence[Ruling]:
        """Store customers and return one ruling each, in order: cleared, to be reviewed, or to be stopped.

        Every customer is put before the checks, by :meth:`put` and :meth:`pull` too; here the answer is waited for.
        Where no check looks at customers, or one cannot answer, the ruling is REVIEW: not cleared.

        Raises:
            RecordError: FHR-REC-001 for a customer that :meth:`put` would reject.
        """
        customers = list(customers)
        for customer in customers:
            reason = _fault(customer)
            if reason is not None:
                raise RecordError(f"Customer {customer.id!r} cannot be stored: {reason}.", code="FHR-REC-001")
        return take_in(self._acting, customers, always=True)

    def screen_again(self) -> int:
        """Put every customer before the checks again, as after a list has changed; return how many were.

        The runtime reads them as compliance does, numbers included, whoever asks for it. What a check finds anew is
        raised; what it raised of a customer and no longer finds - an entry was taken off its list - is withdrawn. A
        check that cannot answer withdraws nothing.

        Raises:
            AccessError: FHR-ACC-003 for a principal that may not change customers.
        """
        acting, checker, house = self._acting, self._acting.as_checker(), self._acting.as_house()
        with acting.unit() as unit:
            unit.allow("customers", "write")
        with checker.unit() as unit:
            table = acting.tables.customers
            statement = unit.select(table).with_only_columns(table.c.id).where(table.c.gone_ms.is_(None))
            ids = [row.id for row in unit.all(statement.order_by(table.c.id))]
        failures: set[str] = set()
        for chunk in within(ids):
            with checker.unit() as unit:
                customers = _customers(unit, chunk)
                each, failed = rule(checker, unit, "customer", _submissions(unit, customers))
            with house.unit() as unit:
                keep_rulings(house, unit, "customer", each)
                with unit.housework():
                    withdraw_cleared(house, unit, "customer", chunk, each)
            failures.update(failed)
        with acting.unit() as unit:
            unit.audit("customers.screen_again", "customers", count=len(ids), failed=sorted(failures))
        return len(ids)

    def get(self, customer: str) -> Customer:
        """Return one customer.

        Raises:
            AccessError: FHR-ACC-001 where there is none this principal may see.
        """
        with self._acting.unit() as unit:
            found = _customers(unit, [customer])
            if not found:
                raise self._acting.not_found("customers", customer)
            _note_read(unit, customer, 1)
        return found[0]

    def list(self) -> Sequence[Customer]:
        """Return every customer this principal may see, ordered by id; roles that see them masked get empty names."""
        with self._acting.unit() as unit:
            found = _customers(unit, None)
            _note_read(unit, "", len(found))
        return found

    def pin(
        self, customer: str, address: str, *, lat: float, lon: float, datum: Datum, reason: str, case: str = ""
    ) -> Customer:
        """Put an address of a customer elsewhere than its source says, and return the customer.

        The pin holds until the source itself says something new of that address - another text, another coordinate:
        then the source's word counts again. Until then every pull and put leaves it where it is.

        Args:
            customer: id of the customer.
            address: id of the address; one that is not there yet is made.
            lat, lon: degrees in *datum*.
            datum: of the coordinate.
            reason: why, for the address's history.
            case: id of the case that proposed it.

        Raises:
            RecordError: FHR-REC-001 for an impossible coordinate, or without a reason.
            AccessError: FHR-ACC-001 where there is no such customer, FHR-ACC-003 where it is not to be changed.
        """
        if not is_on_earth(lat, lon) or not reason.strip():
            raise RecordError("A pin needs a possible coordinate and a reason.", code="FHR-REC-001")
        before = self.get(customer)
        acting = self._acting
        with acting.unit() as unit:
            unit.allow("customers", "write")
            known = {one.id: one for one in before.addresses}
            place = Pin(
                address=address,
                lat=lat,
                lon=lon,
                datum=datum,
                at=instant(unit.at_ms),
                by=acting.principal.id,
                reason=reason,
                case=case,
            )
            put_pin(acting, unit, customer, known.get(address) or Address(id=address), place)
            touch_places(acting, unit)
            unit.audit("customers.pin", "customers", customer, address=address, case=case)
        return self.get(customer)

    def accept_pin(self, case: str, *, note: str, address: str = "") -> Customer:
        """Confirm a case that proposes a point for a customer's address (``crm.address_suspect``), and put it there.

        Args:
            case: id of the case.
            note: why, for the case's history and the address's.
            address: id of the address; empty: the first that has a coordinate, or the first.

        Raises:
            RecordError: FHR-REC-001 where the case proposes no point.
            AccessError, CaseError: see :meth:`Alerts.step`.
        """
        from fieldhr_core.flow.alerts import Alerts
        from fieldhr_core.model import TRANSITIONS, CaseStep

        alerts = Alerts(self._acting)
        opened = alerts.get(case)
        finding = opened.finding
        proposed = next((e.facts["proposed"] for e in finding.evidence if "proposed" in e.facts), None)
        if proposed is None or finding.subject_kind != "customer":
            raise RecordError("The case proposes no point for a customer.", code="FHR-REC-001", case=case)
        known = self.get(finding.subject).addresses
        placed = [one.id for one in known if one.lat is not None] or [one.id for one in known] or ["pin"]
        if (opened.state, CaseStep.CONFIRM) not in TRANSITIONS:
            alerts.step(case, CaseStep.ACKNOWLEDGE, note=note)
        alerts.step(case, CaseStep.CONFIRM, note=note)
        return self.pin(
            finding.subject,
            address or placed[0],
            lat=proposed["lat"],
            lon=proposed["lon"],
            datum=Datum.WGS84,
            reason=note,
            case=case,
        )

    def pins(self, customer: str) -> Sequence[Pin]:
        """Return where the addresses of a customer were put, and by whom and why, oldest first."""
        self.get(customer)
        with self._acting.unit() as unit:
            found = history(self._acting, unit, customer)
            unit.audit("customers.pins", "customers", customer, count=len(found))
        return found

    def pull(self, connector: str) -> Receipt:
        """Fetch what changed at a connector's source since the last time, page by page, and store it.

        A source that fails leaves what is there, is marked stale with the reason, and the failure is raised after what
        had already come is kept.
        """
        from fieldhr_core.flow.sources import Sources

        return Sources(self._acting).pull(connector)


def _note_read(unit: Unit, customer: str, count: int) -> None:
    # Whose records were opened by whom, and how many: the watch looks for lists that are walked off with.
    unit.audit("customers.read", "customers", customer, count=count, person=unit.acting.principal.person)


def take_in(acting: Acting, customers: Sequence[Customer], *, always: bool = False) -> Sequence[Ruling]:
    """Check, store, raise. Only with *always* are checks asked that do not look at customers, and rulings returned."""
    house = acting.as_house()
    with acting.unit() as unit:
        unit.allow("customers", "write")
    with house.unit() as unit:
        submissions = _submissions(unit, customers) if always or is_checked(house, unit, "customer") else []
        each, failed = rule(house, unit, "customer", submissions) if submissions else ({}, [])
    with acting.unit() as unit:
        unit.allow("customers", "write")
        _write(acting, unit, customers)
        touch_places(acting, unit)
        unit.audit("customers.put", "customers", count=len(customers), failed=len(failed))
    with house.unit() as unit:
        keep_rulings(house, unit, "customer", each)
    return strictest(submissions, each, failed) if always else []


def _customers(unit: Unit, ids: Sequence[str] | None) -> list[Customer]:
    """Return the customers of these ids (``None``: all) that the unit's principal may see, ordered by id."""
    table, addresses = unit.acting.tables.customers, unit.acting.tables.addresses
    where = [table.c.gone_ms.is_(None), *([] if ids is None else [table.c.id.in_(ids)])]
    rows = unit.all(unit.select(table).where(*where).order_by(table.c.id))
    bodies = unit.open_known(
        table, "body_sealed", "contact", [row.id for row in rows], [row.body_sealed for row in rows]
    )
    numbers = _identifiers(unit, rows)
    placed: dict[str, list[Any]] = {}
    for chunk in within(row.id for row in rows):
        for row in unit.all(unit.select(addresses).where(addresses.c.customer.in_(chunk)).order_by(addresses.c.id)):
            if row.body_sealed is not None:
                placed.setdefault(row.customer, []).append(row)
    return [
        _customer(row, _MASKED if body is None else json.loads(body), number, _addresses(unit, placed.get(row.id, [])))
        for row, body, number in zip(rows, bodies, numbers, strict=True)
    ]


def customer_ruled_again(
    acting: Acting, unit: Unit, case: Any, carried: Mapping[str, Any] | None
) -> list[Finding] | None:
    """Rule again on the customer a case is about, with what the case carries; ``None`` where it is no longer kept."""
    context = () if carried is None else (carried,)
    submissions = [
        attrs.evolve(one, at=instant(case.opened_ms), context=context)
        for one in _submissions(unit, _customers(unit, [case.subject]))
    ]
    if not submissions:
        return None
    each, _ = rule(acting, unit, "customer", submissions)
    return [finding for ruling in each.get(case.origin, ()) for finding in ruling.findings]


def known_customers(acting: Acting, unit: Unit) -> Table:
    """Return ``CUSTOMERS`` that the unit's principal may see; to the runtime, the same object until one changes."""
    import sqlalchemy as sa

    table = acting.tables.customers
    place, version = (acting.tenant, "customers"), places_version(acting, unit)
    cached = acting.house.cached.get(place) if acting.is_runtime else None
    if cached is not None and cached[0] == version:
        known: Table = cached[1]
        return known
    rows = unit.all(sa.select(table).where(unit.scope(table), table.c.gone_ms.is_(None)).order_by(table.c.id))
    known = CUSTOMERS.table(
        customer=[row.id for row in rows],
        rep=Coded.of(row.owner for row in rows),
        schema=Coded.of(row.schema for row in rows),
        industry=Coded.of(row.industry or None for row in rows),
        risk=Coded.of(row.risk for row in rows),
        potential=Coded.of(row.potential or None for row in rows),
        source=Coded.of(row.source for row in rows),
    )
    if acting.is_runtime:
        acting.house.cached[place] = (version, known)
    return known


def _submissions(unit: Unit, customers: Sequence[Customer]) -> list[Submission]:
    return [Submission(id=one.id, kind="customer", value=one, at=instant(unit.at_ms)) for one in customers]


def sifted(customers: Iterable[Customer]) -> tuple[list[Customer], dict[str, int]]:
    """Return the customers that can be stored, and how many cannot by dotted reason."""
    good: list[Customer] = []
    reasons: dict[str, int] = {}
    for customer in customers:
        reason = _fault(customer)
        if reason is None:
            good.append(customer)
        else:
            reasons[reason] = reasons.get(reason, 0) + 1
    return good, reasons


def _fault(customer: Customer) -> str | None:
    if not customer.id:
        return "customer.no_id"
    if not customer.name.strip():
        return "customer.no_name"
    for address in customer.addresses:
        if (address.lat is None) != (address.lon is None):
            return "address.half_a_coordinate"
        if address.lat is None or address.lon is None:
            continue
        if address.datum is None:
            return "address.no_datum"
        if not is_on_earth(address.lat, address.lon):
            return "address.out_of_range"
    return None


def _write(acting: Acting, unit: Unit, customers: Sequence[Customer]) -> None:
    table, addresses = acting.tables.customers, acting.tables.addresses
    ids = [customer.id for customer in customers]
    bodies = [
        canonical_json(
            {
                "name": c.name,
                "need": c.need,
                "birth_date": plain(c.birth_date),
                "countries": list(c.countries),
            }
        )
        for c in customers
    ]
    sealed = unit.seal(table, "body_sealed", "contact", ids, bodies)
    numbered = [customer for customer in customers if customer.identifiers]
    numbers = unit.seal(
        table,
        "identity_sealed",
        "identity",
        [customer.id for customer in numbered],
        [canonical_json(dict(customer.identifiers)) for customer in numbered],
    )
    sealed_numbers = iter(numbers)
    put(
        unit.connection,
        table,
        [
            {
                "tenant": acting.tenant,
                "id": customer.id,
                "schema": customer.schema,
                "owner": customer.owner,
                "industry": customer.industry,
                "risk": customer.risk,
                "potential": customer.potential,
                "source": customer.source,
                "updated_ms": milliseconds(customer.updated) if customer.updated else unit.at_ms,
                "gone_ms": None,
                "body_sealed": body,
                "identity_sealed": next(sealed_numbers) if customer.identifiers else None,
            }
            for customer, body in zip(customers, sealed, strict=True)
        ],
    )
    _exchange_addresses(acting, unit, addresses, customers)


def _exchange_addresses(acting: Acting, unit: Unit, table: Any, customers: Sequence[Customer]) -> None:
    import sqlalchemy as sa

    pins = pins_of(acting, unit, [customer.id for customer in customers])
    for chunk in within(customer.id for customer in customers):
        unit.connection.execute(sa.delete(table).where(table.c.tenant == acting.tenant, table.c.customer.in_(chunk)))
    # Of two addresses with one id the last counts.
    pairs = list({(c.id, address.id): (c.id, address) for c in customers for address in c.addresses}.values())
    bodies = [
        _address_body(address) if (customer, address.id) not in pins else held(address, pins[customer, address.id])
        for customer, address in pairs
    ]
    sealed = unit.seal(
        table, "body_sealed", "contact", [f"{customer}/{address.id}" for customer, address in pairs], bodies
    )
    rows = [
        {
            "tenant": acting.tenant,
            "customer": customer,
            "id": address.id,
            "pinned": (customer, address.id) in pins and is_held(address, pins[customer, address.id]),
            "body_sealed": body,
        }
        for (customer, address), body in zip(pairs, sealed, strict=True)
    ]
    if rows:
        add(unit.connection, table, rows)


def _address_body(address: Address) -> bytes:
    return canonical_json(body_of(address))


def _addresses(unit: Unit, rows: Sequence[Any]) -> tuple[Address, ...]:
    return tuple(
        Address(**{**without_pin(body), "datum": Datum(body["datum"]) if body["datum"] else None})
        for body in address_bodies(unit, rows)
    )


def _identifiers(unit: Unit, rows: Sequence[Any]) -> list[dict[str, str]]:
    """Return the numbers of customers where the unit's purpose opens identities, and none where it does not."""
    if not opens(unit.acting.purpose, "identity"):
        return [{} for _ in rows]
    table = unit.acting.tables.customers
    found = unit.open_known(
        table, "identity_sealed", "identity", [row.id for row in rows], [row.identity_sealed for row in rows]
    )
    return [{} if body is None else json.loads(body) for body in found]


def _customer(
    row: Any, body: Mapping[str, Any], identifiers: Mapping[str, str], addresses: tuple[Address, ...]
) -> Customer:
    return Customer(
        id=row.id,
        name=body["name"],
        schema=row.schema,
        owner=row.owner,
        need=body["need"],
        addresses=addresses,
        identifiers=identifiers,
        industry=row.industry,
        risk=row.risk,
        potential=row.potential,
        birth_date=date.fromisoformat(body["birth_date"]) if body["birth_date"] else None,
        countries=tuple(body["countries"]),
        source=row.source,
        updated=instant(row.updated_ms),
    )
