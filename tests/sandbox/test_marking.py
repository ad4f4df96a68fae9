"""Matching and marks (K6, K7)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_sandbox.answers import AnswerKey, KeyRecord
from fieldhr_sandbox.campaigns import campaign_marks
from fieldhr_sandbox.marking import Alert, Exposure, Verdict, mark, match, wilson

T0 = datetime(2026, 3, 2, 1, tzinfo=UTC)


def record(start: float, end: float, *, code: str = "a.b", subject: str = "r1", number: int = 0, **more) -> KeyRecord:
    return KeyRecord(
        scenario="L01",
        instance=f"i{number}",
        kind="alert",
        subject_kind="rep",
        subject=subject,
        rep=subject,
        start=T0 + timedelta(seconds=start),
        end=T0 + timedelta(seconds=end),
        code=code,
        severity="medium",
        earliest=T0 + timedelta(seconds=start),
        detect_by=T0 + timedelta(seconds=end),
        **more,
    )


def alert(at: float, *, code: str = "a.b", subject: str = "r1", case: str = "c", values: tuple = ()) -> Alert:
    return Alert(
        case=case,
        code=code,
        subject_kind="rep",
        subject=subject,
        rep=subject,
        opened_at=T0 + timedelta(seconds=at),
        closed_at=None,
        severity="medium",
        confidence=1.0,
        values=values,
    )


def verdicts(records, alerts):
    return [verdict for _, verdict, _ in match(AnswerKey.of(records), alerts).verdicts]


@pytest.mark.req("I2")
@pytest.mark.parametrize(
    ("at", "verdict"),
    [(-1, Verdict.FALSE), (0, Verdict.TRUE), (120, Verdict.TRUE), (121, Verdict.FALSE)],
)
def test_window_is_closed_on_both_sides(at: float, verdict: str) -> None:
    assert verdicts([record(0, 120)], [alert(at)]) == [verdict]


def test_code_and_subject_must_be_equal() -> None:
    assert verdicts([record(0, 9)], [alert(1, code="a.c")]) == [Verdict.FALSE]
    assert verdicts([record(0, 9)], [alert(1, subject="r2")]) == [Verdict.FALSE]


def test_second_alert_is_a_duplicate_and_the_missing_one_is_missed() -> None:
    found = match(AnswerKey.of([record(0, 60, number=1), record(500, 560, number=2)]), [alert(5), alert(9)])
    assert [verdict for _, verdict, _ in found.verdicts] == [Verdict.TRUE, Verdict.DUPLICATE]
    assert [each.instance for each in found.missed] == ["i2"]


def test_notices_about_the_machine_are_no_accusations() -> None:
    assert verdicts([], [alert(0, code="ops.plugin_fault"), alert(0, code="baseline.circle")]) == [Verdict.OUTSIDE] * 2
    assert verdicts([], [alert(0, code="opsish.x")]) == [Verdict.FALSE]
    # Where the key asks for one, it counts.
    assert verdicts([record(0, 9, code="ops.plugin_fault")], [alert(1, code="ops.plugin_fault")]) == [Verdict.TRUE]


windows = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), min_size=1, max_size=5)


@given(windows, st.lists(st.integers(0, 40), max_size=5))
def test_matching_finds_as_many_pairs_as_possible(spans: list[tuple[int, int]], times: list[int]) -> None:
    records = [record(start, start + length, number=n) for n, (start, length) in enumerate(spans)]
    alerts = [alert(at, case=f"c{n}") for n, at in enumerate(times)]
    found = verdicts(records, alerts).count(Verdict.TRUE)
    best = (
        max(
            sum(spans[i][0] <= at <= sum(spans[i]) for i, at in zip(order, times, strict=False))
            for order in itertools.permutations([*range(len(spans)), *[-1] * 0], min(len(spans), max(1, len(times))))
        )
        if len(times) <= len(spans)
        else max(
            sum(span[0] <= at <= sum(span) for span, at in zip(spans, chosen, strict=False))
            for chosen in itertools.permutations(times, len(spans))
        )
    )
    assert found == best


@given(windows, st.lists(st.integers(0, 40), max_size=6))
def test_everything_is_accounted_for_once(spans: list[tuple[int, int]], times: list[int]) -> None:
    records = [record(start, start + length, number=n) for n, (start, length) in enumerate(spans)]
    found = match(AnswerKey.of(records), [alert(at, case=f"c{n}") for n, at in enumerate(times)])
    assert len(found.verdicts) == len(times)
    taken = [each.instance for _, verdict, each in found.verdicts if verdict == Verdict.TRUE]
    assert sorted(taken + [each.instance for each in found.missed]) == sorted(each.instance for each in records)


def test_marks_of_a_small_trial() -> None:
    records = [record(0, 60, number=1, evidence={"category": "mall"}), record(500, 560, number=2)]
    alerts = [alert(30, values=("mall", 3)), alert(45), alert(900), alert(1, code="x.y", subject="r2")]
    key = AnswerKey.of(records)
    exposure = Exposure(rep_days=10, manager_days=5, group_rep_days={"urban": 5, "rural": 5})
    marks = mark(key, match(key, alerts), exposure, {"r1": ("urban",), "r2": ("rural",)})
    total = marks.total
    assert (total.tp, total.fp, total.fn, total.duplicates) == (1, 2, 1, 1)
    assert total.precision == pytest.approx(1 / 3, abs=1e-4)
    assert total.recall == 0.5
    assert total.delay_median_s == 30
    assert total.evidence_complete == 1.0
    assert [(code.code, code.fp) for code in marks.codes] == [("a.b", 1), ("x.y", 1)]
    assert marks.alerts_per_rep_week == 2.0
    assert marks.alerts_per_manager_day == 0.8
    assert marks.false_per_100_rep_days == {"rural": 20.0, "urban": 20.0}
    assert [(each.groups, each.ratio) for each in marks.group_ratios] == [(("rural", "urban"), 1.0)]
    assert (marks.serious_per_rep_week, marks.serious_per_manager_day) == (2.0, 0.8)


@pytest.mark.req("I2")
@pytest.mark.parametrize(
    ("rural", "urban", "ratio", "at_least"),
    # Standard error of the logarithm: the root of 1/a + 1/b; by hand.
    [(40, 10, 4.0, 2.0), (3, 1, 3.0, 1.0), (2, 0, None, 1.0), (0, 0, None, 1.0)],
)
def test_a_ratio_of_groups_says_how_sure_it_is(rural: int, urban: int, ratio: float | None, at_least: float) -> None:
    alerts = [
        alert(n, code="x.y", subject=name, case=f"{name}{n}")
        for name, count in (("r", rural), ("u", urban))
        for n in range(count)
    ]
    key = AnswerKey.of([])
    exposure = Exposure(
        rep_days=200, manager_days=1, group_rep_days={"rural": 100, "urban": 100, "new": 0, "long-serving": 200}
    )
    (found,) = mark(key, match(key, alerts), exposure, {"r": ("rural",), "u": ("urban",)}).group_ratios
    assert found.ratio == ratio
    assert found.at_least == pytest.approx(at_least, abs=0.01)


def test_only_serious_alerts_call_for_somebodys_time() -> None:
    key = AnswerKey.of([])
    exposure = Exposure(rep_days=5, manager_days=1, group_rep_days={})
    alerts = [attrs.evolve(alert(n, case=f"c{n}"), severity=s) for n, s in enumerate(("info", "low", "medium", "high"))]
    assert mark(key, match(key, alerts), exposure, {}).serious_per_rep_week == 2.0


def test_evidence_that_lacks_a_value_is_incomplete() -> None:
    key = AnswerKey.of([record(0, 60, evidence={"category": "mall", "customer": "c1"})])
    exposure = Exposure(rep_days=1, manager_days=1, group_rep_days={})
    assert mark(key, match(key, [alert(1, values=("mall",))]), exposure, {}).total.evidence_complete == 0.0


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Values of the closed formula, worked by hand (Wilson 1927, z = 1.959964).
    [(0, 0, 0.0, 1.0), (10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (8, 10, 0.4902, 0.9433), (95, 100, 0.8882, 0.9785)],
)
def test_wilson(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=2e-4)


def test_silence_is_disturbed_by_what_it_forbids_only() -> None:
    quiet = KeyRecord(
        scenario="Q04",
        instance="q",
        kind="silence",
        subject_kind="rep",
        subject="r1",
        rep="r1",
        start=T0,
        end=T0 + timedelta(days=1),
        must_not=("a.b",),
    )
    assert match(AnswerKey.of([quiet]), [alert(5, code="x.y")]).disturbed == ()
    assert len(match(AnswerKey.of([quiet]), [alert(5)]).disturbed) == 1
    assert match(AnswerKey.of([quiet]), [alert(5, subject="r2")]).disturbed == ()
    assert match(AnswerKey.of([quiet]), [alert(-5)]).disturbed == ()


@pytest.mark.req("I2")
def test_confidence_is_judged_by_how_often_it_was_right() -> None:
    records = [record(0, 60, number=1), record(500, 560, number=2)]
    alerts = [
        attrs.evolve(alert(30, case="c1"), confidence=0.9),
        attrs.evolve(alert(530, case="c2"), confidence=0.6),
        attrs.evolve(alert(900, case="c3"), confidence=0.6),
        # Certain in all it says, so it is none of the rules that are judged here.
        alert(1, code="x.y", subject="r2", case="c4"),
    ]
    exposure = Exposure(rep_days=10, manager_days=4, group_rep_days={})
    marks = mark(AnswerKey.of(records), match(AnswerKey.of(records), alerts), exposure, {})
    # By hand: ((1 - 0.9)^2 + (1 - 0.6)^2 + 0.6^2) / 3.
    assert marks.total.brier == pytest.approx((0.01 + 0.16 + 0.36) / 3, abs=1e-4)
    assert [(code.code, code.brier) for code in marks.codes] == [("a.b", marks.total.brier), ("x.y", None)]
    assert [(row.up_to, row.count, row.said, row.right) for row in marks.reliability] == [
        (0.6, 2, 0.6, 0.5),
        (0.9, 1, 0.9, 1.0),
    ]
    assert [(code.alerts_per_rep_week, code.alerts_per_manager_day) for code in marks.codes] == [
        (1.5, 0.75),
        (0.5, 0.25),
    ]


def campaign(subject: str, *codes: str, variant: str = "") -> KeyRecord:
    return attrs.evolve(
        record(0, 1000, subject=subject),
        kind="campaign",
        code="",
        variant=variant,
        any_of=codes,
        dose={"style": "L08+B09"},
    )


@pytest.mark.req("I2")
@pytest.mark.parametrize(
    ("at", "code", "found"),
    [(10, "a.b", True), (1000, "a.b", True), (1001, "a.b", False), (-1, "a.b", False), (10, "x.y", False)],
)
def test_who_cheats_is_found_by_what_they_did_and_in_time(at: int, code: str, found: bool) -> None:
    key = AnswerKey.of([campaign("r1", "a.b", "c.d")])
    marks = campaign_marks(key, [alert(at, code=code)], ["r1", "r2"], lambda start, end: 3)
    assert (marks["found"], marks["of"], marks["rows"][0]["found"]) == (found, 1, found)
    assert marks["rows"][0]["working_days"] == (3 if found else None)


@pytest.mark.req("I2")
def test_others_are_accused_by_the_same_kinds_and_accomplices_are_not_others() -> None:
    key = AnswerKey.of([campaign("r1", "a.b"), campaign("r2", "a.b", variant="accomplice")])
    alerts = [alert(10, subject=rep, case=rep) for rep in ("r1", "r2", "r3")]
    alerts.append(attrs.evolve(alert(10, subject="r4", case="r4"), severity="low"))
    marks = campaign_marks(key, alerts, ["r1", "r2", "r3", "r4"], lambda start, end: 1)
    assert (marks["of"], marks["others"], marks["others_accused"]) == (1, 2, 1)
    assert marks["others_codes"] == {"a.b": 1}
    assert verdicts([campaign("r1", "a.b")], [alert(10), alert(20), alert(30, code="x.y")]) == [
        Verdict.CAMPAIGN,
        Verdict.CAMPAIGN,
        Verdict.FALSE,
    ]


def test_a_key_with_campaigns_is_read_back_as_it_was() -> None:
    key = AnswerKey.of([campaign("r1", "a.b", "c.d"), record(0, 60, number=2)])
    assert AnswerKey.from_bytes(key.as_bytes()) == key
