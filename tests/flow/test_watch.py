"""The house watches itself: every alert at its moment, and a near miss for each."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, ConfigError, PluginError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.hooks import Offer, PluginInfo, Pulled, hookimpl
from fieldhr_core.model import METRICS, Customer, Metric, Period, Person, Principal, Role
from fieldhr_core.trust.keys import EphemeralKeys

START = datetime(2026, 3, 2, 2, tzinfo=UTC)
ADMIN = Principal(tenant="bank", id="host", role=Role.ADMIN)
REP = Principal(tenant="bank", id="u-r1", role=Role.REP, person="r1")
MANAGER = Principal(tenant="bank", id="u-m1", role=Role.MANAGER, person="m1")


class Flaky:
    """A connector that is down while it is told to be."""

    down = False
    pulled = 0
    source = "flaky"

    def pull(self, _cursor: str | None) -> Pulled:
        if Flaky.down:
            raise ConnectionError
        Flaky.pulled += 1
        return Pulled(customers=(Customer(id=f"new-{Flaky.pulled}", name="n", owner="r1"),), cursor=str(Flaky.pulled))

    def push(self, _visits: Any) -> list[Any]:
        return []


class Moody:
    """A scorer that raises, answers nonsense, or works, as it is told to."""

    mood = "well"
    metrics = (Metric(name="moody", unit="", direction="none", doc="A mood."),)

    def score(self, _tables: Any) -> Any:
        if Moody.mood == "raises":
            raise RuntimeError
        return METRICS.empty() if Moody.mood == "well" else "nonsense"


class Quiet:
    metrics = (Metric(name="quiet", unit="", direction="none", doc="A figure."),)

    def score(self, _tables: Any) -> Any:
        return METRICS.table(subject=["r1"], metric=["quiet"], value=[0.5], exposure=[1.0], low=[0.1], high=[0.9])


class Plugin:
    PLUGIN = PluginInfo(name="acme.flaky", version="1", summary="Fails when told to.", purposes=("integration",))

    @hookimpl
    def fieldhr_register_connectors(self) -> Any:
        return [Offer("flaky", lambda _: Flaky())]

    @hookimpl
    def fieldhr_register_scorers(self) -> Any:
        return [Offer("moody", lambda _: Moody()), Offer("quiet", lambda _: Quiet())]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
def hr(database_url: str, clock: FrozenClock) -> Iterator[FieldHR]:
    Flaky.down, Flaky.pulled, Moody.mood = False, 0, "well"
    with FieldHR.open(database_url, plugins=[Plugin()], autoload=False, clock=clock, keys=EphemeralKeys()) as runtime:
        for tenant in ("bank", "insurer"):
            runtime.tenants.create(tenant, name=tenant)
            with runtime.acting_as(Principal(tenant=tenant, id="host", role=Role.ADMIN), purpose="operations") as desk:
                people = [Person(id="m1", name="m", role="manager")]
                desk.people.put([*people, *(Person(id=rep, name=rep, manager="m1") for rep in ("r1", "r2"))])
                mark = "" if tenant == "bank" else "i-"
                desk.customers.put(
                    [Customer(id=f"{mark}c{n}", name=f"n{n}", owner="r1" if n < 40 else "r2") for n in range(120)]
                )
        yield runtime


@pytest.fixture
def cases(hr: FieldHR) -> Callable[[str], list[Any]]:
    def found(code: str) -> list[Any]:
        with hr.acting_as(ADMIN, purpose="operations") as desk:
            return desk.alerts.list(code=code)

    return found


def minute(hr: FieldHR, clock: FrozenClock, **more: float) -> None:
    hr.advance(clock.now() + timedelta(**(more or {"minutes": 1})))


@pytest.mark.req("E7", "H3")
@pytest.mark.scenario("O03")
def test_a_source_that_is_down_is_told_once_and_closed(hr: FieldHR, clock: FrozenClock, cases: Any) -> None:
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        desk.sources.pull("flaky")
        Flaky.down = True
        for _ in range(180):
            with pytest.raises(PluginError):
                desk.sources.pull("flaky")
            minute(hr, clock)
        down = cases("ops.connector_down")
        assert len(down) == 1
        finding = down[0].finding
        assert finding.opened_at <= START + timedelta(minutes=2), "within two minutes"
        assert (finding.subject_kind, finding.subject, finding.severity) == ("source", "flaky", "medium")
        assert finding.closed_at is None
        assert len(desk.customers.list()) == 121, "what is known of its customers stays"
        Flaky.down = False
        hr._house.guard.reset()
        desk.sources.pull("flaky")
        minute(hr, clock)
        assert [case.finding.closed_at for case in cases("ops.connector_down")] == [clock.now()]
        assert len(desk.customers.list()) == 122, "and it is caught up with"


@pytest.mark.scenario("O03")
def test_one_failed_request_is_no_source_down(hr: FieldHR, clock: FrozenClock, cases: Any) -> None:
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        Flaky.down = True
        with pytest.raises(PluginError):
            desk.sources.pull("flaky")
        minute(hr, clock)
        Flaky.down = False
        desk.sources.pull("flaky")
        minute(hr, clock)
    assert cases("ops.connector_down") == []


@pytest.mark.req("H3")
@pytest.mark.scenario("O04")
def test_a_plugins_fault_is_told_once_per_kind_and_the_others_go_on(
    hr: FieldHR, clock: FrozenClock, cases: Any
) -> None:
    day = START.date()
    with hr.acting_as(ADMIN, purpose="performance") as desk:
        well = list(desk.scores.measure(Period(day, day)).rows())
        assert len(well) == 1
        for mood in ["raises", "nonsense", "well"] * 5:
            Moody.mood = mood
            hr._house.guard.reset()
            assert list(desk.scores.measure(Period(day, day)).rows()) == well
            minute(hr, clock)
    found = cases("ops.plugin_fault")
    assert sorted(case.finding.instance for case in found) == ["raised", "shape"]
    assert {(case.finding.subject, case.finding.severity) for case in found} == {("acme.flaky", "medium")}


@pytest.mark.req("E2", "E3")
@pytest.mark.scenario("O05")
def test_a_list_that_is_walked_off_with(hr: FieldHR, clock: FrozenClock, cases: Any) -> None:
    with hr.acting_as(REP, purpose="customer_care") as desk:
        for step in range(460):
            if step % 20 == 0:
                minute(hr, clock, seconds=52)
            if step % 23 == 7:
                for n in range(3):
                    with pytest.raises(AccessError) as refused:
                        desk.customers.get(f"c{40 + (step + n) % 80}")
                    assert refused.value.code == "FHR-ACC-001"
            else:
                desk.customers.get(f"c{step % 40}")
        minute(hr, clock)
    found = cases("security.bulk_read")
    assert len(found) == 1
    finding = found[0].finding
    assert (finding.subject_kind, finding.subject, finding.rep, finding.severity) == ("rep", "r1", "r1", "high")
    assert finding.params["records"] > 100
    assert [audience.value for audience in finding.audience] == ["compliance"]
    with hr.acting_as(ADMIN, purpose="audit") as desk:
        refused = [event for event in desk.trail.list(limit=100_000) if event.action == "access.refused"]
    assert len(refused) == 60
    assert all(event.actor == "u-r1" and event.object.startswith("c") for event in refused)


@pytest.mark.scenario("O05")
def test_a_managers_report_and_a_busy_day_are_no_theft(hr: FieldHR, clock: FrozenClock, cases: Any) -> None:
    with hr.acting_as(MANAGER, purpose="performance") as desk:
        for _ in range(4):
            assert len(desk.customers.list()) == 120
    with hr.acting_as(REP, purpose="customer_care") as desk:
        for step in range(100):
            desk.customers.get(f"c{step % 40}")
        for step in range(30):
            with pytest.raises(AccessError):
                desk.customers.get(f"c{40 + step}")
    minute(hr, clock)
    assert cases("security.bulk_read") == []
    minute(hr, clock, minutes=25)
    with hr.acting_as(REP, purpose="customer_care") as desk:
        for step in range(60):
            desk.customers.get(f"c{step % 40}")
    minute(hr, clock)
    assert cases("security.bulk_read") == [], "the windows are twenty minutes each"


@pytest.mark.scenario("O05")
def test_somebody_who_always_opens_much_is_measured_by_that(hr: FieldHR, clock: FrozenClock, cases: Any) -> None:
    with hr.acting_as(REP, purpose="customer_care") as desk:
        for _ in range(2):
            desk.customers.list()
        minute(hr, clock, days=1)
        for _ in range(10):
            desk.customers.list()
        minute(hr, clock)
        assert cases("security.bulk_read") == []
        desk.customers.get("c1")
        minute(hr, clock)
    assert len(cases("security.bulk_read")) == 1


@pytest.mark.req("E2")
@pytest.mark.scenario("O06")
def test_ids_of_another_tenant_are_refused_alike_and_told_once(hr: FieldHR, clock: FrozenClock, cases: Any) -> None:
    said = set()
    with hr.acting_as(REP, purpose="customer_care") as desk:
        for n in range(1_000):
            if n % 100 == 0:
                minute(hr, clock)
            with pytest.raises(AccessError) as refused:
                desk.customers.get(f"i-c{n}")  # the first 120 exist over there
            said.add(str(refused.value))
        minute(hr, clock)
    assert len(said) == 1
    found = cases("security.cross_tenant")
    assert len(found) == 1
    assert (found[0].finding.subject, found[0].finding.severity) == ("u-r1", "high")
    assert "insurer" not in json.dumps(found[0].finding.params)
    with hr.acting_as(Principal(tenant="insurer", id="h", role=Role.ADMIN), purpose="operations") as desk:
        assert desk.alerts.list() == []


@pytest.mark.scenario("O06")
def test_some_stale_ids_are_none(hr: FieldHR, clock: FrozenClock, cases: Any) -> None:
    with hr.acting_as(REP, purpose="customer_care") as desk:
        for n in range(1_000):
            with contextlib.suppress(AccessError):
                desk.customers.get(f"gone-{n % 50}")
    minute(hr, clock)
    assert cases("security.cross_tenant") == []


def test_limits_are_a_tenants_to_set(hr: FieldHR, clock: FrozenClock, cases: Any) -> None:
    hr.tenants.configure("bank", {"watch": {"strange_ids": 3}})
    with hr.acting_as(REP, purpose="customer_care") as desk:
        for n in range(4):
            with pytest.raises(AccessError):
                desk.customers.get(f"x{n}")
    minute(hr, clock)
    assert len(cases("security.cross_tenant")) == 1
    for wrong in ({"strange_ids": 0}, {"strange": 3}, {"records": "many"}):
        with pytest.raises(ConfigError) as refused:
            hr.tenants.configure("bank", {"watch": wrong})
        assert refused.value.code == "FHR-CFG-001"


def test_looking_again_tells_nothing_twice(hr: FieldHR, clock: FrozenClock, cases: Any) -> None:
    with hr.acting_as(REP, purpose="customer_care") as desk:
        for n in range(60):
            with pytest.raises(AccessError):
                desk.customers.get(f"x{n}")
    for _ in range(5):
        minute(hr, clock)
    assert len(cases("security.cross_tenant")) == 1
    assert len(cases("security.cross_tenant")[0].history) == 1


def test_every_alert_of_the_house_has_its_words() -> None:
    from importlib.resources import files

    texts = json.loads(files("fieldhr_core.flow").joinpath("messages.json").read_text("utf-8"))
    for code in ("ops.connector_down", "ops.plugin_fault", "security.bulk_read", "security.cross_tenant"):
        assert {"en", "zh-Hans"} <= set(texts[code])
