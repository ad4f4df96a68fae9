"""Documents are checked against the code: their Python runs, their links lead somewhere, generated pages are fresh."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from sybil.document import Document
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.hooks.settings import json_schema
from fieldhr_core.model import Message, Outcome, Person, Principal, Role
from fieldhr_sandbox.buyer.promises import promises

CHECKOUT = Path(__file__).resolve().parents[2]

#: Documents whose Python blocks cannot run in a test, each with the reason. All others run.
NOT_EXECUTABLE: dict[str, str] = {}

DOCUMENTS = sorted(
    path.relative_to(CHECKOUT).as_posix()
    for path in [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), *(CHECKOUT / "changelog.d").glob("*.md")]
)

WITH_PYTHON = [name for name in DOCUMENTS if "```python" in (CHECKOUT / name).read_text(encoding="utf-8")]


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fieldhr_docs_generate", CHECKOUT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


@pytest.mark.parametrize("name", sorted(set(WITH_PYTHON) - set(NOT_EXECUTABLE)))
def test_python_blocks_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parsers = [PythonCodeBlockParser(), SkipParser()]
    document = Document.parse(str(CHECKOUT / name), *parsers)
    ran = 0
    for example in document.examples():
        example.evaluate()
        ran += 1
    assert ran


def test_documents_that_do_not_run_exist_and_hold_python() -> None:
    assert set(NOT_EXECUTABLE) <= set(WITH_PYTHON)
    assert all(len(reason) > 20 for reason in NOT_EXECUTABLE.values())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    text = re.sub(r"```.*?```", "", (CHECKOUT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    dead = [
        target
        for target in targets
        if "://" not in target and not ((CHECKOUT / name).parent / target).resolve().exists()
    ]
    assert dead == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_code_blocks_say_what_they_hold(name: str) -> None:
    fences = re.findall(r"^```(.*)$", (CHECKOUT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(fences) % 2 == 0
    assert "" not in fences[::2]


@pytest.mark.parametrize("page", GENERATOR.PAGES)
def test_generated_page_is_fresh(page: str) -> None:
    committed = (CHECKOUT / "docs" / page).read_text(encoding="utf-8")
    assert committed == GENERATOR.PAGES[page](), "run: python docs/generate.py"


def test_marks_name_rows_that_exist() -> None:
    rows = {row for area in promises().values() for row in area if row != "title"}
    assert len(rows) == 55
    assert set(GENERATOR.requirement_marks(CHECKOUT / "tests")) <= rows


def test_every_setting_is_explained() -> None:
    mute = [
        f"{plugin.name}.{name}"
        for _, plugin in GENERATOR.plugins()
        if plugin.settings is not None
        for name, schema in json_schema(plugin.settings)["properties"].items()
        if not schema.get("description")
    ]
    assert mute == []


def test_every_command_argument_is_explained() -> None:
    import argparse

    mute = []
    for command in GENERATOR.commands():
        parser = argparse.ArgumentParser(add_help=False)
        command.arguments(parser)
        mute += [f"{' '.join(command.path)}: {action.dest}" for action in parser._actions if not action.help]
        assert command.summary, command.path
    assert mute == []


def test_readme_holds_exactly_two_commands() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    trial, tests = blocks
    assert trial.count("\n") == tests.count("\n") == 1
    assert "fieldhr trial run smoke" in trial
    assert tests.rstrip().endswith("pytest")


def test_generator_says_when_a_page_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reference").mkdir()
    monkeypatch.setattr(GENERATOR, "DOCS", tmp_path)
    assert GENERATOR.main(["--check", "reference/errors.md"]) == 1
    assert GENERATOR.main(["reference/errors.md"]) == 0
    assert GENERATOR.main(["--check", "reference/errors.md"]) == 0


def test_generator_runs_as_a_program() -> None:
    subprocess.run(
        [sys.executable, str(CHECKOUT / "docs/generate.py"), "--check", "reference/errors.md"], check=True, cwd="/"
    )


@pytest.mark.req("H1")
def test_plugin_of_the_readme_rules(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (CHECKOUT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    (source,) = [block for block in blocks if "PLUGIN = " in block]
    plugin = ModuleType("acme_no_shouting")
    exec(source, plugin.__dict__)
    at = datetime(2026, 3, 2, 2, tzinfo=UTC)
    with FieldHR.open(
        f"sqlite:///{tmp_path / 'f.db'}", plugins=[plugin], autoload=False, strict=True, clock=FrozenClock(at)
    ) as hr:
        hr.tenants.create("bank", name="City Bank")
        with hr.acting_as(Principal(tenant="bank", id="erp", role=Role.ADMIN), purpose="operations") as desk:
            desk.people.put([Person(id="ann", name="Ann Li")])
            said = [
                Message(id=text, thread="t", rep="ann", customer=None, speaker="rep", text=text, time=at)
                for text in ("BUY NOW", "buy now")
            ]
            loud, quiet = desk.messages.submit(said)
    assert (loud.outcome, quiet.outcome) == (Outcome.REVIEW, Outcome.CLEARED)
