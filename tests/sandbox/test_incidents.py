"""Incidents with the house itself, each with its alert, and the evidence table over the trial they were done to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fieldhr_sandbox.faults import FAULTS
from fieldhr_sandbox.incidents import INCIDENTS
from fieldhr_sandbox.security import examine, write
from fieldhr_sandbox.trial import run_trial


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("operation")
    return out, dict(run_trial("operation", seed=71, out=out).document)


@pytest.mark.req("E2", "E3", "E4", "E7", "H3")
@pytest.mark.scenario("O03", "O04", "O05", "O06", "O07", "O08")
def test_every_incident_raises_its_alert_and_nothing_else(trial: Any) -> None:
    out, document = trial
    rows = document["incidents"]
    assert [row["scenario"] for row in rows] == list(INCIDENTS)
    assert [(row["scenario"], row["wrong"]) for row in rows if not row["holds"]] == []
    assert all(row["simulated"] for row in rows)
    assert document["passed"]
    assert not list(out.glob("incident-*")), "the copies are gone"
    assert document["marks"]["total"]["fp"] == 0, "the trial's own marks do not hear of them"


@pytest.mark.req("E7")
@pytest.mark.scenario("O11")
def test_the_doctor_names_every_planted_fault_and_mends_what_the_key_says(trial: Any) -> None:
    rows = {row["scenario"]: row for row in trial[1]["incidents"] if row["scenario"].startswith("O11/")}
    assert rows.pop("O11/healthy")["wrong"] == []
    assert len(rows) == len(FAULTS) == 20
    assert all(row["dose"]["named"] for row in rows.values())
    assert sum(row["dose"]["mended"] for row in rows.values()) >= 14
    assert [row["dose"]["named_beside_it"] for row in rows.values()] == [[]] * 20, "and nothing else is blamed"


@pytest.mark.scenario("O11")
def test_a_doctor_who_does_not_look_fails(trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    from fieldhr_core.care.doctor import examine as examination
    from fieldhr_sandbox import incidents

    out, document = trial
    kept = tuple(check for check in examination.CHECKS if check.code != "calendar.empty")
    monkeypatch.setattr(examination, "CHECKS", kept)
    at = datetime(2026, 3, 4, 2, tzinfo=UTC)
    row = incidents._done("O11/empty-calendar", out / "trial.db", document["tenant"], 71, at, out)
    assert "calendar.empty is not named." in row["wrong"]


@pytest.mark.scenario("O05")
def test_an_incident_that_is_not_told_fails(trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    from fieldhr_core.flow import watch
    from fieldhr_sandbox import incidents

    out, document = trial
    monkeypatch.setattr(watch, "_trail", lambda *_: iter(()))
    at = datetime(2026, 3, 4, 2, tzinfo=UTC)
    row = incidents._done("O06", out / "trial.db", document["tenant"], 71, at, out)
    assert not row["holds"]
    assert "instead of one" in row["wrong"][0]


@pytest.mark.req("E5")
def test_evidence_over_a_trial_and_over_a_spoilt_one(trial: Any, tmp_path: Path, run_fieldhr: Any) -> None:
    out, _ = trial
    found = examine(out)
    write(found, tmp_path)
    assert [(proof.check, proof.found) for proof in found.proofs if proof.status == "fail"] == []
    assert found.counts["fail"] == 0
    live = {proof.check: proof.status for proof in found.proofs}
    assert (live["audit.witness"], live["retention.kept"]) == ("pass", "pass")
    assert found.counts["pass"] >= 70
    assert json.loads((tmp_path / "security.json").read_text())["simulated"] is True
    for page in ("security.html", "security.zh-Hans.html"):
        assert found.sha256 in (tmp_path / page).read_text()
    (out / "trial.db.keys").chmod(0o644)
    try:
        done = run_fieldhr("trial", "security", str(out), "--no-drill")
    finally:
        (out / "trial.db.keys").chmod(0o600)
    assert done.returncode == 1, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["counts"]["fail"] > 0
    assert lines[-1]["counts"]["pass"] == 0, "what could not be tried has not passed"
    keys = next(line for line in lines if line.get("control") == "iso27001.8.24")
    assert (keys["status"], "read by others" in keys["found"][0]) == ("fail", True)
