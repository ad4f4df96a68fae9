# Copyright (C) the fieldhr authors. Licensed under the GPL-3.0-or-later, see LICENSE.
"""Attendance lines with a coordinate are check-ins."""

from datetime import UTC

from trytond.model import fields
from trytond.model.exceptions import ValidationError
from trytond.pool import Pool, PoolMeta

from fieldhr_core.errors import FieldhrError
from fieldhr_core.model import Address, Attendance, CheckIn, Customer, Datum, Person

from .address import DATUMS
from .house import desk_of, opened

__all__ = ["Line"]


class Line(metaclass=PoolMeta):
    """Attendance Line."""

    __name__ = "attendance.line"

    fieldhr_party = fields.Many2One("party.party", "Customer Visited")
    latitude = fields.Float("Latitude")
    longitude = fields.Float("Longitude")
    datum = fields.Selection(DATUMS, "Datum")
    accuracy = fields.Float("Accuracy in Metres")
    fieldhr_verdict = fields.Char("Verdict", readonly=True)
    fieldhr_reason = fields.Char("Reason of the Verdict", readonly=True)
    fieldhr_need = fields.Char("Customer and Need", readonly=True)

    @classmethod
    def create(cls, vlist):
        """Create lines, and tell fieldhr in the same transaction."""
        lines = super().create(vlist)
        by_company = {}
        for line in lines:
            by_company.setdefault(line.company, []).append(line)
        with opened() as hr:
            for company, theirs in by_company.items():
                with desk_of(hr, company) as desk:
                    try:
                        cls._tell(desk, theirs)
                    except FieldhrError as refused:
                        raise ValidationError(str(refused)) from refused
        return lines

    @classmethod
    def _tell(cls, desk, lines):
        desk.people.put({line.employee.id: _person(line.employee) for line in lines}.values())
        desk.people.put_attendance(
            Attendance(
                id=f"attendance-{line.id}",
                rep=f"employee-{line.employee.id}",
                kind=line.type,
                time=line.at.replace(tzinfo=UTC),
            )
            for line in lines
        )
        visits = [line for line in lines if line.fieldhr_party and line.latitude is not None and line.datum]
        if not visits:
            return
        desk.customers.put({line.fieldhr_party.id: _customer(line.fieldhr_party, line) for line in visits}.values())
        answers = desk.visits.check_in(
            CheckIn(
                id=f"attendance-{line.id}",
                rep=f"employee-{line.employee.id}",
                customer=f"party-{line.fieldhr_party.id}",
                time=line.at.replace(tzinfo=UTC),
                lat=line.latitude,
                lon=line.longitude,
                datum=Datum(line.datum),
                accuracy_m=line.accuracy,
            )
            for line in visits
        )
        for line, answer in zip(visits, answers, strict=True):
            told = " - ".join(part for part in (answer.customer_name, answer.need) if part)
            cls.write(
                [line],
                {
                    "fieldhr_verdict": answer.verdict.value,
                    "fieldhr_reason": answer.reason,
                    "fieldhr_need": told,
                },
            )


def _person(employee):
    return Person(
        id=f"employee-{employee.id}",
        name=employee.rec_name,
        manager=f"employee-{employee.supervisor.id}" if employee.supervisor else None,
        joined=employee.start_date,
        left=employee.end_date,
    )


def _customer(party, line):
    addresses = tuple(
        Address(
            id=str(address.id),
            text=(address.full_address or "").replace("\n", ", "),
            lat=address.latitude,
            lon=address.longitude,
            datum=Datum(address.datum) if address.datum else None,
        )
        for address in party.addresses
    )
    return Customer(
        id=f"party-{party.id}",
        name=party.rec_name,
        owner=f"employee-{line.employee.id}",
        need=_need(party),
        addresses=addresses,
        source="tryton",
    )


def _need(party):
    try:
        opportunity = Pool().get("sale.opportunity")
    except KeyError:
        return ""  # the module is not activated
    found = opportunity.search(
        [("party", "=", party.id), ("state", "in", ["lead", "opportunity"])], order=[("id", "DESC")], limit=1
    )
    return (found[0].description or "") if found else ""
