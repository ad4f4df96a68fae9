"""Separately installed plugins, good and bad: each is named, and the rest goes on.

A distribution is a folder on the path with a module and its metadata; nothing has to be downloaded for that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

HEAD = """
from fieldhr_core.hooks import Offer, PluginInfo, hookimpl

PLUGIN = PluginInfo(name={name!r}, version="1.0", summary="A plugin of the tests.")
"""

ALERTER = """
class Finder:
    codes = ("sample.never",)
    cadence = "live"
    days = 1

    def find(self, tables, /):
        {body}

@hookimpl
def fieldhr_register_alerters(context):
    return [Offer("sample", lambda settings: Finder(), role="find")]
"""

CHECK = """
class TooFew:
    kinds = ("message",)

    def check(self, submissions, /):
        return []

@hookimpl
def fieldhr_register_checks(context):
    return [Offer("sample", lambda settings: TooFew())]
"""

GOOD = HEAD.format(name="acme.good") + ALERTER.format(body="return ()")
RAISES_AT_IMPORT = "raise RuntimeError('the module of acme.importer is broken')\n"
RAISES_IN_A_CALL = HEAD.format(name="acme.raiser") + ALERTER.format(body="raise RuntimeError('acme.raiser gives up')")
SLEEPS_FOREVER = HEAD.format(name="acme.sleeper") + ALERTER.format(body="import time; time.sleep(3600)")
ANSWERS_TOO_FEW = HEAD.format(name="acme.miscounter") + CHECK


def install(site: Path, module: str, source: str) -> None:
    """Put a distribution of one module with one entry point into *site*."""
    (site / f"{module}.py").write_text(source, encoding="utf-8")
    metadata = site / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[fieldhr.plugins]\n{module} = {module}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that child processes take for a second site-packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.mark.req("H1")
def test_an_installed_plugin_is_listed(site: Path, run_fieldhr: Run) -> None:
    install(site, "acme_good", GOOD)
    done = run_fieldhr("plugins", "list")
    assert done.returncode == 0, done.stderr
    assert "acme.good" in done.stdout
    assert "acme-good" in done.stdout


@pytest.mark.req("H3")
def test_a_plugin_that_cannot_be_imported_is_listed_with_its_cause(site: Path, run_fieldhr: Run) -> None:
    install(site, "acme_importer", RAISES_AT_IMPORT)
    done = run_fieldhr("plugins", "list")
    assert "acme-importer" in done.stdout
    assert "the module of acme.importer is broken" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.req("H3")
@pytest.mark.parametrize(
    ("module", "source", "name"),
    [
        pytest.param("acme_importer", RAISES_AT_IMPORT, "acme_importer", id="raises-at-import"),
        pytest.param("acme_raiser", RAISES_IN_A_CALL, "acme.raiser", id="raises-in-a-call"),
        pytest.param("acme_sleeper", SLEEPS_FOREVER, "acme.sleeper", id="sleeps-forever"),
        pytest.param("acme_miscounter", ANSWERS_TOO_FEW, "acme.miscounter", id="answers-too-few"),
    ],
)
def test_the_trial_finishes_and_names_the_bad_plugin(
    module: str, source: str, name: str, site: Path, run_fieldhr: Run, tmp_path: Path
) -> None:
    install(site, module, source)
    done = run_fieldhr("trial", "run", "smoke", "--seed", "5", "--out", "out", timeout_s=240)
    assert done.returncode in {0, 1}, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1])["pack"] == "smoke"
    told = done.stderr + (tmp_path / "out" / "report.json").read_text(encoding="utf-8")
    assert name in told


def test_the_sample_distribution_is_a_distribution(site: Path) -> None:
    install(site, "acme_good", GOOD)
    code = (
        "import importlib.metadata as m\n"
        "(p,) = [p for p in m.entry_points(group='fieldhr.plugins') if p.name == 'acme_good']\n"
        "assert p.load().PLUGIN.name == 'acme.good'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
