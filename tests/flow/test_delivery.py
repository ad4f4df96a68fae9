"""From a case to its recipients: at least once, in their time and language, and no storm drowns what matters."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.errors import ConfigError
from fieldhr_core.flow.cases import move, raise_findings
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.hooks import Delivery, Notice, Offer, PluginInfo, hookimpl
from fieldhr_core.model import (
    Audience,
    CaseState,
    CaseStep,
    Customer,
    Finding,
    FollowUp,
    Person,
    Principal,
    Role,
    Severity,
)
from fieldhr_core.trust.keys import EphemeralKeys

START = datetime(2026, 3, 2, 2, tzinfo=UTC)  # 10:00 in Shanghai
ADMIN = Principal(tenant="bank", id="host", role=Role.ADMIN)
#: How often a delivering process is killed; a hundred times takes about four minutes.
KILLS = int(os.environ.get("FIELDHR_TEST_KILLS", "5"))


@attrs.define(eq=False)
class Post:
    """A channel that keeps what it is given, and fails when told to."""

    got: list[tuple[datetime, Notice]] = attrs.field(factory=list)
    broken: bool = False
    clock: Any = None
    PLUGIN = PluginInfo(name="test.post", version="1", summary="keeps notices")

    @hookimpl
    def fieldhr_register_alerters(self, context: Any) -> list[Any]:
        del context
        return [Offer("post", lambda _: self, role="deliver"), Offer("other", lambda _: Other(self), role="deliver")]

    def deliver(self, notices: Sequence[Notice], /) -> Sequence[Delivery]:
        if self.broken:
            return [Delivery(notice=each.id, status="retry", reason="test.broken") for each in notices]
        self.got += [(self.clock.now(), each) for each in notices]
        return [Delivery(notice=each.id, status="sent") for each in notices]

    def titles(self) -> list[str]:
        return [notice.title for _, notice in self.got]


@attrs.define(eq=False)
class Other:
    """Another channel, which always works."""

    post: Post

    def deliver(self, notices: Sequence[Notice], /) -> Sequence[Delivery]:
        self.post.got += [(self.post.clock.now(), each) for each in notices]
        return [Delivery(notice=each.id, status="sent") for each in notices]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
def post(clock: FrozenClock) -> Post:
    return Post(clock=clock)


@pytest.fixture
def hr(clock: FrozenClock, post: Post, sqlite_url: str) -> Iterator[FieldHR]:
    with FieldHR.open(sqlite_url, clock=clock, keys=EphemeralKeys(), plugins=[post], autoload=False) as runtime:
        yield runtime


def settle(hr: FieldHR, routes: Sequence[dict[str, Any]], reps: int = 1, **delivery: Any) -> None:
    hr.tenants.create("bank", name="Bank of Nowhere", settings={"routes": list(routes), "delivery": delivery})
    with hr.acting_as(ADMIN, purpose="administration") as desk:
        desk.people.put(
            [
                Person(
                    id="m1", name="Mo", role="manager", manager="h1", language="zh-Hans", contact={"email": "mo@b.cn"}
                ),
                Person(id="h1", name="He", role="head", contact={"email": "he@b.cn"}),
                *(
                    Person(id=f"r{n}", name=f"R{n}", manager="m1", contact={"email": f"r{n}@b.cn"}, language="ja")
                    for n in range(reps)
                ),
            ]
        )


def finding(n: int = 0, rep: str = "r0", **changes: Any) -> Finding:
    facts: dict[str, Any] = {
        "code": "track.offsite_dwell",
        "subject_kind": "rep",
        "subject": rep,
        "rep": rep,
        "instance": f"i{n}",
        "opened_at": START,
        "severity": Severity.MEDIUM,
        "confidence": 0.9,
        "rule": "test",
        "version": "1",
        **changes,
    }
    return Finding(**facts)


def raised(hr: FieldHR, *findings: Finding) -> list[str]:
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        acting = desk.alerts._acting
        with acting.unit() as unit:
            return raise_findings(acting, unit, findings, origin="test")


def outbox(hr: FieldHR) -> dict[str, int]:
    with hr.unsafe_as_system(reason="test") as connection:
        table = hr._open_house().tables.outbox
        rows = connection.execute(sa.select(table.c.state, sa.func.count()).group_by(table.c.state))
        return {row[0]: row[1] for row in rows}


# -- to whom, when, in which language --------------------------------------------------------------------------------


@pytest.mark.req("C8")
def test_the_owner_is_written_to_in_their_language_and_the_next_level_after_the_deadline(
    hr: FieldHR, post: Post, clock: FrozenClock
) -> None:
    settle(hr, [{"channel": "post", "person": "owner", "by": "email"}])
    raised(hr, finding(severity=Severity.HIGH))
    hr.advance()
    hr.advance(to=START + timedelta(days=5))
    assert [(notice.to, notice.language) for _, notice in post.got] == [("mo@b.cn", "zh-Hans"), ("he@b.cn", "en")]
    assert "nobody took a step" in post.got[1][1].body.lower()
    assert post.got[0][1].id != post.got[1][1].id


def test_a_rep_is_written_to_only_of_what_they_may_know(hr: FieldHR, post: Post) -> None:
    settle(hr, [{"channel": "post", "person": "rep"}])
    raised(
        hr,
        finding(1),
        finding(2, audience=(Audience.REP, Audience.MANAGER)),
        finding(3, audience=(Audience.COMPLIANCE,)),
    )
    hr.advance()
    assert [notice.to for _, notice in post.got] == ["r0@b.cn"]


@pytest.mark.req("C8")
def test_at_night_only_what_is_urgent_goes_out(hr: FieldHR, post: Post, clock: FrozenClock) -> None:
    settle(hr, [{"channel": "post", "to": "all"}], quiet_hours=["20:00", "08:00"])
    clock.advance(START + timedelta(hours=12))  # 22:00
    raised(hr, finding(1), finding(2, severity=Severity.HIGH))
    hr.advance()
    assert [notice.severity for _, notice in post.got] == ["high"]
    hr.advance(to=START + timedelta(hours=21, minutes=59))
    assert len(post.got) == 1
    hr.advance(to=START + timedelta(hours=22))  # 08:00
    assert [notice.severity for _, notice in post.got] == ["high", "medium"]


@pytest.mark.req("C8")
def test_what_is_minor_waits_for_the_daily_digest(hr: FieldHR, post: Post, clock: FrozenClock) -> None:
    settle(hr, [{"channel": "post", "to": "all"}], digest_up_to="low", digest_at="17:00")
    raised(hr, *(finding(n, severity=Severity.LOW) for n in range(3)), finding(9))
    hr.advance()
    assert [notice.severity for _, notice in post.got] == ["medium"]
    hr.advance(to=START + timedelta(hours=7))
    digest = post.got[1][1]
    assert digest.title == "3 alert(s)"
    assert len(digest.facts["cases"]) == 3
    assert outbox(hr) == {"sent": 2, "gathered": 3}


def test_a_recipient_gets_no_more_in_a_minute_than_asked_for_but_what_is_critical(
    hr: FieldHR, post: Post, clock: FrozenClock
) -> None:
    settle(hr, [{"channel": "post", "to": "all"}], per_minute=5)
    raised(hr, *(finding(n) for n in range(12)), finding(99, severity=Severity.CRITICAL))
    hr.advance()
    assert [notice.severity for _, notice in post.got] == ["critical", *["medium"] * 4]
    for minute in range(1, 4):
        hr.advance(to=START + timedelta(minutes=minute, seconds=minute))
    assert len(post.got) == 13


@pytest.mark.req("C8")
def test_what_is_taken_back_is_not_sent_or_said_to_be_taken_back(hr: FieldHR, post: Post, clock: FrozenClock) -> None:
    settle(hr, [{"channel": "post", "to": "all"}])
    cases = raised(hr, finding(1))
    hr.advance()
    cases += raised(hr, finding(2))
    with hr.acting_as(ADMIN, purpose="operations") as desk, desk.alerts._acting.unit() as unit:
        move(desk.alerts._acting, unit, cases, CaseState.WITHDRAWN, CaseStep.WITHDRAW.value, "late data")
    hr.advance()
    assert [notice.case for _, notice in post.got] == [cases[0]] * 2
    assert post.got[1][1].body.startswith("Withdrawn")
    assert outbox(hr) == {"sent": 2, "dropped": 1}


def test_pacing_that_makes_no_sense_is_refused(hr: FieldHR) -> None:
    for wrong in (
        {"quiet_hours": ["25:00", "08:00"]},
        {"quiet_hours": ["20:00"]},
        {"digest_up_to": "all"},
        {"per_minute": 0},
    ):
        with pytest.raises(ConfigError, match="FHR-CFG-001"):
            hr.tenants.create("x", name="x", settings={"delivery": wrong})


def test_routes_that_lead_nowhere_are_refused_before_an_alert_takes_them(hr: FieldHR) -> None:
    for wrong in (
        "all",
        [{"to": "x"}],
        [{"channel": "post"}],
        [{"channel": "post", "person": "boss"}],
        [{"channel": "post", "to": "x", "min_severity": "huge"}],
        [{"channel": "post", "to": "x", "audience": "everybody"}],
    ):
        with pytest.raises(ConfigError, match="FHR-CFG-001"):
            hr.tenants.create("x", name="x", settings={"routes": wrong})


# -- storms and outages ----------------------------------------------------------------------------------------------


@pytest.mark.req("C6", "C8")
@pytest.mark.scenario("O09")
def test_4000_alerts_of_a_wrong_threshold_are_one_notice_and_one_digest(
    hr: FieldHR, post: Post, clock: FrozenClock
) -> None:
    settle(
        hr, [{"channel": "post", "person": "owner"}, {"channel": "other", "to": "admin", "audience": "admin"}], reps=20
    )
    for batch in range(40):  # 100 every 90 seconds
        raised(hr, *(finding(1000 * batch + n, rep=f"r{n % 20}") for n in range(100)))
        if batch == 30:
            raised(hr, finding(77, code="aml.hit", severity=Severity.CRITICAL, audience=(Audience.MANAGER,)))
            critical_at = clock.now()
        hr.advance(to=clock.now() + timedelta(seconds=90))
    hr.advance(to=START + timedelta(hours=2))
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        storms = desk.alerts.list(code="ops.alert_storm")
    [storm] = storms
    assert storm.finding.severity is Severity.HIGH
    assert storm.finding.subject == "track.offsite_dwell"
    limit_reached = START + timedelta(seconds=2 * 90)  # the 201st case
    assert limit_reached <= storm.finding.opened_at <= limit_reached + timedelta(minutes=5)
    [sent_at] = [at for at, notice in post.got if notice.code == "aml.hit"]
    assert sent_at - critical_at <= timedelta(seconds=90)
    singles = [notice for _, notice in post.got if notice.code == "track.offsite_dwell" and notice.case]
    digests = [notice for _, notice in post.got if notice.code == "track.offsite_dwell" and not notice.case]
    assert len(singles) <= 200
    assert [notice.to for notice in digests] == ["mo@b.cn"]
    assert len(singles) + sum(len(notice.facts["cases"]) for notice in digests) == 4000
    assert [notice.to for _, notice in post.got if notice.code == "ops.alert_storm"] == ["admin"]


@pytest.mark.scenario("O09")
def test_as_many_alerts_as_there_may_be_are_no_storm(hr: FieldHR, post: Post) -> None:
    settle(hr, [{"channel": "post", "to": "all"}], per_minute=1000)
    raised(hr, *(finding(n) for n in range(200)))
    hr.advance()
    assert len(post.got) == 200
    raised(hr, finding(200, code="visit.unsupported"))
    hr.advance()
    assert len(post.got) == 201
    assert "ops.alert_storm" not in {notice.code for _, notice in post.got}


@pytest.mark.req("C8")
def test_a_dead_channel_is_named_through_another_tried_again_and_its_end_noted(
    hr: FieldHR, post: Post, clock: FrozenClock
) -> None:
    settle(hr, [{"channel": "post", "to": "all"}, {"channel": "other", "to": "admin", "audience": "admin"}])
    post.broken = True
    raised(hr, finding(1))
    waits = [0, 30, 120, 600]
    at = START
    for wait in waits:
        at += timedelta(seconds=wait)
        hr.advance(to=at)
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        [down] = desk.alerts.list(code="ops.channel_down")
    assert (down.finding.subject, down.finding.closed_at) == ("post", None)
    assert down.finding.evidence[0].facts == {"reason": "test.broken"}
    assert [notice.code for _, notice in post.got] == ["ops.channel_down"]
    post.broken = False
    hr.advance(to=at + timedelta(hours=1))
    assert sorted(notice.code for _, notice in post.got[1:]) == ["ops.channel_down", "track.offsite_dwell"]
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        [down] = desk.alerts.list(code="ops.channel_down")
    assert down.finding.closed_at == at + timedelta(hours=1)


# -- killed at any instant -------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Receivers:
    """A real HTTP server and a real SMTP server on this machine; each takes its time."""

    posted: list[tuple[str, bytes]] = attrs.field(factory=list)
    mailed: list[tuple[str, bytes]] = attrs.field(factory=list)
    http_port: int = 0
    smtp_port: int = 0


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    from aiosmtpd.controller import Controller

    found = Receivers()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(0.004)
            found.posted.append((self.headers["Idempotency-Key"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Mailbox:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            header = next(line for line in envelope.content.splitlines() if line.lower().startswith(b"message-id:"))
            found.mailed.append((header.decode(), envelope.content))
            return "250 taken"

    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    mail = Controller(Mailbox(), hostname="127.0.0.1", port=0)
    # Port 0 asks for any free port, and the controller only knows its own once it runs.
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        mail.port = free.getsockname()[1]
    found.http_port, found.smtp_port = hook.server_address[1], mail.port
    thread = threading.Thread(target=hook.serve_forever, daemon=True)
    thread.start()
    mail.start()
    yield found
    mail.stop()
    hook.shutdown()
    hook.server_close()
    thread.join()


def kill_often(receivers: Receivers, folder: Path, kills: int, cases: int, seed: int = 7) -> tuple[int, int]:
    """Deliver *cases* with *kills* processes that die at random instants. Return arrivals by HTTP and by SMTP."""
    url = f"sqlite:///{folder / 'fieldhr.db'}"
    start = datetime(2026, 3, 2, 10, tzinfo=UTC)
    settings = {
        "routes": [
            {"channel": "webhook", "to": f"http://127.0.0.1:{receivers.http_port}/hook"},
            {"channel": "email", "to": "ops@bank.example"},
        ],
        "delivery": {"per_minute": 100_000, "storm_per_hour": 100_000},
        "fieldhr.channels": {
            "webhook": {"allow_http": True, "allowed_hosts": ["127.0.0.1"]},
            "email": {
                "host": "127.0.0.1",
                "port": receivers.smtp_port,
                "security": "none",
                "sender": "alerts@bank.example",
                "allowed_hosts": ["127.0.0.1"],
            },
        },
    }
    plugins = ["fieldhr_plugins.channels"]
    with FieldHR.open(url, clock=FrozenClock(start), plugins=plugins, autoload=False) as hr:
        hr.tenants.create("bank", name="Bank of Nowhere", settings=settings)
        raised(hr, *(finding(n, opened_at=start) for n in range(cases)))
    draw = random.Random(seed)
    program = str(Path(__file__).with_name("delivering.py"))
    for number in range(kills + 1):
        child = subprocess.Popen(
            [sys.executable, program, url, str(60 * number)], stdout=subprocess.PIPE, text=True, cwd=folder
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        if number < kills:
            enough = len(receivers.posted) + len(receivers.mailed) + draw.randint(1, 60)
            while len(receivers.posted) + len(receivers.mailed) < enough and child.poll() is None:
                time.sleep(0.002)
            child.kill()
            child.wait()
        else:
            assert child.stdout.readline() == "done\n"
            assert child.wait() == 0
        child.stdout.close()
    for arrivals in (receivers.posted, receivers.mailed):
        by_id: dict[str, set[bytes]] = {}
        for ident, body in arrivals:
            by_id.setdefault(ident, set()).add(body)
        assert len(by_id) == cases
        assert all(len(bodies) == 1 for bodies in by_id.values())
    with FieldHR.open(url, clock=FrozenClock(start), plugins=plugins, autoload=False) as hr:
        assert outbox(hr) == {"sent": 2 * cases}
    return len(receivers.posted), len(receivers.mailed)


@pytest.mark.req("C8")
def test_killed_while_delivering_every_message_arrives_and_is_recognisable(
    receivers: Receivers, tmp_path: Path
) -> None:
    posted, mailed = kill_often(receivers, tmp_path, kills=KILLS, cases=10 * KILLS)
    assert posted + mailed > 20 * KILLS  # something was in flight when it was killed, and came again as the same


def test_a_webhook_says_whose_it_is_in_a_body_that_never_changes(receivers: Receivers, tmp_path: Path) -> None:
    kill_often(receivers, tmp_path, kills=0, cases=1)
    [(key, body)] = receivers.posted
    assert json.loads(body)["id"] == key
    assert len(key) == 32
    assert hashlib.sha256(body).hexdigest()


@pytest.mark.req("C5", "C8")
@pytest.mark.scenario("B01")
def test_a_run_of_silent_days_is_told_on_day_3_5_and_10_and_not_daily(
    sqlite_url: str, clock: FrozenClock, post: Post
) -> None:
    plugins = [post, "fieldhr_plugins.behaviour"]
    with FieldHR.open(sqlite_url, clock=clock, keys=EphemeralKeys(), plugins=plugins, autoload=False) as hr:
        hr.tenants.create(
            "bank",
            name="Bank of Nowhere",
            settings={"routes": [{"channel": "post", "to": "all"}], "cases": {"deadline_h": {}}},
        )
        with hr.acting_as(ADMIN, purpose="administration") as desk:
            desk.people.put([Person(id="r0", name="R", manager="m1"), Person(id="m1", name="M", role="manager")])
            desk.customers.put([Customer(id="c1", name="Z", owner="r0")])
            at = clock.now()
            note = {"rep": "r0", "customer": "c1", "kind": "call", "start": at, "end": at, "written": at}
            desk.visits.write([FollowUp(id="f1", received=at, **note)])
        for day in range(1, 17):
            hr.advance(to=START + timedelta(days=day, hours=9))
    told = [(at, notice) for at, notice in post.got if notice.code == "behaviour.no_followup"]
    days = [at.astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat() for at, _ in told]
    # The first record is Monday's; silent are the days from Tuesday the 3rd on.
    assert days == ["2026-03-05", "2026-03-09", "2026-03-16"]
    assert len({notice.case for _, notice in told}) == 1
