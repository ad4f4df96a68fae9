"""Check-ins that come at one moment are done in one transaction: each with its sender's rights, in its sender's name."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, FieldhrError, RecordError
from fieldhr_core.flow.view import View
from fieldhr_core.model import CHECKINS, CheckIn, Datum, Period, Person, Principal, Role

R1 = Principal(tenant="bank", id="u1", role=Role.REP, person="r1")
R2 = Principal(tenant="bank", id="u2", role=Role.REP, person="r2")
THIEF = Principal(tenant="bank", id="u3", role=Role.REP, person="r3")


@pytest.fixture
def at_once(hr: FieldHR, admin: Principal) -> Callable[..., list[Any]]:
    """Run calls on threads that meet before the first of them is served; return each one's answer or error."""
    gathering = hr._house.gathering  # type: ignore[union-attr] # open
    if hr._house.binding.most_at_once == 1:  # type: ignore[union-attr] # as above
        pytest.skip("a database in memory has one connection: nobody meets")
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.people.put([Person(id="r2", name="Bo", manager="m1"), Person(id="r3", name="Cai", manager="m1")])

    def run(*calls: Callable[[], Any]) -> list[Any]:
        def caught(call: Callable[[], Any]) -> Any:
            try:
                return call()
            except FieldhrError as failure:
                return failure

        with ThreadPoolExecutor(len(calls)) as threads:
            with gathering._turn:
                coming = [threads.submit(caught, call) for call in calls]
                until = time.monotonic() + 10
                while sum(map(len, gathering._waiting.values())) < len(calls) and time.monotonic() < until:
                    time.sleep(0.002)
            return [one.result(30) for one in coming]

    return run


def sent(hr: FieldHR, town: Any, who: Principal, name: str, *, rep: str = "") -> Callable[[], Any]:
    lat, lon = town.customer
    checkin = CheckIn(
        id=name, rep=rep or str(who.person), customer="c1", time=town.at("09:30"), lat=lat, lon=lon, datum=Datum.WGS84,
        accuracy_m=9.0,
    )  # fmt: skip

    def call() -> Any:
        with hr.acting_as(who, purpose="visits") as desk:
            return desk.visits.check_in([checkin])[0]

    return call


def noted(hr: FieldHR, admin: Principal, action: str) -> list[str]:
    with hr.acting_as(admin, purpose="operations") as desk:
        return sorted(entry.actor for entry in desk.boards.trail(actions=[action]))


@pytest.mark.req("A3")
def test_each_is_answered_and_noted_as_its_sender_s(
    hr: FieldHR, admin: Principal, town: Any, at_once: Callable[..., list[Any]]
) -> None:
    first, second = at_once(sent(hr, town, R1, "k1"), sent(hr, town, R2, "k2"))
    assert (first.checkin, first.customer_name) == ("k1", "Zhang San")
    # Somebody else's customer: recorded, and nothing told.
    assert (second.checkin, second.customer_name, second.need) == ("k2", "", "")
    assert noted(hr, admin, "visits.check_in") == ["u1", "u2"]


@pytest.mark.req("E2")
def test_who_takes_another_s_id_or_name_is_refused_alone_and_named(
    hr: FieldHR, admin: Principal, town: Any, at_once: Callable[..., list[Any]]
) -> None:
    assert sent(hr, town, R1, "k1")().checkin == "k1"
    calls = [sent(hr, town, THIEF, "k1"), sent(hr, town, R1, "k2"), sent(hr, town, R2, "k3")]
    stolen, mine, other = at_once(*calls)
    assert isinstance(stolen, AccessError | RecordError)
    assert (mine.checkin, other.checkin) == ("k2", "k3")
    with pytest.raises(AccessError):
        sent(hr, town, THIEF, "k5", rep="r1")()
    refused = noted(hr, admin, "access.refused")
    assert set(refused) == {"u3"}
    assert noted(hr, admin, "visits.check_in") == ["u1", "u1", "u2"]


@pytest.mark.req("E2")
def test_the_database_refuses_another_s_name_where_nothing_else_does(
    hr: FieldHR, admin: Principal, town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hr._house.binding.is_up:  # type: ignore[union-attr] # open
        pytest.skip("there is no wall on this database")
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.people.put([Person(id="r3", name="Cai", manager="m1")])
    monkeypatch.setattr("fieldhr_core.flow.scoping.allow", lambda *_: None)
    with pytest.raises(AccessError):
        sent(hr, town, THIEF, "k5", rep="r1")()
    assert noted(hr, admin, "access.refused") == ["u3"]
    assert noted(hr, admin, "visits.check_in") == []


@pytest.mark.req("A3")
def test_what_is_kept_of_a_date_is_what_the_database_holds(
    hr: FieldHR, admin: Principal, town: Any, runtime_now: Callable[[], Any]
) -> None:
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.people.put([Person(id="r2", name="Bo", manager="m1")])
    for number, who in enumerate([R1, R2, R1, R2, R2]):
        sent(hr, town, who, f"k{number}")()
        kept, read = runtime_now()
        assert kept == read
        assert len(kept) == number + 1


@pytest.fixture
def runtime_now(hr: FieldHR, admin: Principal, town: Any) -> Callable[[], Any]:
    """Return the check-ins of the day as the runtime kept them, and as they are read anew."""
    acting = hr._acting(admin, "operations").as_house()

    def look() -> Any:
        day = town.at("09:30").date()
        place = ("bank", "shelf")
        with acting.unit() as unit:
            seen = []
            kept = acting.house.cached.get(place)
            for shelf in (kept, None):
                acting.house.cached.pop(place, None)
                if shelf is not None:
                    acting.house.cached[place] = shelf
                view = View(acting, unit, Period(day, day), town.at("23:00"), ["r1", "r2"])
                seen.append(list(view[CHECKINS].rows()))
            acting.house.cached[place] = kept
            return seen

    return look


@pytest.mark.req("A3")
def test_one_key_twice_at_one_moment_has_one_answer(hr: FieldHR, town: Any, at_once: Callable[..., list[Any]]) -> None:
    def keep(key: str, request: bytes, answer: bytes) -> Callable[[], Any]:
        def call() -> Any:
            with hr.acting_as(R1, purpose="visits") as desk:
                return desk.answers.keep(key, request, answer)

        return call

    same = at_once(keep("k", b"r", b"first"), keep("k", b"r", b"second"), keep("other", b"r", b"third"))
    assert same[0] == same[1] in (b"first", b"second")
    assert same[2] == b"third"
    (late,) = at_once(keep("k", b"another request", b"fourth"))
    assert isinstance(late, RecordError)
    assert late.code == "FHR-API-006"
    assert keep("k", b"r", b"fifth")() == same[0]
