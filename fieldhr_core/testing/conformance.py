"""What every provider of a family must do, as test classes that plugin authors subclass.

Subclass the class of your provider's kind, define ``make``, and give samples where the kit cannot know them. Every
call goes through the same guard as in a runtime, so a test fails in the same words as production would. What is
optional is a capability: declare it in ``capabilities`` and it is tested; leave it out and its tests are skipped with
the reason. Overriding a test is allowed; give the reason there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldhr_core.errors import PluginCallError, PluginError
from fieldhr_core.hooks.contracts import (
    STATEMENTS,
    misfit_of_statements,
    missing_in_provider,
)
from fieldhr_core.hooks.guard import Guard
from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.hooks.providers import Notice, Pulled, Tables
from fieldhr_core.model import (
    METRICS,
    OUTINGS,
    PEOPLE,
    POINTS,
    STAYS,
    Decoded,
    Envelope,
    Finding,
    Outcome,
    Period,
    RepDays,
    Resolved,
    Ruling,
    Scorecard,
    Submission,
    Table,
    Weighting,
    milliseconds,
)
from fieldhr_core.testing.fakes import FakeTables
from fieldhr_core.testing.samples import (
    CUSTOMER_AT,
    HOME_AT,
    MALL_AT,
    NINE,
    DayBuilder,
    rep_days,
    sample_customer,
    sample_envelope,
    sample_message,
    sample_notice,
    sample_outings,
    sample_places,
    sample_tables,
)

__all__ = [
    "AlerterConformance",
    "ChannelConformance",
    "CheckConformance",
    "ComposerConformance",
    "Conformance",
    "ConnectorConformance",
    "DecoderConformance",
    "ResolverConformance",
    "ScorerConformance",
    "TracerConformance",
]

#: More pages than any sample should need; a connector that goes on after them never ends.
_PAGES: Final = 1000

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

#: No deadline and few examples: the kit must be quick in every plugin's own tests.
_property = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Conformance:
    """What the kinds share.

    Attributes:
        family: hook family (``scorers``).
        role: role within it, where it has several.
        optional: capabilities of this kind that a provider may or may not have, each with what it means.
        capabilities: those that this provider has.
        offer: family, role and name of the offer, where the class was made from one.
    """

    family: ClassVar[str]
    role: ClassVar[str] = ""
    optional: ClassVar[dict[str, str]] = {}
    capabilities: ClassVar[frozenset[str]] = frozenset()
    offer: ClassVar[tuple[str, str, str]] = ("", "", "")

    def make(self) -> Any:
        """Return a new provider, made as your offer makes it. Yours to define."""
        pytest.fail(f"{type(self).__name__} defines no make()")

    def fresh(self) -> ProviderHandle:
        """Return a handle on a new provider."""
        handle = ProviderHandle(
            plugin=type(self).__name__, family=self.family, role=self.role, name="", tenant="t-1", provider=self.make()
        )
        for statement in STATEMENTS.get((self.family, self.role), ()):
            handle.stated[statement] = getattr(handle.provider, statement, None)
        return handle

    def call(self, handle: ProviderHandle, method: str, *args: Any) -> Any:
        """Call a method as a runtime does: its answer is checked."""
        # One guard a call: the kit provokes failures, and a breaker would stop it after three.
        return Guard().call(handle, method, *args)

    def needs(self, capability: str) -> None:
        """Skip the test unless the provider has this capability."""
        if capability not in self.capabilities:
            pytest.skip(f"does not declare {capability!r}: {self.optional[capability]}")

    def test_capabilities_are_known(self) -> None:
        """A misspelt capability would silently skip its tests."""
        assert self.capabilities <= set(self.optional)

    def test_has_what_its_family_needs(self) -> None:
        """Methods are there, and what it states about itself makes sense."""
        handle = self.fresh()
        assert missing_in_provider(handle) is None
        assert misfit_of_statements(handle) is None

    def test_states_the_same_each_time(self) -> None:
        """Statements are read once, so they must not change."""
        assert self.fresh().stated == self.fresh().stated


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
        for decoded in self.call(self.fresh(), "decode", _given(self.ignorable(), "ignorable")):
            assert decoded.ignored, decoded

    def test_bad_payloads_are_rejected(self) -> None:
        """What must not be taken is not taken."""
        for decoded in self.call(self.fresh(), "decode", _given(self.bad(), "bad")):
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

        @_property
        @given(st.binary(max_size=300))
        def holds(body: bytes) -> None:
            self.call(handle, "decode", [self._like_a_sample(body)])

        holds()

    def test_damaged_samples_are_answered_not_raised(self) -> None:
        """Cut short or with one byte changed, a payload still gets an answer that keeps the contract."""
        handle, samples = self.fresh(), self._samples()

        @_property
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
        return _given(self.samples(), "samples")

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
        before = [_sorted_rows(table) for table in tables]
        self.call(self.fresh(), "resolve", days, places, outings)
        assert [_sorted_rows(table) for table in tables] == before

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


class ConnectorConformance(Conformance):
    """CRM connector: define ``make`` so that it reads a small sample of your own (a file, a fake server)."""

    family = "connectors"
    optional: ClassVar[dict[str, str]] = {
        "push": "writes visits back",
        "incremental": "returns only what changed since the cursor",
    }

    def make_broken(self) -> Any:
        """Return a provider whose source is down or unreadable; ``None`` skips that test."""
        return None

    def test_pulling_ends(self) -> None:
        """Page after page, there is a last one."""
        assert self.pull_all(self.fresh())

    def test_brings_customers_once_each(self) -> None:
        """The sample holds customers, and no id comes twice in one run."""
        ids = [customer.id for page in self.pull_all(self.fresh()) for customer in page.customers]
        assert ids, "make() should read a sample with customers"
        assert len(set(ids)) == len(ids)
        assert all(ids), "every customer has an id"

    def test_same_answer_each_time(self) -> None:
        """Two new providers bring the same from the same source."""
        assert _what_was_pulled(self.pull_all(self.fresh())) == _what_was_pulled(self.pull_all(self.fresh()))

    def test_a_cursor_survives_the_provider(self) -> None:
        """Another process goes on where this one stopped, and nothing is lost."""
        handle = self.fresh()
        first: Pulled = self.call(handle, "pull", None)
        rest = self.pull_all(self.fresh(), first.cursor) if first.more else []
        ids = {customer.id for page in [first, *rest] for customer in page.customers}
        assert ids == {customer.id for page in self.pull_all(self.fresh()) for customer in page.customers}

    def test_nothing_new_brings_nothing(self) -> None:
        """From the last cursor on, an unchanged source has nothing."""
        self.needs("incremental")
        cursor = self.pull_all(self.fresh())[-1].cursor
        assert cursor is not None
        assert [customer for page in self.pull_all(self.fresh(), cursor) for customer in page.customers] == []

    def test_problems_tell_without_naming_people(self) -> None:
        """Problems have a dotted code and a sentence; no customer's name stands in them."""
        pages = self.pull_all(self.fresh())
        names = {customer.name for page in pages for customer in page.customers if customer.name}
        for problem in (problem for page in pages for problem in page.problems):
            assert "." in problem.code, problem
            assert problem.message, problem
            assert not any(name in problem.message for name in names), problem

    def test_nothing_to_push_is_no_problem(self) -> None:
        """An empty batch is no special case."""
        assert list(self.call(self.fresh(), "push", STAYS.empty())) == []

    def test_a_read_only_source_says_so_for_every_row(self) -> None:
        """Without the capability ``push``, each visit comes back as one problem."""
        if "push" in self.capabilities:
            pytest.skip("declares 'push'")
        visits = sample_tables()[STAYS]
        assert len(self.call(self.fresh(), "push", visits)) == len(visits)

    def test_visits_are_written_back(self) -> None:
        """With the capability ``push``, ordinary visits are taken without a problem."""
        self.needs("push")
        assert list(self.call(self.fresh(), "push", sample_tables()[STAYS])) == []

    def test_a_source_that_is_down_raises(self) -> None:
        """Down is not empty: an empty answer would make every customer look gone."""
        broken = self.make_broken()
        if broken is None:
            pytest.skip("make_broken() gives none")
        handle = attrs.evolve(self.fresh(), provider=broken)
        with pytest.raises(PluginCallError):
            self.call(handle, "pull", None)

    def pull_all(self, handle: ProviderHandle, cursor: str | None = None) -> list[Pulled]:
        """Pull page after page until there is no more."""
        pages: list[Pulled] = []
        while True:
            page: Pulled = self.call(handle, "pull", cursor)
            pages.append(page)
            cursor = page.cursor
            if not page.more:
                return pages
            assert len(pages) < _PAGES, f"still more after {_PAGES} pages"


class ScorerConformance(Conformance):
    """Scorer: define ``make``."""

    family = "scorers"

    def tables(self) -> FakeTables:
        """Return tables with something to measure; by default an ordinary week of two reps."""
        return sample_tables()

    def test_metrics_are_described(self) -> None:
        """Each has a name of its own, a unit, a direction and a sentence."""
        metrics = self.fresh().provider.metrics
        assert metrics
        assert len({metric.name for metric in metrics}) == len(metrics)
        for metric in metrics:
            assert metric.unit, metric
            assert metric.doc, metric
            assert metric.direction in {"up", "down", "none"}, metric

    def test_nothing_is_known_of_nothing(self) -> None:
        """Without data a value is NaN or left out, never 0."""
        scored = self.score(FakeTables())
        assert all(math.isnan(value) for value in scored["value"].tolist()), list(scored.rows())

    def test_measures_the_sample(self) -> None:
        """Where there is data, at least one value is known."""
        scored = self.score(self.tables())
        assert not all(math.isnan(value) for value in scored["value"].tolist()), list(scored.rows())

    def test_order_of_rows_does_not_matter(self) -> None:
        """Tables have no order that means anything."""
        tables = self.tables()
        shuffled = tables.map(_shuffled)
        assert _sorted_rows(self.score(shuffled)) == _sorted_rows(self.score(tables))

    def test_same_answer_each_time(self) -> None:
        """The same tables give the same metrics, from a used provider too."""
        handle, tables = self.fresh(), self.tables()
        first = _sorted_rows(self.call(handle, "score", tables))
        self.call(handle, "score", FakeTables())
        assert _sorted_rows(self.call(handle, "score", tables)) == first

    def score(self, tables: Tables) -> Table:
        """Score with a new provider."""
        scored: Table = self.call(self.fresh(), "score", tables)
        return scored


class ComposerConformance(Conformance):
    """Scorer, role ``compose``: define ``make``."""

    family = "scorers"
    role = "compose"

    def people(self) -> Table:
        """Return ``PEOPLE`` to make scorecards of; by default twelve reps of each role the weights name."""
        cards = self.fresh().provider.weighting().cards.values()
        roles = sorted({role for card in cards for role in card.roles} or {"rep"})
        return PEOPLE.from_rows(
            [
                {"rep": f"{role}-{n}", "role": role, "manager": "m", "team": "t", "branch": "b", "territory": "urban"}
                for role in roles
                for n in range(12)
            ]
        )

    def measured(self, known: Callable[[int, str], bool] = lambda _, __: True) -> Table:
        """Return ``METRICS`` of those people: plausible figures, where *known* says that there are any."""
        rows = []
        for metric in self.fresh().provider.metrics:
            scale = 1.0 if metric.unit == "share" else 20.0
            for n, rep in enumerate(self.people()["rep"].tolist()):
                value = scale * (0.05 + 0.9 * ((7 * n + len(metric.name)) % 11) / 11)
                there = known(n, metric.name)
                rows.append(
                    {
                        "subject": rep,
                        "metric": metric.name,
                        "value": value if there else math.nan,
                        "exposure": 40.0 if there else 0.0,
                        "low": 0.8 * value if there else math.nan,
                        "high": min(1.1 * value, scale) if there else math.nan,
                    }
                )
        return METRICS.from_rows(rows)

    def test_weights_say_which_they_are(self) -> None:
        """They have a version, and weigh what the composer knows."""
        handle = self.fresh()
        weighting: Weighting = self.call(handle, "weighting")
        assert weighting.version
        assert weighting.cards
        known = {metric.name for metric in handle.provider.metrics}
        for card in weighting.cards.values():
            assert set(card.weights) <= known, card

    def test_nothing_known_makes_no_total(self) -> None:
        """Without evidence a card has no total, and every weighted metric is missing."""
        for card in self.cards(METRICS.empty()):
            assert card.total is None
            assert card.missing

    def test_a_missing_component_is_named_and_costs_nothing(self) -> None:
        """Its weight goes to the others: it is never counted as zero."""
        full = {card.subject: card for card in self.cards(self.measured())}
        gap = next(c.metric for card in full.values() for c in card.components if c.weight > 0)
        for card in self.cards(self.measured(lambda n, metric: metric != gap or n != 0)):
            if card.subject == self.people()["rep"][0] and gap in card.missing:
                assert sum(component.share for component in card.components) == pytest.approx(100.0)
                assert card.total is not None

    def test_order_of_rows_does_not_matter(self) -> None:
        """Tables have no order that means anything."""
        measured = self.measured()
        assert _by_subject(self.cards(measured)) == _by_subject(self.cards(_shuffled(measured)))

    def cards(self, measured: Table) -> Sequence[Scorecard]:
        """Make the cards with a new composer and the weights in force."""
        handle = self.fresh()
        weighting = self.call(handle, "weighting")
        period = Period(NINE.date(), NINE.date())
        made: Sequence[Scorecard] = self.call(handle, "compose", measured, self.people(), period, weighting)
        return made


class TracerConformance(Conformance):
    """Scorer, role ``trace``: define ``make``."""

    family = "scorers"
    role = "trace"

    def tables(self) -> FakeTables:
        """Return tables with something to trace; by default an ordinary week of two reps."""
        return sample_tables()

    def test_traces_every_metric(self) -> None:
        """Each metric of a known rep has an answer, with each record once."""
        handle, tables = self.fresh(), self.tables()
        for metric in handle.provider.metrics:
            behind: Table = self.call(handle, "behind", tables, tables[PEOPLE]["rep"][0], metric.name)
            keys = list(zip(behind["kind"], behind["record"].tolist(), strict=True))
            assert len(keys) == len(set(keys)), metric.name

    def test_nothing_is_behind_an_unknown_subject(self) -> None:
        """Nobody's figure was made of nothing."""
        handle, tables = self.fresh(), self.tables()
        for metric in handle.provider.metrics:
            assert len(self.call(handle, "behind", tables, "nobody", metric.name)) == 0


def _by_subject(cards: Sequence[Scorecard]) -> dict[str, Scorecard]:
    return {card.subject: card for card in cards}


class AlerterConformance(Conformance):
    """Alerter, role ``find``: define ``make``, and ``alarming`` with what it must find."""

    family = "alerters"
    role = "find"

    def quiet(self) -> FakeTables:
        """Return tables in which it must find nothing; by default an ordinary week of two reps."""
        return sample_tables()

    def alarming(self) -> FakeTables | None:
        """Return tables in which it must find something; ``None`` skips those tests."""
        return None

    def test_nothing_is_found_in_nothing(self) -> None:
        """No data is no reason for an alert."""
        assert list(self.find(FakeTables())) == []

    def test_an_ordinary_week_is_quiet(self) -> None:
        """People who do their work hear nothing."""
        assert list(self.find(self.quiet())) == []

    def test_what_must_be_found_is_found(self) -> None:
        """The rule bites."""
        assert self.find(self._alarming())

    def test_findings_rest_on_evidence(self) -> None:
        """Each names stored records, what decided and the thresholds in force, and could be known by then."""
        tables = self._alarming()
        for finding in self.find(tables):
            assert finding.evidence, finding
            assert all(evidence.ids for evidence in finding.evidence), finding
            assert finding.rule, finding
            assert finding.version, finding
            assert finding.opened_at <= tables.as_of, finding

    def test_findings_are_plain_data(self) -> None:
        """Facts, parameters and thresholds are JSON."""
        for finding in self.find(self._alarming()):
            parts = [finding.params, finding.thresholds, *(evidence.facts for evidence in finding.evidence)]
            json.dumps([dict(part) for part in parts], allow_nan=False)

    def test_same_answer_each_time(self) -> None:
        """The same tables give the same findings, from a used provider too: an alerter remembers nothing."""
        handle, tables = self.fresh(), self._alarming()
        first = _keyed(self.call(handle, "find", tables))
        self.call(handle, "find", FakeTables())
        assert _keyed(self.call(handle, "find", tables)) == first

    def test_order_of_rows_does_not_matter(self) -> None:
        """Late and unordered data give the same findings."""
        tables = self._alarming()
        assert _keyed(self.find(tables.map(_shuffled))) == _keyed(self.find(tables))

    def find(self, tables: Tables) -> Sequence[Finding]:
        """Find with a new provider."""
        found: Sequence[Finding] = self.call(self.fresh(), "find", tables)
        return found

    def _alarming(self) -> FakeTables:
        tables = self.alarming()
        if tables is None:
            pytest.skip("alarming() gives none")
        return tables


class ChannelConformance(Conformance):
    """Alerter, role ``deliver``: define ``make`` so that nothing leaves the machine, and declare ``deliver``."""

    family = "alerters"
    role = "deliver"
    optional: ClassVar[dict[str, str]] = {"deliver": "make() gives a channel that may be used in a test"}

    def make_broken(self) -> Any:
        """Return a channel whose other end is down; ``None`` skips that test."""
        return None

    def notices(self) -> Sequence[Notice]:
        """Return what is to be delivered."""
        return [
            sample_notice("n-1"),
            sample_notice("n-2", "\u5f20\u4e09 \u5728\u5546\u573a 40 \u5206\u949f \U0001f600"),
            sample_notice("n-3", "line one\nline two\r\n\ttab \x00 end"),
            sample_notice("n-4", "long " * 5000),
        ]

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch is no special case."""
        assert list(self.call(self.fresh(), "deliver", [])) == []

    def test_every_notice_gets_an_answer_in_order(self) -> None:
        """Also those with odd or long texts."""
        self.needs("deliver")
        notices = self.notices()
        answers = self.call(self.fresh(), "deliver", notices)
        assert [answer.notice for answer in answers] == [notice.id for notice in notices]
        assert answers[0].status == "sent"

    def test_a_retry_is_no_error(self) -> None:
        """The same notice again is sent again or known to be sent, never refused."""
        self.needs("deliver")
        handle, notices = self.fresh(), [sample_notice("n-1")]
        for _ in range(2):
            (answer,) = self.call(handle, "deliver", notices)
            assert answer.status == "sent"

    def test_a_channel_that_is_down_says_so(self) -> None:
        """Nothing is called sent that was not."""
        broken = self.make_broken()
        if broken is None:
            pytest.skip("make_broken() gives none")
        handle = attrs.evolve(self.fresh(), provider=broken)
        try:
            answers = self.call(handle, "deliver", [sample_notice()])
        except PluginCallError:
            return
        for answer in answers:
            assert answer.status != "sent"
            assert answer.reason


class CheckConformance(Conformance):
    """Compliance check: define ``make``, and ``to_stop`` and ``to_clear`` with what you know the answer to."""

    family = "checks"

    def values(self, kind: str) -> Sequence[Any]:
        """Return ordinary and odd values of one kind of submission."""
        if kind == "message":
            texts = [
                "",
                "Good morning.",
                "\u60a8\u597d",
                "x" * 20_000,
                "\x00\u202e\U0001f600",
                "a\nb\tc",
                "%s {0} <b> ' \"",
            ]
            return [sample_message(text, f"m-{number}") for number, text in enumerate(texts)]
        if kind == "customer":
            return [sample_customer(), attrs.evolve(sample_customer("c-2"), name="\u5f20\u4e09", addresses=())]
        return ()

    def to_stop(self) -> Sequence[Submission]:
        """Return submissions that must not be cleared."""
        return ()

    def to_clear(self) -> Sequence[Submission]:
        """Return submissions that must be cleared."""
        return ()

    def test_states_a_kind(self) -> None:
        """A check that looks at nothing checks nothing."""
        assert self.fresh().stated["kinds"]

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch is no special case."""
        assert list(self.check([])) == []

    def test_odd_values_get_a_ruling(self) -> None:
        """Empty, long and strange texts are ruled on, one ruling each."""
        submissions = self._submissions()
        assert len(self.check(submissions)) == len(submissions)

    def test_each_submission_is_ruled_on_for_itself(self) -> None:
        """What else is in the batch changes nothing, and neither does the order."""
        submissions = self._submissions()
        alone = [self.check([submission])[0] for submission in submissions]
        assert list(self.check(submissions)) == alone
        assert list(self.check(submissions[::-1]))[::-1] == alone

    def test_same_answer_each_time(self) -> None:
        """The same submissions get the same rulings, from a used provider too."""
        handle, submissions = self.fresh(), self._submissions()
        assert list(self.call(handle, "check", submissions)) == list(self.call(handle, "check", submissions))

    def test_what_cannot_be_read_is_not_cleared(self) -> None:
        """A value that is not there raises or goes to a person: a check fails closed."""
        for kind in self.fresh().stated["kinds"]:
            try:
                (ruling,) = self.check([Submission(id="s-0", kind=kind, value=None, at=NINE)])
            except PluginError:
                continue
            assert ruling.outcome is not Outcome.CLEARED, kind

    def test_what_must_stop_is_not_cleared(self) -> None:
        """With grounds that name rule and source."""
        for ruling in self.check(_given(self.to_stop(), "to_stop")):
            assert ruling.outcome is not Outcome.CLEARED, ruling
            assert ruling.grounds, ruling
            assert all(ground.rule and ground.source for ground in ruling.grounds), ruling

    def test_what_must_be_cleared_is_cleared(self) -> None:
        """A check that stops everything is of no use."""
        for ruling in self.check(_given(self.to_clear(), "to_clear")):
            assert ruling.outcome is Outcome.CLEARED, ruling

    def test_rulings_are_plain_data(self) -> None:
        """Facts of grounds are JSON."""
        for ruling in self.check([*self._submissions(), *self.to_stop()]):
            json.dumps([dict(ground.facts) for ground in ruling.grounds], allow_nan=False)

    def check(self, submissions: Sequence[Submission]) -> Sequence[Ruling]:
        """Check with a new provider."""
        rulings: Sequence[Ruling] = self.call(self.fresh(), "check", submissions)
        return rulings

    def _submissions(self) -> list[Submission]:
        return [
            Submission(id=f"s-{kind}-{number}", kind=kind, value=value, at=NINE)
            for kind in self.fresh().stated["kinds"]
            for number, value in enumerate(self.values(kind))
        ]


def _given(found: Sequence[Any], name: str) -> list[Any]:
    if not found:
        pytest.skip(f"{name}() gives none")
    return list(found)


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


def _shuffled(table: Table) -> Table:
    # Every second row from the end, then the others: two rows already change places.
    rows = list(range(len(table)))
    return table.take([*rows[::-2], *rows[-2::-2]]) if rows else table


def _sorted_rows(table: Table) -> list[str]:
    return sorted(json.dumps({name: _rounded(value) for name, value in row.items()}) for row in table.rows())


def _rounded(value: Any) -> Any:
    # Sums in another order differ in the last bits.
    return f"{value:.9g}" if isinstance(value, float) else value


def _days_of(resolved: Resolved) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for table in (resolved.stays, resolved.signals):
        for row in table.rows():
            text = json.dumps({name: _rounded(value) for name, value in row.items()}, sort_keys=True)
            found.setdefault((row["rep"], row["date"]), []).append(text)
    return found


def _what_was_pulled(pages: Iterable[Pulled]) -> list[tuple[list[Any], list[Any], list[str], list[Any]]]:
    return [(list(page.customers), list(page.deals), list(page.gone), list(page.problems)) for page in pages]


def _keyed(findings: Iterable[Finding]) -> dict[tuple[str, str, str], Finding]:
    return {(finding.code, finding.subject, finding.instance): finding for finding in findings}
