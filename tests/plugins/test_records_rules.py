"""Copied notes, early notes, reused photos: each with what lies just on the other side."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fieldhr_core.model import FOLLOW_UPS, INSPECTIONS, NOTES, PRESENCE, Finding, Period, milliseconds
from fieldhr_core.testing import FakeTables
from fieldhr_plugins.records import RecordSettings
from fieldhr_plugins.records.copied import CopiedNotes, similarity
from fieldhr_plugins.records.early import EarlyNotes
from fieldhr_plugins.records.photos import ReusedPhotos

TODAY = date(2026, 3, 12)
SETTINGS = RecordSettings()


def at(day: int, clock: str) -> int:
    hours, minutes = clock.split(":")
    return milliseconds(datetime(2026, 3, day, int(hours), int(minutes), tzinfo=UTC))


def seen(*tables: Any) -> FakeTables:
    return FakeTables(
        *tables, period=Period(TODAY - timedelta(days=20), TODAY), as_of=datetime(2026, 3, 12, 23, tzinfo=UTC)
    )


def notes(
    texts: list[str], *, days: list[int] | None = None, customers: list[str] | None = None, rep: str = "r"
) -> Any:
    days = days or [4 + n for n in range(len(texts))]
    return NOTES.from_rows(
        [
            {"followup": f"f{n:02d}", "rep": rep, "customer": customers[n] if customers else f"c{n}", "kind": "visit", "start_ms": at(day, "10:00"), "written_ms": at(day, "11:00"), "text": text}
            for n, (text, day) in enumerate(zip(texts, days, strict=True))
        ]
    )  # fmt: skip


COPY = "客户经营情况良好,近期无资金需求,已介绍产品,约定下月再次拜访,资料齐全。"


def copied(table: Any, settings: RecordSettings = SETTINGS) -> list[Finding]:
    return list(CopiedNotes(settings).find(seen(table)))


@pytest.mark.req("B1")
@pytest.mark.scenario("B08")
def test_nine_copies_are_one_finding_with_all_of_them() -> None:
    (finding,) = copied(notes([COPY.replace("下月", f"下月{n}日") for n in range(9)]))
    assert finding.code == "record.copied_notes"
    assert len(finding.evidence[0].ids) == 9
    assert finding.instance == "f00"


@pytest.mark.req("B1")
@pytest.mark.scenario("B08")
@pytest.mark.parametrize(
    "table",
    [
        notes([COPY] * 7, days=[6, 7, 8, 9, 10, 11, 12]),
        notes([COPY] * 9, customers=["c"] * 9),
        notes([COPY] * 9, days=[1, 1, 1, 1, 1, 1, 1, 1, 12]),
        notes(["电话"] * 9),
        # A form of which two fifths are filled in differently.
        notes([f"客户名称与现状:{word * 8};下一步计划:{word[::-1] * 8};拜访结论良好,继续跟进客户。" for word in ("甲乙", "丙丁", "戊己", "庚辛", "壬癸", "子丑", "寅卯", "辰巳", "午未")]),
        notes([COPY] * 9, days=[3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ],
    ids=["seven", "one customer", "long ago", "too short", "filled in", "not today"],
)  # fmt: skip
def test_what_is_no_copying(table: Any) -> None:
    assert copied(table) == []


@pytest.mark.scenario("B08")
def test_a_group_is_known_from_the_day_on_which_there_were_enough_and_stays_one() -> None:
    table = notes([COPY] * 11, days=[4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 12])
    (finding,) = copied(table)
    assert finding.opened_at == datetime(2026, 3, 11, 23, tzinfo=UTC)
    assert len(finding.evidence[0].ids) == 11


def test_the_number_of_notes_moves_with_the_setting() -> None:
    table = notes([COPY] * 7, days=[6, 7, 8, 9, 10, 11, 12])
    assert len(copied(table, RecordSettings(copied_notes=7))) == 1
    assert similarity("abcd", "abcd") == 1


def record(kind: str = "visit", written: str = "08:00", start: str = "10:00", day: int = 12) -> Any:
    return FOLLOW_UPS.from_rows(
        [{"followup": "f", "rep": "r", "customer": "c", "kind": kind, "start_ms": at(day, start), "end_ms": at(day, "10:40"), "written_ms": at(day, written), "received_ms": at(day, written)}]
    )  # fmt: skip


def stay(start: str) -> Any:
    return PRESENCE.from_rows([{"rep": "r", "customer": "c", "kind": "stay", "verdict": "at", "start_ms": at(12, start), "end_ms": at(12, "23:00"), "record": "r/2026-03-12"}])  # fmt: skip


@pytest.mark.req("B6")
@pytest.mark.scenario("B09")
@pytest.mark.parametrize(
    ("tables", "early"),
    [
        ((record(),), 120),
        ((record(), stay("10:05")), 125),
        ((record(written="09:30"),), None),
        ((record(written="09:29"),), 31),
        ((record(kind="preparation"),), None),
        ((record(written="10:50"),), None),
        ((record(), stay("07:30")), None),
        ((record(day=11),), None),
        # The claim lies after the note, and positions show that nobody was there even then.
        ((record(written="10:45", start="10:50"), stay("13:00")), 135),
        # The claim lies before the note: whether somebody was there, or the phone silent, is asked of the visit.
        ((record(written="10:45", start="10:00"), stay("13:00")), None),
    ],
    ids=[
        "before",
        "seen",
        "exactly",
        "just over",
        "preparation",
        "after",
        "came early",
        "yesterday",
        "came later",
        "came again",
    ],
)
def test_a_note_before_the_visit(tables: Any, early: int | None) -> None:
    found = EarlyNotes(SETTINGS).find(seen(*tables))
    assert [f.params["early_min"] for f in found] == ([] if early is None else [early])
    assert all((f.code, f.subject, f.severity) == ("record.predates_visit", "f", "low") for f in found)


SITE, OTHER = "0f1e2d3c4b5a6978" * 19, "f0e1d2c3b4a59687" * 19
NEAR = f"{int(SITE[:16], 16) ^ 0b1011:016x}" + SITE[16:]


def photos(*rows: tuple[str, str, int, str, str | None]) -> Any:
    return INSPECTIONS.from_rows(
        [
            {"inspection": f"i{n}", "rep": rep, "customer": customer, "kind": "site_photo", "at_ms": at(day, clock), "received_ms": at(day, clock), "fingerprint": mark}
            for n, (rep, customer, day, clock, mark) in enumerate(rows)
        ]
    )  # fmt: skip


def reused(*rows: tuple[str, str, int, str, str | None]) -> list[Finding]:
    return list(ReusedPhotos(SETTINGS).find(seen(photos(*rows))))


@pytest.mark.req("B6")
@pytest.mark.scenario("B10")
def test_one_picture_for_three_borrowers_is_one_finding_from_the_second_on() -> None:
    second = [("r", "c1", 12, "09:00", SITE), ("r", "c2", 12, "10:00", NEAR)]
    (first,) = reused(*second)
    assert first.opened_at == datetime(2026, 3, 12, 10, tzinfo=UTC)
    assert (first.subject, first.severity) == ("r", "high")
    (grown,) = reused(*second, ("r", "c3", 12, "11:00", SITE))
    assert (grown.instance, grown.opened_at) == (first.instance, first.opened_at)
    assert len(grown.evidence[0].ids) == 3


@pytest.mark.req("B6")
@pytest.mark.scenario("B10")
def test_another_reps_picture_is_known_too() -> None:
    (found,) = reused(("q", "c1", 3, "09:00", SITE), ("r", "c2", 12, "10:00", NEAR))
    assert found.subject == "r"
    assert found.params["reps"] == 2


@pytest.mark.req("B6")
@pytest.mark.scenario("B10")
@pytest.mark.parametrize(
    "rows",
    [
        [("r", "c1", 12, "09:00", SITE), ("r", "c1", 12, "10:00", NEAR)],
        [("r", "c1", 12, "09:00", SITE), ("r", "c2", 12, "10:00", OTHER)],
        [("r", "c1", 12, "09:00", None), ("r", "c2", 12, "10:00", None)],
        [("r", "c1", 12, "09:00", "junk" * 4), ("r", "c2", 12, "10:00", "x")],
        [("r", "c1", 10, "09:00", SITE), ("r", "c2", 11, "10:00", SITE)],
    ],
    ids=["one borrower", "another picture", "no picture", "no print", "yesterday"],
)
def test_what_is_no_reuse(rows: Any) -> None:
    assert reused(*rows) == []
