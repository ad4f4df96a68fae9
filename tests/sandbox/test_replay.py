"""Every alert of a whole trial comes out of its evidence again, byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import Principal, Role
from fieldhr_sandbox.trial import run_trial


@pytest.mark.req("C8")
def test_every_alert_of_a_trial_replays_to_the_same_bytes(tmp_path: Path) -> None:
    document = run_trial("smoke", seed=11, out=tmp_path).document
    later = FrozenClock(datetime(2026, 5, 30, tzinfo=UTC))
    admin = Principal(tenant=document["tenant"], id="auditor", role=Role.ADMIN)
    with (
        FieldHR.open(f"sqlite:///{tmp_path / 'trial.db'}", clock=later) as hr,
        hr.acting_as(admin, purpose="operations") as desk,
    ):
        cases = [case for case in desk.alerts.list() if case.state.value != "withdrawn"]
        unequal = [case.finding.code for case in cases if not desk.alerts.replay(case.id).equal]
    assert len({case.finding.code for case in cases}) >= 8
    assert unequal == []
