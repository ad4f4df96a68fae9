"""An answer that breaks its contract is refused in the plugin's name, with the field and the count; a good one passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest

from fieldhr_core.errors import PluginContractError
from fieldhr_core.hooks import Delivery, Notice, Pulled
from fieldhr_core.hooks.contracts import CONTRACTS, misfit_of_table
from fieldhr_core.hooks.guard import Guard
from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.model import (
    FIXES,
    JUDGED,
    METRICS,
    POINTS,
    SIGNALS,
    STAYS,
    Address,
    Coded,
    Customer,
    Datum,
    Deal,
    Decoded,
    Envelope,
    Finding,
    Metric,
    Outcome,
    Position,
    Problem,
    RepDay,
    RepDays,
    Resolved,
    Ruling,
    Severity,
    Submission,
    Table,
)

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)


def ask(family: str, role: str, method: str, answer: Any, *args: Any, **stated: Any) -> Any:
    """Let a provider of acme.sample give *answer* and return it as the guard lets it through."""
    provider = SimpleNamespace(**{method: lambda *_: answer}, **stated)
    handle = ProviderHandle(plugin="acme.sample", family=family, role=role, name="sample", tenant="", provider=provider)
    return Guard().call(handle, method, *args)


def refused(family: str, role: str, method: str, answer: Any, *args: Any, **stated: Any) -> str:
    """Return what the guard says about an answer that it must refuse."""
    with pytest.raises(PluginContractError) as caught:
        ask(family, role, method, answer, *args, **stated)
    assert caught.value.code == "FHR-PLG-012"
    assert caught.value.message.startswith("acme.sample ")
    return caught.value.message


# -- decode ------------------------------------------------------------------------------------------------------

ENVELOPES = [Envelope(source="s")] * 2
POSITION = Position(device="d", time=NOON, lat=31.2, lon=121.4, datum=Datum.WGS84)
GOOD = Decoded(positions=(POSITION,))


def test_decoded_payloads_pass() -> None:
    answer = [GOOD, Decoded(ignored="status")]
    assert ask("locators", "decode", "decode", answer, ENVELOPES) is answer
    assert ask("locators", "decode", "decode", [GOOD, Decoded(rejected=Problem(code="x.y", message="m"))], ENVELOPES)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "returned nothing where a list of decoded payloads belongs"),
        (iter([GOOD, GOOD]), "list_iterator"),
        ("ab", "returned a str"),
        ([GOOD], "returned 1 decoded payloads for 2 envelopes"),
        ([GOOD, POSITION], "returned a Position among its decoded payloads, in row 1"),
        ([GOOD, Decoded()], "neither positions nor a reason for envelope 1"),
        ([GOOD, Decoded(positions=(POSITION,), ignored="x")], "more than one of positions"),
        ([GOOD, Decoded(rejected="no")], "without a Problem"),  # type: ignore[arg-type]
        ([GOOD, Decoded(positions=(attrs.evolve(POSITION, lat=91.0),))], "position 0 of envelope 1 with a coordinate"),
        ([GOOD, Decoded(positions=(attrs.evolve(POSITION, lon=float("nan")),))], "outside the globe"),
        ([GOOD, Decoded(positions=(attrs.evolve(POSITION, time=NOON.replace(tzinfo=None)),))], "without a zone"),
        ([GOOD, Decoded(positions=(attrs.evolve(POSITION, datum=None),))], "without a datum"),
        ([GOOD, Decoded(positions=(attrs.evolve(POSITION, accuracy_m=-1.0),))], "accuracy_m -1; unknown is None"),
        ([GOOD, Decoded(positions=(attrs.evolve(POSITION, speed_mps=float("nan")),))], "speed_mps not finite"),
        ([GOOD, Decoded(positions=(attrs.evolve(POSITION, battery_pct=101.0),))], "battery_pct 101"),
        ([GOOD, Decoded(positions=((31.2, 121.4),))], "as a tuple"),  # type: ignore[arg-type]
    ],
)
def test_wrong_decoded_payloads_are_refused(answer: Any, says: str) -> None:
    assert says in refused("locators", "decode", "decode", answer, ENVELOPES)


# -- resolve and judge -------------------------------------------------------------------------------------------

DAYS = RepDays(
    days=(RepDay(rep="r", date="2026-03-02", zone="Asia/Shanghai", duty_ms=()),),
    offsets=np.array([0, 3]),
    fixes=FIXES.table(time_ms=[NOON_MS, NOON_MS + 60_000, NOON_MS + 120_000], lat=[31.2] * 3, lon=[121.4] * 3),
)
STAY = {
    "rep": "r",
    "date": "2026-03-02",
    "start_ms": NOON_MS,
    "end_ms": NOON_MS + 120_000,
    "certain_s": 120.0,
    "possible_s": 120.0,
    "lat": 31.2,
    "lon": 121.4,
    "radius_m": 5.0,
    "fixes": 3,
    "accuracy_m": float("nan"),
    "verdict": "unknown",
    "reason": "stay.short",
    "confidence": 0.5,
}


def resolved(**changes: Any) -> Resolved:
    return Resolved(stays=STAYS.from_rows([STAY, STAY | changes]), signals=SIGNALS.empty())


def test_stays_pass_and_so_do_none() -> None:
    assert ask("locators", "resolve", "resolve", resolved(), DAYS, None, None)
    assert ask("locators", "resolve", "resolve", resolved(lat=float("nan"), lon=float("nan")), DAYS, None, None)
    nothing = Resolved(stays=STAYS.empty(), signals=SIGNALS.empty())
    assert ask("locators", "resolve", "resolve", nothing, DAYS, None, None) is nothing


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({}, "returned a dict where Resolved belongs"),
        (Resolved(stays=None, signals=SIGNALS.empty()), "returned nothing where a table of 'stays' belongs"),  # type: ignore[arg-type]
        (Resolved(stays=SIGNALS.empty(), signals=SIGNALS.empty()), "a table of 'signals' where one of 'stays'"),
        (resolved(rep="another"), "returned stays of a rep-day it was not asked about"),
        (resolved(date="2026-03-03"), "rep-day it was not asked about"),
        (resolved(end_ms=NOON_MS - 1), "stays that end before they start in row 1"),
        (resolved(start_ms=NOON_MS // 1000, end_ms=NOON_MS // 1000), "outside the time of the fixes in row 1; times are UTC milliseconds"),
        (resolved(verdict="maybe"), "stays.verdict 'maybe'; there are at, away, unknown"),
        (resolved(verdict=None), "left stays.verdict unsaid in row 1"),
        (resolved(confidence=1.5), "stays.confidence above 1 in row 1"),
        (resolved(certain_s=-1.0), "stays.certain_s below 0 in row 1"),
        (resolved(certain_s=float("nan")), "stays.certain_s that is not finite in row 1"),
        (resolved(nearest_m=float("inf")), "stays.nearest_m that is infinite in row 1"),
        (resolved(fixes=0), "stays.fixes below 1"),
    ],
)  # fmt: skip
def test_wrong_stays_are_refused(answer: Any, says: str) -> None:
    assert says in refused("locators", "resolve", "resolve", answer, DAYS, None, None)


def points(length: int) -> Table:
    return POINTS.table(
        rep=["r"] * length,
        customer=["c"] * length,
        time_ms=[NOON_MS] * length,
        lat=[31.2] * length,
        lon=[121.4] * length,
    )


def judged(length: int, verdict: str = "at") -> Table:
    return JUDGED.table(
        verdict=[verdict] * length, reason=["x"] * length, distance_m=[3.0] * length, place=[None] * length
    )


@pytest.mark.req("H3")
def test_forty_one_for_forty_two_is_said_in_these_words() -> None:
    assert ask("locators", "resolve", "judge", judged(42), points(42), None)
    text = refused("locators", "resolve", "judge", judged(41), points(42), None)
    assert text == "acme.sample returned 41 verdicts for 42 points."
    assert "'so-so'" in refused("locators", "resolve", "judge", judged(42, "so-so"), points(42), None)


# -- tables in general -------------------------------------------------------------------------------------------


def test_a_table_made_by_hand_is_looked_at_column_by_column() -> None:
    good = judged(2)
    columns = {name.name: good[name.name] for name in JUDGED.columns}

    def misfit(**changes: Any) -> str | None:
        return misfit_of_table(Table(JUDGED, columns | changes, 2), JUDGED)

    assert misfit() is None
    assert misfit(verdict=["at", "at"]) == "returned judged.verdict as plain values instead of coded ones"
    assert misfit(verdict=Coded(np.array([0, 7], "i4"), ("at",))) is not None
    assert "2 rows" in (misfit(verdict=Coded(np.array([0], "i4"), ("at",))) or "")
    assert misfit(distance_m=np.array([1, 2])) == "returned judged.distance_m that does not hold float"
    assert misfit(distance_m=np.array([1.0])) == "returned judged.distance_m with 1 values for 2 rows"
    assert misfit(distance_m=np.array([-1.0, float("nan")])) == "returned judged.distance_m below 0 in row 0"
    del columns["place"]
    assert misfit() == "left out the column judged.place"


# -- scorers -----------------------------------------------------------------------------------------------------

METRIC = (Metric(name="visits", unit="1", direction="up", doc="Visits."),)


def metrics(**changes: Any) -> Table:
    row = {"subject": "r", "metric": "visits", "value": 2.0, "exposure": 10.0, "low": 1.0, "high": 3.0}
    return METRICS.from_rows([row, row | {"subject": "s"} | changes])


def test_metrics_pass_and_unknown_is_nan() -> None:
    assert ask("scorers", "", "score", metrics(), None, metrics=METRIC)
    assert ask(
        "scorers", "", "score", metrics(value=float("nan"), low=float("nan"), high=float("nan")), None, metrics=METRIC
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"metric": "other"}, "metrics.metric 'other'; there are visits"),
        ({"subject": None}, "left metrics.subject unsaid in row 1"),
        ({"subject": "r"}, "returned 1 rows for a subject and metric that it had already measured"),
        ({"value": float("inf")}, "metrics.value that is infinite in row 1"),
        ({"exposure": float("nan")}, "metrics.exposure that is not finite"),
        ({"exposure": -1.0}, "metrics.exposure below 0"),
        ({"low": 2.5}, "a value outside its own interval in row 1"),
    ],
)
def test_wrong_metrics_are_refused(changes: dict[str, Any], says: str) -> None:
    assert says in refused("scorers", "", "score", metrics(**changes), None, metrics=METRIC)


# -- connectors --------------------------------------------------------------------------------------------------

ADDRESS = Address(id="a", lat=31.2, lon=121.4, datum=Datum.GCJ02)


def customer(address: Address) -> Customer:
    return Customer(id="c", name="n", addresses=(address,))


def test_what_was_pulled_passes() -> None:
    deal = Deal(id="d", rep="r", customer="c", product="p", stage="s", opened=NOON)
    assert ask(
        "connectors", "", "pull", Pulled(customers=[customer(ADDRESS)], deals=[deal], cursor="7", more=True), None
    )
    assert ask("connectors", "", "pull", Pulled(customers=[customer(Address(id="a"))]), None)
    assert ask("connectors", "", "push", [], None) == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([], "returned a list where Pulled belongs"),
        (Pulled(more=True), "there is more, without a cursor"),
        (Pulled(cursor=7), "returned a int as cursor"),  # type: ignore[arg-type]
        (Pulled(customers=[{"id": "c"}]), "a dict among its customers"),  # type: ignore[list-item]
        (Pulled(customers=(c for c in ())), "a generator where a list of customers"),  # type: ignore[arg-type]
        (Pulled(customers=[customer(attrs.evolve(ADDRESS, lat=None))]), "half a coordinate"),
        (Pulled(customers=[customer(attrs.evolve(ADDRESS, datum=None))]), "no datum"),
        (Pulled(customers=[customer(attrs.evolve(ADDRESS, lat=121.4, lon=31.2))]), "outside the globe"),
    ],
)
def test_wrong_pulls_are_refused(answer: Any, says: str) -> None:
    assert says in refused("connectors", "", "pull", answer, None)


# -- alerters ----------------------------------------------------------------------------------------------------

FINDING = Finding(
    code="acme.late",
    subject_kind="rep",
    subject="r",
    rep="r",
    instance="1",
    opened_at=NOON,
    severity=Severity.LOW,
    confidence=0.5,
    rule="late",
    version="1",
)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"code": "acme.early"}, "raised 'acme.early', which is not among its codes (acme.late)"),
        ({"severity": "low"}, "which is no Severity"),
        ({"confidence": 1.01}, "between 0 and 1"),
        ({"confidence": float("nan")}, "between 0 and 1"),
        ({"opened_at": NOON.replace(tzinfo=None)}, "without a zone"),
        ({"closed_at": NOON.replace(tzinfo=None)}, "without a zone"),
        ({"closed_at": NOON - timedelta(seconds=1)}, "closes before it opens"),
        ({"instance": "1"}, "raised one instance of 'acme.late' twice"),
    ],
)
def test_wrong_findings_are_refused(changes: dict[str, Any], says: str) -> None:
    good = [FINDING, attrs.evolve(FINDING, instance="2", closed_at=NOON)]
    assert ask("alerters", "find", "find", good, None, codes=("acme.late",)) is good
    if isinstance(changes.get("severity"), str) and not isinstance(changes["severity"], Severity):
        changes = {"severity": "x" + changes["severity"]}
    bad = [FINDING, attrs.evolve(FINDING, **{"instance": "2"} | changes)]
    assert says in refused("alerters", "find", "find", bad, None, codes=("acme.late",))


NOTICES = [
    Notice(id=id_, case="c", code="x", severity="low", to="m", language="en", title="t", body="b") for id_ in ("1", "2")
]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([Delivery(notice="1", status="sent")], "returned 1 deliveries for 2 notices"),
        ([Delivery(notice="2", status="sent"), Delivery(notice="1", status="sent")], "another notice in row 0"),
        ([Delivery(notice="1", status="sent"), Delivery(notice="2", status="ok")], "the status 'ok' in row 1"),
    ],
)
def test_wrong_deliveries_are_refused(answer: Any, says: str) -> None:
    good = [Delivery(notice="1", status="sent"), Delivery(notice="2", status="retry", reason="busy")]
    assert ask("alerters", "deliver", "deliver", good, NOTICES) is good
    assert says in refused("alerters", "deliver", "deliver", answer, NOTICES)


# -- checks ------------------------------------------------------------------------------------------------------

SUBMISSIONS = [Submission(id=id_, kind="message", value=None, at=NOON) for id_ in ("1", "2")]
CLEARED = [Ruling(submission=id_, outcome=Outcome.CLEARED) for id_ in ("1", "2")]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (CLEARED[:1], "returned 1 rulings for 2 submissions"),
        (CLEARED[::-1], "ruled on another submission in row 0"),
        ([CLEARED[0], attrs.evolve(CLEARED[1], outcome="fine")], "the outcome 'fine' in row 1"),
        ([CLEARED[0], attrs.evolve(CLEARED[1], findings=(FINDING,))], "cleared row 1 and raised findings"),
        ([CLEARED[0], Ruling(submission="2", outcome=Outcome.STOP, findings=("x",))], "as no Finding in row 1"),  # type: ignore[arg-type]
        ([CLEARED[0], Ruling(submission="2", outcome=Outcome.STOP, findings=(attrs.evolve(FINDING, confidence=2.0),))], "between 0 and 1 in row 1"),
    ],
)  # fmt: skip
def test_wrong_rulings_are_refused(answer: Any, says: str) -> None:
    assert ask("checks", "", "check", CLEARED, SUBMISSIONS) is CLEARED
    assert says in refused("checks", "", "check", answer, SUBMISSIONS)


def test_every_method_of_every_provider_has_a_contract() -> None:
    from fieldhr_core.hooks import providers
    from fieldhr_core.hooks.contracts import OPTIONAL, STATEMENTS

    protocols: dict[tuple[str, str], Any] = {
        ("locators", "decode"): providers.Decoder,
        ("locators", "resolve"): providers.Resolver,
        ("connectors", ""): providers.Connector,
        ("scorers", ""): providers.Scorer,
        ("scorers", "compose"): providers.Composer,
        ("scorers", "trace"): providers.Tracer,
        ("alerters", "find"): providers.Alerter,
        ("alerters", "deliver"): providers.Channel,
        ("checks", ""): providers.Check,
    }
    for place, protocol in protocols.items():
        members = {name for name in vars(protocol) if not name.startswith("_")}
        contracts = {
            method for family, role, method in CONTRACTS if (family, role) == place and (*place, method) not in OPTIONAL
        }
        assert members == contracts | set(STATEMENTS.get(place, ())), place
