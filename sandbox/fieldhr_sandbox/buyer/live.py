"""Live evidence: what a trial's running product is asked after it was fed, and what it answered.

Each question tries the thing itself - somebody else's record is asked for, the database file is searched, the trail is
proved - and belongs to a row of what was promised. Nothing here reads the answer key.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import AccessError, FieldhrError
from fieldhr_core.model import Datum, Period, Principal, Role

if TYPE_CHECKING:
    from fieldhr_core.runtime import FieldHR
    from fieldhr_sandbox.tenant import Tenant

__all__ = ["Proof", "Scene", "ask", "proofs"]

#: How many of everything is tried; enough to be right, few enough not to be waited for.
_TRIES: Final = 20


@attrs.frozen(kw_only=True)
class Proof:
    """One question and its answer.

    Attributes:
        row: what was promised (``E2``).
        key: of the sentence in ``buyer/words.json``; facts: what it holds.
        holds: whether the answer is the one that was promised.
    """

    row: str
    key: str
    facts: Mapping[str, Any]
    holds: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class Scene:
    """A tenant that was fed, and the runtime it lives in."""

    hr: FieldHR
    tenant: Tenant
    store: Path | None

    def principal(self, role: Role, person: str = "") -> Principal:
        """Return somebody of the tenant."""
        return Principal(tenant=self.tenant.id, id=f"trial-{role.value}", role=role, person=person or None)

    @property
    def last_day(self) -> date:
        """The last working day."""
        return self.tenant.days.date(self.tenant.days.working()[-1])


def proofs(scene: Scene) -> list[Proof]:
    """Ask everything; an error of the product is an answer that does not hold."""
    found: list[Proof] = []
    for row, ask in _QUESTIONS:
        try:
            found += [attrs.evolve(proof, row=row) for proof in ask(scene)]
        except FieldhrError as failure:
            found.append(Proof(row=row, key="failed", facts={"code": failure.code}, holds=False))
    return found


def _said(key: str, *, holds: bool, **facts: Any) -> Proof:
    return Proof(row="", key=key, facts=facts, holds=holds)


def _timed(work: Callable[[], Any], times: int = _TRIES) -> tuple[float, float]:
    """Return the median and the longest of several runs, in milliseconds."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - begun))
    return round(statistics.median(taken), 1), round(max(taken), 1)


def _check_in(scene: Scene) -> Iterator[Proof]:
    """A3, I6: a check-in is answered with the customer's name and need."""
    from fieldhr_core.model import CheckIn

    rep = scene.tenant.world.reps[0]
    spot = rep.customers[0]
    lat, lon = scene.tenant.world.frame.to_degrees(spot.x, spot.y)
    at = scene.tenant.days.instant(scene.tenant.days.working()[-1], 10 * 3600 + 1800)
    answers = []

    def tap(number: int) -> None:
        with scene.hr.acting_as(scene.principal(Role.REP, rep.id), purpose="visits") as desk:
            answers.extend(
                desk.visits.check_in(
                    [
                        CheckIn(
                            id=f"trial-tap-{number}",
                            rep=rep.id,
                            customer=str(spot.customer),
                            time=at,
                            lat=lat,
                            lon=lon,
                            datum=Datum.WGS84,
                            accuracy_m=12.0,
                        )
                    ]
                )
            )

    numbers = iter(range(_TRIES))
    median, longest = _timed(lambda: tap(next(numbers)))
    named = all(answer.customer_name and answer.need for answer in answers)
    yield _said("check_in", holds=named and median < 300, count=_TRIES, median_ms=median, longest_ms=longest)


def _day_report(scene: Scene) -> Iterator[Proof]:
    """A5: any day of anybody is there at once, with unknown time shown as such."""
    reps = scene.tenant.world.reps
    working = scene.tenant.days.working()
    picks = iter([(reps[n * 7 % len(reps)], working[n * 3 % len(working)]) for n in range(_TRIES)])
    stays = []
    with scene.hr.acting_as(scene.principal(Role.ADMIN), purpose="operations") as desk:

        def look() -> None:
            rep, day = next(picks)
            stays.append(len(desk.reports.day(rep.id, scene.tenant.days.date(day)).stays))

        median, longest = _timed(look)
    yield _said("day_report", holds=sum(stays) > 0, count=_TRIES, median_ms=median, longest_ms=longest)


def _metrics(scene: Scene) -> Iterator[Proof]:
    """A6, B1: measured for rep, team, branch and the whole house."""
    period = Period(scene.tenant.days.date(0), scene.last_day)
    with scene.hr.acting_as(scene.principal(Role.ADMIN), purpose="operations") as desk:
        table = desk.scores.measure(period)
    names = sorted({name for name in table["metric"] if name is not None})
    yield _said("metrics", holds=len(names) >= 4, count=len(names), rows=len(table))


def _cases(scene: Scene) -> Iterator[Proof]:
    """C8: every alert is a case that names what it rests on, and is computed again to the same bytes."""
    with scene.hr.acting_as(scene.principal(Role.ADMIN), purpose="supervision") as desk:
        cases = [case for case in desk.alerts.list() if case.state.value != "withdrawn"]
        lacking = [case for case in cases if not any(each.ids for each in case.finding.evidence)]
        picked = cases[:: max(1, len(cases) // _TRIES)][:_TRIES]
        again = [desk.alerts.replay(case.id) for case in picked]
    known = [replay for replay in again if replay.recomputed is not None]
    equal = sum(replay.equal for replay in known)
    yield _said(
        "cases",
        holds=not lacking and equal == len(known),
        count=len(cases),
        replayed=len(known),
        equal=equal,
        elsewhere=len(again) - len(known),
    )


def _sealed(scene: Scene) -> Iterator[Proof]:
    """E1: no name, need or number of a customer stands in the database's file."""
    if scene.store is None:
        return
    customers = list(scene.tenant.world.customers.values())[:200]
    canaries = [value.encode() for one in customers for value in (one.name, *one.identifiers.values()) if value]
    body = b"".join(
        path.read_bytes() for path in sorted(scene.store.parent.glob(scene.store.name + "*")) if _is_data(path)
    )
    found = sum(canary in body for canary in canaries)
    yield _said("sealed", holds=found == 0, count=len(canaries), found=found, mb=round(len(body) / 1e6, 1))


def _is_data(path: Path) -> bool:
    return not path.name.endswith(".keys")


def _scope(scene: Scene) -> Iterator[Proof]:
    """E2: a rep asks for the days of colleagues, and a stranger for anything."""
    reps = scene.tenant.world.reps
    own, others = reps[0], reps[1 : 1 + _TRIES]
    customers = [spot.customer for rep in others for spot in rep.customers[:2]]
    refused = tried = 0
    with scene.hr.acting_as(scene.principal(Role.REP, own.id), purpose="operations") as desk:
        for rep in others:
            tried += 1
            refused += _is_refused(partial(desk.reports.day, rep.id, scene.last_day))
        for customer in customers:
            tried += 1
            refused += _is_refused(partial(desk.customers.get, str(customer)))
        seen = {case.finding.rep for case in desk.alerts.list()} - {own.id, None}
    stranger = Principal(tenant="another-house", id="stranger", role=Role.ADMIN)
    with scene.hr.acting_as(stranger, purpose="operations") as desk:
        for rep in others:
            tried += 1
            refused += _is_refused(partial(desk.reports.day, rep.id, scene.last_day))
    yield _said("scope", holds=refused == tried and not seen, tried=tried, refused=refused)


def _is_refused(work: Callable[[], Any]) -> bool:
    try:
        work()
    except AccessError:
        return True
    return False


def _trail(scene: Scene) -> Iterator[Proof]:
    """E3: the audit trail is proved from its first event to its last."""
    with scene.hr.acting_as(scene.principal(Role.AUDITOR), purpose="audit") as desk:
        begun = time.perf_counter()
        chain = desk.trail.verify()
        seconds = time.perf_counter() - begun
    yield _said("trail", holds=chain.broken is None, events=chain.events, seconds=round(seconds, 1))


def _drill(scene: Scene) -> Iterator[Proof]:
    """E4: a copy is destroyed and restored from its encrypted backup."""
    if scene.store is None:
        return
    done = scene.hr.care.drill()
    yield _said(
        "drill",
        holds=done.digest_equal,
        rto_s=round(done.rto_s, 2),
        rpo_s=round(done.rpo_s, 2),
        mb=round(done.bytes / 1e6, 1),
    )


def _own_view(scene: Scene) -> Iterator[Proof]:
    """E6: a rep gets everything that is held about them, and who looked."""
    rep = scene.tenant.world.reps[0]
    with scene.hr.acting_as(scene.principal(Role.REP, rep.id), purpose="subject_access") as desk:
        begun = time.perf_counter()
        size = len(desk.subject.view(rep.id).as_json())
        seconds = time.perf_counter() - begun
    yield _said("own_view", holds=size > 0, kb=round(size / 1000), seconds=round(seconds, 2))


def _guest(scene: Scene) -> Iterator[Proof]:
    """G1: everything lies in tables of our own prefix."""
    if scene.store is None:
        return
    import sqlite3

    with sqlite3.connect(f"file:{scene.store}?mode=ro", uri=True) as connection:
        names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    ours = [name for name in names if name.startswith(("fieldhr_", "sqlite_"))]
    yield _said("tables", holds=len(ours) == len(names), count=len(names))


def _plugins(scene: Scene) -> Iterator[Proof]:
    """H1: what is built in came in through the hooks, as a stranger's would."""
    reports = scene.hr.plugins
    families = sorted({family for report in reports for family in report.families})
    idle = [report.name for report in reports if report.status.value != "active"]
    yield _said("plugins", holds=not idle, count=len(reports), families=", ".join(families))


def _faults(scene: Scene) -> Iterator[Proof]:
    """H3: what plugins did wrong was contained, and is named."""
    faults = scene.hr.faults
    yield _said("faults", holds=not faults, count=sum(fault.count for fault in faults))


_QUESTIONS: Final[tuple[tuple[str, Callable[[Scene], Iterator[Proof]]], ...]] = (
    ("A3", _check_in),
    ("A5", _day_report),
    ("A6", _metrics),
    ("B1", _metrics),
    ("C8", _cases),
    ("E1", _sealed),
    ("E2", _scope),
    ("E3", _trail),
    ("E4", _drill),
    ("E6", _own_view),
    ("G1", _guest),
    ("H1", _plugins),
    ("H3", _faults),
)


def ask(hr: FieldHR, tenant: Tenant, store: Path | None) -> dict[str, Any]:
    """Return the live evidence of a trial, for its document: ``proofs``, and ``safety`` from the evidence checks."""
    from fieldhr_sandbox.buyer.speech import LANGUAGES

    found = proofs(Scene(hr=hr, tenant=tenant, store=store))
    evidence = hr.care.acting("fieldhr.trial").evidence(drill=False)  # the drill is among the proofs
    rows = {
        language: [
            {name: record[name] for name in ("standard", "clause", "title", "status")}
            for record in (row.as_record(language) for row in evidence.rows)
        ]
        for language in LANGUAGES
    }
    counts = evidence.counts
    found.append(
        Proof(
            row="E5",
            key="controls",
            facts={"passed": counts["pass"], "failed": counts["fail"], "all": sum(counts.values())},
            holds=not counts["fail"],
        )
    )
    return {
        "proofs": [proof.as_json() for proof in found],
        "safety": {"counts": dict(evidence.counts), "rows": rows, "sha256": evidence.sha256},
    }
