"""Run by Tryton's own Python with the module ``fieldhr`` activated: whose transaction is it? One JSON object out."""

from __future__ import annotations

import datetime
import json
import sys


def main() -> None:
    import trytond.config as config

    config.update_etc(sys.argv[1])
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    seed = json.load(sys.stdin)
    Pool.start()
    pool = Pool("erp")
    with Transaction().start("erp", 0, readonly=True):
        pool.init()
    told = {}

    def begun():
        return Transaction().start("erp", 1, context={"company": seed["company"]})

    def parties():
        return pool.get("party.party").search([("name", "like", "Host row%")], count=True)

    def check_ins():
        cursor = Transaction().connection.cursor()
        cursor.execute("SELECT count(*) FROM fieldhr_checkins")
        return cursor.fetchone()[0]

    def host_row(name):
        pool.get("party.party").create([{"name": f"Host row {name}"}])

    def line(lat, lon, hour=1, **values):
        given = {
            "employee": seed["rep"],
            "company": seed["company"],
            "at": datetime.datetime.fromisoformat(f"2026-03-02T{hour:02}:00:00"),
            "date": datetime.date(2026, 3, 2),
            "type": "in",
            "fieldhr_party": seed["parties"][0],
            "latitude": lat,
            "longitude": lon,
            "datum": "wgs84",
            "accuracy": 10.0,
            **values,
        }
        (made,) = pool.get("attendance.line").create([given])
        return made

    with begun() as transaction:
        address = pool.get("party.address")(seed["addresses"][0])
        address.latitude, address.longitude, address.datum = 31.23, 121.47, "wgs84"
        address.save()
        transaction.commit()

    with begun() as transaction:  # the host's rollback takes ours along
        host_row("rolled back")
        made = line(31.23, 121.47)
        told["answer"] = [made.fieldhr_verdict, made.fieldhr_reason, made.fieldhr_need]
        told["inside"] = [parties(), check_ins()]
        transaction.rollback()
    with begun():
        told["after rollback"] = [parties(), check_ins()]

    with begun() as transaction:  # its commit keeps both
        host_row("kept")
        line(31.23, 121.47)
        line(31.30, 121.47, hour=2)
        transaction.commit()
    with begun():
        told["after commit"] = [parties(), check_ins()]
        rows = pool.get("attendance.line").search_read(
            [("fieldhr_verdict", "!=", None)], fields_names=["fieldhr_verdict"], order=[("id", "ASC")]
        )
        told["verdicts"] = [row["fieldhr_verdict"] for row in rows]

    with begun() as transaction:  # what we refuse is undone, what the host did stands
        host_row("survives a refusal")
        try:
            line(931.0, 121.47, hour=3)
        except Exception as refused:  # noqa: BLE001
            told["refused"] = type(refused).__name__
        told["host row after a refusal"] = parties()
        transaction.commit()
    with begun():
        told["after a refusal"] = [parties(), check_ins()]

    with begun():  # the control: pooling as it comes rolls the host's transaction back
        import sqlalchemy as sa

        host_row("lost")
        before = parties()
        connection = Transaction().connection
        naive = sa.create_engine("sqlite://", creator=lambda: connection, poolclass=sa.StaticPool)
        with naive.connect() as pooled:
            pooled.execute(sa.text("SELECT 1"))
        told["naive pooling"] = [before, parties()]
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
