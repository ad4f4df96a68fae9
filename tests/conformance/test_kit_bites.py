"""The kit itself: a good provider of each kind passes, and each fault it is meant to find makes a test of it fail."""

from __future__ import annotations

import hypothesis  # noqa: F401 - pytester forgets modules that its inner run imported first; numpy bears that badly
import numpy as np  # noqa: F401
import pytest

import fieldhr_core.testing.conformance  # noqa: F401

pytest_plugins = ["pytester"]

#: A provider of each kind that does everything right, its conformance class, and faults: each changes a piece of the
#: source and must make the named test fail.
HEAD = """
import datetime, json
from fieldhr_core.hooks import Delivery, Pulled
from fieldhr_core.model import *
from fieldhr_core.testing import *
NOON = datetime.datetime(2026, 3, 2, 4, tzinfo=datetime.UTC)
"""

DECODER = """
class Provider:
    def decode(self, envelopes, /):
        return [self.one(envelope) for envelope in envelopes]
    def one(self, envelope):
        try:
            found = json.loads(envelope.body)
            position = Position(device="d", time=NOON, lat=float(found["lat"]), lon=float(found["lon"]), datum=Datum.WGS84)
            assert -90 <= position.lat <= 90 and -180 <= position.lon <= 180
        except Exception as cause:
            return Decoded(rejected=Problem(code="x.y", message="m"))
        return Decoded(positions=[position])

class TestIt(DecoderConformance):
    def make(self): return Provider()
    def samples(self): return [sample_envelope("x", b'{"lat": 1, "lon": 2}'), sample_envelope("x", b'{"lat": 3, "lon": 2}')]
    def bad(self): return [sample_envelope("x", b'{}')]
"""

RESOLVER = """
class Provider:
    def resolve(self, days, places, outings, /):
        rows = []
        for number, day in enumerate(days.days):
            fixes = days.fixes_of(number)
            if len(fixes) < 30: continue
            start, end = int(fixes["time_ms"][0]), int(fixes["time_ms"][-1])
            rows.append(dict(rep=day.rep, date=day.date, start_ms=start, end_ms=end, certain_s=1.0, possible_s=2.0,
                lat=float(fixes["lat"][0]), lon=2.0, radius_m=1.0, fixes=len(fixes), accuracy_m=3.0, verdict="unknown",
                reason="x", confidence=0.5))
        return Resolved(stays=STAYS.from_rows(rows), signals=SIGNALS.empty())
    def judge(self, points, places, /):
        verdicts = ["unknown" for _ in range(len(points))]
        return JUDGED.table(verdict=verdicts, reason=["x"] * len(points), distance_m=[1.0] * len(points), place=[None] * len(points))

class TestIt(ResolverConformance):
    capabilities = frozenset({"homes"})
    def make(self): return Provider()
"""

CONNECTOR = """
class Provider:
    source = {str(n): f"name-{n}" for n in range(5)}
    def pull(self, cursor, /):
        first = int(cursor or 0)
        ids = list(self.source)[first:first + 2]
        customers = [Customer(id=id_, name=self.source[id_]) for id_ in ids]
        return Pulled(customers=customers, cursor=str(first + len(ids)), more=first + 2 < len(self.source))
    def push(self, visits, /):
        return [Problem(code="x.read_only", message="m")] * len(visits)

class Broken(Provider):
    def pull(self, cursor, /): raise OSError

class TestIt(ConnectorConformance):
    capabilities = frozenset({"incremental"})
    def make(self): return Provider()
    def make_broken(self): return Broken()
"""

SCORER = """
class Provider:
    metrics = (Metric(name="x.days", unit="days", direction="up", doc="Days."),)
    def score(self, tables, /):
        reps = sorted(set(tables[PEOPLE]["rep"]))
        days = [float(tables[DUTY_DAYS]["rep"].where(rep).sum()) for rep in reps]
        return METRICS.table(subject=reps, metric=["x.days"] * len(reps), value=days, exposure=days)

class TestIt(ScorerConformance):
    def make(self): return Provider()
"""

ALERTER = """
class Provider:
    codes, cadence, days = ("x.away",), "live", 1
    def find(self, tables, /):
        rows = [row for row in tables[CHECKINS].sort("time_ms").rows() if row["verdict"] == "away"]
        return [Finding(code="x.away", subject_kind="rep", subject=row["rep"], rep=row["rep"], instance=row["checkin"],
            opened_at=NOON, severity=Severity.LOW, confidence=0.5, rule="x", version="1",
            evidence=(Evidence(kind="checkin", ids=(row["checkin"],)),)) for row in rows]

class TestIt(AlerterConformance):
    def make(self): return Provider()
    def alarming(self):
        checkins = sample_tables(days=1)[CHECKINS]
        return FakeTables(checkins.replace(verdict=Coded.same("away", len(checkins))))
"""

CHANNEL = """
class Provider:
    def __init__(self, up=True): self.up = up
    def deliver(self, notices, /):
        return [Delivery(notice=n.id, status="sent") if self.up else Delivery(notice=n.id, status="retry", reason="down") for n in notices]

class TestIt(ChannelConformance):
    capabilities = frozenset({"deliver"})
    def make(self): return Provider()
    def make_broken(self): return Provider(up=False)
"""

CHECK = """
class Provider:
    kinds = ("message", "customer")
    def check(self, submissions, /):
        return [self.one(submission) for submission in submissions]
    def one(self, submission):
        text = submission.value.text if submission.kind == "message" else submission.value.name
        if "bad" not in text:
            return Ruling(submission=submission.id, outcome=Outcome.CLEARED)
        ground = Ground(code="x", verdict="stop", severity="high", rule="r", source="s")
        return Ruling(submission=submission.id, outcome=Outcome.STOP, grounds=(ground,))

class TestIt(CheckConformance):
    def make(self): return Provider()
    def to_stop(self): return [Submission(id="s", kind="message", value=sample_message("bad"), at=NOON)]
    def to_clear(self): return [Submission(id="s", kind="message", value=sample_message("good"), at=NOON)]
"""

KINDS = {
    "decoder": DECODER,
    "resolver": RESOLVER,
    "connector": CONNECTOR,
    "scorer": SCORER,
    "alerter": ALERTER,
    "channel": CHANNEL,
    "check": CHECK,
}

#: kind, what is replaced, by what, test that must fail.
FAULTS = [
    ("decoder", "except Exception", "except KeyError", "test_any_bytes_are_answered_not_raised"),
    ("decoder", "except Exception", "except KeyError", "test_junk_is_answered_not_raised"),
    ("decoder", "except Exception", "except KeyError", "test_damaged_samples_are_answered_not_raised"),
    ("decoder", "assert -90", "assert 1 or -90", "test_junk_is_answered_not_raised"),
    ("decoder", "[self.one(envelope) for", "[self.one(envelopes[0]) for", "test_each_payload_is_decoded_for_itself"),
    ("decoder", "for envelope in envelopes]", "for envelope in envelopes] or [Decoded(ignored='x')]", "test_nothing_in_nothing_out"),
    ("decoder", "lat=float(", "lat=getattr(self, 'n', 0) + (setattr(self, 'n', 1) or 0) + float(", "test_same_answer_each_time"),
    ("decoder", "return Decoded(rejected=Problem(code=\"x.y\", message=\"m\"))", "return Decoded(ignored='x')", "test_bad_payloads_are_rejected"),
    ("decoder", "def decode(", "def decode_all(", "test_has_what_its_family_needs"),
    ("decoder", "{\"lat\": 1,", "{\"lot\": 1,", "test_samples_hold_positions"),
    ("decoder", "def samples", "capabilities = frozenset({'fast'})\n    def samples", "test_capabilities_are_known"),
    ("resolver", "< 30: continue", "< 30: fixes = days.fixes", "test_a_day_without_a_fix_has_no_stay"),
    ("resolver", "< 30", "< 300", "test_standing_still_is_a_stay"),
    ("resolver", "if len(fixes) < 30: continue", "if number: continue", "test_each_day_is_resolved_for_itself"),
    ("resolver", '["unknown" for _', '["at" for _', "test_a_point_far_away_is_not_at_the_customer"),
    ("resolver", '["unknown" for _ in range(len(points))]', '["at"] + ["away"] * (len(points) - 1)', "test_points_are_judged_row_for_row"),
    ("resolver", "{\"homes\"}", "{'verdicts'}", "test_doubt_is_unknown"),
    ("resolver", "{\"homes\"}", "{'verdicts'}", "test_an_hour_at_the_customer_is_at"),
    ("resolver", 'reason="x", conf', 'reason="x", place="p-home", conf', "test_a_home_is_its_own_reps_only"),
    ("resolver", 'verdict="unknown"', 'verdict="away"', "test_a_home_is_its_own_reps_only"),
    ("connector", "more=first + 2 <", "more=1 <", "test_pulling_ends"),
    ("connector", "list(self.source)[first:first + 2]", "list(self.source)[:2]", "test_brings_customers_once_each"),
    ("connector", "list(self.source)[first:first + 2]", "list(self.source)[first:first + 2] or ['0']", "test_nothing_new_brings_nothing"),
    ("connector", "cursor=str(first", "cursor=(first", "test_pulling_ends"),
    ("connector", "* len(visits)", "* min(1, len(visits))", "test_a_read_only_source_says_so_for_every_row"),
    ("connector", "* len(visits)", "* (len(visits) or 1)", "test_nothing_to_push_is_no_problem"),
    ("connector", "raise OSError", "return Pulled()", "test_a_source_that_is_down_raises"),
    ("connector", "cursor=str(first + len(ids)),", "cursor=str(first + len(ids)), problems=[Problem(code='a.b', message='name-0 is odd')],", "test_problems_tell_without_naming_people"),
    ("connector", "source = {", "seen = []\n    @property\n    def source(self): self.seen.append(1); return {str(n + len(self.seen)): 'x' for n in range(5)}\n    unused = {", "test_same_answer_each_time"),
    ("scorer", "sorted(set(tables[PEOPLE][\"rep\"]))", "['r-9', *set(tables[PEOPLE]['rep'])]", "test_nothing_is_known_of_nothing"),
    ("scorer", "value=days", "value=[float('nan')] * len(reps)", "test_measures_the_sample"),
    ("scorer", "sorted(set(tables[PEOPLE][\"rep\"]))", "list(tables[PEOPLE]['rep'])[:1]", "test_order_of_rows_does_not_matter"),
    ("scorer", "unit=\"days\"", "unit=\"\"", "test_metrics_are_described"),
    ("scorer", "value=days", "value=[day + len(self.__dict__.setdefault('seen', [])) + (self.seen.append(1) or 0) for day in days]", "test_same_answer_each_time"),
    ("scorer", "[\"x.days\"]", "[\"x.other\"]", "test_measures_the_sample"),
    ("alerter", "return [Finding(", "rows = rows or [{'rep': 'r', 'checkin': 'k'}]; return [Finding(", "test_nothing_is_found_in_nothing"),
    ("alerter", "== \"away\"", "!= \"away\"", "test_an_ordinary_week_is_quiet"),
    ("alerter", "== \"away\"", "== \"else\"", "test_what_must_be_found_is_found"),
    ("alerter", "ids=(row[\"checkin\"],)", "ids=()", "test_findings_rest_on_evidence"),
    ("alerter", "rule=\"x\"", "rule=\"x\", params={'at': NOON}", "test_findings_are_plain_data"),
    ("alerter", "rows = [", "self.n = getattr(self, 'n', 0) + 1; rows = [] if self.n > 1 else [", "test_same_answer_each_time"),
    ("alerter", ".sort(\"time_ms\").rows() if", ".rows() if not hasattr(self, 'x') and not setattr(self, 'x', 1) if", "test_order_of_rows_does_not_matter"),
    ("alerter", "\"live\"", "\"often\"", "test_has_what_its_family_needs"),
    ("channel", "for n in notices]", "for n in notices[::-1]]", "test_every_notice_gets_an_answer_in_order"),
    ("channel", "\"retry\", reason=\"down\"", "\"retry\"", "test_a_channel_that_is_down_says_so"),
    ("channel", "if self.up else", "if True else", "test_a_channel_that_is_down_says_so"),
    ("channel", "return [Delivery", "self.n = getattr(self, 'n', 0) + 1\n        if self.n > 1: return [Delivery(notice=n.id, status='refused') for n in notices]\n        return [Delivery", "test_a_retry_is_no_error"),
    ("check", "text = submission", "if submission.value is None: return Ruling(submission=submission.id, outcome=Outcome.CLEARED)\n        text = submission", "test_what_cannot_be_read_is_not_cleared"),
    ("check", "\"bad\" not in text", "True", "test_what_must_stop_is_not_cleared"),
    ("check", "\"bad\" not in text", "False", "test_what_must_be_cleared_is_cleared"),
    ("check", "for submission in submissions]", "for submission in submissions[:1]]", "test_odd_values_get_a_ruling"),
    ("check", "\"bad\" not in text", "(self.__dict__.setdefault('n', []).append(1) or len(self.n) % 2)", "test_each_submission_is_ruled_on_for_itself"),
    ("check", "\"bad\" not in text", "(self.__dict__.setdefault('n', []).append(1) or len(self.n) < 5)", "test_same_answer_each_time"),
    ("check", "source=\"s\"", "source=\"s\", facts={'at': NOON}", "test_rulings_are_plain_data"),
    ("check", "(\"message\", \"customer\")", "()", "test_states_a_kind"),
]  # fmt: skip


def run_kit(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    pytester.makeconftest("pytest_plugins = ['fieldhr_core.testing.pytest_plugin']")
    pytester.makepyfile(test_it=HEAD + source)
    return pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", *options)


@pytest.mark.req("H2")
@pytest.mark.parametrize("kind", KINDS)
def test_a_good_provider_passes(kind: str, pytester: pytest.Pytester) -> None:
    outcome = run_kit(pytester, KINDS[kind])
    counts = outcome.parseoutcomes()
    assert "failed" not in counts, outcome.stdout.str()
    assert "errors" not in counts, outcome.stdout.str()
    assert counts["passed"] >= 6


@pytest.mark.req("H2")
@pytest.mark.parametrize(("kind", "good", "bad", "test"), FAULTS)
def test_a_fault_is_found(kind: str, good: str, bad: str, test: str, pytester: pytest.Pytester) -> None:
    assert good in KINDS[kind]
    outcome = run_kit(pytester, KINDS[kind].replace(good, bad, 1), "-k", test)
    counts = outcome.parseoutcomes()
    assert counts.get("failed", 0) >= 1, outcome.stdout.str()
    assert "errors" not in counts, outcome.stdout.str()


def test_what_is_skipped_says_why(pytester: pytest.Pytester) -> None:
    outcome = run_kit(pytester, RESOLVER, "-rs")
    outcome.stdout.fnmatch_lines(["SKIPPED*does not declare 'silence': time without fixes*"])
    outcome = run_kit(pytester, ALERTER.partition("    def alarming")[0], "-rs")
    outcome.stdout.fnmatch_lines(["SKIPPED*alarming() gives none*"])


def test_a_class_without_make_says_so(pytester: pytest.Pytester) -> None:
    outcome = run_kit(pytester, "class TestIt(ScorerConformance): pass")
    outcome.stdout.fnmatch_lines(["*TestIt defines no make()*"])


def test_assertions_of_the_kit_show_what_differed(pytester: pytest.Pytester) -> None:
    source = ALERTER.replace('== "away"', '!= "away"')
    outcome = pytester_subprocess(pytester, source)
    outcome.stdout.fnmatch_lines(["*Left contains * more item*"])


def pytester_subprocess(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    # In this process the kit is imported already, too late to be rewritten.
    pytester.makeconftest("pytest_plugins = ['fieldhr_core.testing.pytest_plugin']")
    pytester.makepyfile(test_it=HEAD + source)
    return pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", "-k", "ordinary_week")


def test_two_classes_can_share_the_kit(pytester: pytest.Pytester) -> None:
    outcome = run_kit(pytester, DECODER + "class TestAgain(TestIt): pass")
    assert "failed" not in outcome.parseoutcomes(), outcome.stdout.str()
