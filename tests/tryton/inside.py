"""Run by Tryton's own Python: what a session of an administrator would do, one JSON object in, one out.

Usage: ``python inside.py CONFIG``, with ``{"steps": [[name, {...}], ...]}`` on standard input.
"""

from __future__ import annotations

import datetime
import json
import sys
from decimal import Decimal


def main() -> None:
    import trytond.config as config

    config.update_etc(sys.argv[1])
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    Pool.start()
    pool = Pool("erp")
    with Transaction().start("erp", 0, readonly=True):
        pool.init()
    results = []
    for name, arguments in json.load(sys.stdin)["steps"]:
        with Transaction().start("erp", 1, context={"company": 1, "language": "en"}) as transaction:
            if name == "seed":
                transaction.set_user(0)
            results.append(STEPS[name](pool, **arguments))
            transaction.commit()
    json.dump(results, sys.stdout)


def seed(pool, *, parties):
    """A company with two employees, parties with an address and an opportunity each, and a user with a key."""
    party, company = pool.get("party.party"), pool.get("company.company")
    currency, employee = pool.get("currency.currency"), pool.get("company.employee")
    (cny,) = currency.create(
        [{"name": "Renminbi", "code": "CNY", "symbol": "¥", "digits": 2, "rounding": Decimal("0.01")}]
    )
    (own,) = party.create([{"name": "Bank of Nowhere"}])
    (bank,) = company.create([{"party": own.id, "currency": cny.id, "timezone": "Asia/Shanghai"}])
    people = party.create([{"name": "An Reps"}, {"name": "Mo Leads"}])
    (lead,) = employee.create([{"party": people[1].id, "company": bank.id, "start_date": datetime.date(2020, 1, 1)}])
    (rep,) = employee.create([{"party": people[0].id, "company": bank.id, "supervisor": lead.id}])
    created = party.create(
        [
            {
                "name": f"Customer {number}",
                "addresses": [("create", [{"street_unstructured": f"{number} Sample Road", "city": "Shanghai"}])],
                "contact_mechanisms": [("create", [{"type": "phone", "value": f"+8610000{number:06d}"}])],
            }
            for number in range(parties)
        ]
    )
    opportunities = pool.get("sale.opportunity").create(
        [
            {
                "party": one.id,
                "company": bank.id,
                "currency": cny.id,
                "employee": rep.id,
                "description": "open a futures account",
                "amount": Decimal("1000.50"),
                "start_date": datetime.date(2026, 3, 2),
            }
            for one in created
        ]
    )
    sales = pool.get("sale.sale").create(
        [
            {
                "party": created[0].id,
                "company": bank.id,
                "currency": cny.id,
                "sale_date": datetime.date(2026, 3, 3),
                "origin": f"sale.opportunity,{opportunities[0].id}",
                "invoice_address": created[0].addresses[0].id,
                "shipment_address": created[0].addresses[0].id,
                "state": "processing",
            }
        ]
    )
    kind = pool.get("sale.complaint.type").search([], limit=1)
    if not kind:
        (model,) = pool.get("ir.model").search([("name", "=", "sale.sale")])
        kind = pool.get("sale.complaint.type").create([{"name": "Sale", "origin": model.id}])
    pool.get("sale.complaint").create(
        [
            {
                "customer": created[0].id,
                "company": bank.id,
                "type": kind[0].id,
                "origin": f"sale.sale,{sales[0].id}",
                "date": datetime.date(2026, 3, 4),
            }
        ]
    )
    attendance = pool.get("attendance.line")
    attendance.create(
        [
            {
                "employee": rep.id,
                "company": bank.id,
                "at": datetime.datetime.fromisoformat(f"2026-03-02T{hour:02}:00:00"),
                "date": datetime.date(2026, 3, 2),
                "type": kind_,
            }
            for hour, kind_ in ((1, "in"), (10, "out"))
        ]
    )
    user, group = pool.get("res.user"), pool.get("res.group")
    groups = [one.id for one in group.search([])]
    (guest,) = user.create(
        [
            {
                "name": "fieldhr",
                "login": "fieldhr",
                "password": "pass-word-12",
                "companies": [("add", [bank.id])],
                "company": bank.id,
                "groups": [("add", groups)],
            }
        ]
    )
    (application,) = pool.get("res.user.application").create([{"user": guest.id, "application": "rest"}])
    pool.get("res.user.application").write([application], {"state": "validated"})
    return {
        "key": application.key,
        "company": bank.id,
        "rep": rep.id,
        "lead": lead.id,
        "parties": [one.id for one in created],
        "addresses": [one.addresses[0].id for one in created],
        "opportunities": [one.id for one in opportunities],
        "sale": sales[0].id,
    }


def write(pool, *, model, ids, values):
    """Change records as a user of the client would."""
    records = pool.get(model)
    records.write(records.browse(ids), {name: _value(value) for name, value in values.items()})


def create(pool, *, model, values):
    """Make records."""
    made = pool.get(model).create([{name: _value(value) for name, value in one.items()} for one in values])
    return [one.id for one in made]


def delete(pool, *, model, ids):
    """Take records away."""
    records = pool.get(model)
    records.delete(records.browse(ids))


def read(pool, *, model, fields, domain=()):
    """Return records."""
    rows = pool.get(model).search_read(list(domain), fields_names=fields)
    return json.loads(json.dumps(rows, default=str))


def replace(pool, *, source, destination):
    """Merge one party into another with Tryton's own wizard."""
    wizard = pool.get("party.replace", type="wizard")
    session, *_ = wizard.create()
    made = wizard(session)
    from trytond.transaction import Transaction

    with Transaction().set_context(active_model="party.party", active_id=source, active_ids=[source]):
        made.ask.source = pool.get("party.party")(source)
        made.ask.destination = pool.get("party.party")(destination)
        made.transition_replace()


def _value(value):
    if isinstance(value, dict) and "date" in value:
        return datetime.date.fromisoformat(value["date"])
    if isinstance(value, dict) and "datetime" in value:
        return datetime.datetime.fromisoformat(value["datetime"])
    if isinstance(value, dict) and "decimal" in value:
        return Decimal(value["decimal"])
    return value


STEPS = {
    "seed": seed,
    "write": write,
    "create": create,
    "delete": delete,
    "read": read,
    "replace": replace,
}

if __name__ == "__main__":
    main()
