"""Locators: decoders of payloads, and resolvers of rep-days."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.model import (
    OUTINGS,
    POINTS,
    Decoded,
    Envelope,
    RepDays,
    Resolved,
    Table,
    milliseconds,
)
from fieldhr_core.testing.conformance.base import Conformance, examples, given_by, rounded, sorted_rows
from fieldhr_core.testing.samples import (
    CUSTOMER_AT,
    HOME_AT,
    MALL_AT,
    NINE,
    DayBuilder,
    rep_days,
    sample_envelope,
    sample_outings,
    sample_places,
)

__all__ = ["DecoderConformance", "ResolverConformance"]

#: What no decoder should raise on.
_JUNK: Final = (
    *(
        b"",
        b"\x00",
        b"{}",
        b"[]",
        b"null",
        b"NaN",
        b"{",
        b"\xff\xfe",
        b"[" * 5000,
        b"<",
        b"<a/>",
        b"lat=1",
        b",,,\n,,,",
    ),
    b'{"_type":"location","lat":91,"lon":181,"tst":0}',
    b'{"lat":NaN,"lon":Infinity}',
    "\u4f60\u597d".encode("gb18030"),
)


class DecoderConformance(Conformance):
    """Locator, role ``decode``: define ``make`` and ``samples``."""

    family = "locators"
    role = "decode"

    def samples(self) -> Sequence[Envelope]:
        """Return good payloads that hold positions."""
        return ()

    def ignorable(self) -> Sequence[Envelope]:
        """Return legitimate payloads that hold no position (a status, a waypoint)."""
        return ()

    def bad(self) -> Sequence[Envelope]:
        """Return payloads that must be rejected."""
        return ()

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch is no special case."""
        assert list(self.call(self.fresh(), "decode", [])) == []

    def test_samples_hold_positions(self) -> None:
        """Good payloads give positions."""
        for decoded in self.call(self.fresh(), "decode", list(self._samples())):
            assert decoded.positions, decoded

    def test_ignorable_payloads_are_ignored(self) -> None:
        """A legitimate payload without a position is neither rejected nor guessed at."""
        for decoded in self.call(self.fresh(), "decode", given_by(self.ignorable(), "ignorable")):
            assert decoded.ignored, decoded

    def test_bad_payloads_are_rejected(self) -> None:
        """What must not be taken is not taken."""
        for decoded in self.call(self.fresh(), "decode", given_by(self.bad(), "bad")):
            assert decoded.rejected is not None, decoded

    def test_each_payload_is_decoded_for_itself(self) -> None:
        """A bad neighbour changes nothing, and neither does the order."""
        samples = self._samples()
        alone = [self.call(self.fresh(), "decode", [envelope])[0] for envelope in samples]
        junk = attrs.evolve(samples[0], body=b"\xff\x00{", query="")
        mixed = [envelope for sample in samples for envelope in (junk, sample)]
        assert list(self.call(self.fresh(), "decode", mixed))[1::2] == alone
        assert list(self.call(self.fresh(), "decode", list(reversed(samples))))[::-1] == alone

    def test_same_answer_each_time(self) -> None:
        """The same payload gives the same positions, from the same provider too."""
        handle, samples = self.fresh(), list(self._samples())
        first = self.call(handle, "decode", samples)
        assert list(self.call(handle, "decode", samples)) == list(first)

    @pytest.mark.parametrize("body", _JUNK, ids=lambda body: repr(body[:12]))
    def test_junk_is_answered_not_raised(self, body: bytes) -> None:
        """Bad payloads are data."""
        envelope = self._like_a_sample(body)
        (decoded,) = self.call(self.fresh(), "decode", [envelope])
        assert isinstance(decoded, Decoded)

    def test_any_bytes_are_answered_not_raised(self) -> None:
        """Whatever arrives, there is an answer that keeps the contract."""
        handle = self.fresh()

        @examples
        @given(st.binary(max_size=300))
        def holds(body: bytes) -> None:
            self.call(handle, "decode", [self._like_a_sample(body)])

        holds()

    def test_damaged_samples_are_answered_not_raised(self) -> None:
        """Cut short or with one byte changed, a payload still gets an answer that keeps the contract."""
        handle, samples = self.fresh(), self._samples()

        @examples
        @given(st.data())
        def holds(data: st.DataObject) -> None:
            envelope = data.draw(st.sampled_from(list(samples)))
            whole = envelope.body
            if not whole:
                return
            place = data.draw(st.integers(0, len(whole) - 1))
            cut = whole[:place]
            changed = cut + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]
            damaged = [attrs.evolve(envelope, body=cut), attrs.evolve(envelope, body=changed)]
            self.call(handle, "decode", damaged)

        holds()

    def _samples(self) -> Sequence[Envelope]:
        return given_by(self.samples(), "samples")

    def _like_a_sample(self, body: bytes) -> Envelope:
        samples = self.samples()
        return attrs.evolve(samples[0], body=body, query="") if samples else sample_envelope("sample", body)


class ResolverConformance(Conformance):
    """Locator, role ``resolve``: define ``make``."""

    family = "locators"
    role = "resolve"
    optional: ClassVar[dict[str, str]] = {
        "verdicts": "tells AT, AWAY and UNKNOWN apart, with doubt never held against anybody",
        "silence": "time without fixes is not certainly spent anywhere",
        "homes": "a home is a home for its own rep only",
    }

    def test_nothing_in_nothing_out(self) -> None:
        """No days, no stays; no points, no verdicts."""
        handle = self.fresh()
        resolved = self.resolve(handle, rep_days())
        assert len(resolved.stays) == len(resolved.signals) == 0
        assert len(self.call(handle, "judge", POINTS.empty(), sample_places())) == 0

    def test_a_day_without_a_fix_has_no_stay(self) -> None:
        """Silence is never a stay."""
        assert len(self.resolve(self.fresh(), rep_days(DayBuilder().silence(60))).stays) == 0

    def test_one_fix_is_bearable(self) -> None:
        """A day of a single fix resolves."""
        self.resolve(self.fresh(), rep_days(DayBuilder().stay(0.5)))

    def test_standing_still_is_a_stay(self) -> None:
        """Forty minutes in one place, then off: there is a stay that covers their middle."""
        stays = self.resolve(self.fresh(), rep_days(DayBuilder().stay(40).go(*MALL_AT, 20))).stays
        middle = milliseconds(NINE + timedelta(minutes=20))
        assert ((stays["start_ms"] <= middle) & (stays["end_ms"] >= middle)).any()

    def test_stays_of_a_day_do_not_overlap(self) -> None:
        """Nobody is in two places."""
        day = DayBuilder().stay(30).go(*MALL_AT, 20).stay(40).go(*CUSTOMER_AT, 20).stay(25)
        stays = self.resolve(self.fresh(), rep_days(day)).stays.sort("start_ms")
        assert (stays["start_ms"][1:] >= stays["end_ms"][:-1]).all()

    def test_each_day_is_resolved_for_itself(self) -> None:
        """A day gives the same alone, in company and in another order, from a used provider too."""
        days = [
            DayBuilder("r-1").stay(40).go(*MALL_AT, 20).stay(35),
            DayBuilder("r-2", at=MALL_AT).stay(50),
            DayBuilder("r-1", start=NINE + timedelta(days=1)).stay(15).silence(90).stay(15),
        ]
        handle = self.fresh()
        together = _days_of(self.resolve(handle, rep_days(*days)))
        assert _days_of(self.resolve(handle, rep_days(*reversed(days)))) == together
        alone: dict[tuple[str, str], Any] = {}
        for day in days:
            alone |= _days_of(self.resolve(self.fresh(), rep_days(day)))
        assert alone == together

    def test_inputs_are_left_alone(self) -> None:
        """Tables handed in are read, not written."""
        days, places, outings = rep_days(DayBuilder().stay(40)), sample_places(), sample_outings()
        tables = (days.fixes, places, outings)
        before = [sorted_rows(table) for table in tables]
        self.call(self.fresh(), "resolve", days, places, outings)
        assert [sorted_rows(table) for table in tables] == before

    def test_points_are_judged_row_for_row(self) -> None:
        """As many verdicts as points, each the same as alone."""
        handle, points, places = self.fresh(), _points(), sample_places()
        together = list(self.call(handle, "judge", points, places).rows())
        alone = [
            next(self.call(self.fresh(), "judge", points.take([row]), places).rows()) for row in range(len(points))
        ]
        assert repr(together) == repr(alone)

    def test_a_point_far_away_is_not_at_the_customer(self) -> None:
        """Kilometres away with a good fix is not AT."""
        judged = self.call(self.fresh(), "judge", _points(), sample_places())
        assert judged["verdict"][1] != "at"

    def test_doubt_is_unknown(self) -> None:
        """At the door: AT. Far away and sure: AWAY. Far away and unsure, or no such customer: UNKNOWN."""
        self.needs("verdicts")
        judged = self.call(self.fresh(), "judge", _points(), sample_places())
        assert list(judged["verdict"]) == ["at", "away", "unknown", "unknown"]

    def test_an_hour_at_the_customer_is_at(self) -> None:
        """The plain case."""
        self.needs("verdicts")
        stays = self.resolve(self.fresh(), rep_days(DayBuilder().stay(60))).stays
        assert list(stays["verdict"]) == ["at"]
        assert list(stays["customer"]) == ["c-1"]

    def test_silence_is_not_spent_anywhere(self) -> None:
        """Two hours without a fix are not certainly spent in the place before them."""
        self.needs("silence")
        stays = self.resolve(self.fresh(), rep_days(DayBuilder().stay(20).silence(120).stay(20))).stays
        assert float(stays["certain_s"].sum()) <= 45 * 60

    def test_a_home_is_its_own_reps_only(self) -> None:
        """Who lives there is never AWAY there; another rep there is not at home, and learns nothing about it."""
        self.needs("homes")
        days = rep_days(DayBuilder("r-1", at=HOME_AT).stay(40), DayBuilder("r-2", at=HOME_AT).stay(40))
        stays = list(self.resolve(self.fresh(), days).stays.rows())
        assert [row["rep"] for row in stays] == ["r-1", "r-2"]
        assert stays[0]["verdict"] != "away"
        assert stays[1]["kind"] != "home"
        assert stays[1]["place"] != "p-home"

    def resolve(self, handle: ProviderHandle, days: RepDays) -> Resolved:
        """Resolve with the sample places; outings of ``r-1`` where that rep is among the days."""
        outings = sample_outings() if any(day.rep == "r-1" for day in days.days) else OUTINGS.empty()
        resolved: Resolved = self.call(handle, "resolve", days, sample_places(), outings)
        return resolved


def _points() -> Table:
    """At the door; far and sure; far and unsure; at the door of a customer nobody knows."""
    lats, lons = zip(CUSTOMER_AT, MALL_AT, MALL_AT, CUSTOMER_AT, strict=True)
    return POINTS.table(
        rep=["r-1"] * 4,
        customer=["c-1", "c-1", "c-1", "c-none"],
        time_ms=[milliseconds(NINE)] * 4,
        lat=lats,
        lon=lons,
        accuracy_m=[10.0, 10.0, 5000.0, 10.0],
    )


def _days_of(resolved: Resolved) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for table in (resolved.stays, resolved.signals):
        for row in table.rows():
            text = json.dumps({name: rounded(value) for name, value in row.items()}, sort_keys=True)
            found.setdefault((row["rep"], row["date"]), []).append(text)
    return found
