"""Rows R and C07-C08 through the public interface: found at their instant, and their look-alikes left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldhr_sandbox.trial import run_trial


@pytest.mark.req("C3", "C4", "C7", "I2")
@pytest.mark.scenario("R01", "R02", "R03", "R04", "R05", "R06", "R07", "R08", "R09", "R10")
def test_risky_customers_and_borrowers(tmp_path: Path) -> None:
    document = run_trial("borrowers", seed=31, out=tmp_path).document
    marks = {code["code"]: (code["tp"], code["fp"], code["fn"]) for code in document["marks"]["codes"]}
    assert marks == {
        "aml.hit": (16, 0, 0),
        "aml.possible_hit": (12, 0, 0),
        "conduct.money_with_customer": (4, 0, 0),
        "credit.connected_borrowers": (4, 0, 0),
        "credit.evergreening": (4, 0, 0),
        "credit.repayment_risk": (5, 0, 0),
        "credit.statement_inconsistent": (6, 0, 0),
        "risk.frequent_contact": (5, 0, 0),
    }
    assert document["disturbed"] == []
    assert document["plugins"]["faults"] == []


@pytest.mark.req("C1", "C2")
@pytest.mark.scenario("C07", "C08")
def test_words_and_sales(tmp_path: Path) -> None:
    document = run_trial("words", seed=32, out=tmp_path).document
    total = document["marks"]["total"]
    assert (total["fp"], total["fn"], document["disturbed"]) == (0, 0, [])
    assert document["plugins"]["faults"] == []
