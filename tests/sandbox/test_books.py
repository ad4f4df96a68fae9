"""Books: dials met by exact quota, nothing known before it happens, the same for one seed."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from fieldhr_core.model import Coded
from fieldhr_sandbox.books import BookDials, Books, RepBook, build_books
from fieldhr_sandbox.calendars import Days
from fieldhr_sandbox.recipes import recipe
from fieldhr_sandbox.streams import Streams
from fieldhr_sandbox.world import build_world

DAYS = Days(first=date(2026, 3, 2), count=90)


def books(dials: BookDials, plans: dict[int, RepBook] | None = None, seed: int = 2) -> Books:
    streams = Streams(seed, "")
    world = build_world(recipe("city-bank"), 60, streams, DAYS.first)
    return build_books(dials, streams, world, DAYS, plans or {})


def ms(day: int) -> int:
    return round(DAYS.instant(day, 0).timestamp() * 1000)


@pytest.mark.req("I3")
def test_the_dials_are_met_before_and_after() -> None:
    dials = BookDials(on_day=30, repurchase=(0.15, 0.28))
    made = books(dials)
    for part, day in ((0, 20), (1, 85)):
        at = ms(day)
        on = (made.loans["booked_ms"] <= at) & ((made.loans["closed_ms"] == 0) | (made.loans["closed_ms"] > at))
        late = (made.loans["overdue_ms"] > 0) & ((made.loans["cured_ms"] == 0) | (made.loans["cured_ms"] > at))
        risky = made.loans["risk"].where("high")
        assert late[on].mean() == pytest.approx(dials.overdue[part], abs=0.002)
        assert risky[on].mean() == pytest.approx(dials.high_risk[part], abs=0.005)
        bought = made.deals.take(made.deals["product"].where("deposit") & (made.deals["closed_ms"] <= at))
        _, times = np.unique(Coded.of(bought["customer"].tolist()).codes, return_counts=True)
        assert (times > 1).mean() == pytest.approx(dials.repurchase[part], abs=0.01)
    asked = made.deals.take(made.deals["product"].where("loan"))
    assert asked["stage"].where("approved").mean() == pytest.approx(0.35, abs=0.01)
    for first, last in ((0, 30), (30, 90)):
        assert made.shares(ms(first), ms(last))["new_high_risk"] == pytest.approx(0.10, abs=0.01)
    granted = made.loans["booked_ms"][made.loans["booked_ms"] >= ms(0)]
    assert sorted(granted.tolist()) == sorted(asked["closed_ms"][asked["stage"].where("approved")].tolist())


def test_a_plan_fixes_one_rep_and_the_quota_still_holds() -> None:
    made = books(BookDials(), {3: RepBook(loans=84, overdue=15, matured=160, returned=13)})
    mine = made.loans["rep"].codes == 3
    assert mine.sum() == 84
    assert (made.loans["overdue_ms"][mine] > 0).sum() == 15
    assert (made.loans["overdue_ms"] > 0).mean() == pytest.approx(0.05, abs=0.002)


def test_nothing_is_handed_in_before_it_happens_and_nothing_twice() -> None:
    made = books(BookDials(on_day=30))
    opening = ms(0) - 12 * 3_600_000
    parts = [made.changes(None, opening)]
    parts += [made.changes(opening if day == 0 else ms(day), ms(day + 1)) for day in range(90)]
    until = [opening, *(ms(day + 1) for day in range(90))]
    for (loans, deals), end in zip(parts, until, strict=True):
        for name in ("booked_ms", "overdue_ms", "cured_ms", "closed_ms"):
            assert (loans[name] <= end).all()
        for name in ("opened_ms", "closed_ms", "cancelled_ms"):
            assert (deals[name] <= end).all()
        assert deals["stage"].where("open")[deals["closed_ms"] == 0].all()
    last = {row["deal"]: row for _, deals in parts for row in deals.rows()}
    assert len(last) == (made.deals["opened_ms"] <= ms(90)).sum()
    assert len(set(made.deals["deal"].tolist())) == len(made.deals)


def test_one_seed_one_book() -> None:
    one, again, other = books(BookDials()), books(BookDials()), books(BookDials(), seed=3)
    assert list(one.loans.rows()) == list(again.loans.rows())
    assert list(one.loans.rows()) != list(other.loans.rows())
