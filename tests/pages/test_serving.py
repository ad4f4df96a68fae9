"""``fieldhr serve`` with fifty people at once: each is answered, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.model import Address, Customer, Datum, Person, Principal, Role, WorkPattern

USERS = 50


@pytest.mark.req("A3", "I6")
@pytest.mark.slow
def test_fifty_check_ins_at_one_moment_are_all_answered_and_all_kept(tmp_path: Path, serve: Callable[..., Any]) -> None:
    db = tmp_path / "fieldhr.db"
    now = datetime.now(UTC)
    with FieldHR.open(f"sqlite:///{db}") as hr:
        hr.tenants.create("bank", name="Bank", pattern=WorkPattern(start=time(0), end=time(0), breaks=()))
        with hr.acting_as(Principal(tenant="bank", id="host", role=Role.ADMIN), purpose="operations") as desk:
            desk.people.put([Person(id=f"r{n}", name=f"Rep {n}") for n in range(USERS)])
            desk.customers.put(
                [
                    Customer(
                        id=f"c{n}",
                        name=f"Customer {n}",
                        need=f"need {n}",
                        owner=f"r{n}",
                        addresses=(Address(id="a", lat=31.2 + n / 1000, lon=121.4, datum=Datum.WGS84),),
                    )
                    for n in range(USERS)
                ]
            )
        tokens = [
            hr.tokens.create(
                Principal(tenant="bank", id=f"u{n}", role=Role.REP, person=f"r{n}"), lasts=timedelta(days=1)
            )
            for n in range(USERS)
        ]
        admin = hr.tokens.create(Principal(tenant="bank", id="a", role=Role.ADMIN), lasts=timedelta(days=1))
    url = serve(db, "--advance", "0").url

    async def run() -> list[dict[str, Any]]:
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=httpx.Limits(max_connections=USERS)) as client:

            async def one(n: int) -> dict[str, Any]:
                body = {
                    "id": f"k{n}",
                    "customer": f"c{n}",
                    "time": now.isoformat(),
                    "lat": 31.2 + n / 1000,
                    "lon": 121.4,
                    "datum": "wgs84",
                    "accuracy_m": 5,
                }
                headers = {"Authorization": f"Bearer {tokens[n]}"}
                twice = await asyncio.gather(
                    *(client.post("/api/check-ins", json=body, headers=headers) for _ in range(2))
                )
                assert [answer.status_code for answer in twice] == [200, 200]
                assert twice[0].json() == twice[1].json()
                return dict(twice[0].json())

            return list(await asyncio.gather(*map(one, range(USERS))))

    answers = asyncio.run(run())
    assert [(one["verdict"], one["need"]) for one in answers] == [("at", f"need {n}") for n in range(USERS)]
    today = now.astimezone(ZoneInfo("Asia/Shanghai")).date()
    for n in range(USERS):
        day = httpx.get(f"{url}/api/days/r{n}/{today}", headers={"Authorization": f"Bearer {admin}"}).json()
        assert day["checkins"]["checkin"] == [f"k{n}"]
