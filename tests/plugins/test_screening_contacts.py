"""R05: contact again and again with somebody risky; exact at the number, the span, and what explains it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.model import (
    CHECKINS,
    CONTACTS,
    CUSTOMERS,
    FOLLOW_UPS,
    Audience,
    Coded,
    Finding,
    Period,
    Schema,
    Table,
)
from fieldhr_plugins.screening.contacts import FrequentContact
from fieldhr_plugins.screening.settings import ScreeningSettings

FIRST = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAY = timedelta(days=1)
Row = tuple[str, datetime]


class Shown:
    """Tables of one rep and one customer."""

    tenant = "bank"
    period = Period(FIRST.date(), (FIRST + 20 * DAY).date())
    as_of = FIRST + 20 * DAY

    def __init__(self, notes: Sequence[Row], checkins: Sequence[datetime], talks: Sequence[datetime], **customer: str):
        self._customer = {"risk": "dishonest_debtor", "industry": "trade", **customer}
        self._notes, self._checkins, self._talks = notes, checkins, talks

    def __getitem__(self, schema: Schema) -> Table:
        def ms(at: datetime) -> int:
            return round(at.timestamp() * 1000)

        if schema is CUSTOMERS:
            return CUSTOMERS.table(
                customer=["k"], rep=Coded.of(["r"]), schema=Coded.of(["Person"]), potential=Coded.of([None]),
                source=Coded.of(["host"]), **{name: Coded.of([value]) for name, value in self._customer.items()},
            )  # fmt: skip
        if schema is FOLLOW_UPS:
            times = [ms(at) for _, at in self._notes]
            return FOLLOW_UPS.table(
                followup=[f"f{n}" for n in range(len(times))], rep=Coded.of(["r"] * len(times)),
                customer=["k"] * len(times), kind=Coded.of([kind for kind, _ in self._notes]), start_ms=times,
                end_ms=times, written_ms=times, received_ms=times,
            )  # fmt: skip
        times = [ms(at) for at in (self._checkins if schema is CHECKINS else self._talks)]
        many = {"rep": Coded.of(["r"] * len(times)), "customer": ["k"] * len(times)}
        if schema is CHECKINS:
            return CHECKINS.table(
                checkin=[f"c{n}" for n in range(len(times))], time_ms=times, lat=[31.0] * len(times),
                lon=[121.0] * len(times), verdict=Coded.of(["at"] * len(times)),
                reason=Coded.of(["visit"] * len(times)), **many,
            )  # fmt: skip
        assert schema is CONTACTS
        return CONTACTS.table(
            contact=[f"t{n}" for n in range(len(times))], at_ms=times, channel=Coded.of(["phone"] * len(times)),
            direction=Coded.of(["out"] * len(times)), **many,
        )  # fmt: skip


def find(
    notes: Sequence[Row] = (),
    checkins: Sequence[datetime] = (),
    talks: Sequence[datetime] = (),
    settings: ScreeningSettings | None = None,
    **customer: str,
) -> Sequence[Finding]:
    return FrequentContact(settings or ScreeningSettings()).find(Shown(notes, checkins, talks, **customer))


@pytest.mark.req("C4")
@pytest.mark.scenario("R05")
def test_the_third_contact_is_told_to_manager_and_compliance() -> None:
    (finding,) = find([("visit", FIRST), ("call", FIRST + 3 * DAY)], talks=[FIRST + 9 * DAY])
    assert (finding.code, finding.severity.value) == ("risk.frequent_contact", "high")
    assert (finding.subject_kind, finding.subject, finding.rep) == ("customer", "k", "r")
    assert finding.opened_at == FIRST + 9 * DAY
    assert finding.evidence[0].ids == ("f0", "f1", "t0")
    assert finding.audience == (Audience.MANAGER, Audience.COMPLIANCE)


@pytest.mark.req("C4")
@pytest.mark.scenario("R05")
def test_near_misses() -> None:
    three = [("visit", FIRST), ("call", FIRST + DAY), ("visit", FIRST + 10 * DAY)]
    assert find(three), "ten days, the last instant included"
    assert not find([*three[:2], ("visit", FIRST + 10 * DAY + timedelta(seconds=1))])
    assert not find(three[:2]), "two contacts"
    assert not find(three, risk="normal")
    assert find(three, risk="normal", industry="P2P"), "an industry counts as a label does"
    assert not find([*three, ("recovery", FIRST - DAY)]), "a recovery assignment"
    assert find([*three, ("recovery", FIRST - 11 * DAY)]), "an assignment of long ago explains nothing"
    assert find([*three, ("report", FIRST + 11 * DAY)]), "a report after the fact"
    assert not find([*three[:2], ("preparation", FIRST + 2 * DAY)]), "work at the desk is no contact"
    assert not find(three, settings=ScreeningSettings(contact_times=4))


@pytest.mark.scenario("R05")
def test_what_is_explained_hides_nothing_that_follows() -> None:
    explained = [("recovery", FIRST), ("call", FIRST + DAY), ("call", FIRST + 2 * DAY), ("call", FIRST + 3 * DAY)]
    later = [("visit", FIRST + n * DAY) for n in (14, 15, 16)]
    (finding,) = find([*explained, *later])
    assert finding.opened_at == FIRST + 16 * DAY


@pytest.mark.scenario("R05")
def test_nothing_is_said_when_its_explanation_may_be_out_of_sight() -> None:
    alerter = FrequentContact(ScreeningSettings())
    shown = Shown([("call", FIRST + n * DAY) for n in range(3)], (), ())
    told = [days for days in range(3, 60) if (setattr(shown, "as_of", FIRST + days * DAY), alerter.find(shown))[1]]
    assert told == list(range(3, 28))
    # On the last of these days, a record of ten days before the first contact is still shown.
    assert alerter.days >= told[-1] + 10


@pytest.mark.scenario("R05")
def test_the_traces_of_one_visit_are_one_contact() -> None:
    visit = [("visit", FIRST), ("visit", FIRST + DAY)]
    assert not find(visit, checkins=[FIRST + timedelta(minutes=3), FIRST + DAY + timedelta(minutes=5)])
    assert find(visit, checkins=[FIRST + timedelta(hours=5)])


@given(st.lists(st.integers(0, 20 * 24), max_size=8), st.randoms())
def test_order_does_not_matter_and_more_contacts_never_hide_one(hours: list[int], random_: object) -> None:
    notes = [("call", FIRST + timedelta(hours=hour)) for hour in hours]
    shuffled = list(notes)
    random_.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = find(notes), find(shuffled)
    assert [f.opened_at for f in one] == [f.opened_at for f in other]
    if one:
        assert find([*notes, ("call", FIRST + 30 * DAY)])
