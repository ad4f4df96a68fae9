"""The hook reference says what the code says, and the integrator's tutorial works to the letter."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fieldhr_core.hooks.plugin import PLUGIN_API, PluginStatus
from fieldhr_core.hooks.settings import json_schema
from fieldhr_core.hooks.specs import Specs
from fieldhr_core.hooks.validation import HOOKS

LABELS = ("Called", "Args", "Returns", "Combine", "If it fails")


@pytest.fixture(scope="module")
def sections(checkout: Path) -> dict[str, str]:
    text = (checkout / "docs/reference/hooks.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_hook_has_a_section_and_every_section_a_hook(sections: dict[str, str]) -> None:
    assert list(sections) == list(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_section_has_the_signature_of_the_code_its_labels_and_an_example(name: str, sections: dict[str, str]) -> None:
    section = sections[name]
    signature = inspect.signature(getattr(Specs, name))
    without_self = signature.replace(parameters=list(signature.parameters.values())[1:])
    written = f"{name}{without_self}".replace("'", "")
    assert f"```text\n{written}\n```" in section
    assert re.findall(r"^- \*\*([\w ]+):\*\*", section, re.MULTILINE) == list(LABELS)
    (example,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert f"@hookimpl\ndef {name}(" in example
    assert "assert " in example


@pytest.mark.parametrize("name", HOOKS)
def test_a_spec_answers_every_question(name: str) -> None:
    doc = inspect.getdoc(getattr(Specs, name)) or ""
    labels = re.findall(r"^\*\*([\w/ ]+):\*\*", doc, re.MULTILINE)
    assert labels == ["Called", "Args", "Returns", "Combine", "Sync/async", "If it fails"]
    assert ".. versionadded::" in doc


def test_the_reference_of_the_plugin_api_is_complete(checkout: Path) -> None:
    text = (checkout / "docs/reference/plugin-api.md").read_text(encoding="utf-8")
    for status in PluginStatus:
        assert f"| `{status.value}` |" in text
    changes = text.partition("## Changes of the plugin API")[2]
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", changes, re.MULTILINE)] == list(
        range(1, PLUGIN_API + 1)
    )
    from fieldhr_core import testing
    from fieldhr_core.testing import conformance

    kit = text.partition("## The conformance kit")[2]
    for name in (name for name in testing.__all__ if name.endswith("Conformance")):
        row = re.search(rf"^\| `{name}` \|.*$", kit, re.MULTILINE)
        assert row, name
        assert set(getattr(conformance, name).optional) == set(re.findall(r"`(\w+)`", row[0].rsplit("|", 2)[1]))
    assert json_schema  # the page shows it; the page's own blocks run with the other documents


@pytest.mark.req("H2")
@pytest.mark.slow
def test_the_tutorial_works_to_the_letter(checkout: Path, tmp_path: Path) -> None:
    text = (checkout / "docs/tutorials/first-plugin.md").read_text(encoding="utf-8")
    site, folder = tmp_path / "site", tmp_path
    ran, replaced = [], []
    for found in re.finditer(r"(?P<before>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<body>.*?)```", text, re.DOTALL):
        file = re.search(r"all of `([^`]+)`", found["before"])
        if file is not None:
            (folder / file[1]).write_text(found["body"], encoding="utf-8")
            replaced.append(file[1])
        if found["kind"] != "console":
            continue
        for line in found["body"].splitlines():
            words = shlex.split(line)
            ran.append(words)
            if words[0] == "cd":
                folder /= words[1]
                continue
            if "pip" in words:
                # Into a folder of this test instead of the environment that runs it.
                words = [
                    *(word for word in words if word not in ("-e", ".")),
                    "-q",
                    "--no-index",
                    "--target",
                    str(site),
                    ".",
                ]
            program = {"python": [sys.executable], "fieldhr": [sys.executable, "-m", "fieldhr_core.cli"]}[words[0]]
            path = os.pathsep.join([str(folder / "src"), str(site)])
            done = subprocess.run(
                [*program, *words[1:]],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            if words[1:3] == ["plugins", "list"]:
                assert re.search(r"^acme\.reach +0\.1\.0 +active +acme-reach +scorers$", done.stdout, re.MULTILINE)
    assert len(ran) >= 8
    assert replaced == ["src/acme_reach/scorer.py", "tests/test_reach.py"]
