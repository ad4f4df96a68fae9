"""Working time and fence against an oracle that reads the clock on the wall minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Absence, AbsenceKind, Calendar, WorkPattern
from fieldhr_core.trust.duty import duty_day, is_expected, is_working_day, judged_ms, untracked_ms
from fieldhr_core.trust.fence import REASONS, Fence

MINUTE = timedelta(minutes=1)
ZONES = (
    "Asia/Shanghai",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "America/St_Johns",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Pacific/Apia",  # left out a whole day
    "America/Havana",  # jumps at midnight
    "UTC",
)
#: Nights on which one of the zones jumps, and ordinary days.
DATES = (
    date(2026, 3, 28),
    date(2026, 3, 29),
    date(2026, 10, 24),
    date(2026, 10, 25),
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2026, 4, 4),
    date(2026, 4, 5),
    date(2026, 10, 3),
    date(2026, 10, 4),
    date(2011, 12, 29),
    date(2011, 12, 30),
    date(2026, 3, 7),
    date(2026, 4, 24),
    date(2026, 10, 30),
    date(2026, 5, 4),
)


def ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def minutes_round(day: date) -> list[datetime]:
    """Every minute that could belong to a local *day* anywhere, or to a shift that begins on it."""
    first = datetime.combine(day, time(), UTC) - timedelta(hours=38)
    return [first + n * MINUTE for n in range(60 * 112)]


def oracle(pattern: WorkPattern, day: date, absences: list[Absence]) -> tuple[set[int], set[int]]:
    """Return the minutes of duty and of breaks by reading the clock at every minute. No arithmetic with offsets."""
    zone = ZoneInfo(pattern.zone)
    clock = [(at, at.astimezone(zone).replace(tzinfo=None)) for at in minutes_round(day)]

    def begins_last(wall: datetime) -> datetime:
        return max(at for at, shown in clock if shown < wall) + MINUTE

    def begins_first(wall: datetime) -> datetime:
        return min(at for at, shown in clock if shown >= wall)

    def on(days: int, wall: time) -> datetime:
        return datetime.combine(day + timedelta(days=days), wall)

    overnight = pattern.end <= pattern.start
    start, end = begins_last(on(0, pattern.start)), begins_first(on(int(overnight), pattern.end))
    duty = {ms(at) for at, _ in clock if start <= at < end}
    breaks: set[int] = set()
    for left, right in pattern.breaks:
        shift = int(overnight and left < pattern.start)
        b_start, b_end = begins_first(on(shift, left)), begins_last(on(shift + int(right <= left), right))
        breaks |= {ms(at) for at, _ in clock if b_start <= at < b_end}
    if not pattern.track_breaks:
        duty, breaks = duty - breaks, set()
    for absence in absences:
        covered = {ms(at) for at, _ in clock if absence.start <= at < absence.end}
        if absence.kind in (AbsenceKind.LEAVE, AbsenceKind.PARENTAL, AbsenceKind.PRIVATE):
            duty -= covered
        else:
            breaks |= covered
    return duty, breaks & duty


quarter_hours = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
patterns = st.builds(
    WorkPattern,
    zone=st.sampled_from(ZONES),
    weekdays=st.just((1, 2, 3, 4, 5, 6, 7)),
    start=quarter_hours,
    end=quarter_hours,
    breaks=st.lists(st.tuples(quarter_hours, quarter_hours), max_size=2).map(tuple),
    track_breaks=st.booleans(),
)


@st.composite
def absence_lists(draw, day: date) -> list[Absence]:
    noon = datetime.combine(day, time(12), UTC)
    found = []
    for number in range(draw(st.integers(0, 3))):
        start = noon + timedelta(minutes=draw(st.integers(-2_000, 2_000)))
        end = start + timedelta(minutes=draw(st.integers(1, 1_500)))
        rep = draw(st.sampled_from(["rep", "rep", "somebody-else"]))
        found.append(Absence(id=str(number), rep=rep, kind=draw(st.sampled_from(AbsenceKind)), start=start, end=end))
    return found


@pytest.mark.req("E6")
@settings(max_examples=150)
@given(st.data(), patterns, st.sampled_from(DATES))
def test_fence_keeps_exactly_what_the_clock_on_the_wall_says(data, pattern: WorkPattern, day: date) -> None:
    absences = data.draw(absence_lists(day))
    mine = [absence for absence in absences if absence.rep == "rep"]
    duty, breaks = oracle(pattern, day, mine)
    repday = duty_day(pattern, Calendar(), absences, "rep", day)

    minutes = np.asarray([ms(at) for at in minutes_round(day)], dtype="i8")
    spans = [(ms(datetime.combine(day, time(9), UTC)) + 60_000 * data.draw(st.integers(-900, 900)), None)]
    place, refused = Fence(days=(repday,), bases=spans).sort(minutes)
    lawful = {at for at in duty if at >= spans[0][0]}
    kept = set(minutes[place == 0].tolist())
    assert kept - lawful == set(), "stored outside"
    assert lawful - kept == set(), "lost inside"
    assert len(kept) + sum(refused.values()) == len(minutes)

    in_breaks = {at for at in minutes.tolist() if any(start <= at < end for start, end in repday.breaks_ms)}
    assert in_breaks == breaks
    assert judged_ms(repday) == 60_000 * len(duty - breaks)


def china(**changes: object) -> WorkPattern:
    return attrs.evolve(WorkPattern(), **changes)


def local(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def spans_of(pattern: WorkPattern, day: str, *absences: Absence, calendar: Calendar | None = None) -> list[str]:
    repday = duty_day(pattern, calendar or Calendar(), absences, "rep", date.fromisoformat(day))
    zone = ZoneInfo(pattern.zone)
    texts = []
    for start, end in repday.duty_ms:
        walls = [datetime.fromtimestamp(at / 1000, zone).strftime("%dT%H:%M%z") for at in (start, end)]
        texts.append("-".join(walls))
    return texts


def test_an_ordinary_day() -> None:
    repday = duty_day(china(), Calendar(), (), "rep", date(2026, 3, 2))
    assert repday.duty_ms == ((ms(local("2026-03-02T09:00")), ms(local("2026-03-02T18:00"))),)
    assert repday.breaks_ms == ((ms(local("2026-03-02T12:00")), ms(local("2026-03-02T13:30"))),)
    assert judged_ms(repday) == 7.5 * 3_600_000


@pytest.mark.parametrize(
    ("day", "zone", "start", "end", "expected"),
    [
        ("2026-03-29", "Europe/Paris", time(2, 30), time(8), ["29T03:00+0200-29T08:00+0200"]),  # begin is skipped
        ("2026-03-28", "Europe/Paris", time(22), time(2, 30), ["28T22:00+0100-29T03:00+0200"]),  # end is skipped
        ("2026-10-25", "Europe/Paris", time(2, 30), time(8), ["25T02:30+0100-25T08:00+0100"]),  # begin comes twice
        ("2026-10-24", "Europe/Paris", time(22), time(2, 30), ["24T22:00+0200-25T02:30+0200"]),  # end comes twice
        ("2011-12-30", "Pacific/Apia", time(9), time(18), []),  # the day that was left out
        ("2026-03-02", "Asia/Shanghai", time(8), time(8), ["02T08:00+0800-03T08:00+0800"]),
    ],
)
def test_nights_on_which_the_clock_jumps(day: str, zone: str, start: time, end: time, expected: list[str]) -> None:
    pattern = WorkPattern(zone=zone, weekdays=(1, 2, 3, 4, 5, 6, 7), start=start, end=end, breaks=())
    assert spans_of(pattern, day) == expected


def test_calendar_comes_before_the_week() -> None:
    calendar = Calendar(
        holidays={date(2026, 5, 1): "Labour Day"}, workdays={date(2026, 5, 9): "make-up", date(2026, 5, 1): "error"}
    )
    days = [day for day in range(1, 12) if is_working_day(china(), calendar, date(2026, 5, day))]
    assert days == [4, 5, 6, 7, 8, 9, 11]  # a date that is both is a day off


def test_an_overnight_shift_is_not_cut_by_the_holiday_it_ends_on() -> None:
    calendar = Calendar(holidays={date(2026, 5, 1): "Labour Day"})
    pattern = china(start=time(22), end=time(6), breaks=((time(1), time(2)),))
    assert spans_of(pattern, "2026-04-30", calendar=calendar) == ["30T22:00+0800-01T06:00+0800"]
    assert spans_of(pattern, "2026-05-01", calendar=calendar) == []


@pytest.mark.parametrize("kind", list(AbsenceKind))
def test_leave_is_not_tracked_and_training_is_not_judged(kind: AbsenceKind) -> None:
    absence = Absence(id="a", rep="rep", kind=kind, start=local("2026-03-02T09:00"), end=local("2026-03-02T14:00"))
    repday = duty_day(china(), Calendar(), [absence], "rep", date(2026, 3, 2))
    tracked = kind in (AbsenceKind.TRAINING, AbsenceKind.MEETING)
    assert repday.duty_ms[0][0] == ms(local("2026-03-02T09:00" if tracked else "2026-03-02T14:00"))
    assert judged_ms(repday) == 4 * 3_600_000
    assert is_expected(china(), Calendar(), [absence], "rep", date(2026, 3, 2))  # four of seven and a half hours
    longer = attrs.evolve(absence, end=local("2026-03-02T15:00"))
    assert not is_expected(china(), Calendar(), [longer], "rep", date(2026, 3, 2))
    assert not is_expected(china(), Calendar(), [], "rep", date(2026, 3, 1))


def test_untracked_time_is_that_of_one_rep() -> None:
    absences = [
        Absence(
            id=str(n), rep=rep, kind=kind, start=local(f"2026-03-02T{n:02}:00"), end=local(f"2026-03-02T{n + 1:02}:30")
        )
        for n, (rep, kind) in enumerate(
            [
                ("rep", AbsenceKind.LEAVE),
                ("rep", AbsenceKind.PRIVATE),
                ("rep", AbsenceKind.TRAINING),
                ("x", AbsenceKind.LEAVE),
            ]
        )
    ]
    assert untracked_ms(absences, "rep") == [(ms(local("2026-03-02T00:00")), ms(local("2026-03-02T02:30")))]


def test_unknown_zones_and_naive_absences_are_refused() -> None:
    with pytest.raises(RecordError) as caught:
        duty_day(china(zone="Asia/Peking"), Calendar(), (), "rep", date(2026, 3, 2))
    assert caught.value.code == "FHR-REC-001"
    naive = Absence(id="a", rep="rep", kind=AbsenceKind.LEAVE, start=datetime(2026, 3, 2), end=datetime(2026, 3, 3))  # noqa: DTZ001
    with pytest.raises(RecordError) as caught:
        duty_day(china(), Calendar(), [naive], "rep", date(2026, 3, 2))
    assert caught.value.code == "FHR-REC-002"


NINE, SIX = ms(local("2026-03-02T09:00")), ms(local("2026-03-02T18:00"))
DAY = duty_day(china(), Calendar(), (), "rep", date(2026, 3, 2))


@pytest.mark.scenario("L18")
def test_edges_belong_to_the_start_and_not_to_the_end() -> None:
    fence = Fence(days=(DAY,), bases=((0, None),))
    place, refused = fence.sort(np.asarray([NINE - 1, NINE, SIX - 1, SIX]))
    assert place.tolist() == [-1, 0, 0, -1]
    assert refused == {"privacy.off_duty": 2}


@pytest.mark.scenario("L19")
def test_a_withdrawn_basis_refuses_from_that_millisecond() -> None:
    day_12 = NINE + 3_600_000
    fence = Fence(days=(DAY,), bases=((NINE - 1, day_12), (NINE + 60_000, day_12 - 5)))
    assert fence.sort(np.asarray([day_12 - 1, day_12, SIX]))[1] == {"privacy.off_duty": 1, "privacy.basis_withdrawn": 1}
    renewed = attrs.evolve(fence, bases=(*fence.bases, (day_12 + 10, None)))
    place, _ = renewed.sort(np.asarray([day_12 - 1, day_12, day_12 + 9, day_12 + 10]))
    assert place.tolist() == [0, -1, -1, 0]


def test_reasons() -> None:
    leave = Absence(
        id="a", rep="rep", kind=AbsenceKind.LEAVE, start=local("2026-03-02T09:00"), end=local("2026-03-02T10:00")
    )
    repday = duty_day(china(), Calendar(), [leave], "rep", date(2026, 3, 2))
    fence = Fence(days=(repday,), bases=(), leave_ms=[(NINE, NINE + 3_600_000)])
    times = np.asarray([NINE, NINE + 3_600_000, SIX])
    assert [REASONS[n] for n in fence.judge(times)[1]] == ["privacy.leave", "privacy.no_basis", "privacy.off_duty"]
    assert Fence(days=(), bases=()).sort(np.asarray([], dtype="i8"))[1] == {}


def test_fixes_go_to_the_day_their_shift_began() -> None:
    night = china(start=time(22), end=time(6), breaks=())
    days = tuple(duty_day(night, Calendar(), (), "rep", date(2026, 3, day)) for day in (2, 3, 4))
    times = [
        ms(local(text)) for text in ("2026-03-03T05:59", "2026-03-03T06:00", "2026-03-03T22:00", "2026-03-05T01:00")
    ]
    assert Fence(days=days, bases=((0, None),)).sort(np.asarray(times))[0].tolist() == [0, -1, 1, 2]
