"""A whole trial: build, feed, collect, mark, and put everything a report needs into one JSON document."""

from __future__ import annotations

import hashlib
import json
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_core.model import Case
from fieldhr_core.trust.retention import PROFILES
from fieldhr_sandbox.answers import AnswerKey, canonical, open_sealed, seal
from fieldhr_sandbox.campaigns import campaign_marks
from fieldhr_sandbox.comparison import COMPARED, at_most_half, compare, comparison_row
from fieldhr_sandbox.dialled import compare_dials
from fieldhr_sandbox.feed import Fed, feed, opening_instant, principal
from fieldhr_sandbox.incidents import incidents
from fieldhr_sandbox.marking import Alert, Marks, Verdict, mark, mark_code, match
from fieldhr_sandbox.packs import pack
from fieldhr_sandbox.production import fixes_of
from fieldhr_sandbox.showcase import showcase
from fieldhr_sandbox.shown import compare_shown
from fieldhr_sandbox.tenant import Tenant, build

if TYPE_CHECKING:
    from fieldhr_core.runtime import FieldHR

__all__ = ["Ask", "Trial", "alert_of", "read_report", "reveal_trial", "run_trial", "save_report", "summary"]

REPORT: Final = "report.json"
#: The store of a trial that was given no other.
DATABASE: Final = "trial.db"
#: Beside the database: signed checkpoints of the audit trail.
WITNESS: Final = "trial.witness"
#: Retention profile of a trial that is no longer than fixes are kept as they came.
PROFILE: Final = "CN"
#: How our own resolver is called in a comparison.
OWN_RULE: Final = "fieldhr"
#: A plugin's call may take this long in a trial; the longest of ours takes a few hundred milliseconds.
CALL_LIMIT_S: Final = 10.0
#: Second of the day after the last one at which incidents begin: a little after the feed's last instant.
INCIDENTS_AT_S: Final = 9 * 3600


#: Asks a runtime that was fed with a tenant; the path is its SQLite file, where it is one of the trial's own.
Ask = Callable[["FieldHR", Tenant, "Path | None"], Mapping[str, Any]]


@attrs.frozen(kw_only=True)
class Trial:
    """What came out: the document that is written as ``report.json``."""

    document: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether the marks reach the pack's bar; a sealed trial has no marks and has not failed."""
        return bool(self.document["passed"]) or bool(self.document["sealed"])


def run_trial(
    name: str,
    *,
    seed: int = 1,
    out: Path,
    db: str | None = None,
    blind: bool = False,
    workers: int = 1,
    plugins: Sequence[Any] | None = None,
    autoload: bool = True,
    settings: Mapping[str, Any] | None = None,
    call_limit_s: float = CALL_LIMIT_S,
    progress: Callable[[str], None] | None = None,
    ask: Ask | None = None,
) -> Trial:
    """Run one pack and write ``report.json`` to *out*.

    Args:
        name: of the pack.
        seed: any integer from 0.
        out: folder, created if needed; a database of an earlier trial in it is replaced.
        db: database URL; ``None`` = a SQLite file in *out*.
        blind: seal the answer key and do not mark; :func:`reveal_trial` does.
        workers: processes that make fixes.
        plugins, autoload, settings, call_limit_s: for the runtime.
        progress: told one line at a time.
        ask: what else to ask of the product once it was fed; its answers go into the document.

    Raises:
        SandboxError: FHR-SBX-001 for an unknown pack or an impossible seed or number of workers.
    """
    if seed < 0 or workers < 1:
        raise SandboxError(f"Seed {seed} or {workers} workers are out of range.", code="FHR-SBX-001")
    tell = progress or (lambda _: None)
    chosen = pack(name)
    out.mkdir(parents=True, exist_ok=True)
    clock = _Stopwatch()
    tenant = build(chosen, seed, blind=blind)
    key_sha256 = tenant.key.sha256
    clock.lap("build")
    tell(f"key sha256 {key_sha256}")
    if blind:
        seal(tenant.key, out)
    with fixes_of(tenant, workers, blind=blind) as fixes:
        cases, fed, plugin_rows = _product(tenant, fixes, out, db, plugins, autoload, settings, call_limit_s, tell, ask)
        clock.lap("feed_and_detect")
        alerts = [alert_of(case) for case in cases]
        tables = tenant.tables(fixes.digest)
    clock.lap("digest")
    document: dict[str, Any] = {
        "format": 1,
        "simulated": True,
        "pack": chosen.name,
        "title": chosen.title,
        "recipe": tenant.recipe.title,
        "city": tenant.world.city,
        "seed": seed,
        "blind": blind,
        "sealed": blind,
        "tenant": tenant.id,
        "size": _size(tenant, fed),
        "key_sha256": key_sha256,
        "tables": tables,
        "digest": _digest(tables, cases),
        "bar": attrs.asdict(chosen.bar),
        "plugins": plugin_rows,
        "dials": plugin_rows.pop("dials"),
        "shown": plugin_rows.pop("shown"),
        "alerts": [_alert_row(case) for case in cases],
        **plugin_rows.pop("answers"),
    }
    if blind:
        document |= {"passed": False, "marks": None}
    else:
        document |= _marked(tenant, alerts, tenant.key, fed.receipt.reasons)
    clock.lap("mark")
    if not blind:
        document["passed"] = document["passed"] and all(row["holds"] for row in document["dials"])
        document["passed"] = document["passed"] and not any(row["holds"] is False for row in document["shown"])
    if not blind and chosen.ladder:
        document["ladder"] = _climbed(tenant, out, plugins, autoload, settings, call_limit_s, tell)
        document["passed"] = document["passed"] and all(step["holds"] for step in document["ladder"])
        clock.lap("ladder")
    if not blind and chosen.beside:
        document["comparison"] = _compared(tenant, alerts, tenant.key, plugins, autoload, call_limit_s)
        clock.lap("comparison")
    if not blind and chosen.incidents and db is None:
        tell("incidents")
        document["incidents"] = incidents(
            out / DATABASE,
            tenant.id,
            seed=seed,
            at=tenant.days.instant(tenant.days.count, INCIDENTS_AT_S),
            folder=out,
        )
        document["passed"] = document["passed"] and all(row["holds"] for row in document["incidents"])
        clock.lap("incidents")
    document["seconds"], document["day_seconds"] = clock.laps(), fed.day_seconds
    document["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    _write(out, document)
    return Trial(document=document)


def reveal_trial(out: Path) -> Trial:
    """Open the sealed key in *out*, check its digest, mark the alerts that were raised, and write the report again.

    Raises:
        SandboxError: FHR-SBX-002 where there is no sealed trial in *out*, or its key is not the one that was shown.
    """
    document = read_report(out)
    if not document.get("blind"):
        raise SandboxError(f"The trial in {out} was not run blind.", code="FHR-SBX-002")
    key = open_sealed(out, document["key_sha256"])
    tenant = build(pack(document["pack"]), document["seed"], blind=True)
    alerts = [_alert_from(row) for row in document["alerts"]]
    document = {**document, **_marked(tenant, alerts, key, document["size"]["fixes"]["reasons"]), "sealed": False}
    if tenant.pack.beside:
        document["comparison"] = _compared(tenant, alerts, key, None, True, CALL_LIMIT_S)
    _write(out, document)
    return Trial(document=document)


def read_report(out: Path) -> dict[str, Any]:
    """Return the document of a trial.

    Raises:
        SandboxError: FHR-SBX-002 where *out* holds none.
    """
    try:
        document: dict[str, Any] = json.loads((out / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise SandboxError(
            f"There is no report of a trial in {out}.",
            code="FHR-SBX-002",
            hint="Run: fieldhr trial run smoke --out DIR",
        ) from cause
    return document


def save_report(out: Path, document: Mapping[str, Any]) -> None:
    """Write the document of a trial into its folder."""
    _write(out, document)


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last line of ``fieldhr trial run``."""
    marks = document["marks"]
    return {
        "pack": document["pack"],
        "seed": document["seed"],
        "digest": document["digest"],
        "precision": marks["total"]["precision"] if marks else None,
        "recall": marks["total"]["recall"] if marks else None,
        "marks": marks["codes"] if marks else [],
        "seconds": document["seconds"],
        "passed": document["passed"],
        "key_sha256": document["key_sha256"],
        "comparison": document.get("comparison"),
        "ladder": document.get("ladder"),
        "dials": document.get("dials"),
        "shown": document.get("shown"),
        "incidents": document.get("incidents"),
        "simulated": True,
    }


def alert_of(case: Case) -> Alert:
    """Return what marking needs of a case; a withdrawn case was no alert in the end and is left out before."""
    finding = case.finding
    return Alert(
        case=case.id,
        code=finding.code,
        subject_kind=finding.subject_kind,
        subject=finding.subject,
        rep=finding.rep,
        opened_at=finding.opened_at,
        closed_at=finding.closed_at,
        severity=finding.severity.value,
        confidence=finding.confidence,
        values=tuple(_leaves([finding.params, *({"ids": list(e.ids), **e.facts} for e in finding.evidence)])),
    )


class _Stopwatch:
    """Seconds since the last lap, by name. Durations only: no date, so no digest depends on it."""

    def __init__(self) -> None:
        self._begun = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name] = round(now - self._last, 3)
        self._last = now

    def laps(self) -> dict[str, float]:
        return {**self._laps, "total": round(self._last - self._begun, 3)}


def _product(
    tenant: Tenant,
    fixes: Any,
    out: Path,
    db: str | None,
    plugins: Sequence[Any] | None,
    autoload: bool,
    settings: Mapping[str, Any] | None,
    call_limit_s: float,
    tell: Callable[[str], None],
    ask: Ask | None = None,
) -> tuple[list[Case], Fed, dict[str, Any]]:
    """Open a runtime, feed it, and return its live cases, what was fed, and how its plugins fared."""
    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.runtime import FieldHR

    clock = FrozenClock(opening_instant(tenant))
    url = db
    if url is None:
        for old in (*out.glob("trial.db*"), *out.glob(WITNESS)):
            old.unlink()
        url = f"sqlite:///{out / DATABASE}"
        settings = {**_settings(tenant), **(settings or {})}
    with FieldHR.open(url, plugins=plugins, autoload=autoload, clock=clock, call_limit_s=call_limit_s) as hr:
        fed = feed(hr, clock, tenant, fixes, settings=settings, progress=tell, folder=out)
        with hr.acting_as(principal(tenant), purpose="operations") as desk:
            cases = [case for case in desk.alerts.list() if case.state.value != "withdrawn"]
            dials = compare_dials(desk, tenant)
        with hr.acting_as(principal(tenant), purpose="performance") as desk:
            shown = compare_shown(desk, tenant, cases)
        hr.advance(clock.now())
        rows = {
            "answers": {} if ask is None else ask(hr, tenant, out / DATABASE if db is None else None),
            "dials": dials,
            "shown": shown,
            "reports": [
                {**attrs.asdict(report), "status": report.status.value, "families": list(report.families)}
                for report in hr.plugins
            ],
            "faults": [
                {
                    "plugin": fault.plugin,
                    "family": fault.family,
                    "provider": fault.provider,
                    "kind": str(fault.kind),
                    "count": fault.count,
                    "detail": fault.detail,
                }
                for fault in hr.faults
            ],
        }
    return sorted(cases, key=lambda case: (case.finding.opened_at, case.finding.code, case.finding.subject)), fed, rows


def _settings(tenant: Tenant) -> dict[str, Any]:
    """Return what a trial with a folder of its own sets of what a host sets: a witness, and how long tracks are kept.

    A longer trial is reported on from its first day to its last; its tracks stay as fine as they came.
    """
    fine = PROFILES[PROFILE]
    return {"witness": WITNESS} | ({"retention": PROFILE} if tenant.days.count <= fine.raw_days else {})


def _size(tenant: Tenant, fed: Fed) -> dict[str, Any]:
    exposure = tenant.exposure()
    return {
        "reps": len(tenant.world.reps),
        "days": tenant.days.count,
        "working_days": len(tenant.days.working()),
        "first": tenant.days.date(0).isoformat(),
        "last": tenant.days.date(tenant.days.count - 1).isoformat(),
        "rep_days": exposure.rep_days,
        "customers": len(tenant.world.customers),
        "places": len(tenant.world.places()),
        "outings": sum(1 for _ in tenant.outings()),
        "check_ins": len(fed.answers),
        "follow_ups": fed.follow_ups,
        "messages": fed.messages,
        "handed_in": fed.handed,
        "fixes": attrs.asdict(fed.receipt),
    }


def _marked(tenant: Tenant, alerts: Sequence[Alert], key: AnswerKey, refused: Mapping[str, int]) -> dict[str, Any]:
    found = match(key, alerts)
    marks = mark(key, found, tenant.exposure(), tenant.groups())
    bar = tenant.pack.bar
    counters = [
        {"reason": reason, "sent": sent, "refused": refused.get(reason, 0)}
        for reason, sent in sorted(key.counters.items())
    ]
    right = (
        (marks.total.precision or 0.0) >= bar.precision and (marks.total.recall or 0.0) >= bar.recall
        if key.alerts
        else marks.serious_per_rep_week <= bar.serious_per_rep_week
        and marks.serious_per_manager_day <= bar.serious_per_manager_day
        and all(each.at_least <= bar.group_ratio for each in marks.group_ratios)
    )
    campaigns = None
    if key.campaigns:
        campaigns = campaign_marks(key, alerts, [rep.id for rep in tenant.world.reps], tenant.days.working_between)
        right = (
            (right or not key.alerts)
            and campaigns["found"] >= bar.campaigns * campaigns["of"]
            and campaigns["others_accused"] <= bar.others_accused * campaigns["others"]
        )
    return {
        "passed": right and all(each["sent"] == each["refused"] for each in counters),
        "campaigns": campaigns,
        "counters": counters,
        "marks": _marks_row(marks),
        "key": [record.as_json() for record in key.records],
        "verdicts": {alert.case: verdict for alert, verdict, _ in found.verdicts},
        "found": {
            record.instance: alert.case
            for alert, verdict, record in found.verdicts
            if verdict == Verdict.TRUE and record is not None
        },
        "missed": [record.instance for record in found.missed],
        "disturbed": [[record.instance, alert.case] for record, alert in found.disturbed],
        "showcase": showcase(tenant, found),
    }


def _compared(
    tenant: Tenant,
    alerts: Sequence[Alert],
    key: AnswerKey,
    plugins: Sequence[Any] | None,
    autoload: bool,
    call_limit_s: float,
) -> dict[str, Any]:
    own = comparison_row(OWN_RULE, mark_code(COMPARED, match(key, alerts)), tenant)
    others = compare(tenant, key, tenant.pack.beside, plugins=plugins, autoload=autoload, call_limit_s=call_limit_s)
    rows = [own, *others]
    return {"code": COMPARED, "rows": rows, "at_most_half": at_most_half(rows, OWN_RULE)}


def _climbed(
    tenant: Tenant,
    out: Path,
    plugins: Sequence[Any] | None,
    autoload: bool,
    settings: Mapping[str, Any] | None,
    call_limit_s: float,
    tell: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Run the trial once more with each step's phones, in memory, and return the marks of each step."""
    rows = []
    for step in tenant.pack.ladder:
        tell(step.name)
        worse = build(tenant.pack, tenant.seed, dials=step.dials)
        with fixes_of(worse, 1, blind=False) as fixes:
            cases, _, _ = _product(worse, fixes, out, "sqlite://", plugins, autoload, settings, call_limit_s, tell)
        found = match(worse.key, [alert_of(case) for case in cases])
        total = mark_code("", found)
        missed: dict[str, int] = {}
        for record in found.missed:
            missed[record.scenario] = missed.get(record.scenario, 0) + 1
        rows.append(
            {
                "step": step.name,
                **{name: getattr(total, name) for name in ("tp", "fp", "fn", "duplicates", "precision", "recall")},
                "missed": dict(sorted(missed.items())),
                "false": sorted(alert.code for alert, verdict, _ in found.verdicts if verdict == Verdict.FALSE),
                "holds": (total.precision or 0.0) >= tenant.pack.bar.precision,
            }
        )
    return rows


def _marks_row(marks: Marks) -> dict[str, Any]:
    return {
        **attrs.asdict(marks),
        "codes": [attrs.asdict(code) for code in marks.codes],
        "total": attrs.asdict(marks.total),
        "group_ratios": [attrs.asdict(ratio) for ratio in marks.group_ratios],
        "reliability": [attrs.asdict(row) for row in marks.reliability],
    }


def _alert_row(case: Case) -> dict[str, Any]:
    alert = alert_of(case)
    finding = case.finding
    return {
        "case": case.id,
        "code": alert.code,
        "subject_kind": alert.subject_kind,
        "subject": alert.subject,
        "rep": alert.rep,
        "opened_at": alert.opened_at.isoformat(),
        "closed_at": None if alert.closed_at is None else alert.closed_at.isoformat(),
        "severity": alert.severity,
        "confidence": alert.confidence,
        "rule": f"{finding.rule} {finding.version}",
        "thresholds": dict(finding.thresholds),
        "explanation": finding.explanation,
        "params": dict(finding.params),
        "readings": list(finding.readings),
        "audience": [audience.value for audience in finding.audience],
        "evidence": [{"kind": e.kind, "ids": list(e.ids), "facts": dict(e.facts)} for e in finding.evidence],
        "simulated": True,
    }


def _alert_from(row: Mapping[str, Any]) -> Alert:
    from datetime import datetime

    return Alert(
        case=row["case"],
        code=row["code"],
        subject_kind=row["subject_kind"],
        subject=row["subject"],
        rep=row["rep"],
        opened_at=datetime.fromisoformat(row["opened_at"]),
        closed_at=None if row["closed_at"] is None else datetime.fromisoformat(row["closed_at"]),
        severity=row["severity"],
        confidence=row["confidence"],
        values=tuple(_leaves([row["params"], *({"ids": e["ids"], **e["facts"]} for e in row["evidence"])])),
    )


def _digest(tables: Mapping[str, str], cases: Sequence[Case]) -> str:
    """Return the trial's digest: the tables and the set of alerts, without anything that names this run."""
    alerts = sorted(
        canonical(
            {
                "code": case.finding.code,
                "subject": case.finding.subject,
                "opened_at": case.finding.opened_at,
                "closed_at": case.finding.closed_at,
                "severity": case.finding.severity.value,
                "evidence": hashlib.sha256(canonical(_alert_row(case)["evidence"])).hexdigest(),
            }
        ).decode()
        for case in cases
    )
    return hashlib.sha256(canonical({"tables": dict(tables), "alerts": alerts})).hexdigest()


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    if isinstance(value, list | tuple):
        return [leaf for each in value for leaf in _leaves(each)]
    return [value]


def _write(out: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
    (out / REPORT).write_text(text + "\n", encoding="utf-8")
