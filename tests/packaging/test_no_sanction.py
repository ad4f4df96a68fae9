"""No code leads from an alert to a decision, let alone to a sanction: only a person's call confirms a case."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.req("E6")

#: Functions that may take or show the steps that judge somebody. All of them are called by a person's own request, as
#: that person's principal; the runtime's own work - schedule, deadlines, alerters, deliveries - is not among them.
JUDGING = {
    ("fieldhr_core/flow/alerts.py", "confirm"),
    ("fieldhr_core/flow/alerts.py", "dismiss"),
    ("fieldhr_core/flow/customers.py", "accept_pin"),
}
#: They only compare, and take no step.
COMPARING = {"fieldhr_core/flow/alerts.py", "fieldhr_core/flow/cases.py", "fieldhr_core/flow/deadlines.py"}
#: Modules that run by themselves, without anybody asking.
BY_THEMSELVES = ("schedule", "attending", "judging", "watch", "upkeep", "delivery", "days", "witnessing", "consent")
WORDS = {"CONFIRM", "DISMISS", "CONFIRMED", "DISMISSED"}


def steps_taken(source: str) -> Iterator[tuple[str, str]]:
    """Yield (function, word) of each call that is handed a judging step or state."""
    tree = ast.parse(source)
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for call in ast.walk(function):
                if isinstance(call, ast.Call):
                    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
                        for part in ast.walk(argument):
                            if isinstance(part, ast.Attribute) and part.attr in WORDS and _names_a_case(part):
                                yield function.name, part.attr


def _names_a_case(part: ast.Attribute) -> bool:
    return isinstance(part.value, ast.Name) and part.value.id in ("CaseStep", "CaseState")


def sources(checkout: Path) -> Iterator[tuple[str, str]]:
    for root in ("fieldhr_core", "plugins/fieldhr_plugins"):
        for path in sorted((checkout / root).rglob("*.py")):
            name = path.relative_to(checkout).as_posix()
            # The rehearsal of what must be refused judges made-up people in a transaction that is undone.
            if "care/evidence" not in name and "/console/" not in name and not name.startswith("fieldhr_core/testing"):
                yield name, path.read_text(encoding="utf-8")


def test_only_a_persons_call_judges(checkout: Path) -> None:
    taken = {
        (name, function)
        for name, text in sources(checkout)
        for function, _ in steps_taken(text)
        if name not in COMPARING or (name, function) in JUDGING
    }
    assert taken == JUDGING


@pytest.mark.parametrize("module", BY_THEMSELVES)
def test_what_runs_by_itself_takes_no_step_that_judges(checkout: Path, module: str) -> None:
    text = (checkout / "fieldhr_core" / "flow" / f"{module}.py").read_text(encoding="utf-8")
    assert list(steps_taken(text)) == []
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    names = {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)}
    assert not names & {"confirm", "dismiss", "step"}


def test_the_search_finds_a_machine_that_judges() -> None:
    guilty = "def nightly(acting, case):\n    move(acting, unit, [case], CaseState.CONFIRMED, 'rule')\n"
    assert list(steps_taken(guilty)) == [("nightly", "CONFIRMED")]
    also = "def nightly(alerts, case):\n    alerts.step(case, CaseStep.CONFIRM, note='by rule')\n"
    assert list(steps_taken(also)) == [("nightly", "CONFIRM")]
