"""What requests from phones rest on: standing, attachments, answers given again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, RecordError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import Absence, AbsenceKind, Person, Principal, Role

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
R1 = Principal(tenant="bank", id="u1", role=Role.REP, person="r1")
R2 = Principal(tenant="bank", id="u2", role=Role.REP, person="r2")
M1 = Principal(tenant="bank", id="u3", role=Role.MANAGER, person="m1")


@pytest.mark.req("E6")
def test_a_person_sees_whether_they_are_tracked_and_why_not(
    hr: FieldHR, clock: FrozenClock, town: Any, admin: Principal
) -> None:
    def now(principal: Principal = R1) -> Any:
        with hr.acting_as(principal, purpose="visits") as desk:
            return desk.people.standing("r1")

    early = now()
    assert (early.is_tracked, early.reason, early.name) == (False, "privacy.off_duty", "An")
    clock.advance(town.at("10:00"))
    at_ten = now()
    assert (at_ten.is_tracked, at_ten.reason, at_ten.basis, at_ten.notice) == (True, "", "consent", "v1")
    assert at_ten.duty[0][0] == town.at("09:00")
    private = Absence(id="p", rep="r1", kind=AbsenceKind.PRIVATE, start=town.at("10:00"), end=town.at("11:00"))
    with hr.acting_as(R1, purpose="visits") as desk:
        desk.people.put_absences([private])
    assert (now().is_tracked, now().reason, now().private_until) == (False, "privacy.leave", town.at("11:00"))
    clock.advance(town.at("11:00"))
    assert (now().is_tracked, now().private_until) == (True, None)
    with hr.acting_as(R1, purpose="visits") as desk:
        assert desk.people.withdraw_basis("r1", purpose="tracking", at=clock.now()) == 1
        assert desk.people.withdraw_basis("r1", purpose="tracking", at=clock.now()) == 0, "it has ended already"
    assert (now().is_tracked, now().reason, now().basis) == (False, "privacy.basis_withdrawn", None)
    assert now(M1).is_tracked is False
    for stranger in (R2, Principal(tenant="bank", id="c", role=Role.COMPLIANCE)):
        with pytest.raises(AccessError):
            now(stranger)
    with hr.acting_as(admin, purpose="operations") as desk, pytest.raises(AccessError):
        desk.people.standing("nobody")


@pytest.mark.req("I6")
def test_a_photo_is_stored_once_sealed_and_opened_for_whoever_leads(hr: FieldHR, town: Any, admin: Principal) -> None:
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.people.put([Person(id="r2", name="Bo")])
    with hr.acting_as(R1, purpose="visits") as desk:
        first = desk.attachments.put("a1", rep="r1", record="k1", media="image/png", body=PNG, time=town.at("10:00"))
        again = desk.attachments.put(
            "a1", rep="r1", record="k2", media="image/png", body=PNG + b"x", time=town.at("11:00")
        )
        assert (again, again.size) == (first, len(PNG))
        assert [one.id for one in desk.attachments.of("k1")] == ["a1"]
        with pytest.raises(AccessError):  # visits are no reason to look at what was said
            desk.attachments.open("a1")
        for media, body in (("image/png", b"MZ"), ("text/html", b"<p>"), ("image/jpeg", PNG)):
            with pytest.raises(RecordError):
                desk.attachments.put("a2", rep="r1", record="k1", media=media, body=body, time=town.at("10:00"))
        with pytest.raises(AccessError):
            desk.attachments.put("a2", rep="m1", record="k1", media="image/png", body=PNG, time=town.at("10:00"))
    with hr.acting_as(M1, purpose="supervision") as desk:
        assert desk.attachments.open("a1") == (first, PNG)
    with hr.acting_as(R2, purpose="supervision") as desk:
        assert desk.attachments.of("k1") == []
        with pytest.raises(AccessError):
            desk.attachments.open("a1")
    with hr.unsafe_as_system(reason="a test") as connection:
        rows = connection.exec_driver_sql("SELECT body_sealed FROM fieldhr_attachments").all()
    assert PNG not in bytes(rows[0][0])


@pytest.mark.req("G2")
def test_an_answer_is_given_again_to_whoever_asked_and_to_the_same_request_only(
    hr: FieldHR, clock: FrozenClock
) -> None:
    with hr.acting_as(R1, purpose="visits") as desk:
        assert desk.answers.given("k", b"body") is None
        desk.answers.keep("k", b"body", b"answer")
        desk.answers.keep("k", b"body", b"another")
        assert desk.answers.given("k", b"body") == b"answer"
        with pytest.raises(RecordError) as refused:
            desk.answers.given("k", b"other body")
        assert refused.value.code == "FHR-API-006"
    with hr.acting_as(R2, purpose="visits") as desk:
        assert desk.answers.given("k", b"other body") is None
    clock.advance(clock.now() + timedelta(days=8))
    with hr.acting_as(R2, purpose="visits") as desk:
        desk.answers.keep("z", b"", b"")
    with hr.acting_as(R1, purpose="visits") as desk:
        assert desk.answers.given("k", b"other body") is None
