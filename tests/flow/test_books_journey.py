"""Loans, contacts, feedback, inspections: handed in as values and as columns, read back as scorers see them."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import attrs
import numpy as np
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, RecordError
from fieldhr_core.flow.acting import Acting
from fieldhr_core.flow.pictures import SAME_BITS, distance, fingerprint_of
from fieldhr_core.flow.view import View
from fieldhr_core.model import (
    CONTACTS,
    DEALS,
    FEEDBACK,
    INSPECTIONS,
    LOANS,
    MET,
    NOTES,
    PRESENCE,
    Coded,
    Contact,
    Deal,
    Feedback,
    FollowUp,
    Inspection,
    Loan,
    Period,
    Principal,
    Role,
    Schema,
    Table,
    milliseconds,
)

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
REP = Principal(tenant="bank", id="an", role=Role.REP, person="r1")


@pytest.fixture
def read(hr: FieldHR, admin: Principal, town: Any) -> Callable[..., Table]:
    """Read one schema of March as the runtime's own scorers would."""

    def table(schema: Schema, *, as_of: Any = None) -> Table:
        with hr.acting_as(admin, purpose="operations") as desk:
            acting: Acting = desk.scores._acting.as_house()
        with acting.unit() as unit:
            return View(acting, unit, MARCH, as_of or town.at("23:00", 31))[schema]

    return table


def test_a_loan_is_known_as_it_stood(hr: FieldHR, admin: Principal, town: Any, read: Callable[..., Table]) -> None:
    loan = Loan(
        id="l1",
        rep="r1",
        customer="c1",
        product="sme",
        booked=town.at("10:00", 2),
        overdue_since=town.at("00:00", 10),
        overdue_until=town.at("00:00", 20),
    )
    with hr.acting_as(admin, purpose="integration") as desk:
        assert desk.loans.put([loan]) == 1
        assert desk.loans.put([attrs.evolve(loan, risk="high")]) == 1
    (row,) = read(LOANS).rows()
    assert (row["overdue_ms"], row["cured_ms"], row["risk"]) == (
        milliseconds(town.at("00:00", 10)),
        milliseconds(town.at("00:00", 20)),
        "high",
    )
    (then,) = read(LOANS, as_of=town.at("12:00", 15)).rows()
    assert then["overdue_ms"] > 0
    assert then["cured_ms"] == 0
    assert read(LOANS, as_of=town.at("12:00", 5))["overdue_ms"].tolist() == [0]
    assert len(read(LOANS, as_of=town.at("09:00", 1))) == 0


def test_a_deal_closed_later_was_open_and_its_first_visit_is_found(
    hr: FieldHR, admin: Principal, town: Any, read: Callable[..., Table]
) -> None:
    deals = [
        Deal(id="d1", rep="r1", customer="c1", product="x", stage="signed", opened=town.at("09:00", 5), closed=town.at("09:00", 20)),
        Deal(id="d2", rep="r1", customer="c9", product="x", stage="offer", opened=town.at("09:00", 6), met=town.at("09:00", 1)),
    ]  # fmt: skip
    visit = FollowUp(id="f1", rep="r1", customer="c1", kind="visit", start=town.at("10:00", 3), end=town.at("11:00", 3), written=town.at("12:00", 3))  # fmt: skip
    with hr.acting_as(admin, purpose="integration") as desk:
        desk.visits.write([visit])
        desk.deals.put(deals)
    signed, offered = read(DEALS).rows()
    assert (signed["met_ms"], offered["met_ms"]) == (0, milliseconds(town.at("09:00", 1)))
    met = {row["deal"]: row["at_ms"] for row in read(MET).rows()}
    assert met == {"d1": milliseconds(town.at("10:00", 3)), "d2": milliseconds(town.at("09:00", 1))}
    then = next(read(DEALS, as_of=town.at("09:00", 10)).rows())
    assert (then["closed_ms"], then["stage"]) == (0, "open")


def test_contacts_feedback_and_inspections_come_back_in_columns(
    hr: FieldHR, admin: Principal, town: Any, read: Callable[..., Table]
) -> None:
    with hr.acting_as(admin, purpose="integration") as desk:
        desk.contacts.put(
            [
                Contact(id="k1", rep="r1", customer="c1", channel="phone", direction="out", at=town.at("10:00"), talk_s=90),
                Contact(id="k2", rep="r1", customer="c1", channel="chat", direction="in", at=town.at("11:00"), answered=town.at("11:20")),
            ]
        )  # fmt: skip
        desk.deals.put_feedback(
            [Feedback(id="b1", rep="r1", customer="c1", kind="confirmation", at=town.at("12:00"), about="f1")]
        )
        desk.inspections.put(
            [Inspection(id="i1", rep="r1", customer="c1", kind="statement_analysis", at=town.at("10:00"), text="cash")]
        )
    calls = read(CONTACTS)
    assert calls["talk_s"].tolist() == [90.0, 0.0]
    assert calls["answered_ms"].tolist() == [0, milliseconds(town.at("11:20"))]
    assert read(FEEDBACK)["about"].tolist() == ["f1"]
    assert read(INSPECTIONS)["fingerprint"].tolist() == [None]
    assert len(read(PRESENCE)) == len(read(NOTES)) == 0


def test_columns_are_stored_like_values(hr: FieldHR, admin: Principal, town: Any, read: Callable[..., Table]) -> None:
    count = 30
    booked = np.full(count, milliseconds(town.at("08:00")))
    loans = LOANS.table(
        loan=[f"l{n:02d}" for n in range(count)],
        rep=Coded.same("r1", count),
        customer=["c1"] * count,
        product=Coded.same("sme", count),
        booked_ms=booked,
        overdue_ms=np.where(np.arange(count) % 3 == 0, booked + 1000, 0),
    )
    contacts = CONTACTS.table(
        contact=["k1"], rep=Coded.same("r1", 1), customer=["c1"], channel=Coded.same("phone", 1), direction=Coded.same("out", 1), at_ms=booked[:1]
    )  # fmt: skip
    with hr.acting_as(admin, purpose="integration") as desk:
        assert desk.loans.put(loans) == count
        assert desk.contacts.put(contacts) == 1
        with pytest.raises(RecordError, match="FHR-REC-004"):
            desk.loans.put(contacts)
    back = read(LOANS)
    for name in ("loan", "booked_ms", "overdue_ms", "closed_ms"):
        assert back[name].tolist() == loans[name].tolist()
    assert list(back["risk"]) == ["normal"] * count


@pytest.mark.req("E2")
def test_a_rep_writes_their_own_contacts_and_nothing_customers_say(hr: FieldHR, town: Any) -> None:
    def call(rep: str) -> Contact:
        return Contact(id=f"k-{rep}", rep=rep, customer="c1", channel="phone", direction="out", at=town.at("10:00"))

    praise = Feedback(id="b", rep="r1", customer="c1", kind="rating", at=town.at("10:00"), rating=1)
    with hr.acting_as(REP, purpose="visits") as desk:
        assert desk.contacts.put([call("r1")]) == 1
        with pytest.raises(AccessError, match="FHR-ACC-003"):
            desk.contacts.put(call(rep) for rep in ("r1", "m1"))
        with pytest.raises(AccessError, match="FHR-ACC-003"):
            desk.deals.put_feedback([praise])
        with pytest.raises(AccessError, match="FHR-ACC-003"):
            desk.loans.put([])


@pytest.mark.parametrize(
    ("room", "record", "says"),
    [
        ("loans", lambda at: Loan(id="x", rep="r1", customer="c", product="p", booked=at("10:00"), closed=at("09:00")), "closed before"),
        ("loans", lambda at: Loan(id="x", rep="r1", customer="c", product="p", booked=at("10:00"), overdue_until=at("11:00")), "cured before"),
        ("contacts", lambda at: Contact(id="x", rep="r1", customer="c", channel="", direction="up", at=at("10:00")), "in and out"),
        ("contacts", lambda at: Contact(id="x", rep="r1", customer="c", channel="", direction="in", at=at("10:00"), answered=at("09:00")), "answered before"),
        ("contacts", lambda at: Contact(id="x", rep="r1", customer="c", channel="", direction="in", at=at("10:00"), talk_s=-1), "negative"),
        ("deals", lambda at: Deal(id="x", rep="r1", customer="c", product="p", stage="s", opened=at("10:00"), closed=at("09:00")), "closed before"),
        ("inspections", lambda at: Inspection(id="x", rep="r1", customer="c", kind="site_photo", at=at("10:00"), picture=b"no picture"), "could not be read"),
        ("inspections", lambda at: Inspection(id="x", rep="nobody", customer="c", kind="site_photo", at=at("10:00")), "not stored"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_a_reason(
    hr: FieldHR, admin: Principal, town: Any, room: str, record: Callable[..., Any], says: str
) -> None:
    with hr.acting_as(admin, purpose="integration") as desk, pytest.raises(RecordError, match=says):
        getattr(desk, room).put([record(town.at)])


def picture(seed: int, *, size: int = 320, crop: float = 0.0, quality: int = 90, kind: str = "JPEG") -> bytes:
    """A made-up scene: soft shapes, the same for one seed; cropped and compressed as asked."""
    from PIL import Image, ImageDraw, ImageFilter

    draw = np.random.default_rng(seed)
    image = Image.new("RGB", (size, size * 3 // 4), tuple(draw.integers(60, 200, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(25):
        x, y, w, h = (draw.random(4) * size).tolist()
        shape = pen.rectangle if draw.random() < 0.5 else pen.ellipse
        shape((x, y, x + w / 2 + 4, y + h / 2 + 4), fill=tuple(draw.integers(0, 255, 3).tolist()))
    image = image.filter(ImageFilter.GaussianBlur(1.5))
    cut = round(size * crop)
    image = image.crop((cut, cut // 2, image.width, image.height - cut // 2))
    out = io.BytesIO()
    image.save(out, kind, quality=quality)
    return out.getvalue()


def test_a_picture_is_known_again_and_others_are_not() -> None:
    marks = [fingerprint_of(picture(seed)) for seed in range(40)]
    again = [
        fingerprint_of(picture(seed, crop=(seed % 3) * 0.025, quality=(35, 60, 95)[seed % 3], kind=("JPEG", "WEBP")[seed % 2]))
        for seed in range(40)
    ]  # fmt: skip
    assert max(distance(one, other) for one, other in zip(marks, again, strict=True)) <= SAME_BITS
    assert min(distance(marks[i], marks[j]) for i in range(40) for j in range(i)) > SAME_BITS
    assert distance(marks[0], "") == distance("zz" * 20, marks[0]) == 64
